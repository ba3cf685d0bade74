//! The dissector in Rust first, and nDPI for the flows that it does not know.

use std::ops::Range;
use std::sync::Arc;

use super::native::{NativeDissector, NativeFactory, Standing};
use super::ndpi::{NdpiDissector, NdpiFactory, Numbering, Scope};
use super::{
    Component, DissectError, Dissector, DissectorFactory, Hints, Inspection, Limits, Wanted,
};
use crate::features::{Application, Names};
use crate::flow::Slot;
use crate::packet::Packet;

/// Bytes of a flow that are kept for nDPI, at most.
const MAX_KEPT_BYTES: usize = 6 << 10;
/// Packets of a flow that are kept for nDPI, at most.
const MAX_KEPT_PACKETS: usize = 8;
/// Most unused buffers to keep; after a flood of undecided flows the rest are freed.
const MAX_IDLE: usize = 1024;

/// The dissector in Rust, and nDPI for what stays unknown.
///
/// nDPI gets the packets of a flow from its first payload on, but only once no protocol of the
/// dissector in Rust fits. Up to then they are kept, at most 6 KiB a flow: most flows have a name
/// after one packet with payload, so this takes less time than two dissectors at once. nDPI tests
/// them only for protocols without a probe in Rust, and gets no packets of a flow that another flow
/// announced. A label from nDPI does not count if a probe in Rust has ruled it out. If a run needs
/// risks, nDPI gets the packets of all flows and tests them for all protocols.
#[derive(Clone, Debug, Default)]
pub struct AutoFactory {
    /// The dissector in Rust, with the user's rules.
    pub native: NativeFactory,
}

impl DissectorFactory for AutoFactory {
    fn name(&self) -> &'static str {
        "auto"
    }

    fn components(&self) -> Vec<Component> {
        let mut components = self.native.components();
        components.extend(NdpiFactory::default().components());
        components
    }

    fn make(&self, limits: Limits, wanted: Wanted) -> Result<Box<dyn Dissector>, DissectError> {
        let scope = if wanted.risks() { Scope::All } else { Scope::Rest };
        Ok(Box::new(AutoDissector {
            native: self.native.dissector(limits, wanted),
            ndpi: NdpiDissector::new(limits, wanted, scope)?,
            for_risks: wanted.risks(),
            flows: Vec::new(),
            idle: Vec::new(),
            kept: 0,
        }))
    }
}

/// Both dissectors, and which of them a flow is with.
#[derive(Debug)]
struct AutoDissector {
    native: NativeDissector,
    ndpi: NdpiDissector,
    /// Whether nDPI gets the packets of all flows.
    for_risks: bool,
    /// By slot.
    flows: Vec<Stage>,
    /// Unused buffers.
    idle: Vec<Kept>,
    /// Bytes of the buffers in use.
    kept: usize,
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

    /// Returns the bytes of the buffers.
    fn memory(&self) -> usize {
        self.packets.capacity() * size_of::<(Packet, Range<usize>)>() + self.bytes.capacity()
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
        if self.idle.len() < MAX_IDLE {
            kept.clear();
            self.idle.push(kept);
        }
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

    /// Returns whether a label from nDPI counts: it is not weak, and is consistent with the bytes
    /// of the flow in `slot` if the dissector in Rust has finished the flow.
    fn counts(&mut self, slot: Slot, ndpi: &Application) -> bool {
        ndpi.label.app_protocol != 0
            && !self.ndpi.numbering().is_weak(&ndpi.label)
            && !self.native.contradicts(slot, &ndpi.label)
    }

    /// Returns the better of the two labels of a flow that ends.
    fn settle(&mut self, slot: Slot) -> Application {
        self.native.finish(slot);
        let ndpi = self.ndpi.end(slot);
        let counts = self.counts(slot, &ndpi);
        let native = self.native.end(slot);
        self.better(native, ndpi, counts)
    }

    /// Returns the better of two labels; nDPI's is eligible if `counts`.
    fn better(&self, native: Application, ndpi: Application, counts: bool) -> Application {
        let is_native = !counts
            || native.label.is_known()
            || native.label.app_protocol != 0 && !ndpi.label.is_known();
        let (mut better, other) = if is_native { (native, ndpi) } else { (ndpi, native) };
        if self.for_risks
            && is_native
            && let Some(risks) = other.metadata.as_deref().map(|metadata| &metadata.risks)
            && !risks.is_empty()
        {
            Arc::make_mut(better.metadata.get_or_insert_default()).risks.clone_from(risks);
        }
        better
    }

    /// Inspects a packet with both dissectors.
    fn inspect_with_both(&mut self, slot: Slot, packet: &Packet, ip_bytes: &[u8]) -> Inspection {
        let native = self.native.inspect(slot, packet, ip_bytes);
        let ndpi = self.ndpi.inspect(slot, packet, ip_bytes);
        if native == Inspection::Done { ndpi } else { native }
    }
}

impl Dissector for AutoDissector {
    fn learn(&mut self, slot: Slot, hints: &Hints) {
        self.native.learn(slot, hints);
    }

