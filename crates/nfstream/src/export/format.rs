//! The formats of files.

use std::path::Path;

/// How a table is written to a file.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Format {
    /// Arrow's file format, also known as Feather version 2.
    Arrow,
    /// Arrow's format for streams.
    ArrowStream,
    /// Comma-separated values (RFC 4180, but lines end as everywhere on Unix), a header line first.
    Csv,
    /// JSON lines: an object a line (RFC 8259).
    JsonLines,
    /// Apache Parquet.
    Parquet,
}

impl Format {
    /// Endings of files, and their formats.
    pub const ENDINGS: [(&'static str, Self); 7] = [
        ("arrow", Self::Arrow),
        ("arrows", Self::ArrowStream),
        ("csv", Self::Csv),
        ("feather", Self::Arrow),
        ("jsonl", Self::JsonLines),
        ("ndjson", Self::JsonLines),
        ("parquet", Self::Parquet),
    ];

    /// Returns the format that a file's name asks for.
    pub fn of_file(path: &Path) -> Option<Self> {
        let ending = path.extension()?.to_str()?;
        let known = Self::ENDINGS.iter().find(|(known, _)| known.eq_ignore_ascii_case(ending));
        known.map(|(_, format)| *format)
    }
}
