//! Proptest strategies for packets and for streams of them.
//!
//! A [`Plan`] describes a packet; both its frame and the expected result of decoding follow from
//! it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::ops::Range;

use nfstream::flow::Timeouts;
use nfstream::time::Timestamp;
use proptest::prelude::*;
use proptest::sample::select;

use crate::{Captured, Frame, Ipv4, seconds};

/// Description of a packet.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Plan {
    /// Headers in front of the IP packet.
    pub carrier: Carrier,
    /// Whether it is encapsulated in another IP packet.
    pub tunnelled: bool,
    /// Sender; the port matters only for protocols with ports.
    pub src: SocketAddr,
    /// Receiver, of the same IP version.
    pub dst: SocketAddr,
    /// IP protocol number.
    pub protocol: u8,
    /// Fragmentation.
    pub piece: Piece,
    /// Length of IPv4 options, or of an IPv6 extension header, in units of eight bytes.
    pub option_units: u8,
    /// Payload bytes after the transport header.
    pub payload_len: usize,
    /// Padding bytes after the IP packet.
    pub padding: usize,
    /// Bytes of payload and padding missing from the capture.
    pub cut: usize,
}

/// Headers in front of the IP header.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[allow(missing_docs, reason = "the names of protocols")]
pub enum Carrier {
    Ethernet,
    LinuxSll,
    LinuxSll2,
    Mpls,
    Null,
    Ppp,
    Pppoe,
    QinQ { service: u16, vlan: u16 },
    Raw,
    Vlan(u16),
}

/// Fragmentation of a packet.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Piece {
    /// A whole packet.
    Whole,
    /// The first fragment of a packet with this identification.
    First(u16),
    /// A later fragment of it.
    Later(u16),
}

/// Whether the times of a stream may run backwards.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Order {
    /// They never do.
    InTime,
    /// They sometimes do.
    Late,
}

const TCP: u8 = 6;
const UDP: u8 = 17;
const SCTP: u8 = 132;
const ICMP: u8 = 1;
const ICMPV6: u8 = 58;
/// Encapsulating Security Payload, a protocol without readable headers.
const ESP: u8 = 50;

impl Plan {
    /// Returns whether the packet has readable ports.
    pub fn has_ports(&self) -> bool {
        matches!(self.protocol, TCP | UDP | SCTP) && !matches!(self.piece, Piece::Later(_))
    }

    /// Returns its ends as decoded: with port 0 if it has none.
    pub fn ends(&self) -> [SocketAddr; 2] {
        let port = |end: SocketAddr| if self.has_ports() { end.port() } else { 0 };
        [self.src, self.dst].map(|end| SocketAddr::new(end.ip(), port(end)))
    }

    /// Returns its innermost VLAN identifier.
    pub fn vlan_id(&self) -> u16 {
        match self.carrier {
            Carrier::Vlan(vlan) | Carrier::QinQ { vlan, .. } => vlan,
            _ => 0,
        }
    }

    /// Returns its VLAN identifiers from the outside in, without tags that only carry a priority.
    pub fn vlan_ids(&self) -> Vec<u16> {
        let mut ids = match self.carrier {
            Carrier::Vlan(vlan) => vec![vlan],
            Carrier::QinQ { service, vlan } => vec![service, vlan],
            _ => Vec::new(),
        };
        ids.retain(|id| *id != 0);
        ids
    }

    /// Returns whether nothing follows the first IP header.
    pub fn is_headers_alone(&self) -> bool {
        self.transport_len() + self.payload_len + usize::from(self.option_units) == 0
            && self.piece == Piece::Whole
    }

    /// Returns the bytes of its transport header.
    pub fn transport_len(&self) -> usize {
        match (self.piece, self.protocol) {
            (Piece::Later(_), _) => 0,
            (_, TCP) => 20,
            (_, SCTP) => 12,
            (_, UDP | ICMP | ICMPV6) => 8,
            _ => 0,
        }
    }

    /// Returns the packet captured at `time`.
    pub fn captured(&self, time: Timestamp) -> Captured {
        let captured = Captured::new(time, &self.frame());
        let len = captured.bytes.len();
        captured.cut_to(len - self.cut.min(self.payload_len + self.padding))
    }

