//! The one table of columns: names, types, units and meanings.
//!
//! The Arrow schema, the header of CSV, the attributes in Python and the reference page are all
//! made from it.

use std::fmt::Write as _;
use std::net::IpAddr;

use super::application::Tls;
use super::{Group, Measures, Moments, Names, Record, SpltPacket, community_id};
use crate::flow::Direction::{Dst2Src, Src2Dst};
use crate::flow::{Direction, EndReason, Sender};
use crate::packet::TcpFlags;
use crate::time::{TimeUnit, Timestamp};

/// A column of the flow table.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Its name, the same everywhere.
    pub name: &'static str,
    /// What switches it on.
    pub group: Group,
    /// Unit of its numbers, empty where there is none.
    pub unit: &'static str,
    /// What it holds, one sentence without a full stop.
    pub meaning: &'static str,
    /// How its value is read from a record.
    pub read: Read,
}

/// The type of a column and how its value is read.
#[non_exhaustive]
#[derive(Clone, Copy, Debug)]
pub enum Read {
    /// Unsigned, 8 bits.
    U8(fn(&Record) -> u8),
    /// Unsigned, 16 bits.
    U16(fn(&Record) -> u16),
    /// Signed, 32 bits.
    I32(fn(&Record) -> i32),
    /// Signed, 64 bits.
    I64(fn(&Record) -> i64),
    /// Unsigned, 32 bits.
    U32(fn(&Record) -> u32),
    /// Unsigned, 64 bits.
    U64(fn(&Record) -> u64),
    /// Floating point, 64 bits, always finite.
    F64(fn(&Record) -> f64),
    /// True or false.
    Bool(fn(&Record) -> bool),
    /// A list of signed integers, appended to the vector.
    List(Items, fn(&Record, &mut Vec<i64>)),
    /// Text, appended to the string.
    Text(fn(&Record, &mut String)),
    /// A name for a number that few values are taken from: dictionary-encoded text.
    Name {
        /// The number.
        code: fn(&Record) -> u32,
        /// Its name, appended to the string.
        name: fn(&dyn Names, u32, &mut String),
    },
}

/// The type of the integers in a list, which are all in its range.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Items {
    /// 8 bits.
    I8,
    /// 32 bits.
    I32,
    /// 64 bits.
    I64,
}

/// A value read from a record.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Any unsigned integer.
    Unsigned(u64),
    /// Any signed integer.
    Signed(i64),
    /// A finite floating-point number.
    Float(f64),
    /// True or false.
    Bool(bool),
    /// A list of integers.
    List(Vec<i64>),
    /// Text.
    Text(String),
}

impl Column {
    /// Returns the value of this column in `record`.
    pub fn value(&self, record: &Record, names: &dyn Names) -> Value {
        match self.read {
            Read::U8(read) => Value::Unsigned(read(record).into()),
            Read::U16(read) => Value::Unsigned(read(record).into()),
            Read::I32(read) => Value::Signed(read(record).into()),
            Read::I64(read) => Value::Signed(read(record)),
            Read::U32(read) => Value::Unsigned(read(record).into()),
            Read::U64(read) => Value::Unsigned(read(record)),
            Read::F64(read) => Value::Float(read(record)),
            Read::Bool(read) => Value::Bool(read(record)),
            Read::List(_, read) => {
                let mut list = Vec::new();
                read(record, &mut list);
                Value::List(list)
            }
            Read::Text(read) => {
                let mut text = String::new();
                read(record, &mut text);
                Value::Text(text)
            }
            Read::Name { code, name } => {
                let mut text = String::new();
                name(names, code(record), &mut text);
                Value::Text(text)
            }
        }
    }

