//! Sorting of rows.

use std::cmp::Ordering;
use std::str::FromStr;

use nfstream::features::{Column, Names, Record, Value};
use nfstream::parameters::Parameters;

use crate::column_argument::ColumnName;
use crate::error::Error;

/// Order of rows on the command line: `NAME`, `NAME:asc` or `NAME:desc`.
#[derive(Clone, Copy, Debug)]
pub(super) struct SortArgument {
    name: ColumnName,
    is_descending: bool,
}

/// Order of rows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sort {
    pub(super) column: &'static Column,
    is_descending: bool,
}

/// First rows in an order, up to a limit.
#[derive(Debug)]
pub(super) struct Sorted {
    sort: Sort,
    /// Maximum number of rows.
    limit: usize,
    /// Up to twice the limit, the newest last.
    rows: Vec<Row>,
}

/// Row and its sort key.
#[derive(Debug)]
struct Row {
    key: Key,
    source: usize,
    record: Record,
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
        let (name, is_descending) = match text.split_once(':') {
            None => (text, false),
            Some((name, "asc")) => (name, false),
            Some((name, "desc")) => (name, true),
            Some((name, _)) => return Err(format!("expected {name}, {name}:asc or {name}:desc")),
        };
        Ok(Self { name: name.parse()?, is_descending })
    }
}

impl Sorted {
    /// Returns a sorter that keeps the first `limit` rows.
    pub(super) fn new(sort: Sort, limit: u64) -> Self {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        Self { sort, limit, rows: Vec::new() }
    }

    /// Adds rows from the source of this number.
    pub(super) fn add(&mut self, records: Vec<Record>, source: usize, names: &dyn Names) {
        let Sort { column, is_descending } = self.sort;
        for record in records {
            let key = Key { value: column.value(&record, names), is_descending };
            self.rows.push(Row { key, source, record });
            // Twice the limit, so that each row is sorted a few times at most.
            if self.rows.len() / 2 > self.limit.max(512) {
                self.cut();
            }
        }
    }

    /// Takes out all rows in order, as runs of rows from one source with its number.
    pub(super) fn take(&mut self) -> Vec<(usize, Vec<Record>)> {
        self.cut();
        let mut runs: Vec<(usize, Vec<Record>)> = Vec::new();
        for Row { source, record, .. } in self.rows.drain(..) {
            match runs.last_mut() {
                Some((last, records)) if *last == source => records.push(record),
                _ => runs.push((source, vec![record])),
            }
        }
        runs
    }

    /// Sorts the rows, equal ones in order of arrival, and drops those beyond the limit.
    fn cut(&mut self) {
        self.rows.sort_by(|a, b| a.key.cmp(&b.key));
        self.rows.truncate(self.limit);
    }
}

/// Sort key: the value of a column.
#[derive(Debug, PartialEq)]
struct Key {
    value: Value,
    is_descending: bool,
}

impl Key {
    fn cmp(&self, other: &Self) -> Ordering {
        let order = match (&self.value, &other.value) {
            (Value::Integer(a), Value::Integer(b)) => a.cmp(b),
            (Value::Float(a), Value::Float(b)) => a.total_cmp(b),
            (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
            (Value::List(a), Value::List(b)) => a.cmp(b),
            (Value::Floats(a), Value::Floats(b)) => {
                let mut pairs = a.iter().zip(b).map(|(a, b)| a.total_cmp(b));
                let differing = pairs.find(|order| order.is_ne());
                differing.unwrap_or_else(|| a.len().cmp(&b.len()))
            }
            (Value::Text(a), Value::Text(b)) => a.cmp(b),
            (Value::Null, Value::Null) => Ordering::Equal,
            // Null sorts before every value.
            (Value::Null, _) => Ordering::Less,
            (_, Value::Null) => Ordering::Greater,
            // The values of one column have one type.
            _ => Ordering::Equal,
        };
        if self.is_descending { order.reverse() } else { order }
    }
}
