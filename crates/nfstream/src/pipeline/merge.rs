//! Records in their final order, with their final ids.

use std::collections::{BTreeMap, HashMap};

use crate::features::{Record, RecordKind};
use crate::flow::Wheel;
use crate::meter::MeterOutput;
use crate::time::{Duration, Timestamp};

/// Sorts records by the end of their flows, then by id.
///
/// An end is noticed some time after it has passed, so records wait until the clock of the stream
/// rules out any earlier one.
#[derive(Debug)]
pub(super) struct Order {
    idle: Duration,
    /// Records since the last release, in no order.
    fresh: Vec<Record>,
    /// Earlier records whose flows ended after the clock's time of that release.
    waiting: BTreeMap<Place, Record>,
    /// Releases so far.
    releases: u64,
}

/// Position of a record in the output.
type Place = (Timestamp, u64, u32, u64, RecordKind);

/// Most records waiting. Only a stream that jumps back in time comes near this limit.
const CAPACITY: usize = 16_384;

impl Order {
    /// Returns the order for flows that end after `idle`.
    pub(super) fn new(idle: Duration) -> Self {
        Self { idle, fresh: Vec::new(), waiting: BTreeMap::new(), releases: 0 }
    }

    /// Adds records, apart from hidden ones.
    pub(super) fn take(&mut self, records: impl Iterator<Item = Record>) {
        // A filter has no exact size, and it hides few records.
        self.fresh.reserve(records.size_hint().0);
        self.fresh.extend(records.filter(|record| record.kind != RecordKind::Hidden));
    }

    /// Moves the records that no other can precede any more to `out`, now that the meters have
    /// ended the flows that were idle at `time`.
    pub(super) fn release(&mut self, time: Timestamp, out: &mut Vec<Record>) {
        self.release_until(Wheel::settled(self.idle, time), out);
    }

    /// Releases all remaining records.
    pub(super) fn finish(&mut self, out: &mut Vec<Record>) {
        self.release_until(Timestamp::MAX, out);
    }

    /// Releases the records of flows that ended by `time`.
    fn release_until(&mut self, time: Timestamp, out: &mut Vec<Record>) {
        let start = out.len();
        self.fresh.sort_by_key(place);
        out.reserve(self.fresh.len());
        for record in self.fresh.drain(..) {
            let place = place(&record);
            while let Some(first) = self.waiting.first_entry()
                && *first.key() < place
                && first.key().0 <= time
            {
                out.push(first.remove());
            }
            if record.ended <= time {
                out.push(record);
            } else {
                self.waiting.insert(place, record);
            }
        }
        while let Some(first) = self.waiting.first_entry()
            && (first.key().0 <= time || self.waiting.len() > CAPACITY)
        {
            out.extend(self.waiting.pop_first().map(|(_, record)| record));
        }
        self.releases += 1;
        for record in out.iter_mut().skip(start) {
            record.release = self.releases;
        }
    }
}

fn place(record: &Record) -> Place {
    let Record { ended, id, flow, volume, kind, .. } = record;
    (*ended, *id, flow.slice, volume.total_packets(), *kind)
}

/// Assigns ids to conversations, counted over all meters in the order of their first packets.
#[derive(Debug)]
pub(super) struct Ids {
    /// For each meter, the ids of its active conversations by its own count.
    active: Vec<HashMap<u64, u64, foldhash::fast::FixedState>>,
    /// For each meter, its conversations so far.
    births: Vec<u64>,
    next: u64,
}

impl Ids {
    pub(super) fn new(meters: usize) -> Self {
        Self { active: vec![HashMap::default(); meters], births: vec![0; meters], next: 0 }
    }

    /// Returns the id of an active conversation, by the count of its meter; `None` if it has none yet.
    pub(super) fn of(&self, meter: usize, birth: u64) -> Option<u64> {
        self.active.get(meter)?.get(&birth).copied()
    }

    /// Assigns ids to the conversations that began in a chunk, then to the records of each meter.
    pub(super) fn assign(&mut self, output: &mut [MeterOutput]) {
        let mut born: Vec<(u32, usize)> = output
            .iter()
            .enumerate()
            .flat_map(|(meter, output)| output.births.iter().map(move |&at| (at, meter)))
            .collect();
        born.sort_unstable();
        for (_, meter) in born {
            self.active[meter].insert(self.births[meter], self.next);
            self.births[meter] += 1;
            self.next += 1;
        }
        for (meter, output) in output.iter_mut().enumerate() {
            for record in &mut output.records {
                let id = self.active[meter].get(&record.id).copied();
                if record.kind.is_end() && !record.end_reason.is_slice() {
                    self.active[meter].remove(&record.id);
                }
                record.id = id.expect("a flow is born before it ends");
            }
        }
    }
}
