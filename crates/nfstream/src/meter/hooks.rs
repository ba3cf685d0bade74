//! Hooks for packets and flows, and their arguments.

use super::state::FlowState;
use crate::dissect::Dissector;
use crate::features::{Measures, Record};
use crate::flow::{Direction, Flow, Slot};
use crate::packet::{ChunkBytes, Packet};

/// A packet, as passed to [`Hooks`].
#[derive(Clone, Copy, Debug)]
pub struct Arrival<'a> {
    /// The packet.
    pub packet: &'a Packet,
    /// The bytes of its chunk.
    pub bytes: &'a ChunkBytes,
    /// Its direction in its flow.
    pub direction: Direction,
}

/// A flow at the packet that has just arrived, as passed to [`Hooks`].
pub struct FlowView<'a> {
    /// Slot of the flow.
    pub slot: Slot,
    /// Its key and times.
    pub flow: &'a Flow,
    /// Packets and bytes so far.
    pub state: &'a FlowState,
    /// Other measurements, if there are any.
    pub measures: Option<&'a Measures>,
    /// The dissector, if it has just inspected a packet of the flow.
    pub dissector: Option<&'a mut (dyn Dissector + 'static)>,
}

/// Decision of [`Hooks`] about a flow after a packet.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum FlowAction {
    /// It continues.
    Continue,
    /// It ends now, this packet included, with this expiration id.
    End(i32),
}

/// An error of [`Hooks`]: ends the run and reaches its caller unchanged.
pub type HookError = Box<dyn std::error::Error + Send + Sync>;

/// Code called for the packets and flows of a run.
pub trait Hooks {
    /// Whether there is anything to call.
    const ACTIVE: bool = true;

    /// Called for the first packet of a flow.
    ///
    /// # Errors
    ///
    /// An error ends the run.
    fn on_init(
        &mut self,
        view: FlowView<'_>,
        arrival: Arrival<'_>,
    ) -> Result<FlowAction, HookError>;

    /// Called for every later packet of a flow.
    ///
    /// # Errors
    ///
    /// An error ends the run.
    fn on_update(
        &mut self,
        view: FlowView<'_>,
        arrival: Arrival<'_>,
    ) -> Result<FlowAction, HookError>;

    /// Called before [`on_expire`](Self::on_expire) for a flow that a packet of its own key ends,
    /// if the life cycle ends flows [by packets](super::Lifecycle::ENDS_BY_PACKETS).
    fn on_replace(&mut self, _slot: Slot) {}

    /// Called when a flow has ended.
    ///
    /// # Errors
    ///
    /// An error ends the run.
    fn on_expire(&mut self, slot: Slot, record: &mut Record) -> Result<(), HookError>;

    /// Called for a record of a flow that continues.
    ///
    /// # Errors
    ///
    /// An error ends the run.
    fn on_record(&mut self, _slot: Slot, _record: &Record) -> Result<(), HookError> {
        Ok(())
    }

    /// Runs `wait`, which may block and calls no hook itself.
    fn while_waiting<R: Send>(&mut self, wait: impl FnOnce() -> R + Send) -> R {
        wait()
    }
}

/// No hooks, at no cost.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoHooks;

impl Hooks for NoHooks {
    const ACTIVE: bool = false;

    fn on_init(&mut self, _: FlowView<'_>, _: Arrival<'_>) -> Result<FlowAction, HookError> {
        Ok(FlowAction::Continue)
    }

    fn on_update(&mut self, _: FlowView<'_>, _: Arrival<'_>) -> Result<FlowAction, HookError> {
        Ok(FlowAction::Continue)
    }

    fn on_expire(&mut self, _: Slot, _: &mut Record) -> Result<(), HookError> {
        Ok(())
    }
}
