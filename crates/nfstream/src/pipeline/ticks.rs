//! Stretches of a stream between the ticks of its clock.

use std::ops::Range;

use crate::flow::Tick;
use crate::time::Timestamp;

/// Consecutive packets.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Stretch {
    /// Indices of the packets.
    pub(super) range: Range<usize>,
    /// Time of the tick after them; `None` if the stretch ends for another reason.
    pub(super) tick: Option<Timestamp>,
}

/// Splits `packets` packets at `ticks` into stretches of at most `limit`.
///
/// Every tick ends a stretch, which may be empty.
#[inline]
pub(super) fn stretches(
    ticks: &[Tick],
    packets: usize,
    limit: usize,
) -> impl Iterator<Item = Stretch> + '_ {
    let mut ticks = ticks.iter().peekable();
    let mut start = 0_usize;
    std::iter::from_fn(move || {
        let due = ticks.peek().map_or(packets, |tick| tick.index);
        let end = due.min(packets).min(start.saturating_add(limit));
        let tick = ticks.next_if(|tick| tick.index <= end || end == packets);
        if tick.is_none() && start == end {
            return None;
        }
        let range = start..end;
        start = end;
        Some(Stretch { range, tick: tick.map(|tick| tick.time) })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(ticks: &[(usize, i64)], packets: usize, limit: usize) -> Vec<(usize, usize, i64)> {
        let tick = |&(index, nanos)| Tick { index, time: Timestamp::from_nanos(nanos) };
        let ticks: Vec<_> = ticks.iter().map(tick).collect();
        let plain = |stretch: Stretch| {
            let tick = stretch.tick.map_or(0, Timestamp::nanos);
            (stretch.range.start, stretch.range.end, tick)
        };
        stretches(&ticks, packets, limit).map(plain).collect()
    }

    #[test]
    fn ticks_end_stretches() {
        assert_eq!(
            split(&[(2, 7), (2, 8), (5, 9)], 6, 9),
            [(0, 2, 7), (2, 2, 8), (2, 5, 9), (5, 6, 0)]
        );
    }

    #[test]
    fn long_stretches_are_split() {
        assert_eq!(split(&[(3, 7)], 5, 2), [(0, 2, 0), (2, 3, 7), (3, 5, 0)]);
    }

    #[test]
    fn ticks_come_without_packets_too() {
        assert_eq!(split(&[(0, 7), (0, 8)], 0, 9), [(0, 0, 7), (0, 0, 8)]);
        assert_eq!(split(&[], 0, 9), []);
        assert_eq!(split(&[(4, 7)], 4, 4), [(0, 4, 7)]);
    }
}
