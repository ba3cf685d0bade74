//! Fields of a packet that measures read.

use super::cell::{MISSING, of_float};
use super::operator::truth;
use crate::features::Sample;
use crate::flow::Direction;
use crate::packet::{Packet, TcpFlags};
use crate::time::TimeUnit;

/// Type of a value.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Scalar {
    /// True or false.
    Bool,
    /// Floating-point number.
    Float,
    /// Whole number.
    Whole,
}

/// Field of a packet, by name: `pkt.length`.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Name after `pkt.`.
    pub name: &'static str,
    /// Type of its values.
    pub scalar: Scalar,
    /// Unit of its values, empty where there is none.
    pub unit: &'static str,
    /// Description, one phrase without a full stop.
    pub description: &'static str,
    /// Origin of its value.
    pub(crate) source: Source,
}

/// Origin of a field's value.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) enum Source {
    /// The packet alone.
    Packet(Part),
    /// The time since the previous packet, in a unit.
    Gap(TimeUnit),
    /// The time since the flow's first packet, in a unit.
    Elapsed(TimeUnit),
}

/// Part of a packet.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) enum Part {
    Acknowledgment,
    CaptureLen,
    Direction,
    Down,
    DstPort,
    Entropy,
    Flag(u8),
    Flags,
    HeaderLen,
    IpLen,
    Number,
    /// Byte of the payload at an offset.
    PayloadByte(u16),
    PayloadLen,
    Protocol,
    Sequence,
    Size,
    SrcPort,
    Time(TimeUnit),
    Tos,
    Ttl,
    Tunnel,
    Up,
    Version,
    Vlan,
    Window,
    WireLen,
}

/// Returns a field of the packet alone.
const fn of_packet(
    name: &'static str,
    scalar: Scalar,
    unit: &'static str,
    description: &'static str,
    part: Part,
) -> Field {
    Field { name, scalar, unit, description, source: Source::Packet(part) }
}

const fn whole(
    name: &'static str,
    unit: &'static str,
    description: &'static str,
    part: Part,
) -> Field {
    of_packet(name, Scalar::Whole, unit, description, part)
}

const fn flag(name: &'static str, description: &'static str, flag: TcpFlags) -> Field {
    of_packet(name, Scalar::Bool, "", description, Part::Flag(flag.0))
}

const fn timed(
    name: &'static str,
    unit: &'static str,
    description: &'static str,
    source: Source,
) -> Field {
    Field { name, scalar: Scalar::Whole, unit, description, source }
}

use TimeUnit::{Microseconds, Milliseconds, Nanoseconds};

/// Fields of a packet, in addition to bytes of the payload, `pkt.payload[offset]`.
pub static FIELDS: &[Field] = &[
    whole("length", "bytes", "length of the frame on the wire", Part::WireLen),
    whole("capture_length", "bytes", "length of the frame in the capture", Part::CaptureLen),
    whole("ip_length", "bytes", "length of the IP packet, header included", Part::IpLen),
    whole("header_length", "bytes", "length of the transport header", Part::HeaderLen),
    whole("payload_length", "bytes", "bytes after the transport header", Part::PayloadLen),
    whole("size", "bytes", "bytes that count by accounting_mode", Part::Size),
    whole("time", "ms", "time since the Unix epoch", Part::Time(Milliseconds)),
    whole("time_us", "us", "time since the Unix epoch", Part::Time(Microseconds)),
    whole("time_ns", "ns", "time since the Unix epoch", Part::Time(Nanoseconds)),
    timed("iat_ms", "ms", "time since the previous packet", Source::Gap(Milliseconds)),
    timed("iat_us", "us", "time since the previous packet", Source::Gap(Microseconds)),
    timed("iat_ns", "ns", "time since the previous packet", Source::Gap(Nanoseconds)),
    timed("elapsed_ms", "ms", "time since the first packet", Source::Elapsed(Milliseconds)),
    timed("elapsed_us", "us", "time since the first packet", Source::Elapsed(Microseconds)),
    timed("elapsed_ns", "ns", "time since the first packet", Source::Elapsed(Nanoseconds)),
    whole("number", "", "number of the packet in its flow, from 0", Part::Number),
    whole("direction", "", "0 from source to destination, 1 the other way", Part::Direction),
    of_packet("up", Scalar::Bool, "", "from source to destination", Part::Up),
    of_packet("down", Scalar::Bool, "", "from destination to source", Part::Down),
    whole("src_port", "", "port of the sender, 0 without one", Part::SrcPort),
    whole("dst_port", "", "port of the receiver, 0 without one", Part::DstPort),
    whole("protocol", "", "IP protocol number", Part::Protocol),
    whole("version", "", "IP version", Part::Version),
    whole("vlan_id", "", "innermost VLAN identifier, 0 without a tag", Part::Vlan),
    whole("tunnel_id", "", "tunnel of the packet, 0 without one", Part::Tunnel),
    whole("ttl", "", "time to live, or hop limit", Part::Ttl),
    whole("tos", "", "type of service, or traffic class", Part::Tos),
    whole("window", "", "TCP window, not scaled; missing outside TCP", Part::Window),
    whole("seq", "", "TCP sequence number; missing outside TCP", Part::Sequence),
    whole("ack_number", "", "TCP acknowledgment number; missing outside TCP", Part::Acknowledgment),
    whole("tcp_flags", "", "all TCP flags as a number, 0 outside TCP", Part::Flags),
    flag("syn", "TCP flag SYN, false outside TCP", TcpFlags::SYN),
    flag("fin", "TCP flag FIN, false outside TCP", TcpFlags::FIN),
    flag("rst", "TCP flag RST, false outside TCP", TcpFlags::RST),
    flag("psh", "TCP flag PSH, false outside TCP", TcpFlags::PSH),
    flag("ack", "TCP flag ACK, false outside TCP", TcpFlags::ACK),
    flag("urg", "TCP flag URG, false outside TCP", TcpFlags::URG),
    flag("ece", "TCP flag ECE, false outside TCP", TcpFlags::ECE),
    flag("cwr", "TCP flag CWR, false outside TCP", TcpFlags::CWR),
    of_packet(
        "payload_entropy",
        Scalar::Float,
        "bits",
        "entropy of the captured payload in bits per byte; missing without payload",
        Part::Entropy,
    ),
];

