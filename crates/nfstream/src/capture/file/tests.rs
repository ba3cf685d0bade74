//! Captures in several files: their order, merging, damage and limits.

use std::fs::{self, File};
use std::io::ErrorKind;

use super::super::files::{FileOptions, Files, open};
use super::super::order::FileOrder;
use super::super::samples::{
    Folder, MICROSECONDS, Order, Seen, block, enhanced, gzip, interface, pcap, pcap_header,
    pcap_record, pcapng_start, section, seen, zstd,
};
use super::*;
use crate::packet::{ChunkBytes, LinkType};

fn read(paths: &[PathBuf], limit: usize) -> Result<(Vec<Seen>, Vec<Warning>), CaptureError> {
    let mut source = open(paths)?;
    let mut chunk = Chunk::default();
    let mut packets = Vec::new();
    while source.read(&mut chunk, limit)? {
        assert!(chunk.records.len() <= limit);
        packets.extend(seen(&chunk));
    }
    assert!(chunk.records.is_empty());
    Ok((packets, source.take_warnings()))
}

fn frames(paths: &[PathBuf]) -> Vec<Vec<u8>> {
    let (packets, warnings) = read(paths, 100).unwrap();
    assert_eq!(warnings, []);
    packets.into_iter().map(|packet| packet.frame).collect()
}

fn error(path: PathBuf) -> String {
    let folder = path.parent().unwrap().display().to_string();
    open(&[path]).unwrap_err().to_string().replace(&format!("{folder}/"), "")
}

#[test]
fn files_of_all_kinds_are_read_as_one() {
    let folder = Folder::new();
    let ng = [pcapng_start(), enhanced(Order::Little, 0, 1, 0, b"three")].concat();
    let paths = [
        folder.write("a", &pcap(&[b"one", b"two"])),
        folder.write("b", &zstd(&ng)),
        folder.write("no packets", &pcap(&[])),
        folder.write("c", &gzip(&pcap(&[b"four"]))),
        folder.write("d", &pcap(&[b"five"])),
    ];
    assert_eq!(frames(&paths), [&b"three"[..], b"one", b"four", b"five", b"two"]);
    assert_eq!(frames(&[]), [b""; 0]);
}

/// Returns a capture with one packet at each of these seconds; every frame is `name`.
fn at(name: &str, seconds: &[u32]) -> Vec<u8> {
    let mut bytes = pcap_header(Order::Little, MICROSECONDS, 65535, 1);
    for second in seconds {
        bytes.extend(pcap_record(Order::Little, (*second, 0), 0, name.as_bytes()));
    }
    bytes
}

/// Returns the frames and seconds of the packets, and the warnings.
fn timeline(paths: &[PathBuf], limit: usize) -> (Vec<(String, i64)>, Vec<Warning>) {
    let (packets, warnings) = read(paths, limit).unwrap();
    let name =
        |packet: Seen| (String::from_utf8(packet.frame).unwrap(), packet.nanos / 1_000_000_000);
    (packets.into_iter().map(name).collect(), warnings)
}

#[test]
fn files_that_overlap_are_merged_by_time() {
    let folder = Folder::new();
    let paths = [
        folder.write("b", &at("b", &[2, 4, 4, 9])),
        folder.write("a", &gzip(&at("a", &[1, 4, 5, 10]))),
        folder.write("c", &at("c", &[9, 9, 11])),
        folder.write("d", &at("d", &[20])),
    ];
    let expected = [
        ("a", 1),
        ("b", 2),
        ("a", 4),
        ("b", 4),
        ("b", 4),
        ("a", 5),
        ("b", 9),
        ("c", 9),
        ("c", 9),
        ("a", 10),
        ("c", 11),
        ("d", 20),
    ]
    .map(|(name, second)| (name.to_owned(), second));
    for limit in [1, 2, 3, 100] {
        assert_eq!(timeline(&paths, limit), (expected.to_vec(), vec![]), "limit {limit}");
    }
}