    fn inspect(&mut self, slot: Slot, packet: &Packet, ip_bytes: &[u8]) -> Inspection {
        if self.for_risks {
            return self.inspect_with_both(slot, packet, ip_bytes);
        }
        let mut kept = match std::mem::take(self.stage(slot)) {
            Stage::Ndpi => {
                *self.stage(slot) = Stage::Ndpi;
                return self.ndpi.inspect(slot, packet, ip_bytes);
            }
            Stage::Undecided(kept) => {
                self.kept -= kept.memory();
                Some(kept)
            }
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
                        self.kept += kept.memory();
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
        let native = self.native.peek(slot);
        let ndpi = self.ndpi.peek(slot);
        let counts = self.counts(slot, &ndpi);
        self.better(native, ndpi, counts)
    }

    fn conclude(&mut self, slot: Slot) -> Application {
        let native = self.native.conclude(slot);
        let ndpi = self.ndpi.conclude(slot);
        let counts = self.counts(slot, &ndpi);
        self.better(native, ndpi, counts)
    }

    fn end_slice(&mut self, slot: Slot) -> (Application, Inspection) {
        let application = self.peek(slot);
        if !application.label.is_known() {
            // As in the two dissectors, the next slice starts over.
            return (self.end(slot), Inspection::Open);
        }
        let inspection = if self.for_risks {
            let (_, native) = self.native.end_slice(slot);
            let (_, ndpi) = self.ndpi.end_slice(slot);
            if native == Inspection::Done { ndpi } else { native }
        } else if matches!(self.stage(slot), Stage::Ndpi) {
            self.ndpi.end_slice(slot).1
        } else {
            self.native.end_slice(slot).1
        };
        (application, inspection)
    }

    fn end(&mut self, slot: Slot) -> Application {
        match std::mem::take(self.stage(slot)) {
            Stage::Native if self.for_risks => self.settle(slot),
            Stage::Native => self.native.end(slot),
            Stage::Undecided(kept) => {
                self.kept -= kept.memory();
                self.hand_over(slot, kept);
                *self.stage(slot) = Stage::Native;
                self.settle(slot)
            }
            Stage::Ndpi => self.settle(slot),
        }
    }

    fn memory(&self) -> usize {
        self.native.memory() + self.ndpi.memory() + self.kept
    }

    fn names(&self) -> Arc<dyn Names> {
        Arc::new(AutoNames {
            native: self.native.names(),
            numbering: Arc::clone(self.ndpi.numbering()),
        })
    }
}

/// Names from the catalogue, and names that only the linked nDPI has.
#[derive(Debug)]
struct AutoNames {
    native: Arc<dyn Names>,
    numbering: Arc<Numbering>,
}

impl AutoNames {
    fn protocol(&self, number: u16, name: &mut String) {
        match self.numbering.only_in_ndpi(number) {
            Some(known) => name.push_str(known),
            None => self.native.application(0, number, name),
        }
    }
}

impl Names for AutoNames {
    fn application(&self, master_protocol: u16, app_protocol: u16, name: &mut String) {
        match (master_protocol, app_protocol) {
            (0, one) | (one, 0) => self.protocol(one, name),
            (master, app) if master == app => self.protocol(app, name),
            (master, app) => {
                self.protocol(master, name);
                name.push('.');
                self.protocol(app, name);
            }
        }
    }

    fn category(&self, category: u16, name: &mut String) {
        match self.numbering.category_only_in_ndpi(category) {
            Some(known) => name.push_str(known),
            None => self.native.category(category, name),
        }
    }
}

#[cfg(test)]
mod tests {
    use nfstream_dissect::catalogue::Catalogue;

    use super::*;

    #[test]
    fn names_of_both_dissectors_are_unique() {
        let limits = Limits::default();
        let ndpi = NdpiDissector::new(limits, Wanted::ALL, Scope::Rest).unwrap();
        let numbering = Arc::clone(ndpi.numbering());
        let catalogue = Catalogue::default();
        assert!(catalogue.names().all(|id| numbering.only_in_ndpi(id.0).is_none()));
        let names = AutoNames {
            native: NativeFactory::default().dissector(limits, Wanted::ALL).names(),
            numbering: Arc::clone(&numbering),
        };
        for (number, spellings) in numbering.all() {
            let mut name = String::new();
            names.application(0, number, &mut name);
            assert!(spellings.iter().any(|one| name.eq_ignore_ascii_case(one)), "{spellings:?}");
        }
    }
}
