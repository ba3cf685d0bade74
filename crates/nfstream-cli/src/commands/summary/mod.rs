//! `nfstream summary`: totals and largest groups of captures.

mod amounts;
mod grouping;
mod survey;

use std::fs;

use clap::ArgGroup;
use nfstream::Stats;
use nfstream::host::{visible, visible_path};
use nfstream::report::Count;
use nfstream::time::Duration;
use serde_json::{Map, Value, json};

use super::{print, print_json};
use crate::column_argument::{ColumnName, ColumnParser};
use crate::counts::Counts;
use crate::error::{Error, lines};
use crate::flow_rules::{OfFiles, SourceRules};
use crate::human::{bits_per_second, bytes, count, day, span, time_of_day};
use crate::input::{Input, InputArgs, Opening};
use crate::io::Io;
use crate::numbers::{parse_span, parse_whole};
use crate::progress::ProgressDisplay;
use crate::reading::{Opened, Reading};
use crate::sandbox_argument::SandboxArgs;
use crate::table::{self, ACCENT, Cell, Column, Fit, HEADER, Layout};
use grouping::Grouping;
use survey::{Section, Survey};

/// Show totals, times and the largest applications, hosts and ports of captures
#[derive(Debug, clap::Args)]
#[command(group = ArgGroup::new("groups").args(["by", "every", "last"]).multiple(true))]
#[command(after_help = "\
Examples:
  nfstream summary capture.pcap
  nfstream summary capture.pcap --by src_ip,application_name --last 5m --top 20
  nfstream summary captures/ --by application_name --every 1h --csv")]
pub(crate) struct Args {
    #[command(flatten)]
    input: InputArgs,

    /// Show the N largest of each kind
    #[arg(long, value_name = "N", default_value_t = 10, allow_negative_numbers = true)]
    #[arg(value_parser = parse_whole::<usize, 0>)]
    top: usize,

    /// Print JSON instead
    #[arg(long, conflicts_with = "csv")]
    json: bool,

    /// Print CSV instead, with --by, --every or --last
    #[arg(long, requires = "groups")]
    csv: bool,

    /// Group by these columns instead, and show the groups with the most bytes
    #[arg(long, value_name = "NAME,…", value_delimiter = ',', value_parser = ColumnParser)]
    #[arg(hide_possible_values = true)]
    by: Vec<ColumnName>,

    /// Divide time into buckets of SPAN, such as 1m. A flow counts in the bucket in which it begins;
    /// --top applies to each bucket
    #[arg(long, value_name = "SPAN", value_parser = parse_span)]
    every: Option<Duration>,

    /// Count only the flows with packets in the last SPAN of the captures, such as 5m
    #[arg(long, value_name = "SPAN", value_parser = parse_span)]
    last: Option<Duration>,

    #[command(flatten)]
    confinement: SandboxArgs,

    #[command(flatten)]
    rules: SourceRules<OfFiles>,
}

/// Contents of a summary.
struct Summary {
    input: Input,
    /// Names and sizes of the files.
    names: Vec<String>,
    stats: Stats,
    /// Condition that selects the counted flows, `None` for all flows.
    condition: Option<String>,
    survey: Survey,
    sections: Vec<Section>,
}

pub(super) fn run(args: Args, io: &mut Io<'_>) -> Result<(), Error> {
    let rules = args.rules.into_inner();
    if let Some(option) = rules.adds_columns() {
        return Err(Error::FeatureOfSummary { option });
    }
    let input = args.input.find(rules.parameters().file_options())?;
    let by = args.by.iter().map(|name| name.find(rules.parameters(), "--by <NAME,…>"));
    let by = by.collect::<Result<Vec<_>, _>>()?;
    let is_grouped = !by.is_empty() || args.every.is_some() || args.last.is_some();
    let mut job = rules.job(&by, None)?.counting_duplicates();
    let sandbox = args.confinement.prepare(&mut job, &input)?;
    let names: Vec<_> = input.paths.iter().map(|path| file_fact(path)).collect();
    let opening = if sandbox.is_some() { Opening::Ahead } else { Opening::Late };
    let opened = Opened::open(&input, &job, opening)?;
    if let Some(sandbox) = sandbox {
        sandbox.enter(false)?;
    }
    let reading = Reading::start(opened, &input, &job, "")?;
    if is_grouped {
        let mut grouping = Grouping::new(reading.schema(), by, args.every, args.last);
        let stats = reading.drain(&mut grouping, &mut ProgressDisplay::new(input.bytes, io), io)?;
        job.report_labels(io);
        grouping.finish()?;
        if args.json {
            print_json(&grouping.to_json(args.top), io)?;
        } else if args.csv {
            let csv = grouping.to_csv(args.top);
            if io.stdout.is_terminal {
                print(lines(&String::from_utf8_lossy(&csv)).as_bytes(), io)?;
            } else {
                print(&csv, io)?;
            }
        } else {
            print(&grouping.to_text(args.top, io), io)?;
        }
        return Counts::from(&stats).complete();
    }
    let mut survey = Survey::new(reading.schema());
    let stats = reading.drain(&mut survey, &mut ProgressDisplay::new(input.bytes, io), io)?;
    job.report_labels(io);
    let sections = survey.sections(args.top);
    let condition = job.condition.map(|condition| condition.text().to_owned());
    let summary = Summary { input, names, stats, condition, survey, sections };
    if args.json {
        print_json(&summary.to_json(), io)?;
    } else {
        print(&summary.to_text(io), io)?;
    }
    Counts::from(&summary.stats).complete()
}

