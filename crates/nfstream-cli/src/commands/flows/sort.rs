//! Sorting of rows.

use std::str::FromStr;

use nfstream::parameters::Parameters;
use nfstream::table::{Sort, parse_sort};

use crate::column_argument::ColumnName;
use crate::error::Error;

/// Order of rows on the command line: `NAME`, `NAME:asc` or `NAME:desc`.
#[derive(Clone, Copy, Debug)]
pub(super) struct SortArgument {
    name: ColumnName,
    is_descending: bool,
}

impl SortArgument {
    /// Returns the order for the table of a run.
    pub(super) fn find(self, parameters: &Parameters) -> Result<Sort, Error> {
        let column = self.name.find(parameters, "--sort <NAME[:desc]>")?;
        Ok(Sort { column, is_descending: self.is_descending })
    }
}

impl FromStr for SortArgument {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, is_descending) = parse_sort(text)?;
        Ok(Self { name: name.parse()?, is_descending })
    }
}
