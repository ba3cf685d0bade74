//! Tunnels over UDP and IP, down to the innermost packet that can be read.
//!
//! A port or protocol number announces a tunnel. It counts as one only if its header is valid and
//! carries an IP packet with readable ports that ends within the outer packet. Anything else, such
//! as an echo request of GTP or ARP in VXLAN, remains the outer packet. IP in IP is not a tunnel in
//! this sense: it is always decoded and has no id.

mod capwap;
mod etherip;
mod geneve;
mod gre;
mod gtp;
mod gue;
mod l2tp;
mod lisp;
mod mpls;
mod teredo;
mod tzsp;
mod vxlan;

use std::cell::Cell;

use super::cursor::Cursor;
use super::error::DecodeError;
use super::fragment::FragmentId;
use super::ip::Ip;
use super::layers::Layers;
use super::link::Network;
use super::transport::Transport;
use crate::packet::{
    Fragment, Identifier, Identifiers, Packet, RawRecord, Separation, Tunnel, protocol, tunnels,
};

/// Most nested tunnels. A packet with more is an error, because its flow would be that of a tunnel.
const MAX_DEPTH: usize = 32;

/// Start of a tunnel: the function that moves a cursor from its header to the IP header inside.
#[derive(Clone, Copy)]
pub(super) struct Entrance(fn(&mut Cursor<'_>) -> Result<(Tunnel, Network), DecodeError>);

/// Result of reading a tunnel's header.
trait Inside {
    /// Returns the tunnel and its content. `tunnel` was announced; the header may identify a more
    /// specific one.
    fn of(self, tunnel: Tunnel) -> (Tunnel, Network);
}

impl Inside for Network {
    fn of(self, tunnel: Tunnel) -> (Tunnel, Network) {
        (tunnel, self)
    }
}

impl Inside for (Tunnel, Network) {
    fn of(self, _: Tunnel) -> (Tunnel, Network) {
        self
    }
}

impl Entrance {
    /// Returns the tunnel that the numbers of a packet announce.
    #[inline]
    pub(super) fn announced(ip: &Ip, transport: &Transport) -> Option<Self> {
        if ip.fragment == Fragment::Later {
            return None;
        }
        if ip.protocol == protocol::UDP {
            let (src, dst) = (transport.src_port, transport.dst_port);
            Self::to_port(dst).or_else(|| Self::from_port(src))
        } else {
            Self::of_protocol(ip.protocol)
        }
    }

    /// Moves the cursor from the tunnel's header to the IP header inside.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] if the header is not the tunnel's, or not followed by a packet.
    fn enter(self, cursor: &mut Cursor<'_>) -> Result<(Tunnel, Network), DecodeError> {
        self.0(cursor)
    }
}

/// Makes the surrounding function return an entrance if `$value` announces the tunnel in that
/// field.
macro_rules! entrance {
    (to udp, $($rest:tt)*) => { entrance!($($rest)*) };
    (to udp_to, $($rest:tt)*) => { entrance!($($rest)*) };
    (from udp, $($rest:tt)*) => { entrance!($($rest)*) };
    (ip ip, $($rest:tt)*) => { entrance!($($rest)*) };
    (to ip, $($rest:tt)*) => {};
    (from ip, $($rest:tt)*) => {};
    (from udp_to, $($rest:tt)*) => {};
    (ip udp, $($rest:tt)*) => {};
    (ip udp_to, $($rest:tt)*) => {};
    ($value:ident, $number:pat, $tunnel:ident, $reader:path) => {
        if matches!($value, $number) {
            return Some(Self(|cursor| Ok($reader(cursor)?.of(Tunnel::$tunnel))));
        }
    };
}

macro_rules! entrances {
    ($(
        $(#[$doc:meta])*
        $tunnel:ident = $id:literal, $name:literal
        $(, $field:ident $number:pat => $module:ident::$reader:ident)*;
    )*) => {
        impl Entrance {
            #[inline]
            fn of_protocol(number: u8) -> Option<Self> {
                $($(entrance!(ip $field, number, $number, $tunnel, $module::$reader);)*)*
                None
            }

            #[inline]
            fn to_port(port: u16) -> Option<Self> {
                $($(entrance!(to $field, port, $number, $tunnel, $module::$reader);)*)*
                None
            }

            #[inline]
            fn from_port(port: u16) -> Option<Self> {
                $($(entrance!(from $field, port, $number, $tunnel, $module::$reader);)*)*
                None
            }
        }
    };
}
tunnels!(entrances);

/// Decodes the innermost packet that tunnels of the frame carry, which is the outermost one if
/// there is none inside.
///
/// # Errors
///
/// As for [`decode`](super::decode), and if the tunnels are nested too deeply.
#[cold]
#[inline(never)]
pub(super) fn decode_innermost(
    record: &RawRecord,
    frame: &[u8],
    separation: Separation,
    fragments: &mut Vec<FragmentId>,
) -> Result<Packet, DecodeError> {
    let cursor = Cursor::new(frame).separating(separation);
    let mut layers = Layers::outermost(cursor, record.link, record.wire_len)?;
    for _ in 0..=MAX_DEPTH {
        let Some(inner) = inside(&layers) else { return Ok(layers.packet(record, fragments)) };
        layers = inner;
    }
    Err(DecodeError::TooDeep)
}

/// Returns the identifiers around a packet; see [`decode::identifiers`](super::identifiers).
pub(super) fn identifiers(packet: &Packet, frame: &[u8]) -> Identifiers {
    let passed = Cell::default();
    let cursor = Cursor::new(frame).collecting(&passed);
    let Ok(mut layers) = Layers::outermost(cursor, packet.link, packet.wire_len) else {
        return passed.get();
    };
    let depth = if packet.tunnel_id == 0 { 0 } else { MAX_DEPTH };
    for _ in 0..depth {
        let outside = passed.get();
        let Some(inner) = inside(&layers) else { return outside };
        layers = inner;
    }
    passed.get()
}

/// Opens one tunnel.
fn inside<'a>(outer: &Layers<'a>) -> Option<Layers<'a>> {
    let mut cursor = outer.payload();
    let (tunnel, mut network) =
        Entrance::announced(&outer.ip, &outer.transport)?.enter(&mut cursor).ok()?;
    cursor.enter(Identifier::Tunnel(tunnel));
    if network.vlan_id == 0 {
        network.vlan_id = outer.vlan_id;
    }
    let mut inner = Layers::read(cursor, network, outer.end()).ok()?;
    if inner.end() > outer.end() && outer.is_whole() && !tunnel.carries_copies() {
        return None;
    }
    inner.tunnel = Some(tunnel);
    if inner.is_whole() {
        inner.ip.fragment = outer.ip.fragment;
        inner.cut = outer.cut;
    }
    Some(inner)
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use nfstream_testkit::{Frame, Ipv4};
    use proptest::prelude::*;

    use super::*;
    use crate::decode::{Options, decode};
    use crate::packet::LinkType;
    use crate::time::Timestamp;

    const A: [u8; 4] = [192, 0, 2, 1];
    const B: [u8; 4] = [192, 0, 2, 2];

    /// UDP from 198.51.100.1:1111 to 198.51.100.2:2222, with eight bytes of payload.
    pub(super) const V4: &[u8] = &[
        0x45, 0x00, 0x00, 0x24, 0x00, 0x01, 0x00, 0x00, 0x40, 0x11, 0x26, 0x5e, 0xc6, 0x33, 0x64,
        0x01, 0xc6, 0x33, 0x64, 0x02, 0x04, 0x57, 0x08, 0xae, 0x00, 0x10, 0x0c, 0xc9, 0x61, 0x62,
        0x63, 0x64, 0x65, 0x66, 0x67, 0x68,
    ];

    /// The same from 2001:db8::1 to 2001:db8::2.
    pub(super) const V6: &[u8] = &[
        0x60, 0x00, 0x00, 0x00, 0x00, 0x10, 0x11, 0x40, 0x20, 0x01, 0x0d, 0xb8, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0x20, 0x01, 0x0d, 0xb8, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x04, 0x57, 0x08, 0xae, 0x00,
        0x10, 0x05, 0xbf, 0x61, 0x62, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68,
    ];

    /// An Ethernet header in front of IPv4.
    pub(super) const ETHERNET: &[u8] = &[2, 0, 0, 0, 0, 4, 2, 0, 0, 0, 0, 3, 0x08, 0x00];
    /// The same in VLAN 7.
    pub(super) const TAGGED: &[u8] =
        &[2, 0, 0, 0, 0, 4, 2, 0, 0, 0, 0, 3, 0x81, 0x00, 0, 7, 0x08, 0x00];
    /// An Ethernet header and ARP.
    pub(super) const ARP: &[u8] = &[
        255, 255, 255, 255, 255, 255, 2, 0, 0, 0, 0, 3, 0x08, 0x06, 0, 1, 8, 0, 6, 4, 0, 1, 2, 0,
        0, 0, 0, 3, 198, 51, 100, 1, 0, 0, 0, 0, 0, 0, 198, 51, 100, 2,
    ];

    const VXLAN: &[u8] = &[0x08, 0, 0, 0, 0, 0, 5, 0];
    const GTP: &[u8] = &[0x30, 0xff, 0, 36, 0, 0, 0, 9];

    /// Decodes a frame that begins with an IP header.
    fn opened(frame: &[u8]) -> Packet {
        read(LinkType::RAW, frame, true)
    }

    fn read(link: LinkType, frame: &[u8], tunnels: bool) -> Packet {
        decode(&record(link, frame), frame, options(tunnels), &mut Vec::new()).unwrap()
    }

    fn options(tunnels: bool) -> Options {
        Options { tunnels, ..Options::default() }
    }

    fn record(link: LinkType, frame: &[u8]) -> RawRecord {
        let len = u32::try_from(frame.len()).unwrap();
        RawRecord { time: Timestamp::default(), offset: 0, capture_len: len, wire_len: len, link }
    }

    pub(super) fn over_udp(src: u16, dst: u16, parts: &[&[u8]]) -> Packet {
        opened(&Frame::raw().ipv4(A, B).udp(src, dst).payload(&parts.concat()).build())
    }

    pub(super) fn over_ip(protocol: u16, parts: &[&[u8]]) -> Packet {
        opened(&Frame::raw().ipv4(A, B).opaque(protocol).payload(&parts.concat()).build())
    }

    /// Says whether the packet is [`V4`] or [`V6`] and lay in `tunnel`.
    pub(super) fn came_in(packet: &Packet, tunnel: Tunnel) -> bool {
        let ends =
            [packet.src, packet.dst].map(|end| SocketAddr::new(end.ip(packet.version), end.port));
        let expected = match packet.version {
            4 => ["198.51.100.1:1111", "198.51.100.2:2222"],
            _ => ["[2001:db8::1]:1111", "[2001:db8::2]:2222"],
        };
        let ip_len = if packet.version == 4 { 36 } else { 56 };
        ends == expected.map(|end| end.parse().unwrap())
            && packet.tunnel_id == tunnel.id()
            && (packet.protocol, packet.ip_len, packet.payload_len) == (17, ip_len, 8)
    }

    /// Says whether the packet is the one outside.
    pub(super) fn stayed_out(packet: &Packet) -> bool {
        packet.tunnel_id == 0 && packet.src.addr[..4] == A && packet.ip_offset == 0
    }

    #[test]
    fn ids_are_the_published_ones() {
        let ids: Vec<_> = Tunnel::ALL.iter().map(|tunnel| tunnel.id()).collect();
        assert_eq!(ids, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14]);
    }

    #[test]
    fn tunnels_stay_closed_by_default() {
        let frame = Frame::raw().ipv4(A, B).udp(2152, 2152).payload(&[GTP, V4].concat()).build();
        assert!(came_in(&opened(&frame), Tunnel::GtpU));
        assert!(stayed_out(&read(LinkType::RAW, &frame, false)));
    }

    #[test]
    fn ip_in_ip_has_no_number() {
        let packet = over_ip(4, &[V4]);
        assert_eq!((packet.tunnel_id, packet.ip_offset), (0, 20));
    }

    #[test]
    fn a_tunnel_in_a_tunnel_is_opened() {
        let gtp = Frame::raw().ipv4(B, A).udp(2152, 2152).payload(&[GTP, V4].concat()).build();
        assert!(came_in(&over_udp(5555, 4789, &[VXLAN, ETHERNET, &gtp]), Tunnel::GtpU));
    }

    #[test]
    fn the_inner_packet_stays_closed_where_it_cannot_be_read() {
        let gtp = Frame::raw().ipv4(B, A).udp(2152, 2152).payload(&[GTP, &[0x11]].concat()).build();
        let packet = over_udp(5555, 4789, &[VXLAN, ETHERNET, &gtp]);
        assert_eq!((packet.tunnel_id, packet.dst.port), (Tunnel::Vxlan.id(), 2152));
    }

    #[test]
    fn tunnels_are_followed_to_a_bounded_depth() {
        const GRE: &[u8] = &[0, 0, 0x08, 0];
        let mut frame = V4.to_vec();
        for depth in 1..=40 {
            frame = [GRE, &frame].concat();
            frame = Frame::raw().ipv4(A, B).opaque(47).payload(&frame).build();
            let record = record(LinkType::RAW, &frame);
            let packet = decode(&record, &frame, options(true), &mut Vec::new());
            assert_eq!(packet.is_ok_and(|packet| came_in(&packet, Tunnel::Gre)), depth <= 32);
            if depth > 32 {
                assert_eq!(packet, Err(DecodeError::TooDeep));
            }
            assert!(stayed_out(&read(LinkType::RAW, &frame, false)));
        }
    }

    #[test]
    fn a_packet_longer_than_the_outer_one_is_refused() {
        let mut long = V4.to_vec();
        long[3] = 37;
        assert!(stayed_out(&over_udp(2152, 2152, &[GTP, &long])));
        assert!(came_in(&over_udp(2152, 2152, &[GTP, V4, &[0]]), Tunnel::GtpU));
    }

    /// Padding of the frame may resemble the ports that a short packet lacks.
    #[test]
    fn bytes_after_the_outer_packet_are_not_read() {
        let outer = Ipv4::new(A, B).claiming(20 + 8 + 8 + 22);
        let frame = Frame::raw().ip(outer).udp(2152, 2152).payload(&[GTP, V4].concat()).build();
        assert!(stayed_out(&opened(&frame)));
    }

    #[test]
    fn a_capture_cut_inside_the_ports_leaves_the_outer_packet() {
        let frame = Frame::raw().ipv4(A, B).udp(2152, 2152).payload(&[GTP, V4].concat()).build();
        for len in 28..frame.len() {
            let record = RawRecord {
                capture_len: u32::try_from(len).unwrap(),
                ..record(LinkType::RAW, &frame)
            };
            let packet = decode(&record, &frame[..len], options(true), &mut Vec::new()).unwrap();
            if len < 28 + 8 + 24 {
                assert!(stayed_out(&packet), "{len}");
            } else {
                assert!(came_in(&packet, Tunnel::GtpU), "{len}");
            }
        }
    }

    #[test]
    fn the_inner_tag_stands_for_the_outer() {
        let vlan_id = |inner: &[u8]| {
            let payload = [VXLAN, inner, V4].concat();
            let frame = Frame::ethernet().vlan(5).ipv4(A, B).udp(5555, 4789).payload(&payload);
            read(LinkType::ETHERNET, &frame.build(), true).vlan_id
        };
        assert_eq!(vlan_id(TAGGED), 7);
        assert_eq!(vlan_id(ETHERNET), 5);
    }

    /// Later fragments do not show the inner tag; both must have the same id.
    #[test]
    fn fragments_of_a_tunnel_are_known_by_the_outer_tag() {
        let payload = [VXLAN, TAGGED, V4].concat();
        let first = Frame::ethernet()
            .vlan(5)
            .ip(Ipv4::new(A, B).fragment(3, 0, true))
            .udp(5555, 4789)
            .payload(&payload)
            .build();
        let later = Frame::ethernet()
            .vlan(5)
            .ip(Ipv4::new(A, B).fragment(3, 80, false))
            .opaque(17)
            .payload_len(16)
            .build();
        let of_first = read(LinkType::ETHERNET, &first, true);
        let of_later = read(LinkType::ETHERNET, &later, true);
        assert!(came_in(&of_first, Tunnel::Vxlan));
        assert_eq!((of_first.fragment, of_later.fragment), (Fragment::First, Fragment::Later));
        assert_eq!((of_first.vlan_id, of_later.vlan_id), (7, 5));
        let id = |frame: &[u8]| {
            let record = record(LinkType::ETHERNET, frame);
            let mut ids = Vec::new();
            decode(&record, frame, options(true), &mut ids).unwrap();
            ids
        };
        assert_eq!(id(&first).len(), 1);
        assert_eq!(id(&first), id(&later));
    }

    #[test]
    fn a_fragment_inside_a_tunnel_is_known_by_the_inner_header() {
        let inner = Ipv4::new(B, A).fragment(9, 0, true);
        let inner = Frame::raw().ip(inner).udp(1, 2).payload_len(8).build();
        let frame = Frame::raw().ipv4(A, B).udp(2152, 2152).payload(&[GTP, &inner].concat());
        let packet = opened(&frame.build());
        assert_eq!((packet.fragment, packet.ip_offset), (Fragment::First, 36));
    }

    /// Headers of every tunnel, and the port or protocol that announces them.
    const HEADERS: [(u16, &[&[u8]]); 22] = [
        (2152, &[GTP]),
        (2152, &[&[0x34, 0xff, 0, 44, 0, 0, 0, 9, 0, 0, 0, 0x85, 1, 0, 1, 0]]),
        (5247, &[&[0, 0x10, 0x02, 0, 0, 0, 0, 0], ETHERNET]),
        (37008, &[&[1, 0, 0, 1, 10, 1, 0xc0, 1], ETHERNET]),
        (4789, &[VXLAN, TAGGED]),
        (4790, &[&[0x0c, 0, 0, 1, 0, 0, 5, 0]]),
        (6081, &[&[2, 0x40, 0x65, 0x58, 0, 0, 5, 0, 1, 2, 0x80, 1, 0, 0, 0, 0], ETHERNET]),
        (1701, &[&[0x40, 2, 0, 48, 0, 1, 0, 2, 0xff, 3, 0, 0x21]]),
        (1701, &[&[0, 3, 0, 0, 0, 0, 0, 5], ETHERNET]),
        (47, &[&[0x20, 0, 0x65, 0x58, 0, 0, 5, 0], ETHERNET]),
        (47, &[&[0x10, 0, 0x88, 0xbe, 0, 0, 0, 1, 0x10, 1, 0, 1, 0, 0, 0, 1], ETHERNET]),
        (47, &[&[0x30, 1, 0x88, 0x0b, 0, 40, 0, 7, 0, 0, 0, 1, 0xff, 3, 0, 0x21]]),
        (115, &[&[0, 0, 0, 5, 9, 9, 9, 9], ETHERNET]),
        (4754, &[&[0x20, 0, 0x08, 0x00, 0, 0, 5, 0]]),
        (6635, &[&[0, 1, 0, 64, 0, 2, 1, 64]]),
        (137, &[&[0, 1, 1, 64, 0, 0, 0, 0], ETHERNET]),
        (97, &[&[0x30, 0], ETHERNET]),
        (143, &[ETHERNET]),
        (6080, &[&[1, 4, 0, 0, 0, 0, 0, 0]]),
        (4341, &[&[0x88, 1, 2, 3, 0, 0, 0, 0]]),
        (4790, &[&[0x0c, 0, 0, 4, 0, 0, 5, 0, 0x0f, 0xc2, 2, 3, 0, 0, 1, 255], ETHERNET]),
        (4, &[]),
    ];

    fn nested() -> impl Strategy<Value = Vec<u8>> {
        let header = prop::sample::select(HEADERS.to_vec());
        let piece = prop::bool::weighted(0.1);
        prop::collection::vec((header, piece), 0..12).prop_map(|layers| {
            layers.into_iter().fold(V4.to_vec(), |inner, ((number, header), piece)| {
                let inner = [header.concat(), inner].concat();
                let ip = Frame::raw().ip(Ipv4::new(A, B).fragment(1, 0, piece));
                let outer = if number < 256 { ip.opaque(number) } else { ip.udp(5555, number) };
                outer.payload(&inner).build()
            })
        })
    }

    fn check(frame: &[u8]) -> Result<(), TestCaseError> {
        let record = record(LinkType::RAW, frame);
        let mut ids = Vec::new();
        let closed = decode(&record, frame, options(false), &mut Vec::new());
        let opened = decode(&record, frame, options(true), &mut ids);
        prop_assert_eq!(closed.is_ok(), opened.is_ok());
        let (Ok(closed), Ok(opened)) = (closed, opened) else { return Ok(()) };
        if opened.tunnel_id == 0 {
            prop_assert_eq!(opened, closed);
        }
        prop_assert!(closed.ip_offset <= opened.ip_offset);
        prop_assert!(opened.ip_offset < opened.transport_offset);
        prop_assert!(opened.payload_len <= opened.ip_len);
        prop_assert!(opened.payload(frame).len() <= opened.ip_bytes(frame).len());
        let is_piece = opened.fragment != Fragment::Whole;
        prop_assert_eq!(ids.len(), usize::from(is_piece));
        Ok(())
    }

    proptest! {
        #[test]
        fn nested_tunnels_are_opened(frame in nested()) {
            check(&frame)?;
        }

        #[test]
        fn broken_tunnels_do_no_harm(
            mut frame in nested(),
            breaks in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
            len in any::<prop::sample::Index>(),
        ) {
            for (place, byte) in breaks {
                let place = place.index(frame.len());
                frame[place] = byte;
            }
            frame.truncate(len.index(frame.len() + 1));
            check(&frame)?;
        }

        /// Random bytes after each kind of announcement.
        #[test]
        fn any_bytes_may_follow_an_announcement(
            number in prop::sample::select(HEADERS.map(|(number, _)| number).to_vec()),
            bytes in prop::collection::vec(any::<u8>(), 0..120),
        ) {
            let ip = Frame::raw().ipv4(A, B);
            let outer = if number < 256 { ip.opaque(number) } else { ip.udp(5555, number) };
            check(&outer.payload(&bytes).build())?;
        }
    }
}
