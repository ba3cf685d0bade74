//! State of an active flow in a meter.

use crate::dissect::Inspection;
use crate::features::Volume;
use crate::flow::Close;

/// State that a meter keeps of each active flow, besides its key and times.
#[derive(Clone, Copy, Debug)]
pub struct FlowState {
    /// Packets and bytes so far.
    pub volume: Volume,
    /// Whether the dissector needs further packets.
    pub inspection: Inspection,
    /// How the TCP connection was closed, if it was and connections are tracked.
    pub close: Option<Close>,
    /// Whether the meter holds packets that may open another connection.
    pub is_holding: bool,
    /// Whether the conversation has had its early record.
    pub has_early: bool,
}

impl FlowState {
    /// Returns the state of a flow or a slice before its first packet.
    pub(super) fn new(inspection: Inspection) -> Self {
        Self {
            volume: Volume::default(),
            inspection,
            close: None,
            is_holding: false,
            has_early: false,
        }
    }
}
