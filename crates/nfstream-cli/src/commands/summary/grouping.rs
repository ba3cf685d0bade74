//! Flows grouped by columns and by time, for `--by`, `--every` and `--last`.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use nfstream::features::{Column, Record, RecordPool, Schema, Value};
use nfstream::report::{By, Count, Ranking};
use nfstream::sink::write_csv_text;
use nfstream::time::{Duration, Timestamp};
use serde_json::{Value as Json, json};

use super::amounts;
use crate::error::Error;
use crate::human::{day, time_of_day};
use crate::io::Io;
use crate::reading::Consumer;
use crate::table::{self, ACCENT, Cell, Column as TableColumn, Fit, Layout};

/// Groups of all buckets that are counted exactly.
const GROUPS: usize = 500_000;

/// Longest text in a group, in bytes; longer ones with the same beginning are one group.
const LONGEST_TEXT: usize = 256;

/// Maximum number of flows within the last span. Up to twice as many are kept until older ones are removed.
const RECENT: usize = 2_000_000;

/// Most buckets.
const BUCKETS: usize = 10_000;

/// Value of a column in a key.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
enum Part {
    Integer(i64),
    Text(String),
}

/// Flow within the last span, whose group is counted at the end.
struct Recent {
    last_seen: Timestamp,
    bucket: Timestamp,
    key: Vec<Part>,
    count: Count,
}

/// Counts of flows by group and bucket.
pub(super) struct Grouping {
    schema: Arc<Schema>,
    by: Vec<&'static Column>,
    every: Option<Duration>,
    last: Option<Duration>,
    buckets: BTreeMap<Timestamp, Ranking<Vec<Part>>>,
    /// Number of groups in all buckets.
    groups: usize,
    /// Total of all groups.
    total: Count,
    /// Time of the last packet of all flows.
    latest: Timestamp,
    recent: Vec<Recent>,
    /// Number of recent flows at which older ones are removed.
    prune_at: usize,
}

impl Grouping {
    pub(super) fn new(
        schema: &Arc<Schema>,
        by: Vec<&'static Column>,
        every: Option<Duration>,
        last: Option<Duration>,
    ) -> Self {
        Self {
            schema: Arc::clone(schema),
            by,
            every,
            last,
            buckets: BTreeMap::new(),
            groups: 0,
            total: Count::default(),
            latest: Timestamp::MIN,
            recent: Vec::new(),
            prune_at: 4096,
        }
    }

    fn add(&mut self, record: &Record) -> Result<(), Error> {
        let names = self.schema.names();
        let key = self.by.iter().map(|column| Part::from(column.value(record, names))).collect();
        let count = Count::of(record);
        let bucket =
            self.every.map_or(Timestamp::MIN, |every| record.flow.first_seen.start_of(every));
        let last_seen = record.flow.last_seen;
        if self.last.is_none() {
            return self.count(bucket, key, count);
        }
        self.latest = self.latest.max(last_seen);
        self.recent.push(Recent { last_seen, bucket, key, count });
        if self.recent.len() >= self.prune_at {
            self.prune();
            if self.recent.len() > RECENT {
                return Err(Error::ManyRecent { most: RECENT });
            }
            self.prune_at = (self.recent.len() * 2).max(4096);
        }
        Ok(())
    }

    fn count(&mut self, bucket: Timestamp, key: Vec<Part>, count: Count) -> Result<(), Error> {
        if !self.buckets.contains_key(&bucket) && self.buckets.len() == BUCKETS {
            return Err(Error::ManyBuckets { most: BUCKETS });
        }
        let ranking = self.buckets.entry(bucket).or_insert_with(|| Ranking::new(By::Bytes, GROUPS));
        self.groups -= ranking.distinct();
        ranking.add(key, count);
        self.groups += ranking.distinct();
        self.total += count;
        if self.groups > 2 * GROUPS {
            let each = GROUPS / self.buckets.len();
            self.buckets.values_mut().for_each(|ranking| ranking.shrink(each));
            self.groups = self.buckets.values().map(Ranking::distinct).sum();
        }
        Ok(())
    }

    /// Removes flows that ended before the last span.
    fn prune(&mut self) {
        let Some(last) = self.last else { return };
        let latest = self.latest;
        self.recent.retain(|flow| latest.since(flow.last_seen) <= last);
    }

    /// Counts the flows within the last span.
    pub(super) fn finish(&mut self) -> Result<(), Error> {
        self.prune();
        for Recent { bucket, key, count, .. } in std::mem::take(&mut self.recent) {
            self.count(bucket, key, count)?;
        }
        Ok(())
    }

    /// Returns the largest groups of each bucket, and the number of its other groups.
    fn top(&self, n: usize) -> impl Iterator<Item = (Timestamp, Vec<(&Vec<Part>, Count)>, usize)> {
        self.buckets.iter().map(move |(bucket, ranking)| {
            let top = ranking.top(n);
            let more = ranking.distinct() - top.len();
            (*bucket, top, more)
        })
    }

