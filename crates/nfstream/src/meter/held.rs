//! Packets that may open another TCP connection between the ends of a flow, held until it is clear
//! which connection they belong to.

use std::collections::HashMap;
use std::sync::Arc;

use crate::flow::{Opener, Sender, Slot};
use crate::packet::{ChunkBytes, Packet, narrow};
use crate::time::Timestamp;

/// Most packets held for one flow: a SYN is rarely repeated more often.
const MOST_PACKETS: usize = 8;

/// Most bytes held. Beyond that, a SYN belongs to the existing flow.
const MOST_BYTES: usize = 16 << 20;

/// The held packets of all flows.
#[derive(Debug, Default)]
pub(super) struct HeldPackets {
    of_flows: HashMap<Slot, Held, foldhash::fast::FixedState>,
    /// Bytes that they use.
    bytes: usize,
}

/// The held packets of one flow, at least one.
#[derive(Debug)]
pub(super) struct Held {
    /// The first of them.
    pub(super) opener: Opener,
    /// Time of the flow's last packet before them.
    pub(super) before: Timestamp,
    pub(super) packets: Vec<HeldPacket>,
}

/// A packet with its own copy of the bytes.
#[derive(Debug)]
pub(super) struct HeldPacket {
    pub(super) packet: Packet,
    pub(super) bytes: ChunkBytes,
    pub(super) sender: Sender,
}

impl HeldPacket {
    fn new(packet: &Packet, frame: &[u8], sender: Sender) -> Self {
        let packet = Packet { frame_offset: 0, capture_len: narrow(frame.len()), ..*packet };
        Self { packet, bytes: ChunkBytes::Owned(Arc::new(frame.to_vec())), sender }
    }

    fn bytes(&self) -> usize {
        size_of::<Held>() + size_of::<Self>() + self.bytes.as_slice().len()
    }
}

impl HeldPackets {
    /// Holds a packet of the flow in `slot`, the first with its `opener`; returns whether there was
    /// room.
    pub(super) fn hold(
        &mut self,
        slot: Slot,
        opener: Opener,
        before: Timestamp,
        (packet, frame, sender): (&Packet, &[u8], Sender),
    ) -> bool {
        let bytes = size_of::<Held>() + size_of::<HeldPacket>() + frame.len();
        if self.bytes + bytes > MOST_BYTES {
            return false;
        }
        let held = self.of_flows.entry(slot);
        let held = held.or_insert_with(|| Held { opener, before, packets: Vec::new() });
        if held.packets.len() >= MOST_PACKETS {
            return false;
        }
        held.packets.push(HeldPacket::new(packet, frame, sender));
        self.bytes += bytes;
        true
    }

    /// Returns the packet that may open another connection in place of that of the flow in `slot`,
    /// and the time of the flow's last packet before it.
    pub(super) fn opener(&self, slot: Slot) -> Option<(Opener, Timestamp)> {
        self.of_flows.get(&slot).map(|held| (held.opener, held.before))
    }

    /// Takes the packets held for the flow in `slot`.
    pub(super) fn take(&mut self, slot: Slot) -> Option<Held> {
        let held = self.of_flows.remove(&slot)?;
        let bytes: usize = held.packets.iter().map(HeldPacket::bytes).sum();
        self.bytes = self.bytes.saturating_sub(bytes);
        Some(held)
    }
}
