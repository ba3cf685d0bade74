//! NTP (RFC 5905).

use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Verdict};
use crate::protocol::{DatagramRules, Protocol};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(9),
    name: "NTP",
    category: Category(18),
    udp_ports: &[123],
    datagram: Some(DatagramRules::new(probe)),
    ..Protocol::NEW
};

fn probe(datagram: &Datagram<'_>) -> Verdict {
    let Some(first) = datagram.payload.first() else { return Verdict::No };
    let version = first >> 3 & 7;
    let mode = first & 7;
    // Control messages (6) and private ones (7) are shorter than a time stamp packet.
    let shortest = if mode >= 6 { 8 } else { 48 };
    Verdict::from_match(
        datagram.has_port(123)
            && (1..=4).contains(&version)
            && mode != 0
            && datagram.payload.len() >= shortest,
    )
}
