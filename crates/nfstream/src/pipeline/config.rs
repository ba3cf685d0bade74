//! Configuration of a run.

use std::num::{NonZeroU64, NonZeroUsize};
use std::sync::Arc;

use super::decoder::{Decoder, Headers};
use super::duplicates::Duplicates;
use super::error::RunError;
use crate::decode;
use crate::dissect::{Dissection, Dissector, Wanted};
use crate::features::{Group, LinkAddresses, Measuring, Plan, Scorer, SpareMeasures};
use crate::flow::Timeouts;
use crate::geoip::{GeoIp, Locator};
use crate::ground_truth::GroundTruth;
use crate::host::{ProcessWatcher, Processes};
use crate::meter::{EarlyRecords, MeterConfig};
#[cfg(feature = "nfstream6")]
use crate::nfstream6;
use crate::packet::Packet;
use crate::time::Duration;

/// Configuration of a run: rules, measurements, limits.
#[derive(Clone, Debug)]
pub struct Config {
    /// Timeouts of flows.
    pub timeouts: Timeouts,
    /// Rules for times, ends, numbers and order of flows.
    pub rules: Rules,
    /// Decoder of the frames.
    pub dialect: Dialect,
    /// Options of decoding.
    pub decode: decode::Options,
    /// Treatment of exact duplicates of packets; `None` treats them like other packets.
    pub duplicates: Option<Duplicates>,
    /// Dissector that labels flows, `None` for no labels.
    pub dissection: Option<Dissection>,
    /// Measurements in addition to the volume of flows.
    pub measuring: Measuring,
    /// Process table for the flows of live sources, `None` for no attribution.
    pub processes: Option<ProcessWatcher>,
    /// Databases of countries and autonomous systems, `None` for no such columns.
    pub geoip: Option<Arc<GeoIp>>,
    /// Rules for labels, `None` for no such column. They count the flows of all runs that use them.
    pub ground_truth: Option<Arc<GroundTruth>>,
    /// Number of flows after which the run ends, `None` for no limit.
    pub max_flows: Option<NonZeroU64>,
    /// Most active flows, `None` for no limit. Each meter has an equal share, so with several
    /// meters a flow may be evicted that a single meter would have kept.
    pub max_active_flows: Option<NonZeroUsize>,
    /// Most bytes that active flows hold in addition to a fixed size for each: buffers, texts and
    /// kept packets of the dissector, and lists of packets. `None` for no limit. Each meter has an
    /// equal share.
    pub max_active_bytes: Option<NonZeroUsize>,
    /// Models that score records, `None` for none.
    pub scorer: Option<Arc<dyn Scorer>>,
    /// Records before the ends of flows. The rules of nfstream 6 have none.
    pub early: EarlyRecords,
    /// Number of shards. Runs with hooks, and runs by rules other than the standard ones, have one.
    pub meters: NonZeroUsize,
    /// Most packets of a chunk.
    pub chunk_packets: NonZeroUsize,
}

/// Rules for times, ends, numbers and order of flows.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Rules {
    /// The rules of this engine.
    #[default]
    Standard,
    /// The rules of nfstream 6: one clock in milliseconds, slices are separate flows, ids count
    /// ended flows in the order in which their ends are noticed. Always with one meter.
    #[cfg(feature = "nfstream6")]
    Nfstream6,
}

/// Decoder of frames.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Dialect {
    /// By the standards.
    #[default]
    Standard,
    /// Behaves as nfstream 6.6, mistakes included, for comparison with its results.
    #[cfg(feature = "nfstream6")]
    Nfstream6,
}

impl Dialect {
    /// Returns the function that reads the MAC addresses of a packet from its frame.
    pub fn link_addresses(self) -> fn(&Packet, &[u8]) -> LinkAddresses {
        match self {
            Self::Standard => LinkAddresses::read,
            #[cfg(feature = "nfstream6")]
            Self::Nfstream6 => nfstream6::link_addresses,
        }
    }
}

