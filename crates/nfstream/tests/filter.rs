//! Packet filters, compared with libpcap's results.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::path::{Path, PathBuf};

use nfstream::capture::{self, CaptureError, Filter, Filtered, Source};
use nfstream::packet::{Chunk, LinkType};
use nfstream::{Config, Run, Step};

const EXPRESSIONS: &[&str] = &[
    "",
    "ip",
    "ip6",
    "arp",
    "tcp",
    "udp port 53",
    "tcp port 443 or udp port 443",
    "not port 22",
    "portrange 1000-40000",
    "src portrange 1-1024",
    "host 127.0.0.1",
    "src net 10.0.0.0/8 or dst net 192.168.0.0/16",
    "ip6 host ::1",
    "ip6 net 2001::/16",
    "greater 200",
    "less 100",
    "len > 1000 and len <= 1514",
    "tcp[tcpflags] & (tcp-syn|tcp-fin) != 0",
    "tcp[13] == 0x12",
    "icmp[icmptype] == icmp-echo",
    "icmp6",
    "ip[8] < 64",
    "ip[2:2] - ((ip[0] & 0xf) << 2) > 100",
    "tcp[((tcp[12] & 0xf0) >> 2):4] = 0x47455420",
    "udp[8:2] % 7 == 3",
    "ip[4:2] * 3 / 2 & 1 = 0",
    "ip[6:2] & 0x1fff != 0",
    "vlan",
    "vlan 5",
    "vlan and tcp port 80",
    "mpls",
    "pppoes",
    "proto 47",
    "sctp",
    "multicast",
    "broadcast",
    "ether proto 0x800",
    "ip proto 132 or ip6 proto 132",
    "ip6 protochain 6",
    "inbound",
];

fn captures() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let folders = [root.join("tests/captures"), root.join("../shared/pcaps")];
    let mut paths: Vec<PathBuf> = folders
        .iter()
        .filter_map(|folder| std::fs::read_dir(folder).ok())
        .flat_map(|entries| entries.map(|entry| entry.unwrap().path()))
        .filter(|path| {
            let kind = path.extension().and_then(|kind| kind.to_str()).unwrap_or_default();
            // libpcap reads no compressed files.
            matches!(kind, "pcap" | "pcapng") && std::fs::metadata(path).unwrap().len() < 4_000_000
        })
        .collect();
    paths.sort();
    paths
}

/// Returns times and lengths of the packets that libpcap itself finds, `None` if it cannot compile
/// the filter for this file.
fn libpcap(path: &Path, expression: &str) -> Option<Vec<(u32, u32)>> {
    let mut capture = pcap::Capture::from_file(path).ok()?;
    capture.filter(expression, true).ok()?;
    let mut packets = Vec::new();
    while let Ok(packet) = capture.next_packet() {
        packets.push((packet.header.caplen, packet.header.len));
    }
    Some(packets)
}

struct Matches {
    packets: Vec<(u32, u32)>,
    filtered: u64,
}

fn ours(path: &Path, expression: &str) -> Result<Matches, CaptureError> {
    let source = capture::open(&[path.to_path_buf()])?;
    let mut source = Filtered::new(source, Filter::new(expression)?);
    let mut matches = Matches { packets: Vec::new(), filtered: 0 };
    let mut chunk = Chunk::default();
    while source.read(&mut chunk, 100)? {
        matches.packets.extend(chunk.records.iter().map(|r| (r.capture_len, r.wire_len)));
        matches.filtered += chunk.filtered;
    }
    Ok(matches)
}

#[test]
fn matches_are_those_of_libpcap() {
    let mut compared = 0;
    for path in captures() {
        let Ok(all) = ours(&path, "") else { continue };
        for expression in EXPRESSIONS {
            let Some(expected) = libpcap(&path, expression) else { continue };
            // With several interfaces in a file, libpcap uses one link type for all.
            if expression.is_empty() && expected.len() != all.packets.len() {
                break;
            }
            let ours = match ours(&path, expression) {
                Ok(ours) => ours,
                Err(CaptureError::BadFilter { .. }) => panic!("{}: {expression}", path.display()),
                Err(_) => continue,
            };
            assert_eq!(ours.packets, expected, "{}: {expression}", path.display());
            let total = u64::try_from(all.packets.len() - ours.packets.len()).unwrap();
            assert_eq!(ours.filtered, total, "{}: {expression}", path.display());
            compared += 1;
        }
    }
    assert!(compared > 500, "only {compared} comparisons");
}

