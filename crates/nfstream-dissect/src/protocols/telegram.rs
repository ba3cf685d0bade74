//! Telegram: MTProto's transports without obfuscation, and the relays of its calls.

use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Streams, Verdict};
use crate::protocol::{DatagramRules, Protocol, Start, StreamRules};
use crate::read::le32;

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(185),
    name: "Telegram",
    category: Category(9),
    stream: Some(StreamRules {
        client: Start::Bytes(&[ABRIDGED, INTERMEDIATE, PADDED]),
        ..StreamRules::new(probe)
    }),
    ..Protocol::NEW
};

pub(crate) const VOIP: Protocol = Protocol {
    id: ProtocolId(355),
    name: "TelegramVoip",
    category: Category(10),
    datagram: Some(DatagramRules::new(relay)),
    ..Protocol::NEW
};

const ABRIDGED: u8 = 0xef;
const INTERMEDIATE: u8 = 0xee;
const PADDED: u8 = 0xdd;

fn probe(streams: &Streams<'_>) -> Verdict {
    streams.client_first(opens_transport)
}

/// Returns whether a transport is announced, and a first message without a key follows: an
/// identifier of the key of zeros.
fn opens_transport(stream: &[u8]) -> Option<bool> {
    let key = match *stream.first()? {
        // A length in words of four bytes.
        ABRIDGED if !(10..0x7f).contains(stream.get(1)?) => return Some(false),
        ABRIDGED => 2,
        // The same byte four times, then a length.
        mark => {
            let head = &stream[..stream.len().min(4)];
            if head.iter().any(|byte| *byte != mark) {
                return Some(false);
            }
            if !(40..4096).contains(&le32(stream, 4)?) {
                return Some(false);
            }
            8
        }
    };
    let identifier = stream.get(key..)?;
    if identifier.iter().take(8).any(|byte| *byte != 0) {
        return Some(false);
    }
    (identifier.len() >= 8).then_some(true)
}

fn relay(datagram: &Datagram<'_>) -> Verdict {
    // The tag of a peer, then twelve bytes that no number of a packet reaches and a command, a
    // small negative number.
    let payload = datagram.payload;
    let command = le32(payload, 28);
    Verdict::from_match(
        payload.get(16..28) == Some(&[0xff; 12])
            && payload.first() != Some(&0xff)
            && command.is_some_and(|command| (0xffff_fff0..0xffff_ffff).contains(&command)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::{datagram, streams};

    #[test]
    fn transports_match() {
        assert_eq!(streams(&PROTOCOL, 443, b"\xef\x0a\0\0\0\0\0\0\0\0\x01", b""), Verdict::Match);
        let intermediate = b"\xee\xee\xee\xee\x28\0\0\0\0\0\0\0\0\0\0\0\x01";
        assert_eq!(streams(&PROTOCOL, 443, intermediate, b""), Verdict::Match);
        assert_eq!(streams(&PROTOCOL, 443, b"\xef\x0a\x01", b""), Verdict::No);
        assert_eq!(streams(&PROTOCOL, 443, b"\xee\xee\xef", b""), Verdict::No);
    }

    #[test]
    fn relays_match() {
        let mut ping = [7; 40];
        ping[16..32]
            .copy_from_slice(b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff");
        assert_eq!(datagram(&VOIP, 533, &ping), Verdict::Match);
        ping[27] = 0;
        assert_eq!(datagram(&VOIP, 533, &ping), Verdict::No);
    }
}
