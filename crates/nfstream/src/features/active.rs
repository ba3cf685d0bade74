//! Measurements of a meter's active flows, and the reuse of their memory.

use crossbeam_channel::{Receiver, Sender, bounded, never};
use nfstream_sys::prefetch_whole;

use super::measured::Registers;
use super::{Measurement, Measures, Plan, Program, Record, Sample};
use crate::flow::{Direction, Slot};

/// The measurements of active flows, by slot.
#[derive(Debug)]
pub struct ActiveMeasures {
    plan: Plan,
    places: Vec<Option<Box<Measures>>>,
    spare: Spare,
    pooled: SpareMeasures,
    /// Bytes that the measurements of all flows take beyond a fixed size for each.
    grown: usize,
    registers: Registers,
}

/// Memory for the measurements of new flows.
#[allow(clippy::vec_box, reason = "records own their measurements, and are moved about")]
type Spare = Vec<Box<Measures>>;

/// Returns measurement buffers of used records to the meters.
///
/// Optional: without it every record allocates its own.
#[derive(Clone, Debug)]
pub struct RecordPool(Sender<Spare>);

/// Receives the measurement buffers that are returned to a [`RecordPool`].
#[derive(Clone, Debug)]
pub struct SpareMeasures(Receiver<Spare>);

impl ActiveMeasures {
    /// Returns an empty store for the measurements of `plan`.
    pub fn new(plan: Plan, pooled: SpareMeasures) -> Self {
        let registers = plan.program.map(Program::registers).unwrap_or_default();
        Self { plan, places: Vec::new(), spare: Vec::new(), pooled, grown: 0, registers }
    }

    /// Starts the flow in `slot`, or its next slice, with the packet of `sample`.
    pub fn begin(&mut self, slot: Slot, sample: &Sample<'_>) {
        if self.places.len() <= slot.index() {
            self.places.resize_with(slot.index() + 1, || None);
        }
        let mut measures = self.places[slot.index()].take().unwrap_or_else(|| self.unused());
        measures.begin(&self.plan, sample);
        if self.plan.grows() {
            self.grown += measures.memory();
        }
        self.places[slot.index()] = Some(measures);
    }

    /// Measures a packet of the flow in `slot`, and returns the measurements so far.
    // Apart from the meter's work for each packet, which needs the registers.
    #[inline(never)]
    pub fn add(&mut self, slot: Slot, sample: &Sample<'_>) -> &Measures {
        let measures = self.places[slot.index()].get_or_insert_with(unmeasured);
        let mut growth = measures.add(&self.plan, sample);
        if self.plan.measures_rare() {
            let rare = add_rare(&self.plan, &mut self.registers, measures, sample);
            growth = growth.wrapping_add(rare);
        }
        self.grown = self.grown.wrapping_add(growth);
        measures
    }

    /// Takes the measurements of the flow in `slot`; if it `is_slice`, the flow continues.
    pub fn take(&mut self, slot: Slot, is_slice: bool) -> Box<Measures> {
        let taken = self.places[slot.index()].take().unwrap_or_default();
        if self.plan.grows() {
            self.grown = self.grown.saturating_sub(taken.memory());
        }
        if is_slice {
            let mut next = self.unused();
            next.continue_from(&self.plan, &taken);
            self.places[slot.index()] = Some(next);
        }
        taken
    }

    /// Returns measurements for a new flow, in the memory of an earlier one if there is any.
    fn unused(&mut self) -> Box<Measures> {
        if self.spare.is_empty()
            && !self.pooled.0.is_empty()
            && let Ok(spare) = self.pooled.0.try_recv()
        {
            self.spare = spare;
        }
        let Some(mut measures) = self.spare.pop() else { return Box::default() };
        if let Some(next) = self.spare.last() {
            prefetch_whole(next.as_ref());
        }
        measures.clear(&self.plan);
        measures
    }

    /// Prefetches the memory in which a packet of `direction` is measured, after `before` packets
    /// of the flow in `slot`.
    #[inline]
    pub fn prefetch(&self, slot: Slot, direction: Direction, before: u64) {
        if let Some(Some(measures)) = self.places.get(slot.index()) {
            measures.prefetch(&self.plan, direction, before);
        }
    }

    /// Prefetches all measurements of the flow in `slot`.
    #[inline]
    pub fn prefetch_all(&self, slot: Slot) {
        if let Some(Some(measures)) = self.places.get(slot.index()) {
            prefetch_whole(measures.as_ref());
        }
    }

    /// Returns the bytes that the measurements take in addition to a fixed size for each flow.
    pub fn memory(&self) -> usize {
        self.grown
    }

