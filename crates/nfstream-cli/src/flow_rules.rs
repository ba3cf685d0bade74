//! The options that say how flows are made: the parameters of a streamer.

use std::num::{NonZeroU64, NonZeroUsize};

use clap::ValueEnum;
use clap::builder::RangedU64ValueParser;
use nfstream::capture::{CaptureError, Filter};
use nfstream::condition::Condition;
use nfstream::dissect::{Dissection, DissectorFactory, Limits, default_dissector};
use nfstream::features::{Accounting, Column, Group, Measuring, columns};
use nfstream::flow::Timeouts;
use nfstream::pipeline::suitable_meters;
use nfstream::time::{Duration, TimeUnit};
use nfstream::{Config, decode};
use serde_json::{Value, json};

use crate::error::Error;
use crate::feature_argument::{FeatureParser, Features};
use crate::input::Input;

/// Packets in the columns of `splt` where nobody says how many.
const SPLT_PACKETS: u16 = 10;

/// Options that say how flows are made.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Flows")]
pub(crate) struct FlowRules {
    /// End a flow after S seconds without a packet
    #[arg(long, value_name = "S", default_value = "30", value_parser = seconds)]
    #[arg(allow_hyphen_values = true)]
    idle_timeout: Duration,

    /// End a flow S seconds after its first packet, and go on with the next slice of it
    #[arg(long, value_name = "S", default_value = "300", value_parser = seconds)]
    #[arg(allow_hyphen_values = true)]
    active_timeout: Duration,

    /// End a flow when its TCP connection closes
    #[arg(long)]
    track_tcp: bool,

    /// Meter only packets that match a filter of libpcap (pcap-filter(7)), such as 'tcp port 443'
    #[arg(long, value_name = "EXPR", value_parser = filter)]
    bpf_filter: Option<Filter>,

    /// Meter what carries a tunnel, not the packets inside
    #[arg(long)]
    no_decode_tunnels: bool,

    /// What bytes and packet sizes count: 0 the frame, 1 the IP packet, 2 what IP carries, 3 the
    /// payload
    #[arg(long, value_name = "0-3", default_value_t = 0, allow_negative_numbers = true)]
    #[arg(value_parser = RangedU64ValueParser::<u8>::new().range(0..=3))]
    accounting_mode: u8,

    /// Leave nDPI and its columns out
    #[arg(long)]
    no_dissect: bool,

    /// Packets of a TCP flow that nDPI looks at
    #[arg(long, value_name = "N", default_value_t = Limits::default().tcp_packets)]
    #[arg(allow_negative_numbers = true)]
    max_tcp_dissections: u32,

    /// Packets of a UDP flow that nDPI looks at
    #[arg(long, value_name = "N", default_value_t = Limits::default().udp_packets)]
    #[arg(allow_negative_numbers = true)]
    max_udp_dissections: u32,

    /// Add groups of columns, or `all`; `nfstream columns` lists them
    #[arg(long, value_name = "NAME,…", value_delimiter = ',', value_parser = FeatureParser)]
    #[arg(hide_possible_values = true)]
    features: Vec<Features>,

    /// Short for `--features statistics,tcp_flags`
    #[arg(long)]
    statistical_analysis: bool,

    /// List the first N packets of each flow, in the columns of the group splt
    #[arg(long, value_name = "N", default_value_t = 0, allow_negative_numbers = true)]
    splt_analysis: u16,

    /// Unit of times: ms, us or ns; names of columns that end in `_ms` follow it
    #[arg(long, value_name = "UNIT", value_enum, default_value_t = Unit::Ms)]
    #[arg(hide_possible_values = true)]
    time_unit: Unit,

    /// Keep only flows of which EXPR is true, an expression over columns in the Common Expression
    /// Language, such as 'dst_port == 443 && total_bytes > 1000'
    #[arg(long = "where", value_name = "EXPR", allow_hyphen_values = true)]
    condition: Option<String>,

