//! Several files, and files that cannot be read completely.

use std::fs::{self, File};
use std::io::Write;
use std::process::{Command, Output, Stdio};

use crate::folder::{Folder, corrupt_at, sample};

const COLUMNS: [&str; 2] = ["--columns", "id,src_ip,src_port,total_packets"];

/// Returns the records of a sample capture.
fn records(name: &str) -> Vec<Vec<u8>> {
    let bytes = sample(name);
    let mut records = Vec::new();
    let mut rest = &bytes[24..];
    while !rest.is_empty() {
        let len = usize::try_from(u32::from_le_bytes(rest[8..12].try_into().unwrap())).unwrap();
        let (record, others) = rest.split_at(16 + len);
        records.push(record.to_vec());
        rest = others;
    }
    records
}

/// Returns a capture of these records, with the header of a sample capture.
fn capture(name: &str, records: &[Vec<u8>]) -> Vec<u8> {
    [sample(name)[..24].to_vec(), records.concat()].concat()
}

fn run(folder: &Folder, args: &[&str]) -> Output {
    run_with(folder, args, Stdio::null(), Stdio::piped())
}

fn run_with(folder: &Folder, args: &[&str], stdin: Stdio, stdout: Stdio) -> Output {
    Command::new(env!("CARGO_BIN_EXE_nfstream"))
        .args(args)
        .current_dir(folder.path(""))
        .env_clear()
        .stdin(stdin)
        .stdout(stdout)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
        .wait_with_output()
        .unwrap()
}

