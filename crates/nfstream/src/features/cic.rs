//! Features of CICFlowMeter, by the definitions of its corrected fork.

use super::boxed::Boxed;
use super::bulks::Bulk;
use super::cic_state::Cic;
use super::{Declaration, Declared, Presence, Read, Record, Role};
use crate::flow::Direction::{Dst2Src, Src2Dst};
use crate::packet::TcpFlags;

pub(super) type State = Boxed<Cic>;

pub(super) const GROUP: Declaration = Declaration {
    presence: Presence::NamedFeature,
    shorthand: None,
    about: "Features of CICFlowMeter without its published errors; [cic.md](cic.md) has the \
            definitions. With `names=\"cic\"`, tables have its column headings. Payload is that of \
            TCP and UDP, 0 in other protocols; times are in microseconds, with a fraction. \
            Statistics over no values are 0, as is the standard deviation of one value; rates of a \
            flow without duration are null.",
    columns: &[&[
        Declared::span_in(
            "us",
            "cic_flow_duration",
            "time from the first packet to the last",
            Read::F64(|r| of(r, |cic| micros(cic.duration()))),
        ),
        Declared::packets(
            "cic_total_fwd_packet",
            "packets from source to destination",
            Read::U64(|r| of(r, |cic| cic.way(Src2Dst).lengths.count)),
        ),
        Declared::packets(
            "cic_total_bwd_packets",
            "packets from destination to source",
            Read::U64(|r| of(r, |cic| cic.way(Dst2Src).lengths.count)),
        ),
        Declared::bytes(
            "cic_total_length_of_fwd_packet",
            "payload from source to destination",
            Read::U64(|r| of(r, |cic| cic.way(Src2Dst).lengths.sum)),
        ),
        Declared::bytes(
            "cic_total_length_of_bwd_packet",
            "payload from destination to source",
            Read::U64(|r| of(r, |cic| cic.way(Dst2Src).lengths.sum)),
        ),
        Declared::bytes(
            "cic_fwd_packet_length_max",
            "maximum of the payload of packets from source to destination",
            Read::U64(|r| of(r, |cic| cic.way(Src2Dst).lengths.max)),
        ),
        Declared::bytes(
            "cic_fwd_packet_length_min",
            "minimum of the payload of packets from source to destination",
            Read::U64(|r| of(r, |cic| cic.way(Src2Dst).lengths.min)),
        ),
        Declared::bytes(
            "cic_fwd_packet_length_mean",
            "mean of the payload of packets from source to destination",
            Read::F64(|r| of(r, |cic| cic.way(Src2Dst).lengths.mean())),
        ),
        Declared::bytes(
            "cic_fwd_packet_length_std",
            "sample standard deviation of the payload of packets from source to destination",
            Read::F64(|r| of(r, |cic| cic.way(Src2Dst).lengths.deviation())),
        ),
        Declared::bytes(
            "cic_bwd_packet_length_max",
            "maximum of the payload of packets from destination to source",
            Read::U64(|r| of(r, |cic| cic.way(Dst2Src).lengths.max)),
        ),
        Declared::bytes(
            "cic_bwd_packet_length_min",
            "minimum of the payload of packets from destination to source",
            Read::U64(|r| of(r, |cic| cic.way(Dst2Src).lengths.min)),
        ),
        Declared::bytes(
            "cic_bwd_packet_length_mean",
            "mean of the payload of packets from destination to source",
            Read::F64(|r| of(r, |cic| cic.way(Dst2Src).lengths.mean())),
        ),
        Declared::bytes(
            "cic_bwd_packet_length_std",
            "sample standard deviation of the payload of packets from destination to source",
            Read::F64(|r| of(r, |cic| cic.way(Dst2Src).lengths.deviation())),
        ),
        Declared::number(
            "cic_flow_bytes_s",
            "bytes/s",
            "payload per second of the duration",
            Read::OptionF64(|r| of(r, |cic| per_second(cic.lengths().sum, cic.duration()))),
        ),
        Declared::number(
            "cic_flow_packets_s",
            "packets/s",
            "packets per second of the duration",
            Read::OptionF64(|r| of(r, |cic| per_second(cic.lengths().count, cic.duration()))),
        ),
        Declared::span_in(
            "us",
            "cic_flow_iat_mean",
            "mean of the gaps between packets",
            Read::F64(|r| of(r, |cic| cic.gaps.mean() / 1e3)),
        ),
        Declared::span_in(
            "us",
            "cic_flow_iat_std",
            "sample standard deviation of the gaps between packets",
            Read::F64(|r| of(r, |cic| cic.gaps.deviation() / 1e3)),
        ),
        Declared::span_in(
            "us",
            "cic_flow_iat_max",
            "maximum of the gaps between packets",
            Read::F64(|r| of(r, |cic| micros(cic.gaps.max))),
        ),
        Declared::span_in(
            "us",
            "cic_flow_iat_min",
            "minimum of the gaps between packets",
            Read::F64(|r| of(r, |cic| micros(cic.gaps.min))),
        ),
        Declared::span_in(
            "us",
            "cic_fwd_iat_total",
            "sum of the gaps between packets from source to destination",
            Read::F64(|r| of(r, |cic| micros(cic.way(Src2Dst).gaps.sum))),
        ),
        Declared::span_in(
            "us",
            "cic_fwd_iat_mean",
            "mean of the gaps between packets from source to destination",
            Read::F64(|r| of(r, |cic| cic.way(Src2Dst).gaps.mean() / 1e3)),
        ),
        Declared::span_in(
            "us",
            "cic_fwd_iat_std",
            "sample standard deviation of the gaps between packets from source to destination",
            Read::F64(|r| of(r, |cic| cic.way(Src2Dst).gaps.deviation() / 1e3)),
        ),
        Declared::span_in(
            "us",
            "cic_fwd_iat_max",
            "maximum of the gaps between packets from source to destination",
            Read::F64(|r| of(r, |cic| micros(cic.way(Src2Dst).gaps.max))),
        ),
        Declared::span_in(
            "us",
            "cic_fwd_iat_min",
            "minimum of the gaps between packets from source to destination",
            Read::F64(|r| of(r, |cic| micros(cic.way(Src2Dst).gaps.min))),
        ),
        Declared::span_in(
            "us",
            "cic_bwd_iat_total",
            "sum of the gaps between packets from destination to source",
            Read::F64(|r| of(r, |cic| micros(cic.way(Dst2Src).gaps.sum))),
        ),
        Declared::span_in(
            "us",
            "cic_bwd_iat_mean",
            "mean of the gaps between packets from destination to source",
            Read::F64(|r| of(r, |cic| cic.way(Dst2Src).gaps.mean() / 1e3)),
        ),
        Declared::span_in(
            "us",
            "cic_bwd_iat_std",
            "sample standard deviation of the gaps between packets from destination to source",
            Read::F64(|r| of(r, |cic| cic.way(Dst2Src).gaps.deviation() / 1e3)),
        ),
        Declared::span_in(
            "us",
            "cic_bwd_iat_max",
            "maximum of the gaps between packets from destination to source",
            Read::F64(|r| of(r, |cic| micros(cic.way(Dst2Src).gaps.max))),
        ),
        Declared::span_in(
            "us",
            "cic_bwd_iat_min",
            "minimum of the gaps between packets from destination to source",
            Read::F64(|r| of(r, |cic| micros(cic.way(Dst2Src).gaps.min))),
        ),
        Declared::packets(
            "cic_fwd_psh_flags",
            "packets from source to destination with PSH",
            Read::U64(|r| of(r, |cic| cic.way(Src2Dst).flag(TcpFlags::PSH))),
        ),
        Declared::packets(
            "cic_bwd_psh_flags",
            "packets from destination to source with PSH",
            Read::U64(|r| of(r, |cic| cic.way(Dst2Src).flag(TcpFlags::PSH))),
        ),
        Declared::packets(
            "cic_fwd_urg_flags",
            "packets from source to destination with URG",
            Read::U64(|r| of(r, |cic| cic.way(Src2Dst).flag(TcpFlags::URG))),
        ),
        Declared::packets(
            "cic_bwd_urg_flags",
            "packets from destination to source with URG",
            Read::U64(|r| of(r, |cic| cic.way(Dst2Src).flag(TcpFlags::URG))),
        ),
        Declared::packets(
            "cic_fwd_rst_flags",
            "packets from source to destination with RST",
            Read::U64(|r| of(r, |cic| cic.way(Src2Dst).flag(TcpFlags::RST))),
        ),
        Declared::packets(
            "cic_bwd_rst_flags",
            "packets from destination to source with RST",
            Read::U64(|r| of(r, |cic| cic.way(Dst2Src).flag(TcpFlags::RST))),
        ),
        Declared::bytes(
            "cic_fwd_header_length",
            "TCP or UDP headers of packets from source to destination",
            Read::U64(|r| of(r, |cic| cic.way(Src2Dst).headers.sum)),
        ),
        Declared::bytes(
            "cic_bwd_header_length",
            "TCP or UDP headers of packets from destination to source",
            Read::U64(|r| of(r, |cic| cic.way(Dst2Src).headers.sum)),
        ),
        Declared::number(
            "cic_fwd_packets_s",
            "packets/s",
            "packets from source to destination per second of the duration",
            Read::OptionF64(|r| {
                of(r, |cic| per_second(cic.way(Src2Dst).lengths.count, cic.duration()))
            }),
        ),
        Declared::number(
            "cic_bwd_packets_s",
            "packets/s",
            "packets from destination to source per second of the duration",
            Read::OptionF64(|r| {
                of(r, |cic| per_second(cic.way(Dst2Src).lengths.count, cic.duration()))
            }),
        ),
        Declared::bytes(
            "cic_packet_length_min",
            "minimum of the payload of packets",
            Read::U64(|r| of(r, |cic| cic.lengths().min)),
        ),
        Declared::bytes(
            "cic_packet_length_max",
            "maximum of the payload of packets",
            Read::U64(|r| of(r, |cic| cic.lengths().max)),
        ),
        Declared::bytes(
            "cic_packet_length_mean",
            "mean of the payload of packets",
            Read::F64(|r| of(r, |cic| cic.lengths().mean())),
        ),
        Declared::bytes(
            "cic_packet_length_std",
            "sample standard deviation of the payload of packets",
            Read::F64(|r| of(r, |cic| cic.lengths().deviation())),
        ),
        Declared::number(
            "cic_packet_length_variance",
            "bytes^2",
            "sample variance of the payload of packets",
            Read::F64(|r| of(r, |cic| cic.lengths().variance())),
        ),
        Declared::packets(
            "cic_fin_flag_count",
            "packets with FIN",
            Read::U64(|r| of(r, |cic| cic.flag(TcpFlags::FIN))),
        ),
        Declared::packets(
            "cic_syn_flag_count",
            "packets with SYN",
            Read::U64(|r| of(r, |cic| cic.flag(TcpFlags::SYN))),
        ),
        Declared::packets(
            "cic_rst_flag_count",
            "packets with RST",
            Read::U64(|r| of(r, |cic| cic.flag(TcpFlags::RST))),
        ),
        Declared::packets(
            "cic_psh_flag_count",
            "packets with PSH",
            Read::U64(|r| of(r, |cic| cic.flag(TcpFlags::PSH))),
        ),
        Declared::packets(
            "cic_ack_flag_count",
            "packets with ACK",
            Read::U64(|r| of(r, |cic| cic.flag(TcpFlags::ACK))),
        ),
        Declared::packets(
            "cic_urg_flag_count",
            "packets with URG",
            Read::U64(|r| of(r, |cic| cic.flag(TcpFlags::URG))),
        ),
        Declared::packets(
            "cic_cwr_flag_count",
            "packets with CWR",
            Read::U64(|r| of(r, |cic| cic.flag(TcpFlags::CWR))),
        ),
        Declared::packets(
            "cic_ece_flag_count",
            "packets with ECE",
            Read::U64(|r| of(r, |cic| cic.flag(TcpFlags::ECE))),
        ),
        Declared::number(
            "cic_down_up_ratio",
            "",
            "packets from destination to source for each one from source to destination; null without packets from the source",
            Read::OptionF64(|r| {
                of(r, |cic| ratio(cic.way(Dst2Src).lengths.count, cic.way(Src2Dst).lengths.count))
            }),
        ),
        Declared::bytes(
            "cic_average_packet_size",
            "payload of each packet on average",
            Read::F64(|r| of(r, |cic| cic.lengths().mean())),
        ),
        Declared::bytes(
            "cic_fwd_segment_size_avg",
            "payload of each packet from source to destination on average",
            Read::F64(|r| of(r, |cic| cic.way(Src2Dst).lengths.mean())),
        ),
        Declared::bytes(
            "cic_bwd_segment_size_avg",
            "payload of each packet from destination to source on average",
            Read::F64(|r| of(r, |cic| cic.way(Dst2Src).lengths.mean())),
        ),
        Declared::bytes(
            "cic_fwd_bytes_bulk_avg",
            "payload of each bulk from source to destination on average",
            Read::F64(|r| of(r, |cic| mean(cic.bulk(Src2Dst).bytes, cic.bulk(Src2Dst).count))),
        ),
        Declared::number(
            "cic_fwd_packet_bulk_avg",
            "packets",
            "packets of each bulk from source to destination on average",
            Read::F64(|r| of(r, |cic| mean(cic.bulk(Src2Dst).packets, cic.bulk(Src2Dst).count))),
        ),
        Declared::number(
            "cic_fwd_bulk_rate_avg",
            "bytes/s",
            "payload per second in bulks from source to destination; 0 without bulks, null if they took no time",
            Read::OptionF64(|r| of(r, |cic| bulk_rate(&cic.bulk(Src2Dst)))),
        ),
        Declared::bytes(
            "cic_bwd_bytes_bulk_avg",
            "payload of each bulk from destination to source on average",
            Read::F64(|r| of(r, |cic| mean(cic.bulk(Dst2Src).bytes, cic.bulk(Dst2Src).count))),
        ),
        Declared::number(
            "cic_bwd_packet_bulk_avg",
            "packets",
            "packets of each bulk from destination to source on average",
            Read::F64(|r| of(r, |cic| mean(cic.bulk(Dst2Src).packets, cic.bulk(Dst2Src).count))),
        ),
        Declared::number(
            "cic_bwd_bulk_rate_avg",
            "bytes/s",
            "payload per second in bulks from destination to source; 0 without bulks, null if they took no time",
            Read::OptionF64(|r| of(r, |cic| bulk_rate(&cic.bulk(Dst2Src)))),
        ),
        Declared::number(
            "cic_subflow_fwd_packets",
            "packets",
            "packets from source to destination of each subflow on average",
            Read::F64(|r| of(r, |cic| mean(cic.way(Src2Dst).lengths.count, cic.subflows()))),
        ),
        Declared::bytes(
            "cic_subflow_fwd_bytes",
            "payload from source to destination of each subflow on average",
            Read::F64(|r| of(r, |cic| mean(cic.way(Src2Dst).lengths.sum, cic.subflows()))),
        ),
        Declared::number(
            "cic_subflow_bwd_packets",
            "packets",
            "packets from destination to source of each subflow on average",
            Read::F64(|r| of(r, |cic| mean(cic.way(Dst2Src).lengths.count, cic.subflows()))),
        ),
        Declared::bytes(
            "cic_subflow_bwd_bytes",
            "payload from destination to source of each subflow on average",
            Read::F64(|r| of(r, |cic| mean(cic.way(Dst2Src).lengths.sum, cic.subflows()))),
        ),
        Declared::bytes(
            "cic_fwd_init_win_bytes",
            "window of the first TCP segment from source to destination, not scaled; 0 without one",
            Read::U64(|r| of(r, |cic| u64::from(cic.way(Src2Dst).window()))),
        ),
        Declared::bytes(
            "cic_bwd_init_win_bytes",
            "window of the first TCP segment from destination to source, not scaled; 0 without one",
            Read::U64(|r| of(r, |cic| u64::from(cic.way(Dst2Src).window()))),
        ),
        Declared::packets(
            "cic_fwd_act_data_pkts",
            "packets from source to destination with payload",
            Read::U64(|r| of(r, |cic| cic.way(Src2Dst).data_packets)),
        ),
        Declared::packets(
            "cic_bwd_act_data_pkts",
            "packets from destination to source with payload",
            Read::U64(|r| of(r, |cic| cic.way(Dst2Src).data_packets)),
        ),
        Declared::bytes(
            "cic_fwd_seg_size_min",
            "shortest TCP or UDP header of packets from source to destination",
            Read::U64(|r| of(r, |cic| cic.way(Src2Dst).headers.min)),
        ),
        Declared::bytes(
            "cic_bwd_seg_size_min",
            "shortest TCP or UDP header of packets from destination to source",
            Read::U64(|r| of(r, |cic| cic.way(Dst2Src).headers.min)),
        ),
        Declared::span_in(
            "us",
            "cic_active_mean",
            "mean of the lengths of active periods",
            Read::F64(|r| of(r, |cic| cic.active().mean() / 1e3)),
        ),
        Declared::span_in(
            "us",
            "cic_active_std",
            "sample standard deviation of the lengths of active periods",
            Read::F64(|r| of(r, |cic| cic.active().deviation() / 1e3)),
        ),
        Declared::span_in(
            "us",
            "cic_active_max",
            "maximum of the lengths of active periods",
            Read::F64(|r| of(r, |cic| micros(cic.active().max))),
        ),
        Declared::span_in(
            "us",
            "cic_active_min",
            "minimum of the lengths of active periods",
            Read::F64(|r| of(r, |cic| micros(cic.active().min))),
        ),
        Declared::span_in(
            "us",
            "cic_idle_mean",
            "mean of the lengths of gaps between active periods",
            Read::F64(|r| of(r, |cic| cic.idle.mean() / 1e3)),
        ),
        Declared::span_in(
            "us",
            "cic_idle_std",
            "sample standard deviation of the lengths of gaps between active periods",
            Read::F64(|r| of(r, |cic| cic.idle.deviation() / 1e3)),
        ),
        Declared::span_in(
            "us",
            "cic_idle_max",
            "maximum of the lengths of gaps between active periods",
            Read::F64(|r| of(r, |cic| micros(cic.idle.max))),
        ),
        Declared::span_in(
            "us",
            "cic_idle_min",
            "minimum of the lengths of gaps between active periods",
            Read::F64(|r| of(r, |cic| micros(cic.idle.min))),
        ),
        Declared::code(
            "cic_icmp_code",
            Role::Behaviour,
            "code of the first packet in ICMP and ICMPv6, otherwise null",
            Read::OptionI64(|r| of(r, |cic| cic.icmp().map(|(_, code)| code.into()))),
        ),
        Declared::code(
            "cic_icmp_type",
            Role::Behaviour,
            "type of the first packet in ICMP and ICMPv6, otherwise null",
            Read::OptionI64(|r| of(r, |cic| cic.icmp().map(|(kind, _)| kind.into()))),
        ),
        Declared::packets(
            "cic_fwd_tcp_retrans_count",
            "TCP segments from source to destination whose sequence numbers were all sent before",
            Read::U64(|r| of(r, |cic| cic.way(Src2Dst).retransmitted)),
        ),
        Declared::packets(
            "cic_bwd_tcp_retrans_count",
            "TCP segments from destination to source whose sequence numbers were all sent before",
            Read::U64(|r| of(r, |cic| cic.way(Dst2Src).retransmitted)),
        ),
        Declared::packets(
            "cic_total_tcp_retrans_count",
            "TCP segments whose sequence numbers were all sent before",
            Read::U64(|r| {
                of(r, |cic| cic.way(Src2Dst).retransmitted + cic.way(Dst2Src).retransmitted)
            }),
        ),
        Declared::span_in(
            "us",
            "cic_total_connection_flow_time",
            "time from the first packet of the first slice of a TCP connection to the last packet here; null without TCP",
            Read::OptionF64(|r| of(r, |cic| cic.connection().map(micros))),
        ),
    ]],
};

fn of<T: Default>(record: &Record, read: impl FnOnce(&Cic) -> T) -> T {
    let measured = record.measures.as_deref().and_then(|measures| measures.cic.get());
    measured.map_or_else(T::default, read)
}

/// Returns microseconds.
fn micros(nanoseconds: u64) -> f64 {
    float(nanoseconds) / 1e3
}

/// Returns `number` divided by a span, `None` if the span is zero.
fn per_second(number: u64, nanoseconds: u64) -> Option<f64> {
    (nanoseconds > 0).then(|| float(number) / (float(nanoseconds) / 1e9))
}

fn ratio(number: u64, of: u64) -> Option<f64> {
    (of > 0).then(|| float(number) / float(of))
}

/// Returns the mean of a total, 0 over nothing.
fn mean(total: u64, count: u64) -> f64 {
    ratio(total, count).unwrap_or(0.0)
}

fn bulk_rate(bulk: &Bulk) -> Option<f64> {
    if bulk.count == 0 { Some(0.0) } else { per_second(bulk.bytes, bulk.nanos) }
}

#[allow(clippy::as_conversions, reason = "the nearest float is exact enough")]
fn float(number: u64) -> f64 {
    number as f64
}
