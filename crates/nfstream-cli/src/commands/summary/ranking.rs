//! The largest of many, in bounded memory.

use std::collections::HashMap;
use std::hash::Hash;

/// What is counted of each.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Count {
    pub(super) flows: u64,
    pub(super) packets: u64,
    pub(super) bytes: u64,
}

/// Counts flows by a key, and knows the keys with the most bytes.
///
/// When there are too many keys, those with the fewest bytes are forgotten. From then on counts
/// can be too low, and [`is_exact`](Self::is_exact) says so.
#[derive(Debug)]
pub(super) struct Ranking<K> {
    counts: HashMap<K, Count>,
    /// Keys that are kept at least.
    capacity: usize,
    is_exact: bool,
}

impl<K: Copy + Eq + Hash + Ord> Ranking<K> {
    /// Returns a ranking that is exact up to twice as many keys as `capacity`.
    pub(super) fn new(capacity: usize) -> Self {
        Self { counts: HashMap::new(), capacity, is_exact: true }
    }

    /// Counts a flow.
    pub(super) fn add(&mut self, key: K, packets: u64, bytes: u64) {
        let count = self.counts.entry(key).or_default();
        count.flows += 1;
        count.packets += packets;
        count.bytes += bytes;
        if self.counts.len() > 2 * self.capacity {
            self.forget();
        }
    }

    /// Returns the `n` keys with the most bytes, the first of them first.
    pub(super) fn top(&self, n: usize) -> Vec<(K, Count)> {
        let mut all: Vec<_> = self.counts.iter().map(|(key, count)| (*key, *count)).collect();
        all.sort_unstable_by_key(order);
        all.truncate(n);
        all
    }

    /// Returns how many keys there are.
    pub(super) fn len(&self) -> usize {
        self.counts.len()
    }

    /// Returns whether no key was forgotten.
    pub(super) fn is_exact(&self) -> bool {
        self.is_exact
    }

    fn forget(&mut self) {
        let mut all: Vec<_> = self.counts.drain().collect();
        all.select_nth_unstable_by_key(self.capacity, order);
        all.truncate(self.capacity);
        self.counts.extend(all);
        self.is_exact = false;
    }
}

/// By bytes, then flows; the key makes the order the same in every run.
fn order<K: Copy>((key, count): &(K, Count)) -> (std::cmp::Reverse<(u64, u64)>, K) {
    (std::cmp::Reverse((count.bytes, count.flows)), *key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn most_bytes_come_first() {
        let mut ranking = Ranking::new(10);
        for (key, bytes) in [(1, 10), (2, 30), (3, 20), (1, 15)] {
            ranking.add(key, 1, bytes);
        }
        let top: Vec<_> = ranking.top(2).into_iter().map(|(key, c)| (key, c.bytes)).collect();
        assert_eq!(top, [(2, 30), (1, 25)]);
        assert!(ranking.is_exact());
    }

    #[test]
    fn large_keys_survive_many_small_ones() {
        let mut ranking = Ranking::new(10);
        ranking.add(1_000, 1, 5_000);
        for key in 0..500 {
            ranking.add(key, 1, 1);
        }
        assert_eq!(ranking.top(1)[0].0, 1_000);
        assert!(ranking.len() <= 20);
        assert!(!ranking.is_exact());
    }
}
