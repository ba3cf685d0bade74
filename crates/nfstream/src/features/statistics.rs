//! Statistics of packet sizes and of the gaps between packets.

use nfstream_sys::prefetch_line;

use super::{
    Declaration, Declared, Measurement, Moments, Plan, Presence, Read, ReadAll, Record, Sample,
    Shorthand, Volume,
};
use crate::flow::Direction::{self, Dst2Src, Src2Dst};

pub(super) type State = Statistics;

pub(super) const GROUP: Declaration = Declaration {
    presence: Presence::Feature,
    shorthand: Some(Shorthand {
        python: "statistical_analysis=True",
        command: "--statistical-analysis",
    }),
    about: "`ps` is the packet size, as `accounting_mode` defines it, and `piat` the packet \
            inter-arrival time, in whole units. Statistics of no numbers are 0, as is the \
            standard deviation of one number.",
    columns: &[
        &statistics!(bytes, "bidirectional", "ps", "packet sizes", sizes),
        &statistics!(
            bytes,
            "src2dst",
            "ps",
            "packet sizes from source to destination",
            sizes_forward
        ),
        &statistics!(
            bytes,
            "dst2src",
            "ps",
            "packet sizes from destination to source",
            sizes_backward
        ),
        &statistics!(ticks, "bidirectional", "piat_{unit}", "packet inter-arrival times", gaps),
        &statistics!(
            ticks,
            "src2dst",
            "piat_{unit}",
            "packet inter-arrival times from source to destination",
            gaps_forward
        ),
        &statistics!(
            ticks,
            "dst2src",
            "piat_{unit}",
            "packet inter-arrival times from destination to source",
            gaps_backward
        ),
    ],
};

/// Declares the four statistics of one kind of number in one scope of packets.
macro_rules! statistics {
    ($kind:ident, $scope:literal, $what:literal, $of:literal, $moments:ident) => {
        [
            Declared::$kind(
                concat!($scope, "_min_", $what),
                concat!("minimum of the ", $of),
                Read::U64(|r| $moments(r).min),
            )
            .read_by(ReadAll::Integers(|records, values| {
                values.extend(records.iter().map(|r| whole($moments(r).min)));
            })),
            Declared::$kind(
                concat!($scope, "_mean_", $what),
                concat!("mean of the ", $of),
                Read::F64(|r| $moments(r).mean()),
            )
            .read_by(ReadAll::Floats(|records, values| {
                values.extend(records.iter().map(|r| $moments(r).mean()));
            })),
            Declared::$kind(
                concat!($scope, "_stddev_", $what),
                concat!("sample standard deviation (divisor n - 1) of the ", $of),
                Read::F64(|r| $moments(r).deviation()),
            )
            .read_by(ReadAll::Floats(|records, values| {
                values.extend(records.iter().map(|r| $moments(r).deviation()));
            })),
            Declared::$kind(
                concat!($scope, "_max_", $what),
                concat!("maximum of the ", $of),
                Read::U64(|r| $moments(r).max),
            )
            .read_by(ReadAll::Integers(|records, values| {
                values.extend(records.iter().map(|r| whole($moments(r).max)));
            })),
        ]
    };
}
use statistics;

/// Moments of packet sizes and of the gaps between consecutive packets: of the flow, and of each
/// direction.
///
/// Times are whole units, rounded down, so a gap is the difference between two times in the table.
/// The flow's [`Volume`] holds the number of packets and their bytes, and the sum of all gaps is
/// the time from the first packet to the last. A packet therefore touches two cache lines: that of
/// the flow and that of its direction.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[repr(C)]
pub(super) struct Statistics {
    flow: Arrivals,
    directions: [OneWay; 2],
}

/// The gaps between all packets, and the first and last time of each direction.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(C)]
struct Arrivals {
    gaps: Spread,
    /// The latest possible time, for a direction without packets.
    first: [i64; 2],
    /// The earliest possible time, for a direction without packets.
    last: [i64; 2],
}

/// Sizes of the packets of one direction, and the gaps between them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(C)]
struct OneWay {
    gaps: Spread,
    size_squares: u128,
    size_min: u32,
    size_max: u32,
}

/// Sum of squares and extremes of numbers.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Spread {
    squares: u128,
    min: u64,
    max: u64,
}

/// One cache line each.
const _: () = assert!(size_of::<Arrivals>() == 64 && size_of::<OneWay>() == 64);

impl Statistics {
    /// Adds a packet of `size` bytes at `time`, which is not earlier than the previous one.
    /// `volume` is the flow's, this packet included.
    #[inline]
    fn count(&mut self, direction: Direction, size: u32, time: i64, volume: &Volume) {
        let way = direction.index();
        let Arrivals { gaps, first, last } = &mut self.flow;
        let one_way = &mut self.directions[way];
        if volume.total_packets() > 1 {
            gaps.add(since(last[0].max(last[1]), time));
        }
        if volume.packets(direction) > 1 {
            one_way.gaps.add(since(last[way], time));
        } else {
            first[way] = time;
        }
        last[way] = time;
        one_way.size_squares += u128::from(u64::from(size) * u64::from(size));
        one_way.size_min = one_way.size_min.min(size);
        one_way.size_max = one_way.size_max.max(size);
    }

    /// Returns the moments of the sizes of one direction's packets.
    fn sizes_of(&self, direction: Direction, volume: &Volume) -> Moments {
        let one_way = &self.directions[direction.index()];
        let count = volume.packets(direction);
        Moments {
            count,
            sum: volume.bytes(direction),
            squares: one_way.size_squares,
            min: if count == 0 { 0 } else { one_way.size_min.into() },
            max: one_way.size_max.into(),
        }
    }

