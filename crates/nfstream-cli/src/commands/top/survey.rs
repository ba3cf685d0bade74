//! A look at all active flows: rates, groups, and the rows to show.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use nfstream::ActiveFlows;
use nfstream::condition::{Condition, ConditionError};
use nfstream::features::{Label, Names, Record};
use nfstream::flow::Flow;
use nfstream::pipeline::FlowPlace;
use nfstream::time::Timestamp;

use super::groups::{Amount, Groups, Rate, whole};

/// Flows in the table.
pub(super) const ROWS: usize = 1000;

/// Flows to which a filter is applied in one look; those that come first in the order.
pub(super) const EXAMINED: usize = 20_000;

/// Flows of which records are made at once.
const GROUP: usize = 256;

/// Slots of a meter whose flows have a current rate, 40 bytes each. Flows beyond have a mean rate.
const SLOTS: usize = 1 << 20;

/// Order of flows.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) enum Sort {
    #[default]
    Rate,
    Bytes,
    Packets,
    Age,
    /// Time of the last packet.
    Recent,
}

/// Place of a flow in an order, larger first: by what the order names, then by bytes.
type Rank = (u64, u64);

/// Request for the next survey.
#[derive(Clone, Debug, Default)]
pub(super) struct Wish {
    pub(super) sort: Sort,
    /// Smallest first.
    pub(super) is_ascending: bool,
    pub(super) filter: Option<Arc<Condition>>,
}

/// A flow in the table.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) record: Record,
    pub(super) rate: Rate,
    pub(super) has_ended: bool,
}

/// Result of a look.
#[derive(Debug, Default)]
pub(super) struct Look {
    /// The first flows in the order.
    pub(super) rows: Vec<Row>,
    /// All flows, or those that match the filter.
    pub(super) groups: Groups,
    /// All flows.
    pub(super) total: Amount,
    /// Flows that match the filter.
    pub(super) matching: usize,
    /// Flows to which the filter was applied; fewer than there are if they are many.
    pub(super) examined: usize,
    /// Failure of the filter.
    pub(super) failure: Option<ConditionError>,
    /// Time of the last packet of any flow.
    pub(super) latest: Option<Timestamp>,
}

/// Memory between two looks.
#[derive(Debug)]
pub(super) struct Survey {
    active: ActiveFlows,
    /// Flows of each meter, by slot.
    seen: Vec<Vec<Seen>>,
}

/// A flow in an earlier look.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    birth: u64,
    slice: u32,
    packets: u32,
    bytes: u64,
    rate_packets: f32,
    rate_bytes: f32,
    label: (u16, u16),
    /// Whether the label is final.
    is_labelled: bool,
    is_known: bool,
}

impl Sort {
    pub(super) const ALL: [Self; 5] =
        [Self::Rate, Self::Bytes, Self::Packets, Self::Age, Self::Recent];

    /// Returns what the order sorts by, larger first.
    fn rank(self, flow: &Flow, bytes: u64, packets: u64, rate: Rate) -> u64 {
        let nanos = |time: Timestamp| u64::try_from(time.nanos().max(0)).unwrap_or(0);
        match self {
            Self::Rate => whole(rate.bytes),
            Self::Bytes => bytes,
            Self::Packets => packets,
            Self::Age => u64::MAX - nanos(flow.first_seen),
            Self::Recent => nanos(flow.last_seen),
        }
    }
}

impl Wish {
    fn rank(&self, flow: &Flow, bytes: u64, packets: u64, rate: Rate) -> Rank {
        let rank = (self.sort.rank(flow, bytes, packets, rate), bytes);
        if self.is_ascending { (u64::MAX - rank.0, u64::MAX - rank.1) } else { rank }
    }

    /// Returns the rank of a row, larger first.
    pub(super) fn rank_of(&self, row: &Row) -> Rank {
        let volume = &row.record.volume;
        self.rank(&row.record.flow, volume.total_bytes(), volume.total_packets(), row.rate)
    }
}

impl Seen {
    fn rate(&self) -> Rate {
        Rate { packets: self.rate_packets.into(), bytes: self.rate_bytes.into() }
    }
}

impl Survey {
    /// Returns a survey that has not read any flows.
    pub(super) fn new(active: ActiveFlows) -> Self {
        Self { active, seen: Vec::new() }
    }

