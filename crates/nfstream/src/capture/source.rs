//! Sources of packets.

use super::error::{CaptureError, Warning};
use super::ranges::FileRange;
use super::stop::StopFlag;
use crate::packet::Chunk;

/// A source of packets, read a chunk at a time.
pub trait Source: Send {
    /// Fills `chunk` with the next packets, at most `limit`, and returns whether more may follow.
    /// The previous content of the chunk is discarded; its memory is reused unless another owner
    /// still holds it.
    ///
    /// A chunk holds at most about 16 MiB, or one packet if that is longer. It may be empty:
    /// because a filter has removed all packets, because none arrived at an interface for a while,
    /// or because the source read several megabytes without finding one.
    ///
    /// # Errors
    ///
    /// Why nothing more can be read. All packets before it were returned by earlier calls; a call
    /// after an error returns `false`.
    fn read(&mut self, chunk: &mut Chunk, limit: usize) -> Result<bool, CaptureError>;

    /// Reads as [`read`](Self::read) does, or returns a range of a long file whose packets another
    /// thread finds meanwhile.
    ///
    /// # Errors
    ///
    /// Those of [`read`](Self::read).
    fn read_part(&mut self, chunk: &mut Chunk, limit: usize) -> Result<Part, CaptureError> {
        Ok(if self.read(chunk, limit)? { Part::Packets } else { Part::End })
    }

    /// Takes the flag that is set before [`stop`](Self::stop) is called: a read that waits for
    /// bytes ends soon after.
    fn stop_with(&mut self, _stop: &StopFlag) {}

    /// Stops the source, and returns whether it still has packets from before this moment. The
    /// caller reads them until `read` returns `false`.
    ///
    /// A file has none: its rest is discarded. A pipe may have some.
    fn stop(&mut self) -> bool {
        false
    }

    /// Returns whether a read may block: a read from a pipe may, one from a regular file does not.
    fn may_wait(&self) -> bool;

    /// Returns the read position of the source.
    fn progress(&self) -> ReadProgress;

    /// Returns the system's packet counts of a live capture, `None` for files.
    fn reception(&self) -> Option<Reception> {
        None
    }

    /// Returns the warnings since the last call, in the order they arose.
    fn take_warnings(&mut self) -> Vec<Warning>;
}

/// Next part of a source.
#[derive(Debug)]
pub enum Part {
    /// Packets, in a chunk, which may be empty.
    Packets,
    /// A range of a file. The chunk is empty.
    Range(FileRange),
    /// The source has ended.
    End,
}

/// Packet counts that the system keeps for a live source.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Reception {
    /// Packets that arrived and passed the filter, if any, whether returned or dropped.
    pub received: u64,
    /// Those of them that the kernel dropped because they were not read fast enough.
    pub dropped_by_kernel: u64,
    /// Packets that the interfaces dropped; not among those received.
    pub dropped_by_interface: u64,
}

/// Read position of a source.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ReadProgress {
    /// Bytes read of all files so far, before decompression.
    pub bytes: u64,
    /// Total bytes of all files, if known.
    pub total_bytes: Option<u64>,
}
