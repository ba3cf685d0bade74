//! Results of a meter.

use crate::features::Record;

/// Results of a meter since the previous call.
#[derive(Debug, Default)]
pub struct MeterOutput {
    /// Index in the chunk of the first packet of each new conversation.
    pub births: Vec<u32>,
    /// Ended flows, in the order in which their ends were noticed. Ids count only this meter's
    /// conversations.
    pub records: Vec<Record>,
    /// For each tick of the stream's clock, the number of records up to and including it.
    pub records_at_ticks: Vec<usize>,
    /// Packets older than the last one of their flow.
    pub late_packets: u64,
    /// Flows that were evicted.
    pub evicted_flows: u64,
    /// Flows that are active now.
    pub active_flows: usize,
}
