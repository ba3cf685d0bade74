//! Where flows go and how they are written.

mod destination;
mod encoder;
mod flow_table;

use std::path::Path;

pub(crate) use destination::{Destination, Existing};
pub(crate) use encoder::Encoder;
pub(crate) use flow_table::Selection;

use crate::io::Stream;

/// How flows are written.
#[derive(Clone, Copy, Debug, Eq, PartialEq, clap::ValueEnum)]
pub(crate) enum Format {
    /// A table for people, as wide as the terminal
    Table,
    /// Comma-separated values, a header line first
    Csv,
    /// JSON lines, one object a flow
    Jsonl,
}

/// What there is room for on the reader's side.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look {
    /// Columns of a line.
    pub(crate) width: usize,
    /// Whether to use colours.
    pub(crate) color: bool,
}

impl Format {
    /// Endings of files, and their formats.
    const ENDINGS: [(&'static str, Self); 3] =
        [("csv", Self::Csv), ("jsonl", Self::Jsonl), ("ndjson", Self::Jsonl)];

    /// Returns the format that a file's name asks for.
    pub(crate) fn of_file(path: &Path) -> Option<Self> {
        let ending = path.extension()?.to_string_lossy().to_ascii_lowercase();
        Self::ENDINGS.iter().find(|(known, _)| *known == ending).map(|(_, format)| *format)
    }

    /// Returns the endings that are known: `.csv, .jsonl or .ndjson`.
    pub(crate) fn endings() -> String {
        let [others @ .., last] = Self::ENDINGS.map(|(ending, _)| format!(".{ending}"));
        format!("{} or {last}", others.join(", "))
    }
}

impl Look {
    /// Returns what a stream has room for.
    pub(crate) fn of(stream: &Stream<'_>) -> Self {
        Self { width: stream.width, color: stream.color }
    }

    /// Returns the look of a table in a file.
    pub(crate) fn of_file(stream: &Stream<'_>) -> Self {
        Self { width: stream.width, color: false }
    }
}
