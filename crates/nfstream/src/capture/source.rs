//! Sources of packets.

use super::error::{CaptureError, Warning};
use crate::packet::Chunk;

/// A source of packets, read a chunk at a time.
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

    /// Stops the source, and returns whether it still has packets from before this moment. The
    /// caller reads them until `read` returns `false`.
    ///
    /// A file has none: the rest of it is not wanted.
    fn stop(&mut self) -> bool {
        false
    }

    /// Returns whether a read may block: that of a pipe does, that of a regular file does not.
    fn may_wait(&self) -> bool;

    /// Returns how far the source has been read.
    fn progress(&self) -> ReadProgress;

    /// Returns what the system counts of packets that come live, `None` for files.
    fn reception(&self) -> Option<Reception> {
        None
    }

    /// Returns the warnings since the last call, in the order they arose.
    fn take_warnings(&mut self) -> Vec<Warning>;
}

/// Counts that the system keeps of the packets of a live source.
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
pub struct ReadProgress {
    /// Bytes read of all files so far, compressed where the file is.
    pub bytes: u64,
    /// Bytes of all files together, if known.
    pub total_bytes: Option<u64>,
}
