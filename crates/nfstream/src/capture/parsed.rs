//! What a parser has done with the bytes it was given, and how it fetches them ahead.

use nfstream_sys::prefetch_slice;

use super::Corruption;

/// Captured bytes of the longest frame that is taken from a capture that does not announce
/// longer ones: what libpcap takes (`MAXIMUM_SNAPLEN`).
pub(super) const MAX_CAPTURE_LEN: usize = 262_144;
/// Captured bytes of the longest frame that a capture can announce, as for USB in libpcap.
pub(super) const MAX_SNAPLEN: usize = 128 << 20;

/// How far a parser came.
#[derive(Debug)]
pub(super) struct Parsed {
    /// The first byte that was not used.
    pub(super) next: usize,
    /// Why it went no further.
    pub(super) stop: Stop,
}

#[derive(Debug, Eq, PartialEq)]
pub(super) enum Stop {
    /// What comes next breaks a rule.
    Corrupt { what: Corruption },
    /// The limit of records is reached.
    Full,
    /// What comes next needs this many bytes, more than there are.
    Short { needed: usize },
}

/// Fetches the bytes that a parser comes to next.
///
/// Where a record begins is known only from the one before, so a processor waits for memory at
/// each of them. Fetching all that lies ahead, needed or not, makes a walk twice as fast or more.
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

    /// Fetches the bytes after `at`, unless that was done before.
    #[inline(always)]
    pub(super) fn advance(&mut self, bytes: &[u8], at: usize) {
        // Nothing is gained by fetching what was jumped over.
        self.fetched = self.fetched.max(at);
        while self.fetched < at + Self::AHEAD {
            prefetch_slice(bytes, self.fetched);
            self.fetched += Self::LINE;
        }
    }
}