    /// Returns the moments of the sizes of all packets.
    fn sizes(&self, volume: &Volume) -> Moments {
        let [there, back] = &self.directions;
        let count = volume.total_packets();
        Moments {
            count,
            sum: volume.total_bytes(),
            squares: there.size_squares + back.size_squares,
            min: if count == 0 { 0 } else { there.size_min.min(back.size_min).into() },
            max: there.size_max.max(back.size_max).into(),
        }
    }

    /// Returns the moments of the gaps between the packets of one direction.
    fn gaps_of(&self, direction: Direction, volume: &Volume) -> Moments {
        let way = direction.index();
        let span = self.flow.last[way].abs_diff(self.flow.first[way]);
        self.directions[way].gaps.moments(volume.packets(direction), span)
    }

    /// Returns the moments of the gaps between all packets.
    fn gaps(&self, volume: &Volume) -> Moments {
        let Arrivals { gaps, first, last } = &self.flow;
        let span = last[0].max(last[1]).abs_diff(first[0].min(first[1]));
        gaps.moments(volume.total_packets(), span)
    }
}

impl Measurement for Statistics {
    const IS_USUAL: bool = true;

    #[inline]
    fn add(&mut self, _: &Plan, sample: &Sample<'_>) {
        let Sample { direction, ticks, size, volume, .. } = *sample;
        self.count(direction, size, ticks, volume);
    }

    #[inline]
    fn prefetch(&self, _: &Plan, direction: Direction, _: u64) {
        // An alignment to lines would take more time for each flow than the third line for packets.
        let one_way = &self.directions[direction.index()];
        prefetch_line(&self.flow, 0);
        prefetch_line(one_way, 0);
        prefetch_line(one_way, size_of::<OneWay>() - 1);
    }
}

impl Spread {
    const NONE: Self = Self { squares: 0, min: u64::MAX, max: 0 };

    #[inline]
    fn add(&mut self, number: u64) {
        // An overflow would require gaps of a hundred years.
        self.squares = self.squares.wrapping_add(u128::from(number) * u128::from(number));
        self.min = self.min.min(number);
        self.max = self.max.max(number);
    }

    /// Returns the moments of the gaps between `packets` packets, the last of which is `span` after
    /// the first.
    fn moments(&self, packets: u64, span: u64) -> Moments {
        if packets < 2 {
            return Moments::default();
        }
        let Self { squares, min, max } = *self;
        Moments { count: packets - 1, sum: span, squares, min, max }
    }
}

impl Default for Arrivals {
    fn default() -> Self {
        Self { gaps: Spread::NONE, first: [i64::MAX; 2], last: [i64::MIN; 2] }
    }
}

impl Default for OneWay {
    fn default() -> Self {
        Self { gaps: Spread::NONE, size_squares: 0, size_min: u32::MAX, size_max: 0 }
    }
}

/// Returns the time from `earlier` to `time`, which is not before it.
#[inline]
fn since(earlier: i64, time: i64) -> u64 {
    time.wrapping_sub(earlier).cast_unsigned()
}

/// Returns a number as tables show it.
fn whole(number: u64) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}

fn sizes(record: &Record) -> Moments {
    record.measured(|m| m.statistics.sizes(&record.volume))
}

fn sizes_forward(record: &Record) -> Moments {
    record.measured(|m| m.statistics.sizes_of(Src2Dst, &record.volume))
}

fn sizes_backward(record: &Record) -> Moments {
    record.measured(|m| m.statistics.sizes_of(Dst2Src, &record.volume))
}

fn gaps(record: &Record) -> Moments {
    record.measured(|m| m.statistics.gaps(&record.volume))
}

fn gaps_forward(record: &Record) -> Moments {
    record.measured(|m| m.statistics.gaps_of(Src2Dst, &record.volume))
}

fn gaps_backward(record: &Record) -> Moments {
    record.measured(|m| m.statistics.gaps_of(Dst2Src, &record.volume))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn gaps(times: &[i64]) -> Moments {
        let gaps: Vec<_> = times.windows(2).map(|pair| pair[1].abs_diff(pair[0])).collect();
        Moments::of(&gaps)
    }

    proptest! {
        #[test]
        fn statistics_are_those_of_the_packets_one_by_one(
            start in prop_oneof![Just(i64::MIN), -10_i64..10, 0..i64::MAX / 2],
            packets in proptest::collection::vec(
                (any::<bool>(), any::<u32>(), 0_u64..1 << 40),
                0..60,
            ),
        ) {
            let (mut statistics, mut volume) = (Statistics::default(), Volume::default());
            let mut time = start;
            let mut seen = Vec::new();
            for (forth, size, gap) in packets {
                time = time.saturating_add_unsigned(gap);
                let direction = if forth { Src2Dst } else { Dst2Src };
                volume.add(direction, size);
                statistics.count(direction, size, time, &volume);
                seen.push((direction, u64::from(size), time));
            }
            let sizes: Vec<_> = seen.iter().map(|packet| packet.1).collect();
            let times: Vec<_> = seen.iter().map(|packet| packet.2).collect();
            prop_assert_eq!(statistics.sizes(&volume), Moments::of(&sizes));
            prop_assert_eq!(statistics.gaps(&volume), gaps(&times));
            for direction in [Src2Dst, Dst2Src] {
                let way: Vec<_> = seen.iter().filter(|packet| packet.0 == direction).collect();
                let sizes: Vec<_> = way.iter().map(|packet| packet.1).collect();
                let times: Vec<_> = way.iter().map(|packet| packet.2).collect();
                prop_assert_eq!(statistics.sizes_of(direction, &volume), Moments::of(&sizes));
                prop_assert_eq!(statistics.gaps_of(direction, &volume), gaps(&times));
            }
        }
    }
}
