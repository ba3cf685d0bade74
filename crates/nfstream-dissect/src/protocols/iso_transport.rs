//! Industrial protocols over ISO transport on TCP (RFC 1006): S7comm, S7comm-Plus and MMS.

use crate::label::{Category, ProtocolId};
use crate::probe::{Streams, Verdict};
use crate::protocol::{Protocol, Start, StreamRules};
use crate::read::Reader;

const fn protocol(id: u16, name: &'static str, probe: fn(&Streams<'_>) -> Verdict) -> Protocol {
    Protocol {
        id: ProtocolId(id),
        name,
        category: Category(31),
        stream: Some(StreamRules::either(Start::Bytes(&[VERSION]), probe)),
        ..Protocol::NEW
    }
}

/// Siemens S7-300 and S7-400.
pub(crate) const S7COMM: Protocol =
    Protocol { tcp_ports: &[102], ..protocol(249, "S7Comm", s7comm) };
/// Siemens S7-1200 and S7-1500.
pub(crate) const S7COMM_PLUS: Protocol = protocol(361, "S7CommPlus", s7comm_plus);
/// Manufacturing Message Specification (ISO 9506), also of IEC 61850.
pub(crate) const MMS: Protocol = protocol(366, "ISO9506-1-MMS", mms);

/// Version of TPKT.
const VERSION: u8 = 3;
/// Packets before the first with data, at most: a connection request and its confirmation.
const MAX_PACKETS: usize = 4;
/// Session connect and accept (ISO 8327), and a data phase without a session header.
const CONNECT: u8 = 0x0d;
const ACCEPT: u8 = 0x0e;
const DATA: &[u8] = &[1, 0, 1, 0, 0x61];
/// Abstract syntax of MMS: 1.0.9506.2.1.
const MMS_SYNTAX: &[u8] = &[0x28, 0xca, 0x22, 0x02, 0x01];

fn s7comm(streams: &Streams<'_>) -> Verdict {
    streams.either(|stream| {
        let data = user_data(stream)?;
        // A remote operating service: job, acknowledgement, acknowledgement with data, user data.
        Some(data.is_some_and(|data| matches!(data, [0x32, 1 | 2 | 3 | 7, ..])))
    })
}

fn s7comm_plus(streams: &Streams<'_>) -> Verdict {
    streams.either(|stream| {
        let data = user_data(stream)?;
        Some(data.is_some_and(|data| matches!(data, [0x72, 1 | 2 | 3 | 0xfe, ..])))
    })
}

fn mms(streams: &Streams<'_>) -> Verdict {
    let usual_port = streams.has_port(102);
    streams.either(|stream| {
        let Some(data) = user_data(stream)? else { return Some(false) };
        Some(match data.first() {
            Some(&(CONNECT | ACCEPT)) => {
                data.windows(MMS_SYNTAX.len()).any(|bytes| bytes == MMS_SYNTAX)
            }
            _ => usual_port && data.starts_with(DATA),
        })
    })
}

/// Returns the first data that the transport carries: `None` if it has not come, `Some(None)` if
/// the packets are not of the transport.
fn user_data(stream: &[u8]) -> Option<Option<&[u8]>> {
    let mut rest = Reader(stream);
    for _ in 0..MAX_PACKETS {
        if rest.u8()? != VERSION || rest.u8()? != 0 {
            return Some(None);
        }
        let len = rest.u16()?;
        let header = *rest.0.first()?;
        let kind = *rest.0.get(1)?;
        // Connection packets hold two references and a class; they fill the whole packet.
        let is_connection = matches!(kind >> 4, 0xd | 0xe) && u16::from(header) + 5 == len;
        let is_data = header == 2 && kind >> 4 == 0xf && len > 7;
        if !is_connection && !is_data {
            return Some(None);
        }
        let packet = rest.take(usize::from(len) - 4)?;
        if is_data {
            return Some(packet.get(3..));
        }
    }
    Some(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::streams;

    const REQUEST: &[u8] =
        b"\x03\0\0\x16\x11\xe0\0\0\0\x01\0\xc0\x01\x0a\xc1\x02\x01\0\xc2\x02\x01\x02";
    const SETUP: &[u8] =
        b"\x03\0\0\x19\x02\xf0\x80\x32\x01\0\0\0\0\0\x08\0\0\xf0\0\0\x01\0\x01\x01\xe0";
    const PLUS: &[u8] = b"\x03\0\0\x0b\x02\xf0\x80\x72\x01\0\x01";
    const INITIATE: &[u8] = b"\x03\0\0\x10\x02\xf0\x80\x0d\x07\x28\xca\x22\x02\x01\0\0";

    #[test]
    fn data_after_a_connection_tells_them_apart() {
        for (protocol, data) in [(&S7COMM, SETUP), (&S7COMM_PLUS, PLUS), (&MMS, INITIATE)] {
            let client = [REQUEST, data].concat();
            assert_eq!(streams(protocol, 102, &client, b""), Verdict::Match, "{}", protocol.name);
            assert_eq!(streams(protocol, 102, REQUEST, b""), Verdict::More, "{}", protocol.name);
            assert_eq!(streams(protocol, 102, b"", data), Verdict::Match, "{}", protocol.name);
        }
    }

    #[test]
    fn remote_desktops_do_not_match() {
        let cookie = b"\x03\0\0\x13\x0e\xe0\0\0\0\0\0\x01\0\x08\0\x03\0\0\0";
        let data = b"\x03\0\0\x08\x02\xf0\x80\x7f";
        for protocol in [&S7COMM, &S7COMM_PLUS, &MMS] {
            assert_eq!(streams(protocol, 3389, &[&cookie[..], data].concat(), b""), Verdict::No);
        }
    }
}
