//! TeamViewer: its message header over TCP and UDP, as public analyses describe it.

use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Streams, Verdict};
use crate::protocol::{DatagramRules, Protocol, Start, StreamRules};
use crate::shape::{check, check_all, either};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(148),
    name: "TeamViewer",
    category: Category(12),
    tcp_ports: &[5938],
    udp_ports: &[5938],
    stream: Some(StreamRules::either(Start::Bytes(&[0x17, 0x11]), probe)),
    datagram: Some(DatagramRules { start: Start::Bytes(&[0]), ..DatagramRules::new(datagram) }),
    ..Protocol::NEW
};

/// Messages with a length of two bytes.
const SHORT: u16 = 0x1724;
/// Messages with flags and a length of four bytes.
const LONG: u16 = 0x1130;

fn probe(streams: &Streams<'_>) -> Verdict {
    // At another port, another message or the answer must follow.
    let is_sure =
        streams.has_port(5938) || !streams.client.is_empty() && !streams.server.is_empty();
    either(message(streams.client, is_sure), message(streams.server, is_sure))
}

fn message(stream: &[u8], is_sure: bool) -> Verdict {
    check(stream, |reader| {
        let rest = match reader.u16()? {
            SHORT => {
                let command = reader.u8()?;
                let len = reader.le16()?;
                if command < 10 || len == 0 {
                    return Some(false);
                }
                usize::from(len)
            }
            LONG => {
                let command = reader.u8()?;
                let flags = reader.u8()?;
                let len = reader.le32()?;
                if command < 10 || flags > 7 || len == 0 || len > 1 << 20 {
                    return Some(false);
                }
                usize::try_from(len).ok()?.saturating_add(16)
            }
            _ => return Some(false),
        };
        if is_sure {
            return Some(true);
        }
        reader.take(rest)?;
        Some(matches!(reader.u16()?, SHORT | LONG))
    })
}

/// Checks the magic number after a sequence number, and the length.
fn datagram(datagram: &Datagram<'_>) -> Verdict {
    check_all(datagram.payload, |reader| {
        reader.take(11)?;
        Some(
            reader.u16()? == SHORT && reader.u8()? >= 10 && {
                let len = usize::from(reader.le16()?);
                len == reader.0.len()
            },
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::{assert_streams, datagram, streams};

    #[test]
    fn messages_follow_each_other() {
        assert_streams(&PROTOCOL, 5938, b"\x17\x24\x0a\x20\x00", b"");
        assert_streams(&PROTOCOL, 443, b"\x17\x24\x0a\x02\x00ab\x17\x24", b"");
        assert_eq!(streams(&PROTOCOL, 443, b"\x17\x24\x0a\x02\x00ab\x17\x03", b""), Verdict::No);
    }

    #[test]
    fn datagrams_state_their_length() {
        let ping = b"\0\0\0\0\0\0\0\0\0\0\x03\x17\x24\x47\x02\x00ab";
        assert_eq!(datagram(&PROTOCOL, 4000, ping), Verdict::Match);
        assert_eq!(datagram(&PROTOCOL, 4000, &ping[..17]), Verdict::No);
    }
}
