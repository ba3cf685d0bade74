//! An ended flow with all that was measured of it.

use std::sync::Arc;

use super::{Application, Measures, Metadata, Tls, Volume};
use crate::flow::{EndReason, Flow};
use crate::host::Process;
use crate::time::Timestamp;

/// A row of the flow table.
#[derive(Clone, Debug)]
pub struct Record {
    /// Number of the conversation in the run, from 0 in the order of first packets.
    pub id: u64,
    /// Key, source and times.
    pub flow: Flow,
    /// When the flow ended in the time of the stream: for an idle flow, when its timeout passed.
    pub ended: Timestamp,
    /// Why it ended.
    pub end_reason: EndReason,
    /// 0 idle, evicted or end of input, 1 active, below 0 as a plugin set it.
    pub expiration_id: i32,
    /// Packets and bytes.
    pub volume: Volume,
    /// Further measurements, `None` if the run makes none.
    pub measures: Option<Box<Measures>>,
    /// Application, as deep packet inspection names it.
    pub application: Application,
    /// Process that the packets belong to, `None` if unknown or attribution is off.
    pub process: Option<Arc<Process>>,
    /// Number of ticks of the stream's clock until no earlier record could follow.
    pub release: u64,
}

impl Record {
    /// Returns a measurement, its default where nothing was measured.
    pub(super) fn measured<T: Default>(&self, read: impl FnOnce(&Measures) -> T) -> T {
        self.measures.as_deref().map_or_else(T::default, read)
    }

    /// Appends text that the dissector read, if there is any.
    pub(super) fn write_metadata(&self, text: &mut String, field: fn(&Metadata) -> &str) {
        if let Some(metadata) = self.metadata() {
            text.push_str(field(metadata));
        }
    }

    /// Returns what the dissector read in addition to the label.
    pub(super) fn metadata(&self) -> Option<&Metadata> {
        self.application.metadata.as_deref()
    }

    /// Returns what the dissector read of a TLS handshake.
    pub(super) fn tls(&self) -> Option<&Tls> {
        self.metadata()?.tls.as_deref()
    }
}
