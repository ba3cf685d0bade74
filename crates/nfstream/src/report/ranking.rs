//! Counts by key, largest first, in bounded memory.

use std::borrow::Borrow;
use std::cmp::Reverse;
use std::collections::HashMap;
use std::hash::Hash;

use crate::features::Record;

/// Flows with their packets and bytes.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Count {
    /// Number of flows.
    pub flows: u64,
    /// Packets of these flows.
    pub packets: u64,
    /// Bytes of these packets, by `accounting_mode`.
    pub bytes: u64,
}

/// Order of keys; when memory is short, the last ones are dropped.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum By {
    /// Most bytes first.
    Bytes,
    /// Most flows first.
    Flows,
}

/// Counts by key.
///
/// Above twice the capacity, the smallest half is dropped. From then on, counts are lower bounds.
#[derive(Debug)]
pub struct Ranking<K> {
    counts: HashMap<K, Count, foldhash::fast::RandomState>,
    by: By,
    capacity: usize,
    is_exact: bool,
}

impl By {
    /// Returns the sort key; the key itself makes the order deterministic.
    fn rank<K>(self, key: &K, count: Count) -> (Reverse<(u64, u64)>, &K) {
        let rank = match self {
            Self::Bytes => (count.bytes, count.flows),
            Self::Flows => (count.flows, count.bytes),
        };
        (Reverse(rank), key)
    }
}

impl Count {
    /// Returns the count of a single flow.
    pub fn of(record: &Record) -> Self {
        let volume = &record.volume;
        Self { flows: 1, packets: volume.total_packets(), bytes: volume.total_bytes() }
    }

    /// Adds the flows, packets and bytes of `other`.
    pub fn add(&mut self, other: Self) {
        self.flows += other.flows;
        self.packets += other.packets;
        self.bytes += other.bytes;
    }
}

impl<K: Clone + Eq + Hash + Ord> Ranking<K> {
    /// Returns a ranking that is exact for up to twice `capacity` keys.
    pub fn new(by: By, capacity: usize) -> Self {
        Self { counts: HashMap::default(), by, capacity, is_exact: true }
    }

    /// Adds to the count of `key`; `own` returns the owned key to store.
    pub(super) fn add_with<Q>(&mut self, key: &Q, own: impl FnOnce() -> K, count: Count)
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        if let Some(known) = self.counts.get_mut(key) {
            known.add(count);
            return;
        }
        self.counts.insert(own(), count);
        if self.counts.len() > self.capacity.saturating_mul(2) {
            self.drop_smallest();
        }
    }

    /// Adds to the count of `key`.
    pub fn add(&mut self, key: K, count: Count) {
        self.add_with(&key, || key.clone(), count);
    }

    /// Returns the first `n` keys in order.
    pub fn top(&self, n: usize) -> Vec<(&K, Count)> {
        let mut all: Vec<_> = self.counts.iter().map(|(key, count)| (key, *count)).collect();
        all.sort_unstable_by(|a, b| self.by.rank(a.0, a.1).cmp(&self.by.rank(b.0, b.1)));
        all.truncate(n);
        all
    }

    /// Returns the number of different keys, without those that were dropped.
    pub fn distinct(&self) -> usize {
        self.counts.len()
    }

    /// Returns whether no key was dropped.
    pub fn is_exact(&self) -> bool {
        self.is_exact
    }

    /// Keeps at most the first `capacity` keys, now and whenever there are twice as many.
    pub fn shrink(&mut self, capacity: usize) {
        self.capacity = self.capacity.min(capacity);
        if self.counts.len() > self.capacity {
            self.drop_smallest();
        }
        self.counts.shrink_to(self.capacity.saturating_mul(2));
    }

    fn drop_smallest(&mut self) {
        let mut all: Vec<_> = self.counts.drain().collect();
        if self.capacity < all.len() {
            let by = self.by;
            let compare =
                |a: &(K, Count), b: &(K, Count)| by.rank(&a.0, a.1).cmp(&by.rank(&b.0, b.1));
            all.select_nth_unstable_by(self.capacity, compare);
            all.truncate(self.capacity);
        }
        self.counts.extend(all);
        self.is_exact = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(bytes: u64) -> Count {
        Count { flows: 1, packets: 1, bytes }
    }

    #[test]
    fn keys_are_ranked_by_bytes_or_flows() {
        for (by, expected) in [(By::Bytes, ["b", "a"]), (By::Flows, ["a", "b"])] {
            let mut ranking = Ranking::new(by, 10);
            for (key, size) in [("a", 1), ("b", 9), ("a", 2)] {
                ranking.add(key, bytes(size));
            }
            let top: Vec<_> = ranking.top(5).into_iter().map(|(key, _)| *key).collect();
            assert_eq!(top, expected);
            assert!(ranking.is_exact());
        }
    }

    #[test]
    fn large_keys_survive_many_small_ones() {
        let mut ranking = Ranking::new(By::Bytes, 10);
        ranking.add(1_000, bytes(5_000));
        (0..500).for_each(|key| ranking.add(key, bytes(1)));
        assert_eq!(*ranking.top(1)[0].0, 1_000);
        assert!(ranking.distinct() <= 20);
        assert!(!ranking.is_exact());
    }
}
