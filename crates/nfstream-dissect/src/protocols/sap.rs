//! SAP: routes, pings and message servers by their words; the graphical interface at its ports.

use crate::label::{Category, ProtocolId};
use crate::probe::{Streams, Verdict};
use crate::protocol::{Protocol, Start, StreamRules};
use crate::shape::{begins_any, check, either};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(151),
    name: "SAP",
    category: Category(14),
    tcp_ports: &[3201],
    stream: Some(StreamRules::either(Start::Bytes(&[0]), probe)),
    ..Protocol::NEW
};

/// Dispatchers, gateways and the router.
const PORTS: std::ops::RangeInclusive<u16> = 3200..=3399;
const WORDS: &[&[u8]] =
    &[b"NI_PING\0", b"NI_PONG\0", b"NI_ROUTE\0", b"NI_RTERR\0", b"NI_EYECATCHER", b"**MESSAGE**\0"];
/// Length of the first message of a graphical client: two headers before the first item.
const MIN_DIAG: u32 = 208;

fn probe(streams: &Streams<'_>) -> Verdict {
    let usual_port = PORTS.contains(&streams.server_port());
    let message = |stream| {
        check(stream, |reader| {
            let len = reader.u32()?;
            if !(8..1 << 20).contains(&len) {
                return Some(false);
            }
            match begins_any(reader.0, WORDS) {
                Verdict::Match => Some(true),
                Verdict::More => None,
                // A dispatcher header: a request of a new client.
                Verdict::No => Some(
                    usual_port
                        && len >= MIN_DIAG
                        && reader.u32()? == u32::MAX
                        && reader.u8()? == 0x0a,
                ),
            }
        })
    };
    either(message(streams.client), message(streams.server))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::{assert_streams, streams};

    #[test]
    fn words_come_after_a_length() {
        assert_streams(&PROTOCOL, 3299, b"\0\0\0\x08NI_PING\0", b"\0\0\0\x08NI_PONG\0");
        assert_streams(&PROTOCOL, 3600, b"\0\0\0\x6e**MESSAGE**\0\x04", b"");
        assert_streams(&PROTOCOL, 3200, b"\0\0\x01\x06\xff\xff\xff\xff\x0a\0", b"");
        assert_eq!(streams(&PROTOCOL, 3299, b"\0\0\0\x08GET / ", b""), Verdict::No);
    }
}