#[test]
fn invalid_filters_are_reported_with_the_message_of_libpcap() {
    let error = Filter::new("tcp prt 80").unwrap_err();
    let CaptureError::BadFilter { expression, link, message } = error else { panic!("{error}") };
    assert_eq!((expression.as_str(), link), ("tcp prt 80", LinkType::ETHERNET));
    assert!(message.contains("syntax error"), "{message}");
    assert!(Filter::new("port 99999").is_err());
    assert!(Filter::new("tcp\0").is_err());
}

#[test]
fn a_filter_for_some_links_fails_on_others() {
    let mut filter = Filter::new("wlan type mgt").unwrap();
    assert!(!filter.matches(LinkType::IEEE802_11, &[0x08, 0, 0, 0], 4).unwrap());
    assert!(filter.matches(LinkType::IEEE802_11, &[0x80, 0, 0, 0], 4).unwrap());
    assert!(filter.matches(LinkType::ETHERNET, &[0; 60], 60).is_err());
}

#[test]
fn loopback_frames_match_in_either_byte_order() {
    let packet = [0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0, 127, 0, 0, 1, 127, 0, 0, 1];
    let udp = [0, 53, 0, 99, 0, 8, 0, 0];
    let mut filter = Filter::new("ip and src port 53").unwrap();
    for family in [[2, 0, 0, 0], [0, 0, 0, 2]] {
        let frame = [&family[..], &packet, &udp].concat();
        assert!(filter.matches(LinkType::NULL, &frame, 32).unwrap(), "{family:?}");
    }
}

#[test]
fn loopback_frames_match_whatever_number_their_system_has_for_ipv6() {
    let mut packet = [0; 48];
    (packet[0], packet[5], packet[6]) = (0x60, 8, 17);
    packet[40..].copy_from_slice(&[0, 53, 0, 99, 0, 8, 0, 0]);
    let mut filter = Filter::new("ip6 and src port 53 and greater 52").unwrap();
    for family in [10_u32, 23, 24, 28, 30] {
        for (link, header) in [
            (LinkType::NULL, family.to_le_bytes()),
            (LinkType::NULL, family.to_be_bytes()),
            (LinkType::LOOP, family.to_be_bytes()),
        ] {
            let frame = [&header[..], &packet].concat();
            assert!(filter.matches(link, &frame, 52).unwrap(), "{link} {header:?}");
        }
    }
    let other = [&[29, 0, 0, 0], &packet[..]].concat();
    assert!(!filter.matches(LinkType::NULL, &other, 52).unwrap());
}

#[test]
fn filtered_packets_are_read_and_ignored() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/captures");
    let path = root.join("web.pcap");
    for meters in [1, 3] {
        let source = capture::open(std::slice::from_ref(&path)).unwrap();
        let source = Filtered::new(source, Filter::new("udp").unwrap());
        let config = Config { meters: meters.try_into().unwrap(), ..Config::default() };
        let mut run = Run::new(Box::new(source), &config).unwrap();
        let mut protocols = Vec::new();
        loop {
            let step = run.advance().unwrap();
            let (Step::Records(records) | Step::Last(records)) = &step;
            protocols.extend(records.iter().map(|record| record.flow.key.protocol));
            if matches!(step, Step::Last(_)) {
                break;
            }
        }
        assert!(!protocols.is_empty() && protocols.iter().all(|&protocol| protocol == 17));
        let stats = run.monitor().stats();
        assert_eq!(stats.packets, stats.flow_packets + stats.ignored.total());
        let filtered = stats.ignored.reasons().find(|(reason, _)| *reason == "filtered");
        assert!(filtered.is_some_and(|(_, packets)| packets > 0), "{stats:?}");
        assert_eq!(stats.active_flows, 0);
    }
}

#[test]
fn filters_are_limited_before_libpcap_reads_them() {
    let hosts = |count: usize| {
        let hosts: Vec<_> =
            (0..count).map(|n| format!("host 10.0.{}.{}", n / 256, n % 256)).collect();
        Filter::new(&hosts.join(" or "))
    };
    // Too long a program to be optimized, which would take much longer.
    assert!(hosts(200).is_ok());
    let error = hosts(201).unwrap_err().to_string();
    assert!(error.contains("it has 201 clauses, more than 200"), "{error}");
    let error = Filter::new(&"(ip)&&".repeat(300)).unwrap_err().to_string();
    assert!(error.contains("more than 200"), "{error}");
    let error = Filter::new(&" ".repeat(20_000)).unwrap_err().to_string();
    assert!(error.contains("it has 20000 bytes, more than 16384"), "{error}");
}
