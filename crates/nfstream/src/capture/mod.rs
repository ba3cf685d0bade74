//! Where packets come from: capture files, streams of them, and network interfaces.
//!
//! The only module that touches the operating system, reads the clock or maps memory. It finds
//! record boundaries and times; what is inside a frame is left to [`decode`](crate::decode).

mod bpf;
mod error;
mod file;
mod filter;
mod format;
mod input;
mod link_type;
mod live;
mod mapped;
mod pcap;
mod pcapng;
mod processes;
#[cfg(test)]
mod samples;
mod stream;

use std::ops::Range;
use std::sync::Arc;

use nfstream_memory::Mapping;

use crate::time::Timestamp;

pub use error::{CaptureError, Corruption, Warning};
pub use file::{FileSource, open};
pub use filter::{Filter, Filtered};
pub use input::Input;
pub use link_type::LinkType;
pub use live::{Interface, InterfaceState, LiveOptions, LiveSource, interfaces};
pub use nfstream_memory::libpcap_version;
pub use processes::{Process, Processes};

/// Gives packets, a chunk at a time.
pub trait Source: Send {
    /// Fills `chunk` with the next packets, at most `limit`, and returns whether the source goes
    /// on. What the chunk held before is gone; its memory is used again unless someone else
    /// still holds it.
    ///
    /// A chunk never spans two files. It holds about 16 MiB at most, or one packet if that is
    /// longer. It holds at least one packet, unless a filter has taken them all out; that of an
    /// interface may also be empty because none came for a while.
    ///
    /// # Errors
    ///
    /// Why nothing more can be read. All packets before were given by earlier calls; a call
    /// after an error returns `false`.
    fn read(&mut self, chunk: &mut Chunk, limit: usize) -> Result<bool, CaptureError>;

    /// Asks the source for its end, and returns whether it has packets from before this moment.
    /// They are to be read still, until `read` returns `false`.
    ///
    /// A file has none: what is not read of it is not wanted.
    fn stop(&mut self) -> bool {
        false
    }

    /// Returns whether a read may wait for somebody else: a pipe does, a regular file does not.
    fn may_wait(&self) -> bool;

    /// Returns how far the source has been read.
    fn progress(&self) -> Progress;

    /// Returns what the system counts of packets that come live, `None` for files.
    fn reception(&self) -> Option<Reception> {
        None
    }

    /// Begins to look which processes the packets are to or from, where that was asked for.
    ///
    /// # Errors
    ///
    /// [`CaptureError::Sockets`] if the system does not let it begin.
    fn watch_processes(&mut self) -> Result<Option<Processes>, CaptureError> {
        Ok(None)
    }

    /// Returns the warnings since the last call, in the order they arose.
    fn take_warnings(&mut self) -> Vec<Warning>;
}

/// Where one packet lies in its chunk, and what the capture says of it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RawRecord {
    /// When the packet was captured.
    pub time: Timestamp,
    /// First byte of the frame, from the start of the chunk's bytes.
    pub offset: u32,
    /// Bytes of the frame that the capture holds.
    pub capture_len: u32,
    /// Bytes that the frame had on the wire, never less than `capture_len`.
    pub wire_len: u32,
    /// How the frame begins.
    pub link: LinkType,
}

/// The bytes that the records of a chunk point into.
#[derive(Clone, Debug)]
pub enum ChunkBytes {
    /// A range of a mapped file.
    Mapped(Arc<Mapping>, Range<usize>),
    /// A buffer, which the chunks before and after may share.
    Owned(Arc<Vec<u8>>),
}

impl ChunkBytes {
    /// Returns the bytes.
    pub fn as_slice(&self) -> &[u8] {
        match self {
            Self::Mapped(mapping, range) => mapping.get(range.clone()).unwrap_or_default(),
            Self::Owned(buffer) => buffer,
        }
    }

    /// Returns whether all bytes read so far were the file's; see [`Mapping::is_intact`].
    pub fn is_intact(&self) -> bool {
        match self {
            Self::Mapped(mapping, _) => mapping.is_intact(),
            Self::Owned(_) => true,
        }
    }
}

impl Default for ChunkBytes {
    fn default() -> Self {
        Self::Owned(Arc::default())
    }
}

/// Some thousands of consecutive packets of one source.
#[derive(Clone, Debug, Default)]
pub struct Chunk {
    /// Bytes of the frames, and of what lies between them.
    pub bytes: ChunkBytes,
    /// One for each packet, in the order of the capture.
    pub records: Vec<RawRecord>,
    /// Packets that were read and that a filter has taken out.
    pub filtered: u64,
    /// All packets captured before this time have been given, as far as the clock of a live
    /// source tells; `None` where only packets tell the time.
    pub settled: Option<Timestamp>,
}

impl RawRecord {
    /// Returns the frame out of the bytes of its chunk: none if it does not lie in them.
    #[inline]
    pub fn frame<'a>(&self, chunk: &'a [u8]) -> &'a [u8] {
        let start = to_usize(self.offset);
        chunk.get(start..start.saturating_add(to_usize(self.capture_len))).unwrap_or_default()
    }
}

impl Chunk {
    /// Forgets the packets, and keeps the memory.
    pub fn clear(&mut self) {
        self.records.clear();
        (self.filtered, self.settled) = (0, None);
    }

    /// Returns when the chunk ends: the time of its last packet or the one until which it is
    /// settled; `None` if it has neither.
    pub fn end_time(&self) -> Option<Timestamp> {
        self.records.last().map(|record| record.time).max(self.settled)
    }

    /// Returns the bytes of `record`'s frame: none if the record is not of this chunk.
    pub fn frame(&self, record: &RawRecord) -> &[u8] {
        record.frame(self.bytes.as_slice())
    }
}

/// What the system has counted of the packets of a live source.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Reception {
    /// Packets that arrived and that the filter, if there is one, let pass: those given and
    /// those dropped.
    pub received: u64,
    /// Packets of these for which the kernel had no space left, as they were not read fast
    /// enough.
    pub dropped_by_kernel: u64,
    /// Packets that the interfaces themselves had to drop; not among those received.
    pub dropped_by_interface: u64,
}

/// How far a source has been read.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Progress {
    /// Bytes read of all files so far, compressed where the file is.
    pub bytes: u64,
    /// Bytes of all files together, if known.
    pub total_bytes: Option<u64>,
}

/// Returns `number` as a `usize`; no machine this runs on has a smaller one.
#[inline]
fn to_usize(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
