//! Where flows go and how they are written.

mod batches;
mod flow_table;
mod target;

use std::path::Path;

use nfstream::export;

pub(crate) use flow_table::Selection;
pub(crate) use target::{Target, TargetOptions, is_part};

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
    /// Apache Parquet
    Parquet,
    /// Arrow's file format
    Arrow,
    /// Arrow's format for streams
    Arrows,
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
    /// Returns the format that a file's name asks for.
    pub(crate) fn of_file(path: &Path) -> Option<Self> {
        Some(match export::Format::of_file(path)? {
            export::Format::Csv => Self::Csv,
            export::Format::JsonLines => Self::Jsonl,
            export::Format::Parquet => Self::Parquet,
            export::Format::Arrow => Self::Arrow,
            export::Format::ArrowStream => Self::Arrows,
            _ => return None,
        })
    }

    /// Returns the endings that are known: `.csv, .jsonl or .ndjson`.
    pub(crate) fn endings() -> String {
        let [others @ .., last] = export::Format::ENDINGS.map(|(ending, _)| format!(".{ending}"));
        format!("{} or {last}", others.join(", "))
    }

    /// Returns the engine's name of the format, `None` for the table for people.
    const fn for_programs(self) -> Option<export::Format> {
        Some(match self {
            Self::Table => return None,
            Self::Csv => export::Format::Csv,
            Self::Jsonl => export::Format::JsonLines,
            Self::Parquet => export::Format::Parquet,
            Self::Arrow => export::Format::Arrow,
            Self::Arrows => export::Format::ArrowStream,
        })
    }

    /// Returns the name of the format as it is typed.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Csv => "csv",
            Self::Jsonl => "jsonl",
            Self::Parquet => "parquet",
            Self::Arrow => "arrow",
            Self::Arrows => "arrows",
        }
    }

    /// Returns whether it is nothing for a terminal.
    pub(crate) const fn is_binary(self) -> bool {
        matches!(self, Self::Parquet | Self::Arrow | Self::Arrows)
    }
}

impl Look {
    /// Returns what a stream has room for.
    pub(crate) fn of(stream: &Stream<'_>) -> Self {
        Self { width: stream.width, color: stream.color }
    }
}
