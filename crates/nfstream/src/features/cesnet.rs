//! Features of CESNET's exporters: sequence of packets, histograms, bursts and NetTiSA.

use super::boxed::Boxed;
use super::cesnet_state::{Cesnet, Entry};
use super::nettisa::NetTiSa;
use super::{Declaration, Declared, Kind, Presence, Read, Record, Role};
use crate::flow::Direction::{Dst2Src, Src2Dst};
use crate::flow::EndReason;

pub(super) type State = Boxed<Cesnet>;

pub(super) const GROUP: Declaration = Declaration {
    presence: Presence::NamedFeature,
    shorthand: None,
    about: "Features of CESNET's data sets, over packets with payload: `ppi` lists the first 30, \
            `phist` counts sizes in bytes and gaps in milliseconds in eight bins (0-15, 16-31, \
            32-63, 64-127, 128-255, 256-511, 512-1023, 1024 and more), `burst` lists the first 15 \
            bursts, which have at least 3 packets of one direction with gaps under 1 s. `nettisa` \
            (Koumar et al., 2024) is over all packets, with 0 for those without payload; its \
            average dispersion and time distribution are distances from the mean of the packets \
            up to each one. Ratios without a divisor are null.",
    columns: &[&[
        Declared::list("cesnet_ppi_sizes", Kind::Bytes, "payload of each packet", |r, list| {
            packets(r, list, |p| p.size.into())
        }),
        Declared::list(
            "cesnet_ppi_gaps_ms",
            Kind::Count,
            "whole milliseconds since the previous packet with payload, 0 for the first",
            |r, list| packets(r, list, |p| p.gap.try_into().unwrap_or(i64::MAX)),
        ),
        Declared::list(
            "cesnet_ppi_directions",
            Kind::Code,
            "1 from source to destination, -1 from destination to source",
            |r, list| packets(r, list, |p| if p.is_backward { -1 } else { 1 }),
        ),
        Declared::list(
            "cesnet_ppi_push_flags",
            Kind::Code,
            "1 for a packet with PSH, otherwise 0",
            |r, list| packets(r, list, |p| p.has_push.into()),
        ),
        Declared::packets(
            "cesnet_ppi_len",
            "packets in the sequence",
            Read::U64(|r| of(r, |one| u64::try_from(one.packets().len()).unwrap_or(u64::MAX))),
        ),
        Declared::span_in(
            "ms",
            "cesnet_ppi_duration_ms",
            "time from the first packet of the sequence to the last",
            Read::F64(|r| of(r, |one| float(one.sequence_duration()) / 1e6)),
        ),
        Declared::number(
            "cesnet_ppi_roundtrips",
            "changes",
            "changes of direction in the sequence",
            Read::U64(|r| of(r, Cesnet::round_trips)),
        ),
        Declared::list(
            "cesnet_phist_src_sizes",
            Kind::Count,
            "packets from source to destination by payload",
            |r, list| counts(r, list, |one| one.way(Src2Dst).sizes),
        ),
        Declared::list(
            "cesnet_phist_src_gaps",
            Kind::Count,
            "gaps between packets from source to destination by milliseconds",
            |r, list| counts(r, list, |one| one.way(Src2Dst).gaps),
        ),
        Declared::list(
            "cesnet_phist_dst_sizes",
            Kind::Count,
            "packets from destination to source by payload",
            |r, list| counts(r, list, |one| one.way(Dst2Src).sizes),
        ),
        Declared::list(
            "cesnet_phist_dst_gaps",
            Kind::Count,
            "gaps between packets from destination to source by milliseconds",
            |r, list| counts(r, list, |one| one.way(Dst2Src).gaps),
        ),
        Declared::list(
            "cesnet_burst_src_packets",
            Kind::Count,
            "packets of each burst from source to destination",
            |r, list| {
                bursts(r, list, |one, list| {
                    list.extend(one.bursts(Src2Dst).map(|burst| -> i64 { burst.packets.into() }))
                })
            },
        ),
        Declared::list(
            "cesnet_burst_src_bytes",
            Kind::Bytes,
            "payload of each burst from source to destination",
            |r, list| {
                bursts(r, list, |one, list| {
                    list.extend(
                        one.bursts(Src2Dst)
                            .map(|burst| -> i64 { burst.bytes.try_into().unwrap_or(i64::MAX) }),
                    )
                })
            },
        ),
        Declared::list(
            "cesnet_burst_src_starts_ms",
            Kind::Count,
            "whole milliseconds from the first packet of the flow to the first one of each burst from source to destination",
            |r, list| {
                bursts(r, list, |one, list| {
                    list.extend(one.bursts(Src2Dst).map(|burst| -> i64 { one.span(burst).0 }))
                })
            },
        ),
        Declared::list(
            "cesnet_burst_src_ends_ms",
            Kind::Count,
            "whole milliseconds from the first packet of the flow to the last one of each burst from source to destination",
            |r, list| {
                bursts(r, list, |one, list| {
                    list.extend(one.bursts(Src2Dst).map(|burst| -> i64 { one.span(burst).1 }))
                })
            },
        ),
        Declared::list(
            "cesnet_burst_dst_packets",
            Kind::Count,
            "packets of each burst from destination to source",
            |r, list| {
                bursts(r, list, |one, list| {
                    list.extend(one.bursts(Dst2Src).map(|burst| -> i64 { burst.packets.into() }))
                })
            },
        ),
        Declared::list(
            "cesnet_burst_dst_bytes",
            Kind::Bytes,
            "payload of each burst from destination to source",
            |r, list| {
                bursts(r, list, |one, list| {
                    list.extend(
                        one.bursts(Dst2Src)
                            .map(|burst| -> i64 { burst.bytes.try_into().unwrap_or(i64::MAX) }),
                    )
                })
            },
        ),
        Declared::list(
            "cesnet_burst_dst_starts_ms",
            Kind::Count,
            "whole milliseconds from the first packet of the flow to the first one of each burst from destination to source",
            |r, list| {
                bursts(r, list, |one, list| {
                    list.extend(one.bursts(Dst2Src).map(|burst| -> i64 { one.span(burst).0 }))
                })
            },
        ),
        Declared::list(
            "cesnet_burst_dst_ends_ms",
            Kind::Count,
            "whole milliseconds from the first packet of the flow to the last one of each burst from destination to source",
            |r, list| {
                bursts(r, list, |one, list| {
                    list.extend(one.bursts(Dst2Src).map(|burst| -> i64 { one.span(burst).1 }))
                })
            },
        ),
        Declared::label(
            "cesnet_end_reason",
            Role::Behaviour,
            "idle, active, end for a connection that closed, otherwise other",
            |r| match r.end_reason {
                EndReason::Idle => 0,
                EndReason::Active => 1,
                EndReason::TcpFin | EndReason::TcpRst | EndReason::TcpReopened => 2,
                _ => 3,
            },
            |_, code, text| {
                text.push_str(match code {
                    0 => "idle",
                    1 => "active",
                    2 => "end",
                    _ => "other",
                })
            },
        ),
        Declared::bytes(
            "cesnet_nettisa_mean",
            "mean of the payload",
            Read::OptionF64(|r| series(r, |s| s.mean())),
        ),
        Declared::bytes(
            "cesnet_nettisa_min",
            "minimum of the payload",
            Read::U32(|r| of(r, |one| one.series.min())),
        ),
        Declared::bytes(
            "cesnet_nettisa_max",
            "maximum of the payload",
            Read::U32(|r| of(r, |one| one.series.max())),
        ),
        Declared::bytes(
            "cesnet_nettisa_std",
            "standard deviation of the payload (divisor n)",
            Read::OptionF64(|r| series(r, |s| s.deviation())),
        ),
        Declared::bytes(
            "cesnet_nettisa_rms",
            "root mean square of the payload",
            Read::OptionF64(|r| series(r, |s| s.root_mean_square())),
        ),
        Declared::bytes(
            "cesnet_nettisa_average_dispersion",
            "mean distance of the payload from its mean",
            Read::OptionF64(|r| series(r, |s| s.average_dispersion())),
        ),
        Declared::number(
            "cesnet_nettisa_kurtosis",
            "",
            "kurtosis of the payload",
            Read::OptionF64(|r| series(r, |s| s.kurtosis())),
        ),
        Declared::span_in(
            "ms",
            "cesnet_nettisa_mean_relative_time_ms",
            "mean of the times since the first packet",
            Read::OptionF64(|r| series(r, |s| millis(s.mean_relative_time()))),
        ),
        Declared::span_in(
            "ms",
            "cesnet_nettisa_mean_gap_ms",
            "mean of the gaps between packets",
            Read::OptionF64(|r| series(r, |s| millis(s.mean_gap()))),
        ),
        Declared::span_in(
            "ms",
            "cesnet_nettisa_min_gap_ms",
            "minimum of the gaps between packets",
            Read::OptionF64(|r| series(r, |s| s.gaps().map(|(least, _)| float(least) / 1e6))),
        ),
        Declared::span_in(
            "ms",
            "cesnet_nettisa_max_gap_ms",
            "maximum of the gaps between packets",
            Read::OptionF64(|r| series(r, |s| s.gaps().map(|(_, greatest)| float(greatest) / 1e6))),
        ),
        Declared::number(
            "cesnet_nettisa_time_distribution",
            "",
            "mean distance of the gaps from their mean, divided by half their range",
            Read::OptionF64(|r| series(r, |s| s.time_distribution())),
        ),
        Declared::number(
            "cesnet_nettisa_switching_ratio",
            "",
            "changes of the payload from packet to packet, divided by half the number of gaps",
            Read::OptionF64(|r| series(r, |s| s.switching_ratio())),
        ),
        Declared::bytes(
            "cesnet_nettisa_range",
            "maximum minus minimum of the payload",
            Read::OptionF64(|r| series(r, |s| Some(f64::from(s.max() - s.min())))),
        ),
        Declared::number(
            "cesnet_nettisa_percent_deviation",
            "",
            "average dispersion divided by the mean",
            Read::OptionF64(|r| series(r, |s| s.percent_deviation())),
        ),
        Declared::number(
            "cesnet_nettisa_variance",
            "bytes^2",
            "variance of the payload (divisor n)",
            Read::OptionF64(|r| series(r, |s| s.variance())),
        ),
        Declared::number(
            "cesnet_nettisa_burstiness",
            "",
            "standard deviation minus mean, divided by their sum",
            Read::OptionF64(|r| series(r, |s| s.burstiness())),
        ),
        Declared::number(
            "cesnet_nettisa_coefficient_of_variation",
            "",
            "standard deviation divided by the mean",
            Read::OptionF64(|r| series(r, |s| s.coefficient_of_variation())),
        ),
        Declared::number(
            "cesnet_nettisa_directions",
            "",
            "part of the packets that come from the source",
            Read::OptionF64(|r| series(r, |s| s.directions())),
        ),
        Declared::span_in(
            "ms",
            "cesnet_nettisa_duration_ms",
            "time from the first packet to the last",
            Read::OptionF64(|r| series(r, |s| Some(float(s.duration()) / 1e6))),
        ),
    ]],
};

