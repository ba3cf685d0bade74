//! Sorting of rows.

use std::str::FromStr;

use nfstream::table::{Sort, parse_sort};
use nfstream::time::TimeUnit;

use crate::column_argument::ColumnName;

/// Order of rows on the command line: `NAME`, `NAME:asc` or `NAME:desc`.
#[derive(Clone, Copy, Debug)]
pub(super) struct SortArgument {
    name: ColumnName,
    is_descending: bool,
}

impl SortArgument {
    /// Returns the order for a table with times in `unit`.
    pub(super) fn find(self, unit: TimeUnit) -> Result<Sort, String> {
        Ok(Sort { column: self.name.find(unit)?, is_descending: self.is_descending })
    }
}

impl FromStr for SortArgument {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, is_descending) = parse_sort(text)?;
        Ok(Self { name: name.parse()?, is_descending })
    }
}
