//! CoAP (RFC 7252).

use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Verdict};
use crate::protocol::{DatagramRules, Protocol, Start};
use crate::read::Reader;

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(27),
    name: "COAP",
    category: Category(16),
    udp_ports: &[5683, 5684],
    datagram: Some(DatagramRules { start: Start::Range(0x40, 0x78), ..DatagramRules::new(probe) }),
    ..Protocol::NEW
};

fn probe(datagram: &Datagram<'_>) -> Verdict {
    if is_message(datagram.payload).is_none() {
        return Verdict::No;
    }
    if datagram.has_port(5683) {
        return Verdict::Match;
    }
    // Elsewhere a request and its acknowledgement of the same number are needed.
    let Some(first) = datagram.answered() else {
        return if datagram.before() < 4 { Verdict::More } else { Verdict::No };
    };
    Verdict::from_match(first.bytes().get(2..4) == datagram.payload.get(2..4))
}

/// Returns `Some` for a message whose options fill it exactly, up to the marker of a payload.
fn is_message(bytes: &[u8]) -> Option<()> {
    let mut rest = Reader(bytes);
    let token_len = rest.u8()? & 0x0f;
    let code = rest.u8()?;
    let known = match code >> 5 {
        0 => code <= 7,
        2 => code <= 0x5f,
        4 | 5 => code & 0x1f <= 0x1d,
        7 => code <= 0xe5,
        _ => false,
    };
    rest.u16()?;
    rest.take(token_len.into())?;
    if !known || token_len > 8 || (code == 0 && bytes.len() != 4) {
        return None;
    }
    while let Some(option) = rest.u8() {
        if option == 0xff {
            return (!rest.is_empty()).then_some(());
        }
        extended(&mut rest, option >> 4)?;
        let len = extended(&mut rest, option & 0x0f)?;
        rest.take(len)?;
    }
    Some(())
}

/// Returns the number that a nibble and the bytes after it stand for.
fn extended(rest: &mut Reader<'_>, nibble: u8) -> Option<usize> {
    match nibble {
        0..=12 => Some(nibble.into()),
        13 => Some(usize::from(rest.u8()?) + 13),
        14 => Some(usize::from(rest.u16()?) + 269),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::Direction::{FromClient, FromServer};
    use crate::protocols::testing::{datagram, datagrams};

    const GET: &[u8] = b"\x41\x01\x7d\x34\x20\xbbtemperature";
    const CONTENT: &[u8] = b"\x61\x45\x7d\x34\x20\xff22.3 C";

    #[test]
    fn messages_match_at_the_usual_port_or_with_an_answer() {
        assert_eq!(datagram(&PROTOCOL, 5683, GET), Verdict::Match);
        assert_eq!(datagram(&PROTOCOL, 7000, GET), Verdict::More);
        let exchange = [(FromClient, GET), (FromServer, CONTENT)];
        assert_eq!(datagrams(&PROTOCOL, 7000, &exchange), Verdict::Match);
    }

    #[test]
    fn options_beyond_the_end_do_not() {
        assert_eq!(datagram(&PROTOCOL, 5683, &GET[..10]), Verdict::No);
        assert_eq!(datagram(&PROTOCOL, 5683, b"\x4f\x01\0\0"), Verdict::No);
    }
}
