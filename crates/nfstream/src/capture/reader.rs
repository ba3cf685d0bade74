//! One open capture file.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use nfstream_sys::Mapping;

use super::changes::Changes;
use super::compression::Compression;
use super::format::{HEAD_LEN, Parser};
use super::mapped::Mapped;
use super::outcome::{End, Failure};
use super::ranges::{FileRange, Ranges};
use super::stop::{StopFlag, Stoppable};
use super::stream::{BUFFER, Input, Stream, Window};
use crate::packet::Chunk;

/// Capture file and the read position in it.
#[derive(Debug)]
pub(super) struct Reader {
    parser: Parser,
    bytes: Bytes,
    /// `None` for pipes, and while ranges are read.
    changes: Option<Changes>,
    /// The rest of the file, if it is read in ranges.
    ranges: Option<Ranges>,
}

/// Next part of a file.
#[derive(Debug)]
pub(super) enum Part {
    /// Packets, in a chunk.
    Packets,
    /// A range, whose packets another thread finds.
    Range(FileRange),
    End(End),
    /// The run has ended.
    Abandoned,
}

/// Input that is open and has not been read.
pub(super) enum Held {
    /// Bytes that are in no file.
    Content(Input),
    /// A regular file.
    File(Arc<File>),
    /// A pipe, a device or standard input.
    Stoppable(Stoppable),
}

/// Resources for an open file.
#[derive(Clone, Copy, Debug)]
pub(super) enum Access {
    /// A mapping, or a buffer of the usual size where that is impossible.
    Mapped,
    /// A buffer of this capacity.
    Buffer(usize),
    /// A buffer of this capacity. An uncompressed file is open only while it is read.
    Reopened(usize),
}

#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "few files are open, and most are mapped")]
enum Bytes {
    Mapped(Mapped),
    Stream(Stream),
}

impl Held {
    /// Opens the input at `path`, or standard input for `-`.
    pub(super) fn open(path: &Path) -> Result<Self, Failure> {
        Ok(if is_stdin(path) {
            Self::Stoppable(Stoppable::stdin()?)
        } else if fs::metadata(path)?.is_file() {
            Self::File(Arc::new(File::open(path)?))
        } else {
            Self::Stoppable(Stoppable::open(path)?)
        })
    }

    /// Returns a regular file again, `None` for other inputs, whose bytes are gone once they are
    /// read.
    pub(super) fn again(&self) -> Option<Self> {
        match self {
            Self::File(file) => Some(Self::File(Arc::clone(file))),
            Self::Content(_) | Self::Stoppable(_) => None,
        }
    }
}

impl std::fmt::Debug for Held {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Content(_) => "Content",
            Self::File(_) => "File",
            Self::Stoppable(_) => "Stoppable",
        })
    }
}

impl Reader {
    /// Opens the capture at `path`, or standard input for `-`.
    pub(super) fn open(path: &Path, access: Access, window: Window) -> Result<Self, Failure> {
        Self::new(Held::open(path)?, path, access, window, &StopFlag::default())
    }

    /// Reads `input`, which was opened at `path`. Pipes end some time after `stop` is set.
    pub(super) fn new(
        input: Held,
        path: &Path,
        access: Access,
        window: Window,
        stop: &StopFlag,
    ) -> Result<Self, Failure> {
        let capacity = match access {
            Access::Mapped => BUFFER,
            Access::Buffer(capacity) | Access::Reopened(capacity) => capacity,
        };
        let stream = |head, input: Input, changes| {
            Self::stream(Stream::new(head, input, capacity, window)?, changes)
        };
        let mut file = match input {
            Held::Content(mut input) => {
                return stream(read_head(&mut input)?, input, None);
            }
            Held::File(file) => file,
            Held::Stoppable(mut input) => {
                input.stop_with(stop);
                return stream(read_head(&mut input)?, Box::new(input), None);
            }
        };
        // The file may have been opened before, and its start read.
        file.rewind()?;
        let head = read_head(&mut file)?;
        let is_plain = Compression::recognize(&head) == Compression::Plain;
        if is_plain && matches!(access, Access::Reopened(_)) {
            let changes = Changes::at(path, &file)?;
            let position = u64::try_from(head.len()).unwrap_or(0);
            let input = Box::new(Reopened { path: path.to_path_buf(), position });
            return stream(head, input, Some(changes));
        }
        let changes = Some(Changes::of(Arc::clone(&file))?);
        if !is_plain || !matches!(access, Access::Mapped) {
            return stream(head, Box::new(file), changes);
        }
        let (parser, position) = Parser::recognize(&head)?;
        let Ok(mapping) = Mapping::new(&file) else {
            // Some file systems cannot map files, and the number of guarded mappings is limited.
            return stream(head, Box::new(file), changes);
        };
        let bytes = Bytes::Mapped(Mapped::new(mapping, position));
        Ok(Self { parser, bytes, changes, ranges: None })
    }

