//! Settings of a run.

use std::num::{NonZeroU64, NonZeroUsize};

use super::decoder::Decoder;
use super::error::RunError;
use crate::decode;
use crate::dissect::{Dissection, Dissector, Wanted};
use crate::features::{Group, LinkAddresses, Measuring, Plan, SpareMeasures};
use crate::flow::Timeouts;
use crate::host::{ProcessWatcher, Processes};
use crate::meter::MeterConfig;
#[cfg(feature = "nfstream6")]
use crate::nfstream6;
use crate::packet::Packet;
use crate::time::Duration;

/// Settings of a run: how flows are cut, and what is measured of them.
#[derive(Clone, Debug)]
pub struct Config {
    /// Timeouts of flows.
    pub timeouts: Timeouts,
    /// Rules by which flows are timed, ended, numbered and put in order.
    pub rules: Rules,
    /// Decoder of the frames.
    pub dialect: Dialect,
    /// What of each packet is decoded.
    pub decode: decode::Options,
    /// Dissector that labels flows, `None` for no labels.
    pub dissection: Option<Dissection>,
    /// What is measured of flows besides their volume.
    pub measuring: Measuring,
    /// Process table to attribute flows of live sources with, `None` for no attribution.
    pub processes: Option<ProcessWatcher>,
    /// Flows after which the run ends, `None` for no end.
    pub max_flows: Option<NonZeroU64>,
    /// Most active flows, `None` for any number. Each meter has its share, so with several of
    /// them a flow may be evicted that one meter would have kept.
    pub max_active_flows: Option<NonZeroUsize>,
    /// Shards of the work. Runs with hooks, and those by other than the standard rules, have one.
    pub meters: NonZeroUsize,
    /// Most packets of a chunk.
    pub chunk_packets: NonZeroUsize,
}

/// Rules by which flows are timed, ended, numbered and put in order.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Rules {
    /// Those of this program.
    #[default]
    Standard,
    /// Those of nfstream 6: one clock of milliseconds, a slice is a flow of its own, ids count
    /// ended flows in the order in which their ends are noticed. Always with one meter.
    #[cfg(feature = "nfstream6")]
    Nfstream6,
}

/// How frames are decoded.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Dialect {
    /// By the standards.
    #[default]
    Standard,
    /// As nfstream 6.6 decodes them, mistakes included: for comparison with its results.
    #[cfg(feature = "nfstream6")]
    Nfstream6,
}

impl Dialect {
    /// Returns the function that reads the MAC addresses of a packet in its frame.
    pub fn link_addresses(self) -> fn(&Packet, &[u8]) -> LinkAddresses {
        match self {
            Self::Standard => LinkAddresses::read,
            #[cfg(feature = "nfstream6")]
            Self::Nfstream6 => nfstream6::link_addresses,
        }
    }
}

/// Parts of a meter that are made when a run begins.
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
            dissection: Some(Dissection::default()),
            measuring: Measuring::default(),
            processes: None,
            max_flows: None,
            max_active_flows: Some(Self::MAX_ACTIVE_FLOWS),
            meters: NonZeroUsize::MIN,
            chunk_packets: NonZeroUsize::new(8192).expect("not zero"),
        }
    }
}

impl Config {
    /// Default limit of active flows: more than busy networks have, and few enough for the memory
    /// of a machine that monitors one.
    pub const MAX_ACTIVE_FLOWS: NonZeroUsize = NonZeroUsize::new(4_000_000).expect("not zero");

    /// Returns the settings of one of `meters` meters.
    pub(super) fn meter(&self, meters: usize, parts: MeterParts) -> MeterConfig {
        let MeterParts { dissector, processes, spare } = parts;
        let share = |flows: NonZeroUsize| {
            NonZeroUsize::new(flows.get() / meters).unwrap_or(NonZeroUsize::MIN)
        };
        MeterConfig {
            timeouts: self.timeouts,
            plan: self.plan(),
            max_active_flows: self.max_active_flows.map(share),
            dissector,
            processes,
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
        match self.dialect {
            Dialect::Standard => Decoder::Standard(self.decode),
            #[cfg(feature = "nfstream6")]
            Dialect::Nfstream6 => Decoder::Nfstream6(self.decode),
        }
    }

    /// Makes the dissector of a meter, if flows are labelled.
    pub(super) fn dissector(&self) -> Result<Option<Box<dyn Dissector>>, RunError> {
        let Some(Dissection { dissector, limits }) = &self.dissection else { return Ok(None) };
        let mut groups = self.measuring.groups.clone();
        groups.push(Group::Application);
        Ok(Some(dissector.make(*limits, Wanted::by(&groups))?))
    }
}

/// Returns how many meters suit an input of `bytes`, if that is known: one for an input that is
/// read before others would have begun, otherwise as many as the machine has processors.
pub fn suitable_meters(bytes: Option<u64>) -> NonZeroUsize {
    const SMALL: u64 = 16 << 20;
    match bytes {
        Some(..SMALL) => NonZeroUsize::MIN,
        // Counts what a control group or an affinity mask allows.
        _ => std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
    }
}
