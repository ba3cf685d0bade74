//! Column names on the command line.

use std::ffi::OsStr;

use clap::Arg;
use clap::builder::{PossibleValue, TypedValueParser};
use nfstream::features::{Column, columns, nearest};
use nfstream::time::TimeUnit;

use crate::output::SOURCE;

/// Name of a column in any unit of time.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct ColumnName(&'static str);

/// Parser of a column name.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ColumnParser;

impl ColumnName {
    /// Returns whether this is the column of sources, which tables have only with `--separate`.
    pub(crate) fn is_source(self) -> bool {
        self.0 == SOURCE
    }

    /// Returns the column of this name in a table with times in `unit`.
    pub(crate) fn find(self, unit: TimeUnit) -> Result<&'static Column, String> {
        let name = self.0;
        if self.is_source() {
            return Err(format!("column {SOURCE} cannot be used here"));
        }
        let known = columns(unit).find(|column| column.name == name);
        known.ok_or_else(|| {
            let meant = nearest(name, columns(unit).map(|column| column.name)).unwrap_or(name);
            format!(
                "column {name} has another time unit; with this --time-unit its name is {meant}"
            )
        })
    }
}

impl std::fmt::Display for ColumnName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

impl std::str::FromStr for ColumnName {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let known = TimeUnit::ALL.into_iter().flat_map(columns).find(|column| column.name == name);
        if let Some(column) = known {
            return Ok(Self(column.name));
        }
        if name == SOURCE {
            return Ok(Self(SOURCE));
        }
        Err(match nearest(name, all().map(|column| column.name)) {
            Some(meant) => format!("no such column; did you mean '{meant}'?"),
            None => "no such column; 'nfstream columns' lists them".to_owned(),
        })
    }
}

impl TypedValueParser for ColumnParser {
    type Value = ColumnName;

    fn parse_ref(
        &self,
        command: &clap::Command,
        arg: Option<&Arg>,
        value: &OsStr,
    ) -> Result<Self::Value, clap::Error> {
        let parse = |name: &str| name.parse::<ColumnName>();
        TypedValueParser::parse_ref(&parse, command, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        let known = all().map(|column| PossibleValue::new(column.name).help(column.description));
        let source = PossibleValue::new(SOURCE).help("name of the capture, with --separate");
        Some(Box::new(known.chain([source])))
    }
}

fn all() -> impl Iterator<Item = &'static Column> {
    columns(TimeUnit::default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_corrected() {
        assert_eq!("id".parse(), Ok(ColumnName("id")));
        let wrong = |name: &str| name.parse::<ColumnName>().unwrap_err();
        assert_eq!(wrong("src_prt"), "no such column; did you mean 'src_port'?");
        assert_eq!(wrong("aplication"), "no such column; did you mean 'application_name'?");
        assert_eq!(wrong("zzz"), "no such column; 'nfstream columns' lists them");
    }

    #[test]
    fn names_follow_the_unit_of_times() {
        let name: ColumnName = "src2dst_duration_us".parse().unwrap();
        assert_eq!(name.find(TimeUnit::Microseconds).unwrap().unit, "us");
        let message = name.find(TimeUnit::Milliseconds).unwrap_err();
        assert!(message.ends_with("its name is src2dst_duration_ms"), "{message}");
    }
}
