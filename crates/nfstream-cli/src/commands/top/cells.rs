//! Cells of the tables: flows and groups as text.

use nfstream::features::{Column as EngineColumn, Kind, Names, Record, Schema, Value};
use nfstream::packet::protocol;
use nfstream::time::{Duration, Timestamp};

use super::groups::{Amount, By, Key, Order, Rate, whole};
use super::state::Sorting;
use super::survey::{Row, Sort};
use crate::human::{bytes, count, day, scaled, time_of_day};
use crate::output::{about, application, endpoint, plain};
use crate::table::{ACCENT, Cell, Column, Fit, QUIET};

/// Most characters of a value in the detail pane.
const LONGEST: usize = 2000;

/// A table: its columns, the order that each header selects, and a row of typical widths, which
/// keeps the columns in place while numbers change.
pub(super) struct Design {
    pub(super) columns: Vec<Column>,
    pub(super) sorts: Vec<Option<Sorting>>,
    pub(super) typical: Vec<Cell>,
}

/// Columns of a run that the table of flows reads.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    /// Retransmitted packets of both directions; empty if they are not measured.
    retransmitted: Vec<&'static EngineColumn>,
    has_labels: bool,
    pub(super) has_processes: bool,
}

impl Known {
    /// Returns what the columns of `schema` show.
    pub(super) fn of(schema: &Schema) -> Self {
        let has = |name: &str| schema.columns().iter().any(|column| column.name == name);
        let of_name = |column: &&&'static EngineColumn| {
            column.name.ends_with("2dst_retransmitted_packets")
                || column.name.ends_with("2src_retransmitted_packets")
        };
        Self {
            retransmitted: schema.columns().iter().filter(of_name).copied().collect(),
            has_labels: has("application_name"),
            has_processes: has("system_process_name"),
        }
    }
}

impl Design {
    fn add(&mut self, column: Column, sort: Option<Sorting>, typical: &str) {
        self.columns.push(column);
        self.sorts.push(sort);
        self.typical.push(typical.into());
    }

    /// Returns the table of flows in the order `sort`, whose column is always shown.
    pub(super) fn of_flows(known: &Known, sort: Sort) -> Self {
        let mut design = Self { columns: Vec::new(), sorts: Vec::new(), typical: Vec::new() };
        let mut number = |name, rank, of, typical| {
            let rank = if of == sort { 1 } else { rank };
            design.add(Column::number(name).rank(rank), Some(Sorting::Flows(of)), typical);
        };
        number("bit/s", 2, Sort::Rate, "999.9 M");
        number("bytes", 7, Sort::Bytes, "999.9 MB");
        number("packets", 9, Sort::Packets, "999.9 k");
        number("age", 5, Sort::Age, "59 s");
        number("idle", 8, Sort::Recent, "59 s");
        design.add(Column::text("proto", Fit::Whole).rank(10), None, "");
        design.add(Column::text("source", Fit::Middle(15)), None, "");
        design.add(Column::text("destination", Fit::Middle(15)).rank(1), None, "");
        if known.has_labels {
            design.add(Column::text("application", Fit::End(11)).rank(3), None, "");
            design.add(Column::text("name", Fit::End(10)).rank(4), None, "");
        }
        if !known.retransmitted.is_empty() {
            design.add(Column::number("retr").rank(6), None, "");
        }
        if known.has_processes {
            design.add(Column::text("process", Fit::End(8)).rank(6), None, "");
        }
        design
    }

    /// Returns the table of groups.
    pub(super) fn of_groups(by: By) -> Self {
        let mut design = Self { columns: Vec::new(), sorts: Vec::new(), typical: Vec::new() };
        let order = |order| Some(Sorting::Groups(order));
        let name = match by {
            By::Application => "application",
            By::Host => "host",
            By::Server => "server",
            By::Port => "port",
            By::Process => "process",
        };
        design.add(Column::text(name, Fit::Middle(16)), None, "");
        design.add(Column::number("bit/s").rank(1), order(Order::Rate), "999.9 M");
        design.add(Column::number("packets/s").rank(4), None, "999.9 k");
        design.add(Column::number("bytes").rank(2), order(Order::Bytes), "999.9 MB");
        design.add(Column::number("packets").rank(5), order(Order::Packets), "999,999,999");
        design.add(Column::number("flows").rank(3), order(Order::Flows), "9,999,999");
        design.add(Column::number("active").rank(6), None, "9,999,999");
        design.add(Column::number("share").rank(7), None, "100.0 %");
        design
    }
}

