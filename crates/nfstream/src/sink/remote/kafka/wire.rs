//! Numbers, texts and lists of the Kafka protocol, in the versions before its compact encodings.

use crate::packet::encoding::put_signed;

/// Writes the parts of a request.
#[derive(Debug, Default)]
pub(super) struct Writer(pub(super) Vec<u8>);

impl Writer {
    pub(super) fn i8(&mut self, number: i8) {
        self.0.extend(number.to_be_bytes());
    }

    pub(super) fn i16(&mut self, number: i16) {
        self.0.extend(number.to_be_bytes());
    }

    pub(super) fn i32(&mut self, number: i32) {
        self.0.extend(number.to_be_bytes());
    }

    pub(super) fn i64(&mut self, number: i64) {
        self.0.extend(number.to_be_bytes());
    }

    /// Writes the number of elements that follow.
    pub(super) fn count(&mut self, number: usize) {
        self.i32(i32::try_from(number).unwrap_or(i32::MAX));
    }

    /// Writes text with its length, `None` as a length of -1.
    pub(super) fn text(&mut self, text: Option<&str>) {
        match text {
            Some(text) => {
                self.i16(i16::try_from(text.len()).unwrap_or(i16::MAX));
                self.0.extend(text.as_bytes());
            }
            None => self.i16(-1),
        }
    }

    /// Writes bytes with their length.
    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.count(bytes.len());
        self.0.extend(bytes);
    }

    /// Writes a number with its sign in the lowest bit, seven bits a byte.
    pub(super) fn variable(&mut self, number: i64) {
        put_signed(&mut self.0, number);
    }
}

/// Reads the parts of an answer. `None` means that the answer ends too early.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (first, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*first)
    }

    pub(super) fn i8(&mut self) -> Option<i8> {
        self.take().map(i8::from_be_bytes)
    }

    pub(super) fn i16(&mut self) -> Option<i16> {
        self.take().map(i16::from_be_bytes)
    }

    pub(super) fn i32(&mut self) -> Option<i32> {
        self.take().map(i32::from_be_bytes)
    }

    pub(super) fn i64(&mut self) -> Option<i64> {
        self.take().map(i64::from_be_bytes)
    }

    /// Reads text, empty for none.
    pub(super) fn text(&mut self) -> Option<String> {
        let len = usize::try_from(self.i16()?).unwrap_or_default();
        let (text, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(String::from_utf8_lossy(text).into_owned())
    }

    /// Reads bytes, empty for none.
    pub(super) fn bytes(&mut self) -> Option<&'a [u8]> {
        let len = usize::try_from(self.i32()?).unwrap_or_default();
        let (bytes, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(bytes)
    }

    /// Reads a list of elements.
    pub(super) fn list<T>(
        &mut self,
        mut element: impl FnMut(&mut Self) -> Option<T>,
    ) -> Option<Vec<T>> {
        // Every element has a byte, so a false number ends with the answer.
        (0..self.i32()?.max(0)).map(|_| element(self)).collect()
    }
}
