//! Networks over UDP: VXLAN (RFC 7348), Geneve (RFC 8926) and GRE (RFC 8086).

use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Verdict};
use crate::protocol::{DatagramRules, Protocol, Start};
use crate::shape::check_all;

pub(crate) const VXLAN: Protocol = Protocol {
    id: ProtocolId(64),
    name: "VXLAN",
    category: Category(14),
    udp_ports: &[4789],
    datagram: Some(DatagramRules {
        start: Start::Bytes(&[0x08, 0x0c, 0x88]),
        ..DatagramRules::new(vxlan)
    }),
    ..Protocol::NEW
};

pub(crate) const GENEVE: Protocol = Protocol {
    id: ProtocolId(10_108),
    name: "Geneve",
    category: Category(14),
    udp_ports: &[6081],
    datagram: Some(DatagramRules { start: Start::Range(0, 0x3f), ..DatagramRules::new(geneve) }),
    ..Protocol::NEW
};

pub(crate) const GRE: Protocol = Protocol {
    id: ProtocolId(80),
    name: "GRE",
    category: Category(14),
    udp_ports: &[4754],
    datagram: Some(DatagramRules::new(gre)),
    ..Protocol::NEW
};

/// Types of what is carried: Ethernet, IPv4 and IPv6.
const CARRIED: [u16; 3] = [0x6558, 0x0800, 0x86dd];

fn vxlan(datagram: &Datagram<'_>) -> Verdict {
    let usual_port = datagram.has_port(4789) || datagram.has_port(8472);
    check_all(datagram.payload, |reader| {
        let flags = reader.u8()?;
        let reserved = reader.u24()?;
        reader.u24()?;
        let last = reader.u8()?;
        let plain = flags == 8 && reserved == 0 && last == 0;
        // Group policies and other extensions use the reserved bits.
        Some((plain || datagram.has_port(4789)) && usual_port && reader.0.len() >= 14)
    })
}

fn geneve(datagram: &Datagram<'_>) -> Verdict {
    check_all(datagram.payload, |reader| {
        let options = usize::from(reader.u8()? & 0x3f) * 4;
        Some(
            reader.u8()? & 0x3f == 0
                && CARRIED.contains(&reader.u16()?)
                && reader.u32()? & 0xff == 0
                && reader.take(options).is_some()
                && datagram.has_port(6081),
        )
    })
}

fn gre(datagram: &Datagram<'_>) -> Verdict {
    check_all(datagram.payload, |reader| {
        // Only checksum, key and sequence number may be present.
        Some(
            reader.u16()? & !0xb000 == 0
                && CARRIED.contains(&reader.u16()?)
                && (datagram.has_port(4754) || datagram.has_port(4755)),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::datagram;

    #[test]
    fn headers_are_checked_at_their_ports() {
        let frame = [0x11; 34];
        let of = |header: &[u8]| [header, &frame].concat();
        let vxlan = of(b"\x08\0\0\0\0\x04\x57\0");
        assert_eq!(datagram(&VXLAN, 4789, &vxlan), Verdict::Match);
        assert_eq!(datagram(&VXLAN, 4000, &vxlan), Verdict::No);
        let geneve = of(b"\0\0\x65\x58\0\0\x01\0");
        assert_eq!(datagram(&GENEVE, 6081, &geneve), Verdict::Match);
        assert_eq!(datagram(&GENEVE, 6081, &of(b"\0\0\x65\x58\0\0\x01\x01")), Verdict::No);
        assert_eq!(datagram(&GRE, 4754, &of(b"\x20\0\x08\0\0\0\0\x01")), Verdict::Match);
        assert_eq!(datagram(&GRE, 4754, &of(b"\x20\x01\x08\0")), Verdict::No);
    }
}
