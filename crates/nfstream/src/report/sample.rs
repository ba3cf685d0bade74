//! Flows that the page shows individually.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use crate::features::{Column, Record, Schema, Value};

/// Shelves of flows, each with the highest ranks of one kind.
///
/// A flow without a place on one shelf moves on to the next, so every flow that ranks high enough
/// for a shelf is on that shelf or an earlier one.
#[derive(Debug)]
pub(super) struct Sample {
    shelves: Vec<Shelf>,
    /// Number of flows so far.
    offered: u64,
}

/// Kind of rank.
#[derive(Clone, Copy, Debug)]
enum Rank {
    /// Bytes.
    Largest,
    /// Number of retransmitted and out-of-order segments.
    Lossy([Option<&'static Column>; 4]),
    /// Duration of the handshake.
    Slow(Option<&'static Column>),
    /// Number of risks.
    Risky,
}

#[derive(Debug)]
struct Shelf {
    rank: Rank,
    capacity: usize,
    /// The lowest rank on top.
    flows: BinaryHeap<Reverse<Ranked>>,
}

#[derive(Debug)]
struct Ranked {
    rank: u64,
    /// Number of earlier flows: among equal ranks, the earliest ones stay.
    number: u64,
    record: Record,
}

impl Sample {
    /// Returns a sample of the `largest` flows, and of fewer flows of each other kind.
    pub(super) fn new(schema: &Schema, largest: usize) -> Self {
        let column = |name: &str| schema.columns().iter().copied().find(|one| one.name == name);
        let lossy = [
            "src2dst_retransmitted_packets",
            "dst2src_retransmitted_packets",
            "src2dst_out_of_order_packets",
            "dst2src_out_of_order_packets",
        ];
        let few = largest.min(200);
        let shelf = |rank, capacity| Shelf { rank, capacity, flows: BinaryHeap::new() };
        let shelves = vec![
            shelf(Rank::Largest, largest),
            shelf(Rank::Lossy(lossy.map(column)), few),
            shelf(Rank::Slow(column("tcp_handshake_us")), few),
            shelf(Rank::Risky, few),
        ];
        Self { shelves, offered: 0 }
    }

    /// Adds a flow, and returns one that no longer has a place.
    pub(super) fn offer(&mut self, record: Record) -> Option<Record> {
        let number = self.offered;
        self.offered += 1;
        let mut flow = Ranked { rank: 0, number, record };
        for shelf in &mut self.shelves {
            flow = shelf.offer(flow)?;
        }
        Some(flow.record)
    }

    /// Returns the flows in their order of arrival.
    pub(super) fn flows(&self) -> Vec<&Record> {
        let all = self.shelves.iter().flat_map(|shelf| shelf.flows.iter());
        let mut all: Vec<_> = all.map(|Reverse(flow)| flow).collect();
        all.sort_unstable_by_key(|flow| flow.number);
        all.into_iter().map(|flow| &flow.record).collect()
    }
}

impl Shelf {
    fn offer(&mut self, mut flow: Ranked) -> Option<Ranked> {
        flow.rank = self.rank.of(&flow.record);
        let is_ranked = flow.rank > 0 || matches!(self.rank, Rank::Largest);
        if !is_ranked || self.capacity == 0 {
            return Some(flow);
        }
        if self.flows.len() < self.capacity {
            self.flows.push(Reverse(flow));
            return None;
        }
        let Some(mut lowest) = self.flows.peek_mut() else { return Some(flow) };
        if flow > lowest.0 {
            std::mem::swap(&mut lowest.0, &mut flow);
        }
        Some(flow)
    }
}

impl Rank {
    fn of(self, record: &Record) -> u64 {
        let number = |column: Option<&'static Column>| {
            let value = column.map(|column| column.value(record, &crate::features::Nameless));
            match value {
                Some(Value::Integer(number)) => u64::try_from(number).unwrap_or(0),
                _ => 0,
            }
        };
        match self {
            Self::Largest => record.volume.total_bytes(),
            Self::Lossy(columns) => columns.into_iter().map(number).sum(),
            Self::Slow(column) => number(column),
            Self::Risky => {
                let risks = record.application.metadata.as_deref().map_or("", |meta| &*meta.risks);
                let names = risks.split(',').filter(|name| !name.is_empty());
                names.count().try_into().unwrap_or(0)
            }
        }
    }
}

impl Ord for Ranked {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.rank, Reverse(self.number)).cmp(&(other.rank, Reverse(other.number)))
    }
}

impl PartialOrd for Ranked {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Eq for Ranked {}

impl PartialEq for Ranked {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}