    /// Returns the name of the column's type, as Arrow writes it.
    pub const fn type_name(&self) -> &'static str {
        match self.read {
            Read::U8(_) => "uint8",
            Read::U16(_) => "uint16",
            Read::I32(_) => "int32",
            Read::I64(_) => "int64",
            Read::U32(_) => "uint32",
            Read::U64(_) => "uint64",
            Read::F64(_) => "double",
            Read::Bool(_) => "bool",
            Read::List(Items::I8, _) => "list<int8>",
            Read::List(Items::I32, _) => "list<int32>",
            Read::List(Items::I64, _) => "list<int64>",
            Read::Text(_) => "string",
            Read::Name { .. } => "dictionary<string>",
        }
    }
}

/// Writes the columns of one group.
macro_rules! columns {
    ($group:ident: $($name:expr, $unit:expr, $meaning:expr, $read:expr;)*) => {
        &[$(column($name, Group::$group, $unit, $meaning, $read)),*]
    };
}

/// Writes the four statistics of a measurement in one scope of packets.
macro_rules! statistics {
    ($scope:literal, $what:expr, $unit:expr, $of:literal, $moments:ident) => {
        [
            column(
                concat!($scope, "_min_", $what),
                Group::Statistics,
                $unit,
                concat!("least ", $of),
                Read::U64(|r| $moments(r).min),
            ),
            column(
                concat!($scope, "_mean_", $what),
                Group::Statistics,
                $unit,
                concat!("mean ", $of),
                Read::F64(|r| $moments(r).mean()),
            ),
            column(
                concat!($scope, "_stddev_", $what),
                Group::Statistics,
                $unit,
                concat!("sample standard deviation (divisor n - 1) of the ", $of),
                Read::F64(|r| $moments(r).deviation()),
            ),
            column(
                concat!($scope, "_max_", $what),
                Group::Statistics,
                $unit,
                concat!("greatest ", $of),
                Read::U64(|r| $moments(r).max),
            ),
        ]
    };
}

/// Writes the counts of all flags in one scope of packets.
macro_rules! flag_counts {
    ($scope:literal, $of:literal, $count:ident) => {
        [
            flag_counts!(@ $scope, $of, $count, "syn", "SYN", SYN),
            flag_counts!(@ $scope, $of, $count, "cwr", "CWR", CWR),
            flag_counts!(@ $scope, $of, $count, "ece", "ECE", ECE),
            flag_counts!(@ $scope, $of, $count, "urg", "URG", URG),
            flag_counts!(@ $scope, $of, $count, "ack", "ACK", ACK),
            flag_counts!(@ $scope, $of, $count, "psh", "PSH", PSH),
            flag_counts!(@ $scope, $of, $count, "rst", "RST", RST),
            flag_counts!(@ $scope, $of, $count, "fin", "FIN", FIN),
        ]
    };
    (@ $scope:literal, $of:literal, $count:ident, $name:literal, $word:literal, $flag:ident) => {
        column(
            concat!($scope, "_", $name, "_packets"),
            Group::TcpFlags,
            "packets",
            concat!("packets ", $of, " with the TCP flag ", $word),
            Read::U32(|r| $count(r, TcpFlags::$flag)),
        )
    };
}

