//! Several files, read as one capture: equal to one pass over their packets in order of time.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use nfstream::capture::{self, FileOptions, FileOrder, Files, Source};
use nfstream::flow::Timeouts;
use nfstream::packet::LinkType;
use nfstream::time::Duration;
use nfstream::{Run, Step};
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

/// One file, read by several threads in ranges.
mod ranges {
    use super::*;

    fn options(range_bytes: usize) -> FileOptions {
        FileOptions { range_bytes: NonZeroUsize::new(range_bytes), ..FileOptions::default() }
    }

    /// Returns rows, counts and warnings of a run over the file at `path`.
    fn read(path: &Path, range_bytes: usize, meters: usize, chunk: usize) -> (Total, Vec<String>) {
        let files = Files::find(&[path.to_path_buf()], options(range_bytes)).unwrap();
        let mut config = ends().on(meters, chunk).config();
        config.decode.tunnels = true;
        let mut run = Run::new(Box::new(files.open()), &config).unwrap();
        let rows = nfstream_testkit::exhaust(&mut run).unwrap();
        let warnings = run.monitor().take_warnings();
        let warnings = warnings.iter().map(ToString::to_string).collect();
        let progress = run.monitor().progress();
        assert_eq!(Some(progress.bytes), progress.total_bytes);
        (Total { rows, stats: run.monitor().stats() }, warnings)
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_file_in_ranges_gives_the_rows_of_one_reader(
            stream in stream(TIMEOUTS, 1..2000, Order::Late),
            damage in prop::option::weighted(0.3, (any::<prop::sample::Index>(), any::<u8>())),
            cut in prop::option::weighted(0.3, 1_usize..100),
        ) {
            let packets = stream.iter().map(|(time, plan)| plan.captured(*time));
            let packets: Vec<_> = packets.filter(|packet| packet.link == LinkType::ETHERNET).collect();
            let mut bytes = pcap(Resolution::Nano, &packets);
            if let Some((place, byte)) = damage && bytes.len() > 24 {
                let place = 24 + place.index(bytes.len() - 24);
                bytes[place] = byte;
            }
            let len = bytes.len() - cut.unwrap_or(0).min(bytes.len() - 24);
            bytes.truncate(len);
            let folder = TempDir::new().unwrap();
            let path = folder.path().join("long.pcap");
            std::fs::write(&path, bytes).unwrap();
            let expected = read(&path, usize::MAX, 1, 1000);
            for (range_bytes, meters, chunk) in [(1, 2, 9), (700, 3, 7), (3000, 7, 1000), (20_000, 4, 8192)] {
                let found = read(&path, range_bytes, meters, chunk);
                prop_assert_eq!(&found, &expected, "ranges of {} bytes, {} meters", range_bytes, meters);
            }
        }
    }

    #[test]
    fn recorded_captures_in_ranges_give_the_rows_of_one_reader() {
        let mut captures = nfstream_testkit::captures();
        let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/pcaps");
        let shared = std::fs::read_dir(shared).into_iter().flatten().flatten();
        captures.extend(shared.map(|entry| entry.path()));
        assert!(!captures.is_empty());
        for path in captures {
            let Ok(source) = capture::open(std::slice::from_ref(&path)) else { continue };
            drop(source);
            let expected = read(&path, usize::MAX, 1, 1000);
            assert_eq!(read(&path, 2000, 3, 50), expected, "{}", path.display());
        }
    }

    #[test]
    fn strict_files_refuse_damage_after_the_packets_before_it() {
        let frame = nfstream_testkit::Frame::ethernet().ipv4([192, 0, 2, 1], [192, 0, 2, 2]);
        let packet = |n| Captured::new(nfstream_testkit::seconds(n), &frame.clone().udp(1, 53));
        let packets: Vec<_> = (0..2000).map(packet).collect();
        let mut bytes = pcap(Resolution::Nano, &packets);
        bytes.truncate(bytes.len() - 1);
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("cut.pcap");
        std::fs::write(&path, bytes).unwrap();
        let options = FileOptions { strict: true, ..options(1000) };
        let files = Files::find(&[path], options).unwrap();
        let mut run = Run::new(Box::new(files.open()), &ends().on(4, 100).config()).unwrap();
        let mut packets = 0;
        let error = loop {
            match run.advance() {
                Ok(Step::Records(records) | Step::Last(records)) => {
                    packets += records.iter().map(|r| r.volume.total_packets()).sum::<u64>();
                }
                Err(error) => break error.to_string(),
            }
        };
        assert_eq!(packets, 1999);
        assert!(error.contains("cut.pcap"), "{error}");
    }

    #[test]
    fn a_run_that_ends_early_ends_its_threads() {
        let frame = nfstream_testkit::Frame::ethernet().ipv4([192, 0, 2, 1], [192, 0, 2, 2]);
        let packet = |n| Captured::new(nfstream_testkit::seconds(n), &frame.clone().udp(1, 53));
        let packets: Vec<_> = (0..20_000).map(packet).collect();
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("long.pcap");
        std::fs::write(&path, pcap(Resolution::Nano, &packets)).unwrap();
        let files = Files::find(&[path], options(1000)).unwrap();
        for steps in [0, 1, 5] {
            let mut run = Run::new(Box::new(files.open()), &ends().on(4, 100).config()).unwrap();
            for _ in 0..steps {
                run.advance().unwrap();
            }
        }
        let mut run = Run::new(Box::new(files.open()), &ends().on(4, 100).config()).unwrap();
        run.advance().unwrap();
        run.stop_handle().stop();
        let rows = nfstream_testkit::exhaust(&mut run).unwrap();
        let packets: u64 = rows.iter().map(nfstream_testkit::Row::total_packets).sum();
        assert_eq!(packets, run.monitor().stats().packets);
        assert!(packets < 20_000);
    }
}
