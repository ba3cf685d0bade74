//! `nfstream flows`: writes the flow table of captures.

mod rows;
mod sort;

use std::collections::VecDeque;
use std::fs::File;
use std::io::Read as _;
use std::num::{NonZeroU64, NonZeroUsize};
use std::path::{Path, PathBuf};

use clap::ArgGroup;
use nfstream::Stats;
use nfstream::capture::{self, Digests, FileOrder};
use nfstream::features::{Column, Schema};
use nfstream::host::visible_path;
use nfstream::sink::{self, Destination, Existing, Full, Rotation};
use nfstream::table::{Anonymizer, Provenance, Sort, TableError, TableSpec, TimeForm};
use nfstream::time::Duration;

use crate::column_argument::{ColumnName, ColumnParser};
use crate::counts::Counts;
use crate::error::{Error, WARNING, with_causes};
use crate::flow_rules::{FlowRules, Job, OfFiles, SourceRules};
use crate::human::{count, counted};
use crate::input::{Input, InputArgs, Opening};
use crate::io::Io;
use crate::metrics::Metrics;
use crate::numbers::{parse_span, parse_whole};
use crate::output::{Format, Look, SOURCE, TargetOptions};
use crate::progress::ProgressDisplay;
use crate::reading::{Opened, Reading};
use crate::rights::{self, Kept};
use crate::sandbox::Sandbox;
use crate::sandbox_argument::SandboxArgs;
use rows::RowWriter;
use sort::SortArgument;

/// Read captures and write their flows as a table
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  nfstream flows capture.pcap
  nfstream flows monday.pcap tuesday.pcap.gz -o week.csv
  nfstream flows capture.pcap --sort total_bytes:desc --limit 20
  nfstream flows capture.pcap --where 'dst_port == 443 && total_bytes > 100000'
  nfstream flows capture.pcap --label-by attacks.csv --label-time-zone UTC -o labelled.parquet
  nfstream flows captures/ --separate --features statistics,splt -o flows.parquet
  nfstream flows capture.pcap --columns src_ip,dst_ip,application_name | sort | uniq -c
  tcpdump -i eth0 -U -w - | nfstream flows - --format jsonl
  nfstream flows blocks/shard=3 -o flows-3.parquet")]
pub(crate) struct Args {
    #[command(flatten)]
    input: InputArgs,

    /// Meter each capture separately, and add its name as the column `source`, which comes first
    /// unless --columns names it; --where can use it as well
    #[arg(long)]
    separate: bool,

    #[command(flatten)]
    confinement: SandboxArgs,

    #[command(flatten)]
    rules: SourceRules<OfFiles>,

    #[command(flatten)]
    table: TableArgs,
}

/// Options of the table and its destination.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Table")]
#[group(skip)]
#[command(group = ArgGroup::new("rotation").args(["flows_per_file", "bytes_per_file", "every"]).multiple(true))]
pub(super) struct TableArgs {
    /// Write to FILE; its extension selects the format: .parquet, .arrow, .feather, .arrows, .csv,
    /// .jsonl, .ndjson or .ipfix; .gz or .zst after that of text compresses it. `-` is standard
    /// output. Or send the flows to another program by URL, such as ipfix://collector:4739,
    /// clickhouse://host:8123/default/flows or https://host/path
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Replace FILE if it exists
    #[arg(long)]
    force: bool,