// A table is read by its columns, which the formatter does not see in a macro.
/// Writes the whole table for one unit of time.
#[rustfmt::skip]
macro_rules! table {
    ($unit:ident, $short:literal) => {
        [
            columns! { Base:
                "id", "", "number of the conversation, from 0 in the order of first packets; \
                    slices of one conversation share it", Read::U64(|r| r.id);
                "first_seen", $short, "time of the first packet, since the Unix epoch (UTC)",
                    Read::I64(|r| r.flow.first_seen.ticks(TimeUnit::$unit));
                "last_seen", $short, "time of the last packet, since the Unix epoch (UTC)",
                    Read::I64(|r| r.flow.last_seen.ticks(TimeUnit::$unit));
                "version", "", "IP version", Read::U8(|r| r.flow.key.version);
                "src_port", "", "port of the source, 0 outside TCP, UDP and SCTP; the source is \
                    the end that sent the first packet",
                    Read::U16(|r| r.flow.key.end(r.flow.src).port);
                "dst_port", "", "port of the destination, 0 outside TCP, UDP and SCTP",
                    Read::U16(|r| r.flow.key.end(r.flow.src.other()).port);
                "protocol", "", "IP protocol number", Read::U8(|r| r.flow.key.protocol);
                "vlan_id", "", "innermost VLAN identifier, 0 without a tag",
                    Read::U16(|r| r.flow.key.vlan_id);
                "src_ip", "", "address of the source",
                    Read::Text(|r, text| write_ip(r, r.flow.src, text));
                "dst_ip", "", "address of the destination",
                    Read::Text(|r, text| write_ip(r, r.flow.src.other(), text));
                "total_packets", "packets", "packets of both directions",
                    Read::U64(|r| r.volume.total_packets());
                "total_bytes", "bytes", "bytes of both directions on the wire, link header \
                    included unless accounting_mode says otherwise",
                    Read::U64(|r| r.volume.total_bytes());
                "duration", $short, "last_seen less first_seen",
                    Read::I64(|r| between(TimeUnit::$unit, r.flow.first_seen, r.flow.last_seen));
                "src2dst_packets", "packets", "packets from source to destination",
                    Read::U64(|r| r.volume.packets(Src2Dst));
                "src2dst_bytes", "bytes", "bytes from source to destination",
                    Read::U64(|r| r.volume.bytes(Src2Dst));
                "dst2src_packets", "packets", "packets from destination to source",
                    Read::U64(|r| r.volume.packets(Dst2Src));
                "dst2src_bytes", "bytes", "bytes from destination to source",
                    Read::U64(|r| r.volume.bytes(Dst2Src));
                "expiration_id", "", "0 idle, evicted or end of input, 1 active timeout, below 0 \
                    as a plugin set it", Read::I32(|r| r.expiration_id);
            },
            columns! { Application:
                "master_protocol", "", "nDPI's number of the protocol that carries the \
                    application, 0 if none",
                    Read::U16(|r| r.application.label.master_protocol);
                "app_protocol", "", "nDPI's number of the application's protocol, 0 if unknown",
                    Read::U16(|r| r.application.label.app_protocol);
                "application_name", "", "nDPI's name of the application, MASTER.APP or APP",
                    Read::Name { code: application_code, name: application_name };
                "category_name", "", "nDPI's category of the application", Read::Name {
                    code: |r| r.application.label.category.into(),
                    name: |names, code, text| names.category(low_half(code), text),
                };
                "client_info", "", "TLS and QUIC: server name that the client asks for; HTTP: \
                    user agent, or operating system; SSH: version",
                    Read::Text(|r, text| metadata(r, text, |m| &m.client_info));
                "server_info", "", "TLS and QUIC: names in the server's certificate; HTTP: host; \
                    DNS: name asked for; SSH: version; otherwise the host name if there is one",
                    Read::Text(|r, text| metadata(r, text, |m| &m.server_info));
                "j3a_client", "", "JA3 fingerprint of the client",
                    Read::Text(|r, text| metadata(r, text, |m| &m.ja3_client));
                "j3a_server", "", "JA3S fingerprint of the server",
                    Read::Text(|r, text| metadata(r, text, |m| &m.ja3_server));
            },
            columns! { Directions:
                concat!("src2dst_first_seen_", $short), $short, "time of the first packet from \
                    source to destination, 0 if there is none",
                    Read::I64(|r| seen(r, Src2Dst).map_or(0, |s| s.0.ticks(TimeUnit::$unit)));
                concat!("src2dst_last_seen_", $short), $short, "time of the last packet from \
                    source to destination, 0 if there is none",
                    Read::I64(|r| seen(r, Src2Dst).map_or(0, |s| s.1.ticks(TimeUnit::$unit)));
                concat!("src2dst_duration_", $short), $short, "time between these two",
                    Read::I64(|r| {
                        seen(r, Src2Dst).map_or(0, |s| between(TimeUnit::$unit, s.0, s.1))
                    });
                concat!("dst2src_first_seen_", $short), $short, "time of the first packet from \
                    destination to source, 0 if there is none",
                    Read::I64(|r| seen(r, Dst2Src).map_or(0, |s| s.0.ticks(TimeUnit::$unit)));
                concat!("dst2src_last_seen_", $short), $short, "time of the last packet from \
                    destination to source, 0 if there is none",
                    Read::I64(|r| seen(r, Dst2Src).map_or(0, |s| s.1.ticks(TimeUnit::$unit)));
                concat!("dst2src_duration_", $short), $short, "time between these two",
                    Read::I64(|r| {
                        seen(r, Dst2Src).map_or(0, |s| between(TimeUnit::$unit, s.0, s.1))
                    });
            },
            columns! { Mac:
                "src_mac", "", "MAC address of the source in the first packet's outermost \
                    Ethernet header; zeros on other links",
                    Read::Text(|r, text| write_mac(measured(r, |m| m.details.link).src, 6, text));
                "src_oui", "", "first three bytes of src_mac: the maker",
                    Read::Text(|r, text| write_mac(measured(r, |m| m.details.link).src, 3, text));
                "dst_mac", "", "MAC address of the destination in the first packet's outermost \
                    Ethernet header; zeros on other links",
                    Read::Text(|r, text| write_mac(measured(r, |m| m.details.link).dst, 6, text));
                "dst_oui", "", "first three bytes of dst_mac: the maker",
                    Read::Text(|r, text| write_mac(measured(r, |m| m.details.link).dst, 3, text));
            },
            columns! { Tunnel:
                "tunnel_id", "", "tunnel that carried the flow: 0 none, 1 GTP-U, 2 CAPWAP, \
                    3 TZSP, 4 VXLAN, 5 Geneve, 6 GRE, 7 ERSPAN, 8 NVGRE, 9 L2TP, 10 Teredo",
                    Read::U32(|r| r.flow.key.tunnel_id);
            },
            &statistics!("bidirectional", "ps", "bytes", "packet sizes", sizes),
            &statistics!(
                "src2dst",
                "ps",
                "bytes",
                "packet sizes from source to destination",
                sizes_there
            ),
            &statistics!(
                "dst2src",
                "ps",
                "bytes",
                "packet sizes from destination to source",
                sizes_back
            ),
            &statistics!(
                "bidirectional",
                concat!("piat_", $short),
                $short,
                "gaps between packets",
                gaps
            ),
            &statistics!(
                "src2dst",
                concat!("piat_", $short),
                $short,
                "gaps between packets from source to destination",
                gaps_there
            ),
            &statistics!(
                "dst2src",
                concat!("piat_", $short),
                $short,
                "gaps between packets from destination to source",
                gaps_back
            ),
            &flag_counts!("bidirectional", "of both directions", flags),
            &flag_counts!("src2dst", "from source to destination", flags_there),
            &flag_counts!("dst2src", "from destination to source", flags_back),
            columns! { Splt:
                "splt_direction", "", "direction of the first packets, one by one: 0 from source \
                    to destination, 1 back; -1 where there is no packet",
                    Read::List(Items::I8, |r, list| splt(r, list, |p| way(p.direction)));
                "splt_ps", "bytes", "their sizes, 2^31 - 1 at most; -1 where there is no packet",
                    Read::List(Items::I32, |r, list| {
                        splt(r, list, |p| i64::from(p.size).min(i32::MAX.into()))
                    });
                concat!("splt_piat_", $short), $short, "time since the packet before, 0 for the \
                    first; -1 where there is no packet",
                    Read::List(Items::I64, |r, list| {
                        splt(r, list, |p| p.gap.try_into().unwrap_or(i64::MAX))
                    });
            },
            columns! { Ndpi:
                "requested_server_name", "", "name of the server as the client asks for it: TLS \
                    and QUIC server name, HTTP host, DNS name",
                    Read::Text(|r, text| metadata(r, text, |m| &m.requested_server_name));
                "client_fingerprint", "", "fingerprint of the client: JA3 for TLS and QUIC, HASSH \
                    for SSH, requested options for DHCP",
                    Read::Text(|r, text| metadata(r, text, |m| &m.client_fingerprint));
                "server_fingerprint", "", "fingerprint of the server: JA3S for TLS, HASSH for SSH",
                    Read::Text(|r, text| metadata(r, text, |m| &m.server_fingerprint));
                "user_agent", "", "user agent of HTTP and QUIC clients; class of DHCP clients",
                    Read::Text(|r, text| metadata(r, text, |m| &m.user_agent));
                "content_type", "", "content type of an HTTP response",
                    Read::Text(|r, text| metadata(r, text, |m| &m.content_type));
                "application_is_guessed", "", "whether the label comes from ports and addresses \
                    alone", Read::Bool(|r| r.application.label.guessed);
                "application_confidence", "", "how nDPI found the label, in its own numbering",
                    Read::U8(|r| r.application.label.confidence);
            },
            columns! { EndReason:
                "end_reason", "", "why the flow ended: idle (RFC 5102 flowEndReason 1), active \
                    (2), tcp_fin and tcp_rst (3), end_of_input and plugin (4), evicted (5)",
                    Read::Name {
                        code: |r| u32::from(r.end_reason.code()),
                        name: |_, code, text| text.push_str(EndReason::name_of(code)),
                    };
            },
            columns! { CommunityId:
                "community_id", "", "Community ID version 1 with seed 0, as Zeek and Suricata \
                    compute it", Read::Text(community_id::write);
            },
            columns! { Payload:
                "src2dst_payload_bytes", "bytes", "bytes behind the transport headers, source to \
                    destination", Read::U64(|r| measured(r, |m| m.details.payload.of(Src2Dst)));
                "dst2src_payload_bytes", "bytes", "bytes behind the transport headers, \
                    destination to source", Read::U64(|r| measured(r, |m| m.details.payload.of(Dst2Src)));
            },
            columns! { TcpQuality:
                "src2dst_initial_window", "bytes", "window in the source's first TCP segment, not \
                    scaled", Read::U16(|r| measured(r, |m| m.details.quality.initial_window(Src2Dst)));
                "dst2src_initial_window", "bytes", "window in the destination's first TCP \
                    segment, not scaled",
                    Read::U16(|r| measured(r, |m| m.details.quality.initial_window(Dst2Src)));
                "src2dst_retransmitted_packets", "packets", "segments from the source that hold \
                    only what it had sent before",
                    Read::U32(|r| measured(r, |m| m.details.quality.retransmitted(Src2Dst)));
                "dst2src_retransmitted_packets", "packets", "segments from the destination that \
                    hold only what it had sent before",
                    Read::U32(|r| measured(r, |m| m.details.quality.retransmitted(Dst2Src)));
                "src2dst_out_of_order_packets", "packets", "segments from the source that came \
                    after a later one and fill the gap before it",
                    Read::U32(|r| measured(r, |m| m.details.quality.out_of_order(Src2Dst)));
                "dst2src_out_of_order_packets", "packets", "segments from the destination that \
                    came after a later one and fill the gap before it",
                    Read::U32(|r| measured(r, |m| m.details.quality.out_of_order(Dst2Src)));
                "src2dst_zero_window_packets", "packets", "segments with which the source takes \
                    no data", Read::U32(|r| measured(r, |m| m.details.quality.zero_window(Src2Dst)));
                "dst2src_zero_window_packets", "packets", "segments with which the destination \
                    takes no data", Read::U32(|r| measured(r, |m| m.details.quality.zero_window(Dst2Src)));
                "tcp_handshake_us", "us", "time from SYN to the segment that answers SYN+ACK, in \
                    microseconds whatever the unit of the run; 0 if these were not all seen",
                    Read::U64(|r| measured(r, |m| m.details.quality.round_trip().nanos() / 1000));
            },
            columns! { Tls:
                "tls_version", "", "version in the TLS server's hello as a number, such as 771 \
                    for TLS 1.2; 0 if none was seen",
                    Read::U16(|r| tls(r).map_or(0, |tls| tls.version));
                "tls_offered_versions", "", "versions that the client offers",
                    Read::Text(|r, text| tls_text(r, text, |tls| &tls.supported_versions));
                "tls_alpn", "", "application protocols that the client offers",
                    Read::Text(|r, text| tls_text(r, text, |tls| &tls.alpn));
                "tls_cipher", "", "number of the cipher suite that the server chose, 0 if none \
                    was seen", Read::U16(|r| tls(r).map_or(0, |tls| tls.cipher));
                "tls_issuer", "", "issuer of the server's certificate",
                    Read::Text(|r, text| tls_text(r, text, |tls| &tls.issuer));
                "tls_subject", "", "subject of the server's certificate",
                    Read::Text(|r, text| tls_text(r, text, |tls| &tls.subject));
                "risks", "", "what nDPI finds suspicious, names separated by commas",
                    Read::Text(|r, text| metadata(r, text, |m| &m.risks));
            },
            columns! { SystemProcess:
                "system_process_pid", "", "number of the process on this machine that has the \
                    flow's socket, of the source's if both ends are here; 0 if none was seen",
                    Read::U32(|r| r.process.as_deref().map_or(0, |process| process.pid));
                "system_process_name", "", "name of its program as the kernel has it, 15 bytes at \
                    most",
                    Read::Text(|r, text| {
                        text.push_str(r.process.as_deref().map_or("", |process| &process.name));
                    });
            },
        ]
    };
}

