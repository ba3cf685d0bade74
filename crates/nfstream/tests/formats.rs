//! Frames and captures of less usual kinds, through the whole engine.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};

use nfstream::capture;
use nfstream::decode::{DecodeError, Options};
use nfstream::flow::Direction;
use nfstream::packet::LinkType;
use nfstream::{Config, Run, Stats, Step};
use nfstream_testkit::{Captured, Ends, Frame, MemorySource, capture_from, seconds};

const A: [u8; 4] = [192, 0, 2, 1];
const B: [u8; 4] = [192, 0, 2, 2];

fn captured(second: i64, link: LinkType, bytes: Vec<u8>) -> Captured {
    let wire_len = u32::try_from(bytes.len()).unwrap();
    Captured { time: seconds(second), link, bytes, wire_len }
}

/// Returns an 802.11 frame that aggregates `parts`, each an EtherType and its payload.
fn aggregate(parts: &[([u8; 2], Vec<u8>)]) -> Vec<u8> {
    let mut frame = [&[0x88, 0x01, 0, 0][..], &[2; 18], &[0x10, 0, 0x80, 0]].concat();
    for (kind, payload) in parts {
        frame.resize(26 + (frame.len() - 26).next_multiple_of(4), 0);
        let len = u16::try_from(8 + payload.len()).unwrap();
        frame.extend([4; 12]);
        frame.extend(len.to_be_bytes());
        frame.extend([0xaa, 0xaa, 0x03, 0, 0, 0]);
        frame.extend(kind);
        frame.extend(payload);
    }
    frame
}

#[test]
fn each_subframe_of_an_aggregate_is_a_packet() {
    let packet = |port, len| {
        let frame = Frame::raw().ipv4(A, B).udp(port, 53).payload_len(len);
        ([0x08, 0x00], frame.build())
    };
    let arp = ([0x08, 0x06], vec![0; 28]);
    let frames = [
        captured(0, LinkType::IEEE802_11, aggregate(&[packet(1, 5), packet(2, 9), packet(1, 20)])),
        captured(1, LinkType::IEEE802_11, aggregate(&[packet(2, 30), arp, packet(2, 1)])),
        // Cut inside the first subframe's header.
        captured(2, LinkType::IEEE802_11, aggregate(&[packet(1, 5)])[..30].to_vec()),
    ];
    let sizes: u64 = frames.iter().take(2).map(|frame| u64::from(frame.wire_len)).sum();
    for (meters, chunk) in [(1, 2048), (1, 1), (3, 2)] {
        let ends = Ends::without_dpi(30, 300).on(meters, chunk);
        let total = capture_from(MemorySource::new(frames.to_vec()).boxed(), &ends);
        let packets: Vec<_> = total.rows.iter().map(|row| row.packets).collect();
        assert_eq!(packets, [[2, 0], [3, 0]]);
        let Stats { packets, flow_packets, ignored, .. } = total.stats;
        assert_eq!((packets, flow_packets), (7, 5));
        let reasons: Vec<_> = ignored.reasons().collect();
        assert_eq!(reasons, [("not_ip", 1), ("truncated_link", 1)]);
        // Everything but the subframe with ARP, which has 14 + 8 + 28 bytes and two of padding.
        let bytes: u64 = total.rows.iter().map(|row| row.bytes[0]).sum();
        assert_eq!(bytes, sizes - 52);
    }
}

