//! Gnutella: handshakes and transfers over TCP, descriptors over UDP (RFC-Gnutella 0.6).

use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Streams, Verdict};
use crate::protocol::{DatagramRules, Protocol, Start, StreamRules};
use crate::shape::{begins_any, check_all, either};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(35),
    name: "Gnutella",
    category: Category(7),
    tcp_ports: &[6346],
    udp_ports: &[6346],
    stream: Some(StreamRules {
        client: Start::Bytes(b"G"),
        server: Start::Bytes(b"GH"),
        ..StreamRules::new(probe)
    }),
    datagram: Some(DatagramRules::new(datagram)),
    ..Protocol::NEW
};

fn probe(streams: &Streams<'_>) -> Verdict {
    let client: &[&[u8]] = &[b"GNUTELLA CONNECT/", b"GNUTELLA/0.", b"GET /uri-res/N2R?", b"GIV "];
    let server: &[&[u8]] = &[b"GNUTELLA/0.", b"GNUTELLA OK", b"GIV "];
    let client = begins_any(streams.client, client);
    match streams.server.first() {
        // Downloads are HTTP, so a server may answer as such.
        Some(b'H') if streams.client.is_empty() => Verdict::No,
        Some(b'H') => client,
        _ => either(client, begins_any(streams.server, server)),
    }
}

/// Checks a descriptor: 16 bytes of identity, kind, two hop counts, and the length of the rest.
fn datagram(datagram: &Datagram<'_>) -> Verdict {
    check_all(datagram.payload, |reader| {
        if reader.0.starts_with(b"GND") {
            return Some(reader.0.len() >= 8 && datagram.has_port(6346));
        }
        reader.take(16)?;
        let kind = reader.u8()?;
        let hops_left = reader.u8()?;
        let hops = reader.u8()?;
        let len = usize::try_from(reader.le32()?).ok()?;
        Some(
            matches!(kind, 0 | 1 | 2 | 0x30 | 0x31 | 0x32 | 0x40 | 0x80 | 0x81)
                && hops_left.saturating_add(hops) <= 16
                && hops_left.saturating_add(hops) > 0
                && len == reader.0.len(),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::{assert_streams, datagram, streams};

    #[test]
    fn handshakes_and_transfers_have_words_of_their_own() {
        assert_streams(&PROTOCOL, 6346, b"GNUTELLA CONNECT/0.6\r\n", b"GNUTELLA/0.6 200 OK\r\n");
        assert_streams(&PROTOCOL, 6346, b"GET /uri-res/N2R?urn:sha1:", b"");
        assert_eq!(streams(&PROTOCOL, 6346, b"GET / HTTP/1.1\r\n", b""), Verdict::No);
        assert_eq!(streams(&PROTOCOL, 80, b"GET /get/7 HTTP/1.1\r\n", b""), Verdict::No);
        assert_eq!(streams(&PROTOCOL, 6346, b"", b"HTTP/1.1 200 OK\r\n"), Verdict::No);
    }

    #[test]
    fn descriptors_state_their_length() {
        let ping = [&[0x5a; 16][..], &[0, 7, 0, 0, 0, 0, 0]].concat();
        assert_eq!(datagram(&PROTOCOL, 4000, &ping), Verdict::Match);
        assert_eq!(datagram(&PROTOCOL, 4000, &[&ping[..], b"x"].concat()), Verdict::No);
    }
}
