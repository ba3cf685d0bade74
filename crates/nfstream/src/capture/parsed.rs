//! Result of a parsing step, and prefetching of the bytes for the next.

use nfstream_sys::prefetch_slice;

use super::Corruption;

/// Longest captured frame, in bytes, accepted from a capture that does not announce longer ones, as
/// in libpcap (`MAXIMUM_SNAPLEN`).
pub(super) const MAX_CAPTURE_LEN: usize = 262_144;
/// Captured bytes of the longest frame that a capture can announce. Each file that is merged can
/// hold one.
pub(super) const MAX_SNAPLEN: usize = 8 << 20;

/// Returns the wire length of a record. Some writers leave it out.
#[inline(always)]
pub(super) fn wire_len(given: u32, captured: u32) -> u32 {
    if given == 0 { captured } else { given }
}

/// Progress of a parser.
#[derive(Debug)]
pub(super) struct Parsed {
    /// Offset of the first byte that was not used.
    pub(super) next: usize,
    /// Reason for stopping there.
    pub(super) stop: Stop,
}

#[derive(Debug, Eq, PartialEq)]
pub(super) enum Stop {
    /// The next record violates the format.
    Corrupt { what: Corruption },
    /// The limit of records is reached.
    Full,
    /// The next record needs this many bytes, more than are available.
    Short { needed: usize },
}

/// Prefetches the bytes that a parser reads next.
///
/// The start of a record follows from the one before, so the processor waits for memory at each
/// record. Prefetching all bytes ahead, needed or not, makes a pass at least twice as fast.
#[derive(Debug)]
pub(super) struct Prefetch {
    fetched: usize,
}

impl Prefetch {
    const AHEAD: usize = 2048;
    const LINE: usize = 64;

    pub(super) fn new(from: usize) -> Self {
        Self { fetched: from }
    }

    /// Prefetches the bytes after `at`, unless that was done before.
    #[inline(always)]
    pub(super) fn advance(&mut self, bytes: &[u8], at: usize) {
        // Prefetching skipped bytes gains nothing.
        self.fetched = self.fetched.max(at);
        while self.fetched < at + Self::AHEAD {
            prefetch_slice(bytes, self.fetched);
            self.fetched += Self::LINE;
        }
    }
}
