//! Decoder with the behaviour of nfstream 6.6, mistakes included, for comparison with its results.
//!
//! Its rules were derived only from output. nfstream 6.6 drops later fragments, IPv4 packets of
//! total length 0, IPv6 packets that the capture cuts, and every packet with a tag other than 8100.
//! It treats the payload of an unknown EtherType as IP if the version fits, does not check IPv4's
//! header length, counts wire lengths in 16 bits, and reads ports of TCP and UDP only. Past the end
//! of the captured bytes it reads remnants of earlier packets; this module reads zeros.
//!
//! Separate from the engine's decoder: the two share no code.

use crate::decode::DecodeError::{
    self, MalformedNetwork, NotIp, TruncatedLink, TruncatedNetwork, TruncatedTransport,
    UnsupportedLinkType,
};
use crate::decode::Options;
use crate::features::LinkAddresses;
use crate::packet::{
    Endpoint, Fragment, LinkType, NetworkId, Packet, RawRecord, TcpFlags, Tunnel, narrow, protocol,
};

/// EtherTypes known to nfstream 6.
mod ethertype {
    pub(super) const IPV4: u16 = 0x0800;
    pub(super) const VLAN: u16 = 0x8100;
    pub(super) const MPLS: [u16; 2] = [0x8847, 0x8848];
    pub(super) const PPPOE: u16 = 0x8864;
    /// Largest number that is a length.
    pub(super) const LAST_LENGTH: u16 = 1500;
    /// Largest number that is ignored.
    pub(super) const LAST_IGNORED: u16 = 1536;
}

/// Ports of the tunnels that it decodes.
const GTP: u16 = 2152;
const CAPWAP: u16 = 5247;
const TZSP: u16 = 37008;

const UDP_LEN: usize = 8;

/// The captured bytes, followed by zeros.
#[derive(Clone, Copy)]
struct Frame<'a>(&'a [u8]);

/// Position of a network header, and the properties of the link headers before it.
#[derive(Clone, Copy, Default)]
struct Link {
    network: usize,
    vlan_id: u16,
    /// Whether an EtherType or label says that IPv4 follows.
    is_ipv4: bool,
    /// Offsets of the two MAC addresses: source, destination.
    macs: Option<(usize, usize)>,
}

/// State kept from the IPv4 headers that [`Link::is_ipv4`] announces. After other headers nfstream
/// 6 uses the state of the previous one.
#[derive(Clone, Copy, Default)]
struct Memory {
    fragment_offset: u16,
    protocol: u8,
}

/// A network header.
struct Ip {
    version: u8,
    src: Endpoint,
    dst: Endpoint,
    protocol: u8,
    offset: usize,
    /// Bytes of the packet, header included.
    len: u32,
    /// Whether `len` is plausible.
    has_length: bool,
    /// Offset after all network headers.
    transport: usize,
    /// Bytes from that offset on.
    transport_len: u32,
}

/// Decodes the frame that `record` describes.
///
/// # Errors
///
/// [`DecodeError`] for a frame that nfstream 6.6 drops.
#[cold]
#[inline(never)]
pub fn decode(record: &RawRecord, frame: &[u8], options: Options) -> Result<Packet, DecodeError> {
    let frame = Frame(frame);
    let (link, ip, tunnel) = read(record.link, frame, options.tunnels)?;
    if !ip.has_length {
        return Err(MalformedNetwork);
    }
    Ok(packet(record, frame, &ip, link.vlan_id, tunnel))
}

/// Returns `packet` with the network that separates flows in nfstream 6: the innermost VLAN and
/// tunnel.
pub fn keyed(packet: Packet) -> Packet {
    Packet { network: NetworkId::innermost(packet.vlan_id, packet.tunnel_id), ..packet }
}

/// Returns the MAC addresses that nfstream 6.6 finds in the `frame` of `packet`, zeros if none.
pub fn link_addresses(packet: &Packet, frame: &[u8]) -> LinkAddresses {
    let frame = Frame(frame);
    let macs =
        read(packet.link, frame, packet.tunnel_id != 0).ok().and_then(|(link, ..)| link.macs);
    macs.map_or_else(LinkAddresses::default, |(src, dst)| LinkAddresses {
        src: frame.bytes(src),
        dst: frame.bytes(dst),
    })
}

