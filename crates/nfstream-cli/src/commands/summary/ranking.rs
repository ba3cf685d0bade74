//! Keys with the most bytes, in bounded memory.

use std::collections::HashMap;
use std::hash::Hash;

/// Counts of a key.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Count {
    pub(super) flows: u64,
    pub(super) packets: u64,
    pub(super) bytes: u64,
}

/// Counts of flows by key.
///
/// When there are too many keys, those with the fewest bytes are dropped. From then on counts can
/// be too low, and [`is_exact`](Self::is_exact) returns false.
#[derive(Debug)]
pub(super) struct Ranking<K> {
    counts: HashMap<K, Count>,
    /// Number of keys kept when others are dropped.
    capacity: usize,
    is_exact: bool,
}

impl<K: Clone + Eq + Hash + Ord> Ranking<K> {
    /// Returns a ranking that is exact for up to twice `capacity` keys.
    pub(super) fn new(capacity: usize) -> Self {
        Self { counts: HashMap::new(), capacity, is_exact: true }
    }

    /// Adds a flow.
    pub(super) fn add(&mut self, key: K, packets: u64, bytes: u64) {
        let count = self.counts.entry(key).or_default();
        count.flows += 1;
        count.packets += packets;
        count.bytes += bytes;
        if self.counts.len() > 2 * self.capacity {
            self.drop_smallest();
        }
    }

    /// Returns the `n` keys with the most bytes, in descending order.
    pub(super) fn top(&self, n: usize) -> Vec<(K, Count)> {
        let mut all: Vec<_> =
            self.counts.iter().map(|(key, count)| (key.clone(), *count)).collect();
        all.sort_unstable_by(|a, b| order(a).cmp(&order(b)));
        all.truncate(n);
        all
    }

    /// Returns the number of keys.
    pub(super) fn len(&self) -> usize {
        self.counts.len()
    }

    /// Returns whether no key was dropped.
    pub(super) fn is_exact(&self) -> bool {
        self.is_exact
    }

    fn drop_smallest(&mut self) {
        let mut all: Vec<_> = self.counts.drain().collect();
        all.select_nth_unstable_by(self.capacity, |a, b| order(a).cmp(&order(b)));
        all.truncate(self.capacity);
        self.counts.extend(all);
        self.is_exact = false;
    }
}

/// Returns the sort key: bytes, then flows, then the key itself, so that the order is
/// deterministic.
fn order<K>((key, count): &(K, Count)) -> (std::cmp::Reverse<(u64, u64)>, &K) {
    (std::cmp::Reverse((count.bytes, count.flows)), key)
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
