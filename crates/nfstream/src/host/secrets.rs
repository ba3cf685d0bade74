//! Secrets from the environment or from files of this machine, never from a command line.

use std::collections::BTreeMap;
use std::fmt::{self, Debug, Formatter};
use std::io;
use std::path::Path;

/// Names and values that must not be shown.
#[derive(Clone, Default)]
pub(crate) struct Secrets(BTreeMap<String, String>);

impl Secrets {
    /// Reads the environment variables `NFSTREAM_NAME` for each of `names`, and then a file with
    /// lines `name = value`, which replace them. Empty lines and lines that begin with `#` are
    /// skipped.
    ///
    /// # Errors
    ///
    /// Those of reading the file; a line of another form is [invalid data].
    ///
    /// [invalid data]: io::ErrorKind::InvalidData
    pub(crate) fn read(names: &[&str], file: Option<&Path>) -> io::Result<Self> {
        let variable = |name: &&str| {
            let value = std::env::var(format!("NFSTREAM_{}", name.to_ascii_uppercase())).ok()?;
            Some(((*name).to_owned(), value))
        };
        let mut values: BTreeMap<_, _> = names.iter().filter_map(variable).collect();
        let Some(file) = file else { return Ok(Self(values)) };
        for (number, line) in (1..).zip(std::fs::read_to_string(file)?.lines()) {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            // The line itself may be a secret.
            let Some((name, value)) = line.split_once('=') else {
                let message = format!("line {number} is not of the form name = value");
                return Err(io::Error::new(io::ErrorKind::InvalidData, message));
            };
            values.insert(name.trim().to_owned(), value.trim().to_owned());
        }
        Ok(Self(values))
    }

    /// Returns the value with this name.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

impl Debug for Secrets {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_gives_names_and_values_that_are_not_shown() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "# a comment\n\nuser = ada\npassword=a = b\n").unwrap();
        let secrets = Secrets::read(&["nothing_of_this_name"], Some(file.path())).unwrap();
        assert_eq!(
            (secrets.value("password"), secrets.value("user")),
            (Some("a = b"), Some("ada"))
        );
        assert_eq!(format!("{secrets:?}"), r#"{"password", "user"}"#);
        std::fs::write(file.path(), "user = ada\nhunter2\n").unwrap();
        let error = Secrets::read(&[], Some(file.path())).unwrap_err();
        assert_eq!(error.to_string(), "line 2 is not of the form name = value");
    }
}