fn stdout(folder: &Folder, args: &[&str]) -> String {
    let output = run(folder, args);
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{args:?}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

/// As `tcpdump -C` leaves them.
#[test]
fn a_folder_is_one_capture_in_order_of_time() {
    let folder = Folder::with(&["web.pcap"]);
    for (number, part) in records("web.pcap").chunks(20).enumerate() {
        let suffix = if number == 0 { String::new() } else { number.to_string() };
        folder.write(&format!("captures/day.pcap{suffix}"), &capture("web.pcap", part));
    }
    assert!(folder.path("captures/day.pcap10").exists());
    folder.write("captures/notes.txt", b"Dear diary, today I captured some packets\n");
    let whole = stdout(&folder, &["flows", "web.pcap"]);
    let output = run(&folder, &["flows", "captures"]);
    assert_eq!(String::from_utf8(output.stdout).unwrap(), whole);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(
        String::from_utf8(output.stderr).unwrap(),
        "warning: captures: skipped, not captures: notes.txt\n"
    );
}

/// The directions of a tap.
#[test]
fn captures_of_the_same_time_are_merged() {
    let folder = Folder::with(&["web.pcap"]);
    let (mut rx, mut tx) = (Vec::new(), Vec::new());
    for record in records("web.pcap") {
        // The sender's address in an Ethernet frame with an IPv4 packet.
        let is_first = record[16 + 26..16 + 30] <= record[16 + 30..16 + 34];
        if is_first { &mut rx } else { &mut tx }.push(record);
    }
    folder.write("rx.pcap", &capture("web.pcap", &rx));
    folder.write("tx.pcap", &capture("web.pcap", &tx));
    let whole = stdout(&folder, &["flows", "web.pcap"]);
    for names in [["rx.pcap", "tx.pcap"], ["tx.pcap", "rx.pcap"]] {
        for meters in ["1", "3"] {
            let args = [&["flows", "--n-meters", meters], &names[..]].concat();
            assert_eq!(stdout(&folder, &args), whole);
        }
    }
    folder.write("no packets.pcap", &capture("web.pcap", &[]));
    assert_eq!(stdout(&folder, &["flows", "no packets.pcap", "tx.pcap", "rx.pcap"]), whole);
    let given = ["flows", "tx.pcap", "rx.pcap", "--order", "given", "--limit", "1"];
    folder.check("order_given", &[&given[..1], &given[1..5], &COLUMNS].concat());
    folder.check(
        "order_given_summary",
        &["summary", "tx.pcap", "rx.pcap", "--order", "given", "--top", "0"],
    );
}

#[cfg(target_os = "linux")]
#[test]
fn pipes_cannot_be_merged() {
    let folder = Folder::with(&["redis.pcap", "dns.pcap"]);
    let input = File::open(folder.path("redis.pcap")).unwrap();
    let args = [&["flows", "-", "dns.pcap", "--limit", "1"], &COLUMNS[..]].concat();
    folder.check_with_input("pipe_among_files", &args, input.into());
}

#[test]
fn damage_costs_no_flows_before_it() {
    let folder = Folder::with(&[]);
    folder.write("bad.pcap", &corrupt_at("redis.pcap", 30));
    let printed = run(&folder, &["flows", "bad.pcap"]);
    folder.check("damaged_to_file", &["flows", "bad.pcap", "-o", "out.csv"]);
    assert_eq!(fs::read(folder.path("out.csv")).unwrap(), printed.stdout);
    folder.check("damaged_summary", &["summary", "bad.pcap", "--top", "0"]);
    let args = ["flows", "bad.pcap", "--strict-files", "-o", "strict.csv"];
    folder.check("damaged_strict", &args);
    assert_eq!(folder.names(), ["bad.pcap", "out.csv"]);
}

#[test]
fn one_bad_file_costs_no_other() {
    let folder = Folder::with(&["redis.pcap", "dns.pcap"]);
    let good = stdout(&folder, &["flows", "redis.pcap", "dns.pcap"]);
    folder.write("empty.pcap", b"");
    folder.write("notes.pcap", b"Dear diary, today I captured nothing.\n");
    for names in [&["redis.pcap", "empty.pcap", "notes.pcap", "dns.pcap"][..], &["."]] {
        let args = [&["flows"], names].concat();
        let output = run(&folder, &args);
        assert_eq!(String::from_utf8(output.stdout).unwrap(), good);
        assert_eq!(output.status.code(), Some(1));
        let errors = String::from_utf8(output.stderr).unwrap();
        assert!(errors.contains("empty.pcap: empty, not even a file header\n"), "{errors}");
        assert!(errors.contains("notes.pcap: not a capture file"), "{errors}");
        assert!(errors.contains("error: 2 captures could not be read completely"), "{errors}");
        let strict = run(&folder, &[&args[..], &["--strict-files"]].concat());
        assert_eq!((strict.stdout, strict.status.code()), (vec![], Some(1)));
    }
    folder.check(
        "bad_files_separate",
        &[
            "flows",
            ".",
            "--separate",
            "--columns",
            "source,id",
            "--sort",
            "total_bytes",
            "--limit",
            "2",
        ],
    );
}

#[test]
fn bytes_that_are_no_capture_get_no_header() {
    let folder = Folder::with(&[]);
    folder.write("x", b"x");
    let input = File::open(folder.path("x")).unwrap();
    folder.check_with_input("no_capture_on_stdin", &["flows", "-"], input.into());
}

#[test]
fn zeros_after_a_compressed_capture_are_no_damage() {
    let folder = Folder::with(&["dns.pcap", "dns.pcap.gz"]);
    let padded = [sample("dns.pcap.gz"), vec![0; 1000]].concat();
    folder.write("padded.pcap.gz", &padded);
    let whole = stdout(&folder, &["flows", "dns.pcap"]);
    assert_eq!(stdout(&folder, &["flows", "padded.pcap.gz"]), whole);
}

#[test]
fn many_ignored_packets_are_explained() {
    let folder = Folder::with(&[]);
    let block = |kind: u32, body: &[u8]| {
        let len = u32::try_from(body.len() + 12).unwrap().to_le_bytes();
        [&kind.to_le_bytes()[..], &len, body, &len].concat()
    };
    let mut bytes =
        block(0x0a0d_0d0a, b"\x4d\x3c\x2b\x1a\x01\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff");
    for link in [1_u16, 65_000] {
        bytes.extend(block(1, &[&link.to_le_bytes()[..], &[0; 6]].concat()));
    }
    for (number, record) in (0..).zip(records("redis.pcap").iter().take(24)) {
        let interface = u32::to_le_bytes(number % 2);
        let frame = &record[16..];
        let padding = vec![0; frame.len().next_multiple_of(4) - frame.len()];
        let body = [&interface[..], &[0; 8], &record[8..16], frame, &padding].concat();
        bytes.extend(block(6, &body));
    }
    folder.write("two.pcapng", &bytes);
    folder.check("ignored", &[&["flows", "two.pcapng"], &COLUMNS[..]].concat());
    folder.check("ignored_summary", &["summary", "two.pcapng", "--top", "0"]);
}

#[cfg(unix)]
#[test]
fn captures_are_never_replaced_under_another_name() {
    let folder = Folder::with(&["redis.pcap"]);
    fs::hard_link(folder.path("redis.pcap"), folder.path("hard.csv")).unwrap();
    std::os::unix::fs::symlink("hard.csv", folder.path("soft.csv")).unwrap();
    fs::hard_link(folder.path("redis.pcap"), folder.path("part.3.csv")).unwrap();
    let refused = |output: Output| {
        let errors = String::from_utf8(output.stderr).unwrap();
        assert!(errors.contains("refusing to overwrite one of the captures to read"), "{errors}");
        assert_eq!(fs::read(folder.path("redis.pcap")).unwrap(), sample("redis.pcap"));
    };
    for name in ["hard.csv", "soft.csv"] {
        refused(run(&folder, &["flows", "redis.pcap", "-o", name, "--force"]));
    }
    let rotated = ["flows", "redis.pcap", "-o", "part.csv", "--flows-per-file", "1", "--force"];
    refused(run(&folder, &rotated));
    if std::path::Path::new("/dev/stdin").exists() {
        let input = File::open(folder.path("redis.pcap")).unwrap();
        let args = ["flows", "-", "-o", "redis.pcap", "--format", "csv", "--force"];
        refused(run_with(&folder, &args, input.into(), Stdio::null()));
        let append = File::options().append(true).open(folder.path("redis.pcap")).unwrap();
        refused(run_with(&folder, &["flows", "redis.pcap"], Stdio::null(), append.into()));
    }
}

/// A capture that is still being written grows while it is read.
#[test]
fn a_file_that_grows_is_read_to_the_length_that_it_had() {
    let folder = Folder::with(&["redis.pcap"]);
    let whole = stdout(&folder, &["flows", "redis.pcap"]);
    let mut file = File::options().append(true).open(folder.path("redis.pcap")).unwrap();
    file.write_all(&records("redis.pcap")[0][..7]).unwrap();
    let output = run(&folder, &["flows", "redis.pcap"]);
    assert_eq!((String::from_utf8(output.stdout).unwrap(), output.status.code()), (whole, Some(0)));
}

/// Returns the lines of a table without its header.
fn rows(table: &str) -> Vec<String> {
    table.lines().skip(1).map(str::to_owned).collect()
}

#[test]
fn two_halves_give_the_table_of_one_pass() {
    const CELLS: &str = "src_ip,src_port,dst_ip,total_packets,first_seen,server_info";
    let folder = Folder::with(&["web.pcap"]);
    fs::create_dir(folder.path("parts")).unwrap();
    for (number, part) in records("web.pcap").chunks(25).enumerate() {
        fs::write(folder.path(&format!("parts/{number:03}.pcap")), capture("web.pcap", part))
            .unwrap();
    }
    let native = ["--dissector", "native"];
    let one = stdout(&folder, &[&["flows", "web.pcap", "--columns", CELLS][..], &native].concat());
    let blocks = ["blocks", "parts", "--shards", "3", "-o", "out", "--task-bytes", "0"];
    for task in ["1/2", "0/2"] {
        stdout(&folder, &[&blocks[..], &["--task", task]].concat());
    }
    let columns = format!("order_release,order_end,order_birth,order_slice,{CELLS}");
    let mut found = Vec::new();
    for shard in 0..3 {
        let shard = format!("out/shard={shard}");
        let args = ["flows", &shard, "--columns", &columns];
        found.extend(rows(&stdout(&folder, &[&args[..], &native].concat())));
    }
    let place = |row: &String| {
        let cells: Vec<u64> = row.split(',').take(4).map(|cell| cell.parse().unwrap()).collect();
        cells
    };
    found.sort_by_key(place);
    let found: Vec<_> = found.iter().map(|row| row.splitn(5, ',').nth(4).unwrap()).collect();
    assert_eq!(found, rows(&one));

    // Files are kept unless the user says otherwise.
    let again = run(&folder, &blocks);
    assert_eq!(again.status.code(), Some(1));
    assert!(String::from_utf8(again.stderr).unwrap().contains("already exists"));
    stdout(&folder, &[&blocks[..], &["--force"]].concat());

    // Each half has its own options.
    let wrong = [
        (&["flows", "out/shard=1", "--bpf-filter", "tcp"][..], "--bpf-filter has no effect on"),
        (&["flows", "out/shard=1", "--sandbox"], "cannot be combined with a folder of blocks"),
        (&["blocks", "parts", "--shards", "2", "-o", "x", "--where", "true"], "'--where'"),
        (
            &["blocks", "parts", "--shards", "2", "-o", "out"],
            "out/shard=2: belongs to a run with more shards",
        ),
        (&["flows", "out/shard=1", "--order", "given"], "--order has no effect on blocks"),
        (&["flows", "out"], "out: flows come from one shard at a time"),
        (&["flows", "out/shard=0", "out/shard=1"], "out/shard=0: flows come from one shard"),
        (&["flows", "web.pcap", "--where", "order_slice > 0"], "need nfstream flows DIR/shard=K"),
        (&["blocks", "parts", "--shards", "0", "-o", "x"], "--shards"),
        (&["blocks", "parts", "--shards", "2", "-o", "x", "--task", "2/2"], "--task"),
        (&["blocks", "-", "--shards", "2", "-o", "x"], "only one process can read"),
        (&["flows", "out/shard=1", "--max-nflows", "2"], "max_nflows needs"),
    ];
    for (args, reason) in wrong {
        let output = run(&folder, args);
        let message = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && message.contains(reason), "{args:?}: {message}");
    }

    // A lost file is noticed.
    fs::remove_file(folder.path("out/shard=1/00000001.arrow")).unwrap();
    let lost = run(&folder, &["flows", "out/shard=1"]);
    assert_eq!(lost.status.code(), Some(1));
    let message = String::from_utf8(lost.stderr).unwrap();
    assert!(message.contains("expected block 0 of piece 1"), "{message}");
}

