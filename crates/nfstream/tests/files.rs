//! Several files, read as one capture: equal to one pass over their packets in order of time.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::PathBuf;

use nfstream::capture::{self, FileOptions, FileOrder, Files, Source};
use nfstream::flow::Timeouts;
use nfstream::packet::LinkType;
use nfstream::time::Duration;
use nfstream_testkit::strategies::{Order, stream};
use nfstream_testkit::{Captured, Ends, MemorySource, Resolution, Total, capture_from, pcap};
use proptest::prelude::*;
use tempfile::TempDir;

const TIMEOUTS: Timeouts =
    Timeouts { idle: Duration::from_nanos(20_000_000), active: Duration::from_nanos(100_000_000) };

fn ends() -> Ends {
    Ends { timeouts: TIMEOUTS, ..Ends::without_dpi(0, 0) }
}

fn total(source: Box<dyn Source>, meters: usize, chunk: usize) -> Total {
    capture_from(source, &ends().on(meters, chunk))
}

/// Writes the packets of each file, and returns the paths, the last file first.
fn write(folder: &TempDir, files: &[Vec<Captured>]) -> Vec<PathBuf> {
    let write = |(number, packets): (usize, &Vec<Captured>)| {
        let path = folder.path().join(format!("queue{number}.pcap"));
        std::fs::write(&path, pcap(Resolution::Nano, packets)).unwrap();
        path
    };
    files.iter().enumerate().rev().map(write).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    /// Captures of several queues, or of one after the other.
    #[test]
    fn files_are_one_capture(
        stream in stream(TIMEOUTS, 0..3000, Order::InTime),
        places in prop::collection::vec(0_usize..5, 3000),
        run_length in prop::sample::select(vec![1_usize, 7, 400, 3000]),
        chunk in prop::sample::select(vec![1_usize, 100, 8192]),
    ) {
        let packets = stream.iter().map(|(time, plan)| plan.captured(*time));
        // A pcap file has one link type.
        let packets = packets.filter(|packet| packet.link == LinkType::ETHERNET);
        let mut files = vec![Vec::new(); 5];
        for (number, packet) in packets.enumerate() {
            files[places[number / run_length]].push(packet);
        }
        files.retain(|file| !file.is_empty());
        files.sort_by_key(|file| file[0].time);
        let mut merged: Vec<_> =
            files.iter().enumerate().flat_map(|(rank, file)| file.iter().map(move |packet| (packet.time, rank, packet))).collect();
        merged.sort_by_key(|(time, rank, _)| (*time, *rank));
        let merged: Vec<_> = merged.into_iter().map(|(_, _, packet)| packet.clone()).collect();
        let expected = total(MemorySource::new(merged).boxed(), 1, 1000);

        let folder = TempDir::new().unwrap();
        let paths = write(&folder, &files);
        for meters in [1, 2, 3] {
            let source = Box::new(capture::open(&paths).unwrap());
            prop_assert_eq!(&total(source, meters, chunk), &expected, "{} meters", meters);
        }
    }
}

#[test]
fn files_in_the_order_given_are_read_as_listed() {
    let packets: Vec<_> = (0..4)
        .map(|second| {
            let frame = nfstream_testkit::Frame::ethernet()
                .ipv4([192, 0, 2, 1], [192, 0, 2, 2])
                .udp(50_000, 53);
            Captured::new(nfstream_testkit::seconds(second), &frame)
        })
        .collect();
    let folder = TempDir::new().unwrap();
    let paths = write(&folder, &[packets[..2].to_vec(), packets[2..].to_vec()]);
    let read = |order| {
        let options = FileOptions { order, ..FileOptions::default() };
        let source = Files::find(&paths, options).unwrap().open();
        capture_from(Box::new(source), &Ends::without_dpi(30, 300))
    };
    assert_eq!(read(FileOrder::Time).stats.late_packets, 0);
    assert_eq!(read(FileOrder::Given).stats.late_packets, 2);
}

/// A zstd frame with a window of 256 MiB, as `zstd --long=28` writes it.
#[test]
fn a_large_window_is_allowed_on_request() {
    let frame =
        nfstream_testkit::Frame::ethernet().ipv4([192, 0, 2, 1], [192, 0, 2, 2]).udp(50_000, 53);
    let capture = pcap(Resolution::Nano, &[Captured::new(nfstream_testkit::seconds(0), &frame)]);
    let block = u32::try_from(capture.len()).unwrap() << 3 | 1;
    let mut bytes = vec![0x28, 0xb5, 0x2f, 0xfd, 0, (28 - 10) << 3];
    bytes.extend(&block.to_le_bytes()[..3]);
    bytes.extend(&capture);
    let folder = TempDir::new().unwrap();
    let paths = [folder.path().join("capture.pcap.zst")];
    std::fs::write(&paths[0], bytes).unwrap();

    let error = Files::find(&paths, FileOptions::default()).unwrap_err().to_string();
    assert!(error.contains("zstd -dc --long=31"), "{error}");
    let options = FileOptions { large_windows: true, ..FileOptions::default() };
    let source = Files::find(&paths, options).unwrap().open();
    assert_eq!(capture_from(Box::new(source), &Ends::without_dpi(30, 300)).stats.packets, 1);
}
