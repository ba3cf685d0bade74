//! The one table of parameters: names, types, defaults, ranges, units and meanings.

use super::geoip_files::GeoIpFiles;
use super::kind::{Kind, Topic};
use super::measures::MeasureSet;
use super::model_files::ModelFiles;
use super::rules_file::RulesFile;
use super::value::{Mismatch, Typed, Value};
use crate::capture::{FileOrder, Filter};
use crate::dissect::DissectorChoice;
use crate::features::{Accounting, Group, Headings, PacketShape};
use crate::packet::Separation;
use crate::time::{Duration, TimeUnit};

/// Declaration of a parameter.
#[derive(Clone, Copy, Debug)]
pub struct Parameter {
    /// Name in Python and in files; the command has it with hyphens.
    pub name: &'static str,
    /// Part of a run that it affects.
    pub topic: Topic,
    /// Permitted values.
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
        /// Parameters of a run, with defaults for those that are not set.
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
        "Maximum number of bytes to capture of each packet; no effect on files";
    order: FileOrder = FileOrder::Time,
        Files, ORDERS, "", true,
        "Order of several files: time, by packet time, merging files that overlap; given, one \
         after the other as listed";
    strict_files: bool = false,
        Files, FLAG, "", false,
        "Refuse files that are damaged, truncated, empty or not captures; by default a warning \
         says what is missing";
    large_windows: bool = false,
        Files, FLAG, "", false,
        "Decompress zstd and xz files that need more than 128 MiB of memory, up to 2 GiB each";
    idle_timeout: Duration = seconds(30),
        Flows, SECONDS, "s", true,
        "Seconds without a packet after which a flow ends";
    active_timeout: Duration = seconds(300),
        Flows, SECONDS, "s", true,
        "Maximum age of a flow in seconds; a longer flow is cut into slices";
    dissect: bool = true,
        Flows, on("Do not label flows, and leave out the label columns"), "", true,
        "Label each flow with its application";
    dissector: DissectorChoice = DissectorChoice::default(),
        Flows, Kind::Choice(DissectorChoice::NAMES), "", true,
        "Dissector that labels flows: ndpi, nDPI; native, the built-in one; auto, \
         native first and ndpi for flows that it leaves unknown";
    rules: Option<RulesFile> = None,
        Flows, Kind::File, "", true,
        "TOML file of rules that map domains, addresses, ports, JA4 fingerprints and certificate \
         names to applications; needs the dissector native or auto";
    geoip: GeoIpFiles = GeoIpFiles::default(),
        Flows, Kind::Files, "", true,
        "Databases in MaxMind's format (.mmdb) that add columns with the countries and autonomous \
         systems of addresses";
    max_tcp_dissections: u32 = 10,
        Flows, whole(0, U32), "packets", true,
        "Maximum number of packets of a TCP flow that the dissector inspects";
    max_udp_dissections: u32 = 16,
        Flows, whole(0, U32), "packets", true,
        "Maximum number of packets of a UDP flow that the dissector inspects";
    bpf_filter: Option<Filter> = None,
        Flows, Kind::Filter, "", true,
        "libpcap filter (pcap-filter(7)), such as 'tcp port 443'; only packets that match are \
         metered";
    decode_tunnels: bool = true,
        Flows, on("Meter the outer packets of tunnels instead of the packets inside"), "", true,
        "Meter the packets inside tunnels instead of the outer packets: GTP-U, CAPWAP, TZSP, \
         VXLAN, Geneve, GRE (also ERSPAN and NVGRE), L2TP, Teredo, MPLS, EtherIP, GUE and LISP; IP \
         in IP is always decoded";
    key: Separation = Separation::Network,
        Flows, Kind::Choice(Separation::NAMES), "", true,
        "Properties that separate flows besides addresses, ports and protocol: network (VLAN ids, \
         tunnels, VNI, VSID, GRE key), vlans, tunnels, or endpoints (none of these)";
    deduplicate: Option<Duration> = None,
        Flows, Kind::Seconds { optional: true }, "s", true,
        "Remove and count exact duplicates, such as mirror ports produce, up to this many seconds \
         after the first copy: the same bytes from the IP header on, in the same tunnel; VLAN tags \
         may differ";
    accounting_mode: Accounting = Accounting::Frame,
        Flows, whole(0, 3), "", true,
        "Bytes that count as the size of a packet: 0 the frame, 1 the IP packet, 2 the IP payload, \
         3 the transport payload";
    statistical_analysis: bool = false,
        Flows, FLAG, "", false,
        "Shorthand for the features statistics and tcp_flags";
    splt_analysis: u16 = 0,
        Flows, whole(0, 65_535), "packets", true,
        "Number of first packets of each flow whose direction, size and inter-arrival time are \
         listed (feature splt)";
    packet_bytes: Option<PacketShape> = None,
        Flows, Kind::Shape, "", true,
        "First bytes of the first packets of each flow to keep: 8x128 for 8 packets, 128 bytes of \
         each (feature packet_bytes, or raw_packet_bytes)";
    max_nflows: u64 = 0,
        Flows, whole(0, u64::MAX), "flows", true,
        "End the run after this number of flows; 0 for no limit";
    max_active_flows: usize = 4_000_000,
        Flows, whole(0, u64::MAX), "flows", true,
        "Maximum number of active flows; beyond it, a new flow evicts the one that has been silent \
         the longest; 0 for no limit";
    max_active_bytes: usize = 1 << 30,
        Flows, whole(0, u64::MAX), "bytes", true,
        "Maximum number of bytes that active flows hold for labels, texts and lists of packets; \
         beyond it, the flows that have been silent the longest are evicted; 0 for no limit";
    early_packets: u32 = 0,
        Flows, whole(0, U32), "packets", true,
        "Return an early record of each flow after this number of packets; 0 for none";
    early_seconds: Duration = seconds(0),
        Flows, SECONDS, "s", true,
        "Return an early record of each flow with the packets of its first seconds, when its next \
         packet arrives; 0 for none";
    early_only: bool = false,
        Flows, FLAG, "", true,
        "Return one record for each flow: the early one, or the final one if the flow ends first";
    update_every: Duration = seconds(0),
        Flows, SECONDS, "s", true,
        "Seconds of a flow's life between two records of its packets so far, each returned when \
         its next packet arrives; 0 for none";
    track_tcp: bool = false,
        Flows, FLAG, "", true,
        "End a flow when its TCP connection closes";
    time_unit: TimeUnit = TimeUnit::Milliseconds,
        Flows, UNITS, "", true,
        "Unit of times: ms, us or ns; column names that end in _ms follow it";
    features: Vec<Group> = Vec::new(),
        Flows, Kind::Features, "", true,
        "Column groups to add to the base columns, or all; `nfstream columns` lists them";
    names: Headings = Headings::Nfstream,
        Flows, Kind::Choice(Headings::NAMES), "", true,
        "Headings of the columns in tables: nfstream, or cic, those of CICFlowMeter for the \
         columns that it has; attributes and conditions keep the names of nfstream";
    measure: MeasureSet = MeasureSet::default(),
        Flows, Kind::Measures, "", true,
        "Columns of your own, each NAME=EXPR, in the language of --where: over packets, such as \
         'up_acks=pkt.filter(pkt.up && pkt.ack).count()', and over columns";
    model: ModelFiles = ModelFiles::default(),
        Flows, Kind::Models, "", true,
        "ONNX model that scores each flow, in the columns model_label and model_score; with \
         NAME=FILE, NAME replaces model in their names. Needs a build with the feature models";
    model_columns: Vec<String> = Vec::new(),
        Flows, Kind::Columns, "", true,
        "Columns of the values that the model takes, in order, for a model whose file does not \
         name them";
    n_meters: usize = 0,
        Flows, whole(0, 1024), "threads", false,
        "Number of threads that meter flows; 0 for one per processor";
    promiscuous_mode: bool = true,
        Capture, on("Capture only packets from and to this machine"), "", true,
        "Also capture packets addressed to other machines; no effect on the interface any";
    socket_buffer_size: usize = 64 << 20,
        Capture, whole(0, u64::MAX), "bytes", true,
        "Size in bytes of the kernel buffer for packets that have not been read";
    rings: usize = 1,
        Capture, whole(1, 64), "rings", true,
        "Rings among which the kernel divides the packets of an interface (Linux), each read by a \
         thread; for interfaces that are too fast for one";
    duration: Option<Duration> = None,
        Capture, Kind::Seconds { optional: true }, "s", true,
        "Seconds after which the capture ends";
    system_visibility_mode: u8 = 0,
        Capture, whole(0, 1), "", true,
        "Columns with the local process of each flow (Linux): 0 no, 1 yes";
    system_visibility_poll_ms: u32 = 100,
        Capture, whole(1, 3_600_000), "ms", true,
        "Milliseconds between two polls of the local sockets";
    performance_report: Duration = seconds(0),
        Capture, SECONDS, "s", false,
        "Seconds between two reports of counts and rates on standard error; 0 for none";
}
