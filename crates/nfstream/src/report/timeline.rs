//! Bytes by application over time, in a fixed number of intervals.

use std::collections::HashMap;

use crate::time::Timestamp;

/// Number of intervals.
const INTERVALS: usize = 256;
/// Maximum number of applications with a series of their own; others share one.
const SERIES: usize = 512;

/// Key of an application: the numbers of its master protocol and of the application.
pub(super) type Key = (u16, u16);

/// Bytes of a run over time.
///
/// The intervals start at a microsecond, and double whenever a flow lies outside all of them.
#[derive(Debug)]
pub(super) struct Timeline {
    /// Start of the first interval, in nanoseconds.
    start: i128,
    /// Length of an interval, in nanoseconds.
    width: i128,
    series: HashMap<Key, Box<[u64; INTERVALS]>>,
    /// Applications beyond [`SERIES`].
    others: Box<[u64; INTERVALS]>,
    is_empty: bool,
}

/// Intervals from the first to the last one with bytes.
#[derive(Debug, PartialEq)]
pub(super) struct Intervals<'a> {
    /// Start of the first interval, in microseconds since the epoch.
    pub(super) start_us: i64,
    /// Length of each interval in microseconds.
    pub(super) width_us: i64,
    /// Bytes of each application in each interval, most bytes first.
    pub(super) series: Vec<(Option<Key>, &'a [u64])>,
}

impl Timeline {
    pub(super) fn new() -> Self {
        Self {
            start: 0,
            width: 1_000,
            series: HashMap::new(),
            others: Box::new([0; INTERVALS]),
            is_empty: true,
        }
    }

    /// Spreads the bytes of a flow evenly over the time between its packets.
    pub(super) fn add(&mut self, key: Key, first: Timestamp, last: Timestamp, bytes: u64) {
        let (first, last) = (i128::from(first.nanos()), i128::from(last.nanos()));
        let last = last.max(first);
        if self.is_empty {
            self.start = first - first.rem_euclid(self.width);
            self.is_empty = false;
        }
        while first < self.start {
            self.double(Side::Before);
        }
        while last >= self.end() {
            self.double(Side::After);
        }
        let (from, to) = (self.interval(first), self.interval(last));
        let (start, width) = (self.start, self.width);
        let is_known = self.series.len() < SERIES || self.series.contains_key(&key);
        let series = if is_known {
            self.series.entry(key).or_insert_with(|| Box::new([0; INTERVALS]))
        } else {
            &mut self.others
        };
        // Shares are differences of a running total, so that they add up.
        let mut before = 0;
        for (place, total) in series.iter_mut().enumerate().take(to + 1).skip(from) {
            let end = start + width * i128::try_from(place + 1).unwrap_or(0);
            let until = if place == to {
                bytes
            } else {
                let share = i128::from(bytes) * (end - first) / (last - first).max(1);
                u64::try_from(share).unwrap_or(bytes)
            };
            *total += until.saturating_sub(before);
            before = until;
        }
    }

    /// Returns the intervals from the first to the last one with bytes.
    pub(super) fn intervals(&self) -> Intervals<'_> {
        let others = [(None, &*self.others)];
        let all = self.series.iter().map(|(key, bytes)| (Some(*key), &**bytes)).chain(others);
        let used = |place: usize| {
            let mut series = self.series.values().chain([&self.others]);
            series.any(|bytes| bytes.get(place).is_some_and(|bytes| *bytes > 0))
        };
        let first = (0..INTERVALS).find(|place| used(*place)).unwrap_or(0);
        let end = (0..INTERVALS).rfind(|place| used(*place)).map_or(0, |last| last + 1);
        let series = all.filter_map(|(key, bytes)| Some((key, bytes.get(first..end)?)));
        let mut series: Vec<_> = series.collect();
        let sum = |bytes: &[u64]| bytes.iter().sum::<u64>();
        series.retain(|(_, bytes)| sum(bytes) > 0);
        series.sort_by_key(|(key, bytes)| (std::cmp::Reverse(sum(bytes)), *key));
        let start = self.start + self.width * i128::try_from(first).unwrap_or(0);
        Intervals {
            start_us: i64::try_from(start.div_euclid(1_000)).unwrap_or(0),
            width_us: i64::try_from(self.width / 1_000).unwrap_or(i64::MAX),
            series,
        }
    }

    fn end(&self) -> i128 {
        self.start + self.width * i128::try_from(INTERVALS).unwrap_or(0)
    }

    /// Returns the number of the interval that holds a time within them.
    fn interval(&self, time: i128) -> usize {
        usize::try_from((time - self.start) / self.width).unwrap_or(0).min(INTERVALS - 1)
    }

    /// Doubles the length of the intervals, which extends them to one side.
    fn double(&mut self, side: Side) {
        for series in self.series.values_mut().chain([&mut self.others]) {
            let mut merged = [0; INTERVALS];
            let place = match side {
                Side::After => 0,
                Side::Before => INTERVALS / 2,
            };
            for (sum, pair) in merged.iter_mut().skip(place).zip(series.chunks(2)) {
                *sum = pair.iter().sum();
            }
            **series = merged;
        }
        if side == Side::Before {
            self.start -= self.width * i128::try_from(INTERVALS).unwrap_or(0);
        }
        self.width *= 2;
    }
}

/// Side to which the intervals are extended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Side {
    After,
    Before,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(nanos: i64) -> Timestamp {
        Timestamp::from_nanos(nanos)
    }

    #[test]
    fn bytes_are_spread_over_the_duration() {
        let mut timeline = Timeline::new();
        timeline.add((0, 7), at(1_000), at(5_000), 100);
        let intervals = timeline.intervals();
        assert_eq!((intervals.start_us, intervals.width_us), (1, 1));
        assert_eq!(intervals.series, [(Some((0, 7)), &[25, 25, 25, 25, 0][..4])]);
    }

    #[test]
    fn an_empty_timeline_has_no_series() {
        assert_eq!(Timeline::new().intervals().series, []);
    }

    proptest! {
        #[test]
        fn no_byte_is_lost(
            flows in proptest::collection::vec((any::<i64>(), any::<i64>(), 0_u64..1 << 40, 0_u16..600), 0..600),
        ) {
            let mut timeline = Timeline::new();
            for (one, other, bytes, key) in &flows {
                timeline.add((0, *key), at(*one.min(other)), at(*one.max(other)), *bytes);
            }
            let intervals = timeline.intervals();
            let sum: u64 = intervals.series.iter().flat_map(|(_, bytes)| *bytes).sum();
            prop_assert_eq!(sum, flows.iter().map(|(_, _, bytes, _)| bytes).sum::<u64>());
        }
    }
}
