//! Statistics of packet sizes and of the gaps between packets.

use nfstream_sys::prefetch_read;

use super::{Moments, Volume};
use crate::flow::Direction;

/// Moments of packet sizes and of the gaps between consecutive packets: of the flow, and of each
/// direction alone.
///
/// Times are whole units, rounded down, so a gap is the difference of the times that a table
/// shows. How many packets there were, and their bytes, is told by the flow's [`Volume`]; the sum
/// of all gaps is the time from the first packet to the last. So a packet touches two cache lines:
/// that of the flow and that of its direction.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[repr(C)]
pub struct Statistics {
    flow: Arrivals,
    directions: [OneWay; 2],
}

/// The gaps between all packets, and when each direction was first and last seen.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(C)]
struct Arrivals {
    gaps: Spread,
    /// The last time there is, for a direction without packets.
    first: [i64; 2],
    /// The earliest time there is, for a direction without packets.
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

/// What a sum does not tell of numbers.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Spread {
    squares: u128,
    min: u64,
    max: u64,
}

/// A layout that fits whoever keeps statistics at the start of a cache line.
const _: () = assert!(size_of::<Arrivals>() == 64 && size_of::<OneWay>() == 64);

impl Statistics {
    /// Adds a packet of `size` bytes at `time`, not before the one before it. `volume` is that of
    /// the flow, this packet included.
    #[inline]
    pub fn add(&mut self, direction: Direction, size: u32, time: i64, volume: &Volume) {
        let way = direction.index();
        let Arrivals { gaps, first, last } = &mut self.flow;
        let one_way = &mut self.directions[way];
        if volume.total_packets() > 1 {
            gaps.add(time.abs_diff(last[0].max(last[1])));
        }
        if volume.packets(direction) > 1 {
            one_way.gaps.add(time.abs_diff(last[way]));
        } else {
            first[way] = time;
        }
        last[way] = time;
        one_way.size_squares += u128::from(u64::from(size) * u64::from(size));
        one_way.size_min = one_way.size_min.min(size);
        one_way.size_max = one_way.size_max.max(size);
    }

    /// Asks for the memory that a packet of `direction` touches.
    #[inline]
    pub fn prefetch(&self, direction: Direction) {
        prefetch_read(&self.flow);
        prefetch_read(&self.directions[direction.index()]);
    }

    /// Returns the moments of the sizes of one direction's packets.
    pub fn sizes_of(&self, direction: Direction, volume: &Volume) -> Moments {
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
    pub fn sizes(&self, volume: &Volume) -> Moments {
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
    pub fn gaps_of(&self, direction: Direction, volume: &Volume) -> Moments {
        let way = direction.index();
        let span = self.flow.last[way].abs_diff(self.flow.first[way]);
        self.directions[way].gaps.moments(volume.packets(direction), span)
    }

    /// Returns the moments of the gaps between all packets.
    pub fn gaps(&self, volume: &Volume) -> Moments {
        let Arrivals { gaps, first, last } = &self.flow;
        let span = last[0].max(last[1]).abs_diff(first[0].min(first[1]));
        gaps.moments(volume.total_packets(), span)
    }
}

impl Spread {
    const NONE: Self = Self { squares: 0, min: u64::MAX, max: 0 };

    #[inline]
    fn add(&mut self, number: u64) {
        // It takes gaps of a hundred years to overflow.
        self.squares = self.squares.wrapping_add(u128::from(number) * u128::from(number));
        self.min = self.min.min(number);
        self.max = self.max.max(number);
    }

    /// Returns the moments of the gaps between `packets` packets, the last `span` after the first.
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
                let direction = if forth { Direction::Src2Dst } else { Direction::Dst2Src };
                volume.add(direction, size);
                statistics.add(direction, size, time, &volume);
                seen.push((direction, u64::from(size), time));
            }
            let sizes: Vec<_> = seen.iter().map(|packet| packet.1).collect();
            let times: Vec<_> = seen.iter().map(|packet| packet.2).collect();
            prop_assert_eq!(statistics.sizes(&volume), Moments::of(&sizes));
            prop_assert_eq!(statistics.gaps(&volume), gaps(&times));
            for direction in [Direction::Src2Dst, Direction::Dst2Src] {
                let way: Vec<_> = seen.iter().filter(|packet| packet.0 == direction).collect();
                let sizes: Vec<_> = way.iter().map(|packet| packet.1).collect();
                let times: Vec<_> = way.iter().map(|packet| packet.2).collect();
                prop_assert_eq!(statistics.sizes_of(direction, &volume), Moments::of(&sizes));
                prop_assert_eq!(statistics.gaps_of(direction, &volume), gaps(&times));
            }
        }
    }
}
