//! Read position in a frame, advanced by the headers that are read.

use std::cell::Cell;

use super::error::DecodeError;
use crate::packet::{Identifier, Identifiers, NetworkId, Separation};

/// The bytes of a frame, the read position, which may lie beyond the captured bytes if the headers
/// say so, and the network identified by the headers before it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<'a> {
    frame: &'a [u8],
    offset: usize,
    network: NetworkId,
    separation: Separation,
    /// Collector of the identifiers passed, `None` where only the network matters.
    passed: Option<&'a Cell<Identifiers>>,
}

impl<'a> Cursor<'a> {
    #[inline]
    pub(super) fn new(frame: &'a [u8]) -> Self {
        let (network, separation) = (NetworkId::default(), Separation::default());
        Self { frame, offset: 0, network, separation, passed: None }
    }

    /// Returns the cursor with another separation of networks.
    #[inline]
    pub(super) fn separating(self, separation: Separation) -> Self {
        Self { separation, ..self }
    }

    /// Returns the cursor with a collector for the identifiers that it passes.
    pub(super) fn collecting(self, passed: &'a Cell<Identifiers>) -> Self {
        Self { passed: Some(passed), ..self }
    }

    /// Records that the following bytes lie inside `identifier`.
    #[inline(never)]
    pub(super) fn enter(&mut self, identifier: Identifier) {
        self.network = self.network.with(identifier, self.separation);
        if let Some(passed) = self.passed {
            let mut all = passed.get();
            all.add(identifier);
            passed.set(all);
        }
    }

    /// Returns a cursor at the same position that ends `end` bytes from the start of the frame.
    #[inline]
    pub(super) fn until(&self, end: u32) -> Self {
        let end = usize::try_from(end).unwrap_or(usize::MAX).min(self.frame.len());
        let frame = self.frame.get(..end).unwrap_or_default();
        Self { frame, offset: self.offset.min(end), ..*self }
    }

    /// Moves `len` bytes forward, whether they were captured or not.
    #[inline]
    pub(super) fn skip(&mut self, len: usize) {
        self.offset = self.offset.saturating_add(len);
    }

    /// Reads `N` bytes that begin `at` bytes after the cursor, without moving it.
    ///
    /// # Errors
    ///
    /// `truncated` if the frame ends earlier.
    #[inline]
    pub(super) fn peek<const N: usize>(
        &self,
        at: usize,
        truncated: DecodeError,
    ) -> Result<&'a [u8; N], DecodeError> {
        self.rest().get(at..).and_then(|bytes| bytes.first_chunk()).ok_or(truncated)
    }

    /// Reads the byte `at` bytes after the cursor.
    ///
    /// # Errors
    ///
    /// `truncated` if the frame ends earlier.
    #[inline]
    pub(super) fn byte(&self, at: usize, truncated: DecodeError) -> Result<u8, DecodeError> {
        self.rest().get(at).copied().ok_or(truncated)
    }

    /// Reads a big-endian number of two bytes that begin `at` bytes after the cursor.
    ///
    /// # Errors
    ///
    /// `truncated` if the frame ends earlier.
    #[inline]
    pub(super) fn u16(&self, at: usize, truncated: DecodeError) -> Result<u16, DecodeError> {
        self.peek(at, truncated).map(|bytes| u16::from_be_bytes(*bytes))
    }

    /// Returns the network of the following bytes.
    #[inline]
    pub(super) fn network(&self) -> NetworkId {
        self.network
    }

    /// Returns the unread bytes.
    #[inline]
    pub(super) fn rest(&self) -> &'a [u8] {
        self.frame.get(self.offset..).unwrap_or_default()
    }

    /// Returns the position of the cursor, in bytes from the start of the frame.
    #[inline]
    pub(super) fn offset(&self) -> usize {
        self.offset
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: &[u8] = &[1, 2, 3, 4];
    const SHORT: DecodeError = DecodeError::TruncatedLink;

    #[test]
    fn reads_do_not_move_it() {
        let cursor = Cursor::new(FRAME);
        assert_eq!(cursor.peek(1, SHORT), Ok(&[2, 3]));
        assert_eq!(cursor.u16(2, SHORT), Ok(0x0304));
        assert_eq!(cursor.byte(3, SHORT), Ok(4));
        assert_eq!(cursor.offset(), 0);
    }

    #[test]
    fn reads_count_from_the_position() {
        let mut cursor = Cursor::new(FRAME);
        cursor.skip(2);
        assert_eq!(cursor.u16(0, SHORT), Ok(0x0304));
        assert_eq!(cursor.rest(), [3, 4]);
    }

    #[test]
    fn reads_beyond_the_frame_return_the_given_error() {
        let cursor = Cursor::new(FRAME);
        assert_eq!(cursor.peek::<2>(3, SHORT), Err(SHORT));
        assert_eq!(cursor.byte(4, SHORT), Err(SHORT));
        assert_eq!(cursor.byte(usize::MAX, SHORT), Err(SHORT));
    }

    #[test]
    fn nothing_is_read_after_the_end_of_the_frame() {
        let mut cursor = Cursor::new(FRAME);
        cursor.skip(9);
        assert_eq!(cursor.offset(), 9);
        assert!(cursor.rest().is_empty());
        assert_eq!(cursor.byte(0, SHORT), Err(SHORT));
        cursor.skip(usize::MAX);
        assert_eq!(cursor.peek::<0>(0, SHORT), Ok(&[]));
    }
}
