//! The packets of selected flows.
//!
//! A flow can be selected only once it has ended, so a capture is read twice: the first run
//! collects the flows that are [`Wanted`], and the second one, with the [`Extractor`] as its hooks,
//! passes on their packets. Memory depends on the number of wanted flows, not on their packets.

mod choice;
mod files;
mod rows;

use std::collections::{HashMap, HashSet};

use crate::features::{Names, Record};
use crate::flow::{Flow, Slot};
use crate::host::visible;
use crate::meter::{Arrival, FlowAction, FlowView, HookError, Hooks};
use crate::packet::Packet;
use crate::pipeline::Config;

pub use choice::Choice;
pub use files::{ExtractedFiles, written};
pub use rows::{Rows, RowsError};

/// Flows whose packets to extract: numbers of the conversation and of its slice.
#[derive(Debug, Default)]
pub struct Wanted {
    /// Comment for each flow.
    flows: HashMap<(u64, u32), Box<str>>,
    conversations: HashSet<u64>,
}

/// Receiver of the packets of wanted flows.
pub trait Receiver {
    /// Takes a packet with the bytes of its frame, and the number and the comment of its flow.
    ///
    /// # Errors
    ///
    /// An error ends the run.
    fn take(
        &mut self,
        packet: &Packet,
        frame: &[u8],
        conversation: u64,
        comment: &str,
    ) -> Result<(), HookError>;
}

/// Hooks of the second run.
#[derive(Debug)]
pub struct Extractor<'a, R> {
    wanted: &'a Wanted,
    receiver: R,
    /// Wanted flow in each slot.
    slots: Vec<Option<(u64, u32)>>,
    packets: u64,
}

impl Wanted {
    /// Adds a flow of the first run.
    pub fn add(&mut self, record: &Record, names: &dyn Names) {
        let comment = comment(record, names).into_boxed_str();
        self.flows.insert((record.id, record.flow.slice), comment);
        self.conversations.insert(record.id);
    }

    /// Returns the number of flows; each slice of a conversation is one.
    pub fn flows(&self) -> usize {
        self.flows.len()
    }

    /// Returns the number of conversations.
    pub fn conversations(&self) -> u64 {
        u64::try_from(self.conversations.len()).unwrap_or(u64::MAX)
    }

    /// Returns the configuration of the second run, given that of the first: one meter, and only
    /// the measurements that the same flows need.
    pub fn second(config: Config, had_evictions: bool) -> Config {
        let mut config =
            Config { meters: std::num::NonZeroUsize::MIN, ground_truth: None, ..config };
        if !had_evictions {
            // Labels affect only memory, and memory affects only evictions.
            config.dissection = None;
            config.measuring.groups.clear();
        }
        config
    }
}

impl<'a, R: Receiver> Extractor<'a, R> {
    /// Returns hooks that pass the packets of `wanted` flows to `receiver`.
    pub fn new(wanted: &'a Wanted, receiver: R) -> Self {
        Self { wanted, receiver, slots: Vec::new(), packets: 0 }
    }

    /// Returns the number of packets so far.
    pub fn packets(&self) -> u64 {
        self.packets
    }

    /// Returns the receiver.
    pub fn receiver(&mut self) -> &mut R {
        &mut self.receiver
    }

    /// Returns the receiver.
    pub fn into_receiver(self) -> R {
        self.receiver
    }

    fn set(&mut self, slot: Slot, flow: Option<(u64, u32)>) {
        if self.slots.len() <= slot.index() {
            self.slots.resize(slot.index() + 1, None);
        }
        if let Some(place) = self.slots.get_mut(slot.index()) {
            *place = flow;
        }
    }

    fn pass(&mut self, slot: Slot, arrival: Arrival<'_>) -> Result<FlowAction, HookError> {
        if let Some(flow) = self.slots.get(slot.index()).copied().flatten()
            && let Some(comment) = self.wanted.flows.get(&flow)
        {
            let packet = arrival.packet;
            let frame = packet.frame(arrival.bytes.as_slice());
            self.receiver.take(packet, frame, flow.0, comment)?;
            self.packets += 1;
        }
        Ok(FlowAction::Continue)
    }
}

impl<R: Receiver> Hooks for Extractor<'_, R> {
    fn on_init(
        &mut self,
        view: FlowView<'_>,
        arrival: Arrival<'_>,
    ) -> Result<FlowAction, HookError> {
        let Flow { birth, slice, .. } = *view.flow;
        let flow = (birth, slice);
        self.set(view.slot, Some(flow).filter(|flow| self.wanted.flows.contains_key(flow)));
        self.pass(view.slot, arrival)
    }

    fn on_update(
        &mut self,
        view: FlowView<'_>,
        arrival: Arrival<'_>,
    ) -> Result<FlowAction, HookError> {
        self.pass(view.slot, arrival)
    }

    fn on_expire(&mut self, slot: Slot, _: &mut Record) -> Result<(), HookError> {
        self.set(slot, None);
        Ok(())
    }
}

/// Returns the comment of a flow's packets: its number, its label and the name of its server.
fn comment(record: &Record, names: &dyn Names) -> String {
    let label = record.application.label;
    let mut text = format!("flow {}", record.id);
    let start = text.len();
    text.push_str(", ");
    names.application(label.master_protocol, label.app_protocol, &mut text);
    if text.len() == start + 2 {
        text.truncate(start);
    }
    if let Some(metadata) = &record.application.metadata {
        for name in [&*metadata.client_info, &*metadata.server_info] {
            if !name.is_empty() {
                text.push_str(", ");
                text.push_str(&visible(name));
                break;
            }
        }
    }
    text
}