    /// End after N flows; 0: no end
    #[arg(long, value_name = "N", default_value_t = 0, allow_negative_numbers = true)]
    max_nflows: u64,

    /// Hold N active flows at most: one more ends the flow that has been silent for longest; 0: no
    /// limit
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    #[arg(default_value_t = Config::MAX_ACTIVE_FLOWS.get())]
    max_active_flows: usize,

    /// Meters that share the work; 0: as many as the machine has processors
    #[arg(long, value_name = "N", default_value_t = 0, allow_negative_numbers = true)]
    n_meters: usize,
}

/// A unit of times as it is typed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, clap::ValueEnum)]
enum Unit {
    /// Thousandths of a second
    Ms,
    /// Millionths of a second
    Us,
    /// Thousandths of a microsecond
    Ns,
}

/// What runs over captures are to find.
#[derive(Debug)]
pub(crate) struct Job {
    config: Config,
    /// Groups of columns that were asked for, beside those that are always there.
    features: Vec<Group>,
    /// Which packets are metered, `None` for all.
    pub(crate) filter: Option<Filter>,
    /// Which flows are kept, `None` for all.
    pub(crate) condition: Option<Condition>,
    meters: Option<NonZeroUsize>,
}

impl FlowRules {
    /// Returns the unit of times.
    pub(crate) fn unit(&self) -> TimeUnit {
        match self.time_unit {
            Unit::Ms => TimeUnit::Milliseconds,
            Unit::Us => TimeUnit::Microseconds,
            Unit::Ns => TimeUnit::Nanoseconds,
        }
    }

    /// Returns what to find in captures; the columns in `needed` are measured too.
    pub(crate) fn job(&self, needed: &[&'static Column]) -> Result<Job, Error> {
        let condition = self.condition.as_deref().map(|text| Condition::parse(text, columns(self.unit())));
        let condition = condition.transpose()?;
        let dissection = self.dissection();
        let features = self.features()?;
        let mut groups = features.clone();
        // What is measured follows from what is asked for.
        let named = condition.iter().flat_map(|condition| condition.columns()).chain(needed);
        for column in named {
            if dissection.is_none() && column.group.needs_inspection() {
                return Err(Error::ColumnOff { column: column.name });
            }
            groups.push(column.group);
        }
        let config = Config {
            timeouts: Timeouts { idle: self.idle_timeout, active: self.active_timeout },
            decode: decode::Options {
                tunnels: !self.no_decode_tunnels,
                ..decode::Options::default()
            },
            dissection,
            measuring: Measuring {
                groups,
                unit: self.unit(),
                accounting: self.accounting(),
                splt_packets: self.splt_packets().into(),
                track_tcp: self.track_tcp,
                ..Measuring::default()
            },
            max_flows: NonZeroU64::new(self.max_nflows),
            max_active_flows: NonZeroUsize::new(self.max_active_flows),
            ..Config::default()
        };
        let meters = NonZeroUsize::new(self.n_meters);
        Ok(Job { config, features, filter: self.bpf_filter.clone(), condition, meters })
    }

    /// Returns the parameters under the names that they have in Python.
    pub(crate) fn parameters(&self, input: &Input) -> Value {
        let features = self.features().unwrap_or_default();
        let names: Vec<_> = features.iter().map(|group| group.name()).collect();
        json!({
            "source": input.paths.iter().map(|path| path.to_string_lossy()).collect::<Vec<_>>(),
            "idle_timeout": in_seconds(self.idle_timeout),
            "active_timeout": in_seconds(self.active_timeout),
            "dissect": !self.no_dissect,
            "max_tcp_dissections": self.max_tcp_dissections,
            "max_udp_dissections": self.max_udp_dissections,
            "bpf_filter": self.bpf_filter.as_ref().map(Filter::expression),
            "decode_tunnels": !self.no_decode_tunnels,
            "accounting_mode": self.accounting_mode,
            "splt_analysis": if features.contains(&Group::Splt) { self.splt_packets() } else { 0 },
            "max_nflows": self.max_nflows,
            "max_active_flows": self.max_active_flows,
            "track_tcp": self.track_tcp,
            "time_unit": self.time_unit.to_possible_value().map(|unit| unit.get_name().to_owned()),
            "features": names,
            "where": self.condition,
        })
    }

    /// Returns the groups of columns that were asked for.
    fn features(&self) -> Result<Vec<Group>, Error> {
        let mut groups = Vec::new();
        for &features in &self.features {
            if let Features::One(group) = features
                && group.needs_inspection()
                && self.dissection().is_none()
            {
                return Err(Error::FeatureOff { group: group.name() });
            }
            groups.extend(features.groups());
        }
        if self.statistical_analysis {
            groups.extend([Group::Statistics, Group::TcpFlags]);
        }
        if self.splt_analysis > 0 {
            groups.push(Group::Splt);
        }
        Ok(groups)
    }

    fn dissection(&self) -> Option<Dissection> {
        let dissector = default_dissector().filter(|_| !self.no_dissect)?;
        let limits = Limits {
            tcp_packets: self.max_tcp_dissections,
            udp_packets: self.max_udp_dissections,
        };
        Some(Dissection { dissector, limits })
    }

    const fn splt_packets(&self) -> u16 {
        if self.splt_analysis == 0 { SPLT_PACKETS } else { self.splt_analysis }
    }

    const fn accounting(&self) -> Accounting {
        match self.accounting_mode {
            0 => Accounting::Frame,
            1 => Accounting::Ip,
            2 => Accounting::Transport,
            _ => Accounting::Payload,
        }
    }
}

impl Job {
    /// Returns the dissector that labels flows, `None` if there is none.
    pub(crate) fn dissector(&self) -> Option<&dyn DissectorFactory> {
        self.config.dissection.as_ref().map(|dissection| &*dissection.dissector)
    }

