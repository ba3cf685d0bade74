//! Order of rows.

use std::cmp::Ordering;

use crate::features::{Column, Names, Record, Value};

/// Order of rows by a column.
#[derive(Clone, Copy, Debug)]
pub struct Sort {
    /// The column.
    pub column: &'static Column,
    /// Whether the largest values come first.
    pub is_descending: bool,
}

/// The first rows of an order, up to a limit.
#[derive(Debug)]
pub struct Sorted<T> {
    sort: Sort,
    /// Maximum number of rows.
    limit: usize,
    /// Up to twice the limit, the newest last.
    rows: Vec<(Key, T)>,
}

/// Sort key: the value of a column.
#[derive(Debug, PartialEq)]
struct Key {
    value: Value,
    is_descending: bool,
}

/// Parses the text of an order, `NAME`, `NAME:asc` or `NAME:desc`, and returns the name of the
/// column and whether the largest values come first.
///
/// # Errors
///
/// The expected forms.
pub fn parse_sort(text: &str) -> Result<(&str, bool), String> {
    match text.split_once(':') {
        None => Ok((text, false)),
        Some((name, "asc")) => Ok((name, false)),
        Some((name, "desc")) => Ok((name, true)),
        Some((name, _)) => Err(format!("expected {name}, {name}:asc or {name}:desc")),
    }
}

impl<T> Sorted<T> {
    /// Returns a sorter that keeps the first `limit` rows.
    pub fn new(sort: Sort, limit: u64) -> Self {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        Self { sort, limit, rows: Vec::new() }
    }

    /// Adds a row, made from a record.
    pub fn add(&mut self, record: Record, names: &dyn Names, row: impl FnOnce(Record) -> T) {
        let Sort { column, is_descending } = self.sort;
        let key = Key { value: column.value(&record, names), is_descending };
        self.rows.push((key, row(record)));
        // Twice the limit, so that each row is sorted a few times at most.
        if self.rows.len() / 2 > self.limit.max(512) {
            self.cut();
        }
    }

    /// Takes out all rows in order.
    pub fn take(&mut self) -> impl Iterator<Item = T> + '_ {
        self.cut();
        self.rows.drain(..).map(|(_, row)| row)
    }

    /// Sorts the rows, equal ones in order of arrival, and drops those beyond the limit.
    fn cut(&mut self) {
        self.rows.sort_by(|(a, _), (b, _)| a.cmp(b));
        self.rows.truncate(self.limit);
    }
}

impl Key {
    fn cmp(&self, other: &Self) -> Ordering {
        let order = match (&self.value, &other.value) {
            (Value::Integer(a), Value::Integer(b)) => a.cmp(b),
            (Value::Float(a), Value::Float(b)) => a.total_cmp(b),
            (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
            (Value::List(a), Value::List(b)) => a.cmp(b),
            (Value::Bytes(a), Value::Bytes(b)) => a.cmp(b),
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
