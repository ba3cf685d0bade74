//! Code that follows flows packet by packet, and what it is given.

use super::state::FlowState;
use crate::dissect::Dissector;
use crate::features::{Measures, Record};
use crate::flow::{Direction, Flow, Slot};
use crate::packet::{ChunkBytes, Packet};

/// A packet in the hands of [`Hooks`].
#[derive(Clone, Copy, Debug)]
pub struct Arrival<'a> {
    /// The packet.
    pub packet: &'a Packet,
    /// The bytes of its chunk.
    pub bytes: &'a ChunkBytes,
    /// Which way it went in its flow.
    pub direction: Direction,
}

/// A flow in the hands of [`Hooks`], as of the packet that has just arrived.
pub struct FlowView<'a> {
    /// Where the flow lives.
    pub slot: Slot,
    /// Whose packets, since when, until when.
    pub flow: &'a Flow,
    /// Packets and bytes so far.
    pub state: &'a FlowState,
    /// What else has been measured, if anything is.
    pub measures: Option<&'a Measures>,
    /// Who has just learnt about its application; `None` if nothing has been added.
    pub dissector: Option<&'a mut (dyn Dissector + 'static)>,
}

/// What [`Hooks`] want with a flow after a packet.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum FlowAction {
    /// It goes on.
    Continue,
    /// It ends now, this packet included, with this expiration id.
    End(i32),
}

/// An error of [`Hooks`]: ends the run and reaches its caller as it is.
pub type HookError = Box<dyn std::error::Error + Send + Sync>;

/// Code that follows the flows of a run packet by packet.
pub trait Hooks {
    /// Whether there is anything to call.
    const ACTIVE: bool = true;

    /// Called for the first packet of a flow.
    ///
    /// # Errors
    ///
    /// Whatever ends the run.
    fn on_init(
        &mut self,
        view: FlowView<'_>,
        arrival: Arrival<'_>,
    ) -> Result<FlowAction, HookError>;

    /// Called for every later packet of a flow.
    ///
    /// # Errors
    ///
    /// Whatever ends the run.
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
    /// Whatever ends the run.
    fn on_expire(&mut self, slot: Slot, record: &mut Record) -> Result<(), HookError>;

    /// Runs `wait`, which may take long and calls no other hook.
    fn while_waiting<R: Send>(&mut self, wait: impl FnOnce() -> R + Send) -> R {
        wait()
    }
}

/// No code at all: a run without hooks costs nothing for them.
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
