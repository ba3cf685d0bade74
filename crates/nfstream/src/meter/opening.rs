//! SYNs in connections that are open: they may belong to another connection, which reuses the ports.

use super::held::Held;
use super::{HookError, Hooks, Keyed, Lifecycle, Meter};
use crate::flow::{Answer, Direction, Segment, Slot, Verdict};
use crate::packet::ChunkBytes;
use crate::time::Timestamp;

impl<L: Lifecycle> Meter<L> {
    /// Adds a packet to the flow in `slot`, if it has SYN or packets are held.
    ///
    /// A SYN with another sequence number may open another connection: it is held until the next
    /// packet shows whether it does.
    #[cold]
    #[inline(never)]
    pub(super) fn arrive_with_syn<H: Hooks>(
        &mut self,
        bytes: &ChunkBytes,
        frames: &[u8],
        keyed: &Keyed<'_>,
        slot: Slot,
        hooks: &mut H,
    ) -> Result<(), HookError> {
        let (packet, frame) = (keyed.packet, keyed.packet.frame(frames));
        let flow = &self.table.entry(slot).flow;
        let time = packet.time.max(flow.last_seen);
        let is_late = packet.time < flow.last_seen;
        let direction = Direction::of(keyed.sender, flow.src);
        let verdict = self.timeouts.judge(flow, time);
        let segment = Segment::read(packet, frame).filter(|_| verdict != Verdict::Idle);
        if let Some((opener, before)) = self.held.opener(slot) {
            let answer = segment.map(|segment| opener.answer(direction, &segment));
            match answer.unwrap_or(Answer::Refuted) {
                Answer::Opened => {
                    self.reopen(keyed, slot, hooks)?;
                    return self.arrive(bytes, frames, keyed, hooks);
                }
                Answer::Again
                    if self.held.hold(slot, opener, before, (packet, frame, keyed.sender)) =>
                {
                    self.output.late_packets += u64::from(is_late);
                    self.table.entry_mut(slot).flow.last_seen = time;
                    return Ok(());
                }
                Answer::Again | Answer::Refuted => {
                    self.release(slot, time, hooks)?;
                    return self.arrive(bytes, frames, keyed, hooks);
                }
            }
        }
        self.output.late_packets += u64::from(is_late);
        let opener =
            segment.and_then(|segment| self.measures.of(slot)?.opener(direction, &segment));
        let Some(opener) = opener else {
            return self.join_late(bytes, frames, keyed, slot, packet.time, hooks);
        };
        let entry = self.table.entry_mut(slot);
        if entry.state.close.is_some() {
            self.begin_again(slot, Verdict::Closed, (time, time), keyed, hooks)?;
            return self.add_first(bytes, frames, keyed, slot, hooks);
        }
        let before = entry.flow.last_seen;
        if self.held.hold(slot, opener, before, (packet, frame, keyed.sender)) {
            let entry = self.table.entry_mut(slot);
            entry.flow.last_seen = time;
            entry.state.is_holding = true;
            return Ok(());
        }
        self.join_late(bytes, frames, keyed, slot, packet.time, hooks)
    }

    /// Takes the packets held for the flow in `slot`, whose state is that before them.
    pub(super) fn take_held(&mut self, slot: Slot) -> Option<Held> {
        let held = self.held.take(slot)?;
        let entry = self.table.entry_mut(slot);
        entry.state.is_holding = false;
        entry.flow.last_seen = held.before;
        Some(held)
    }

    /// Adds the packets held for the flow in `slot` to it, because they open no connection. If they
    /// end a slice, it ends at `now`.
    pub(super) fn release<H: Hooks>(
        &mut self,
        slot: Slot,
        now: Timestamp,
        hooks: &mut H,
    ) -> Result<(), HookError> {
        if !self.table.entry(slot).state.is_holding {
            return Ok(());
        }
        let Some(held) = self.take_held(slot) else { return Ok(()) };
        let key = self.table.entry(slot).flow.key;
        let hash = self.hasher.key(&key);
        for one in &held.packets {
            let frames = one.bytes.as_slice();
            let (packet, sender) = (&one.packet, one.sender);
            let keyed = Keyed { index: 0, packet, key, sender, hash, slot: Some(slot) };
            // A hook may have ended the flow.
            match self.table.find(hash, &key) {
                Some(slot) => self.join_late(&one.bytes, frames, &keyed, slot, now, hooks)?,
                None => self.begin(&one.bytes, frames, &keyed, hooks)?,
            }
        }
        Ok(())
    }

    /// Ends the flow in `slot`, and starts one with the packets held for it: `keyed` shows that
    /// they opened a connection.
    pub(super) fn reopen<H: Hooks>(
        &mut self,
        keyed: &Keyed<'_>,
        slot: Slot,
        hooks: &mut H,
    ) -> Result<(), HookError> {
        let now = keyed.packet.time.max(self.table.entry(slot).flow.last_seen);
        let Some(held) = self.take_held(slot) else { return Ok(()) };
        let mut is_first = true;
        for one in &held.packets {
            let frames = one.bytes.as_slice();
            let packet = Keyed { packet: &one.packet, sender: one.sender, ..*keyed };
            if std::mem::take(&mut is_first) {
                let time = one.packet.time;
                self.begin_again(slot, Verdict::Reopened, (time, now), &packet, hooks)?;
                self.add_first(&one.bytes, frames, &packet, slot, hooks)?;
            } else {
                match self.table.find(packet.hash, &packet.key) {
                    Some(slot) => self.join_late(&one.bytes, frames, &packet, slot, now, hooks)?,
                    None => self.begin(&one.bytes, frames, &packet, hooks)?,
                }
            }
        }
        Ok(())
    }
}
