//! Why a call did not do what it was asked to, and how the user is told.

use std::error::Error as StdError;
use std::io::{self, ErrorKind};
use std::path::PathBuf;

use anstyle::{AnsiColor, Style};
use nfstream::RunError;
use nfstream::capture::CaptureError;
use nfstream::condition::ConditionError;
use nfstream::features::Group;
use nfstream::sink::SinkError;
use nfstream::table::TableError;

use crate::human::count;
use crate::io::Io;
use crate::sandbox::SandboxError;

/// How a call ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ExitCode {
    /// All was done, or nobody wants the rest.
    Done,
    /// An input or an output failed.
    Failed,
    /// The user ended it.
    Interrupted,
    /// The arguments make no sense.
    Usage,
}

/// Why a call did not do what it was asked to.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// Whoever read standard output has gone away.
    #[error("standard output was closed")]
    ClosedPipe,
    /// A column that the run does not have.
    #[error("column {column} needs a dissector, {off}")]
    ColumnOff { column: &'static str, off: &'static str },
    /// A format that nobody can read on a terminal.
    #[error("{format} is nothing for a terminal: name a file with -o, or send it to a pipe")]
    BinaryToTerminal { format: &'static str },
    /// A condition on flows that cannot be parsed or evaluated.
    #[error("--where: {}", .0)]
    Condition(ConditionError),
    /// A column that has another name in this unit of times.
    #[error("{}", .0)]
    ColumnUnit(String),
    /// The file to be written is there already.
    #[error("{}: exists already; --force replaces it", path.display())]
    Exists { path: PathBuf },
    /// The table cannot be written to its file.
    #[error(transparent)]
    Sink(SinkError),
    /// A group of columns that the run does not have.
    #[error("the columns of {group} need a dissector, {off}")]
    FeatureOff { group: &'static str, off: &'static str },
    /// No format is known for the file to be written.
    #[error("{}: no format for this ending: name it {}, or use --format", path.display(), known)]
    FormatUnknown { path: PathBuf, known: String },
    /// The interfaces cannot be listed.
    #[error("the network interfaces cannot be listed")]
    Interfaces { source: io::Error },
    /// The user wants the call to end.
    #[error("interrupted: {}", .0)]
    Interrupted(Written),
    /// A folder in which no file has the name of a capture.
    #[error(
        "{}: no captures in this folder (looked for names ending in {endings})",
        path.display()
    )]
    NoCaptures { path: PathBuf, endings: String },
    /// A pattern that no file matches.
    #[error("{}: no such file, and none whose name matches this pattern", path.display())]
    NoMatch { path: PathBuf },
    /// Something that is needed of the file system.
    #[error("{}: {action}", path.display())]
    Path { path: PathBuf, action: &'static str, source: io::Error },
    /// Columns of processes where nobody looks for them.
    #[error(
        "the columns of {} are there with --system-visibility-mode 1 of nfstream live only",
        Group::SystemProcess.name()
    )]
    ProcessesOff,
    /// The engine stopped.
    #[error(transparent)]
    Run(#[from] RunError),
    /// There is no sandbox to be had.
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
    /// Captures should come from a terminal.
    #[error("standard input is a terminal, not a capture")]
    StdinIsTerminal,
    /// Data cannot be written to standard output.
    #[error("standard output: cannot be written")]
    Stdout { source: io::Error },
    /// Hashes should go into a table for people.
    #[error("a table for people shows no hashes: use --format csv or another one")]
    TableOfHashes,
    /// A table for people should go into a file.
    #[error("a table for people goes to standard output, not into {}", path.display())]
    TableToFile { path: PathBuf },
    /// One of the captures should be replaced.
    #[error("{}: is one of the captures to be read", path.display())]
    TargetIsInput { path: PathBuf },
    /// What clap says of the arguments, or the help that was asked for.
    #[error(transparent)]
    Usage(#[from] clap::Error),
    /// The thread that reads panicked: a bug of ours.
    #[error("the reading thread failed unexpectedly: {message}")]
    Worker { message: String },
}

/// What there is of a table that did not get ready.
#[derive(Debug)]
pub(crate) enum Written {
    /// Nothing was to be written before the end.
    Nothing,
    /// A file that is as it was before.
    NoFile(PathBuf),
    /// Those of several files that were full.
    FullFiles(PathBuf),
    /// This many whole rows, on standard output.
    Rows(u64),
}

impl ExitCode {
    /// Returns the number that the process ends with.
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
    /// Returns what a failure to write to standard output means.
    pub(crate) fn stdout(source: io::Error) -> Self {
        if source.kind() == ErrorKind::BrokenPipe {
            Self::ClosedPipe
        } else {
            Self::Stdout { source }
        }
    }

    /// Tells the user and returns what the process should end with.
    pub(crate) fn report(&self, io: &mut Io<'_>) -> ExitCode {
        match self {
            Self::ClosedPipe => return ExitCode::Done,
            Self::Usage(usage) => return report_usage(usage, io),
            Self::Interrupted(_) => io.stderr.say(format_args!("nfstream: {self}")),
            _ => {
                let label = io.stderr.paint(AnsiColor::Red.on_default().bold(), "error:");
                io.stderr.say(format_args!("{label} {}", with_causes(self)));
            }
        }
        self.exit_code()
    }

    const fn exit_code(&self) -> ExitCode {
        match self {
            Self::ClosedPipe => ExitCode::Done,
            Self::Interrupted(_) => ExitCode::Interrupted,
            Self::BinaryToTerminal { .. }
            | Self::ColumnOff { .. }
            | Self::ColumnUnit(_)
            | Self::Condition(_)
            | Self::FeatureOff { .. }
            | Self::FormatUnknown { .. }
            | Self::ProcessesOff
            | Self::Run(RunError::Capture(CaptureError::BadFilter { .. }))
            | Self::Sink(SinkError::Table(
                TableError::DuplicateColumn { .. }
                | TableError::KeyLength { .. }
                | TableError::UnknownColumn { .. },
            ))
            | Self::StdinIsTerminal
            | Self::TableOfHashes
            | Self::TableToFile { .. }
            | Self::Usage(_) => ExitCode::Usage,
            Self::Exists { .. }
            | Self::Sink(_)
            | Self::Interfaces { .. }
            | Self::NoCaptures { .. }
            | Self::NoMatch { .. }
            | Self::Path { .. }
            | Self::Run(_)
            | Self::Sandbox(_)
            | Self::Stdout { .. }
            | Self::TargetIsInput { .. }
            | Self::Worker { .. } => ExitCode::Failed,
        }
    }
}

// Not a source of the error, as the message would appear twice.
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
            // Of a named pipe, which is written as it is.
            SinkError::Io { source, .. } if source.kind() == ErrorKind::BrokenPipe => {
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
            Self::FullFiles(path) => {
                write!(f, "of the files of {} those that were full stay", path.display())
            }
            Self::NoFile(path) => write!(f, "{} was not written", path.display()),
            Self::Rows(1) => f.write_str("1 flow was written"),
            Self::Rows(rows) => write!(f, "{} flows were written", count(*rows)),
        }
    }
}

/// Tells what clap has to say: help and versions are data, the rest is not.
fn report_usage(usage: &clap::Error, io: &mut Io<'_>) -> ExitCode {
    let is_data = !usage.use_stderr();
    let stream = if is_data { &mut io.stdout } else { &mut io.stderr };
    let text = usage.render();
    let text = if stream.color { text.ansi().to_string() } else { text.to_string() };
    match stream.writer.write_all(text.as_bytes()) {
        Err(error) if is_data => Error::stdout(error).report(io),
        _ if is_data => ExitCode::Done,
        _ => ExitCode::Usage,
    }
}

/// Returns an error and what caused it, in one line.
fn with_causes(error: &dyn StdError) -> String {
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

/// Returns a message of the system in the manner of ours: in lower case, without its number.
fn without_number(message: &str) -> String {
    let message = message.split(" (os error ").next().unwrap_or(message);
    let mut letters = message.chars();
    match letters.next() {
        // "I/O error" stays as it is.
        Some(first) if letters.clone().next().is_some_and(char::is_lowercase) => {
            first.to_lowercase().chain(letters).collect()
        }
        _ => message.to_owned(),
    }
}

/// Returns how warnings begin.
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
