//! Output of flows: destinations and formats.

mod flow_table;
mod target;

use std::path::Path;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use nfstream::sink;

pub(crate) use flow_table::Selection;
#[cfg(feature = "top")]
pub(crate) use flow_table::{about, application, endpoint, plain, protocol};
pub(crate) use target::{SOURCE, Target, TargetOptions};

use crate::io::Stream;

/// Format of the output.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Format {
    /// A table for people, as wide as the terminal.
    Table,
    /// One of the engine's formats.
    Programs(sink::Format),
}

/// Width and colours of the output.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look {
    /// Columns of a line.
    pub(crate) width: usize,
    /// Whether to use colours.
    pub(crate) color: bool,
    /// Whether the output is a terminal.
    pub(crate) is_terminal: bool,
}

impl Format {
    /// Name of the table for people.
    const TABLE: &str = "table";

    /// Returns a parser of format names.
    pub(crate) fn parser() -> impl TypedValueParser<Value = Self> {
        let table = PossibleValue::new(Self::TABLE);
        let table = table.help("A table for people, as wide as the terminal");
        let formats = sink::Format::ALL.into_iter();
        let formats =
            formats.map(|format| PossibleValue::new(format.name).help(format.description));
        PossibleValuesParser::new([table].into_iter().chain(formats))
            .map(|name| sink::Format::by_name(&name).map_or(Self::Table, Self::Programs))
    }

    /// Returns the format that a file's extension selects.
    pub(crate) fn of_file(path: &Path) -> Option<Self> {
        sink::Format::of_file(path).map(Self::Programs)
    }

    /// Returns the known extensions: `.arrow, .csv or .parquet`.
    pub(crate) fn extensions() -> String {
        let all: Vec<_> =
            sink::Format::extensions().iter().map(|name| format!(".{name}")).collect();
        match all.as_slice() {
            [others @ .., last] if !others.is_empty() => format!("{} or {last}", others.join(", ")),
            all => all.concat(),
        }
    }

    /// Returns the name of the format on the command line.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Table => Self::TABLE,
            Self::Programs(format) => format.name,
        }
    }

    /// Returns the format for programs, `None` for the table for people.
    pub(crate) const fn programs(self) -> Option<sink::Format> {
        match self {
            Self::Table => None,
            Self::Programs(format) => Some(format),
        }
    }

    /// Returns whether the format is unreadable on a terminal.
    pub(crate) const fn is_binary(self) -> bool {
        match self {
            Self::Table => false,
            Self::Programs(format) => format.is_binary,
        }
    }
}

impl Look {
    /// Returns the look that suits a stream.
    pub(crate) fn of(stream: &Stream<'_>) -> Self {
        Self { width: stream.width, color: stream.color, is_terminal: stream.is_terminal }
    }
}
