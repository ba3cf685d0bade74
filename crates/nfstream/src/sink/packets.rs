//! Packets in pcapng files, with comments.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use super::{Draft, Existing, SinkError};
use crate::packet::LinkType;
use crate::time::Timestamp;

/// Number of bytes collected before they are written.
const ENOUGH: usize = 256 << 10;

/// Number of bytes collected for all files of a [`PacketFiles`] before they are written.
const ENOUGH_OF_ALL: usize = 64 << 20;

/// Maximum length of a comment in bytes; the length field of an option has 16 bits.
const LONGEST_COMMENT: usize = 1024;

/// Packet to write.
#[derive(Clone, Copy, Debug)]
pub struct WrittenPacket<'a> {
    /// Time of capture.
    pub time: Timestamp,
    /// Link type of the frame.
    pub link: LinkType,
    /// Captured bytes.
    pub frame: &'a [u8],
    /// Bytes on the wire.
    pub wire_len: u32,
    /// Comment, empty for none.
    pub comment: &'a str,
}

/// Encoder of a pcapng section with little-endian numbers and times in nanoseconds.
#[derive(Debug, Default)]
struct Section {
    /// Link types of the interfaces, in order.
    links: Vec<LinkType>,
    /// Bytes to write.
    bytes: Vec<u8>,
}

/// One pcapng file, which appears under its name once it is complete.
#[derive(Debug)]
pub struct PacketFile {
    section: Section,
    draft: Draft,
}

/// A pcapng stream, such as standard output.
pub struct PacketStream<W> {
    section: Section,
    output: W,
}

/// Several pcapng files, one for each number, which have their final names from the start:
/// `flows.0.pcapng`, `flows.17.pcapng`.
#[derive(Debug)]
pub struct PacketFiles {
    path: PathBuf,
    existing: Existing,
    sections: Vec<Part>,
    /// Number of bytes to write, of all files.
    waiting: usize,
}

/// One of several files.
#[derive(Debug)]
struct Part {
    path: PathBuf,
    section: Section,
    is_created: bool,
}

impl Section {
    /// Starts a section.
    fn begin() -> Self {
        let mut section = Self::default();
        section.block(0x0a0d_0d0a, |body| {
            body.extend(0x1a2b_3c4d_u32.to_le_bytes());
            body.extend(1_u16.to_le_bytes());
            body.extend(0_u16.to_le_bytes());
            body.extend((-1_i64).to_le_bytes());
            // The application that writes the section.
            option(body, 4, concat!("nfstream ", env!("CARGO_PKG_VERSION")).as_bytes());
            option(body, 0, &[]);
        });
        section
    }

    fn add(&mut self, packet: &WrittenPacket<'_>) {
        let known = self.links.iter().position(|link| *link == packet.link);
        let interface = known.unwrap_or_else(|| {
            self.links.push(packet.link);
            self.block(1, |body| {
                body.extend(packet.link.0.to_le_bytes());
                body.extend([0; 6]);
                // Times are in units of 10^-9 s.
                option(body, 9, &[9]);
                option(body, 0, &[]);
            });
            self.links.len() - 1
        });
        let WrittenPacket { time, frame, wire_len, comment, .. } = *packet;
        // The format has no times before 1970.
        let nanos = u64::try_from(time.nanos()).unwrap_or(0);
        self.block(6, |body| {
            body.extend(u32::try_from(interface).unwrap_or(0).to_le_bytes());
            let [high, low] = halves(nanos);
            body.extend(high.to_le_bytes());
            body.extend(low.to_le_bytes());
            body.extend(u32::try_from(frame.len()).unwrap_or(u32::MAX).to_le_bytes());
            body.extend(wire_len.to_le_bytes());
            padded(body, frame);
            if !comment.is_empty() {
                let mut end = comment.len().min(LONGEST_COMMENT);
                while !comment.is_char_boundary(end) {
                    end -= 1;
                }
                option(body, 1, comment.get(..end).unwrap_or_default().as_bytes());
                option(body, 0, &[]);
            }
        });
    }

    /// Appends a block of type `kind`.
    fn block(&mut self, kind: u32, write: impl FnOnce(&mut Vec<u8>)) {
        let start = self.bytes.len();
        self.bytes.extend(kind.to_le_bytes());
        self.bytes.extend([0; 4]);
        write(&mut self.bytes);
        let len = u32::try_from(self.bytes.len() - start + 4).unwrap_or(u32::MAX).to_le_bytes();
        self.bytes.extend(len);
        if let Some(place) = self.bytes.get_mut(start + 4..start + 8) {
            place.copy_from_slice(&len);
        }
    }
}

impl PacketFile {
    /// Creates the file at `path`; a pipe or a device is written directly.
    ///
    /// # Errors
    ///
    /// [`SinkError::Exists`] and [`SinkError::Io`].
    pub fn create(path: &Path, existing: Existing) -> Result<Self, SinkError> {
        Ok(Self { section: Section::begin(), draft: Draft::create(path, existing)? })
    }

    /// Adds a packet.
    ///
    /// # Errors
    ///
    /// [`SinkError::Io`].
    pub fn write(&mut self, packet: &WrittenPacket<'_>) -> Result<(), SinkError> {
        self.section.add(packet);
        if self.section.bytes.len() >= ENOUGH { self.flush() } else { Ok(()) }
    }

