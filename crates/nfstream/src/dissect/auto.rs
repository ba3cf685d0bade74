//! The dissector in Rust first, and nDPI for the flows that it does not know.

use std::ops::Range;
use std::sync::Arc;

use super::native::{NativeDissector, NativeFactory, Standing};
use super::ndpi::{NdpiDissector, NdpiFactory};
use super::{Component, DissectError, Dissector, DissectorFactory, Inspection, Limits};
use crate::features::{Application, Names};
use crate::flow::Slot;
use crate::packet::Packet;

/// Bytes of a flow that are kept for nDPI, at most.
const MAX_KEPT_BYTES: usize = 6 << 10;
/// Packets of a flow that are kept for nDPI, at most.
const MAX_KEPT_PACKETS: usize = 8;

/// The dissector in Rust, and nDPI for what stays unknown.
///
/// nDPI gets the packets of a flow from its first payload on, but only once no protocol of the
/// dissector in Rust fits. Up to then they are kept, at most 6 KiB a flow: most flows have a name
/// after one packet with payload, so this takes less time than two dissectors at once.
#[derive(Clone, Copy, Debug, Default)]
pub struct AutoFactory;

impl DissectorFactory for AutoFactory {
    fn name(&self) -> &'static str {
        "auto"
    }

    fn components(&self) -> Vec<Component> {
        let mut components = NativeFactory.components();
        components.extend(NdpiFactory.components());
        components
    }

    fn make(&self, limits: Limits) -> Result<Box<dyn Dissector>, DissectError> {
        Ok(Box::new(AutoDissector {
            native: NativeDissector::new(limits),
            ndpi: NdpiDissector::new(limits)?,
            flows: Vec::new(),
            idle: Vec::new(),
        }))
    }
}

/// Both dissectors, and which of them a flow is with.
#[derive(Debug)]
struct AutoDissector {
    native: NativeDissector,
    ndpi: NdpiDissector,
    /// By slot.
    flows: Vec<Stage>,
    /// Unused buffers.
    idle: Vec<Kept>,
}

/// Progress of one flow.
#[derive(Debug, Default)]
enum Stage {
    /// The dissector in Rust is at work or has finished.
    #[default]
    Native,
    /// The same, and no protocol has matched yet: nDPI may get these packets.
    Undecided(Kept),
    /// nDPI is at work or has finished.
    Ndpi,
}

/// The first packets of a flow with payload.
#[derive(Debug, Default)]
struct Kept {
    packets: Vec<(Packet, Range<usize>)>,
    bytes: Vec<u8>,
}

impl Kept {
    fn add(&mut self, packet: &Packet, ip_bytes: &[u8]) {
        let start = self.bytes.len();
        if self.packets.len() < MAX_KEPT_PACKETS && start + ip_bytes.len() <= MAX_KEPT_BYTES {
            self.bytes.extend_from_slice(ip_bytes);
            self.packets.push((*packet, start..self.bytes.len()));
        }
    }

    fn clear(&mut self) {
        self.packets.clear();
        self.bytes.clear();
    }
}

impl AutoDissector {
    fn stage(&mut self, slot: Slot) -> &mut Stage {
        if self.flows.len() <= slot.index() {
            self.flows.resize_with(slot.index() + 1, Stage::default);
        }
        self.flows.get_mut(slot.index()).expect("resized above")
    }

    fn recycle(&mut self, mut kept: Kept) {
        kept.clear();
        self.idle.push(kept);
    }

    /// Hands a flow that no protocol of the dissector in Rust fits over to nDPI.
    fn hand_over(&mut self, slot: Slot, kept: Kept) -> Inspection {
        let mut inspection = Inspection::Open;
        for (packet, range) in &kept.packets {
            if inspection == Inspection::Open {
                let bytes = kept.bytes.get(range.clone()).unwrap_or_default();
                inspection = self.ndpi.inspect(slot, packet, bytes);
            }
        }
        self.recycle(kept);
        *self.stage(slot) = Stage::Ndpi;
        inspection
    }

    /// Returns the better of the two labels of a flow that ends.
    fn settle(&mut self, slot: Slot) -> Application {
        let native = self.native.end(slot);
        let ndpi = self.ndpi.end(slot);
        let is_known = ndpi.label.app_protocol != 0 && !ndpi.label.guessed;
        if is_known && !self.native.contradicts(&ndpi.label) { ndpi } else { native }
    }
}

impl Dissector for AutoDissector {
    fn inspect(&mut self, slot: Slot, packet: &Packet, ip_bytes: &[u8]) -> Inspection {
        let mut kept = match std::mem::take(self.stage(slot)) {
            Stage::Ndpi => {
                *self.stage(slot) = Stage::Ndpi;
                return self.ndpi.inspect(slot, packet, ip_bytes);
            }
            Stage::Undecided(kept) => Some(kept),
            Stage::Native => None,
        };
        let was_undecided = kept.is_some() || self.native.standing(slot) == Standing::New;
        let inspection = self.native.inspect(slot, packet, ip_bytes);
        match self.native.standing(slot) {
            Standing::Matched | Standing::New => {
                if let Some(kept) = kept {
                    self.recycle(kept);
                }
                inspection
            }
            Standing::Probing | Standing::Unknown if was_undecided => {
                if packet.payload_len > 0 {
                    let kept = kept.get_or_insert_with(|| self.idle.pop().unwrap_or_default());
                    kept.add(packet, ip_bytes);
                }
                match (self.native.standing(slot), kept) {
                    (Standing::Unknown, kept) => self.hand_over(slot, kept.unwrap_or_default()),
                    (_, Some(kept)) => {
                        *self.stage(slot) = Stage::Undecided(kept);
                        inspection
                    }
                    (_, None) => inspection,
                }
            }
            Standing::Probing | Standing::Unknown => inspection,
        }
    }

    fn peek(&mut self, slot: Slot) -> Application {
        match self.stage(slot) {
            Stage::Native | Stage::Undecided(_) => self.native.peek(slot),
            Stage::Ndpi => self.ndpi.peek(slot),
        }
    }

    fn end_slice(&mut self, slot: Slot) -> (Application, Inspection) {
        match self.stage(slot) {
            Stage::Native | Stage::Undecided(_) => self.native.end_slice(slot),
            Stage::Ndpi => {
                let (application, inspection) = self.ndpi.end_slice(slot);
                if application.label.app_protocol == 0 {
                    return (self.end(slot), Inspection::Open);
                }
                (application, inspection)
            }
        }
    }

    fn end(&mut self, slot: Slot) -> Application {
        match std::mem::take(self.stage(slot)) {
            Stage::Native => self.native.end(slot),
            Stage::Undecided(kept) => {
                self.hand_over(slot, kept);
                *self.stage(slot) = Stage::Native;
                self.settle(slot)
            }
            Stage::Ndpi => self.settle(slot),
        }
    }

    fn names(&self) -> Arc<dyn Names> {
        self.native.names()
    }
}
