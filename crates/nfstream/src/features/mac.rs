//! MAC addresses of a flow's first packet.

use super::{Declaration, Declared, Measurement, Plan, Presence, Record, Sample};
use crate::flow::Direction;
use crate::packet::{LinkType, Packet};

pub(super) type State = LinkAddresses;

pub(super) const GROUP: Declaration = Declaration {
    presence: Presence::Feature,
    shorthand: None,
    about: "",
    columns: &[&[
        Declared::mac(
            "src_mac",
            "MAC address of the source in the first packet's outermost Ethernet header; zeros on \
             other links",
            |r, text| write(addresses(r).src, 6, text),
        ),
        Declared::mac("src_oui", "first three bytes of src_mac: the vendor", |r, text| {
            write(addresses(r).src, 3, text);
        }),
        Declared::mac(
            "dst_mac",
            "MAC address of the destination in the first packet's outermost Ethernet header; \
             zeros on other links",
            |r, text| write(addresses(r).dst, 6, text),
        ),
        Declared::mac("dst_oui", "first three bytes of dst_mac: the vendor", |r, text| {
            write(addresses(r).dst, 3, text);
        }),
    ]],
};

/// The addresses of the outermost Ethernet header; zero for links without one.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct LinkAddresses {
    /// Of the end that is the flow's source.
    pub src: [u8; 6],
    /// Of the end that is the flow's destination.
    pub dst: [u8; 6],
}

impl LinkAddresses {
    /// Reads the addresses of `packet`, whose frame is `frame`.
    pub fn read(packet: &Packet, frame: &[u8]) -> Self {
        let ethernet = (packet.link == LinkType::ETHERNET).then(|| frame.first_chunk::<12>());
        let Some(Some([d0, d1, d2, d3, d4, d5, s0, s1, s2, s3, s4, s5])) = ethernet else {
            return Self::default();
        };
        Self { src: [*s0, *s1, *s2, *s3, *s4, *s5], dst: [*d0, *d1, *d2, *d3, *d4, *d5] }
    }
}

impl Measurement for LinkAddresses {
    fn begin(&mut self, plan: &Plan, sample: &Sample<'_>) {
        let Self { src, dst } = (plan.link_addresses)(sample.packet, sample.frame());
        *self = match sample.direction {
            Direction::Src2Dst => Self { src, dst },
            // The flow was turned around.
            Direction::Dst2Src => Self { src: dst, dst: src },
        };
    }
}

fn addresses(record: &Record) -> LinkAddresses {
    record.measured(|m| m.mac)
}

/// Appends the first `len` bytes of a MAC address.
fn write(mac: [u8; 6], len: usize, text: &mut String) {
    const DIGITS: [char; 16] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    for (place, byte) in mac.into_iter().take(len).enumerate() {
        if place > 0 {
            text.push(':');
        }
        text.push(DIGITS[usize::from(byte >> 4)]);
        text.push(DIGITS[usize::from(byte & 15)]);
    }
}