    /// Returns the engine's configuration for an input of `input_bytes`, if that is known.
    pub(crate) fn config(&self, input_bytes: Option<u64>) -> Config {
        let meters = self.meters.unwrap_or_else(|| suitable_meters(input_bytes));
        Config { meters, ..self.config.clone() }
    }

    /// Settles the number of meters for an input of `input_bytes`. A sandbox keeps from view what
    /// the system says of processors later.
    pub(crate) fn settle_meters(&mut self, input_bytes: Option<u64>) {
        self.meters.get_or_insert_with(|| suitable_meters(input_bytes));
    }

    /// Returns whether a table has the columns of `group` where nobody chose its columns.
    pub(crate) fn shows(&self, group: Group) -> bool {
        !group.is_feature() || self.features.contains(&group)
    }

    /// Fails where a column is needed that `input` cannot have.
    pub(crate) fn check(&self, input: &Input) -> Result<(), Error> {
        let needs_processes = self.config.measuring.groups.contains(&Group::SystemProcess);
        let has_processes =
            input.live.as_ref().is_some_and(|live| live.options.processes.is_some());
        if needs_processes && !has_processes {
            return Err(Error::ProcessesOff);
        }
        Ok(())
    }
}

/// Parses seconds, with a fraction or without.
pub(crate) fn seconds(text: &str) -> Result<Duration, &'static str> {
    let number = text.parse().map_err(|_| "expected a number of seconds, such as 30 or 0.5")?;
    Duration::try_from_seconds(number).ok_or("expected 0 seconds or more")
}

fn in_seconds(span: Duration) -> f64 {
    std::time::Duration::from_nanos(span.nanos()).as_secs_f64()
}

/// Compiles a filter; libpcap says what is wrong with it.
fn filter(expression: &str) -> Result<Filter, String> {
    Filter::new(expression).map_err(|error| match error {
        CaptureError::BadFilter { message, .. } => message,
        error => error.to_string(),
    })
}