type Table = [&'static [Column]; 22];

/// All columns, in the order in which they stand in a table, group by group; times in
/// milliseconds.
pub const COLUMNS: Table = table!(Milliseconds, "ms");

const COLUMNS_MICROSECONDS: Table = table!(Microseconds, "us");
const COLUMNS_NANOSECONDS: Table = table!(Nanoseconds, "ns");

/// Returns all columns with times in `unit`.
pub fn columns(unit: TimeUnit) -> impl Iterator<Item = &'static Column> {
    let table: &'static Table = match unit {
        TimeUnit::Milliseconds => &COLUMNS,
        TimeUnit::Microseconds => &COLUMNS_MICROSECONDS,
        TimeUnit::Nanoseconds => &COLUMNS_NANOSECONDS,
    };
    table.iter().copied().flatten()
}

const fn column(
    name: &'static str,
    group: Group,
    unit: &'static str,
    meaning: &'static str,
    read: Read,
) -> Column {
    Column { name, group, unit, meaning, read }
}

/// Reads a measurement, its default where nothing was measured.
fn measured<T: Default>(record: &Record, read: impl FnOnce(&Measures) -> T) -> T {
    record.measures.as_deref().map_or_else(T::default, read)
}

fn sizes(record: &Record) -> Moments {
    measured(record, |m| m.statistics.sizes(&record.volume))
}

