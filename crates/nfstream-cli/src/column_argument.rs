//! Names of columns as they are typed.

use std::ffi::OsStr;

use clap::Arg;
use clap::builder::{PossibleValue, TypedValueParser};
use nfstream::features::{COLUMNS, Column};

/// Names less like one another than this are not taken for a slip.
const SIMILAR: f64 = 0.7;

/// Reads the name of a column.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ColumnParser;

impl TypedValueParser for ColumnParser {
    type Value = &'static Column;

    fn parse_ref(
        &self,
        command: &clap::Command,
        arg: Option<&Arg>,
        value: &OsStr,
    ) -> Result<Self::Value, clap::Error> {
        TypedValueParser::parse_ref(&find, command, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(all().map(|column| PossibleValue::new(column.name).help(column.meaning))))
    }
}

/// Returns the column of this name.
pub(crate) fn find(name: &str) -> Result<&'static Column, String> {
    all().find(|column| column.name == name).ok_or_else(|| {
        let similar = |column: &&Column| strsim::jaro_winkler(column.name, name);
        let nearest = all().max_by(|a, b| similar(a).total_cmp(&similar(b)));
        match nearest.filter(|column| similar(column) >= SIMILAR) {
            Some(column) => format!("no such column; did you mean '{}'?", column.name),
            None => "no such column; 'nfstream columns' lists them".to_owned(),
        }
    })
}

fn all() -> impl Iterator<Item = &'static Column> {
    COLUMNS.iter().copied().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_corrected() {
        assert_eq!(find("id").map(|column| column.name), Ok("id"));
        let wrong = |name| find(name).unwrap_err();
        assert_eq!(wrong("src_prt"), "no such column; did you mean 'src_port'?");
        assert_eq!(wrong("aplication"), "no such column; did you mean 'application_name'?");
        assert_eq!(wrong("zzz"), "no such column; 'nfstream columns' lists them");
    }
}