fn of<T: Default>(record: &Record, read: impl FnOnce(&Cesnet) -> T) -> T {
    measured(record).map_or_else(T::default, read)
}

fn measured(record: &Record) -> Option<&Cesnet> {
    record.measures.as_deref()?.cesnet.get()
}

fn series(record: &Record, read: impl FnOnce(&NetTiSa) -> Option<f64>) -> Option<f64> {
    measured(record).and_then(|cesnet| read(&cesnet.series))
}

/// Appends a number for each packet of the sequence.
fn packets(record: &Record, list: &mut Vec<i64>, number: impl Fn(&Entry) -> i64) {
    list.extend(measured(record).into_iter().flat_map(Cesnet::packets).map(number));
}

/// Appends the counts of a histogram.
fn counts(record: &Record, list: &mut Vec<i64>, read: impl FnOnce(&Cesnet) -> [u64; 8]) {
    let counts = of(record, read);
    list.extend(counts.map(|count| i64::try_from(count).unwrap_or(i64::MAX)));
}

/// Appends numbers of bursts.
fn bursts(record: &Record, list: &mut Vec<i64>, write: impl FnOnce(&Cesnet, &mut Vec<i64>)) {
    if let Some(cesnet) = measured(record) {
        write(cesnet, list);
    }
}

fn millis(nanoseconds: Option<f64>) -> Option<f64> {
    nanoseconds.map(|nanoseconds| nanoseconds / 1e6)
}

#[allow(clippy::as_conversions, reason = "the nearest float is exact enough")]
fn float(number: u64) -> f64 {
    number as f64
}