impl Frame<'_> {
    fn len(self) -> usize {
        self.0.len()
    }

    /// Bytes that nfstream 6 assumes from `offset` on. It subtracts in 16 bits.
    fn len_from(self, offset: usize) -> usize {
        match self.len() {
            len @ ..=0xffff => len.saturating_sub(offset),
            len => len.wrapping_sub(offset) & 0xffff,
        }
    }

    fn u8(self, at: usize) -> u8 {
        self.0.get(at).copied().unwrap_or(0)
    }

    fn u16(self, at: usize) -> u16 {
        u16::from_be_bytes([self.u8(at), self.u8(at + 1)])
    }

    fn bytes<const N: usize>(self, at: usize) -> [u8; N] {
        std::array::from_fn(|index| self.u8(at + index))
    }
}

/// Reads a frame down to the innermost network header.
fn read(
    link: LinkType,
    frame: Frame<'_>,
    tunnels: bool,
) -> Result<(Link, Ip, Option<Tunnel>), DecodeError> {
    let kind = link;
    let mut link = link_header(kind, frame, 0, Link::default())?;
    let mut memory = Memory::default();
    let mut tunnel = None;
    loop {
        let ip = innermost_ip(frame, link, &mut memory)?;
        if !tunnels || memory.protocol != protocol::UDP {
            return Ok((link, ip, tunnel));
        }
        // For IPv6 it uses the payload's length as the header's.
        let udp = if ip.version == 4 {
            ip.transport
        } else {
            ip.offset + usize::try_from(ip.transport_len).unwrap_or(0)
        };
        let payload = udp + UDP_LEN;
        if frame.len() < payload {
            return Err(TruncatedTransport);
        }
        match [frame.u16(udp), frame.u16(udp + 2)] {
            [GTP, _] | [_, GTP] => {
                let Some(network) = gtp(frame, payload) else { return Ok((link, ip, tunnel)) };
                link.network = network;
                return Ok((link, one_ip(frame, network)?, Some(Tunnel::GtpU)));
            }
            [TZSP, _] | [_, TZSP] => {
                tunnel = Some(Tunnel::Tzsp);
                let Some(start) = tzsp(frame, payload)? else { return Ok((link, ip, tunnel)) };
                // TZSP's own fields are ignored: the inner frame has the outer one's link type.
                link = link_header(kind, frame, start, link)?;
            }
            [CAPWAP, _] | [_, CAPWAP] => {
                let Some(inner) = capwap(frame, payload, link) else {
                    return Ok((link, ip, tunnel));
                };
                (link, tunnel) = (inner, Some(Tunnel::Capwap));
            }
            _ => return Ok((link, ip, tunnel)),
        }
    }
}

/// Reads the link header at `at`. Properties that it lacks are taken from `outer`.
fn link_header(
    kind: LinkType,
    frame: Frame<'_>,
    at: usize,
    outer: Link,
) -> Result<Link, DecodeError> {
    /// Bytes of the shortest IPv4 and UDP headers.
    const LEAST: usize = 28;

    if frame.len() < at + LEAST {
        return Err(TruncatedLink);
    }
    let link = |len| Link { network: at + len, macs: None, ..outer };
    match kind {
        LinkType::ETHERNET => ethernet(frame, at, outer),
        LinkType::NULL => Ok(link(4)),
        LinkType::RAW_DLT | LinkType::RAW | LinkType::IPV4 => Ok(Link { is_ipv4: true, ..link(0) }),
        LinkType::IPV6 => Ok(link(0)),
        LinkType::PPP | LinkType::C_HDLC if !matches!(frame.u8(at), 0x0f | 0x8f) => {
            behind_type(frame, frame.u16(at), link(2))
        }
        LinkType::PPP | LinkType::PPP_SERIAL | LinkType::C_HDLC => {
            behind_type(frame, frame.u16(at + 2), link(4))
        }
        LinkType::LINUX_SLL => behind_type(frame, frame.u16(at + 14), link(16)),
        LinkType::RADIOTAP => radiotap(frame, at, outer),
        link => Err(UnsupportedLinkType { link }),
    }
}

