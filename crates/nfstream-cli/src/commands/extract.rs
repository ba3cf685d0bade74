//! `nfstream extract`: the packets of selected flows.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;

use nfstream::capture::{self, Source};
use nfstream::extract::{Choice, ExtractedFiles, Extractor, Receiver, Rows, Wanted, written};
use nfstream::features::{Record, RecordPool, Schema};
use nfstream::host::visible_path;
use nfstream::meter::HookError;
use nfstream::packet::Packet;
use nfstream::sink::{Existing, PacketStream, SinkError, numbered_at};
use nfstream::{Run, RunError, Step};

use crate::counts::Counts;
use crate::error::{Error, WARNING, Written};
use crate::flow_rules::{OfFiles, SourceRules};
use crate::human::counted;
use crate::input::{InputArgs, Opening};
use crate::io::Io;
use crate::progress::ProgressDisplay;
use crate::reading::{Consumer, Opened, Reading};

/// Write the packets of selected flows, unchanged, to a pcapng file
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  nfstream extract capture.pcap --where 'dst_port == 443' -o https.pcapng
  nfstream extract capture.pcap --id 17,21 -o two-flows.pcapng
  nfstream extract capture.pcap --rows flows.parquet -o flows.pcapng
  nfstream extract captures/ --where 'client_info.endsWith(\"example.org\")' --split -o out/flow.pcapng")]
pub(crate) struct Args {
    #[command(flatten)]
    input: InputArgs,

    /// Write the packets to FILE, a pcapng file; `-` is standard output
    #[arg(short, long, value_name = "FILE", help_heading = "Packets")]
    output: PathBuf,

    /// Select the flows with these numbers, as in the column `id`
    #[arg(long, value_name = "ID,…", value_delimiter = ',', help_heading = "Packets")]
    id: Vec<u64>,

    /// Select the flows with these Community IDs
    #[arg(long, value_name = "ID,…", value_delimiter = ',', help_heading = "Packets")]
    community_id: Vec<String>,

    /// Select the flows in the rows of TABLE, written by `nfstream flows` from the same captures.
    /// Parameters come from its metadata, if it has any, except rules and databases: choose them again
    #[arg(long, value_name = "TABLE", help_heading = "Packets")]
    rows: Option<PathBuf>,

    /// Write a file for each flow, with its number before the extension: flows.17.pcapng
    #[arg(long, help_heading = "Packets")]
    split: bool,

    /// Replace existing files
    #[arg(long, help_heading = "Packets")]
    force: bool,

    #[command(flatten)]
    rules: SourceRules<OfFiles>,
}

/// Collector of the selected flows.
struct Collector {
    schema: Arc<Schema>,
    choice: Choice,
    wanted: Wanted,
}

/// Destination of the packets.
enum Destination {
    Files(ExtractedFiles),
    Memory(PacketStream<Vec<u8>>),
}