    /// Returns an array of objects, one for each group.
    pub(super) fn to_json(&self, n: usize) -> Json {
        let mut rows = Vec::new();
        for (bucket, top, _) in self.top(n) {
            for (key, count) in top {
                let mut row = serde_json::Map::new();
                if self.every.is_some() {
                    row.insert("time".to_owned(), rfc3339(bucket).into());
                }
                for (column, part) in self.by.iter().zip(key) {
                    row.insert(column.name.to_owned(), part.to_json());
                }
                row.insert("flows".to_owned(), json!(count.flows));
                row.insert("packets".to_owned(), json!(count.packets));
                row.insert("bytes".to_owned(), json!(count.bytes));
                rows.push(Json::Object(row));
            }
        }
        Json::Array(rows)
    }

    /// Returns lines of CSV (RFC 4180), a header first.
    pub(super) fn to_csv(&self, n: usize) -> Vec<u8> {
        let mut header: Vec<_> = self.every.iter().map(|_| "time".to_owned()).collect();
        header.extend(self.by.iter().map(|column| column.name.to_owned()));
        header.extend(["flows", "packets", "bytes"].map(str::to_owned));
        let mut text = Vec::new();
        write_line(&header, &mut text);
        for (bucket, top, _) in self.top(n) {
            for (key, count) in top {
                let mut fields: Vec<_> = self.every.iter().map(|_| rfc3339(bucket)).collect();
                fields.extend(key.iter().map(Part::to_string));
                fields.extend([count.flows, count.packets, count.bytes].map(|n| n.to_string()));
                write_line(&fields, &mut text);
            }
        }
        text
    }

    /// Returns a table for people.
    pub(super) fn to_text(&self, n: usize, io: &Io<'_>) -> Vec<u8> {
        let mut columns = Vec::new();
        if self.every.is_some() {
            columns.push(TableColumn::text("time", Fit::Whole));
        }
        for column in &self.by {
            columns.push(TableColumn::text(column.name, Fit::End(8)));
        }
        columns.extend(amounts::COLUMNS);
        let mut rows: Vec<Vec<Cell>> = Vec::new();
        let mut more = 0;
        for (bucket, top, others) in self.top(n) {
            more += others;
            for (key, part) in top {
                let mut row: Vec<Cell> = Vec::new();
                if self.every.is_some() {
                    row.push(format!("{} {}", day(bucket), time_of_day(bucket)).into());
                }
                row.extend(key.iter().map(|part| Cell::styled(part.to_string(), ACCENT)));
                row.extend(amounts::cells(part, self.total));
                rows.push(row);
            }
        }
        let mut text = Vec::new();
        let layout = Layout::new(&columns, &rows, io.stdout.width);
        table::write_header(&layout, &columns, io.stdout.color, &mut text);
        for row in &rows {
            table::write_row(&layout, &columns, row, io.stdout.color, &mut text);
        }
        let is_exact = self.buckets.values().all(Ranking::is_exact);
        amounts::write_others(more, is_exact, io, &mut text);
        text
    }
}

impl Consumer for Grouping {
    fn take(
        &mut self,
        records: Vec<Record>,
        pool: &RecordPool,
        _: &mut Io<'_>,
    ) -> Result<ControlFlow<()>, Error> {
        for record in records.iter().filter(|record| record.kind.is_counted()) {
            self.add(record)?;
        }
        pool.put_back(records);
        Ok(ControlFlow::Continue(()))
    }
}

impl Part {
    fn to_json(&self) -> Json {
        match self {
            Self::Integer(number) => (*number).into(),
            Self::Text(text) => text.as_str().into(),
        }
    }
}

impl From<Value> for Part {
    fn from(value: Value) -> Self {
        match value {
            Value::Integer(number) => Self::Integer(number),
            Value::Float(number) => Self::Text(number.to_string()),
            Value::Bool(flag) => Self::Text(flag.to_string()),
            Value::List(list) => Self::Text(format!("{list:?}")),
            Value::Floats(list) => Self::Text(format!("{list:?}")),
            Value::Bytes(bytes) => Self::Text(format!("{bytes:?}")),
            Value::Null => Self::Text(String::new()),
            Value::Text(mut text) => {
                let ends = (0..=LONGEST_TEXT.min(text.len())).rev();
                let end = ends.into_iter().find(|end| text.is_char_boundary(*end));
                text.truncate(end.unwrap_or(0));
                text.shrink_to_fit();
                Self::Text(text)
            }
        }
    }
}

impl std::fmt::Display for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Integer(number) => number.fmt(f),
            Self::Text(text) => f.write_str(text),
        }
    }
}

fn rfc3339(time: Timestamp) -> String {
    format!("{}T{}Z", day(time), time_of_day(time))
}

/// Appends a line of CSV.
fn write_line(fields: &[String], text: &mut Vec<u8>) {
    for (place, field) in fields.iter().enumerate() {
        if place > 0 {
            text.push(b',');
        }
        write_csv_text(field, text);
    }
    text.push(b'\n');
}