fn ethernet(frame: Frame<'_>, at: usize, outer: Link) -> Result<Link, DecodeError> {
    const SNAP: u8 = 0xaa;
    const SPANNING_TREE: u8 = 0x42;

    let mut link = Link { network: at + 14, macs: Some((at + 6, at)), ..outer };
    let kind = frame.u16(at + 12);
    if kind > ethertype::LAST_IGNORED {
        return behind_type(frame, kind, link);
    }
    if kind > ethertype::LAST_LENGTH {
        return Ok(link);
    }
    let service_points: [u8; 2] = frame.bytes(link.network);
    if service_points.contains(&SNAP) {
        link.network += 8;
        // These bytes are not swapped.
        let kind = u16::from_le_bytes(frame.bytes(link.network - 2));
        return behind_type(frame, kind, link);
    }
    if service_points.contains(&SPANNING_TREE) {
        return Err(NotIp);
    }
    Ok(link)
}

/// Skips known tags and labels; any other value of `kind` does not matter.
fn behind_type(frame: Frame<'_>, mut kind: u16, mut link: Link) -> Result<Link, DecodeError> {
    loop {
        if link.network > frame.len() {
            return Err(TruncatedLink);
        }
        if kind == ethertype::VLAN {
            link.vlan_id = frame.u16(link.network) & 0x0fff;
            kind = frame.u16(link.network + 2);
            link.network += 4;
        } else if ethertype::MPLS.contains(&kind) {
            while frame.u8(link.network + 2) & 1 == 0 && link.network < frame.len() {
                link.network += 4;
            }
            link.network += 4;
            kind = ethertype::IPV4;
        } else if kind == ethertype::PPPOE {
            link.network += 8;
            kind = ethertype::IPV4;
        } else {
            link.is_ipv4 = kind == ethertype::IPV4;
            return Ok(link);
        }
    }
}

fn radiotap(frame: Frame<'_>, at: usize, outer: Link) -> Result<Link, DecodeError> {
    const TYPE: u8 = 0x0c;
    const DATA: u8 = 0x08;
    const HEADER_LEN: usize = 26;
    const LLC_LEN: usize = 8;

    let start = at + usize::from(u16::from_le_bytes(frame.bytes(at + 2)));
    let [control, flags] = frame.bytes(start);
    let [to_access_point, from_access_point] = [flags & 1 != 0, flags & 2 != 0];
    if control & TYPE != DATA || to_access_point == from_access_point {
        return Err(NotIp);
    }
    let network = start + HEADER_LEN + LLC_LEN;
    let is_ipv4 = frame.u16(network - 2) == ethertype::IPV4;
    Ok(Link { network, is_ipv4, macs: Some((start + 10, start + 16)), ..outer })
}

/// Reads nested network headers.
fn innermost_ip(frame: Frame<'_>, link: Link, memory: &mut Memory) -> Result<Ip, DecodeError> {
    let mut offset = link.network;
    loop {
        let ip = one_ip(frame, offset)?;
        if ip.version == 6 {
            memory.protocol = ip.protocol;
        } else if link.is_ipv4 {
            memory.protocol = ip.protocol;
            memory.fragment_offset = frame.u16(offset + 6) & 0x1fff;
        }
        if matches!(ip.protocol, protocol::IPV4 | protocol::IPV6) && ip.transport != offset {
            offset = ip.transport;
            continue;
        }
        if ip.version == 4 && memory.fragment_offset != 0 {
            return Err(MalformedNetwork);
        }
        return Ok(ip);
    }
}

fn one_ip(frame: Frame<'_>, offset: usize) -> Result<Ip, DecodeError> {
    match frame.u8(offset) >> 4 {
        4 => ipv4(frame, offset),
        6 => ipv6(frame, offset),
        _ => Err(NotIp),
    }
}

fn ipv4(frame: Frame<'_>, offset: usize) -> Result<Ip, DecodeError> {
    let available = frame.len_from(offset);
    if available < 20 {
        return Err(TruncatedNetwork);
    }
    let header_len = usize::from(frame.u8(offset) & 0x0f) * 4;
    let len = frame.u16(offset + 2);
    let transport_len = usize::from(len).checked_sub(header_len);
    Ok(Ip {
        version: 4,
        src: Endpoint::v4(frame.bytes(offset + 12), 0),
        dst: Endpoint::v4(frame.bytes(offset + 16), 0),
        protocol: frame.u8(offset + 9),
        offset,
        len: len.into(),
        has_length: len > 0 && transport_len.is_some() && header_len <= available,
        transport: offset + header_len,
        transport_len: narrow(transport_len.unwrap_or(0)),
    })
}