#[test]
fn packets_of_one_file_keep_their_order() {
    let folder = Folder::new();
    let paths =
        [folder.write("a", &at("a", &[1, 5, 3, 6])), folder.write("b", &at("b", &[2, 4, 7]))];
    let order = [("a", 1), ("b", 2), ("b", 4), ("a", 5), ("a", 3), ("a", 6), ("b", 7)];
    let order = order.map(|(name, second)| (name.to_owned(), second));
    assert_eq!(timeline(&paths, 100).0, order);
}

#[test]
fn a_wrong_time_does_not_hold_back_the_packets_after_it() {
    let folder = Folder::new();
    let paths = [
        folder.write("a", &at("a", &[1, 4_000_000_000, 3, 5])),
        folder.write("b", &at("b", &[2, 4, 6])),
    ];
    let order = [("a", 1), ("b", 2), ("a", 4_000_000_000), ("a", 3), ("b", 4), ("a", 5), ("b", 6)];
    let order = order.map(|(name, second)| (name.to_owned(), second));
    for limit in [1, 2, 100] {
        assert_eq!(timeline(&paths, limit).0, order, "limit {limit}");
    }
}

#[test]
fn files_without_overlap_are_read_in_order_and_not_copied() {
    let folder = Folder::new();
    let seconds: Vec<_> = (0..600).collect();
    let paths = [
        folder.write("2", &at("b", &seconds.iter().map(|s| s + 600).collect::<Vec<_>>())),
        folder.write("1", &at("a", &seconds)),
    ];
    let mut source = open(&paths).unwrap();
    let mut chunk = Chunk::default();
    let mut names = Vec::new();
    while source.read(&mut chunk, 1000).unwrap() {
        assert!(matches!(chunk.bytes, ChunkBytes::Mapped(..)));
        names.push((chunk.frame(&chunk.records[0]).to_vec(), chunk.records.len()));
    }
    assert_eq!(names, [(b"a".to_vec(), 600), (b"b".to_vec(), 600)]);
}

/// More files than a process may open, all of which overlap.
#[test]
fn thousands_of_files_are_merged() {
    let folder = Folder::new();
    let files: u32 = 1500;
    let paths: Vec<_> = (0..files)
        .map(|n| {
            let bytes = at(&n.to_string(), &[n, 10_000 + n, 20_000 + n]);
            let bytes = if n % 100 == 0 { gzip(&bytes) } else { bytes };
            folder.write(&format!("day.pcap{n}"), &bytes)
        })
        .collect();
    let expected: Vec<_> = (0..3)
        .flat_map(|k| (0..files).map(move |n| (n.to_string(), i64::from(k * 10_000 + n))))
        .collect();
    assert!(timeline(&paths, 8192) == (expected, vec![]));
}

#[test]
fn too_many_compressed_files_are_read_after_the_others() {
    let folder = Folder::new();
    let paths: Vec<_> = (0..34_u32)
        .map(|n| folder.write(&format!("{n}"), &gzip(&at(&n.to_string(), &[n, 1000 + n]))))
        .collect();
    let (packets, warnings) = timeline(&paths, 100);
    assert_eq!(packets.len(), 68);
    assert_eq!(packets[64..66], [("32".to_owned(), 32), ("32".to_owned(), 1032)]);
    assert!(warnings[0].to_string().contains("more than 32 compressed files overlap"));
    assert_eq!(warnings.len(), 2);
}

#[test]
fn pipes_are_read_in_the_order_given_with_a_warning() {
    let folder = Folder::new();
    let paths = [folder.write("b", &at("b", &[2])), folder.write("a", &at("a", &[1])), "-".into()];
    let source = open(&paths).unwrap();
    assert!(source.may_wait());
    assert!(source.warnings[0].to_string().starts_with("standard input: not merged"));
    assert_eq!(source.waiting[0].path, paths[0]);
}

