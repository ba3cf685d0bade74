//! An ended flow with all that was measured of it.

use std::sync::Arc;

use super::{Application, Measures, Volume};
use crate::flow::{EndReason, Flow};
use crate::host::Process;
use crate::time::Timestamp;

/// A row of the flow table.
#[derive(Clone, Debug)]
pub struct Record {
    /// Number of the conversation in the run, from 0 in the order of first packets.
    pub id: u64,
    /// Whose packets, since when, until when.
    pub flow: Flow,
    /// When the flow ended in the time of the stream: for an idle flow, when its timeout passed.
    pub ended: Timestamp,
    /// Why it ended.
    pub end_reason: EndReason,
    /// 0 idle, evicted or end of input, 1 active, below 0 as a plugin set it.
    pub expiration_id: i32,
    /// Packets and bytes.
    pub volume: Volume,
    /// What else was measured, `None` if nothing was wanted.
    pub measures: Option<Box<Measures>>,
    /// What deep packet inspection says.
    pub application: Application,
    /// Process that the packets belong to, `None` if unknown or attribution is off.
    pub process: Option<Arc<Process>>,
}