fn sizes_there(record: &Record) -> Moments {
    measured(record, |m| m.statistics.sizes_of(Src2Dst, &record.volume))
}

fn sizes_back(record: &Record) -> Moments {
    measured(record, |m| m.statistics.sizes_of(Dst2Src, &record.volume))
}

fn gaps(record: &Record) -> Moments {
    measured(record, |m| m.statistics.gaps(&record.volume))
}

fn gaps_there(record: &Record) -> Moments {
    measured(record, |m| m.statistics.gaps_of(Src2Dst, &record.volume))
}

fn gaps_back(record: &Record) -> Moments {
    measured(record, |m| m.statistics.gaps_of(Dst2Src, &record.volume))
}

fn flags(record: &Record, flag: TcpFlags) -> u32 {
    measured(record, |m| m.flags.both(flag))
}

fn flags_there(record: &Record, flag: TcpFlags) -> u32 {
    measured(record, |m| m.flags.of(Src2Dst, flag))
}

fn flags_back(record: &Record, flag: TcpFlags) -> u32 {
    measured(record, |m| m.flags.of(Dst2Src, flag))
}

fn seen(record: &Record, direction: Direction) -> Option<(Timestamp, Timestamp)> {
    measured(record, |m| m.details.times.seen(direction))
}

/// Returns whole units from `first` to `last`: the difference of the two as the table shows them.
fn between(unit: TimeUnit, first: Timestamp, last: Timestamp) -> i64 {
    last.ticks(unit).saturating_sub(first.ticks(unit))
}