    /// Format of the output
    #[arg(long, value_name = "FORMAT", value_parser = Format::parser(), hide_possible_values = true)]
    #[arg(
        help = "Format of the output: parquet, arrow, arrows (Arrow stream), csv, jsonl, ipfix, \
                ipfix-biflow, zeek, zeek-json, eve, ecs or table. \
                Default: by the extension of FILE, else table on a terminal and csv otherwise"
    )]
    format: Option<Format>,

    /// Write an apostrophe before text in CSV that a spreadsheet may interpret as a formula: text
    /// that begins with =, +, -, @, a tab or a line break
    #[arg(long)]
    csv_safe: bool,

    /// Write first_seen and last_seen as timestamps instead of numbers
    #[arg(long)]
    timestamps: bool,

    /// Start a new file after N flows; files are numbered: flows.0.csv, flows.1.csv
    #[arg(long, value_name = "N", requires = "output", allow_negative_numbers = true)]
    #[arg(value_parser = parse_whole::<NonZeroU64, 1>)]
    flows_per_file: Option<NonZeroU64>,

    /// Start a new file after about N bytes
    #[arg(long, value_name = "N", requires = "output", allow_negative_numbers = true)]
    #[arg(value_parser = parse_whole::<NonZeroU64, 1>)]
    bytes_per_file: Option<NonZeroU64>,

    /// Start a new file for each SPAN of time, such as 1h, by the time at which flows end. In FILE,
    /// %F stands for the date, and %Y %m %d %H %M %S for parts of date and time, in UTC:
    /// flows/day=%F/%H.parquet. Without them, files are numbered. Existing files stay, and new ones
    /// get the next number
    #[arg(long, value_name = "SPAN", requires = "output", value_parser = parse_span)]
    #[arg(conflicts_with_all = ["flows_per_file", "bytes_per_file", "force", "sort"])]
    every: Option<Duration>,

    /// Continue after the newest of the numbered files instead of refusing to replace them
    #[arg(long, requires = "rotation", conflicts_with = "force")]
    resume: bool,

    /// Keep only the N newest files. With --every, files of earlier runs stay
    #[arg(long, value_name = "N", requires = "rotation", allow_negative_numbers = true)]
    #[arg(value_parser = parse_whole::<NonZeroUsize, 1>)]
    rotate_files: Option<NonZeroUsize>,

    /// Write these columns, in this order; `nfstream columns` lists them
    #[arg(long, value_name = "NAME,…", value_delimiter = ',', value_parser = ColumnParser)]
    #[arg(hide_possible_values = true)]
    columns: Vec<ColumnName>,

    /// Leave out columns that identify flows, hosts, networks or dates (identifiers), from which a
    /// model would learn the data set instead of behaviour
    #[arg(long, value_name = "KIND", value_parser = ["identifiers"], hide_possible_values = true)]
    drop: Option<String>,

    /// Replace the values of these columns with keyed hashes (BLAKE2b)
    #[arg(long, value_name = "NAME,…", value_delimiter = ',', value_parser = ColumnParser)]
    #[arg(hide_possible_values = true)]
    columns_to_anonymize: Vec<ColumnName>,

    /// Read the key of the hashes from FILE, 1 to 64 bytes: with the same key, equal values have
    /// equal hashes in all tables. Default: a random key
    #[arg(long, value_name = "FILE", requires = "columns_to_anonymize")]
    anonymization_key: Option<PathBuf>,

    /// Sort by a column, in descending order with `:desc`. Keeps all flows in memory, or as many
    /// as --limit allows
    #[arg(long, value_name = "NAME[:desc]")]
    sort: Option<SortArgument>,

    /// Write at most N flows and stop reading once they are complete
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    #[arg(value_parser = parse_whole::<u64, 0>)]
    limit: Option<u64>,

    /// Show counts of the run at http://ADDRESS/metrics, in the OpenMetrics format
    #[arg(long, value_name = "ADDRESS")]
    metrics: Option<String>,
}

/// Work of one call.
pub(super) struct Plan {
    input: Input,
    is_separate: bool,
    job: Job,
    target: TargetOptions,
    /// Columns chosen with `--columns`, in order; `None` without the option.
    columns: Option<Vec<&'static Column>>,
    /// Whether to leave out columns that identify something.
    drops_identifiers: bool,
    sort: Option<Sort>,
    limit: u64,
    /// Sandbox to enter once everything is open.
    sandbox: Option<Sandbox>,
    /// Address of the page with counts of the run.
    metrics: Option<String>,
}

pub(super) fn run(args: Args, io: &mut Io<'_>) -> Result<(), Error> {
    let Args { input, separate, confinement, rules, table } = args;
    let rules = rules.into_inner();
    let mut options = rules.parameters().file_options();
    if separate {
        options.order = FileOrder::Given;
    }
    let find = || input.find_captures_or_blocks(options);
    let mut plan = Plan::new(find, separate, &rules, table, io)?;
    plan.confine(confinement)?;
    write(plan, io)
}

