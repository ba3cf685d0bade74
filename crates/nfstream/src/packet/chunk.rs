//! Captured packets in chunks: their bytes, and the position of each.

use std::ops::Range;
use std::sync::Arc;

use nfstream_sys::Mapping;

use super::LinkType;
use crate::time::Timestamp;

/// Position of a packet in its chunk, and its metadata in the capture.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RawRecord {
    /// Time of capture.
    pub time: Timestamp,
    /// First byte of the frame, from the start of the chunk's bytes.
    pub offset: u32,
    /// Captured length.
    pub capture_len: u32,
    /// Wire length, as given by the capture: some captures hold more bytes than were on the wire.
    pub wire_len: u32,
    /// Link type of the frame.
    pub link: LinkType,
}

/// The bytes that the records of a chunk point into.
#[derive(Clone, Debug)]
pub enum ChunkBytes {
    /// A range of a mapped file.
    Mapped(Arc<Mapping>, Range<usize>),
    /// A buffer, possibly shared with the chunks before and after.
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

    /// Returns whether all bytes read so far were present in the file; see [`Mapping::is_intact`].
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

/// Several thousand consecutive packets of one source.
#[derive(Clone, Debug, Default)]
pub struct Chunk {
    /// Bytes of the frames, and the bytes between them.
    pub bytes: ChunkBytes,
    /// One for each packet, in the order of the capture.
    pub records: Vec<RawRecord>,
    /// Packets removed by a filter.
    pub filtered: u64,
    /// Exact duplicates among the packets, removed or not.
    pub duplicates: u64,
    /// Exact duplicates that were removed.
    pub removed_duplicates: u64,
    /// Time before which all packets have been read, by the clock of a live source; `None` if
    /// packets are the only clock.
    pub settled: Option<Timestamp>,
}

impl RawRecord {
    /// Returns the frame in the bytes of its chunk, empty if it lies outside.
    #[inline]
    pub fn frame<'a>(&self, chunk: &'a [u8]) -> &'a [u8] {
        let start = to_usize(self.offset);
        chunk.get(start..start.saturating_add(to_usize(self.capture_len))).unwrap_or_default()
    }
}

impl Chunk {
    /// Removes the packets and keeps the memory.
    pub fn clear(&mut self) {
        self.records.clear();
        (self.filtered, self.settled) = (0, None);
        (self.duplicates, self.removed_duplicates) = (0, 0);
    }

    /// Returns the end of the chunk: the time of its last packet or the one up to which it is
    /// settled; `None` if it has neither.
    pub fn end_time(&self) -> Option<Timestamp> {
        self.records.last().map(|record| record.time).max(self.settled)
    }

    /// Returns the bytes of `record`'s frame, empty if the record is not from this chunk.
    pub fn frame(&self, record: &RawRecord) -> &[u8] {
        record.frame(self.bytes.as_slice())
    }
}

/// Returns `number` as a `usize`, which has at least 32 bits on every supported platform.
#[inline]
pub(crate) fn to_usize(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