    /// Returns the packet's frame.
    pub fn frame(&self) -> Frame {
        let frame = match self.carrier {
            Carrier::Ethernet => Frame::ethernet(),
            Carrier::LinuxSll => Frame::linux_sll(),
            Carrier::LinuxSll2 => Frame::linux_sll2(),
            Carrier::Mpls => Frame::ethernet().mpls(1000).mpls(16),
            Carrier::Null => Frame::null(),
            Carrier::Ppp => Frame::ppp(),
            Carrier::Pppoe => Frame::ethernet().pppoe(1),
            Carrier::QinQ { service, vlan } => Frame::ethernet().service_vlan(service).vlan(vlan),
            Carrier::Raw => Frame::raw(),
            Carrier::Vlan(vlan) => Frame::ethernet().vlan(vlan),
        };
        let frame = if self.tunnelled { frame.ipv4([10, 0, 0, 1], [10, 0, 0, 2]) } else { frame };
        let frame = self.network(frame);
        let [src, dst] = [self.src.port(), self.dst.port()];
        let frame = match (self.piece, self.protocol) {
            (Piece::Later(_), protocol) => frame.opaque(protocol.into()),
            (_, TCP) => frame.tcp(src, dst, 0x10),
            (_, UDP) => frame.udp(src, dst),
            (_, SCTP) => frame.sctp(src, dst),
            (_, ICMP) => frame.icmp(8, 0),
            (_, ICMPV6) => frame.icmpv6(128, 0),
            (_, protocol) => frame.opaque(protocol.into()),
        };
        let frame = frame.payload_len(self.payload_len);
        let padded_to = frame.build().len() + self.padding;
        frame.padded_to(padded_to)
    }

    /// Returns one of a few thousand packets among a few ends; higher numbers give less usual
    /// packets.
    pub fn numbered(number: u32) -> Self {
        let mut digits = number;
        let mut digit = |base: u32| {
            let digit = digits % base;
            digits /= base;
            usize::try_from(digit).expect("smaller than its base")
        };
        let [a, b, c]: [IpAddr; 3] = [1, 2, 3].map(|host| Ipv4Addr::new(192, 0, 2, host).into());
        let [a6, b6]: [IpAddr; 2] =
            [1, 2].map(|host| Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, host).into());
        let (src, dst) = [(a, b), (b, a), (a6, b6), (b6, a6), (c, a), (b, c), (a, a)][digit(7)];
        let protocol = [UDP, TCP, UDP, SCTP, ICMP, ESP][digit(6)];
        let ports = [(1000, 53), (53, 1000), (1000, 1001), (1001, 1000), (0, 53)][digit(5)];
        use Piece::{First, Later, Whole};
        let pieces = [Whole, Whole, Whole, Whole, Whole, Later(1), First(1), Later(2), First(2)];
        let piece = pieces[digit(9)];
        let carriers = [
            Carrier::Ethernet,
            Carrier::Vlan(7),
            Carrier::QinQ { service: 3, vlan: 7 },
            Carrier::Raw,
            Carrier::LinuxSll,
            Carrier::Ethernet,
        ];
        let carrier = carriers[digit(6)];
        let (payload_len, padding, cut) = [(10, 0, 0), (0, 18, 0), (700, 0, 650)][digit(3)];
        Self {
            carrier,
            tunnelled: digit(3) == 2,
            src: SocketAddr::new(src, ports.0),
            dst: SocketAddr::new(dst, ports.1),
            protocol,
            piece,
            option_units: u8::from(digit(4) == 3),
            payload_len,
            padding,
            cut,
        }
    }

    /// Number of different packets that [`numbered`](Self::numbered) returns.
    pub const NUMBERS: u32 = 7 * 6 * 5 * 9 * 6 * 3 * 3 * 4;

    fn network(&self, frame: Frame) -> Frame {
        let options = usize::from(self.option_units) * 8;
        match (self.src.ip(), self.dst.ip()) {
            (IpAddr::V4(src), IpAddr::V4(dst)) => {
                // No-operation options.
                let header = Ipv4::new(src.octets(), dst.octets()).options(&vec![1; options]);
                frame.ip(match self.piece {
                    Piece::Whole => header,
                    Piece::First(identification) => header.fragment(identification, 0, true),
                    Piece::Later(identification) => header.fragment(identification, 64, false),
                })
            }
            (IpAddr::V6(src), IpAddr::V6(dst)) => {
                let frame = frame.ipv6(src.octets(), dst.octets());
                let frame = if options > 0 { frame.extension(60, options) } else { frame };
                match self.piece {
                    Piece::Whole => frame,
                    Piece::First(identification) => frame.fragment(identification.into(), 0, true),
                    Piece::Later(identification) => {
                        frame.fragment(identification.into(), 64, false)
                    }
                }
            }
            _ => unreachable!("both ends have one IP version"),
        }
    }
}