/// Writes the table.
pub(super) fn write(mut plan: Plan, io: &mut Io<'_>) -> Result<(), Error> {
    let sandbox = plan.sandbox.take();
    let plan = &plan;
    let metrics = plan.metrics.as_deref().map(Metrics::open).transpose()?;
    if let Some(metrics) = metrics.as_ref().filter(|_| io.shows_progress()) {
        io.stderr.say(format_args!("metrics at http://{}/metrics", metrics.address()));
    }
    let inputs = if plan.is_separate { plan.input.separately() } else { vec![plan.input.clone()] };
    let mut progress = ProgressDisplay::new(plan.input.bytes, io);
    let mut counts = Counts::default();
    let mut total = Stats::default();
    let mut begun: Option<RowWriter> = None;
    let names = if plan.is_separate { Input::names(&inputs) } else { vec![String::new()] };
    let mut held = VecDeque::new();
    let is_complete = plan.limit == u64::MAX && plan.input.live.is_none();
    let digests =
        (is_complete && plan.target.has_footer()).then(|| Digests::start(&plan.input.paths));
    if let Some(sandbox) = sandbox {
        for input in &inputs {
            held.push_back(Opened::open(input, &plan.job, Opening::Ahead)?);
        }
        sandbox.enter(plan.input.live.is_some())?;
    }
    for (place, (input, name)) in inputs.iter().zip(&names).enumerate() {
        let opened = match held.pop_front() {
            Some(opened) => opened,
            None => Opened::open(input, &plan.job, Opening::Late)?,
        };
        if let Some(live) = input.live.as_ref().filter(|_| plan.target.outlet.is_none()) {
            let is_socket = |(destination, _): &(Destination, Full)| destination.is_local_path();
            let files = plan.target.path.is_some()
                || plan.target.destination.as_ref().is_some_and(is_socket);
            let processes = live.processes.is_some();
            rights::give_up(Kept { files, processes });
        }
        if input.live.is_some() && io.shows_progress() {
            io.stderr.say_in(crate::table::QUIET, listening(plan, input));
        }
        let reading = Reading::start(opened, input, &plan.job, name)?;
        let writer = match &mut begun {
            Some(writer) => writer,
            None => {
                let writer =
                    RowWriter::new(plan, reading.schema(), reading.pool(), names.clone(), io)?;
                warn_of_revealing(&writer, io);
                begun.insert(writer)
            }
        };
        writer.begin(place);
        if let Some(metrics) = &metrics {
            metrics.watch(&total, reading.monitor(), writer.status());
        }
        match reading.drain(writer, &mut progress, io) {
            Ok(stats) => {
                counts.add(&stats);
                total.add(&stats);
            }
            // Rows before the failure go to standard output or another program, but make no
            // complete file.
            Err(error @ (Error::Run(_) | Error::Worker { .. })) => {
                let mut rest = writer.write_rest(io);
                if writer.status().is_some()
                    && let Some(writer) = begun.take()
                {
                    rest = rest.and_then(|()| writer.finish(io).map(drop));
                }
                match rest {
                    // The run ends with the error that came first.
                    Err(later @ Error::Sink(_)) => {
                        io.stderr.say_as(WARNING, "warning:", with_causes(&later));
                    }
                    rest => rest?,
                }
                return Err(error);
            }
            Err(error) => return Err(error),
        }
        // An interruption ended this input, and also ends the inputs after it.
        if writer.is_full() || (input.is_stream() && (io.interrupted)()) {
            break;
        }
    }
    drop(progress);
    let flows = match begun {
        Some(writer) => {
            let captures = digests.map(Digests::finish).unwrap_or_default();
            plan.target.spec.provenance.conclude(&total.account(), &captures);
            writer.finish(io)?
        }
        None => 0,
    };
    summarize(flows, &counts, &plan.target, io);
    plan.job.report_labels(io);
    if plan.input.blocks.is_some() && counts.damaged_files > 0 {
        return Err(Error::IncompleteBlocks { files: counts.damaged_files });
    }
    counts.complete()
}