#[test]
fn bad_files_are_warnings_and_the_rest_is_read() {
    let folder = Folder::new();
    let mut damaged = at("damaged", &[1, 4]);
    let len = damaged.len();
    damaged.extend([0xff; 40]);
    let paths = [
        folder.write("damaged", &damaged),
        folder.write("empty", b""),
        folder.write("good", &at("good", &[2, 3, 5])),
        folder.write("text", b"Dear diary, today I captured some packets"),
        folder.write("cut", &at("cut", &[6, 7])[..60]),
    ];
    let (packets, warnings) = timeline(&paths, 100);
    let names: Vec<_> = packets.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["damaged", "good", "good", "damaged", "good", "cut"]);
    let prefix = format!("{}/", folder.path("").display()).replace("//", "/");
    let messages: Vec<_> =
        warnings.iter().map(|warning| warning.to_string().replace(&prefix, "")).collect();
    assert_eq!(
        messages[0],
        format!(
            "damaged: corrupt at byte {len}: a packet cannot have 4294967295 captured bytes here; \
         40 of its {} bytes were not read",
            damaged.len(),
        )
    );
    assert_eq!(messages[1], "cut: cut short in the packet or block at byte 43");
    assert_eq!(messages[2], "empty: empty, not even a file header");
    assert!(messages[3].starts_with("text: not a capture file"), "{messages:?}");
    assert!(messages[3].ends_with("; none of its 41 bytes were read"), "{messages:?}");
    let damage: Vec<_> = warnings.iter().map(Warning::is_damage).collect();
    assert_eq!(damage, [true, false, true, true]);
}

#[test]
fn strict_sources_end_with_the_error_of_the_first_bad_file() {
    let folder = Folder::new();
    let mut damaged = at("a", &[1, 2]);
    damaged.extend([0xff; 40]);
    let whole = at("a", &[1, 2]);
    for bytes in [&damaged[..], &whole[..whole.len() - 1]] {
        let options = FileOptions { strict: true, ..FileOptions::default() };
        let paths = [folder.write("bad", bytes), folder.write("b", &at("b", &[3]))];
        let mut source = Files::find(&paths, options).unwrap().open();
        let mut chunk = Chunk::default();
        let error = loop {
            match source.read(&mut chunk, 1) {
                Ok(true) => assert_eq!(chunk.frame(&chunk.records[0]), b"a"),
                Ok(false) => panic!("no error"),
                Err(error) => break error,
            }
        };
        let is_damage =
            matches!(error, CaptureError::Corrupt { .. } | CaptureError::Truncated { .. });
        assert!(is_damage, "{error}");
        assert!(!source.read(&mut chunk, 9).unwrap());
    }
}

#[test]
fn a_file_that_only_looks_like_a_capture_is_an_error_alone() {
    let folder = Folder::new();
    let path = folder.path("pipe");
    let made = std::process::Command::new("mkfifo").arg(&path).status().unwrap();
    assert!(made.success());
    let mut source = open(std::slice::from_ref(&path)).unwrap();
    let writer = std::thread::spawn(move || fs::write(path, b"x").unwrap());
    let error = source.read(&mut Chunk::default(), 9).unwrap_err();
    assert!(matches!(error, CaptureError::NotACapture { .. }), "{error}");
    writer.join().unwrap();
}

#[test]
fn a_step_skips_some_blocks_of_a_mapped_file() {
    let folder = Folder::new();
    let skipped = block(Order::Little, 77, &vec![0; 40 << 20]);
    let packet = enhanced(Order::Little, 0, 1, 0, b"x");
    let path = folder.write("a", &[pcapng_start(), skipped, packet].concat());
    let mut source = open(&[path]).unwrap();
    let mut chunk = Chunk::default();
    let mut steps = 0;
    while chunk.records.is_empty() {
        assert!(source.read(&mut chunk, 9).unwrap());
        steps += 1;
    }
    assert_eq!((steps, chunk.records.len()), (3, 1));
}

#[test]
fn merging_waits_for_a_file_whose_next_packet_is_far() {
    let folder = Folder::new();
    let skipped = block(Order::Little, 77, &vec![0; 40 << 20]);
    let late = enhanced(Order::Little, 0, 2_000_000, 0, b"2");
    let first = enhanced(Order::Little, 0, 0, 0, b"0");
    let ng = [pcapng_start(), first, skipped, late].concat();
    let paths = [folder.write("a", &ng), folder.write("b", &at("b", &[1, 3]))];
    assert_eq!(frames(&paths), [&b"0"[..], b"b", b"2", b"b"]);
}

