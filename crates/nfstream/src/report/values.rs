//! Most frequent values of a column.

use super::ranking::{By, Count, Ranking};
use super::text::{list, shown};
use crate::features::{Column, Kind, Names, Read, Record, Value};

/// Number of distinct numbers of a column that are counted exactly; at most twice as many are kept.
const NUMBERS: usize = 4096;
/// The same for texts.
const TEXTS: usize = 1024;

/// Values of one column with their counts.
#[derive(Debug)]
pub(super) struct Values {
    column: &'static Column,
    numbers: Ranking<i64>,
    texts: Ranking<String>,
    /// Value of the most recent flows, and their count: most columns repeat one value.
    last: (Value, Count),
    scratch: String,
}

impl Values {
    /// Returns the counts of a column; `None` for points in time, flow ids and fractions, of which
    /// every flow has its own value.
    pub(super) fn new(column: &'static Column) -> Option<Self> {
        let is_own = column.kind == Kind::Instant
            || column.name == "id"
            || matches!(column.read, Read::F64(_));
        (!is_own).then(|| Self {
            column,
            numbers: Ranking::new(By::Flows, NUMBERS),
            texts: Ranking::new(By::Flows, TEXTS),
            last: (Value::Integer(0), Count::default()),
            scratch: String::new(),
        })
    }

    /// Returns the column.
    pub(super) fn column(&self) -> &'static Column {
        self.column
    }

    /// Counts the value of a flow.
    pub(super) fn add(&mut self, record: &Record, names: &dyn Names, count: Count) {
        match self.column.read {
            // A small set, whose codes are counted.
            Read::Name { code, .. } => self.add_number(code(record).into(), count),
            Read::Text(read) => {
                self.scratch.clear();
                read(record, &mut self.scratch);
                if matches!(&self.last.0, Value::Text(last) if *last == self.scratch) {
                    self.last.1 += count;
                    return;
                }
                let text = Value::Text(self.scratch.clone());
                self.replace(text, count);
            }
            Read::List(_) | Read::Packets(_) => {
                let value = self.column.value(record, names);
                if value == self.last.0 {
                    self.last.1 += count;
                    return;
                }
                self.replace(value, count);
            }
            _ => match self.column.value(record, names) {
                Value::Integer(number) => self.add_number(number, count),
                Value::Bool(flag) => self.add_number(flag.into(), count),
                _ => {}
            },
        }
    }

    fn add_number(&mut self, number: i64, count: Count) {
        if self.last.0 == Value::Integer(number) {
            self.last.1 += count;
            return;
        }
        self.replace(Value::Integer(number), count);
    }

    fn replace(&mut self, value: Value, count: Count) {
        self.settle();
        self.last = (value, count);
    }

    /// Adds the repeated value to the counts.
    pub(super) fn settle(&mut self) {
        let (value, count) = &mut self.last;
        let count = std::mem::take(count);
        if count.flows == 0 {
            return;
        }
        match value {
            Value::Integer(number) => self.numbers.add(*number, count),
            Value::Text(text) => {
                let text = shown(text);
                self.texts.add_with(&*text, || text.clone().into_owned(), count);
            }
            Value::List(numbers) => self.texts.add(shown(&list(numbers)).into_owned(), count),
            Value::Null | Value::Bytes(_) | Value::Bool(_) | Value::Float(_) | Value::Floats(_) => {
            }
        }
    }

    /// Returns whether the counts are exact.
    pub(super) fn is_exact(&self) -> bool {
        self.numbers.is_exact() && self.texts.is_exact()
    }

    /// Returns the number of distinct values.
    pub(super) fn len(&self) -> usize {
        self.numbers.distinct() + self.texts.distinct()
    }

    /// Returns the most frequent values, in the form of the page's flow table.
    pub(super) fn top(&self, names: &dyn Names) -> Vec<(Value, Count)> {
        let n = match self.column.kind {
            Kind::Code | Kind::Label => 200,
            _ => 30,
        };
        let number = |number: i64| match self.column.read {
            Read::Name { name, .. } => {
                let mut text = String::new();
                name(names, u32::try_from(number).unwrap_or(0), &mut text);
                Value::Text(shown(&text).into_owned())
            }
            Read::Bool(_) => Value::Bool(number != 0),
            _ => Value::Integer(number),
        };
        let numbers = self.numbers.top(n).into_iter().map(|(key, count)| (number(*key), count));
        let texts = self.texts.top(n).into_iter();
        numbers.chain(texts.map(|(key, count)| (Value::Text(key.clone()), count))).collect()
    }
}
