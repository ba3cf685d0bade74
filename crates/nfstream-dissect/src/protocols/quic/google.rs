//! Google's QUIC before TLS: public headers up to Q043, the header of Q046, and the handshake of
//! tags that Q050 encrypts.

use crate::flow::Finding;
use crate::pieces::Pieces;
use crate::read::{Reader, be32, le32, text};

/// Flag of a public header: a version follows.
const HAS_VERSION: u8 = 0x01;
/// Flag of a public header: a connection ID of eight bytes follows.
const HAS_CONNECTION: u8 = 0x08;
/// Bytes of the hash after the header of a packet that is not encrypted.
const HASH: usize = 12;
/// Stream of the handshake.
const CRYPTO_STREAM: u64 = 1;
/// The first version without private flags.
const Q034: u32 = 0x5130_3334;
/// The first version with numbers in network byte order.
const Q039: u32 = 0x5130_3339;
/// Q046 by its number.
const Q046: u32 = 0x5130_3436;
/// Tags of a hello at most.
const MAX_TAGS: u16 = 128;

/// Returns whether a datagram has a public header with a version of Google: up to Q043.
pub(super) fn has_public_version(payload: &[u8]) -> bool {
    public_version(payload).is_some()
}

/// Returns whether a datagram has a long header of Q046, whose first packets are not encrypted.
pub(super) fn is_plain_long(payload: &[u8]) -> bool {
    payload.first().is_some_and(|first| *first >= 0xc0) && be32(payload, 1) == Some(Q046)
}

/// Handshake messages of a client, which follow each other in one stream.
#[derive(Debug, Default)]
pub(super) struct Hello {
    /// Offset of the hello in the stream, once it is known.
    start: Option<usize>,
    pieces: Pieces,
}

/// Frames of a packet that is not encrypted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frames<'a> {
    /// Number of the version.
    pub(super) version: u32,
    bytes: &'a [u8],
}

/// Returns the frames of a datagram, if it is a client's and not encrypted.
pub(super) fn plain_frames(payload: &[u8]) -> Option<Frames<'_>> {
    let first = *payload.first()?;
    if first >= 0x80 {
        let mut reader = Reader(payload.get(5..)?);
        let lens = reader.u8()?;
        let len = |nibble: u8| if nibble == 0 { 0 } else { usize::from(nibble) + 3 };
        reader.take(len(lens >> 4))?;
        reader.take(len(lens & 0x0f))?;
        reader.take(usize::from(first & 3) + 1)?;
        reader.take(HASH)?;
        return Some(Frames { version: Q046, bytes: reader.0 });
    }
    let (version, header) = public_version(payload)?;
    let number_len = [1, 2, 4, 6][usize::from(first >> 4 & 3)];
    let mut reader = Reader(payload.get(header..)?);
    reader.take(number_len)?;
    reader.take(HASH)?;
    if version < Q034 {
        let _private_flags = reader.u8()?;
    }
    Some(Frames { version, bytes: reader.0 })
}

/// Returns the version in a public header, and where it ends.
fn public_version(payload: &[u8]) -> Option<(u32, usize)> {
    let first = *payload.first()?;
    // The upper bits are reserved.
    if first & HAS_VERSION == 0 || first & 0xc0 != 0 {
        return None;
    }
    let place = if first & HAS_CONNECTION == 0 { 1 } else { 9 };
    let version = be32(payload, place)?;
    let [q, zero, tens, ones] = version.to_be_bytes();
    let known = q == b'Q'
        && zero == b'0'
        && (b'2'..=b'4').contains(&tens)
        && ones.is_ascii_digit()
        && payload.len() >= place + 4 + 1 + HASH;
    known.then_some((version, place + 4))
}

impl Hello {
    /// Adds the handshake bytes among frames.
    pub(super) fn add(&mut self, frames: Frames<'_>) {
        let mut reader = Reader(frames.bytes);
        while let Some(kind) = reader.u8() {
            // Padding goes up to the end of the packet; other frames do not come with a hello.
            if kind & 0x80 == 0 || self.add_stream(kind, frames.version, &mut reader).is_none() {
                return;
            }
        }
    }

    /// Returns the heap bytes held.
    pub(super) fn memory(&self) -> usize {
        self.pieces.memory()
    }

    /// Returns the hello as far as it is there.
    pub(super) fn bytes(&self) -> &[u8] {
        self.pieces.prefix()
    }

    /// Reads a stream frame: its type has flags for the lengths of its fields.
    fn add_stream(&mut self, kind: u8, version: u32, reader: &mut Reader<'_>) -> Option<()> {
        let number = |bytes: &[u8]| {
            let add = |number: u64, byte: &u8| number << 8 | u64::from(*byte);
            if version < Q039 { bytes.iter().rev().fold(0, add) } else { bytes.iter().fold(0, add) }
        };
        let stream = number(reader.take(usize::from(kind & 3) + 1)?);
        let offset_len = match kind >> 2 & 7 {
            0 => 0,
            len => usize::from(len) + 1,
        };
        let offset = usize::try_from(number(reader.take(offset_len)?)).ok()?;
        let data = if kind & 0x20 == 0 {
            std::mem::take(&mut reader.0)
        } else {
            let len = usize::try_from(number(reader.take(2)?)).ok()?;
            reader.take(len.min(reader.0.len()))?
        };
        if stream != CRYPTO_STREAM {
            return Some(());
        }
        // A capture may lack the first of several hellos.
        if self.start.is_none() && data.starts_with(b"CHLO") {
            self.start = Some(offset);
        }
        if let Some(start) = self.start.filter(|start| *start <= offset) {
            self.pieces.insert(offset - start, data);
        }
        Some(())
    }
}

/// Reads a client's hello as far as it is there; returns whether it is there as a whole.
pub(super) fn read_hello(hello: &[u8], finding: &mut Finding) -> bool {
    let mut reader = Reader(hello);
    if reader.take(4) != Some(b"CHLO") {
        return hello.len() >= 4;
    }
    let Some(count) = reader.take(2).and_then(|bytes| bytes.first_chunk().copied()) else {
        return false;
    };
    let count = u16::from_le_bytes(count);
    if count > MAX_TAGS {
        return true;
    }
    let Some(_padding) = reader.take(2) else { return false };
    let Some(entries) = reader.take(usize::from(count) * 8) else { return false };
    let values = reader.0;
    let mut start = 0;
    for entry in entries.chunks_exact(8) {
        let end = le32(entry, 4).and_then(|end| usize::try_from(end).ok()).unwrap_or(usize::MAX);
        let Some(value) = values.get(start..end) else { return false };
        match entry.first_chunk::<4>() {
            Some(b"SNI\0") if !value.is_empty() => finding.metadata().host = text(value),
            Some(b"UAID") => {
                finding.metadata().quic.get_or_insert_default().user_agent = text(value);
            }
            _ => {}
        }
        start = end;
    }
    true
}