impl Plan {
    /// Returns the plan for these options; `find_input` resolves the input.
    pub(super) fn new(
        find_input: impl FnOnce() -> Result<Input, Error>,
        separate: bool,
        rules: &FlowRules,
        table: TableArgs,
        io: &Io<'_>,
    ) -> Result<Self, Error> {
        let mut output = table.output.filter(|path| path.as_os_str() != "-");
        let url = output.as_ref().and_then(|path| path.to_str());
        let destination = match url.filter(|text| Destination::is_named_by(text)) {
            Some(_) if table.format == Some(Format::Table) => {
                return Err(Error::TableToFile { path: output.clone().unwrap_or_default() });
            }
            Some(text) => Some(Destination::parse(text, table.format.and_then(Format::programs))?),
            None => None,
        };
        if destination.is_some() {
            output = None;
        }
        let of_destination = destination.as_ref().map(|destination| {
            Format::Programs(destination.format().unwrap_or(sink::Format::JSON_LINES))
        });
        let format = match (of_destination.or(table.format), &output) {
            (Some(format), _) => format,
            (None, Some(path)) => Format::of_file(path).ok_or_else(|| Error::FormatUnknown {
                path: path.clone(),
                known: Format::extensions(),
            })?,
            (None, None) if io.stdout.is_terminal => Format::Table,
            (None, None) => Format::Programs(sink::Format::CSV),
        };
        match &output {
            Some(path) if format == Format::Table => {
                return Err(Error::TableToFile { path: path.clone() });
            }
            _ if format == Format::Table && !table.columns_to_anonymize.is_empty() => {
                return Err(Error::TableOfHashes);
            }
            None if destination.is_none() && format.is_binary() && io.stdout.is_terminal => {
                return Err(Error::BinaryToTerminal { format: format.name() });
            }
            _ => {}
        }
        if table.csv_safe && format != Format::Programs(sink::Format::CSV) {
            return Err(Error::CsvSafe { format: format.name() });
        }
        let format = match format {
            Format::Programs(_) if table.csv_safe => Format::Programs(sink::Format::SAFE_CSV),
            format => format,
        };
        let made_of = |rules: &FlowRules| {
            let (dissects, unit) = (rules.parameters().dissect, rules.parameters().time_unit);
            match (&destination, format) {
                (Some(destination), _) => {
                    destination.columns(|group| rules.shows(group), dissects, unit)
                }
                (None, Format::Programs(format)) => {
                    format.columns(|group| rules.shows(group), dissects, unit)
                }
                (None, Format::Table) => None,
            }
        };
        let mut rules = rules.clone();
        let counts_ip_bytes = match (&destination, format) {
            (Some(destination), _) => destination.counts_ip_bytes(),
            (None, Format::Programs(format)) => format.counts_ip_bytes(),
            (None, Format::Table) => false,
        };
        if counts_ip_bytes {
            rules.count_ip_bytes();
        }
        let rules = &rules;
        let fixed = made_of(rules);
        let output_name = || match &destination {
            Some(destination) => destination.name().to_owned(),
            None => format!("--format {}", format.name()),
        };
        if fixed.is_some() {
            let given = [
                ("--columns", !table.columns.is_empty()),
                ("--columns-to-anonymize", !table.columns_to_anonymize.is_empty()),
                ("--timestamps", table.timestamps),
            ];
            if let Some((option, _)) = given.into_iter().find(|(_, is_given)| *is_given) {
                return Err(Error::FixedColumns { option, output: output_name() });
            }
        }
        if destination.is_some()
            && (table.flows_per_file.is_some() || table.bytes_per_file.is_some())
        {
            let option = match table.flows_per_file {
                Some(_) => "--flows-per-file",
                None => "--bytes-per-file",
            };
            return Err(Error::NoFile { option, output: output_name() });
        }
        let all_named = table.columns.iter().chain(&table.columns_to_anonymize);
        if !separate && all_named.clone().any(|name| name.is_source()) {
            return Err(Error::SourceOff);
        }
        check_unique(&table.columns)?;
        let run = rules.parameters();
        let source_at = table.columns.iter().position(|name| name.is_source());
        let of_engine = table.columns.iter().filter(|name| !name.is_source());
        let columns = of_engine.map(|name| name.find(run, "--columns <NAME,…>"));
        let columns = columns.collect::<Result<Vec<_>, _>>()?;
        let sort = table.sort.map(|sort| sort.find(run)).transpose()?;
        let hidden = table.columns_to_anonymize.iter().map(|name| match name {
            name if name.is_source() => Ok(SOURCE.to_owned()),
            name => {
                let column = name.find(run, "--columns-to-anonymize <NAME,…>")?;
                Ok(column.name.to_owned())
            }
        });
        let hidden = hidden.collect::<Result<Vec<_>, Error>>()?;
        let anonymizer = anonymizer(&hidden, table.anonymization_key.as_deref())?;
        let columns = fixed.or_else(|| (!table.columns.is_empty()).then_some(columns));
        let needed = columns.iter().flatten().copied().chain(sort.map(|sort| sort.column));
        let needed: Vec<_> = needed.collect();
        let job = rules.job(&needed, separate.then_some(SOURCE))?;
        let input = find_input()?;
        let rotation = Rotation {
            rows: table.flows_per_file,
            bytes: table.bytes_per_file,
            keep: table.rotate_files,
        };
        if input.live.is_none() {
            let outputs = match &output {
                Some(path) => sink::existing_at(path, rotation)?,
                None if destination.is_some() => Vec::new(),
                None => vec!["-".into()],
            };
            if capture::overwritten(&input.paths, &outputs).is_some() {
                let path = output.unwrap_or_else(|| "standard output".into());
                return Err(Error::TargetIsInput { path });
            }
        }
        let parameters = match hidden.as_slice() {
            [] => rules.to_json(&input).to_string(),
            hidden => rules.to_json_without(hidden).to_string(),
        };
        let full = if input.live.is_some() { Full::Drop } else { Full::Wait };
        let target = TargetOptions {
            path: output,
            destination: destination.map(|destination| (destination, full)),
            outlet: None,
            existing: match (table.force, table.resume) {
                (true, _) => Existing::Replace,
                (_, true) => Existing::Continue,
                _ => Existing::Keep,
            },
            format,
            rotation,
            every: table.every,
            spec: TableSpec {
                times: if table.timestamps { TimeForm::Timestamps } else { TimeForm::Numbers },
                headings: rules.parameters().names,
                origin: separate.then(|| SOURCE.to_owned()),
                origin_at: source_at.unwrap_or(0),
                anonymizer,
                provenance: Provenance::new(
                    job.dissection().as_ref().map(|dissection| &*dissection.dissector),
                )
                .with("parameters", &parameters)
                .with_models(&run.model.hashes()),
                ..TableSpec::default()
            },
            look: Look::of(&io.stdout),
            named: Vec::new(),
        };
        let named = job.condition.iter().flat_map(|condition| condition.columns()).copied();
        let named = named.chain(sort.map(|sort| sort.column)).collect();
        let target = TargetOptions { named, ..target };
        let limit = table.limit.unwrap_or(u64::MAX);
        let (sandbox, metrics) = (None, table.metrics);
        Ok(Self {
            input,
            is_separate: separate,
            job,
            target,
            columns,
            drops_identifiers: table.drop.is_some(),
            sort,
            limit,
            sandbox,
            metrics,
        })
    }