    /// Looks at the flows. `elapsed` are the seconds since the last look with a value; without one,
    /// rates stay as they were.
    pub(super) fn look(
        &mut self,
        wish: &Wish,
        names: &dyn Names,
        elapsed: Option<f64>,
        with_processes: bool,
    ) -> Look {
        let mut look = Look::default();
        let most = if wish.filter.is_some() { EXAMINED } else { ROWS };
        let mut first: BinaryHeap<Reverse<(Rank, FlowPlace)>> = BinaryHeap::with_capacity(most + 1);
        let seen = &mut self.seen;
        // The survey is never part of a hook.
        let visited = self.active.visit(|mut flow| {
            let place = flow.place();
            let volume = flow.volume();
            let known = place_of(seen, place);
            let (key, bytes, packets) = {
                let key = flow.flow();
                look.latest = look.latest.max(Some(key.last_seen));
                (*key, volume.total_bytes(), volume.total_packets())
            };
            let mut beyond = Seen::default();
            let (seen, rate) = match known {
                Some(seen) => {
                    seen.update(&key, bytes, packets, elapsed);
                    let rate = seen.rate();
                    (seen, rate)
                }
                None => (&mut beyond, mean(&key, bytes, packets)),
            };
            let amount = Amount::of(&volume, true, rate);
            look.total += amount;
            if wish.filter.is_none() {
                if !seen.is_labelled {
                    let (label, is_final) = flow.label();
                    seen.label = (label.master_protocol, label.app_protocol);
                    seen.is_labelled = is_final;
                }
                let (master_protocol, app_protocol) = seen.label;
                let label = Label { master_protocol, app_protocol, ..Label::default() };
                let process = if with_processes { flow.process() } else { None };
                look.groups.add(&key, label, process.as_deref(), &amount);
            }
            let rank = wish.rank(&key, bytes, packets, rate);
            if first.len() < most || first.peek().is_some_and(|Reverse((least, _))| rank > *least) {
                first.push(Reverse((rank, place)));
                if first.len() > most {
                    first.pop();
                }
            }
        });
        debug_assert!(visited.is_ok(), "the survey is no hook");
        let places: Vec<_> =
            first.into_sorted_vec().into_iter().map(|Reverse((_, place))| place).collect();
        self.examine(&places, wish, names, &mut look);
        look
    }

    /// Makes the rows of the flows at `places`, as far as they match the filter.
    fn examine(&mut self, places: &[FlowPlace], wish: &Wish, names: &dyn Names, look: &mut Look) {
        // Between the groups the meters continue, and the filter does not hold them up.
        for group in places.chunks(GROUP) {
            let (mut records, mut rates) = (Vec::new(), Vec::new());
            let visited = self.active.visit_again(group, |mut flow| {
                let rate = match place_of(&mut self.seen, flow.place()) {
                    Some(seen) => seen.rate(),
                    None => {
                        let volume = flow.volume();
                        mean(flow.flow(), volume.total_bytes(), volume.total_packets())
                    }
                };
                records.push(flow.record());
                rates.push(rate);
            });
            debug_assert!(visited.is_ok(), "the survey is no hook");
            self.active.score(&mut records);
            for (record, rate) in records.into_iter().zip(rates) {
                let row = Row { record, rate, has_ended: false };
                look.examined += 1;
                if let Some(filter) = &wish.filter {
                    match filter.matches(&row.record, names) {
                        Ok(true) => {
                            let amount = Amount::of(&row.record.volume, true, row.rate);
                            look.groups.add_record(&row.record, &amount);
                        }
                        Ok(false) => continue,
                        Err(error) => {
                            look.failure.get_or_insert(error);
                            continue;
                        }
                    }
                }
                look.matching += 1;
                if look.rows.len() < ROWS {
                    look.rows.push(row);
                }
            }
        }
        look.rows.sort_by_cached_key(|row| (Reverse(wish.rank_of(row)), row.record.id));
    }
}

impl Seen {
    /// Notes the volume of the flow in this place, and its rate since the last look.
    fn update(&mut self, flow: &Flow, bytes: u64, packets: u64, elapsed: Option<f64>) {
        if !self.is_known || (self.birth, self.slice) != (flow.birth, flow.slice) {
            let keeps_label = self.is_known && self.birth == flow.birth;
            *self = Self {
                birth: flow.birth,
                slice: flow.slice,
                is_known: true,
                label: if keeps_label { self.label } else { (0, 0) },
                ..Self::default()
            };
        }
        let Some(elapsed) = elapsed else { return };
        let short = u32::try_from(packets).unwrap_or(u32::MAX);
        self.rate_bytes = narrow(per_second(bytes.saturating_sub(self.bytes), elapsed));
        self.rate_packets = narrow(per_second(short.saturating_sub(self.packets).into(), elapsed));
        (self.bytes, self.packets) = (bytes, short);
    }
}

/// Returns the rate of a flow over its life.
fn mean(flow: &Flow, bytes: u64, packets: u64) -> Rate {
    let nanos = flow.last_seen.since(flow.first_seen).nanos();
    let seconds = std::time::Duration::from_nanos(nanos).as_secs_f64();
    Rate { packets: per_second(packets, seconds), bytes: per_second(bytes, seconds) }
}

/// Returns a number per second, 0 if no time has passed.
pub(super) fn per_second(number: u64, seconds: f64) -> f64 {
    // A duration converts the number without a cast.
    let number = std::time::Duration::from_secs(number).as_secs_f64();
    if seconds > 0.0 { number / seconds } else { 0.0 }
}

/// Returns a rate with less precision.
fn narrow(number: f64) -> f32 {
    std::time::Duration::try_from_secs_f64(number).map_or(0.0, |number| number.as_secs_f32())
}

/// Returns the memory for the flow at `place`; `None` beyond the limit.
fn place_of(seen: &mut Vec<Vec<Seen>>, place: FlowPlace) -> Option<&mut Seen> {
    let (meter, slot) = (place.meter(), place.slot());
    if slot >= SLOTS {
        return None;
    }
    if seen.len() <= meter {
        seen.resize_with(meter + 1, Vec::new);
    }
    let of_meter = seen.get_mut(meter)?;
    if of_meter.len() <= slot {
        of_meter.resize(slot + 1, Seen::default());
    }
    of_meter.get_mut(slot)
}
