//! Streams and interruption of a call.

use std::fmt::{self, Debug, Formatter};
use std::io::{IsTerminal, Write};
use std::sync::Arc;

use anstyle::Style;

use crate::error::lines;

/// Line width of a terminal of unknown width, and of tables in files.
const DEFAULT_WIDTH: usize = 100;

/// Streams of a call, and its interruption.
pub struct Io<'a> {
    /// Stream for data.
    pub stdout: Stream<'a>,
    /// Stream for errors, warnings and progress.
    pub stderr: Stream<'a>,
    /// Returns whether the user has interrupted the call. Threads of the call poll it often.
    pub interrupted: Arc<dyn Fn() -> bool + Send + Sync>,
}

/// Output stream with the properties of its reader.
pub struct Stream<'a> {
    /// Writer.
    pub writer: &'a mut dyn Write,
    /// Whether the stream is a terminal.
    pub is_terminal: bool,
    /// Whether the stream is a pipe.
    pub is_pipe: bool,
    /// Visible columns of a line.
    pub width: usize,
    /// Whether to use colours.
    pub color: bool,
}

impl<'a> Stream<'a> {
    /// Returns a stream of this process with the properties that the system and the environment
    /// give.
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

    /// Returns a stream that is neither a terminal nor a pipe.
    pub fn plain(writer: &'a mut dyn Write) -> Self {
        Self { writer, is_terminal: false, is_pipe: false, width: DEFAULT_WIDTH, color: false }
    }

    /// Writes text and a line break. A failure is ignored, because there is no other stream to
    /// report it on.
    ///
    /// Characters that control a terminal are escaped, because the text may contain file names.
    pub(crate) fn say(&mut self, text: impl fmt::Display) {
        drop(writeln!(self.writer, "{}", lines(&text.to_string())));
    }

    /// Writes a label in `style` and text, as [`say`](Self::say) does.
    pub(crate) fn say_as(&mut self, style: Style, label: &str, text: impl fmt::Display) {
        let label = self.paint(style, label);
        drop(writeln!(self.writer, "{label} {}", lines(&text.to_string())));
    }

    /// Writes text in `style`, as [`say`](Self::say) does.
    pub(crate) fn say_in(&mut self, style: Style, text: impl fmt::Display) {
        let text = self.paint(style, &lines(&text.to_string()));
        drop(writeln!(self.writer, "{text}"));
    }

    /// Returns `word` in `style` if the stream has colours.
    pub(crate) fn paint(&self, style: Style, word: &str) -> String {
        if self.color { format!("{style}{word}{style:#}") } else { word.to_owned() }
    }
}

impl Io<'_> {
    /// Returns whether to show progress on the terminal.
    ///
    /// The reader of a pipe may be a pager, which takes over the whole terminal.
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

/// Stream with a descriptor of the operating system.
pub trait Descriptor {
    /// Returns the columns of the terminal, `None` for other streams.
    fn width(&self) -> Option<usize>;

    /// Returns whether the stream is a pipe.
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
