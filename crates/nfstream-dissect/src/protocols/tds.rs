//! Tabular Data Stream: Microsoft SQL Server (MS-TDS) and Sybase, and the browser service that
//! names instances (MC-SQLR).

use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Streams, Verdict};
use crate::protocol::{DatagramRules, Protocol, Start, StreamRules};
use crate::shape::{check, check_all, either};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(114),
    name: "MsSQL-TDS",
    category: Category(11),
    tcp_ports: &[1433, 1434],
    stream: Some(StreamRules {
        client: Start::Bytes(&[LOGIN, 0x01, 0x03, 0x0e, LOGIN_7, PRELOGIN]),
        server: Start::Bytes(&[RESPONSE, PRELOGIN]),
        ..StreamRules::new(probe)
    }),
    datagram: Some(DatagramRules { start: Start::Range(2, 5), ..DatagramRules::new(datagram) }),
    ..Protocol::NEW
};

const LOGIN: u8 = 0x02;
const RESPONSE: u8 = 0x04;
const LOGIN_7: u8 = 0x10;
const PRELOGIN: u8 = 0x12;
const BROWSER_PORT: u16 = 1434;

fn probe(streams: &Streams<'_>) -> Verdict {
    let usual_port = streams.has_port(1433) || streams.has_port(1434);
    let client = check(streams.client, |reader| {
        let kind = reader.u8()?;
        let status = reader.u8()?;
        let len = reader.u16()?;
        if status > 0x0f || !(9..=32_768).contains(&len) {
            return Some(false);
        }
        // Channel, number of the packet, and an unused window.
        let rest = [reader.u16()?, u16::from(reader.u8()?), u16::from(reader.u8()?)];
        if !matches!(rest, [0, 0..=1, 0]) {
            return Some(false);
        }
        Some(match kind {
            // The version comes first among the options, after their list.
            PRELOGIN => {
                reader.u8()? == 0 && (6..256).contains(&reader.u16()?) && reader.u16()? == 6
            }
            LOGIN_7 => {
                let login = reader.le32()?;
                let version = reader.u32()?;
                // The number of the version is little-endian.
                login < 32_768 && matches!(version & 0xff, 0x70..=0x74)
            }
            LOGIN => len == 512 && status <= 1,
            _ => usual_port,
        })
    });
    let server = check(streams.server, |reader| {
        let kind = reader.u8()?;
        let status = reader.u8()?;
        let len = reader.u16()?;
        reader.u16()?;
        reader.u8()?;
        if status > 1 || !(9..=32_768).contains(&len) || reader.u8()? != 0 {
            return Some(false);
        }
        // TLS handshakes travel in prelogin messages of both ends.
        let token = reader.u8()?;
        Some(match kind {
            RESPONSE if usual_port => true,
            RESPONSE => match token {
                // Options: the version and where it is.
                0x00 => reader.u16()? < 256 && reader.u16()? == 6,
                0xe3 | 0xaa | 0xab | 0xad => (1..len).contains(&reader.le16()?),
                _ => false,
            },
            _ => token == 0x16,
        })
    });
    either(client, server)
}

fn datagram(datagram: &Datagram<'_>) -> Verdict {
    if !datagram.has_port(BROWSER_PORT) {
        return Verdict::No;
    }
    check_all(datagram.payload, |reader| {
        Some(match reader.u8()? {
            2 | 3 => reader.is_empty(),
            4 => (1..=32).contains(&reader.0.len()) && reader.0.last() == Some(&0),
            // The list of instances, or the port of the administrator's connection.
            _ => usize::from(reader.le16()?) <= reader.0.len() + 3,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::{assert_streams, datagram, streams};

    #[test]
    fn prelogin_lists_options() {
        let prelogin = b"\x12\x01\0\x2f\0\0\x01\0\0\0\x1a\0\x06\x01\0\x20";
        assert_streams(&PROTOCOL, 14_330, prelogin, b"");
        let answer = b"\x04\x01\0\x2b\0\0\x01\0\0\0\x1a\0\x06\x01";
        assert_streams(&PROTOCOL, 14_330, b"", answer);
        assert_eq!(streams(&PROTOCOL, 14_330, b"\x12\x01\0\x2f\0\0\x01\x01", b""), Verdict::No);
    }

    #[test]
    fn logins_state_their_version() {
        let login = b"\x10\x01\0\x90\0\0\x01\0\x88\0\0\0\x04\0\0\x74";
        assert_streams(&PROTOCOL, 14_330, login, b"");
        let sybase = b"\x02\0\x02\0\0\0\0\0host";
        assert_streams(&PROTOCOL, 5000, sybase, b"");
    }

    #[test]
    fn the_browser_answers_with_instances() {
        assert_eq!(datagram(&PROTOCOL, 1434, b"\x02"), Verdict::Match);
        assert_eq!(datagram(&PROTOCOL, 1434, b"\x05\x04\0abcd"), Verdict::Match);
        assert_eq!(datagram(&PROTOCOL, 1434, b"\x02abc"), Verdict::No);
        assert_eq!(datagram(&PROTOCOL, 1435, b"\x02"), Verdict::No);
    }
}
