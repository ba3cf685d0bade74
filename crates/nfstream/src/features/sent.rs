//! Sequence numbers that one end of a TCP connection has sent.

use crate::flow::distance;

/// Maximum number of gaps; beyond it, the oldest counts as sent.
const GAPS: usize = 64;

/// Sequence numbers sent so far, counted from the first segment without wrapping.
#[derive(Clone, Debug, Default)]
pub(super) struct Sent {
    /// Lowest number and the one after the highest, `None` before the first segment.
    range: Option<(i64, i64)>,
    /// Numbers within the range that were not sent: begin and end of each gap.
    gaps: Vec<(i64, i64)>,
}

impl Sent {
    /// Adds a segment with `len` sequence numbers; returns whether all were sent before.
    pub(super) fn add(&mut self, sequence: u32, len: u32) -> bool {
        if len == 0 {
            return false;
        }
        let len = i64::from(len);
        let Some((low, high)) = self.range else {
            let begin = i64::from(sequence);
            self.range = Some((begin, begin + len));
            return false;
        };
        let wrapped = u32::try_from(high & 0xffff_ffff).unwrap_or(0);
        let begin = high + i64::from(distance(wrapped, sequence));
        let end = begin + len;
        let is_apart = |(from, to): &(i64, i64)| *to <= begin || end <= *from;
        if low <= begin && end <= high && self.gaps.iter().all(is_apart) {
            return true;
        }
        if begin > high {
            self.open((high, begin));
        } else if end < low {
            self.open((end, low));
        } else if !self.gaps.iter().all(is_apart) {
            self.fill(begin, end);
        }
        self.range = Some((low.min(begin), high.max(end)));
        false
    }

    /// Returns the bytes of the gaps.
    pub(super) fn memory(&self) -> usize {
        self.gaps.capacity() * size_of::<(i64, i64)>()
    }

    fn open(&mut self, gap: (i64, i64)) {
        if self.gaps.len() >= GAPS {
            self.gaps.remove(0);
        }
        self.gaps.push(gap);
    }

    /// Removes the numbers from `begin` to `end` from the gaps.
    #[cold]
    fn fill(&mut self, begin: i64, end: i64) {
        for (from, to) in std::mem::take(&mut self.gaps) {
            if to <= begin || end <= from {
                self.open((from, to));
                continue;
            }
            if from < begin {
                self.open((from, begin));
            }
            if end < to {
                self.open((end, to));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn sent_agrees_with_a_set_of_numbers(
            start: u32,
            segments in proptest::collection::vec((-40_i32..200, 0_u32..30), 0..40),
        ) {
            let (mut sent, mut numbers) = (Sent::default(), HashSet::new());
            for (offset, len) in segments {
                let begin = start.wrapping_add_signed(offset);
                let all: Vec<u32> = (0..len).map(|n| begin.wrapping_add(n)).collect();
                let expected = len > 0 && all.iter().all(|number| numbers.contains(number));
                prop_assert_eq!(sent.add(begin, len), expected);
                numbers.extend(all);
            }
        }
    }

    #[test]
    fn gaps_are_bounded() {
        let mut sent = Sent::default();
        for number in 0..1000 {
            sent.add(number * 10, 1);
        }
        assert_eq!(sent.gaps.len(), GAPS);
        assert!(sent.add(5, 1), "the oldest gaps count as sent");
    }
}
