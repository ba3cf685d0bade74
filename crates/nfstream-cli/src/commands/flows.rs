//! `nfstream flows`: the flow table of captures.

use std::cmp::Ordering;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use nfstream::features::{Column, Names, Record, Schema, Value};
use nfstream::{Config, Stats};

use crate::column_argument::{self, ColumnParser};
use crate::error::{Error, Written};
use crate::flow_rules::FlowRules;
use crate::human::{count, counted};
use crate::input::{Input, InputArgs};
use crate::io::Io;
use crate::output::{Destination, Encoder, Existing, Format, Look, Selection};
use crate::reading::{Reading, Sink};

/// Bytes that are written at once, unless the input rests.
const PORTION: usize = 64 << 10;

/// Write the flows of captures as a table
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  nfstream flows capture.pcap
  nfstream flows monday.pcap tuesday.pcap.gz -o week.csv
  nfstream flows capture.pcap --sort total_bytes:desc --limit 20
  nfstream flows capture.pcap --columns src_ip,dst_ip,application_name | sort | uniq -c
  tcpdump -i eth0 -U -w - | nfstream flows - --format jsonl")]
pub(crate) struct FlowsArgs {
    #[command(flatten)]
    input: InputArgs,

    #[command(flatten)]
    rules: FlowRules,

    #[command(flatten)]
    table: TableArgs,
}

/// Options that say which table is written, and where.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Table")]
struct TableArgs {
    /// Write FILE, in the format of its ending (.csv, .jsonl or .ndjson); `-`: standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Replace FILE if it exists
    #[arg(long)]
    force: bool,

    /// Write in this format; without it, a terminal gets a table and a pipe csv
    #[arg(long, value_name = "FORMAT", value_enum, hide_possible_values = true)]
    #[arg(help = "table, csv or jsonl; else as FILE ends, a table on a terminal, or csv")]
    format: Option<Format>,

    /// Write these columns, in this order; `nfstream columns` lists them
    #[arg(long, value_name = "NAME,…", value_delimiter = ',', value_parser = ColumnParser)]
    #[arg(hide_possible_values = true)]
    columns: Vec<&'static Column>,

    /// Sort by a column, largest first with `:desc`; all flows are held in memory for it
    #[arg(long, value_name = "NAME[:desc]")]
    sort: Option<Sort>,

    /// Write at most N flows, and read no further than they need
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    limit: Option<u64>,
}

/// An order of rows.
#[derive(Clone, Copy, Debug)]
struct Sort {
    column: &'static Column,
    is_descending: bool,
}

/// What is to be done.
struct Plan {
    input: Input,
    config: Config,
    format: Format,
    look: Look,
    columns: Vec<&'static Column>,
    sort: Option<Sort>,
    limit: u64,
    output: Option<PathBuf>,
    existing: Existing,
}

pub(super) fn run(args: FlowsArgs, io: &mut Io<'_>) -> Result<(), Error> {
    let plan = Plan::new(args, io)?;
    let reading = Reading::start(&plan.input, &plan.config)?;
    let schema = plan.schema(reading.schema());
    let destination = Destination::new(plan.output.as_deref(), plan.existing, &plan.input)?;
    let mut writer = TableWriter::new(&plan, &schema, destination)?;
    let result = reading.drain(&mut writer, io);
    match result {
        Ok(stats) => {
            let flows = writer.finish(io)?;
            summarize(flows, &stats, plan.output.as_ref(), io);
            Ok(())
        }
        // What could be read is worth having, but not under the name of a whole table.
        Err(error @ (Error::Run(_) | Error::Worker { .. })) => {
            if writer.destination.path().is_none() {
                writer.write_held(io)?;
            }
            Err(error)
        }
        Err(error) => Err(error),
    }
}

impl Plan {
    fn new(args: FlowsArgs, io: &Io<'_>) -> Result<Self, Error> {
        let FlowsArgs { input, rules, table } = args;
        let output = table.output.filter(|path| path.as_os_str() != "-");
        let format = match (table.format, &output) {
            (Some(format), _) => format,
            (None, Some(path)) => Format::of_file(path).ok_or_else(|| Error::FormatUnknown {
                path: path.clone(),
                known: Format::endings(),
            })?,
            (None, None) if io.stdout.is_terminal => Format::Table,
            (None, None) => Format::Csv,
        };
        let look = match output {
            Some(_) => Look::of_file(&io.stdout),
            None => Look::of(&io.stdout),
        };
        let input = input.find()?;
        let mut config = rules.config(input.bytes);
        // What is measured follows from what is asked for.
        let sorted_by = table.sort.map(|sort| sort.column);
        for column in table.columns.iter().copied().chain(sorted_by) {
            if config.inspection.is_none() && column.group.needs_inspection() {
                return Err(Error::ColumnOff { column: column.name });
            }
            config.measuring.groups.push(column.group);
        }
        Ok(Self {
            config,
            input,
            format,
            look,
            columns: table.columns,
            sort: table.sort,
            limit: table.limit.unwrap_or(u64::MAX),
            output,
            existing: if table.force { Existing::Replace } else { Existing::Keep },
        })
    }

    /// Returns the columns to write out of those of the run.
    fn schema(&self, all: &Arc<Schema>) -> Arc<Schema> {
        if self.columns.is_empty() {
            return Arc::clone(all);
        }
        Arc::new(all.select(&self.columns))
    }
}

/// Writes flows, as many as are wanted.
struct TableWriter<'a> {
    encoder: Encoder<'a>,
    destination: Destination,
    names: &'a dyn Names,
    sort: Option<Sort>,
    /// All flows so far, if they are to be sorted.
    held: Vec<Record>,
    /// Rows still wanted.
    left: u64,
    /// Rows encoded.
    rows: u64,
}

