//! Errors of a call, their messages and exit codes.

use std::error::Error as StdError;
use std::io::{self, ErrorKind};
use std::path::PathBuf;

use anstyle::{AnsiColor, Style};
use nfstream::RunError;
use nfstream::capture::CaptureError;
use nfstream::condition::ConditionError;
use nfstream::features::Group;
use nfstream::host::{visible, visible_path};
use nfstream::sink::{DestinationError, SinkError};
use nfstream::table::TableError;

use crate::human::{count, counted};
use crate::io::Io;
use crate::sandbox::SandboxError;

/// Result of a call.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ExitCode {
    /// Success, also if the reader of standard output closed the pipe early.
    Done,
    /// An input or an output failed.
    Failed,
    /// The user interrupted the call.
    Interrupted,
    /// Invalid usage.
    Usage,
}

/// Reason why a call failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The reader of standard output closed the pipe.
    #[error("standard output was closed")]
    ClosedPipe,
    /// `--csv-safe` with another format.
    #[error("--csv-safe is for --format csv, not {format}")]
    CsvSafe { format: &'static str },
    /// A column of labels in a run without a dissector.
    #[error("column {column} needs a dissector, which --no-dissect turns off")]
    ColumnOff { column: &'static str },
    /// A model that does not fit the columns of the run.
    #[error(transparent)]
    Model(nfstream::parameters::ParameterError),
    /// A binary format on a terminal.
    #[error("refusing to write {format} to a terminal; use -o FILE or a pipe")]
    BinaryToTerminal { format: &'static str },
    /// A condition on flows that cannot be parsed or evaluated.
    #[error("--where: {}", .0)]
    Condition(ConditionError),
    /// A column that has another name with this time unit.
    #[error("{}", .0)]
    ColumnUnit(String),
    /// Text that names no destination.
    #[error(transparent)]
    Destination(#[from] DestinationError),
    /// The output file exists.
    #[error("{}: already exists; use --force to replace it", visible_path(path))]
    Exists { path: PathBuf },
    /// The table cannot be written.
    #[error(transparent)]
    Sink(SinkError),
    /// A column group of labels in a run without a dissector.
    #[error("feature {group} needs a dissector, which --no-dissect turns off")]
    FeatureOff { group: &'static str },
    /// Column groups in a summary, which shows none of their columns.
    #[error("--{option} has no effect on a summary; use nfstream flows to see these columns")]
    FeatureOfSummary { option: &'static str },
    /// An option for packets that another call has already read.
    #[error("--{option} has no effect on blocks; use it with nfstream blocks, the first half")]
    OptionOfPackets { option: String },
    /// An option that a format with columns of its own makes meaningless.
    #[error("{option} has no effect on {output}, which has columns of its own")]
    FixedColumns { option: &'static str, output: String },
    /// The extension of the output file selects no format.
    #[error("{}: unknown file extension; use {}, or --format", visible_path(path), known)]
    FormatUnknown { path: PathBuf, known: String },
    /// Columns with countries and autonomous systems, without databases.
    #[error("the columns of {} need --geoip FILE", Group::GeoIp.name())]
    GeoIpOff,
    /// A mistake in a file of rules.
    #[error("{}: {mistake}", visible_path(path))]
    Labels { path: PathBuf, mistake: String },
    /// A heading for a column that rules do not have.
    #[error("--label-column: {mistake}")]
    LabelColumn { mistake: String },
    /// The column of labels without rules.
    #[error("the column label needs --label-by FILE")]
    LabelsOff,
    /// Some captures could not be read completely. Everything readable was read.
    #[error("{} could not be read completely; see the warnings", counted(*.files, "capture"))]
    Incomplete { files: u64 },
    /// The same, of blocks: the command that read the captures has printed the warnings.
    #[error(
        "{} could not be read completely; see the warnings of nfstream blocks",
        counted(*.files, "capture")
    )]
    IncompleteBlocks { files: u64 },
    /// An interface where captures are expected.
    #[error("{0}: a network interface, not a capture; use nfstream live {0}", visible_path(path))]
    InterfaceAsFile { path: PathBuf },
    /// A capture where interfaces are expected.
    #[error("{name}: a file, not a network interface; use nfstream flows {name}")]
    FileAsInterface { name: String },
    /// The interfaces cannot be listed.
    #[error("cannot list the network interfaces")]
    Interfaces { source: io::Error },
    /// Too many buckets of time.
    #[error("--every makes more than {most} buckets; choose a longer span")]
    ManyBuckets { most: usize },
    /// No terminal that a view can take over.
    #[cfg(feature = "top")]
    #[error(
        "nfstream top needs a terminal that can move its cursor; nfstream live and nfstream flows \
         write to files and pipes"
    )]
    NoScreen,
    /// The terminal cannot be read or written.
    #[cfg(feature = "top")]
    #[error("cannot use the terminal")]
    Screen { source: io::Error },
    /// Too many flows in the last span.
    #[error("more than {most} flows ended within --last; choose a shorter span")]
    ManyRecent { most: usize },
    /// No flows are selected.
    #[error("choose flows with --where, --id, --community-id or --rows")]
    NoSelection,
    /// A file of packets in another format.
    #[error("{}: packets are written as pcapng; use the extension .pcapng", visible_path(path))]
    NotPcapng { path: PathBuf },
    /// Parameters that a table records, which this version does not have.
    #[error("the parameters in the table's metadata do not fit")]
    Recorded(#[from] nfstream::parameters::ParameterError),
    /// A pipe where captures are read twice.
    #[error("captures are read twice, which a pipe does not allow; save it to a file first")]
    PipeReadTwice,
    /// A table whose rows select flows.
    #[error(transparent)]
    Rows(#[from] nfstream::extract::RowsError),
    /// Files whose names depend on others or on the time, in a sandbox.
    #[error("--sandbox cannot be used with --every or --resume")]
    RotationInSandbox,
    /// Several files on standard output.
    #[error("--split writes several files; use -o FILE")]
    SplitToStdout,
    /// A folder of shards, or one of several.
    #[error("{}: flows come from one shard at a time, such as DIR/shard=0", visible_path(path))]
    SeveralShards { path: PathBuf },
    /// The user interrupted the call.
    #[error("interrupted: {}", .0)]
    Interrupted(Written),
    /// The port of the metrics cannot be opened.
    #[error("--metrics {address}")]
    Metrics { address: String, source: io::Error },
    /// An option for files with a destination that is none.
    #[error("{option} is for files, not for {output}")]
    NoFile { option: &'static str, output: String },
    /// A file operation failed.
    #[error("{}: {action}", visible_path(path))]
    Path { path: PathBuf, action: &'static str, source: io::Error },
    /// Columns of shards without blocks.
    #[error("the columns of {} need nfstream flows DIR/shard=K", Group::ShardOrder.name())]
    BlocksOff,
    /// Columns of processes without attribution.
    #[error(
        "the columns of {} need nfstream live with --system-visibility-mode 1",
        Group::SystemProcess.name()
    )]
    ProcessesOff,
    /// The engine stopped.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The sandbox cannot be set up.
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
    /// The column of sources in a run that does not separate its sources.
    #[error("column source needs --separate")]
    SourceOff,
    /// Standard input is a terminal.
    #[error("refusing to read a capture from a terminal; use a file or a pipe")]
    StdinIsTerminal,
    /// Data cannot be written to standard output.
    #[error("cannot write to standard output")]
    Stdout { source: io::Error },
    /// Anonymised columns in a table for people.
    #[error("--format table cannot show anonymized columns; use another format, such as csv")]
    TableOfHashes,
    /// A table for people as a file.
    #[error(
        "refusing to write --format table to {}; it is for standard output",
        visible_path(path)
    )]
    TableToFile { path: PathBuf },
    /// The output is one of the captures.
    #[error("{}: refusing to overwrite one of the captures to read", visible_path(path))]
    TargetIsInput { path: PathBuf },
    /// Invalid arguments, or a request for help or the version.
    #[error(transparent)]
    Usage(#[from] clap::Error),
    /// The reading thread panicked, which is a bug.
    #[error("the reading thread failed unexpectedly: {message}")]
    Worker { message: String },
}

/// Part of a table that was written before an interruption.
#[derive(Debug)]
pub(crate) enum Written {
    /// Nothing, as output only comes at the end.
    Nothing,
    /// Nothing, as a view writes nothing.
    #[cfg(feature = "top")]
    Screen,
    /// Nothing of this file, which is as it was before.
    NoFile(PathBuf),
    /// The full ones of several files.
    FullFiles(PathBuf),
    /// A number of whole rows, on standard output.
    Rows(u64),
    /// A number of rows, to a destination.
    Sent(u64, String),
}

impl ExitCode {
    /// Returns the exit code of the process.
    pub const fn number(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Interrupted => 130,
        }
    }
}

impl Error {
    /// Returns the error of a failed write to standard output.
    pub(crate) fn stdout(source: io::Error) -> Self {
        if source.kind() == ErrorKind::BrokenPipe {
            Self::ClosedPipe
        } else {
            Self::Stdout { source }
        }
    }

    /// Prints the error and returns the exit code.
    pub(crate) fn report(&self, io: &mut Io<'_>) -> ExitCode {
        match self {
            Self::ClosedPipe => return ExitCode::Done,
            Self::Usage(usage) => return report_usage(usage, io),
            Self::Interrupted(_) => io.stderr.say(format_args!("nfstream: {self}")),
            _ => io.stderr.say_as(AnsiColor::Red.on_default().bold(), "error:", with_causes(self)),
        }
        self.exit_code()
    }

    const fn exit_code(&self) -> ExitCode {
        match self {
            Self::ClosedPipe => ExitCode::Done,
            Self::Interrupted(_) => ExitCode::Interrupted,
            Self::Destination(DestinationError::File { .. }) => ExitCode::Failed,
            Self::BinaryToTerminal { .. }
            | Self::BlocksOff
            | Self::ColumnOff { .. }
            | Self::ColumnUnit(_)
            | Self::Condition(_)
            | Self::CsvSafe { .. }
            | Self::Destination(_)
            | Self::FeatureOff { .. }
            | Self::FeatureOfSummary { .. }
            | Self::FileAsInterface { .. }
            | Self::FixedColumns { .. }
            | Self::FormatUnknown { .. }
            | Self::GeoIpOff
            | Self::InterfaceAsFile { .. }
            | Self::LabelColumn { .. }
            | Self::LabelsOff
            | Self::ManyBuckets { .. }
            | Self::ManyRecent { .. }
            | Self::Model(_)
            | Self::NoFile { .. }
            | Self::NoSelection
            | Self::NotPcapng { .. }
            | Self::OptionOfPackets { .. }
            | Self::RotationInSandbox
            | Self::SeveralShards { .. }
            | Self::SplitToStdout
            | Self::ProcessesOff
            | Self::Sandbox(SandboxError::Conflict { .. })
            | Self::Run(RunError::Capture(CaptureError::BadFilter { .. }))
            | Self::Sink(SinkError::Table(
                TableError::DuplicateColumn { .. }
                | TableError::KeyLength { .. }
                | TableError::UnknownColumn { .. },
            ))
            | Self::SourceOff
            | Self::StdinIsTerminal
            | Self::TableOfHashes
            | Self::TableToFile { .. }
            | Self::Usage(_) => ExitCode::Usage,
            #[cfg(feature = "top")]
            Self::NoScreen => ExitCode::Usage,
            #[cfg(feature = "top")]
            Self::Screen { .. } => ExitCode::Failed,
            Self::Exists { .. }
            | Self::Sink(_)
            | Self::Interfaces { .. }
            | Self::Incomplete { .. }
            | Self::IncompleteBlocks { .. }
            | Self::Labels { .. }
            | Self::Metrics { .. }
            | Self::Path { .. }
            | Self::PipeReadTwice
            | Self::Recorded(_)
            | Self::Rows(_)
            | Self::Run(_)
            | Self::Sandbox(_)
            | Self::Stdout { .. }
            | Self::TargetIsInput { .. }
            | Self::Worker { .. } => ExitCode::Failed,
        }
    }
}

// Without a source: the message would appear twice.
impl From<ConditionError> for Error {
    fn from(error: ConditionError) -> Self {
        Self::Condition(error)
    }
}

impl From<TableError> for Error {
    fn from(error: TableError) -> Self {
        Self::Sink(error.into())
    }
}

impl From<SinkError> for Error {
    fn from(error: SinkError) -> Self {
        match error {
            SinkError::Exists { path } => Self::Exists { path },
            // The output is a named pipe.
            SinkError::Io { source, .. } | SinkError::Stream { source }
                if source.kind() == ErrorKind::BrokenPipe =>
            {
                Self::ClosedPipe
            }
            error => Self::Sink(error),
        }
    }
}

impl std::fmt::Display for Written {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Nothing => f.write_str("nothing was written"),
            #[cfg(feature = "top")]
            Self::Screen => f.write_str("the view was closed"),
            Self::FullFiles(path) => {
                write!(f, "the full files of {} were kept", visible_path(path))
            }
            Self::NoFile(path) => write!(f, "{} was not written", visible_path(path)),
            Self::Sent(rows, name) => write!(f, "{} sent to {name}", counted(*rows, "flow")),
            Self::Rows(1) => f.write_str("1 flow was written"),
            Self::Rows(rows) => write!(f, "{} flows were written", count(*rows)),
        }
    }
}

