//! Protocol Buffers messages without an enclosing protocol, in their wire format.

use crate::label::{Category, ProtocolId};
use crate::probe::{Streams, Verdict};
use crate::protocol::{Protocol, StreamRules};
use crate::read::Reader;
use crate::shape::{by_client, check};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(353),
    name: "Protobuf",
    category: Category(14),
    stream: Some(StreamRules::new(|streams: &Streams<'_>| by_client(streams, probe))),
    ..Protocol::NEW
};

/// Number of fields that must match, the first of which is text.
const FIELDS: usize = 4;
/// Largest number of a field.
const MAX_FIELD: u64 = (1 << 29) - 1;
/// Longest value expected.
const MAX_LEN: u64 = 4096;

/// Checks that a stream begins with a text field of several printable characters, followed by
/// fields whose numbers do not decrease: writers keep them in order.
fn probe(stream: &[u8]) -> Verdict {
    check(stream, |reader| {
        let mut last = 0;
        for place in 0..FIELDS {
            if place == 0 && is_words(reader.0.get(..2)?) {
                return Some(false);
            }
            let tag = varint(reader)?;
            let (field, kind) = (tag >> 3, tag & 7);
            if !(last.max(1)..=MAX_FIELD).contains(&field) || (place == 0 && kind != 2) {
                return Some(false);
            }
            last = field;
            match kind {
                0 => {
                    varint(reader)?;
                }
                1 => {
                    reader.take(8)?;
                }
                5 => {
                    reader.take(4)?;
                }
                2 => {
                    let len = varint(reader)?;
                    if len > MAX_LEN || (place == 0 && len < 3) {
                        return Some(false);
                    }
                    let len = usize::try_from(len).ok()?;
                    let is_text = |text: &[u8]| text.iter().all(|b| matches!(b, b' '..=b'~'));
                    if place == 0 && !is_text(reader.0.get(..len).unwrap_or(reader.0)) {
                        return Some(false);
                    }
                    reader.take(len)?;
                }
                // Groups are obsolete.
                _ => return Some(false),
            }
        }
        Some(true)
    })
}

/// Returns whether bytes may belong to plain text.
fn is_words(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| matches!(byte, b' '..=b'~' | b'\t' | b'\r' | b'\n'))
}

/// Reads a number in groups of seven bits, the lowest first. One that does not fit has no fields.
fn varint(reader: &mut Reader<'_>) -> Option<u64> {
    let mut value = 0;
    for place in 0..10 {
        let byte = reader.u8()?;
        value |= u64::from(byte & 0x7f) << (7 * place);
        if byte < 0x80 {
            return Some(value);
        }
    }
    Some(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing;

    #[test]
    fn fields_after_a_text_match() {
        let message = b"\x12\x03abc\x22\x09\x08\x01\x12\x05test1\x2d\xf3\x23\xa7\x44\x38\xa4\x03";
        testing::assert_streams(&PROTOCOL, 12_345, message, b"");
    }

    #[test]
    fn other_bytes_do_not() {
        for stream in [
            &b"\x12\x03a\xffc\x22\x01a\x28\x01\x30\x01"[..],
            b"\x12\x03abc\x0a\x01a\x28\x01\x30\x01",
            b"\x12\x03abc\x22\x01a\x28\x01\x07\x01",
            b"\x12\x01a\x22\x01a\x28\x01\x30\x01",
            b"\x08\x01\x10\x01\x18\x01\x20\x01",
            b"GET / HTTP/1.1\r\n",
            b"2\x20twenty-two characters and ten more",
        ] {
            assert_eq!(testing::streams(&PROTOCOL, 12_345, stream, b""), Verdict::No, "{stream:?}");
        }
    }
}