pub(super) fn run(args: Args, io: &mut Io<'_>) -> Result<(), Error> {
    let Args { input, output, id, community_id, rows, split, force, rules } = args;
    let mut rules = rules.into_inner();
    let rows = rows.map(|path| Rows::read(&path)).transpose()?;
    if let Some(recorded) = rows.as_ref().and_then(|rows| rows.parameters.as_ref()) {
        rules.set_recorded(recorded)?;
    }
    if !rules.has_condition() && id.is_empty() && community_id.is_empty() && rows.is_none() {
        return Err(Error::NoSelection);
    }
    let rows_given = rows.as_ref().map(Rows::conversations);
    let is_stdout = output.as_os_str() == "-";
    if is_stdout && split {
        return Err(Error::SplitToStdout);
    }
    if is_stdout && io.stdout.is_terminal {
        return Err(Error::BinaryToTerminal { format: "pcapng" });
    }
    let extension = output.extension().map(|extension| extension.to_string_lossy().into_owned());
    let lower = extension.as_ref().map(|extension| extension.to_lowercase());
    if !is_stdout && matches!(lower.as_deref(), Some("pcap" | "cap" | "gz" | "zst" | "csv")) {
        return Err(Error::NotPcapng { path: output });
    }
    let input = input.find(rules.parameters().file_options())?;
    if input.bytes.is_none() {
        return Err(Error::PipeReadTwice);
    }
    let outputs = match (is_stdout, split) {
        (true, _) => vec!["-".into()],
        (false, true) => numbered_at(&output)?,
        (false, false) => vec![output.clone()],
    };
    if capture::overwritten(&input.paths, &outputs).is_some() {
        return Err(Error::TargetIsInput { path: output });
    }
    let existing = if force { Existing::Replace } else { Existing::Keep };
    let choice = Choice {
        ids: id.into_iter().collect(),
        community_ids: community_id.into_iter().collect(),
        rows,
    };
    let needed: Vec<_> = choice.needed().into_iter().collect();
    let job = rules.job(&needed, None)?;

    // Created first, so that no capture is read in vain if the file cannot be written.
    let destination = if is_stdout {
        Destination::Memory(PacketStream::new(Vec::new()))
    } else {
        Destination::Files(ExtractedFiles::create(&output, existing, split)?)
    };

    let mut progress = ProgressDisplay::new(input.bytes, io);
    let opened = Opened::open(&input, &job, Opening::Late)?;
    let reading = Reading::start(opened, &input, &job, "")?;
    let schema = Arc::clone(reading.schema());
    let mut collector = Collector { schema, choice, wanted: Wanted::default() };
    let stats = reading.drain(&mut collector, &mut progress, io)?;
    drop(progress);
    job.report_labels(io);
    let Collector { wanted, .. } = collector;

    let config = Wanted::second(job.config(input.bytes), stats.evicted_flows > 0);
    let source = input.open(job.filter(), Opening::Late)?;
    let extracted = second_pass(source, &config, &wanted, destination, io)?;
    let (packets, destination) = extracted;
    destination.finish(io)?;
    let flows = u64::try_from(wanted.flows()).unwrap_or(u64::MAX);
    let place = match (is_stdout, split) {
        (true, _) => "standard output".to_owned(),
        (false, true) => {
            let ending = extension.map_or_else(String::new, |extension| format!(".{extension}"));
            let name = output.with_extension(format!("ID{ending}"));
            format!("{}, a file for each flow", visible_path(&name))
        }
        (false, false) => visible_path(&output),
    };
    let written =
        format!("{} of {} written to {place}", counted(packets, "packet"), counted(flows, "flow"));
    io.stderr.say(written);
    if let Some(given) = rows_given
        && u64::try_from(given).unwrap_or(u64::MAX) > wanted.conversations()
    {
        let warning = "not all rows of the table are flows of these captures; use the captures and \
                       options that the table was written with";
        io.stderr.say_as(WARNING, "warning:", warning);
    }
    Counts::from(&stats).complete()
}

/// Reads the captures again and passes the packets of the selected flows to `destination`.
fn second_pass(
    source: Box<dyn Source>,
    config: &nfstream::Config,
    wanted: &Wanted,
    destination: Destination,
    io: &mut Io<'_>,
) -> Result<(u64, Destination), Error> {
    let mut extractor = Extractor::new(wanted, destination);
    if wanted.flows() == 0 {
        return Ok((0, extractor.into_receiver()));
    }
    let mut run = Run::with_hooks(source, config)?;
    loop {
        if (io.interrupted)() {
            return Err(Error::Interrupted(Written::Nothing));
        }
        let step = run.advance_with(&mut extractor).map_err(|error| match error {
            RunError::Hook(error) => match error.downcast::<SinkError>() {
                Ok(error) => Error::from(*error),
                Err(error) => Error::Run(RunError::Hook(error)),
            },
            error => Error::Run(error),
        })?;
        extractor.receiver().drain(io)?;
        if matches!(step, Step::Last(_)) {
            return Ok((extractor.packets(), extractor.into_receiver()));
        }
    }
}

impl Consumer for Collector {
    fn take(
        &mut self,
        records: Vec<Record>,
        pool: &RecordPool,
        _: &mut Io<'_>,
    ) -> Result<ControlFlow<()>, Error> {
        for record in &records {
            if self.choice.contains(record, &self.schema) {
                self.wanted.add(record, self.schema.names());
            }
        }
        pool.put_back(records);
        Ok(ControlFlow::Continue(()))
    }
}

impl Destination {
    /// Writes waiting packets to standard output.
    fn drain(&mut self, io: &mut Io<'_>) -> Result<(), Error> {
        if let Self::Memory(stream) = self {
            let bytes = stream.take();
            io.stdout.writer.write_all(&bytes).map_err(Error::stdout)?;
        }
        Ok(())
    }

    fn finish(mut self, io: &mut Io<'_>) -> Result<(), Error> {
        if let Self::Memory(stream) = &mut self {
            stream.flush().map_err(Error::stdout)?;
        }
        self.drain(io)?;
        match self {
            Self::Files(files) => files.finish()?,
            Self::Memory(_) => io.stdout.writer.flush().map_err(Error::stdout)?,
        }
        Ok(())
    }
}

impl Receiver for Destination {
    fn take(
        &mut self,
        packet: &Packet,
        frame: &[u8],
        conversation: u64,
        comment: &str,
    ) -> Result<(), HookError> {
        match self {
            Self::Files(files) => files.take(packet, frame, conversation, comment),
            Self::Memory(stream) => Ok(stream.write(&written(packet, frame, comment))?),
        }
    }
}