/// Returns a strategy for any packet, with any addresses and ports.
pub fn plan() -> impl Strategy<Value = Plan> {
    let carrier = prop_oneof![
        select(vec![
            Carrier::Ethernet,
            Carrier::LinuxSll,
            Carrier::LinuxSll2,
            Carrier::Mpls,
            Carrier::Null,
            Carrier::Ppp,
            Carrier::Pppoe,
            Carrier::Raw,
        ]),
        (0_u16..4096).prop_map(Carrier::Vlan),
        (0_u16..4096, 0_u16..4096).prop_map(|(service, vlan)| Carrier::QinQ { service, vlan }),
    ];
    let piece = prop_oneof![
        3 => Just(Piece::Whole),
        1 => any::<u16>().prop_map(Piece::First),
        1 => any::<u16>().prop_map(Piece::Later),
    ];
    let addresses = prop_oneof![
        any::<[Ipv4Addr; 2]>().prop_map(|ends| ends.map(IpAddr::from)),
        any::<[Ipv6Addr; 2]>().prop_map(|ends| ends.map(IpAddr::from)),
    ];
    let ends = (addresses, any::<[u16; 2]>(), select(vec![TCP, UDP, SCTP, ESP, ICMP, ICMPV6]));
    (carrier, any::<bool>(), ends, piece, 0_u8..=5, 0_usize..200, 0_usize..50, 0_usize..250)
        .prop_map(|(carrier, tunnelled, ends, piece, option_units, payload_len, padding, cut)| {
            let ([src, dst], [src_port, dst_port], protocol) = ends;
            Plan {
                carrier,
                tunnelled,
                src: SocketAddr::new(src, src_port),
                dst: SocketAddr::new(dst, dst_port),
                protocol,
                piece,
                option_units,
                payload_len,
                padding,
                cut,
            }
        })
}

/// Returns a strategy for packets among few ends, so that flows collide. Times jump to the limits
/// of `timeouts`, repeat, and run backwards with [`Order::Late`].
pub fn stream(
    timeouts: Timeouts,
    len: Range<usize>,
    order: Order,
) -> impl Strategy<Value = Vec<(Timestamp, Plan)>> {
    let packet = (0..Plan::NUMBERS).prop_map(Plan::numbered);
    prop::collection::vec((step(timeouts, order), packet), len).prop_map(|steps| {
        let mut time = seconds(1_700_000_000);
        steps
            .into_iter()
            .map(|(step, plan)| {
                time = Timestamp::from_nanos(time.nanos() + step);
                (time, plan)
            })
            .collect()
    })
}

/// Returns a strategy for the nanoseconds between two packets.
fn step(timeouts: Timeouts, order: Order) -> impl Strategy<Value = i64> {
    let [idle, active] = [timeouts.idle, timeouts.active]
        .map(|timeout| i64::try_from(timeout.nanos()).expect("timeouts in tests are short"));
    let back = match order {
        Order::InTime => 0,
        Order::Late => 1,
    };
    let edges = [idle - 1, idle, idle + 1, active - 1, active, idle / 2];
    prop_oneof![
        200 => 0..idle / 128 + 2,
        40 => Just(0),
        20 => 0..2_i64,
        2 => select(edges.map(|edge| edge.max(0)).to_vec()),
        back * 20 => -(idle / 16 + 2)..0,
        back => -3 * idle - 1..0,
    ]
}
