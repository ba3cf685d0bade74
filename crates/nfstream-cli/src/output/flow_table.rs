//! Flows as a table for people.

use std::net::SocketAddr;
use std::sync::Arc;

use anstyle::Style;
use nfstream::features::{Group, Names, Read, Record, Schema, Value};
use nfstream::flow::Sender;

use super::Look;
use super::target::SOURCE;
use crate::human::{bytes, count, day, protocol_name, span, time_of_day};
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
    look: Look,
    columns: Vec<Column>,
    cells: Vec<CellOf>,
    layout: Option<Layout>,
}

/// Function that formats one column of a flow; it takes the name of the flow's source.
type CellOf = Box<dyn Fn(&Record, &str, &dyn Names) -> Cell>;

impl FlowTable {
    pub(super) fn new(
        schema: Arc<Schema>,
        selection: Selection,
        source: Option<SourceColumn>,
        look: Look,
    ) -> Self {
        Self {
            schema,
            selection,
            source,
            look,
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
                Selection::Glance => self.look.width,
                Selection::User => usize::MAX / 2,
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
            for &column in self.schema.columns() {
                let align = match column.read {
                    Read::Bool(_) | Read::List(..) | Read::Name { .. } | Read::Text(_) => {
                        Align::Left
                    }
                    _ => Align::Right,
                };
                self.columns.push(Column { align, ..Column::text(column.name, Fit::Whole) });
                self.cells.push(Box::new(move |r, _, names| plain(column.value(r, names))));
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
        self.add(Column::text("start (UTC)", Fit::Whole).rank(6), |r| {
            time_of_day(r.flow.first_seen).into()
        });
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

fn plain(value: Value) -> Cell {
    match value {
        Value::Null => Cell::default(),
        Value::Integer(number) => number.to_string().into(),
        Value::Float(number) => number.to_string().into(),
        Value::Bool(flag) => flag.to_string().into(),
        Value::List(list) => format!("{list:?}").into(),
        Value::Floats(list) => format!("{list:?}").into(),
        Value::Text(text) => text.into(),
    }
}

fn protocol(number: u8) -> Cell {
    protocol_name(number).map_or_else(|| number.to_string().into(), Cell::from)
}

/// Returns the address, with the port if there is one (RFC 5952): `192.0.2.1:443`,
/// `[2001:db8::1]:443`.
fn endpoint(record: &Record, end: Sender) -> Cell {
    let key = &record.flow.key;
    let end = key.end(end);
    let text = match end.ip(key.version) {
        ip if end.port == 0 => ip.to_string(),
        ip => SocketAddr::new(ip, end.port).to_string(),
    };
    text.into()
}

fn application(record: &Record, names: &dyn Names) -> Cell {
    let label = record.application.label;
    let mut name = String::new();
    names.application(label.master_protocol, label.app_protocol, &mut name);
    let is_unknown = label.master_protocol == 0 && label.app_protocol == 0;
    Cell::styled(name, if is_unknown { QUIET } else { ACCENT })
}

/// Returns the name in the flow's metadata: a server, a host or a DNS query.
fn about(record: &Record, names: &dyn Names) -> Cell {
    let Some(metadata) = &record.application.metadata else { return Cell::default() };
    let (client, server) = (&*metadata.client_info, &*metadata.server_info);
    let name = application(record, names).text;
    // In these protocols the client's text names the client; in others it names the server.
    let names_itself = name.starts_with("HTTP") || name.starts_with("SSH");
    let order = if names_itself { [server, client] } else { [client, server] };
    let text = order.into_iter().find(|text| !text.is_empty()).unwrap_or_default();
    Cell::styled(text.to_owned(), Style::new())
}
