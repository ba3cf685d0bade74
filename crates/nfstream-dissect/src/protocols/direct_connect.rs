//! Direct Connect: NMDC and ADC hubs and their clients.

use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Streams, Verdict};
use crate::protocol::{DatagramRules, Protocol, Start, StreamRules};
use crate::shape::{begins_any, either};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(10_112),
    name: "DirectConnect",
    category: Category(7),
    tcp_ports: &[411, 412],
    stream: Some(StreamRules {
        client: Start::Bytes(b"$HC"),
        server: Start::Bytes(b"$IC"),
        ..StreamRules::new(probe)
    }),
    datagram: Some(DatagramRules { start: Start::Bytes(b"$U"), ..DatagramRules::new(datagram) }),
    ..Protocol::NEW
};

fn probe(streams: &Streams<'_>) -> Verdict {
    let client: &[&[u8]] = &[
        b"$MyNick ",
        b"$Supports ",
        b"$Lock ",
        b"$Key ",
        b"$ValidateNick ",
        b"HSUP AD",
        b"CSUP AD",
    ];
    let server: &[&[u8]] = &[b"$Lock ", b"$HubName ", b"$MyNick ", b"ISUP AD", b"CSUP AD"];
    either(begins_any(streams.client, client), begins_any(streams.server, server))
}

fn datagram(datagram: &Datagram<'_>) -> Verdict {
    let payload = datagram.payload;
    let nmdc = payload.starts_with(b"$SR ") && payload.last() == Some(&b'|');
    let adc = payload.starts_with(b"URES ") && payload.last() == Some(&b'\n');
    Verdict::from_match(nmdc || adc)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::{assert_streams, datagram, streams};

    #[test]
    fn hubs_and_clients_have_words_of_their_own() {
        assert_streams(&PROTOCOL, 411, b"$Supports TTHSearch |", b"$Lock EXTENDEDPROTOCOL");
        assert_streams(&PROTOCOL, 5000, b"HSUP ADBASE ADTIGR\n", b"ISUP ADBASE\n");
        assert_eq!(streams(&PROTOCOL, 411, b"", b"$GET"), Verdict::No);
    }

    #[test]
    fn results_end_in_a_bar() {
        assert_eq!(datagram(&PROTOCOL, 412, b"$SR alice file\x05|"), Verdict::Match);
        assert_eq!(datagram(&PROTOCOL, 412, b"$SR alice"), Verdict::No);
    }
}