fn ipv6(frame: Frame<'_>, offset: usize) -> Result<Ip, DecodeError> {
    const HEADER_LEN: usize = 40;

    let payload_len = usize::from(frame.u16(offset + 4));
    let end = offset + HEADER_LEN + payload_len;
    let available = frame.len_from(offset);
    if available < HEADER_LEN + payload_len {
        return Err(TruncatedNetwork);
    }
    let mut next = frame.u8(offset + 6);
    let mut transport = offset + HEADER_LEN;
    // Parsing continues into the padding.
    while offset + available > transport + 1 {
        let [following, units] = frame.bytes(transport);
        let len = match next {
            protocol::HOP_BY_HOP
            | protocol::ROUTING
            | protocol::DESTINATION_OPTIONS
            | protocol::MOBILITY => usize::from(units) * 8 + 8,
            protocol::FRAGMENT => {
                if frame.u16(transport + 2) >> 3 != 0 {
                    return Err(MalformedNetwork);
                }
                8
            }
            protocol::NO_NEXT_HEADER => return Err(MalformedNetwork),
            _ => break,
        };
        if transport + len > end {
            return Err(MalformedNetwork);
        }
        transport += len;
        next = following;
    }
    Ok(Ip {
        version: 6,
        src: Endpoint::v6(frame.bytes(offset + 8), 0),
        dst: Endpoint::v6(frame.bytes(offset + 24), 0),
        protocol: next,
        offset,
        len: narrow(HEADER_LEN + payload_len),
        has_length: true,
        transport,
        transport_len: narrow(end - transport),
    })
}

/// Returns the offset of the packet after a GTP header.
fn gtp(frame: Frame<'_>, start: usize) -> Option<usize> {
    const VERSION_1: u8 = 1;
    const USER_PACKET: u8 = 0xff;

    let [flags, kind] = frame.bytes(start);
    let mut offset = start + 8;
    if frame.len() <= offset || flags >> 5 != VERSION_1 || kind != USER_PACKET {
        return None;
    }
    if flags & 7 != 0 {
        offset += 4;
    }
    if flags & 4 != 0 {
        loop {
            let len = usize::from(frame.u8(offset)) * 4;
            offset += len;
            if len == 0 || offset >= frame.len() {
                return None;
            }
            if frame.u8(offset - 1) == 0 {
                break;
            }
        }
    }
    (offset < frame.len()).then_some(offset)
}

/// Returns the offset of the Ethernet frame after a TZSP header. One tag is skipped.
fn tzsp(frame: Frame<'_>, start: usize) -> Result<Option<usize>, DecodeError> {
    const ETHERNET: [u8; 4] = [1, 0, 0, 1];
    const PADDING: u8 = 0;
    const END: u8 = 1;

    let tag = start + 4;
    if frame.len() < tag {
        return Err(TruncatedTransport);
    }
    if frame.bytes(start) != ETHERNET || frame.len() == tag {
        return Ok(None);
    }
    let tag_len = match frame.u8(tag) {
        PADDING | END => 1,
        _ => usize::from(frame.u8(tag + 1)),
    };
    if tag + tag_len >= frame.len() {
        return Err(TruncatedLink);
    }
    Ok(Some(tag + tag_len))
}

/// Skips a CAPWAP header and an 802.11 header after it, without checking either.
fn capwap(frame: Frame<'_>, start: usize, outer: Link) -> Option<Link> {
    const WIRELESS_LEN: usize = 24;
    const LLC_LEN: usize = 8;

    let [first, len] = frame.bytes(start);
    let header = start + usize::from(len >> 3) * 4;
    let network = header + WIRELESS_LEN + LLC_LEN;
    if first & 0x0f != 0 || network >= frame.len() {
        return None;
    }
    let is_ipv4 = frame.u16(network - 2) == ethertype::IPV4;
    Some(Link { network, is_ipv4, macs: Some((header + 10, header + 16)), ..outer })
}

