//! Profiles of the AWS command line, with keys, region and endpoint.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;

/// Values of a profile by name, some of which are secret.
#[derive(Default)]
pub(super) struct Profile(BTreeMap<String, String>);

/// Settings in profiles from which other programs obtain keys.
const OTHER_CREDENTIALS: [&str; 5] =
    ["sso_session", "sso_start_url", "role_arn", "credential_process", "login_session"];

impl Profile {
    /// Reads the profile that `AWS_PROFILE` names, or the default one.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::InvalidInput`] if `AWS_PROFILE` names none.
    pub(super) fn read() -> io::Result<Self> {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let chosen = variable("AWS_PROFILE").or_else(|| variable("AWS_DEFAULT_PROFILE"));
        let name = chosen.clone().unwrap_or_else(|| "default".to_owned());
        let folder = variable("HOME").map(|home| PathBuf::from(home).join(".aws"));
        let text = |variable_name: &str, file: &str| {
            let path = variable(variable_name).map(PathBuf::from);
            let path = path.or_else(|| folder.as_ref().map(|folder| folder.join(file)));
            path.and_then(|path| std::fs::read_to_string(path).ok()).unwrap_or_default()
        };
        let config = text("AWS_CONFIG_FILE", "config");
        let credentials = text("AWS_SHARED_CREDENTIALS_FILE", "credentials");
        let sections = [
            section(&config, &format!("profile {name}")),
            section(&config, &name),
            section(&credentials, &name),
        ];
        if chosen.is_some() && sections.iter().all(Option::is_none) {
            let message = format!("there is no profile {name:?} in ~/.aws (AWS_PROFILE)");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        Ok(Self(sections.into_iter().flatten().flatten().collect()))
    }

    /// Returns a value.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Returns whether the keys of the profile come from another program or service.
    pub(super) fn needs_another_program(&self) -> bool {
        self.value("aws_access_key_id").is_none()
            && OTHER_CREDENTIALS.iter().any(|name| self.value(name).is_some())
    }
}

/// Returns the values of a section of an INI file, `None` if there is no such section.
fn section(text: &str, name: &str) -> Option<BTreeMap<String, String>> {
    let mut values = None;
    let mut is_inside = false;
    for line in text.lines() {
        // Indented lines belong to the value before them.
        let is_nested = line.starts_with([' ', '\t']);
        let line = line.trim();
        if line.starts_with(['#', ';']) {
            continue;
        }
        if let Some(heading) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            let words: Vec<_> = heading.split_whitespace().collect();
            is_inside = words.join(" ").replace(['"', '\''], "") == name;
            if is_inside {
                values.get_or_insert_with(BTreeMap::new);
            }
        } else if is_inside
            && !is_nested
            && let Some((key, value)) = line.split_once('=')
            && let Some(values) = &mut values
        {
            values.insert(key.trim().to_ascii_lowercase(), value.trim().to_owned());
        }
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_have_values() {
        let text = "# keys\n[default]\naws_access_key_id = A\n\n[profile  \"lab\"]\nregion=eu-west-1\n\
                    s3 =\n  endpoint_url = no\n; a comment\nendpoint_url = http://x?a=b\n[empty]\n";
        let lab = section(text, "profile lab").unwrap();
        let values: Vec<_> = lab.iter().map(|(key, value)| (&**key, &**value)).collect();
        assert_eq!(values, [("endpoint_url", "http://x?a=b"), ("region", "eu-west-1"), ("s3", "")]);
        assert_eq!(section(text, "default").unwrap().len(), 1);
        assert_eq!(section(text, "empty").unwrap().len(), 0);
        assert!(section(text, "lab").is_none());
    }
}