    fn stream(mut stream: Stream, changes: Option<Changes>) -> Result<Self, Failure> {
        let (parser, position) = Parser::recognize(stream.peek(HEAD_LEN)?)?;
        stream.consume(position);
        Ok(Self { parser, bytes: Bytes::Stream(stream), changes, ranges: None })
    }

    /// Fills `chunk`, or returns why it cannot.
    pub(super) fn read(&mut self, chunk: &mut Chunk, limit: usize) -> Result<Option<End>, Failure> {
        let mut result = match &mut self.bytes {
            Bytes::Mapped(mapped) => mapped.read(&mut self.parser, chunk, limit),
            Bytes::Stream(stream) => stream.read(&mut self.parser, chunk, limit),
        };
        // Before the bytes are trusted: an apparent packet or damage may come from a change.
        if let Err(changed) = self.check() {
            result = Err(changed);
        }
        if result.is_err() {
            chunk.records.clear();
        }
        match result? {
            None => Ok(None),
            Some(end) => self.supported(end).map(Some),
        }
    }

    /// Reads as [`read`](Self::read) does, or divides a long file after its first packets into
    /// ranges of `len` bytes, `None` for a suitable length.
    pub(super) fn read_part(
        &mut self,
        chunk: &mut Chunk,
        limit: usize,
        len: Option<usize>,
    ) -> Result<Part, Failure> {
        let Some(mut ranges) = self.ranges.take() else {
            if let Some(end) = self.read(chunk, limit)? {
                return Ok(Part::End(end));
            }
            if let Bytes::Mapped(mapped) = &self.bytes {
                let (mapping, position) = (mapped.mapping(), mapped.position());
                let (parser, changes) = (&self.parser, &mut self.changes);
                self.ranges = Ranges::divide(mapping, position, parser, chunk, len, changes);
            }
            return Ok(Part::Packets);
        };
        if let Some(range) = ranges.next_range() {
            if let Bytes::Mapped(mapped) = &mut self.bytes {
                mapped.continue_at(ranges.settled());
            }
            self.ranges = Some(ranges);
            return Ok(Part::Range(range));
        }
        let Some(rest) = ranges.finish() else { return Ok(Part::Abandoned) };
        if let Bytes::Mapped(mapped) = &mut self.bytes {
            mapped.continue_at(rest.position);
        }
        (self.parser, self.changes) = (rest.parser, rest.changes);
        self.supported(rest.outcome?).map(Part::End)
    }

    /// Returns the bytes read, before decompression.
    pub(super) fn progress(&self) -> u64 {
        match &self.bytes {
            Bytes::Mapped(mapped) => mapped.progress(),
            Bytes::Stream(stream) => stream.progress(),
        }
    }

    /// Returns the bytes of the file that were not read, and all of its bytes; `None` where only
    /// the decompressor or the writer of a pipe could know.
    pub(super) fn unread(&self) -> Option<(u64, u64)> {
        let len = self.changes.as_ref().map(Changes::len)?;
        let position = match &self.bytes {
            Bytes::Mapped(mapped) => mapped.progress(),
            Bytes::Stream(stream) if stream.is_compressed() => return None,
            Bytes::Stream(stream) => stream.position(),
        };
        Some((len.saturating_sub(position), len))
    }

    /// Returns whether the file is compressed.
    pub(super) fn is_compressed(&self) -> bool {
        matches!(&self.bytes, Bytes::Stream(stream) if stream.is_compressed())
    }

    /// Returns `end` unless no packet has a supported link type.
    fn supported(&self, end: End) -> Result<End, Failure> {
        match self.parser.unsupported() {
            Some(link) => Err(Failure::of_link(link)),
            None => Ok(end),
        }
    }

    fn check(&mut self) -> Result<(), Failure> {
        if let Bytes::Mapped(mapped) = &self.bytes
            && !mapped.is_intact()
        {
            return Err(Failure::Changed);
        }
        self.changes.as_mut().map_or(Ok(()), Changes::check)
    }
}

/// File that is open only during a read, so that thousands of files can be read in turn.
struct Reopened {
    path: PathBuf,
    position: u64,
}

impl Read for Reopened {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut file = File::open(&self.path)?;
        file.seek(SeekFrom::Start(self.position))?;
        let count = file.read(buffer)?;
        self.position += u64::try_from(count).unwrap_or(0);
        Ok(count)
    }
}

/// Returns whether `path` stands for standard input.
pub(super) fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == OsStr::new("-")
}

/// Reads the first [`HEAD_LEN`] bytes, or fewer if the input ends.
pub(super) fn read_head(input: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut head = Vec::with_capacity(HEAD_LEN);
    input.take(HEAD_LEN.try_into().unwrap_or(u64::MAX)).read_to_end(&mut head)?;
    Ok(head)
}
