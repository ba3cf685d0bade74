//! Dissectors that are built in, through the public API.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use nfstream::capture::{self, Source};
use nfstream::dissect::{Dissection, DissectorChoice, Limits, Rules};
use nfstream::features::{Group, Value};
use nfstream::{Config, Run};
use nfstream_testkit::{Captured, Ends, Frame, MemorySource, captures, records, seconds};

/// Groups that show what dissectors read. [`Group::Tls`] is not among them: for its risks nDPI gets
/// the packets of all flows.
const GROUPS: [Group; 6] =
    [Group::Dissection, Group::Quic, Group::Dns, Group::Http, Group::Ssh, Group::Dhcp];

const ACK: u8 = 0x10;

/// A flow's values by column.
type Row = HashMap<&'static str, String>;

/// Returns the dissectors of this build.
fn choices() -> impl Iterator<Item = DissectorChoice> {
    DissectorChoice::NAMES.iter().map(|(name, _)| DissectorChoice::by_name(name).unwrap())
}

fn config(choice: DissectorChoice, rules: Rules, groups: &[Group], ends: &Ends) -> Config {
    let dissection = Dissection { dissector: choice.factory(rules), limits: Limits::default() };
    let mut config = Config { dissection: Some(dissection), ..ends.config() };
    config.measuring.groups = groups.to_vec();
    config
}

fn rows_of(source: Box<dyn Source>, config: &Config) -> Vec<Row> {
    let mut run = Run::new(source, config).unwrap();
    let records = records(&mut run).unwrap();
    let schema = run.schema();
    let row = |record| {
        let columns = schema.columns().iter();
        let values = columns.map(|column| {
            let value = match column.value(record, schema.names()) {
                Value::Text(text) => text,
                Value::Integer(number) => number.to_string(),
                other => format!("{other:?}"),
            };
            (column.name, value)
        });
        values.collect()
    };
    records.iter().map(row).collect()
}

fn rows_of_packets(choice: DissectorChoice, packets: &[Captured], ends: &Ends) -> Vec<Row> {
    let config = config(choice, Rules::default(), &GROUPS, ends);
    rows_of(MemorySource::new(packets).boxed(), &config)
}

fn rows_of_capture(choice: DissectorChoice, path: &Path, groups: &[Group]) -> Vec<Row> {
    let source = capture::open(&[path.to_owned()]).unwrap();
    let config = config(choice, Rules::default(), groups, &Ends::without_dpi(30, 300));
    rows_of(Box::new(source), &config)
}

/// Returns a capture of `tests/captures`.
fn sample(name: &str) -> PathBuf {
    captures().into_iter().find(|path| path.ends_with(name)).unwrap()
}

/// Metadata that every dissector reads in the sample captures.
#[test]
fn columns_show_what_is_read_of_each_protocol() {
    for choice in choices() {
        let of = |name: &str, application: &str| {
            let rows = rows_of_capture(choice, &sample(name), &GROUPS);
            let named = |row: &Row| row["application_name"].starts_with(application);
            let found = rows.into_iter().find(named);
            found.unwrap_or_else(|| panic!("{}: no {application} in {name}", choice.name()))
        };
        let ssh = of("ssh.pcap", "SSH");
        for column in ["client_info", "server_info", "ssh_client_version", "ssh_server_version"] {
            assert!(ssh[column].starts_with("SSH-2.0-"), "{}: {column}", choice.name());
        }
        assert_eq!(ssh["client_fingerprint"].len(), 32);
        assert_eq!(ssh["client_fingerprint"], ssh["ssh_client_hassh"]);
        assert_eq!(ssh["server_fingerprint"], ssh["ssh_server_hassh"]);
        assert_eq!(ssh["application_confidence"], "dpi");
        let dns = of("dns.pcap", "DNS");
        assert!(!dns["dns_query_name"].is_empty());
        assert_eq!(dns["server_info"], dns["dns_query_name"]);
        assert_eq!(dns["requested_server_name"], dns["dns_query_name"]);
        assert_ne!(dns["dns_query_type"], "0");
        let http = of("web.pcap", "HTTP");
        assert!(!http["http_user_agent"].is_empty());
        assert_eq!(http["client_info"], http["http_user_agent"]);
        assert_eq!(http["user_agent"], http["http_user_agent"]);
        assert_eq!(http["server_info"], http["http_host"]);
        assert_eq!(http["content_type"], http["http_response_content_type"]);
        assert_eq!((&*http["http_method"], &*http["http_status"]), ("GET", "200"));
    }
}

