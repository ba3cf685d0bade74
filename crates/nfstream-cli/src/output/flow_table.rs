//! Flows as a table for people.

use std::net::SocketAddr;
use std::sync::Arc;

use anstyle::Style;
use nfstream::features::{
    self as engine, Group, Headings, Kind, Names, Read, Record, Schema, Value,
};
use nfstream::flow::Sender;
use nfstream::packet::protocol as ip_protocol;
use nfstream::table::TimeForm;
use nfstream::time::Timestamp;

use super::Look;
use super::target::SOURCE;
use crate::human::{bytes, count, day, span, time_of_day};
use crate::table::{self, ACCENT, Align, Cell, Column, Fit, Layout, QUIET};

/// Rows in one layout step.
const BLOCK: usize = 256;

/// Choice of the columns.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Selection {
    /// The default: the most important columns that fit, with readable units.
    Glance,
    /// The user's: all of them, formatted as in a file.
    User,
}

/// Column with the source of a flow.
#[derive(Clone, Copy, Debug)]
pub(super) struct SourceColumn {
    /// Position among the user's columns.
    place: usize,
    /// Width at which shortened names still differ.
    least: usize,
}

impl SourceColumn {
    /// Minimum width of a shortened name.
    const LEAST: usize = 12;

    /// Returns the column at position `place` for sources with these names.
    pub(super) fn new(place: usize, names: &[String]) -> Self {
        let longest = names.iter().map(|name| table::width(name)).max().unwrap_or(0);
        let differ = |width: &usize| {
            let mut short: Vec<_> =
                names.iter().map(|name| table::shorten(name, *width, Fit::Middle(0))).collect();
            short.sort_unstable();
            short.windows(2).all(|pair| pair[0] != pair[1])
        };
        let least = (Self::LEAST..longest).find(differ).unwrap_or(longest);
        Self { place, least }
    }
}

/// Table of flows, laid out block by block. Later blocks have the columns of the first.
pub(super) struct FlowTable {
    schema: Arc<Schema>,
    selection: Selection,
    source: Option<SourceColumn>,
    headings: Headings,
    look: Look,
    /// Columns that options name.
    named: Vec<&'static engine::Column>,
    times: TimeForm,
    columns: Vec<Column>,
    cells: Vec<CellOf>,
    layout: Option<Layout>,
}

/// Columns whose values the columns of the default table contain, and the headers of these.
const CONTAINED: [(&str, &[&str]); 11] = [
    ("id", &["id"]),
    ("first_seen", &["date", "start (UTC)", "first_seen"]),
    ("duration", &["duration"]),
    ("protocol", &["proto"]),
    ("src_ip", &["source", "from"]),
    ("src_port", &["source", "from"]),
    ("dst_ip", &["destination", "to"]),
    ("dst_port", &["destination", "to"]),
    ("total_packets", &["packets"]),
    ("total_bytes", &["bytes"]),
    ("application_name", &["application"]),
];

/// Function that formats one column of a flow; it takes the name of the flow's source.
type CellOf = Box<dyn Fn(&Record, &str, &dyn Names) -> Cell>;

impl FlowTable {
    pub(super) fn new(
        schema: Arc<Schema>,
        selection: Selection,
        source: Option<SourceColumn>,
        headings: Headings,
        look: Look,
        named: Vec<&'static engine::Column>,
        times: TimeForm,
    ) -> Self {
        Self {
            schema,
            selection,
            source,
            headings,
            look,
            named,
            times,
            columns: Vec::new(),
            cells: Vec::new(),
            layout: None,
        }
    }

