//! Policies that decide when the flows of a meter end, and that number them.

use super::state::FlowState;
use crate::flow::{EndReason, Flow, FlowTable, Slot, Timeouts, Wheel};
use crate::time::Timestamp;

/// End of a flow.
#[derive(Clone, Copy, Debug)]
pub struct FlowEnd {
    /// Slot of the flow.
    pub slot: Slot,
    /// Time of its end in the stream.
    pub ended: Timestamp,
    /// Reason of its end.
    pub reason: EndReason,
}

/// Decides when flows end, which flow makes room for another, and the numbers of records.
///
/// A meter is compiled for each policy, so a call costs nothing per packet.
pub trait Lifecycle: Send + 'static {
    /// Whether flows end only as packets arrive: a packet past a timeout always begins a new
    /// flow, and ticks of the stream's clock end none.
    const ENDS_BY_PACKETS: bool;

    /// Whether a meter ends its flows in the order of the table's rows.
    const ENDS_IN_ORDER: bool;

    /// Returns the policy for flows with these timeouts.
    fn new(timeouts: Timeouts) -> Self;

    /// Registers the flow in `slot`, which has just begun.
    fn begin(&mut self, slot: Slot, flows: &FlowTable<FlowState>);

    /// Returns the time of a packet that was captured at `time`. Called for all packets, in
    /// order, if [`ENDS_BY_PACKETS`](Self::ENDS_BY_PACKETS).
    fn stamp(&mut self, time: Timestamp) -> Timestamp {
        time
    }

    /// Returns the flows that end after a packet at `time`. Called if
    /// [`ENDS_BY_PACKETS`](Self::ENDS_BY_PACKETS).
    fn end_after_packet(
        &mut self,
        _time: Timestamp,
        _flows: &FlowTable<FlowState>,
    ) -> Vec<FlowEnd> {
        Vec::new()
    }

    /// Returns the flows that end at a tick of the stream's clock, in order.
    fn end_at_tick(&mut self, time: Timestamp, flows: &FlowTable<FlowState>) -> Vec<FlowEnd>;

    /// Returns all active flows, in the order in which they end with the input at `time`.
    fn end_all(&mut self, time: Timestamp, flows: &FlowTable<FlowState>) -> Vec<FlowEnd>;

    /// Returns the flow that makes room for another; `None` if there is none.
    fn make_room(&mut self, flows: &FlowTable<FlowState>) -> Option<Slot>;

    /// Returns the record number for `flow`, which has ended.
    fn number(&mut self, flow: &Flow) -> u64;
}

/// Policy in which flows end by the clock of the stream, and the flow that has been silent the
/// longest makes room.
#[derive(Debug)]
pub struct Standard {
    timeouts: Timeouts,
    wheel: Wheel,
}

impl Lifecycle for Standard {
    const ENDS_BY_PACKETS: bool = false;
    const ENDS_IN_ORDER: bool = false;

    fn new(timeouts: Timeouts) -> Self {
        Self { timeouts, wheel: Wheel::new(timeouts.idle) }
    }

    #[inline]
    fn begin(&mut self, slot: Slot, flows: &FlowTable<FlowState>) {
        self.wheel.note(slot, &flows.entry(slot).flow);
    }

    fn end_at_tick(&mut self, time: Timestamp, flows: &FlowTable<FlowState>) -> Vec<FlowEnd> {
        let mut idle = Vec::new();
        let mut awake = Vec::new();
        while let Some(notes) = self.wheel.due(time) {
            for note in notes {
                let Some(entry) = flows.alive(note.slot, note.generation) else { continue };
                let deadline = self.timeouts.deadline(&entry.flow);
                if deadline <= time {
                    idle.push((deadline, entry.flow.birth, note.slot));
                } else {
                    awake.push(note.slot);
                }
            }
            // Only once the bucket is empty: it must not return the same flow again.
            for slot in awake.drain(..) {
                self.wheel.note(slot, &flows.entry(slot).flow);
            }
        }
        // Hooks then get the same order for any number of ticks.
        idle.sort_unstable();
        let end = |(ended, _, slot)| FlowEnd { slot, ended, reason: EndReason::Idle };
        idle.into_iter().map(end).collect()
    }

    fn end_all(&mut self, time: Timestamp, flows: &FlowTable<FlowState>) -> Vec<FlowEnd> {
        let place = |slot| {
            let flow = &flows.entry(slot).flow;
            (self.timeouts.deadline(flow) > time, flow.birth, slot)
        };
        let mut rest: Vec<_> = flows.slots().map(place).collect();
        rest.sort_unstable();
        let end = |(is_active, _, slot)| {
            let (ended, reason) = if is_active {
                (Timestamp::MAX, EndReason::EndOfInput)
            } else {
                (self.timeouts.deadline(&flows.entry(slot).flow), EndReason::Idle)
            };
            FlowEnd { slot, ended, reason }
        };
        rest.into_iter().map(end).collect()
    }

    fn make_room(&mut self, flows: &FlowTable<FlowState>) -> Option<Slot> {
        self.wheel.take_most_silent(|note| {
            flows.alive(note.slot, note.generation).map(|entry| &entry.flow)
        })
    }

    #[inline]
    fn number(&mut self, flow: &Flow) -> u64 {
        flow.birth
    }
}