/// Returns the cells of a flow at `time`, the time of the packets. The port of the source, which is
/// mostly arbitrary, is shown on a wide screen.
pub(super) fn of_flow(
    row: &Row,
    known: &Known,
    is_wide: bool,
    time: Option<Timestamp>,
    names: &dyn Names,
) -> Vec<Cell> {
    let Row { record, rate, has_ended } = row;
    let flow = &record.flow;
    let since = |from: Timestamp| time.map(|time| time.since(from));
    let mut cells: Vec<Cell> = vec![
        if *has_ended { "ended".into() } else { bits(*rate).into() },
        bytes(record.volume.total_bytes()).into(),
        short_count(record.volume.total_packets()).into(),
        age(if *has_ended {
            Some(flow.last_seen.since(flow.first_seen))
        } else {
            since(flow.first_seen)
        }),
        if *has_ended { Cell::default() } else { age(since(flow.last_seen)) },
        crate::output::protocol(flow.key.protocol),
        if is_wide {
            endpoint(record, flow.src)
        } else {
            flow.key.end(flow.src).ip(flow.key.version).to_string().into()
        },
        endpoint(record, flow.src.other()),
    ];
    if known.has_labels {
        cells.push(application(record, names));
        cells.push(name(record, names));
    }
    if !known.retransmitted.is_empty() {
        cells.push(match retransmitted(record, known, names) {
            0 => Cell::default(),
            packets => count(packets).into(),
        });
    }
    if known.has_processes {
        let name = record.process.as_ref().map_or("", |process| &process.name);
        cells.push(name.into());
    }
    if *has_ended {
        for cell in &mut cells {
            cell.style = QUIET;
        }
    }
    cells
}

/// Returns the cells of a group; `all` is the traffic of all groups.
pub(super) fn of_group(key: &Key, amount: &Amount, all: &Amount, names: &dyn Names) -> Vec<Cell> {
    vec![
        key_of(key, names),
        bits(amount.rate).into(),
        short_count(whole(amount.rate.packets)).into(),
        bytes(amount.bytes).into(),
        count(amount.packets).into(),
        count(amount.flows).into(),
        count(amount.active).into(),
        crate::human::share(amount.bytes, all.bytes).into(),
    ]
}

/// Returns the values of a flow that are not empty, with the names of their columns.
pub(super) fn details(row: &Row, schema: &Schema) -> Vec<(&'static str, String)> {
    let mut lines = Vec::new();
    for column in schema.columns() {
        let value = column.value(&row.record, schema.names());
        let text = match (&value, column.kind) {
            (Value::Integer(nanos), _) if matches!(column.name, "first_seen" | "last_seen") => {
                let time = match column.name {
                    "first_seen" => row.record.flow.first_seen,
                    _ => row.record.flow.last_seen,
                };
                format!("{} {} ({nanos})", day(time), time_of_day(time))
            }
            (Value::Integer(number), Kind::Bytes) if *number >= 1000 => {
                format!("{number} ({})", bytes(u64::try_from(*number).unwrap_or(0)))
            }
            (Value::Null, _) => continue,
            _ => plain(value).text,
        };
        if !text.is_empty() {
            let text = match text.char_indices().nth(LONGEST) {
                Some((place, _)) => format!("{}…", text.get(..place).unwrap_or_default()),
                None => text,
            };
            lines.push((column.name, text));
        }
    }
    lines
}

/// Returns a rate in bits per second.
fn bits(rate: Rate) -> String {
    short_count(whole(rate.bytes * 8.0))
}

/// Returns bits per second with their unit.
pub(super) fn bits_per_second(bits: u64) -> String {
    scaled(bits, &["bit/s", "kbit/s", "Mbit/s", "Gbit/s", "Tbit/s"])
}

/// Returns a number with at most four digits and a unit.
pub(super) fn short_count(number: u64) -> String {
    scaled(number, &["", "k", "M", "G", "T"]).trim_end().to_owned()
}

/// Returns an age in its largest unit: the smaller ones of a flow that continues only flicker.
fn age(age: Option<Duration>) -> Cell {
    let Some(age) = age else { return Cell::default() };
    let seconds = age.nanos() / 1_000_000_000;
    let text = match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} m", seconds / 60),
        3600..86_400 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    };
    text.into()
}

/// Returns the name of a flow's server, host or query.
fn name(record: &Record, names: &dyn Names) -> Cell {
    let cell = about(record, names);
    match &record.application.dns_name {
        Some(name) if cell.text.is_empty() => (&**name).into(),
        _ => cell,
    }
}

fn retransmitted(record: &Record, known: &Known, names: &dyn Names) -> u64 {
    let columns = known.retransmitted.iter();
    let values = columns.map(|column| match column.value(record, names) {
        Value::Integer(packets) => u64::try_from(packets).unwrap_or(0),
        _ => 0,
    });
    values.sum()
}

/// Returns the name of a group.
pub(super) fn key_of(key: &Key, names: &dyn Names) -> Cell {
    match key {
        Key::Application { master, app } => {
            let mut name = String::new();
            names.application(*master, *app, &mut name);
            let style = if (*master, *app) == (0, 0) { QUIET } else { ACCENT };
            Cell::styled(if name.is_empty() { "(not labelled)".to_owned() } else { name }, style)
        }
        Key::Address(ip) => ip.to_string().into(),
        Key::Port { protocol: number, port } => {
            let name = protocol::name(*number).map_or_else(|| number.to_string(), str::to_owned);
            if *port == 0 { name.into() } else { format!("{name} {port}").into() }
        }
        Key::Process(name) => (&**name).into(),
    }
}