#[test]
fn held_files_are_merged_after_they_are_gone() {
    let folder = Folder::new();
    let paths = [
        folder.write("a", &at("a", &[1, 4])),
        folder.write("b", &gzip(&at("b", &[2, 5]))),
        folder.write("c", &at("c", &[3, 6])),
    ];
    let mut source = open(&paths).unwrap();
    source.hold().unwrap();
    paths.iter().for_each(|path| fs::remove_file(path).unwrap());
    let mut chunk = Chunk::default();
    let mut frames = Vec::new();
    while source.read(&mut chunk, 9).unwrap() {
        frames.extend(seen(&chunk).map(|packet| packet.frame));
    }
    assert_eq!(frames, [b"a", b"b", b"c", b"a", b"b", b"c"]);
}

#[test]
fn progress_ends_at_the_total() {
    let folder = Folder::new();
    let capture = pcap(&[b"one", b"two"]);
    let compressed = gzip(&capture);
    let total = u64::try_from(capture.len() + compressed.len()).unwrap();
    let mut source = open(&[folder.write("a", &capture), folder.write("b", &compressed)]).unwrap();
    assert_eq!(source.progress(), ReadProgress { bytes: 0, total_bytes: Some(total) });
    let mut chunk = Chunk::default();
    assert!(source.read(&mut chunk, 1).unwrap());
    // The next packet of the file was read as well: its time decides the order.
    assert_eq!(source.progress().bytes, 24 + 2 * (16 + 3));
    while source.read(&mut chunk, 1).unwrap() {}
    assert_eq!(source.progress(), ReadProgress { bytes: total, total_bytes: Some(total) });
}

#[test]
fn a_missing_file_in_a_list_is_found_before_any_packet() {
    let folder = Folder::new();
    let good = folder.write("good", &pcap(&[b"one"]));
    let missing = folder.path("missing");
    let error = open(&[good.clone(), missing.clone(), good]).unwrap_err();
    let CaptureError::Io { path, source } = error else { panic!("{error}") };
    assert_eq!((path, source.kind()), (missing, ErrorKind::NotFound));
}

#[test]
fn invalid_files_have_different_errors() {
    let folder = Folder::new();
    let text = b"Dear diary, today I captured some packets";
    let mut radio = pcap(&[]);
    radio[20] = 147;
    let mut old = pcap(&[]);
    old[6] = 9;
    for (name, bytes, expected) in [
        (
            "2",
            &text[..],
            "2: not a capture file (expected pcap, pcapng, or one of them compressed with \
             gzip, zstd, xz, bzip2 or lz4)",
        ),
        (
            "3",
            &zstd(text),
            "3: not a capture file (expected pcap, pcapng, or one of them compressed with \
             gzip, zstd, xz, bzip2 or lz4)",
        ),
        ("4", &radio, "4: packets of link type 147 are not supported"),
        ("5", &old, "5: version 2.9 of this capture format is not supported"),
        ("6", &pcap(&[])[..20], "6: corrupt at byte 0: the file header is cut short"),
        ("7", &gzip(&pcap(&[]))[..9], "7: corrupt at byte 0: the file header is cut short"),
    ] {
        assert_eq!(error(folder.write(name, bytes)), expected);
    }
}

#[test]
fn a_cut_file_is_a_warning_and_the_next_is_read() {
    let folder = Folder::new();
    let capture = pcap(&[b"one", b"two"]);
    let cut = folder.write("cut", &capture[..capture.len() - 1]);
    let (packets, warnings) = read(&[cut.clone(), folder.write("b", &capture)], 9).unwrap();
    assert_eq!(packets.len(), 3);
    assert!(!warnings[0].is_damage());
    assert_eq!(warnings, [Warning::Truncated { path: cut, offset: 43 }]);
}

