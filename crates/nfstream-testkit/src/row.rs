//! Complete runs, and comparable rows.

use std::net::SocketAddr;
use std::num::NonZeroUsize;

use nfstream::capture::Source;
use nfstream::dissect::Dissection;
use nfstream::features::{Label, Metadata, Record};
use nfstream::flow::{Direction, EndReason, Timeouts};
use nfstream::time::{Duration, Timestamp};
use nfstream::{Config, Run, RunError, Stats, Step};

use crate::{Captured, MemorySource};

/// Settings of a run: ends of flows, labels and parallelism.
#[derive(Clone, Copy, Debug)]
pub struct Ends {
    /// Timeouts of flows.
    pub timeouts: Timeouts,
    /// Whether flows are labelled, in a build with a dissector.
    pub inspect: bool,
    /// Number of meters.
    pub meters: usize,
    /// Maximum number of packets in a chunk.
    pub chunk_packets: usize,
    /// Maximum number of active flows, 0 for no limit.
    pub max_active_flows: usize,
}

/// Published values of a record, in a comparable form.
#[derive(Clone, Debug, Eq, PartialEq)]
#[allow(missing_docs, reason = "fields have the names of those of `Record`")]
pub struct Row {
    pub id: u64,
    pub slice: u32,
    pub src: SocketAddr,
    pub dst: SocketAddr,
    pub protocol: u8,
    pub vlan_id: u16,
    pub first_seen: Timestamp,
    pub last_seen: Timestamp,
    pub ended: Timestamp,
    pub end_reason: EndReason,
    pub expiration_id: i32,
    /// From source to destination, then in the other direction.
    pub packets: [u64; 2],
    /// From source to destination, then in the other direction.
    pub bytes: [u64; 2],
    pub label: Label,
    pub metadata: Option<Metadata>,
}

/// Rows and counts of a run.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Total {
    /// Rows in order of output.
    pub rows: Vec<Row>,
    /// Counts at the end of the run.
    pub stats: Stats,
}

impl Ends {
    /// Returns timeouts in seconds, one meter and no dissector.
    pub fn without_dpi(idle: u64, active: u64) -> Self {
        let seconds = |seconds: u64| Duration::from_nanos(seconds * 1_000_000_000);
        Self {
            timeouts: Timeouts { idle: seconds(idle), active: seconds(active) },
            inspect: false,
            meters: 1,
            chunk_packets: 2048,
            max_active_flows: 0,
        }
    }

    /// Returns these settings with other numbers of meters and packets in a chunk.
    pub fn on(self, meters: usize, chunk_packets: usize) -> Self {
        Self { meters, chunk_packets, ..self }
    }

    /// Returns the configuration of a run.
    ///
    /// # Panics
    ///
    /// Panics if the number of meters or of packets in a chunk is 0.
    pub fn config(&self) -> Config {
        Config {
            timeouts: self.timeouts,
            dissection: self.inspect.then(Dissection::default),
            meters: NonZeroUsize::new(self.meters).expect("at least one meter"),
            chunk_packets: NonZeroUsize::new(self.chunk_packets).expect("at least one packet"),
            max_active_flows: NonZeroUsize::new(self.max_active_flows),
            ..Config::default()
        }
    }
}

impl Row {
    /// Returns the published values of `record`.
    pub fn of(record: &Record) -> Self {
        let flow = &record.flow;
        let end = |sender| {
            let end = flow.key.end(sender);
            SocketAddr::new(end.ip(flow.key.version), end.port)
        };
        let both = [Direction::Src2Dst, Direction::Dst2Src];
        Self {
            id: record.id,
            slice: flow.slice,
            src: end(flow.src),
            dst: end(flow.src.other()),
            protocol: flow.key.protocol,
            vlan_id: flow.vlan_id,
            first_seen: flow.first_seen,
            last_seen: flow.last_seen,
            ended: record.ended,
            end_reason: record.end_reason,
            expiration_id: record.expiration_id,
            packets: both.map(|direction| record.volume.packets(direction)),
            bytes: both.map(|direction| record.volume.bytes(direction)),
            label: record.application.label,
            metadata: record.application.metadata.as_deref().cloned(),
        }
    }

    /// Returns the row without labels.
    pub fn unlabelled(&self) -> Self {
        Self { label: Label::default(), metadata: None, ..self.clone() }
    }

    /// Returns the packets of both directions.
    pub fn total_packets(&self) -> u64 {
        self.packets.iter().sum()
    }
}

/// Reads the remaining records of a run.
///
/// # Errors
///
/// Returns the errors of the run.
pub fn records(run: &mut Run) -> Result<Vec<Record>, RunError> {
    let mut records = Vec::new();
    loop {
        match run.advance()? {
            Step::Records(more) => records.extend(more),
            Step::Last(last) => {
                records.extend(last);
                return Ok(records);
            }
        }
    }
}

/// Reads the remaining rows of a run.
///
/// # Errors
///
/// Returns the errors of the run.
pub fn exhaust(run: &mut Run) -> Result<Vec<Row>, RunError> {
    let mut rows = Vec::new();
    loop {
        match run.advance()? {
            Step::Records(records) => rows.extend(records.iter().map(Row::of)),
            Step::Last(records) => {
                rows.extend(records.iter().map(Row::of));
                return Ok(rows);
            }
        }
    }
}

/// Runs over a source.
///
/// # Panics
///
/// Panics if the run fails.
pub fn capture_from(source: Box<dyn Source>, ends: &Ends) -> Total {
    let mut run = Run::new(source, &ends.config()).expect("the run starts");
    let rows = exhaust(&mut run).expect("the source can be read");
    Total { rows, stats: run.monitor().stats() }
}

/// Runs over `packets`; returns the rows.
///
/// # Panics
///
/// Panics if a packet is missing from both the flows and the ignored packets.
pub fn capture_all(packets: &[Captured], ends: &Ends) -> Vec<Row> {
    let Total { rows, stats } = capture_from(MemorySource::new(packets).boxed(), ends);
    let in_flows: u64 = rows.iter().map(Row::total_packets).sum();
    assert_eq!(stats.packets, u64::try_from(packets.len()).unwrap_or(u64::MAX), "packets read");
    assert_eq!(stats.flow_packets, in_flows, "packets in flows");
    assert_eq!(stats.flow_packets + stats.ignored.total(), stats.packets, "all accounted for");
    assert_eq!(usize::try_from(stats.flows), Ok(rows.len()), "flows");
    rows
}
