//! Source in memory: packets with their times, and a chosen ending.

use std::sync::Arc;

use nfstream::capture::{CaptureError, ReadProgress, Source, Warning};
use nfstream::packet::{Chunk, ChunkBytes, LinkType, RawRecord};
use nfstream::time::Timestamp;

use crate::Frame;

/// Frame with the metadata of a capture.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Captured {
    /// Time of capture.
    pub time: Timestamp,
    /// Link type.
    pub link: LinkType,
    /// Captured bytes.
    pub bytes: Vec<u8>,
    /// Bytes on the wire.
    pub wire_len: u32,
}

/// Source of packets in memory.
#[derive(Clone, Debug)]
pub struct MemorySource {
    packets: Arc<[Captured]>,
    next: usize,
    ending: Ending,
}

/// Behaviour of a source after its last packet.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Ending {
    /// It ends.
    Complete,
    /// It repeats the packets until the test ends the run.
    Endless,
    /// It fails: the file has changed.
    Failure,
    /// It panics with "the source panicked".
    Panic,
}

/// Returns a time in seconds since the epoch.
pub fn seconds(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(seconds, 0)
}

/// Returns a time in seconds and nanoseconds since the epoch; nanoseconds may be negative.
pub fn nanos(seconds: i64, nanoseconds: i64) -> Timestamp {
    Timestamp::from_seconds(seconds, nanoseconds)
}

impl Captured {
    /// Returns `frame`, captured completely at `time`.
    pub fn new(time: Timestamp, frame: &Frame) -> Self {
        let bytes = frame.build();
        let wire_len = u32::try_from(bytes.len()).expect("frames in tests are short");
        Self { time, link: LinkType(frame.link_type()), bytes, wire_len }
    }

    /// Keeps the first `snaplen` bytes.
    pub fn cut_to(mut self, snaplen: usize) -> Self {
        self.bytes.truncate(snaplen);
        self
    }

    /// Returns its record in a chunk of its own.
    pub fn record(&self) -> RawRecord {
        RawRecord {
            time: self.time,
            offset: 0,
            capture_len: u32::try_from(self.bytes.len()).expect("frames in tests are short"),
            wire_len: self.wire_len,
            link: self.link,
        }
    }
}

impl MemorySource {
    /// Returns a source of `packets` that ends after them.
    pub fn new(packets: impl Into<Arc<[Captured]>>) -> Self {
        Self { packets: packets.into(), next: 0, ending: Ending::Complete }
    }

    /// Sets the behaviour after the last packet.
    pub fn ending(mut self, ending: Ending) -> Self {
        self.ending = ending;
        self
    }

    /// Returns the source in the form that a run takes.
    pub fn boxed(self) -> Box<dyn Source> {
        Box::new(self)
    }
}

impl Source for MemorySource {
    fn read(&mut self, chunk: &mut Chunk, limit: usize) -> Result<bool, CaptureError> {
        chunk.clear();
        let mut bytes = Vec::new();
        if self.next == self.packets.len() {
            match self.ending {
                Ending::Complete => return Ok(false),
                Ending::Endless => self.next = 0,
                Ending::Failure => {
                    self.ending = Ending::Complete;
                    return Err(CaptureError::Changed { path: "memory".into() });
                }
                Ending::Panic => panic!("the source panicked"),
            }
        }
        for packet in self.packets[self.next..].iter().take(limit) {
            let offset = u32::try_from(bytes.len()).expect("chunks in tests are small");
            chunk.records.push(RawRecord { offset, ..packet.record() });
            bytes.extend_from_slice(&packet.bytes);
        }
        self.next += chunk.records.len();
        chunk.bytes = ChunkBytes::Owned(Arc::new(bytes));
        Ok(!chunk.records.is_empty())
    }

    fn may_wait(&self) -> bool {
        false
    }

    fn progress(&self) -> ReadProgress {
        ReadProgress::default()
    }

    fn take_warnings(&mut self) -> Vec<Warning> {
        Vec::new()
    }
}