    /// Prepares a sandbox for this work, if `arguments` request one.
    pub(super) fn confine(&mut self, arguments: SandboxArgs) -> Result<(), Error> {
        arguments.check_destination(self.target.destination.is_some())?;
        arguments.check_metrics(self.metrics.is_some())?;
        if let Some(mut sandbox) = arguments.prepare(&mut self.job, &self.input)? {
            if self.target.every.is_some() || self.target.existing == Existing::Continue {
                return Err(Error::RotationInSandbox);
            }
            if let (Some(path), Format::Programs(format)) = (&self.target.path, self.target.format)
            {
                let TargetOptions { existing, rotation, .. } = self.target;
                self.target.outlet = Some(sandbox.outlet(path, existing, format, rotation)?);
            }
            self.sandbox = Some(sandbox);
        }
        Ok(())
    }

    /// Returns the columns to write, a selection of those of the run.
    fn columns(&self, all: &Schema) -> Vec<&'static Column> {
        let mut columns = match &self.columns {
            Some(columns) => columns.clone(),
            None => {
                // Columns that only --sort and --where need are not written.
                let all = all.columns().iter().copied();
                all.filter(|column| self.job.shows(column.group)).collect()
            }
        };
        columns.retain(|column| !(self.drops_identifiers && column.role.is_identifying()));
        columns
    }
}