impl Summary {
    fn to_json(&self) -> Value {
        let Self { input, stats, condition, survey, sections, .. } = self;
        let reasons = stats.ignored.reasons();
        let reasons: Map<_, _> =
            reasons.map(|(reason, packets)| (reason.to_owned(), packets.into())).collect();
        let mut object = json!({
            "files": input.paths.iter().map(|path| path.to_string_lossy()).collect::<Vec<_>>(),
            "file_bytes": input.bytes,
            "first_seen_ms": survey.span.map(|(first, _)| first.millis()),
            "last_seen_ms": survey.span.map(|(_, last)| last.millis()),
            "packets": stats.packets,
            "flow_packets": survey.total.packets,
            "flow_bytes": survey.total.bytes,
            "flows": survey.total.flows,
            "evicted_flows": stats.evicted_flows,
            "duplicate_packets": stats.duplicate_packets,
            "late_packets": stats.late_packets,
            "damaged_files": stats.damaged_files,
            "ignored_packets": stats.ignored.total(),
            "ignored_packets_by_reason": reasons,
        });
        if let Some(condition) = condition {
            object["where"] = condition.as_str().into();
        }
        for section in sections {
            let top = section.top.iter().map(|(name, count)| {
                json!({
                    "name": name,
                    "flows": count.flows,
                    "packets": count.packets,
                    "bytes": count.bytes,
                })
            });
            object[section.plural] = top.collect();
            if !section.is_exact {
                object[format!("{}_are_exact", section.plural)] = false.into();
            }
        }
        object
    }

    fn to_text(&self, io: &Io<'_>) -> Vec<u8> {
        let mut text = Vec::new();
        for (label, value) in self.facts() {
            let label = io.stdout.paint(HEADER.effects(anstyle::Effects::BOLD), &label);
            // Escape sequences take no space on the terminal.
            text.extend_from_slice(label.as_bytes());
            text.extend_from_slice(visible(&value).as_bytes());
            text.push(b'\n');
        }
        self.write_sections(io, &mut text);
        text
    }

    /// Returns the lines of labels and values.
    fn facts(&self) -> Vec<(String, String)> {
        let Self { input, names, stats, condition, survey, .. } = self;
        let label = |text: &str| format!("{text:<10}");
        let mut facts = Vec::new();
        match names.as_slice() {
            [name] => facts.push((label("capture"), name.clone())),
            [first, .., last] => {
                let size = input.bytes.map(|size| format!(", {}", bytes(size)));
                let files = count(u64::try_from(names.len()).unwrap_or(u64::MAX));
                let size = size.unwrap_or_default();
                facts.push((label("captures"), format!("{files} files{size}")));
                facts.push((label(""), format!("{first} … {last}")));
            }
            [] => {}
        }
        if let Some((first, last)) = survey.span {
            let until = if day(first) == day(last) {
                time_of_day(last)
            } else {
                format!("{} {}", day(last), time_of_day(last))
            };
            let length = span(last.since(first));
            let fact = format!("{} {} … {until} UTC, {length}", day(first), time_of_day(first));
            facts.push((label("time"), fact));
        }
        let mut packets = count(stats.packets);
        if let Some(condition) = condition {
            facts.push((label("where"), condition.clone()));
            let matching = count(survey.total.packets);
            packets = format!("{matching} of {packets} in these flows");
        }
        if let Some(ignored) = Counts::from(stats).ignored() {
            packets.push_str(&format!(", {ignored}"));
        }
        if stats.duplicate_packets > stats.ignored.duplicates() {
            packets.push_str(&format!(", {} duplicates", count(stats.duplicate_packets)));
        }
        if stats.late_packets > 0 {
            packets.push_str(&format!(", {} late", count(stats.late_packets)));
        }
        facts.push((label("packets"), packets));
        let rate = survey
            .span
            .and_then(|(first, last)| bits_per_second(survey.total.bytes, last.since(first)));
        let rate = rate.map(|rate| format!(", {rate}")).unwrap_or_default();
        facts.push((label("bytes"), format!("{}{rate}", bytes(survey.total.bytes))));
        let mut flows = count(survey.total.flows);
        if stats.evicted_flows > 0 {
            flows.push_str(&format!(", {} of them evicted", count(stats.evicted_flows)));
        }
        facts.push((label("flows"), flows));
        facts
    }

    /// Writes the sections as one table with several headers.
    fn write_sections(&self, io: &Io<'_>, text: &mut Vec<u8>) {
        let total = self.survey.total;
        let rows = |section: &Section| -> Vec<Vec<Cell>> {
            section.top.iter().map(|(name, count)| row(name, *count, total)).collect()
        };
        let all: Vec<_> = self.sections.iter().flat_map(rows).collect();
        let columns =
            |title| [&[Column::text(title, Fit::End(20))][..], &amounts::COLUMNS].concat();
        let layout = Layout::new(&columns("a title of a section"), &all, io.stdout.width);
        for section in self.sections.iter().filter(|section| !section.top.is_empty()) {
            let columns = columns(section.title);
            text.push(b'\n');
            table::write_header(&layout, &columns, io.stdout.color, text);
            for row in rows(section) {
                table::write_row(&layout, &columns, &row, io.stdout.color, text);
            }
            let more = section.all - section.top.len();
            amounts::write_others(more, section.is_exact, io, text);
        }
    }
}

fn row(name: &str, part: Count, total: Count) -> Vec<Cell> {
    let name = Cell::styled(name.to_owned(), ACCENT);
    [name].into_iter().chain(amounts::cells(part, total)).collect()
}

/// Returns the name of a file, with its size if it has one.
fn file_fact(path: &std::path::Path) -> String {
    let size = fs::metadata(path).ok().filter(fs::Metadata::is_file);
    match size {
        _ if path == std::path::Path::new("-") => "standard input".to_owned(),
        Some(metadata) => format!("{}, {}", visible_path(path), bytes(metadata.len())),
        None => visible_path(path),
    }
}
