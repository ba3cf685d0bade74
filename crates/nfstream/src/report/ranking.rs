//! Amounts by key, largest first, in bounded memory.

use std::borrow::Borrow;
use std::cmp::{Ordering, Reverse};
use std::collections::HashMap;
use std::hash::Hash;
use std::ops::AddAssign;

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

/// Order of counts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum By {
    /// Most bytes first.
    Bytes,
    /// Most flows first.
    Flows,
}

/// Amount of a key, which a [`Ranking`] adds up and sorts.
pub trait Ranked: AddAssign + Copy + Default {
    /// Orders to choose from.
    type Order: Copy;

    /// Returns the rank in an order: the largest comes first.
    fn rank(&self, order: Self::Order) -> (u64, u64);
}

/// Amounts by key.
///
/// Above twice the capacity, the smallest half is dropped. From then on, amounts are lower bounds.
#[derive(Debug)]
pub struct Ranking<K, A: Ranked = Count> {
    amounts: HashMap<K, A, foldhash::fast::RandomState>,
    order: A::Order,
    capacity: usize,
    is_exact: bool,
}

impl Count {
    /// Returns the count of a single flow.
    pub fn of(record: &Record) -> Self {
        let volume = &record.volume;
        Self { flows: 1, packets: volume.total_packets(), bytes: volume.total_bytes() }
    }
}

impl AddAssign for Count {
    fn add_assign(&mut self, other: Self) {
        self.flows += other.flows;
        self.packets += other.packets;
        self.bytes += other.bytes;
    }
}

impl Ranked for Count {
    type Order = By;

    fn rank(&self, order: By) -> (u64, u64) {
        match order {
            By::Bytes => (self.bytes, self.flows),
            By::Flows => (self.flows, self.bytes),
        }
    }
}

impl<K: Clone + Eq + Hash + Ord, A: Ranked> Ranking<K, A> {
    /// Returns a ranking that is exact for up to twice `capacity` keys. When memory is short, the
    /// last keys of `order` are dropped.
    pub fn new(order: A::Order, capacity: usize) -> Self {
        Self { amounts: HashMap::default(), order, capacity, is_exact: true }
    }

    /// Adds to the amount of `key`; `own` returns the owned key to store.
    pub(super) fn add_with<Q>(&mut self, key: &Q, own: impl FnOnce() -> K, amount: A)
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        if let Some(known) = self.amounts.get_mut(key) {
            *known += amount;
            return;
        }
        self.amounts.insert(own(), amount);
        if self.amounts.len() > self.capacity.saturating_mul(2) {
            self.drop_smallest();
        }
    }

    /// Adds to the amount of `key`.
    pub fn add(&mut self, key: K, amount: A) {
        self.add_with(&key, || key.clone(), amount);
    }

    /// Returns the first `n` keys in order.
    pub fn top(&self, n: usize) -> Vec<(&K, A)> {
        first(self.amounts.iter().map(|(key, amount)| (key, *amount)).collect(), self.order, n)
    }

    /// Returns the first `n` keys of this ranking and `other` together in `order`, and the
    /// number of different keys.
    pub fn top_with<'a>(
        &'a self,
        other: &'a Self,
        order: A::Order,
        n: usize,
    ) -> (Vec<(&'a K, A)>, usize) {
        let sum = |(key, amount): (_, &A)| {
            let mut sum = *amount;
            sum += other.amounts.get(key).copied().unwrap_or_default();
            (key, sum)
        };
        let only_other = other.amounts.iter().filter(|(key, _)| !self.amounts.contains_key(*key));
        let only_other = only_other.map(|(key, amount)| (key, *amount));
        let all: Vec<_> = self.amounts.iter().map(sum).chain(only_other).collect();
        let distinct = all.len();
        (first(all, order, n), distinct)
    }

    /// Returns the number of different keys, without those that were dropped.
    pub fn distinct(&self) -> usize {
        self.amounts.len()
    }

    /// Returns whether no key was dropped.
    pub fn is_exact(&self) -> bool {
        self.is_exact
    }

    /// Keeps at most the first `capacity` keys, now and whenever there are twice as many.
    pub fn shrink(&mut self, capacity: usize) {
        self.capacity = self.capacity.min(capacity);
        if self.amounts.len() > self.capacity {
            self.drop_smallest();
        }
        self.amounts.shrink_to(self.capacity.saturating_mul(2));
    }

    fn drop_smallest(&mut self) {
        let all = largest(self.amounts.drain().collect(), self.order, self.capacity);
        self.amounts.extend(all);
        self.is_exact = false;
    }
}

/// Returns the first `n` keys, sorted by `order`.
fn first<K: Ord, A: Ranked>(all: Vec<(K, A)>, order: A::Order, n: usize) -> Vec<(K, A)> {
    let mut all = largest(all, order, n);
    all.sort_unstable_by(|one, other| compare(one, other, order));
    all
}

/// Returns the first `n` keys of `order`, unsorted.
fn largest<K: Ord, A: Ranked>(mut all: Vec<(K, A)>, order: A::Order, n: usize) -> Vec<(K, A)> {
    if n < all.len() {
        all.select_nth_unstable_by(n, |one, other| compare(one, other, order));
        all.truncate(n);
    }
    all
}

/// Compares two keys; equal amounts are ordered by their keys, so that results do not vary.
fn compare<K: Ord, A: Ranked>(one: &(K, A), other: &(K, A), order: A::Order) -> Ordering {
    let rank = |amount: &A| Reverse(amount.rank(order));
    rank(&one.1).cmp(&rank(&other.1)).then_with(|| one.0.cmp(&other.0))
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
    fn two_rankings_are_ranked_together() {
        let (mut one, mut other) = (Ranking::new(By::Bytes, 10), Ranking::new(By::Bytes, 10));
        one.add("a", bytes(10));
        other.add("a", bytes(5));
        other.add("b", bytes(12));
        let (top, distinct) = one.top_with(&other, By::Bytes, 9);
        assert_eq!(
            top.iter().map(|(key, sum)| (**key, sum.bytes)).collect::<Vec<_>>(),
            [("a", 15), ("b", 12)]
        );
        assert_eq!(distinct, 2);
        assert_eq!(one.top_with(&other, By::Flows, 1).0.len(), 1);
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
