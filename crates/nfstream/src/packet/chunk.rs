//! Packets as a source gives them: their bytes, and the place of each.

use std::ops::Range;
use std::sync::Arc;

use nfstream_sys::Mapping;

use super::LinkType;
use crate::time::Timestamp;

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
    /// All packets captured before this time have been read, by the clock of a live source; `None`
    /// where packets alone have times.
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

/// Returns `number` as a `usize`; no machine this runs on has a smaller one.
#[inline]
pub(crate) fn to_usize(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
