//! Reading numbers and text from untrusted bytes.

use std::borrow::Cow;
use std::net::IpAddr;

use crate::metadata::Metadata;

/// The bytes that are left to read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

impl<'a> Reader<'a> {
    /// Returns the next `len` bytes.
    pub(crate) fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (bytes, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(bytes)
    }

    /// Returns the next byte.
    pub(crate) fn u8(&mut self) -> Option<u8> {
        let (&byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(byte)
    }

    /// Returns the next two bytes as a big-endian number.
    pub(crate) fn u16(&mut self) -> Option<u16> {
        let (bytes, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u16::from_be_bytes(*bytes))
    }

    /// Returns the next three bytes as a big-endian number.
    pub(crate) fn u24(&mut self) -> Option<u32> {
        let ([high, middle, low], rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u32::from_be_bytes([0, *high, *middle, *low]))
    }

    /// Returns the next four bytes as a big-endian number.
    pub(crate) fn u32(&mut self) -> Option<u32> {
        let (bytes, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u32::from_be_bytes(*bytes))
    }

    /// Returns the next two bytes as a little-endian number.
    pub(crate) fn le16(&mut self) -> Option<u16> {
        self.u16().map(u16::swap_bytes)
    }

    /// Returns the next four bytes as a little-endian number.
    pub(crate) fn le32(&mut self) -> Option<u32> {
        self.u32().map(u32::swap_bytes)
    }

    /// Returns the next eight bytes as a little-endian number.
    pub(crate) fn le64(&mut self) -> Option<u64> {
        self.u64().map(u64::swap_bytes)
    }

    /// Returns the next eight bytes as a big-endian number.
    pub(crate) fn u64(&mut self) -> Option<u64> {
        let (bytes, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u64::from_be_bytes(*bytes))
    }

    /// Returns the bytes after a length of one byte.
    pub(crate) fn vector8(&mut self) -> Option<&'a [u8]> {
        let len = self.u8()?;
        self.take(len.into())
    }

    /// Returns the bytes after a length of two bytes.
    pub(crate) fn vector16(&mut self) -> Option<&'a [u8]> {
        let len = self.u16()?;
        self.take(len.into())
    }

    /// Returns whether nothing is left.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Returns the big-endian number at `offset`.
pub(crate) fn be16(bytes: &[u8], offset: usize) -> Option<u16> {
    bytes.get(offset..)?.first_chunk().map(|bytes| u16::from_be_bytes(*bytes))
}

/// Returns the big-endian number at `offset`.
pub(crate) fn be32(bytes: &[u8], offset: usize) -> Option<u32> {
    bytes.get(offset..)?.first_chunk().map(|bytes| u32::from_be_bytes(*bytes))
}

/// Returns the little-endian number at `offset`.
pub(crate) fn le16(bytes: &[u8], offset: usize) -> Option<u16> {
    bytes.get(offset..)?.first_chunk().map(|bytes| u16::from_le_bytes(*bytes))
}

/// Returns the little-endian number at `offset`.
pub(crate) fn le32(bytes: &[u8], offset: usize) -> Option<u32> {
    bytes.get(offset..)?.first_chunk().map(|bytes| u32::from_le_bytes(*bytes))
}

/// Returns the little-endian number at `offset`.
pub(crate) fn le64(bytes: &[u8], offset: usize) -> Option<u64> {
    bytes.get(offset..)?.first_chunk().map(|bytes| u64::from_le_bytes(*bytes))
}

/// Returns whether `stream` begins with `magic`, or may do so once there is more of it.
pub(crate) fn begins(stream: &[u8], magic: &[u8]) -> crate::probe::Verdict {
    use crate::probe::Verdict;
    if stream.starts_with(magic) {
        Verdict::Match
    } else if magic.starts_with(stream) {
        Verdict::More
    } else {
        Verdict::No
    }
}

/// Returns whether `stream` begins with `magic`, `None` if it is too short to tell.
pub(crate) fn has_magic(stream: &[u8], magic: &[u8]) -> Option<bool> {
    let head = stream.get(..magic.len()).unwrap_or(stream);
    if !magic.starts_with(head) {
        return Some(false);
    }
    (head.len() == magic.len()).then_some(true)
}

/// Returns the line at the start of `stream` without its end (LF or CR LF), `None` if there is no
/// whole one.
pub(crate) fn line(stream: &[u8]) -> Option<&[u8]> {
    let end = stream.iter().position(|byte| *byte == b'\n')?;
    let line = &stream[..end];
    Some(line.strip_suffix(b"\r").unwrap_or(line))
}

/// Returns whether a text is an IP address.
pub(crate) fn is_address(text: &str) -> bool {
    // The parser takes longer to reject a name.
    let may_be = text.ends_with(|last: char| last.is_ascii_digit()) || text.contains(':');
    may_be && text.parse::<IpAddr>().is_ok()
}

/// Returns untrusted bytes as text that is safe to show: UTF-8 with replacement characters where
/// it is not, no control characters, at most [`Metadata::MAX_TEXT`] bytes.
pub(crate) fn text(bytes: &[u8]) -> Box<str> {
    shown(bytes).into()
}

/// Returns the same text, without a copy if it is plain ASCII.
pub(crate) fn shown(bytes: &[u8]) -> Cow<'_, str> {
    let bytes = &bytes[..bytes.len().min(Metadata::MAX_TEXT)];
    // Nearly all text is plain ASCII. Without an early exit, the compiler tests many bytes at once.
    if bytes.iter().fold(true, |plain, byte| plain & matches!(byte, b' '..=b'~'))
        && let Ok(text) = std::str::from_utf8(bytes)
    {
        return text.into();
    }
    let text = String::from_utf8_lossy(bytes);
    if text.len() <= Metadata::MAX_TEXT && !text.chars().any(char::is_control) {
        return text;
    }
    let mut clean = String::with_capacity(text.len().min(Metadata::MAX_TEXT));
    for character in text.chars() {
        let character = if character.is_control() { '\u{fffd}' } else { character };
        if clean.len() + character.len_utf8() > Metadata::MAX_TEXT {
            break;
        }
        clean.push(character);
    }
    clean.into()
}
