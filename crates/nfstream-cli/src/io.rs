//! What a call of the command line has of the outside.

use std::fmt::{self, Debug, Formatter};
use std::io::{IsTerminal, Write};

use anstyle::Style;

/// Columns of a terminal whose width nobody tells, and of a table in a file.
const DEFAULT_WIDTH: usize = 100;

/// The streams of a call, and whether it should end.
pub struct Io<'a> {
    /// Where data goes.
    pub stdout: Stream<'a>,
    /// Where errors, warnings and progress go.
    pub stderr: Stream<'a>,
    /// Returns whether the user wants the call to end. It is asked often, in the calling thread.
    pub interrupted: &'a dyn Fn() -> bool,
}

/// A stream to write to, and what reads it.
pub struct Stream<'a> {
    /// What is written to.
    pub writer: &'a mut dyn Write,
    /// Whether a person sees it.
    pub is_terminal: bool,
    /// Whether another program reads it.
    pub is_pipe: bool,
    /// Columns of a line that can be seen at once.
    pub width: usize,
    /// Whether to use colours.
    pub color: bool,
}

impl<'a> Stream<'a> {
    /// Returns a stream of this process, described as the system and the environment say.
    ///
    /// A terminal has colours unless `NO_COLOR` is set or `TERM` is `dumb`.
    pub fn of_process<W: Descriptor + IsTerminal + Write>(writer: &'a mut W) -> Self {
        let is_terminal = writer.is_terminal();
        let color =
            is_terminal && !anstyle_query::no_color() && anstyle_query::term_supports_ansi_color();
        let from_environment = || std::env::var("COLUMNS").ok()?.parse().ok();
        let width = if is_terminal { writer.width() } else { None };
        let width = width.or_else(from_environment).unwrap_or(DEFAULT_WIDTH);
        let is_pipe = writer.is_pipe();
        Self { writer, is_terminal, is_pipe, width, color }
    }

    /// Returns a stream that is no terminal.
    pub fn plain(writer: &'a mut dyn Write) -> Self {
        Self { writer, is_terminal: false, is_pipe: false, width: DEFAULT_WIDTH, color: false }
    }

    /// Writes `line` if possible; where messages cannot be written nobody can be told.
    pub(crate) fn say(&mut self, line: impl fmt::Display) {
        drop(writeln!(self.writer, "{line}"));
    }

    /// Returns `word` in `style`, if there are colours.
    pub(crate) fn paint(&self, style: Style, word: &str) -> String {
        if self.color { format!("{style}{word}{style:#}") } else { word.to_owned() }
    }
}

impl Io<'_> {
    /// Returns whether the user sees on the terminal how far a call has come.
    ///
    /// What reads a pipe may be a pager, which has the terminal for itself.
    pub(crate) fn shows_progress(&self) -> bool {
        self.stderr.is_terminal && !self.stdout.is_pipe
    }
}

impl Debug for Io<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { stdout, stderr, .. } = self;
        f.debug_struct("Io").field("stdout", stdout).field("stderr", stderr).finish_non_exhaustive()
    }
}

impl Debug for Stream<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream")
            .field("is_terminal", &self.is_terminal)
            .field("is_pipe", &self.is_pipe)
            .field("width", &self.width)
            .field("color", &self.color)
            .finish_non_exhaustive()
    }
}

/// A stream that the system knows.
pub trait Descriptor {
    /// Returns the columns of the terminal, `None` if it is none.
    fn width(&self) -> Option<usize>;

    /// Returns whether another program is on the other side.
    fn is_pipe(&self) -> bool;
}

#[cfg(unix)]
impl<T: std::os::fd::AsFd> Descriptor for T {
    fn width(&self) -> Option<usize> {
        let (terminal_size::Width(width), _) = terminal_size::terminal_size_of(self)?;
        Some(width.into()).filter(|width| *width > 0)
    }

    fn is_pipe(&self) -> bool {
        use std::os::unix::fs::FileTypeExt;

        let file = self.as_fd().try_clone_to_owned().map(std::fs::File::from);
        file.and_then(|file| file.metadata()).is_ok_and(|metadata| metadata.file_type().is_fifo())
    }
}

#[cfg(windows)]
impl<T: std::os::windows::io::AsHandle> Descriptor for T {
    fn width(&self) -> Option<usize> {
        let (terminal_size::Width(width), _) = terminal_size::terminal_size_of(self)?;
        Some(width.into()).filter(|width| *width > 0)
    }

    fn is_pipe(&self) -> bool {
        false
    }
}