#[test]
fn labels_do_not_depend_on_the_number_of_meters() {
    for choice in choices().filter(|choice| choice.name() != "ndpi") {
        for path in captures() {
            let run = |meters| {
                let source = capture::open(std::slice::from_ref(&path)).unwrap();
                let ends = Ends::without_dpi(30, 300).on(meters, 16);
                let config = config(choice, Rules::default(), &GROUPS, &ends);
                rows_of(Box::new(source), &config)
            };
            let one = run(1);
            for meters in [2, 3] {
                assert_eq!(run(meters), one, "{}, {meters} meters", path.display());
            }
        }
    }
}

/// Dissectors leave out what no column shows, and nothing else changes.
#[test]
fn columns_do_not_depend_on_other_groups() {
    for choice in choices() {
        for path in captures() {
            let all = rows_of_capture(choice, &path, &GROUPS);
            for groups in GROUPS.chunks(1).chain([&[][..]]) {
                let some = rows_of_capture(choice, &path, groups);
                assert_eq!(some.len(), all.len());
                for (some, all) in some.iter().zip(&all) {
                    for (column, value) in some {
                        let place = format!("{}, {groups:?}: {column}", path.display());
                        assert_eq!(value, &all[column], "{}: {place}", choice.name());
                    }
                }
            }
        }
    }
}

fn query() -> Frame {
    let message = b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x07example\x03org\0\0\x01\0\x01";
    Frame::ethernet().ipv4([192, 0, 2, 1], [192, 0, 2, 53]).udp(50_000, 53).payload(message)
}

#[test]
fn a_slice_inherits_the_label_of_the_one_before() {
    let silent = || Frame::ethernet().ipv4([192, 0, 2, 1], [192, 0, 2, 53]).udp(50_000, 53);
    let packets = [
        Captured::new(seconds(0), &query()),
        Captured::new(seconds(4), &silent()),
        Captured::new(seconds(8), &silent()),
        Captured::new(seconds(12), &silent()),
    ];
    for choice in choices() {
        let rows = rows_of_packets(choice, &packets, &Ends::without_dpi(30, 5));
        let labels: Vec<_> = rows.iter().map(|row| &*row["application_name"]).collect();
        assert_eq!(labels, ["DNS", "DNS"], "{}", choice.name());
    }
}

#[test]
fn a_slice_without_a_label_leaves_the_next_one_to_start_over() {
    let server = [192, 0, 2, 2];
    let hello = b"SSH-2.0-OpenSSH_9.9\r\n";
    let frame = |flags| Frame::ethernet().ipv4([192, 0, 2, 1], server).tcp(50_000, 40_000, flags);
    let packets = [
        Captured::new(seconds(0), &frame(ACK).payload(&[0xfe; 40])),
        Captured::new(seconds(8), &frame(ACK).payload(hello)),
    ];
    for choice in choices() {
        let rows = rows_of_packets(choice, &packets, &Ends::without_dpi(30, 5));
        let labels: Vec<_> = rows.iter().map(|row| &*row["application_name"]).collect();
        assert_eq!(labels, ["Unknown", "SSH"], "{}", choice.name());
    }
}

