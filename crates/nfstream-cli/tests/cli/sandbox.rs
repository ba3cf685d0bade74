//! `nfstream flows --sandbox` gives the same results with restricted access.

use std::fs;
use std::process::{Command, Output, Stdio};

use crate::folder::{Folder, sample};

fn run(folder: &Folder, args: &[&str], stdin: Stdio) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nfstream"));
    command.args(args).current_dir(folder.path("")).stdin(stdin).output().unwrap()
}

/// Returns whether this system supports the sandbox; prints a note if not.
#[allow(clippy::print_stderr, reason = "a test says why it is skipped")]
fn has_sandbox() -> bool {
    let folder = Folder::with(&["redis.pcap"]);
    let output = run(&folder, &["flows", "redis.pcap", "--sandbox"], Stdio::null());
    let is_missing = String::from_utf8_lossy(&output.stderr).contains("this system has no");
    if is_missing {
        eprintln!("skipped: this system has no sandbox");
    }
    !is_missing
}

/// Returns names and contents of the files whose names start with `table`.
fn tables(folder: &Folder) -> Vec<(String, Vec<u8>)> {
    let names = folder.names().into_iter().filter(|name| name.starts_with("table"));
    names.map(|name| (name.clone(), fs::read(folder.path(&name)).unwrap())).collect()
}

#[test]
fn tables_are_the_same() {
    if !has_sandbox() {
        return;
    }
    for args in [
        "flows web.pcap --features all --n-meters 1",
        "flows web.pcap dns.pcap.gz redis.pcap.zst --n-meters 3",
        "flows . --separate --n-meters 2 --sort total_bytes:desc",
        "flows web.pcap -o table.parquet",
        "flows web.pcap -o table.csv --n-meters 2 --flows-per-file 5 --rotate-files 2",
        "flows web.pcap -o ./table.jsonl --where dst_port==443 --bpf-filter tcp",
        "flows web.pcap -o /dev/stdout --format csv",
    ] {
        let args: Vec<_> = args.split(' ').collect();
        let [open, confined] = [&args[..], &[&args[..], &["--sandbox"]].concat()].map(|args| {
            let folder = Folder::with(&["web.pcap", "dns.pcap.gz", "redis.pcap.zst"]);
            let first = run(&folder, args, Stdio::null());
            assert!(first.status.success(), "{args:?}: {}", String::from_utf8_lossy(&first.stderr));
            // Again, over the existing files.
            if !tables(&folder).is_empty() {
                let again = run(&folder, &[args, &["--force"]].concat(), Stdio::null());
                assert!(again.status.success(), "{}", String::from_utf8_lossy(&again.stderr));
            }
            (first.stdout, tables(&folder))
        });
        assert!(open.0 == confined.0, "{args:?}");
        assert_eq!(open.1.len(), confined.1.len(), "{args:?}");
        assert!(open.1 == confined.1, "{args:?}");
        assert!(!open.0.is_empty() || !open.1.is_empty());
    }
}

#[test]
fn standard_input_and_links_are_inputs() {
    if !has_sandbox() {
        return;
    }
    let folder = Folder::with(&["redis.pcap"]);
    fs::create_dir(folder.path("elsewhere")).unwrap();
    fs::rename(folder.path("redis.pcap"), folder.path("elsewhere/redis.pcap")).unwrap();
    std::os::unix::fs::symlink("elsewhere/redis.pcap", folder.path("link.pcap")).unwrap();
    let columns = ["--columns", "id,total_packets", "--sandbox"];
    let by_link = run(&folder, &[&["flows", "link.pcap"], &columns[..]].concat(), Stdio::null());
    let file = fs::File::open(folder.path("link.pcap")).unwrap();
    let by_stdin = run(&folder, &[&["flows", "-"], &columns[..]].concat(), file.into());
    let expected = b"id,total_packets\n0,";
    assert!(by_link.stdout.starts_with(expected), "{by_link:?}");
    assert_eq!(by_link.stdout, by_stdin.stdout);
}

#[test]
fn failures_have_the_same_messages() {
    if !has_sandbox() {
        return;
    }
    let folder = Folder::with(&["redis.pcap"]);
    folder.write("cut.pcap", &sample("redis.pcap")[..3000]);
    for args in [
        "flows none.pcap",
        "flows cut.pcap",
        "flows redis.pcap -o none/table.csv",
        "flows redis.pcap -o cut.pcap --format csv",
    ] {
        let args: Vec<_> = args.split(' ').collect();
        let open = run(&folder, &args, Stdio::null());
        let confined = run(&folder, &[&args[..], &["--sandbox"]].concat(), Stdio::null());
        assert_eq!(open.stderr, confined.stderr);
        assert_eq!(open.status.code(), confined.status.code());
        assert!(!open.stderr.is_empty());
    }
}
