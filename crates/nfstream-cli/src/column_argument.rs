//! Column names on the command line.

use std::ffi::OsStr;

use clap::Arg;
use clap::builder::{PossibleValue, TypedValueParser};
use clap::error::ErrorKind;
use nfstream::features::{Column, columns, nearest};
use nfstream::parameters::Parameters;
use nfstream::time::TimeUnit;

use crate::error::Error;
use crate::output::SOURCE;

/// Name of a column in any unit of time, or of a measure.
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

    /// Returns the column of this name in the table of a run; `option` names the column.
    pub(crate) fn find(
        self,
        parameters: &Parameters,
        option: &str,
    ) -> Result<&'static Column, Error> {
        let name = self.0;
        if let Some(column) = parameters.columns().find(|column| column.name == name) {
            return Ok(column);
        }
        if self.is_source() || all_units().any(|column| column.name == name) {
            return self.find_in(parameters.time_unit).map_err(Error::ColumnUnit);
        }
        let advice = match nearest(name, parameters.columns().map(|column| column.name)) {
            Some(meant) => format!("no such column; did you mean '{meant}'?"),
            None => "no such column; 'nfstream columns' lists them".to_owned(),
        };
        let text = format!(
            "invalid value '{name}' for '{option}': {advice}\n\nFor more information, try '--help'.\n"
        );
        Err(clap::Error::raw(ErrorKind::ValueValidation, text).into())
    }

    fn find_in(self, unit: TimeUnit) -> Result<&'static Column, String> {
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
        if let Some(column) = all_units().find(|column| column.name == name) {
            return Ok(Self(column.name));
        }
        if name == SOURCE {
            return Ok(Self(SOURCE));
        }
        if name.is_empty() {
            return Err("no such column; 'nfstream columns' lists them".to_owned());
        }
        // Possibly a measure, which is known once all options are. Kept for the life of the process.
        Ok(Self(name.to_owned().leak()))
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

/// Returns the columns of all units of time.
fn all_units() -> impl Iterator<Item = &'static Column> {
    TimeUnit::ALL.into_iter().flat_map(columns)
}

fn all() -> impl Iterator<Item = &'static Column> {
    columns(TimeUnit::default())
}

#[cfg(test)]
mod tests {
    use nfstream::parameters::Value;

    use super::*;

    #[test]
    fn slips_are_corrected() {
        assert_eq!("id".parse(), Ok(ColumnName("id")));
        let mut parameters = Parameters::default();
        let measure = ("up".to_owned(), "pkt.filter(pkt.up).count()".to_owned());
        parameters.set("measure", Value::Pairs(vec![measure])).unwrap();
        let find = |name: &str| {
            let name: ColumnName = name.parse().unwrap();
            name.find(&parameters, "--sort <NAME>")
        };
        assert_eq!(find("up").unwrap().type_name(), "int64");
        let wrong = |name: &str| find(name).unwrap_err().to_string();
        assert!(wrong("src_prt").contains("no such column; did you mean 'src_port'?"));
        assert!(wrong("aplication").contains("no such column; did you mean 'application_name'?"));
        assert!(wrong("zzz").contains("no such column; 'nfstream columns' lists them"));
    }

    #[test]
    fn names_follow_the_unit_of_times() {
        let name: ColumnName = "src2dst_duration_us".parse().unwrap();
        assert_eq!(name.find_in(TimeUnit::Microseconds).unwrap().unit, "us");
        let message = name.find_in(TimeUnit::Milliseconds).unwrap_err();
        assert!(message.ends_with("its name is src2dst_duration_ms"), "{message}");
    }
}