fn packet(
    record: &RawRecord,
    frame: Frame<'_>,
    ip: &Ip,
    vlan_id: u16,
    tunnel: Option<Tunnel>,
) -> Packet {
    let at = ip.transport;
    let (mut src, mut dst) = (ip.src, ip.dst);
    let mut tcp_flags = TcpFlags::default();
    // Bytes of the transport header; for unknown protocols no bytes count after IP.
    let header_len = match (ip.protocol, ip.transport_len) {
        (protocol::TCP, 20..) => {
            tcp_flags = TcpFlags(frame.u8(at + 13));
            (src.port, dst.port) = (frame.u16(at), frame.u16(at + 2));
            Some(u32::from(frame.u8(at + 12) >> 4) * 4)
        }
        (protocol::UDP, 8..) => {
            (src.port, dst.port) = (frame.u16(at), frame.u16(at + 2));
            Some(8)
        }
        (protocol::ICMP | protocol::ICMP_V6, _) => Some(8),
        _ => None,
    };
    let payload_len = header_len.map_or(0, |len| ip.transport_len.saturating_sub(len));
    let payload = ip.len - payload_len;
    let transport_len = if header_len.is_some() { ip.transport_len } else { 0 };
    let offset = narrow(ip.offset);
    let tunnel_id = tunnel.map_or(0, Tunnel::id);
    Packet {
        time: record.time,
        src,
        dst,
        network: NetworkId::innermost(vlan_id, tunnel_id),
        tunnel_id,
        vlan_id,
        protocol: ip.protocol,
        version: ip.version,
        // All others were dropped.
        fragment: Fragment::Whole,
        tcp_flags,
        link: record.link,
        frame_offset: record.offset,
        capture_len: record.capture_len,
        wire_len: record.wire_len & 0xffff,
        ip_offset: offset,
        ip_len: ip.len,
        transport_offset: offset + (ip.len - transport_len),
        payload_offset: offset + payload,
        payload_len,
    }
}

#[cfg(test)]
mod tests {
    use nfstream_testkit::{Frame as Built, Ipv4};
    use proptest::prelude::*;

    use super::*;
    use crate::packet::Separation;
    use crate::time::Timestamp;

    const A: [u8; 4] = [192, 0, 2, 1];
    const B: [u8; 4] = [192, 0, 2, 2];
    const INNER: [u8; 4] = [192, 0, 2, 9];
    const STRICT: Options = Options { tunnels: true, separation: Separation::Network };

    fn record(link: LinkType, frame: &[u8]) -> RawRecord {
        let capture_len = narrow(frame.len());
        let time = Timestamp::default();
        RawRecord { time, offset: 0, capture_len, wire_len: capture_len, link }
    }

    fn read_bytes(frame: &[u8]) -> Result<Packet, DecodeError> {
        decode(&record(LinkType::ETHERNET, frame), frame, STRICT)
    }

    fn read_frame(frame: &Built) -> Result<Packet, DecodeError> {
        read_bytes(&frame.build())
    }

    fn ports(packet: &Packet) -> (u16, u16) {
        (packet.src.port, packet.dst.port)
    }

    fn udp() -> Built {
        Built::ethernet().ipv4(A, B).udp(1000, 2000).payload(b"payload")
    }

    /// A bare packet for the inside of a tunnel.
    fn inner() -> Vec<u8> {
        Built::raw().ipv4(INNER, B).udp(7, 9).payload(b"inner").build()
    }

    fn over_udp(port: u16, payload: &[u8]) -> Built {
        Built::ethernet().ipv4(A, B).udp(1000, port).payload(payload)
    }

    fn tunnel(frame: &Built) -> (u32, [u8; 4]) {
        let packet = read_frame(frame).unwrap();
        let [a, b, c, d, ..] = packet.src.addr;
        (packet.tunnel_id, [a, b, c, d])
    }

    proptest! {
        #[test]
        fn any_bytes_are_taken(
            frame in prop::collection::vec(any::<u8>(), 0..200),
            link in prop::sample::select(vec![0_u16, 1, 9, 12, 50, 101, 104, 113, 127, 228, 229]),
            kind in prop::sample::select(vec![0x0800_u16, 0x86dd, 0x8100, 0x8847, 0x8864, 40]),
            version in prop::sample::select(vec![0x40_u8, 0x45, 0x4f, 0x60]),
            port in prop::sample::select(vec![GTP, CAPWAP, TZSP]),
        ) {
            let mut frame = frame;
            // Random bytes rarely pass the first header.
            if let Some(place) = frame.get_mut(12..15) {
                place.copy_from_slice(&[kind.to_be_bytes()[0], kind.to_be_bytes()[1], version]);
            }
            if let Some(place) = frame.get_mut(34..36) {
                place.copy_from_slice(&port.to_be_bytes());
            }
            let record = record(LinkType(link), &frame);
            if let Ok(packet) = decode(&record, &frame, STRICT) {
                prop_assert!(packet.payload_len <= packet.ip_len);
                prop_assert!(packet.transport_offset <= packet.payload_offset);
                prop_assert!(packet.payload(&frame).len() <= frame.len());
                link_addresses(&packet, &frame);
            }
        }
    }

