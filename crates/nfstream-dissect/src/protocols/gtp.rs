//! GTP: the GPRS tunnelling protocol for control (3GPP TS 29.060, 29.274), users (TS 29.281) and
//! charging (TS 32.295).

use crate::flow::Finding;
use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Progress, Verdict};
use crate::protocol::{DatagramParser, DatagramRules, Protocol, Start};
use crate::shape::check_all;

pub(crate) const PROTOCOL: Protocol = Protocol {
    udp_ports: &[CONTROL_PORT, USER_PORT],
    datagram: Some(DatagramRules {
        start: Start::Range(0, 0x5f),
        parse: DatagramParser::Each(parse),
        ..DatagramRules::new(datagram)
    }),
    ..part(152, "GTP")
};

/// User plane.
pub(crate) const USER: Protocol = part(271, "GTP_U");
/// Control plane.
pub(crate) const CONTROL: Protocol = part(272, "GTP_C");
/// Charging.
pub(crate) const PRIME: Protocol = part(273, "GTP_PRIME");

const USER_PORT: u16 = 2152;
const CONTROL_PORT: u16 = 2123;
const PRIME_PORT: u16 = 3386;

const fn part(id: u16, name: &'static str) -> Protocol {
    Protocol { id: ProtocolId(id), name, category: Category(14), ..Protocol::NEW }
}

fn datagram(datagram: &Datagram<'_>) -> Verdict {
    check_all(datagram.payload, |reader| {
        let flags = reader.u8()?;
        let kind = reader.u8()?;
        let len = usize::from(reader.u16()?);
        let rest = reader.0.len();
        let gtp = flags & 0x10 != 0;
        let version = flags >> 5;
        // Payloads may be cut by the capture and padded by the link.
        Some(if datagram.has_port(USER_PORT) {
            version == 1
                && gtp
                && flags & 8 == 0
                && matches!(kind, 1 | 2 | 26 | 31 | 253..=255)
                && rest >= 4
                && len + 4 >= rest
        } else if datagram.has_port(CONTROL_PORT) {
            match version {
                1 => gtp && flags & 8 == 0 && kind != 0 && len + 4 == rest,
                2 => flags & 3 == 0 && kind != 0 && len == rest && len >= 4,
                _ => false,
            }
        } else if datagram.has_port(PRIME_PORT) {
            let header = if flags & 1 == 0 && version == 0 { 16 } else { 2 };
            version <= 2
                && !gtp
                && matches!(kind, 1..=7 | 240 | 241)
                && (len + header == rest || len + 2 == rest)
        } else {
            false
        })
    })
}

fn parse(datagram: &Datagram<'_>, finding: &mut Finding) -> Progress {
    let part = if datagram.has_port(USER_PORT) {
        &USER
    } else if datagram.has_port(CONTROL_PORT) {
        &CONTROL
    } else {
        &PRIME
    };
    finding.set_application(part.id);
    Progress::Done
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::datagram;

    #[test]
    fn each_plane_has_its_port() {
        let user = b"\x30\xff\0\x04\0\0\0\x01\x45\0\0\x04";
        assert_eq!(datagram(&PROTOCOL, 2152, user), Verdict::Match);
        assert_eq!(datagram(&PROTOCOL, 2150, user), Verdict::No);
        let control = b"\x40\x01\0\x09\0\0\0\0\x03\0\x01\0\x07";
        assert_eq!(datagram(&PROTOCOL, 2123, control), Verdict::Match);
        assert_eq!(datagram(&PROTOCOL, 2123, b"7\0\0\0B\0\0\0"), Verdict::No);
        let charging = b"\x0e\x01\0\0\0\x01";
        assert_eq!(datagram(&PROTOCOL, 3386, charging), Verdict::Match);
    }
}
