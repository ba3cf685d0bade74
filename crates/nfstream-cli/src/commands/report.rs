//! `nfstream report`: a page about captures that works offline.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use nfstream::capture;
use nfstream::features::{Record, RecordPool};
use nfstream::host::visible_path;
use nfstream::parameters::Parameters;
use nfstream::report::{Facts, Report};
use nfstream::sink::{Draft, Existing, Format, Rotation, SinkError};

use crate::counts::Counts;
use crate::error::{Error, Written};
use crate::flow_rules::{OfFiles, SourceRules};
use crate::human::{bytes, counted};
use crate::input::{Input, InputArgs, Opening};
use crate::io::Io;
use crate::numbers::parse_whole;
use crate::progress::ProgressDisplay;
use crate::reading::{Consumer, Opened, Reading};
use crate::sandbox::{Outlet, RemoteFile};
use crate::sandbox_argument::SandboxArgs;
use crate::table::QUIET;

/// Write a report on captures: one HTML page with charts and flows that works offline
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    input: InputArgs,

    /// Write the page to FILE; `-` is standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Replace FILE if it exists
    #[arg(long)]
    force: bool,

    /// Title of the page. Default: the name of the capture
    #[arg(long, value_name = "TEXT")]
    title: Option<String>,

    /// Show the N largest flows individually, and up to 600 that are slow, lossy or risky; all
    /// flows count in totals and charts
    #[arg(long, value_name = "N", default_value_t = Report::FLOWS, allow_negative_numbers = true)]
    #[arg(value_parser = parse_whole::<usize, 0>)]
    flows: usize,

    #[command(flatten)]
    confinement: SandboxArgs,

    #[command(flatten)]
    rules: SourceRules<OfFiles>,
}

/// Report that is being collected.
struct Collector {
    report: Report,
    warnings: Vec<String>,
    path: Option<PathBuf>,
}

/// Destination of the page.
enum Target {
    /// A file of this process.
    File(Draft),
    /// A file outside the sandbox.
    Remote(RemoteFile),
    /// Standard output.
    Stdout,
}

pub(super) fn run(args: Args, io: &mut Io<'_>) -> Result<(), Error> {
    let rules = args.rules.into_inner();
    let output = args.output.filter(|path| path.as_os_str() != "-");
    if output.is_none() && io.stdout.is_terminal {
        return Err(Error::BinaryToTerminal { format: "HTML" });
    }
    let input = args.input.find(rules.parameters().file_options())?;
    let outputs = [output.clone().unwrap_or_else(|| "-".into())];
    if capture::overwritten(&input.paths, &outputs).is_some() {
        let path = output.unwrap_or_else(|| "standard output".into());
        return Err(Error::TargetIsInput { path });
    }
    let parameters = rules.parameters();
    let job = rules.job(&[], None)?.measuring(Report::groups(parameters.dissect));
    let mut job = job.counting_duplicates();
    let existing = if args.force { Existing::Replace } else { Existing::Keep };
    let mut sandbox = args.confinement.prepare(&mut job, &input)?;
    let outlet = match (&mut sandbox, &output) {
        // The format is not used: the page is written as bytes.
        (Some(sandbox), Some(path)) => {
            Some(sandbox.outlet(path, existing, Format::CSV, Rotation::default())?)
        }
        _ => None,
    };
    let opening = if sandbox.is_some() { Opening::Ahead } else { Opening::Late };
    let opened = Opened::open(&input, &job, opening)?;
    if let Some(sandbox) = sandbox {
        sandbox.enter(false)?;
    }
    // Before the run, which is in vain if the file cannot be written.
    let target = Target::open(output.as_deref(), outlet.as_ref(), existing)?;
    let reading = Reading::start(opened, &input, &job, "")?;
    let report = Report::new(reading.schema(), args.flows);
    let mut collector = Collector { report, warnings: Vec::new(), path: output.clone() };
    let stats = reading.drain(&mut collector, &mut ProgressDisplay::new(input.bytes, io), io)?;
    let Collector { mut report, warnings, .. } = collector;
    let facts = Facts {
        title: args.title.unwrap_or_else(|| title(&input)),
        captures: input.paths.iter().map(|path| visible_path(path)).collect(),
        capture_bytes: input.bytes,
        condition: job.condition.as_ref().map(|condition| condition.text().to_owned()),
        parameters: parameters.to_json(),
        changed: changed(parameters),
        warnings,
        stats,
    };
    job.report_labels(io);
    let mut page = Vec::new();
    report.write(&facts, &mut page).map_err(|source| SinkError::Stream { source })?;
    target.write(&page, io)?;
    if let (Some(path), true) = (&output, io.shows_progress()) {
        let size = bytes(u64::try_from(page.len()).unwrap_or(u64::MAX));
        let flows = counted(facts.stats.flows, "flow");
        io.stderr.say_in(QUIET, format!("{size} on {flows} written to {}", visible_path(path)));
    }
    Counts::from(&facts.stats).complete()
}

impl Consumer for Collector {
    fn take(
        &mut self,
        records: Vec<Record>,
        pool: &RecordPool,
        _: &mut Io<'_>,
    ) -> Result<ControlFlow<()>, Error> {
        self.report.add(records, pool);
        Ok(ControlFlow::Continue(()))
    }

    fn note(&mut self, warning: &str) {
        self.warnings.push(warning.to_owned());
    }

    fn written(&self) -> Written {
        self.path.clone().map_or(Written::Nothing, Written::NoFile)
    }
}

impl Target {
    fn open(
        path: Option<&Path>,
        outlet: Option<&Outlet>,
        existing: Existing,
    ) -> Result<Self, Error> {
        Ok(match (path, outlet) {
            (Some(_), Some(outlet)) => Self::Remote(outlet.file()?),
            (Some(path), None) => Self::File(Draft::create(path, existing)?),
            (None, _) => Self::Stdout,
        })
    }

    fn write(self, page: &[u8], io: &mut Io<'_>) -> Result<(), Error> {
        match self {
            Self::File(mut draft) => {
                draft.append(page)?;
                Ok(draft.complete()?)
            }
            Self::Remote(file) => Ok(file.write(page)?),
            Self::Stdout => {
                let written = io.stdout.writer.write_all(page);
                written.and_then(|()| io.stdout.writer.flush()).map_err(Error::stdout)
            }
        }
    }
}

/// Returns the name of the only capture, or the number of captures.
fn title(input: &Input) -> String {
    match input.paths.as_slice() {
        [path] if path.as_os_str() == "-" => "standard input".to_owned(),
        [path] => visible_path(Path::new(path.file_name().unwrap_or(path.as_os_str()))),
        paths => counted(u64::try_from(paths.len()).unwrap_or(u64::MAX), "capture"),
    }
}

/// Returns the names of the parameters that differ from their defaults.
fn changed(parameters: &Parameters) -> Vec<String> {
    let defaults = Parameters::default().to_json();
    let values = parameters.to_json().into_iter();
    let changed = values.filter(|(name, value)| defaults.get(name) != Some(value));
    changed.map(|(name, _)| name).collect()
}