#[test]
fn a_damaged_file_of_many_is_named_and_its_good_part_reaches_the_shards() {
    let folder = Folder::with(&["web.pcap"]);
    fs::create_dir(folder.path("parts")).unwrap();
    for (number, part) in records("web.pcap").chunks(2).enumerate() {
        let mut bytes = capture("web.pcap", part);
        if number == 40 {
            bytes.extend([0xff; 40]);
        }
        fs::write(folder.path(&format!("parts/{number:03}.pcap")), bytes).unwrap();
    }
    let of = |args: &[&str]| {
        let output = run(&folder, args);
        let message = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{message}");
        assert!(message.contains("parts/040.pcap: corrupt at byte"), "{message}");
        rows(&String::from_utf8(output.stdout).unwrap()).len()
    };
    let whole = of(&["flows", "parts", "--no-dissect"]);
    let blocks = ["blocks", "parts", "--shards", "2", "-o", "out", "--task-bytes", "0"];
    of(&blocks);
    // The shards have the flows, and the account of one of them the damage.
    let shard = |name| run(&folder, &["flows", name, "--no-dissect"]);
    let shards = ["out/shard=0", "out/shard=1"].map(shard);
    let flows = |output: &Output| rows(&String::from_utf8_lossy(&output.stdout)).len();
    assert_eq!(shards.iter().map(flows).sum::<usize>(), whole);
    let mut ends = shards
        .map(|output| (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned()));
    ends.sort();
    let [(success, nothing), (failure, message)] = ends;
    assert_eq!((success, nothing.as_str(), failure), (Some(0), "", Some(1)));
    assert_eq!(
        message,
        "error: 1 capture could not be read completely; see the warnings of nfstream blocks\n"
    );
    of(&["blocks", "parts", "--shards", "2", "-o", "strict", "--strict-files"]);
    assert_eq!(fs::read_dir(folder.path("strict/shard=0")).map_or(0, Iterator::count), 0);
}