    /// Appends a line for each record; `sources` names the source of each.
    pub(super) fn write<'a>(
        &mut self,
        records: &[Record],
        sources: impl Iterator<Item = &'a str>,
        out: &mut Vec<u8>,
    ) {
        let sources: Vec<_> = sources.collect();
        for (records, sources) in records.chunks(BLOCK).zip(sources.chunks(BLOCK)) {
            self.write_block(records, sources, out);
        }
    }

    fn write_block(&mut self, records: &[Record], sources: &[&str], out: &mut Vec<u8>) {
        if self.layout.is_none() {
            self.choose(records);
        }
        let names = self.schema.names();
        let row = |(record, source): (&Record, &&str)| {
            self.cells.iter().map(|cell| cell(record, source, names)).collect()
        };
        let rows: Vec<Vec<Cell>> = records.iter().zip(sources).map(row).collect();
        let color = self.look.color;
        if let Some(layout) = &mut self.layout {
            layout.widen(&self.columns, &rows);
        }
        let layout = self.layout.get_or_insert_with(|| {
            let line = match self.selection {
                Selection::User if !self.look.is_terminal => usize::MAX / 2,
                Selection::Glance | Selection::User => self.look.width,
            };
            let layout = Layout::new(&self.columns, &rows, line);
            table::write_header(&layout, &self.columns, color, out);
            layout
        });
        for row in &rows {
            table::write_row(layout, &self.columns, row, color, out);
        }
    }

    /// Chooses the columns for the first block of flows.
    fn choose(&mut self, records: &[Record]) {
        if self.selection == Selection::User {
            for column in self.schema.columns().to_vec() {
                let align = align_of(column);
                self.add_column(column, align, 0);
            }
            self.add_source(self.source.map_or(0, |source| source.place));
            return;
        }
        self.add_source(0);
        // The ends of a flow have other headers if `source` names its capture.
        let ends = if self.source.is_some() { ["from", "to"] } else { ["source", "destination"] };
        let first_day = records.first().map(|record| day(record.flow.first_seen));
        let is_long = records.iter().any(|r| Some(day(r.flow.first_seen)) != first_day);
        self.add(Column::number("id").rank(9), |r| count(r.id).into());
        if is_long {
            self.add(Column::text("date", Fit::Whole).rank(8), |r| day(r.flow.first_seen).into());
        }
        self.add_start(first_day.filter(|_| !is_long));
        self.add(Column::number("duration").rank(7), |r| {
            span(r.flow.last_seen.since(r.flow.first_seen)).into()
        });
        self.add(Column::text("proto", Fit::Whole).rank(5), |r| protocol(r.flow.key.protocol));
        self.add(Column::text(ends[0], Fit::Middle(21)), |r| endpoint(r, r.flow.src));
        self.add(Column::text(ends[1], Fit::Middle(21)).rank(1), |r| {
            endpoint(r, r.flow.src.other())
        });
        self.add(Column::number("packets").rank(4), |r| count(r.volume.total_packets()).into());
        self.add(Column::number("bytes").rank(3), |r| bytes(r.volume.total_bytes()).into());
        if self.schema.columns().iter().any(|column| column.group == Group::Application) {
            self.columns.push(Column::text("application", Fit::End(14)).rank(2));
            self.cells.push(Box::new(|r, _, names| application(r, names)));
            self.columns.push(Column::text("about", Fit::End(12)).rank(10));
            self.cells.push(Box::new(|r, _, names| about(r, names)));
        }
        if records.iter().any(|record| !risks(record).is_empty()) {
            self.add(Column::text("risks", Fit::End(12)).rank(3), |r| risks(r).to_owned().into());
        }
        let named = std::mem::take(&mut self.named);
        let of_features = self.schema.columns().iter().filter(|column| column.group.is_feature());
        let of_features: Vec<_> = of_features.copied().collect();
        for (columns, rank) in [(named, 1), (of_features, 4)] {
            for column in columns {
                let contained = CONTAINED.iter().find(|(name, _)| *name == column.name);
                let itself = [column.name];
                let headers = contained.map_or(&itself[..], |(_, headers)| headers);
                let mut is_shown = false;
                for shown in &mut self.columns {
                    if headers.contains(&shown.header) {
                        is_shown = true;
                        shown.rank = shown.rank.min(rank);
                    }
                }
                if !is_shown {
                    self.add_column(column, align_of(column), rank);
                }
            }
        }
    }

    /// Returns the names of the user's columns that do not fit.
    pub(super) fn hidden(&self) -> Vec<&'static str> {
        let Some(layout) = self.layout.as_ref().filter(|_| self.selection == Selection::User)
        else {
            return Vec::new();
        };
        let columns = self.columns.iter().zip(layout.widths());
        columns.filter(|(_, width)| width.is_none()).map(|(column, _)| column.header).collect()
    }

    /// Adds the start of the flow. The date is part of it where it is not `day`.
    fn add_start(&mut self, first_day: Option<String>) {
        let is_timestamp = self.times == TimeForm::Timestamps;
        let name = if is_timestamp { "first_seen" } else { "start (UTC)" };
        let rank = if is_timestamp { 1 } else { 6 };
        self.columns.push(Column::text(name, Fit::Whole).rank(rank));
        self.cells.push(Box::new(move |record, _, _| {
            let time = record.flow.first_seen;
            let is_other = first_day.as_ref().is_some_and(|first| *first != day(time));
            if is_timestamp {
                timestamp(time).into()
            } else if is_other {
                format!("{} {}", day(time), time_of_day(time)).into()
            } else {
                time_of_day(time).into()
            }
        }));
    }

    /// Adds a column of the engine.
    fn add_column(&mut self, column: &'static engine::Column, align: Align, rank: u8) {
        let fit = match (column.kind, align) {
            _ if !self.look.is_terminal => Fit::Whole,
            (Kind::Address, _) => Fit::Middle(7),
            (_, Align::Left) => Fit::End(8),
            (_, Align::Right) => Fit::Whole,
        };
        let is_timestamp = self.times == TimeForm::Timestamps;
        let heading = self.headings.heading(column.name);
        self.columns.push(Column { align, ..Column::text(heading, fit).rank(rank) });
        self.cells.push(Box::new(move |record, _, names| match column.read {
            Read::Instant(read) if is_timestamp => {
                read(record).map_or_else(Cell::default, |time| timestamp(time).into())
            }
            _ => plain(column.value(record, names)),
        }));
    }

    /// Inserts the column of sources, if there is one.
    fn add_source(&mut self, place: usize) {
        if let Some(SourceColumn { least, .. }) = self.source {
            let place = place.min(self.columns.len());
            self.columns.insert(place, Column::text(SOURCE, Fit::Middle(least)));
            let cell: CellOf = Box::new(|_, source, _| Cell::styled(source.to_owned(), QUIET));
            self.cells.insert(place, cell);
        }
    }

    fn add(&mut self, column: Column, cell: fn(&Record) -> Cell) {
        self.columns.push(column);
        self.cells.push(Box::new(move |record, _, _| cell(record)));
    }
}