#[test]
fn rules_come_before_what_is_built_in() {
    let text = "[[rule]]\napplication = \"Intranet\"\ndomains = [\"example.org\"]\n";
    let rules = Rules::parse(text).unwrap();
    let ends = Ends::without_dpi(30, 300);
    for choice in choices() {
        let config = config(choice, rules.clone(), &GROUPS, &ends);
        let source = MemorySource::new([Captured::new(seconds(0), &query())]).boxed();
        if choice.name() == "ndpi" {
            let error = Run::new(source, &config).err().unwrap();
            let cause = std::error::Error::source(&error).unwrap();
            assert!(cause.to_string().starts_with("nDPI does not apply rules"), "{cause}");
            continue;
        }
        let rows = rows_of(source, &config);
        assert_eq!(rows[0]["application_name"], "DNS.Intranet");
        assert_eq!(rows[0]["app_protocol"], "20000");
        assert_eq!(rows[0]["application_confidence"], "rule");
    }
}

/// Returns the label and its method by each dissector, for datagrams that both ends send in turn.
#[cfg(feature = "ndpi")]
fn labels_of_datagrams(payloads: &[&[u8]]) -> [(String, String); 3] {
    labels_of(payloads, |frame, from, to| frame.udp(from, to))
}

/// Returns the same for segments of a TCP connection.
#[cfg(feature = "ndpi")]
fn labels_of_segments(payloads: &[&[u8]]) -> [(String, String); 3] {
    labels_of(payloads, |frame, from, to| frame.tcp(from, to, ACK))
}

#[cfg(feature = "ndpi")]
fn labels_of(
    payloads: &[&[u8]],
    transport: impl Fn(Frame, u16, u16) -> Frame,
) -> [(String, String); 3] {
    let ends = [([192, 0, 2, 1], 40_001), ([192, 0, 2, 2], 40_002)];
    let packet = |(place, payload): (usize, &&[u8])| {
        let ((src, from), (dst, to)) = (ends[place % 2], ends[1 - place % 2]);
        let frame = transport(Frame::ethernet().ipv4(src, dst), from, to).payload(payload);
        Captured::new(seconds(1), &frame)
    };
    let packets: Vec<_> = payloads.iter().enumerate().map(packet).collect();
    ["native", "auto", "ndpi"].map(|name| {
        let choice = DissectorChoice::by_name(name).unwrap();
        let rows = rows_of_packets(choice, &packets, &Ends::without_dpi(30, 300));
        let [row] = &rows[..] else { panic!("{} flows", rows.len()) };
        (row["application_name"].clone(), row["application_confidence"].clone())
    })
}

/// nDPI needs both datagrams, the first of which it gets when the second has come.
#[cfg(feature = "ndpi")]
#[test]
fn ndpi_gets_the_packets_that_were_kept() {
    let mut message = *b"\xff\xff\xff\xff............000\0";
    message[4..16].fill(0);
    let [native, auto, ndpi] = labels_of_datagrams(&[&message, &message]);
    assert_eq!(native.0, "Unknown");
    assert_eq!(auto, ndpi);
    if ndpi::version().unwrap().starts_with("4.2") {
        assert_eq!(auto, ("HalfLife2".to_owned(), "dpi".to_owned()));
    }
}

#[cfg(feature = "ndpi")]
#[test]
fn weak_labels_of_ndpi_do_not_count() {
    let datagram = b"\x7a\xd3\x02\xbc\xc8\x1a\xde no more than random bytes";
    let [_, auto, ndpi] = labels_of_datagrams(&[datagram]);
    assert_eq!(auto.0, "Unknown");
    if ndpi::version().unwrap().starts_with("4.2") {
        assert_eq!(ndpi.0, "Skype_Teams.SkypeCall");
    }
}

/// nDPI 4.2 takes several binary protocols for Cassandra.
#[cfg(feature = "ndpi")]
#[test]
fn labels_of_ndpi_that_the_bytes_contradict_do_not_count() {
    let raft = b"\x01\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x10\0\0\0\0\0\0\x00127.0.0.1:9001\0\0";
    let mut damaged = raft.to_vec();
    damaged[16] = 0x11;
    for (payload, expected) in [(&raft[..], "Raft"), (&damaged[..], "Unknown")] {
        let [native, auto, ndpi] = labels_of_segments(&[payload]);
        assert_eq!([&*native.0, &*auto.0], [expected; 2]);
        if ndpi::version().unwrap().starts_with("4.2") {
            assert_eq!(ndpi.0, "Cassandra");
        }
    }
}
