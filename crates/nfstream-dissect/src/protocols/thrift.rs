//! Apache Thrift: messages of its binary and compact protocols, framed or not, over TCP and UDP.

use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Streams, Verdict};
use crate::protocol::{DatagramRules, Protocol, Start, StreamRules};
use crate::read::Reader;
use crate::shape::{check, check_all, either, is_word};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(345),
    name: "Thrift",
    category: Category(16),
    stream: Some(StreamRules::either(Start::Bytes(&[0x00, 0x80, 0x82]), probe)),
    datagram: Some(DatagramRules {
        start: Start::Bytes(&[0x80, 0x82]),
        ..DatagramRules::new(datagram)
    }),
    ..Protocol::NEW
};

const MAX_NAME: usize = 128;

fn probe(streams: &Streams<'_>) -> Verdict {
    let message = |stream| {
        check(stream, |reader| {
            if *reader.0.first()? == 0 && !(8..1 << 24).contains(&reader.u32()?) {
                return Some(false);
            }
            message(reader)
        })
    };
    either(message(streams.client), message(streams.server))
}

fn datagram(datagram: &Datagram<'_>) -> Verdict {
    check_all(datagram.payload, message)
}

/// Checks version, type (call, reply, exception, one-way) and the name of the method.
fn message(reader: &mut Reader<'_>) -> Option<bool> {
    let len = match reader.u8()? {
        0x80 => {
            if reader.u8()? != 1 || reader.u8()? != 0 || !(1..=4).contains(&reader.u8()?) {
                return Some(false);
            }
            usize::try_from(reader.u32()?).ok()?
        }
        0x82 => {
            let kind = reader.u8()?;
            if kind & 0x1f != 1 || !(1..=4).contains(&(kind >> 5)) {
                return Some(false);
            }
            // The number of the message: at most five bytes.
            for _ in 0..5 {
                if reader.u8()? < 0x80 {
                    break;
                }
            }
            usize::from(reader.u8()?)
        }
        _ => return Some(false),
    };
    if !(1..=MAX_NAME).contains(&len) {
        return Some(false);
    }
    // Methods of a multiplexed service have its name before a colon.
    let name = reader.take(len)?;
    Some(name.split(|byte| *byte == b':').all(is_word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::{assert_streams, datagram, streams};

    #[test]
    fn calls_name_a_method() {
        assert_streams(&PROTOCOL, 9090, b"\x80\x01\0\x01\0\0\0\x04ping\0\0\0\x01\0", b"");
        assert_streams(&PROTOCOL, 9090, b"\0\0\0\x11\x80\x01\0\x01\0\0\0\x04ping\0\0\0\x01\0", b"");
        assert_streams(&PROTOCOL, 9090, b"\x82\x21\x01\x04ping\0", b"");
        assert_eq!(streams(&PROTOCOL, 9090, b"\x80\x01\0\x05", b""), Verdict::No);
        assert_eq!(streams(&PROTOCOL, 9090, b"\x80\x01\0\x01\0\0\0\x02\0\x01", b""), Verdict::No);
    }

    #[test]
    fn datagrams_are_whole_messages() {
        assert_eq!(datagram(&PROTOCOL, 6831, b"\x82\x81\x01\x09emitBatch\x1c"), Verdict::Match);
        assert_eq!(datagram(&PROTOCOL, 6831, b"\x82\x81\x01\x09emit"), Verdict::No);
    }
}