    #[test]
    fn valid_frames_read_as_usual() {
        let frames = [
            udp(),
            Built::ethernet().vlan(7).ipv4(A, B).tcp(1, 2, 0x12),
            Built::ethernet().mpls(5).ipv4(A, B).udp(1, 2),
            Built::ethernet().pppoe(1).ipv4(A, B).udp(1, 2),
            Built::ethernet().ipv6([1; 16], [2; 16]).udp(1, 2),
            Built::ethernet().ipv4(A, B).ipv4(B, A).udp(1, 2),
        ];
        for frame in frames {
            let bytes = frame.build();
            let record = record(LinkType::ETHERNET, &bytes);
            let usual = crate::decode::decode(&record, &bytes, Options::default(), &mut Vec::new());
            assert_eq!(decode(&record, &bytes, STRICT), usual.map(keyed), "{frame:?}");
        }
    }

    #[test]
    fn later_fragments_are_dropped_and_first_ones_are_whole() {
        let cut = |offset| Built::ethernet().ip(Ipv4::new(A, B).fragment(7, offset, true));
        assert_eq!(read_frame(&cut(24).opaque(17).payload_len(16)), Err(MalformedNetwork));
        let first = read_frame(&cut(0).udp(1, 2).payload_len(16)).unwrap();
        assert_eq!((first.fragment, ports(&first)), (Fragment::Whole, (1, 2)));
    }

    #[test]
    fn later_fragments_after_other_ethertypes_pass() {
        let later = Built::ethernet().ip(Ipv4::new(A, B).fragment(7, 24, true)).opaque(17);
        let mut bytes = later.payload_len(16).build();
        bytes[12..14].copy_from_slice(&[0x12, 0x34]);
        assert!(read_bytes(&bytes).is_ok());
    }

    #[test]
    fn a_total_length_of_0_is_dropped() {
        let frame = Built::ethernet().ip(Ipv4::new(A, B).claiming(0)).udp(1, 2);
        assert_eq!(read_frame(&frame), Err(MalformedNetwork));
    }

    #[test]
    fn unknown_ethertypes_and_lengths_are_read_as_ip() {
        for kind in [0x1234_u16, 0x0806, 0x86dd, 40, 1510] {
            let mut bytes = udp().build();
            bytes[12..14].copy_from_slice(&kind.to_be_bytes());
            assert_eq!(read_bytes(&bytes).map(|packet| ports(&packet)), Ok((1000, 2000)));
        }
    }

    #[test]
    fn service_tags_are_not_known() {
        let frame = Built::ethernet().service_vlan(5).ipv4(A, B).udp(1, 2);
        assert_eq!(read_frame(&frame), Err(NotIp));
    }

    #[test]
    fn header_lengths_below_20_are_accepted() {
        let mut bytes = udp().build();
        bytes[14] = 0x41;
        bytes[18..22].copy_from_slice(&[0x12, 0x34, 0, 0]);
        // The ports are identification and fragment word.
        assert_eq!(read_bytes(&bytes).map(|packet| ports(&packet)), Ok((0x1234, 0)));
    }

    #[test]
    fn sctp_has_no_ports() {
        let packet = read_frame(&Built::ethernet().ipv4(A, B).sctp(1, 2)).unwrap();
        assert_eq!((packet.protocol, ports(&packet)), (132, (0, 0)));
    }

    #[test]
    fn ports_need_a_whole_header_by_the_length_of_ip() {
        let frame = |len| Built::ethernet().ip(Ipv4::new(A, B).claiming(len)).udp(1, 2);
        assert_eq!(ports(&read_frame(&frame(27)).unwrap()), (0, 0));
        assert_eq!(ports(&read_frame(&frame(28)).unwrap()), (1, 2));
    }