/// Prints clap's message: help and version to standard output, errors to standard error.
fn report_usage(usage: &clap::Error, io: &mut Io<'_>) -> ExitCode {
    let is_data = !usage.use_stderr();
    let stream = if is_data { &mut io.stdout } else { &mut io.stderr };
    let styled = usage.render();
    let text = styled.to_string();
    // Arguments may be file names that a shell pattern expanded to.
    let is_safe = text.split('\n').all(|line| visible(line) == line);
    let text = if stream.color && is_safe { styled.ansi().to_string() } else { lines(&text) };
    match stream.writer.write_all(text.as_bytes()) {
        Err(error) if is_data => Error::stdout(error).report(io),
        _ if is_data => ExitCode::Done,
        _ => ExitCode::Usage,
    }
}

/// Returns multi-line text that is safe for a terminal.
pub(crate) fn lines(text: &str) -> String {
    text.split('\n').map(visible).collect::<Vec<_>>().join("\n")
}

/// Returns an error and its causes in one line.
pub(crate) fn with_causes(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let message = match error.downcast_ref::<io::Error>() {
            Some(error) => without_number(&error.to_string()),
            None => error.to_string(),
        };
        text.push_str(": ");
        text.push_str(&message);
        cause = error.source();
    }
    text
}

/// Returns a message of the system in lower case and without its number.
fn without_number(message: &str) -> String {
    let message = message.split(" (os error ").next().unwrap_or(message);
    let mut letters = message.chars();
    match letters.next() {
        // An acronym as in "I/O error" keeps its case.
        Some(first) if letters.clone().next().is_some_and(char::is_lowercase) => {
            first.to_lowercase().chain(letters).collect()
        }
        _ => message.to_owned(),
    }
}

/// Style of the label in front of warnings.
pub(crate) const WARNING: Style = AnsiColor::Yellow.on_default().bold();

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn system_messages_lose_their_number() {
        let not_found = io::Error::from_raw_os_error(2).to_string();
        assert_eq!(without_number(&not_found), "no such file or directory");
        assert_eq!(without_number("I/O error (os error 5)"), "I/O error");
    }
}