    /// Returns the measurements of the flow in `slot`.
    pub fn of(&self, slot: Slot) -> Option<&Measures> {
        self.places.get(slot.index())?.as_deref()
    }
}

/// Makes the measurements of a packet that few runs make, and returns the bytes by which they grow,
/// modulo the range of the type.
#[inline(never)]
fn add_rare(
    plan: &Plan,
    registers: &mut Registers,
    measures: &mut Measures,
    sample: &Sample<'_>,
) -> usize {
    let growth = measures.add_rare(plan, sample);
    let Some(program) = plan.program else { return growth };
    let before = measures.measured.memory();
    program.run(registers, &mut measures.measured, sample);
    growth.wrapping_add(measures.measured.memory().wrapping_sub(before))
}

/// Returns the measurements of a flow without packets.
#[cold]
#[inline(never)]
fn unmeasured() -> Box<Measures> {
    Box::default()
}

impl RecordPool {
    /// Most batches of measurements waiting for a meter.
    const QUEUE: usize = 4;

    /// Returns a pool, and the end from which meters take its buffers.
    pub fn new() -> (Self, SpareMeasures) {
        let (sender, receiver) = bounded(Self::QUEUE);
        (Self(sender), SpareMeasures(receiver))
    }

    /// Returns the measurement buffers of `records` to the pool.
    pub fn put_back(&self, records: impl IntoIterator<Item = Record>) {
        let spare: Spare = records.into_iter().filter_map(|record| record.measures).collect();
        if !spare.is_empty() {
            // Dropped when the queue is full or no meter is left.
            drop(self.0.try_send(spare));
        }
    }
}

impl Default for SpareMeasures {
    /// Returns an end that never receives a buffer.
    fn default() -> Self {
        Self(never())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::{Group, Measuring, Nameless, Volume, columns};
    use crate::flow::{FlowKey, FlowTable, Sender as End};
    use crate::packet::{Packet, TcpFlags};
    use crate::time::{TimeUnit, Timestamp};

    /// Measures `packets` packets of a flow and takes the measurements.
    fn measured(measures: &mut ActiveMeasures, slot: Slot, packets: usize) -> Box<Measures> {
        let packet = Packet {
            tcp_flags: TcpFlags::SYN,
            payload_len: 7,
            protocol: 6,
            version: 4,
            ..Packet::default()
        };
        let mut volume = Volume::default();
        for number in 0..packets {
            let direction = Direction::Src2Dst;
            let time = Timestamp::from_seconds(i64::try_from(number).unwrap(), 0);
            volume.add(direction, 100);
            let ticks = time.millis();
            let (packet, chunk, volume) = (&packet, &[][..], &volume);
            let sample = Sample { packet, chunk, direction, time, ticks, size: 100, volume };
            if number == 0 {
                measures.begin(slot, &sample);
            }
            measures.add(slot, &sample);
        }
        measures.take(slot, false)
    }

    /// A record with `measures` and nothing else.
    fn record(measures: Box<Measures>) -> Record {
        let mut table = FlowTable::new();
        let key = FlowKey::of(&Packet::default()).0;
        let slot = table.insert(0, key, End::Low, Timestamp::default(), ());
        Record {
            id: 0,
            flow: table.entry(slot).flow,
            ended: Timestamp::default(),
            end_reason: crate::flow::EndReason::Idle,
            kind: crate::features::RecordKind::Final,
            expiration_id: 0,
            volume: Volume::default(),
            measures: Some(measures),
            application: crate::features::Application::default(),
            process: None,
            places: [None, None],
            ground_truth: None,
            scores: None,
            release: 0,
        }
    }

    #[test]
    fn a_place_is_clean_for_its_next_flow() {
        let measuring =
            Measuring { groups: Group::ALL.to_vec(), splt_packets: 20, ..Measuring::default() };
        let (pool, pooled) = RecordPool::new();
        let mut measures = ActiveMeasures::new(measuring.plan(), pooled);
        let mut table = FlowTable::new();
        let key = FlowKey::of(&Packet::default()).0;
        let slot = table.insert(0, key, End::Low, Timestamp::default(), ());
        let expected = record(measured(&mut measures, slot, 3));
        for packets in [1, 3, 15, 3, 25, 3] {
            let found = measured(&mut measures, slot, packets);
            let found = record(found);
            if packets == 3 {
                for column in columns(TimeUnit::Milliseconds) {
                    let value = |record| column.value(record, &Nameless);
                    assert_eq!(value(&found), value(&expected), "{}", column.name);
                }
            }
            pool.put_back([found]);
        }
    }
}