/// Appends a number for each packet of the sequence, and -1 for those that did not come.
fn splt(record: &Record, list: &mut Vec<i64>, number: impl Fn(&SpltPacket) -> i64) {
    if let Some(splt) = record.measures.as_deref().map(|measures| &measures.splt) {
        let end = list.len() + splt.limit();
        for packets in splt.packets() {
            list.extend(packets.iter().map(&number));
        }
        list.resize(end, -1);
    }
}

fn way(direction: Direction) -> i64 {
    match direction {
        Src2Dst => 0,
        Dst2Src => 1,
    }
}

fn application_code(record: &Record) -> u32 {
    let label = record.application.label;
    u32::from(label.master_protocol) << 16 | u32::from(label.app_protocol)
}

fn application_name(names: &dyn Names, code: u32, text: &mut String) {
    names.application(low_half(code >> 16), low_half(code), text);
}

fn low_half(code: u32) -> u16 {
    let [_, _, high, low] = code.to_be_bytes();
    u16::from_be_bytes([high, low])
}

fn tls(record: &Record) -> Option<&Tls> {
    record.application.metadata.as_deref()?.tls.as_deref()
}

fn tls_text(record: &Record, text: &mut String, field: fn(&Tls) -> &str) {
    if let Some(tls) = tls(record) {
        text.push_str(field(tls));
    }
}