impl Field {
    /// Returns the field called `name`.
    pub fn by_name(name: &str) -> Option<&'static Self> {
        FIELDS.iter().find(|field| field.name == name)
    }
}

impl Part {
    /// Returns its value in the packet of `sample`, missing if the packet has none.
    #[inline]
    pub(super) fn read(self, sample: &Sample<'_>) -> i64 {
        let packet = sample.packet;
        match self {
            Self::CaptureLen => packet.capture_len.into(),
            Self::Direction | Self::Down => truth(sample.direction == Direction::Dst2Src),
            Self::DstPort => packet.dst.port.into(),
            Self::Flag(flag) => truth(packet.tcp_flags.0 & flag != 0),
            Self::Flags => packet.tcp_flags.0.into(),
            Self::HeaderLen => packet.payload_offset.saturating_sub(packet.transport_offset).into(),
            Self::IpLen => packet.ip_len.into(),
            Self::Number => i64::try_from(sample.volume.total_packets() - 1).unwrap_or(i64::MAX),
            Self::PayloadLen => packet.payload_len.into(),
            Self::Protocol => packet.protocol.into(),
            Self::Size => sample.size.into(),
            Self::SrcPort => packet.src.port.into(),
            Self::Time(unit) => sample.time.ticks(unit),
            Self::Tunnel => packet.tunnel_id.into(),
            Self::Up => truth(sample.direction == Direction::Src2Dst),
            Self::Version => packet.version.into(),
            Self::Vlan => packet.vlan_id.into(),
            Self::WireLen => packet.wire_len.into(),
            Self::Acknowledgment => segment(sample, |segment| segment.acknowledgment.into()),
            Self::Sequence => segment(sample, |segment| segment.sequence.into()),
            Self::Window => segment(sample, |segment| segment.window.into()),
            Self::Ttl => ip_byte(sample, if packet.version == 4 { 8 } else { 7 }),
            Self::Tos if packet.version == 4 => ip_byte(sample, 1),
            Self::Tos => match (ip_byte(sample, 0), ip_byte(sample, 1)) {
                (high @ 0.., low @ 0..) => (high & 0xf) << 4 | low >> 4,
                _ => MISSING,
            },
            Self::PayloadByte(offset) => payload(packet, sample.frame())
                .get(usize::from(offset))
                .map_or(MISSING, |byte| (*byte).into()),
            Self::Entropy => entropy(payload(packet, sample.frame())),
        }
    }
}

fn segment(sample: &Sample<'_>, read: impl FnOnce(crate::flow::Segment) -> i64) -> i64 {
    sample.segment().map_or(MISSING, read)
}

/// Returns a byte of the innermost IP header.
fn ip_byte(sample: &Sample<'_>, offset: usize) -> i64 {
    let start = usize::try_from(sample.packet.ip_offset).unwrap_or(usize::MAX);
    let byte = sample.frame().get(start.saturating_add(offset));
    byte.map_or(MISSING, |byte| (*byte).into())
}

/// Returns the captured payload of a packet in its frame.
fn payload<'a>(packet: &Packet, frame: &'a [u8]) -> &'a [u8] {
    Packet { frame_offset: 0, ..*packet }.payload(frame)
}

/// Returns the Shannon entropy of `bytes` in bits per byte, missing without bytes.
fn entropy(bytes: &[u8]) -> i64 {
    if bytes.is_empty() {
        return MISSING;
    }
    let mut counts = [0_u32; 256];
    for byte in bytes {
        counts[usize::from(*byte)] += 1;
    }
    let total = f64::from(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
    let shares = counts.iter().filter(|count| **count > 0).map(|count| f64::from(*count) / total);
    of_float(shares.map(|share| -share * share.log2()).sum::<f64>())
}