#[test]
fn what_is_not_supported_is_counted_by_its_number() {
    let ip = Frame::raw().ipv4(A, B).udp(1, 2).build();
    let typed = |kind: [u8; 2]| [&[2; 12][..], &kind, &ip].concat();
    let frames = [
        captured(0, LinkType(147), ip.clone()),
        captured(1, LinkType::ETHERNET, typed([0x12, 0x34])),
        captured(2, LinkType::ETHERNET, typed([0x12, 0x34])),
        captured(3, LinkType::ETHERNET, typed([0x88, 0xcc])),
        captured(
            4,
            LinkType::IEEE802_15_4,
            [&[0x41, 0x88, 1, 2, 2, 3, 3, 4, 4, 0x7a], &ip[..]].concat(),
        ),
    ];
    let total =
        capture_from(MemorySource::new(frames.to_vec()).boxed(), &Ends::without_dpi(30, 300));
    let reasons: Vec<_> = total.stats.ignored.reasons().collect();
    assert_eq!(
        reasons,
        [
            ("not_ip", 1),
            ("unsupported_ethertype", 2),
            ("unsupported_header", 1),
            ("unsupported_link_type", 1)
        ]
    );
    let unsupported: Vec<_> = total
        .stats
        .ignored
        .unsupported()
        .map(|(error, packets): (DecodeError, u64)| format!("{error}: {packets}"))
        .collect();
    assert_eq!(
        unsupported,
        ["link type 147 is not supported: 1", "EtherType 0x1234 is not supported: 2"]
    );
}

/// Returns the packets of each flow in a capture, and the run's counts.
fn flows(path: PathBuf) -> (Vec<u64>, u64, Stats) {
    let source = capture::open(&[path]).unwrap();
    let config =
        Config { decode: Options { tunnels: true, ..Options::default() }, ..Config::default() };
    let mut run = Run::new(Box::new(source), &config).unwrap();
    let (mut packets, mut bytes) = (Vec::new(), 0);
    loop {
        let (records, is_last) = match run.advance().unwrap() {
            Step::Records(records) => (records, false),
            Step::Last(records) => (records, true),
        };
        for record in records {
            let both = [Direction::Src2Dst, Direction::Dst2Src];
            packets.push(both.map(|way| record.volume.packets(way)).iter().sum());
            bytes += both.map(|way| record.volume.bytes(way)).iter().sum::<u64>();
        }
        if is_last {
            return (packets, bytes, run.monitor().stats());
        }
    }
}

/// Captures of older versions and of a link type that were refused.
#[test]
fn shared_captures_of_all_kinds_are_read() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/labels/pcaps");
    if !folder.exists() {
        println!("skipped: {} is missing", folder.display());
        return;
    }
    // The first holds one frame, which is not IP.
    for (name, packets, flow_packets) in
        [("fuzz-2021-10-13.pcap", 1, 0), ("nfsv3.pcap", 128, 128), ("someip_sd_sample.pcap", 6, 6)]
    {
        let (_, _, stats) = flows(folder.join(name));
        assert_eq!((stats.packets, stats.flow_packets), (packets, flow_packets), "{name}");
    }
}

/// Captures made for reports of users, with the flows and bytes that are right.
#[test]
fn shared_cases_have_their_flows() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/cases");
    if !folder.exists() {
        println!("skipped: {} is missing", folder.display());
        return;
    }
    for (name, expected, bytes) in [
        ("nflog239.pcap", &[12][..], 1008),
        ("eompls_cw.pcap", &[12], 1200),
        ("hsr.pcap", &[12], 960),
        ("nsh.pcap", &[12], 1176),
        ("macsec_clear.pcap", &[12], 1176),
        ("greudp.pcap", &[12], 1272),
        ("gue.pcap", &[12], 1272),
        ("lisp.pcap", &[12], 1320),
        ("plain_80211.pcap", &[12], 1104),
        ("modified_be.pcap", &[12], 888),
        ("caplen_gt_wire.pcap", &[12], 888),
        ("udplite_dccp.pcap", &[1; 8], 528),
        ("plain_pcap.xz", &[12], 888),
        ("plain_pcap.bz2", &[12], 888),
        ("plain_pcap.lz4", &[12], 888),
    ] {
        let (packets, sum, stats) = flows(folder.join(name));
        assert_eq!((&packets[..], sum), (expected, bytes), "{name}");
        assert_eq!(stats.ignored.total(), 0, "{name}");
    }
    for (name, format) in
        [("snoop.cap", "a snoop capture"), ("netmon2.cap", "a Network Monitor 2 capture")]
    {
        let error = capture::open(&[folder.join(name)]).unwrap_err().to_string();
        assert!(error.contains(format) && error.contains("editcap -F pcap"), "{error}");
    }
}
