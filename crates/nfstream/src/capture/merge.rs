//! Open files, and chunks of packets that are merged from them.

use std::mem;
use std::path::PathBuf;
use std::sync::Arc;

use super::order::{LOOK_AHEAD, ends_in_doubt, set_keys};
use super::outcome::{End, Failure};
use super::reader::Reader;
use super::stream::BUFFER;
use crate::packet::{Chunk, ChunkBytes, RawRecord};
use crate::time::Timestamp;

/// File that is open.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) path: PathBuf,
    pub(super) len: Option<u64>,
    pub(super) reader: Reader,
    /// Packets that were read, and the index of the next one.
    chunk: Chunk,
    next: usize,
    /// Keys of these packets.
    keys: Vec<Timestamp>,
    /// Result of reading ahead, if times at the end of `chunk` were in doubt.
    ahead: Option<Result<Next, Failure>>,
}

/// Result of reading a file.
#[derive(Debug)]
enum Next {
    Chunk(Chunk),
    End(End),
}

/// Chunk of packets that are copied from several files.
pub(super) struct Merged<'a> {
    chunk: &'a mut Chunk,
    bytes: Vec<u8>,
    limit: usize,
}

impl Open {
    pub(super) fn new(path: PathBuf, len: Option<u64>, reader: Reader) -> Self {
        let (chunk, keys) = (Chunk::default(), Vec::new());
        Self { path, len, reader, chunk, next: 0, keys, ahead: None }
    }

    pub(super) fn is_drained(&self) -> bool {
        self.next >= self.chunk.records.len()
    }

    /// Returns whether more was read than the packets up to [`is_drained`](Self::is_drained).
    pub(super) fn is_read_ahead(&self) -> bool {
        self.ahead.is_some()
    }

    /// Returns the key of the next packet, if it was read.
    pub(super) fn next_key(&self) -> Option<Timestamp> {
        self.keys.get(self.next).copied()
    }

    /// Reads the next packets, or returns why there are none.
    pub(super) fn fill(&mut self, limit: usize) -> Result<Option<End>, Failure> {
        let before = self.chunk.records.last().map(|record| record.time);
        match self.ahead.take() {
            Some(result) => match result? {
                Next::Chunk(chunk) => self.chunk = chunk,
                Next::End(end) => return Ok(Some(end)),
            },
            None => {
                self.chunk.clear();
                if let Some(end) = self.reader.read(&mut self.chunk, limit)? {
                    return Ok(Some(end));
                }
            }
        }
        self.next = 0;
        let mut earliest = None;
        if ends_in_doubt(&self.chunk.records, before) {
            let mut chunk = Chunk::default();
            let result = self.reader.read(&mut chunk, limit);
            let times = chunk.records.iter().take(LOOK_AHEAD).map(|record| record.time);
            earliest = times.min();
            self.ahead = Some(result.map(|end| end.map_or(Next::Chunk(chunk), Next::End)));
        }
        set_keys(&self.chunk.records, earliest, &mut self.keys);
        Ok(None)
    }

    /// Returns the number of packets, at most `limit`, that come before `bound`.
    pub(super) fn run(
        &self,
        rank: usize,
        bound: Option<(Timestamp, usize)>,
        limit: usize,
    ) -> usize {
        let keys = self.keys.iter().skip(self.next).take(limit);
        match bound {
            Some(bound) => keys.take_while(|key| (**key, rank) < bound).count(),
            None => keys.count(),
        }
    }

    /// Passes the next `count` packets on in `chunk`, which is empty, without copying their bytes.
    fn pass(&mut self, count: usize, chunk: &mut Chunk) {
        if self.next == 0 && count == self.chunk.records.len() {
            mem::swap(chunk, &mut self.chunk);
            self.chunk.clear();
            return;
        }
        let records = self.chunk.records.get(self.next..self.next + count);
        chunk.records.extend_from_slice(records.unwrap_or_default());
        chunk.bytes = self.chunk.bytes.clone();
        self.next += count;
    }
}

impl<'a> Merged<'a> {
    /// Begins with an empty chunk, whose buffer is reused.
    pub(super) fn new(chunk: &'a mut Chunk, limit: usize) -> Self {
        let bytes = match mem::take(&mut chunk.bytes) {
            ChunkBytes::Owned(buffer) => Arc::into_inner(buffer),
            ChunkBytes::Mapped(..) => None,
        };
        let mut bytes = bytes.unwrap_or_default();
        bytes.clear();
        Self { chunk, bytes, limit }
    }

    /// Returns the number of packets that may be added.
    pub(super) fn room(&self) -> usize {
        self.limit - self.chunk.records.len()
    }

    /// Returns whether there is no packet yet.
    pub(super) fn is_empty(&self) -> bool {
        self.chunk.records.is_empty()
    }

    /// Makes the next `count` packets of `file` the whole chunk, which is empty, without copying
    /// their bytes.
    pub(super) fn pass(self, file: &mut Open, count: usize) {
        file.pass(count, self.chunk);
    }

    /// Copies the next `count` packets of `file`, or as many as fit. Returns whether the chunk is
    /// full.
    pub(super) fn copy(&mut self, file: &mut Open, count: usize) -> bool {
        let frames = file.chunk.bytes.as_slice();
        let records = file.chunk.records.iter().skip(file.next).take(count);
        let mut copied = 0;
        for record in records {
            let frame = record.frame(frames);
            let Ok(offset) = u32::try_from(self.bytes.len()) else { break };
            if self.bytes.len() + frame.len() > BUFFER && !self.is_empty() {
                break;
            }
            self.bytes.extend_from_slice(frame);
            self.chunk.records.push(RawRecord { offset, ..*record });
            copied += 1;
        }
        file.next += copied;
        copied < count || self.room() == 0
    }

    /// Completes the chunk, and returns whether it has packets.
    pub(super) fn finish(self) -> bool {
        self.chunk.bytes = ChunkBytes::Owned(Arc::new(self.bytes));
        !self.chunk.records.is_empty()
    }
}