impl<'a> TableWriter<'a> {
    fn new(plan: &Plan, schema: &'a Schema, destination: Destination) -> Result<Self, Error> {
        let selection = if plan.columns.is_empty() { Selection::Glance } else { Selection::User };
        let encoder = Encoder::new(plan.format, schema, selection, plan.look);
        Ok(Self {
            encoder: encoder.map_err(Error::stdout)?,
            destination,
            names: schema.names(),
            sort: plan.sort,
            held: Vec::new(),
            left: plan.limit,
            rows: 0,
        })
    }

    fn encode(&mut self, records: &[Record]) -> Result<(), Error> {
        let wanted = usize::try_from(self.left).unwrap_or(usize::MAX).min(records.len());
        let records = records.get(..wanted).unwrap_or_default();
        self.encoder.encode(records).map_err(Error::stdout)?;
        let rows = u64::try_from(wanted).unwrap_or(u64::MAX);
        self.left -= rows;
        self.rows += rows;
        Ok(())
    }

    fn write_ready(&mut self, io: &mut Io<'_>) -> Result<(), Error> {
        let ready = self.encoder.take().map_err(Error::stdout)?;
        if ready.is_empty() { Ok(()) } else { self.destination.write(&ready, io) }
    }

    /// Writes all that has come, sorted if it has to be.
    fn write_held(&mut self, io: &mut Io<'_>) -> Result<(), Error> {
        let mut held = std::mem::take(&mut self.held);
        if let Some(sort) = self.sort {
            sort.sort(&mut held, self.names);
        }
        self.encode(&held)?;
        self.write_ready(io)
    }

    /// Writes the rest and returns how many rows there are.
    fn finish(mut self, io: &mut Io<'_>) -> Result<u64, Error> {
        self.write_held(io)?;
        self.destination.finish()?;
        Ok(self.rows)
    }
}

impl Sink for TableWriter<'_> {
    fn take(&mut self, records: Vec<Record>, io: &mut Io<'_>) -> Result<ControlFlow<()>, Error> {
        if self.sort.is_some() {
            self.held.extend(records);
            return Ok(ControlFlow::Continue(()));
        }
        self.encode(&records)?;
        if self.encoder.ready() >= PORTION {
            self.write_ready(io)?;
        }
        Ok(if self.left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    }

    fn rest(&mut self, io: &mut Io<'_>) -> Result<(), Error> {
        self.write_ready(io)
    }

    fn written(&self) -> Written {
        match self.destination.path() {
            Some(path) => Written::NoFile(path.to_path_buf()),
            None => Written::Rows(self.rows),
        }
    }
}

impl Sort {
    fn sort(self, records: &mut [Record], names: &dyn Names) {
        records.sort_by_cached_key(|record| Key {
            value: self.column.value(record, names),
            is_descending: self.is_descending,
        });
    }
}

impl FromStr for Sort {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, is_descending) = match text.split_once(':') {
            None => (text, false),
            Some((name, "asc")) => (name, false),
            Some((name, "desc")) => (name, true),
            Some((name, _)) => return Err(format!("expected {name}, {name}:asc or {name}:desc")),
        };
        Ok(Self { column: column_argument::find(name)?, is_descending })
    }
}

/// A value in the order of a column.
#[derive(PartialEq)]
struct Key {
    value: Value,
    is_descending: bool,
}

impl Eq for Key {}

impl Ord for Key {
    fn cmp(&self, other: &Self) -> Ordering {
        let order = match (&self.value, &other.value) {
            (Value::Unsigned(a), Value::Unsigned(b)) => a.cmp(b),
            (Value::Signed(a), Value::Signed(b)) => a.cmp(b),
            (Value::Float(a), Value::Float(b)) => a.total_cmp(b),
            (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
            (Value::List(a), Value::List(b)) => a.cmp(b),
            (Value::Text(a), Value::Text(b)) => a.cmp(b),
            // The values of one column are of one kind.
            _ => Ordering::Equal,
        };
        if self.is_descending { order.reverse() } else { order }
    }
}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Tells a person what was done.
fn summarize(flows: u64, stats: &Stats, output: Option<&PathBuf>, io: &mut Io<'_>) {
    if !io.shows_progress() {
        return;
    }
    let mut line = counted(flows, "flow");
    if let Some(path) = output {
        line.push_str(&format!(" written to {}", path.display()));
    }
    line.push_str(&format!("; {} read", counted(stats.packets, "packet")));
    if stats.ignored.total() > 0 {
        line.push_str(&format!(", {}", ignored(stats)));
    }
    if stats.late_packets > 0 {
        line.push_str(&format!(", {} late", count(stats.late_packets)));
    }
    let line = io.stderr.paint(crate::table::QUIET, &line);
    io.stderr.say(line);
}

/// Returns how many packets were ignored and why: `12 ignored (10 not ip, 2 truncated link)`.
pub(super) fn ignored(stats: &Stats) -> String {
    let reasons = stats.ignored.reasons();
    let reasons: Vec<_> = reasons
        .map(|(reason, packets)| (reason.replace('_', " "), count(packets)))
        .collect();
    let ignored = format!("{} ignored", count(stats.ignored.total()));
    match reasons.as_slice() {
        [(reason, _)] => format!("{ignored} ({reason})"),
        _ => {
            let parts: Vec<_> = reasons.iter().map(|(reason, n)| format!("{n} {reason}")).collect();
            format!("{ignored} ({})", parts.join(", "))
        }
    }
}