    #[test]
    fn cut_ipv6_is_dropped() {
        let mut bytes = Built::ethernet().ipv6([1; 16], [2; 16]).udp(1, 2).payload_len(9).build();
        assert!(read_bytes(&bytes).is_ok());
        bytes.pop();
        assert_eq!(read_bytes(&bytes), Err(TruncatedNetwork));
    }

    #[test]
    fn lengths_have_16_bits() {
        let bytes = udp().build();
        let record = RawRecord { wire_len: 70_000, ..record(LinkType::ETHERNET, &bytes) };
        assert_eq!(decode(&record, &bytes, STRICT).unwrap().wire_len, 4_464);
    }

    #[test]
    fn captured_bytes_from_ip_on_are_counted_in_16_bits() {
        let read =
            |frame: &Built, len: usize| read_bytes(&frame.clone().padded_to(65_536 + len).build());
        let v6 = Built::ethernet().ipv6([1; 16], [2; 16]).udp(1000, 2000).payload(b"payload");
        assert_eq!(read(&udp(), 14 + 19), Err(TruncatedNetwork));
        assert_eq!(ports(&read(&udp(), 14 + 20).unwrap()), (1000, 2000));
        assert_eq!(read(&v6, 14 + 54), Err(TruncatedNetwork));
        assert_eq!(ports(&read(&v6, 14 + 55).unwrap()), (1000, 2000));
        // Less than the headers before IP, so the length is negative.
        for len in [0, 13] {
            assert!(read(&udp(), len).is_ok() && read(&v6, len).is_ok());
        }
    }

    #[test]
    fn gtp_carries_packets() {
        let with = |header: &[u8]| over_udp(GTP, &[header, &inner()].concat());
        assert_eq!(tunnel(&with(&[0x30, 0xff, 0, 33, 0, 0, 0, 9])), (1, INNER));
        assert_eq!(tunnel(&with(&[0x32, 0xff, 0, 37, 0, 0, 0, 9, 0, 1, 0, 0])), (1, INNER));
        let extended = [0x34, 0xff, 0, 41, 0, 0, 0, 9, 0, 1, 0, 0x85, 1, 0, 0, 0];
        assert_eq!(tunnel(&with(&extended)), (1, INNER));
        assert_eq!(tunnel(&with(&[0x30, 0x01, 0, 33, 0, 0, 0, 9])), (0, A));
    }

    #[test]
    fn tzsp_carries_frames_after_one_tag() {
        let frame = Built::ethernet().ipv4(INNER, B).udp(7, 9).build();
        let with = |header: &[u8]| over_udp(TZSP, &[header, &frame].concat());
        assert_eq!(tunnel(&with(&[1, 0, 0, 1, 1])), (3, INNER));
        assert_eq!(read_frame(&with(&[1, 0, 0, 1, 10, 3, 0xff, 1])), Err(NotIp));
        // The number is kept even if the inner frame is not read.
        assert_eq!(tunnel(&with(&[1, 0, 0, 4, 1])), (3, A));
    }

    #[test]
    fn capwap_carries_anything_that_resembles_ip() {
        let header = [0, 0x10, 2, 0, 0, 0, 0, 0];
        let wireless = [&[8, 1, 0, 0][..], &[1; 6], &[2; 6], &[3; 6], &[0; 2]].concat();
        let llc = [0xaa, 0xaa, 3, 0, 0, 0, 8, 0];
        let frame = over_udp(CAPWAP, &[&header[..], &wireless, &llc, &inner()].concat());
        assert_eq!(tunnel(&frame), (2, INNER));
        let bytes = frame.build();
        let packet = read_bytes(&bytes).unwrap();
        let expected = LinkAddresses { src: [2; 6], dst: [3; 6] };
        assert_eq!(link_addresses(&packet, &bytes), expected);
    }

    #[test]
    fn tunnels_stay_closed_when_disabled() {
        let bytes = over_udp(GTP, &[&[0x30, 0xff, 0, 33, 0, 0, 0, 9], &inner()[..]].concat());
        let bytes = bytes.build();
        let options = Options { tunnels: false, ..STRICT };
        let packet = decode(&record(LinkType::ETHERNET, &bytes), &bytes, options).unwrap();
        assert_eq!((packet.tunnel_id, ports(&packet)), (0, (1000, GTP)));
    }
}