fn align_of(column: &engine::Column) -> Align {
    match column.read {
        Read::Bool(_)
        | Read::Bytes(_)
        | Read::List(_)
        | Read::Packets(_)
        | Read::Name { .. }
        | Read::Text(_) => Align::Left,
        _ => Align::Right,
    }
}

/// Returns a time as RFC 3339 writes it, in UTC.
fn timestamp(time: Timestamp) -> String {
    format!("{}T{}Z", day(time), time_of_day(time))
}

/// Returns the names of a flow's risks.
fn risks(record: &Record) -> &str {
    record.application.metadata.as_ref().map_or("", |metadata| &metadata.risks)
}

/// Returns two hexadecimal digits for each byte.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Returns a value as files have it.
pub(crate) fn plain(value: Value) -> Cell {
    match value {
        Value::Null => Cell::default(),
        Value::Integer(number) => number.to_string().into(),
        Value::Float(number) => number.to_string().into(),
        Value::Bool(flag) => flag.to_string().into(),
        Value::List(list) => format!("{list:?}").into(),
        Value::Floats(list) => format!("{list:?}").into(),
        Value::Bytes(bytes) => hex(&bytes).into(),
        Value::Text(text) => text.into(),
    }
}

/// Returns the name of an IP protocol, or its number.
pub(crate) fn protocol(number: u8) -> Cell {
    ip_protocol::name(number).map_or_else(|| number.to_string().into(), Cell::from)
}

/// Returns the address, with the port if there is one (RFC 5952): `192.0.2.1:443`,
/// `[2001:db8::1]:443`.
pub(crate) fn endpoint(record: &Record, end: Sender) -> Cell {
    let key = &record.flow.key;
    let end = key.end(end);
    let text = match end.ip(key.version) {
        ip if end.port == 0 => ip.to_string(),
        ip => SocketAddr::new(ip, end.port).to_string(),
    };
    text.into()
}

/// Returns the name of the flow's application.
pub(crate) fn application(record: &Record, names: &dyn Names) -> Cell {
    let label = record.application.label;
    let mut name = String::new();
    names.application(label.master_protocol, label.app_protocol, &mut name);
    let is_unknown = label.master_protocol == 0 && label.app_protocol == 0;
    Cell::styled(name, if is_unknown { QUIET } else { ACCENT })
}

/// Returns the name in the flow's metadata: a server, a host or a DNS query.
pub(crate) fn about(record: &Record, names: &dyn Names) -> Cell {
    let Some(metadata) = &record.application.metadata else { return Cell::default() };
    let (client, server) = (&*metadata.client_info, &*metadata.server_info);
    let name = application(record, names).text;
    // In these protocols the client's text names the client; in others it names the server.
    let names_itself = name.starts_with("HTTP") || name.starts_with("SSH");
    let order = if names_itself { [server, client] } else { [client, server] };
    let text = order.into_iter().find(|text| !text.is_empty()).unwrap_or_default();
    Cell::styled(text.to_owned(), Style::new())
}
