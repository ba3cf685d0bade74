//! Records and the handshake messages in them (RFC 8446, section 5; RFC 6101 before).

use std::borrow::Cow;

use crate::read::{Reader, be16};

/// Content types of records.
pub(super) mod content {
    pub(crate) const CHANGE_CIPHER_SPEC: u8 = 20;
    pub(crate) const ALERT: u8 = 21;
    pub(crate) const HANDSHAKE: u8 = 22;
    pub(crate) const APPLICATION_DATA: u8 = 23;
}

/// Types of handshake messages.
pub(super) mod handshake {
    pub(crate) const CLIENT_HELLO: u8 = 1;
    pub(crate) const SERVER_HELLO: u8 = 2;
    pub(crate) const HELLO_VERIFY_REQUEST: u8 = 3;
    pub(crate) const CERTIFICATE: u8 = 11;
    pub(crate) const CERTIFICATE_STATUS: u8 = 22;
}

/// Bytes before the fragment of a record.
const HEADER: usize = 5;
/// Longest fragment: 2^14 bytes and what compression and encryption may add.
const MAX_FRAGMENT: u16 = (1 << 14) + 2048;

/// The header of a record.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Header {
    pub(super) content: u8,
    pub(super) len: u16,
}

/// The handshake messages at the beginning of a stream.
#[derive(Debug)]
pub(super) struct Messages<'a> {
    stream: &'a [u8],
    /// Rest of the stream after the current record.
    rest: Reader<'a>,
    /// Rest of the current record.
    fragment: &'a [u8],
    /// Bytes of the current record that the stream lacks.
    missing: usize,
    /// Whether the last message was cut.
    cut: bool,
    /// Why there is no further message.
    end: End,
}

/// A handshake message.
#[derive(Debug)]
pub(super) struct Message<'a> {
    pub(super) kind: u8,
    /// The body as far as the stream has it.
    pub(super) body: Cow<'a, [u8]>,
    /// Whether the body is there as a whole.
    pub(super) complete: bool,
}

/// Why there is no further message.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum End {
    /// Further bytes may bring one, once the stream has this many in all.
    Bytes(usize),
    /// Something else follows: an alert, encrypted data, no TLS.
    Other,
}

impl Header {
    /// Reads the header of a record; `None` if the bytes are cut or no header.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let &[content, major, minor, ..] = bytes else { return None };
        let len = be16(bytes, 3)?;
        let known = (content::CHANGE_CIPHER_SPEC..=24).contains(&content);
        (known && major == 3 && minor <= 4 && len <= MAX_FRAGMENT).then_some(Self { content, len })
    }
}

impl<'a> Messages<'a> {
    pub(super) fn new(stream: &'a [u8]) -> Self {
        let end = End::Bytes(stream.len() + 1);
        Self { stream, rest: Reader(stream), fragment: &[], missing: 0, cut: false, end }
    }

    /// Returns why there is no further message, after the last one.
    pub(super) fn end(&self) -> End {
        self.end
    }

    /// Returns the next message; only the last one may be cut.
    pub(super) fn next(&mut self) -> Option<Message<'a>> {
        if self.cut || self.fragment.is_empty() && !self.next_record() {
            return None;
        }
        if let Some((kind, len)) = message_header(self.fragment) {
            let body = &self.fragment[4..];
            if let Some((body, rest)) = body.split_at_checked(len) {
                self.fragment = rest;
                return Some(Message { kind, body: Cow::Borrowed(body), complete: true });
            }
            if self.missing > 0 {
                self.wait(len - body.len());
                self.cut = true;
                return Some(Message { kind, body: Cow::Borrowed(body), complete: false });
            }
        }
        self.next_over_records()
    }

    /// Returns a message that several records carry.
    fn next_over_records(&mut self) -> Option<Message<'a>> {
        let mut bytes = Vec::new();
        loop {
            let wanted = message_header(&bytes).map_or(4, |(_, len)| 4 + len);
            if bytes.len() >= wanted && bytes.len() >= 4 {
                let kind = bytes[0];
                bytes.drain(..4);
                return Some(Message { kind, body: Cow::Owned(bytes), complete: true });
            }
            if self.fragment.is_empty() && !self.next_record() {
                self.cut = true;
                let kind = *bytes.first()?;
                if bytes.len() < 4 {
                    return None;
                }
                if self.missing > 0 {
                    self.wait(wanted - bytes.len());
                }
                bytes.drain(..4);
                return Some(Message { kind, body: Cow::Owned(bytes), complete: false });
            }
            let lacks = wanted - bytes.len();
            let (taken, rest) = self.fragment.split_at(lacks.min(self.fragment.len()));
            bytes.extend_from_slice(taken);
            self.fragment = rest;
        }
    }

    /// Goes to the next record with handshake messages; returns whether there is one.
    fn next_record(&mut self) -> bool {
        loop {
            if self.missing > 0 {
                self.wait(1);
                return false;
            }
            let Some(bytes) = self.rest.0.first_chunk::<HEADER>() else {
                let begins = self.rest.0.first().is_none_or(|c| *c == content::HANDSHAKE);
                let lacks = HEADER - self.rest.0.len();
                self.end = if begins { End::Bytes(self.stream.len() + lacks) } else { End::Other };
                return false;
            };
            let header = Header::read(bytes).filter(|h| h.content == content::HANDSHAKE);
            let Some(header) = header else {
                self.end = End::Other;
                return false;
            };
            let _ = self.rest.take(HEADER);
            let len = usize::from(header.len);
            let available = len.min(self.rest.0.len());
            self.missing = len - available;
            self.fragment = self.rest.take(available).unwrap_or_default();
            if !self.fragment.is_empty() {
                return true;
            }
        }
    }

    /// Notes that the current message lacks `bytes` bytes and the current record some.
    fn wait(&mut self, bytes: usize) {
        // The rest follows the header of the next record.
        let bytes = if self.missing < bytes { self.missing + HEADER } else { bytes };
        self.end = End::Bytes(self.stream.len() + bytes);
    }
}

/// Returns type and length of the message at the beginning of `bytes`.
fn message_header(bytes: &[u8]) -> Option<(u8, usize)> {
    let &[kind, high, middle, low, ..] = bytes else { return None };
    let len = u32::from_be_bytes([0, high, middle, low]);
    Some((kind, usize::try_from(len).unwrap_or(usize::MAX)))
}