#[test]
fn damage_comes_after_the_packets_before_it() {
    let folder = Folder::new();
    let mut capture = pcap(&[b"one", b"two"]);
    capture[24 + 19 + 11] = 0xff;
    for bytes in [capture.clone(), gzip(&capture)] {
        let (packets, warnings) = read(&[folder.write("a", &bytes)], 9).unwrap();
        assert_eq!(packets.len(), 1);
        let [warning] = warnings.as_slice() else { panic!("{warnings:?}") };
        assert!(warning.to_string().contains("corrupt at byte 43"), "{warning}");
        assert!(warning.is_damage());
    }
}

#[test]
fn packets_of_unknown_links_are_returned_but_not_alone() {
    let folder = Folder::new();
    let bluetooth = [
        section(Order::Little),
        interface(Order::Little, 201, 0, &[]),
        enhanced(Order::Little, 0, 1, 0, b"one"),
    ]
    .concat();
    let mixed = [
        &bluetooth[..],
        &interface(Order::Little, 1, 0, &[]),
        &enhanced(Order::Little, 1, 1, 0, b"two"),
    ]
    .concat();
    assert_eq!(frames(&[folder.write("mixed", &mixed)]), [b"one", b"two"]);
    let mut source = open(&[folder.write("bluetooth", &bluetooth)]).unwrap();
    let mut chunk = Chunk::default();
    assert!(source.read(&mut chunk, 9).unwrap());
    let error = source.read(&mut chunk, 9).unwrap_err();
    let CaptureError::UnsupportedLinkType { link, .. } = error else { panic!("{error}") };
    assert_eq!(link, LinkType(201));
}

#[test]
fn a_file_that_shrinks_is_an_error_before_its_packets() {
    let folder = Folder::new();
    let frame = vec![7; 10_000];
    let path = folder.write("a", &pcap(&[&frame[..]; 20]));
    // Cuts at a page boundary, and within a page, where only the length reveals it.
    for len in [50_000, 200_300] {
        folder.write("a", &pcap(&[&frame[..]; 20]));
        let mut source = open(std::slice::from_ref(&path)).unwrap();
        let mut chunk = Chunk::default();
        assert!(source.read(&mut chunk, 2).unwrap());
        assert!(matches!(chunk.bytes, ChunkBytes::Mapped(..)));
        File::options().write(true).open(&path).unwrap().set_len(len).unwrap();
        let error = source.read(&mut chunk, 100).unwrap_err();
        assert!(matches!(error, CaptureError::Changed { .. }), "{error}");
        assert!(chunk.records.is_empty());
    }
}

#[test]
fn chunks_outlive_the_source() {
    let folder = Folder::new();
    let mut chunk = Chunk::default();
    let path = folder.write("a", &pcap(&[b"one"]));
    assert!(open(&[path]).unwrap().read(&mut chunk, 9).unwrap());
    assert_eq!(chunk.frame(&chunk.records[0]), b"one");
}

#[cfg(unix)]
#[test]
fn the_check_does_not_consume_a_named_pipe() {
    let folder = Folder::new();
    let path = folder.path("pipe");
    let made = std::process::Command::new("mkfifo").arg(&path).status().unwrap();
    assert!(made.success());
    let mut source = open(std::slice::from_ref(&path)).unwrap();
    assert_eq!(source.progress().total_bytes, None);
    let writer = std::thread::spawn(move || fs::write(path, gzip(&pcap(&[b"one"]))).unwrap());
    let mut chunk = Chunk::default();
    assert!(source.read(&mut chunk, 9).unwrap());
    assert_eq!(chunk.frame(&chunk.records[0]), b"one");
    assert!(!source.read(&mut chunk, 9).unwrap());
    writer.join().unwrap();
}

#[cfg(target_os = "linux")]
#[test]
fn long_lists_keep_no_files_open() {
    let folder = Folder::new();
    let paths = vec![folder.write("a", &pcap(&[b"one"])); 3000];
    let given = FileOptions { order: FileOrder::Given, ..FileOptions::default() };
    let mut source = Files::find(&paths, given).unwrap().open();
    let mut chunk = Chunk::default();
    let mut packets = 0;
    while source.read(&mut chunk, 9).unwrap() {
        packets += chunk.records.len();
    }
    assert_eq!(packets, 3000);
}