/// Appends the first `len` bytes of a MAC address.
fn write_mac(mac: [u8; 6], len: usize, text: &mut String) {
    const DIGITS: [char; 16] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    for (place, byte) in mac.into_iter().take(len).enumerate() {
        if place > 0 {
            text.push(':');
        }
        text.push(DIGITS[usize::from(byte >> 4)]);
        text.push(DIGITS[usize::from(byte & 15)]);
    }
}

/// Appends an end's address, IPv6 as RFC 5952 writes it.
fn write_ip(record: &Record, end: Sender, text: &mut String) {
    let key = &record.flow.key;
    match key.end(end).ip(key.version) {
        IpAddr::V4(addr) => write_v4(addr.octets(), text),
        // Writing to a string does not fail.
        IpAddr::V6(addr) => drop(write!(text, "{addr}")),
    }
}

/// Appends an IPv4 address; half of a table's text is made of them.
fn write_v4(octets: [u8; 4], text: &mut String) {
    for (place, octet) in octets.into_iter().enumerate() {
        if place > 0 {
            text.push('.');
        }
        if octet >= 100 {
            text.push(char::from(b'0' + octet / 100));
        }
        if octet >= 10 {
            text.push(char::from(b'0' + octet / 10 % 10));
        }
        text.push(char::from(b'0' + octet % 10));
    }
}

fn metadata(record: &Record, text: &mut String, field: fn(&super::Metadata) -> &str) {
    if let Some(metadata) = &record.application.metadata {
        text.push_str(field(metadata));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_are_unique() {
        let mut names: Vec<_> = columns(TimeUnit::Milliseconds).map(|c| c.name).collect();
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all);
    }

    proptest! {
        #[test]
        fn ipv4_addresses_read_as_the_standard_library_writes_them(octets: [u8; 4]) {
            let mut text = String::new();
            write_v4(octets, &mut text);
            prop_assert_eq!(text, std::net::Ipv4Addr::from(octets).to_string());
        }
    }
}