/// Parts of a meter that are created when a run begins.
#[derive(Default)]
pub(super) struct MeterParts {
    pub(super) dissector: Option<Box<dyn Dissector>>,
    pub(super) processes: Option<Processes>,
    pub(super) spare: SpareMeasures,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            timeouts: Timeouts {
                idle: Duration::from_nanos(30_000_000_000),
                active: Duration::from_nanos(300_000_000_000),
            },
            rules: Rules::default(),
            dialect: Dialect::default(),
            decode: decode::Options::default(),
            duplicates: None,
            dissection: Some(Dissection::default()),
            measuring: Measuring::default(),
            processes: None,
            geoip: None,
            ground_truth: None,
            scorer: None,
            max_flows: None,
            max_active_flows: Some(Self::MAX_ACTIVE_FLOWS),
            max_active_bytes: Some(Self::MAX_ACTIVE_BYTES),
            early: EarlyRecords::default(),
            meters: NonZeroUsize::MIN,
            chunk_packets: NonZeroUsize::new(8192).expect("not zero"),
        }
    }
}

impl Config {
    /// Default limit of active flows: more than busy networks have, and few enough for the memory
    /// of a machine that monitors one.
    pub const MAX_ACTIVE_FLOWS: NonZeroUsize = NonZeroUsize::new(4_000_000).expect("not zero");

    /// Default limit on the bytes that active flows hold in addition to a fixed size for each:
    /// enough for a million flows under inspection.
    pub const MAX_ACTIVE_BYTES: NonZeroUsize = NonZeroUsize::new(1 << 30).expect("not zero");

    /// Returns the settings of one of `meters` meters.
    pub(super) fn meter(&self, meters: usize, parts: MeterParts) -> MeterConfig {
        let MeterParts { dissector, processes, spare } = parts;
        let share = |limit: NonZeroUsize| {
            NonZeroUsize::new(limit.get() / meters).unwrap_or(NonZeroUsize::MIN)
        };
        MeterConfig {
            timeouts: self.timeouts,
            plan: self.plan(),
            max_active_flows: self.max_active_flows.map(share),
            max_active_bytes: self.max_active_bytes.map(share),
            early: match self.rules {
                Rules::Standard => self.early,
                #[cfg(feature = "nfstream6")]
                Rules::Nfstream6 => EarlyRecords::default(),
            },
            dissector,
            processes,
            locator: self.geoip.as_ref().map(|databases| Locator::new(Arc::clone(databases))),
            ground_truth: self.ground_truth.clone(),
            spare,
        }
    }

    fn plan(&self) -> Plan {
        let mut plan = self.measuring.plan();
        plan.link_addresses = self.dialect.link_addresses();
        plan
    }

    /// Returns the decoder of the run.
    pub(super) fn decoder(&self) -> Decoder {
        let headers = match self.dialect {
            #[cfg(feature = "nfstream6")]
            Dialect::Standard if self.rules == Rules::Nfstream6 => {
                Headers::StandardForNfstream6(self.decode)
            }
            Dialect::Standard => Headers::Standard(self.decode),
            #[cfg(feature = "nfstream6")]
            Dialect::Nfstream6 => Headers::Nfstream6(self.decode),
        };
        let reads_clues = self.dissection.as_ref().is_some_and(|dissection| {
            dissection.dissector.learns() || self.wanted().contains(Group::Dissection)
        });
        Decoder { headers, reads_clues }
    }

    /// Returns the column groups that a dissector reads.
    fn wanted(&self) -> Wanted {
        let mut groups = self.measuring.groups.clone();
        groups.push(Group::Application);
        groups.extend(&self.measuring.hidden);
        Wanted::by(&groups)
    }

    /// Makes the dissector of a meter, if flows are labelled.
    pub(super) fn dissector(&self) -> Result<Option<Box<dyn Dissector>>, RunError> {
        let Some(Dissection { dissector, limits }) = &self.dissection else { return Ok(None) };
        Ok(Some(dissector.make(*limits, self.wanted())?))
    }
}

/// Returns a suitable number of meters for an input of `bytes`, if known: one if the input is too
/// short to be worth sharing, otherwise the number of processors.
pub fn suitable_meters(bytes: Option<u64>) -> NonZeroUsize {
    const SMALL: u64 = 16 << 20;
    match bytes {
        Some(..SMALL) => NonZeroUsize::MIN,
        // Respects limits of control groups and affinity masks.
        _ => std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
    }
}