    /// Completes the file, which then gets its name.
    ///
    /// # Errors
    ///
    /// [`SinkError::Exists`] and [`SinkError::Io`].
    pub fn finish(mut self) -> Result<(), SinkError> {
        self.flush()?;
        self.draft.complete()
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        let result = self.draft.append(&self.section.bytes);
        self.section.bytes.clear();
        result
    }
}

impl<W: Write> PacketStream<W> {
    /// Starts a stream in `output`.
    pub fn new(output: W) -> Self {
        Self { section: Section::begin(), output }
    }

    /// Adds a packet.
    ///
    /// # Errors
    ///
    /// Those of the output.
    pub fn write(&mut self, packet: &WrittenPacket<'_>) -> io::Result<()> {
        self.section.add(packet);
        if self.section.bytes.len() >= ENOUGH { self.flush() } else { Ok(()) }
    }

    /// Writes all packets so far.
    ///
    /// # Errors
    ///
    /// Those of the output.
    pub fn flush(&mut self) -> io::Result<()> {
        let result = self.output.write_all(&self.section.bytes);
        self.section.bytes.clear();
        result.and_then(|()| self.output.flush())
    }
}

impl PacketStream<Vec<u8>> {
    /// Takes the bytes that were written to memory.
    pub fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.output)
    }
}

impl<W> std::fmt::Debug for PacketStream<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PacketStream").field("links", &self.section.links).finish_non_exhaustive()
    }
}

impl PacketFiles {
    /// Returns the files of `path`, with numbers before the extension.
    pub fn new(path: &Path, existing: Existing) -> Self {
        Self { path: path.to_path_buf(), existing, sections: Vec::new(), waiting: 0 }
    }

    /// Begins the file with this number, and returns its place among all files.
    ///
    /// # Errors
    ///
    /// [`SinkError::Exists`] and [`SinkError::Io`].
    pub fn begin(&mut self, number: u64) -> Result<usize, SinkError> {
        let extension = self.path.extension().map(|extension| extension.to_string_lossy());
        let path = match extension {
            Some(extension) => self.path.with_extension(format!("{number}.{extension}")),
            None => self.path.with_extension(number.to_string()),
        };
        if self.existing != Existing::Replace && path.exists() {
            return Err(SinkError::Exists { path });
        }
        self.sections.push(Part { path, section: Section::begin(), is_created: false });
        Ok(self.sections.len() - 1)
    }

    /// Adds a packet to the file at `place`.
    ///
    /// # Errors
    ///
    /// [`SinkError::Exists`] and [`SinkError::Io`].
    pub fn write(&mut self, place: usize, packet: &WrittenPacket<'_>) -> Result<(), SinkError> {
        let Some(part) = self.sections.get_mut(place) else { return Ok(()) };
        let before = part.section.bytes.len();
        part.section.add(packet);
        self.waiting += part.section.bytes.len() - before;
        if self.waiting >= ENOUGH_OF_ALL { self.flush() } else { Ok(()) }
    }

    /// Completes all files.
    ///
    /// # Errors
    ///
    /// [`SinkError::Exists`] and [`SinkError::Io`].
    pub fn finish(mut self) -> Result<(), SinkError> {
        self.flush()
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        for part in self.sections.iter_mut().filter(|part| !part.section.bytes.is_empty()) {
            part.flush(self.existing)?;
        }
        self.waiting = 0;
        Ok(())
    }
}

impl Part {
    /// Appends the waiting bytes to the file, and closes it: there may be more files than a process
    /// can open.
    fn flush(&mut self, existing: Existing) -> Result<(), SinkError> {
        let mut options = OpenOptions::new();
        match (self.is_created, existing) {
            (true, _) => options.append(true),
            (false, Existing::Continue | Existing::Keep) => options.write(true).create_new(true),
            (false, Existing::Replace) => options.write(true).create(true).truncate(true),
        };
        let path = &self.path;
        let mut file: File = options.open(path).map_err(|source| match source.kind() {
            ErrorKind::AlreadyExists => SinkError::Exists { path: path.clone() },
            _ => SinkError::io(path, source),
        })?;
        self.is_created = true;
        file.write_all(&self.section.bytes).map_err(|source| SinkError::io(path, source))?;
        // Files of many flows hold a few packets each.
        self.section.bytes = Vec::new();
        Ok(())
    }
}

/// Appends an option; number 0 ends the options.
fn option(body: &mut Vec<u8>, number: u16, value: &[u8]) {
    body.extend(number.to_le_bytes());
    body.extend(u16::try_from(value.len()).unwrap_or(u16::MAX).to_le_bytes());
    padded(body, value);
}

/// Appends bytes, and zeros up to a multiple of four.
fn padded(body: &mut Vec<u8>, bytes: &[u8]) {
    body.extend_from_slice(bytes);
    body.extend(std::iter::repeat_n(0, bytes.len().next_multiple_of(4) - bytes.len()));
}

/// Returns the high and the low half of a number.
fn halves(number: u64) -> [u32; 2] {
    let half = |bits: u64| u32::try_from(bits & u64::from(u32::MAX)).unwrap_or(0);
    [half(number >> 32), half(number)]
}
