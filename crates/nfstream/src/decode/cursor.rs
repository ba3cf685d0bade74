//! A place in a frame, moved forward by the headers that are read.

use super::DecodeError;

/// The bytes of a frame and how far they have been read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<'a> {
    frame: &'a [u8],
    offset: usize,
}

impl<'a> Cursor<'a> {
    #[inline]
    pub(super) fn new(frame: &'a [u8]) -> Self {
        Self { frame, offset: 0 }
    }

    /// Moves `len` bytes forward, at most to the end of the frame.
    #[inline]
    pub(super) fn skip(&mut self, len: usize) {
        self.offset = self.offset.saturating_add(len).min(self.frame.len());
    }

    /// Reads `N` bytes that begin `at` bytes behind the cursor, without moving it.
    ///
    /// # Errors
    ///
    /// `truncated` if the frame ends before.
    #[inline]
    pub(super) fn peek<const N: usize>(
        &self,
        at: usize,
        truncated: DecodeError,
    ) -> Result<&'a [u8; N], DecodeError> {
        self.rest().get(at..).and_then(|bytes| bytes.first_chunk()).ok_or(truncated)
    }

    /// Reads one byte that lies `at` bytes behind the cursor.
    ///
    /// # Errors
    ///
    /// `truncated` if the frame ends before.
    #[inline]
    pub(super) fn byte(&self, at: usize, truncated: DecodeError) -> Result<u8, DecodeError> {
        self.rest().get(at).copied().ok_or(truncated)
    }

    /// Reads a big-endian number of two bytes that begin `at` bytes behind the cursor.
    ///
    /// # Errors
    ///
    /// `truncated` if the frame ends before.
    #[inline]
    pub(super) fn u16(&self, at: usize, truncated: DecodeError) -> Result<u16, DecodeError> {
        self.peek(at, truncated).map(|bytes| u16::from_be_bytes(*bytes))
    }

    /// Returns what has not been read.
    #[inline]
    pub(super) fn rest(&self) -> &'a [u8] {
        self.frame.get(self.offset..).unwrap_or_default()
    }

    /// Returns the cursor's place, in bytes from the start of the frame.
    #[inline]
    pub(super) fn offset(&self) -> usize {
        self.offset
    }
}
