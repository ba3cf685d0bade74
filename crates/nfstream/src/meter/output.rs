//! Results of a meter.

use crate::features::Record;

/// Results of a meter since they were last taken.
#[derive(Debug, Default)]
pub struct MeterOutput {
    /// For each conversation born, the place of its first packet in the chunk.
    pub births: Vec<u32>,
    /// Ended flows, in the order in which their ends were noticed. Ids count the births of this
    /// meter alone.
    pub records: Vec<Record>,
    /// For each tick of the stream's clock, the number of records up to and including it.
    pub records_at_ticks: Vec<usize>,
    /// Packets that came after a later one of their flow.
    pub late_packets: u64,
    /// Flows that ended to make room.
    pub evicted_flows: u64,
    /// Flows that are active now.
    pub active_flows: usize,
}
