//! The one table of parameters: names, types, defaults, ranges, units and meanings.

use super::kind::{Kind, Topic};
use super::rules_file::RulesFile;
use super::value::{Mismatch, Typed, Value};
use crate::capture::{FileOrder, Filter};
use crate::dissect::DissectorChoice;
use crate::features::{Accounting, Group};
use crate::time::{Duration, TimeUnit};

/// Declaration of a parameter.
#[derive(Clone, Copy, Debug)]
pub struct Parameter {
    /// Name in Python and in files; the command has it with hyphens.
    pub name: &'static str,
    /// Part of a run that it belongs to.
    pub topic: Topic,
    /// Values that it takes.
    pub kind: Kind,
    /// Unit of a number, empty where there is none.
    pub unit: &'static str,
    /// Meaning, in one sentence without a full stop.
    pub meaning: &'static str,
    /// Whether files record it: `false` if it has no effect on their rows.
    pub recorded: bool,
    pub(super) read: fn(&Parameters) -> Value,
    pub(super) write: fn(&mut Parameters, Value) -> Result<(), Mismatch>,
}

/// Greatest number where 32 bits are enough.
#[allow(clippy::as_conversions, reason = "`from` is not const")]
const U32: u64 = u32::MAX as u64;

/// Writes the struct of all parameters, its defaults, and the table that describes them.
macro_rules! parameters {
    ($(
        $name:ident: $type:ty = $default:expr,
        $topic:ident, $kind:expr, $unit:literal, $recorded:literal, $meaning:literal;
    )*) => {
        /// Parameters of a run, with defaults for all that nobody chose.
        #[derive(Clone, Debug)]
        pub struct Parameters {
            $(#[doc = concat!($meaning, ".")] pub $name: $type,)*
        }

        impl Default for Parameters {
            fn default() -> Self {
                Self { $($name: $default,)* }
            }
        }

        /// All parameters, in the order of the documentation.
        pub static PARAMETERS: &[Parameter] = &[$(
            Parameter {
                name: stringify!($name),
                topic: Topic::$topic,
                kind: $kind,
                unit: $unit,
                meaning: $meaning,
                recorded: $recorded,
                read: |parameters| parameters.$name.to_value(),
                write: |parameters, value| {
                    parameters.$name = Typed::from_value(value)?;
                    Ok(())
                },
            },
        )*];
    };
}

const fn seconds(seconds: u64) -> Duration {
    Duration::from_nanos(seconds * 1_000_000_000)
}

/// Number of `type` from `least` to `most`.
const fn whole(least: u64, most: u64) -> Kind {
    Kind::Whole { least, most }
}

/// Flag that is off by default.
const FLAG: Kind = Kind::Flag { off: "" };

/// Flag that is on by default; `off` is the meaning of its absence.
const fn on(off: &'static str) -> Kind {
    Kind::Flag { off }
}

const SECONDS: Kind = Kind::Seconds { optional: false };

const ORDERS: Kind = Kind::Choice(FileOrder::NAMES);

const UNITS: Kind = Kind::Choice(&[
    ("ms", "Thousandths of a second"),
    ("us", "Millionths of a second"),
    ("ns", "Thousandths of a microsecond"),
]);

parameters! {
    snaplen: u32 = 65_535,
        Capture, whole(1, U32), "bytes", true,
        "Bytes captured of each packet, at most; packets of a file stay as they are";
    order: FileOrder = FileOrder::Time,
        Files, ORDERS, "", true,
        "Order of several files: time reads them by the times of their packets, merges files that \
         overlap and reads a file with several names once; given reads them one after the other \
         as listed";
    strict_files: bool = false,
        Files, FLAG, "", false,
        "Refuse files that are damaged, truncated, empty or no captures, instead of warning of \
         what is missing";
    idle_timeout: Duration = seconds(30),
        Flows, SECONDS, "s", true,
        "Seconds without a packet after which a flow ends";
    active_timeout: Duration = seconds(300),
        Flows, SECONDS, "s", true,
        "Seconds after its first packet at which a flow is cut into slices";
    dissect: bool = true,
        Flows, on("Leave labels and their columns out"), "", true,
        "Label each flow with its application";
    dissector: DissectorChoice = DissectorChoice::default(),
        Flows, Kind::Choice(DissectorChoice::NAMES), "", true,
        "Dissector that finds the labels";
    rules: Option<RulesFile> = None,
        Flows, Kind::File, "", true,
        "File of rules in TOML that lead from domains, addresses, ports, JA4 fingerprints and names \
         in certificates to applications; not with the dissector ndpi";
    max_tcp_dissections: u32 = 10,
        Flows, whole(0, U32), "packets", true,
        "Packets of a TCP flow that the dissector inspects, at most";
    max_udp_dissections: u32 = 16,
        Flows, whole(0, U32), "packets", true,
        "Packets of a UDP flow that the dissector inspects, at most";
    bpf_filter: Option<Filter> = None,
        Flows, Kind::Filter, "", true,
        "Filter of libpcap (pcap-filter(7)) such as 'tcp port 443': only packets that match are \
         metered";
    decode_tunnels: bool = true,
        Flows, on("Meter the packets that carry a tunnel, not those inside"), "", true,
        "Meter the packets inside tunnels in place of those that carry them: GTP-U, CAPWAP, TZSP, \
         VXLAN, Geneve, GRE (ERSPAN and NVGRE too), L2TP and Teredo; IP in IP is always decoded";
    accounting_mode: Accounting = Accounting::Frame,
        Flows, whole(0, 3), "", true,
        "What bytes and packet sizes count: 0 the frame, 1 the IP packet, 2 the payload of IP, 3 \
         the payload of the transport";
    statistical_analysis: bool = false,
        Flows, FLAG, "", false,
        "Short for the features statistics and tcp_flags";
    splt_analysis: u16 = 0,
        Flows, whole(0, 65_535), "packets", true,
        "Packets of each flow, from its first on, that the columns of the feature splt list one \
         by one";
    max_nflows: u64 = 0,
        Flows, whole(0, u64::MAX), "flows", true,
        "Flows after which the run ends; 0 for no end";
    max_active_flows: usize = 4_000_000,
        Flows, whole(0, u64::MAX), "flows", true,
        "Active flows, at most: one more ends the flow that has been silent for longest; 0 for no \
         limit";
    track_tcp: bool = false,
        Flows, FLAG, "", true,
        "End a flow when its TCP connection closes";
    time_unit: TimeUnit = TimeUnit::Milliseconds,
        Flows, UNITS, "", true,
        "Unit of times: ms, us or ns; column names that end in _ms follow it";
    features: Vec<Group> = Vec::new(),
        Flows, Kind::Features, "", true,
        "Names of column groups to add to the base columns, or all";
    n_meters: usize = 0,
        Flows, whole(0, U32), "threads", false,
        "Meters that share the work; 0 for as many as the machine has processors";
    promiscuous_mode: bool = true,
        Capture, on("Capture only packets from and to this machine"), "", true,
        "Capture packets to other machines, too; not on the interface any";
    socket_buffer_size: usize = 64 << 20,
        Capture, whole(0, u64::MAX), "bytes", true,
        "Bytes of the buffer in which the kernel keeps packets until they are read";
    duration: Option<Duration> = None,
        Capture, Kind::Seconds { optional: true }, "s", true,
        "Seconds after which the capture ends";
    system_visibility_mode: u8 = 0,
        Capture, whole(0, 1), "", true,
        "Columns of the process of this machine that each flow belongs to, on Linux: 0 no, 1 yes";
    system_visibility_poll_ms: u32 = 100,
        Capture, whole(1, 3_600_000), "ms", true,
        "Milliseconds between two reads of the sockets of all processes";
    performance_report: Duration = seconds(0),
        Capture, SECONDS, "s", false,
        "Seconds between two lines of counts and rates on standard error; 0 for none";
}