/// Checks that no column is named twice.
fn check_unique(columns: &[ColumnName]) -> Result<(), Error> {
    for (place, column) in columns.iter().enumerate() {
        if columns.iter().take(place).any(|earlier| earlier == column) {
            return Err(TableError::DuplicateColumn { name: column.to_string() }.into());
        }
    }
    Ok(())
}

/// Warns about columns that can reveal hidden values of others.
fn warn_of_revealing(writer: &RowWriter, io: &mut Io<'_>) {
    let columns = writer.revealing();
    if !columns.is_empty() {
        let warning = format!(
            "not anonymized, but can reveal a hidden value: {}; anonymize them too, or leave them \
             out",
            columns.join(", ")
        );
        io.stderr.say_as(WARNING, "warning:", warning);
    }
}

/// Returns the anonymizer for the columns `names`, with the key in a file or a random one; `None`
/// if there are no columns.
fn anonymizer(names: &[String], key: Option<&Path>) -> Result<Option<Anonymizer>, Error> {
    if names.is_empty() {
        return Ok(None);
    }
    let key = key.map(|path| read_key(path).map_err(|error| (path, error))).transpose();
    let key = key.map_err(|(path, source)| Error::Path {
        path: path.to_path_buf(),
        action: "cannot read the key",
        source,
    })?;
    Ok(Some(Anonymizer::new(names.iter().cloned(), key.as_deref())?))
}

/// Reads a key, or the beginning of a file that is too long for one: devices may have no end.
fn read_key(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut key = Vec::new();
    File::open(path)?.take(1 << 20).read_to_end(&mut key)?;
    Ok(key)
}

/// Returns the interfaces that packets come from, and how to stop.
fn listening(plan: &Plan, input: &Input) -> String {
    let names: Vec<_> = input.paths.iter().map(|path| visible_path(path)).collect();
    let mut line = format!("listening on {}", names.join(", "));
    if let Some(filter) = plan.job.filter() {
        line.push_str(&format!(", {}", filter.expression()));
    }
    line.push_str("; flows appear when they end; Ctrl-C stops");
    line
}

/// Prints a summary of the call on a terminal.
fn summarize(flows: u64, counts: &Counts, target: &TargetOptions, io: &mut Io<'_>) {
    if !io.shows_progress() {
        return;
    }
    let mut line = counted(flows, "flow");
    if let Some(path) = &target.path {
        line.push_str(&format!(" written to {}", visible_path(path)));
    }
    if let Some((destination, _)) = &target.destination {
        line.push_str(&format!(" to {}", destination.name()));
    }
    if counts.evicted_flows > 0 {
        line.push_str(&format!(", {} of them evicted", count(counts.evicted_flows)));
    }
    line.push_str(&format!("; {} read", counted(counts.packets, "packet")));
    if let Some(ignored) = counts.ignored() {
        line.push_str(&format!(", {ignored}"));
    }
    if counts.dropped > 0 {
        line.push_str(&format!(", {} dropped", count(counts.dropped)));
    }
    if counts.late_packets > 0 {
        line.push_str(&format!(", {} late", count(counts.late_packets)));
    }
    io.stderr.say_in(crate::table::QUIET, line);
}
