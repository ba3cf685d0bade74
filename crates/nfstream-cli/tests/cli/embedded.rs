//! Library as embedded in other programs, with their own streams, terminals and signals.

use std::io::{self, ErrorKind, Write};
use std::sync::Arc;

use crate::folder::{Folder, compare, corrupt_at};
use nfstream_cli::{ExitCode, Io, Stream, run};

/// Writer that always fails.
struct Failing(ErrorKind);

impl Write for Failing {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(self.0.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Err(self.0.into())
    }
}

/// Result and output of a call.
struct Outcome {
    code: ExitCode,
    stdout: String,
    stderr: String,
}

fn call(args: &[&str], width: Option<usize>, is_interrupted: bool) -> Outcome {
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    let terminal = |writer| Stream {
        writer,
        is_terminal: width.is_some(),
        is_pipe: false,
        width: width.unwrap_or(100),
        color: width.is_some(),
    };
    let mut io = Io {
        stdout: terminal(&mut stdout),
        stderr: Stream::plain(&mut stderr),
        interrupted: Arc::new(move || is_interrupted),
    };
    let code = run(["nfstream"].iter().chain(args).map(Into::into), &mut io);
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Outcome { code, stdout: text(stdout), stderr: text(stderr) }
}

/// Returns the output of a call without a terminal.
#[cfg(feature = "ndpi")]
pub(crate) fn output_of(args: &[&str]) -> String {
    call(args, None, false).stdout
}

/// Returns the output of a call on a wide terminal without colours.
pub(crate) fn output_on_terminal(args: &[&str]) -> String {
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    let stream =
        Stream { writer: &mut stdout, is_terminal: true, is_pipe: false, width: 200, color: false };
    let mut io =
        Io { stdout: stream, stderr: Stream::plain(&mut stderr), interrupted: Arc::new(|| false) };
    run(["nfstream"].iter().chain(args).map(Into::into), &mut io);
    String::from_utf8(stdout).unwrap()
}

fn call_with_stdout(args: &[&str], stdout: &mut dyn Write) -> Outcome {
    let mut stderr = Vec::new();
    let mut io = Io {
        stdout: Stream::plain(stdout),
        stderr: Stream::plain(&mut stderr),
        interrupted: Arc::new(|| false),
    };
    let code = run(["nfstream"].iter().chain(args).map(Into::into), &mut io);
    Outcome { code, stdout: String::new(), stderr: String::from_utf8(stderr).unwrap() }
}

#[test]
fn columns_that_options_name_are_in_the_table() {
    let folder = Folder::with(&["web6.pcap"]);
    let path = folder.path("web6.pcap");
    let header = |options: &[&str]| {
        let args = [&["flows", path.to_str().unwrap(), "--no-dissect"][..], options].concat();
        let shown = call(&args, Some(60), false).stdout;
        shown.lines().next().unwrap().to_owned()
    };
    assert!(!header(&[]).contains("duration"));
    assert!(header(&["--sort", "duration:desc"]).contains("duration"));
    assert!(!header(&[]).contains("start (UTC)"));
    assert!(header(&["--where", "first_seen > timestamp('2026-01-01')"]).contains("start (UTC)"));
    assert!(header(&["--where", "src2dst_bytes > 100"]).contains("src2dst_bytes"));
}

#[test]
#[cfg(feature = "ndpi")]
fn terminals_get_a_table_that_fits() {
    let folder = Folder::with(&["web6.pcap"]);
    let path = folder.path("web6.pcap");
    for width in [40, 80, 120, 200] {
        let outcome = call(&["flows", path.to_str().unwrap()], Some(width), false);
        assert_eq!(outcome.code, ExitCode::Done);
        compare(&format!("terminal_{width}"), outcome.stdout);
    }
}

#[test]
fn closed_pipes_are_success() {
    let folder = Folder::with(&["redis.pcap"]);
    let path = folder.path("redis.pcap");
    let path = path.to_str().unwrap();
    for args in [&["flows", path][..], &["summary", path], &["columns"], &["protocols"], &["man"]] {
        let outcome = call_with_stdout(args, &mut Failing(ErrorKind::BrokenPipe));
        assert_eq!((outcome.code, outcome.stderr.as_str()), (ExitCode::Done, ""), "{args:?}");
    }
}

#[test]
fn full_disks_are_failures() {
    let folder = Folder::with(&["redis.pcap"]);
    let path = folder.path("redis.pcap");
    for args in [&["flows", path.to_str().unwrap()][..], &["columns"], &["--version"]] {
        let outcome = call_with_stdout(args, &mut Failing(ErrorKind::StorageFull));
        assert_eq!(outcome.code, ExitCode::Failed);
        assert_eq!(outcome.stderr, "error: cannot write to standard output: no storage space\n");
    }
}

#[test]
fn interrupted_calls_report_the_written_flows() {
    let folder = Folder::with(&["redis.pcap"]);
    let path = folder.path("redis.pcap");
    let outcome = call(&["flows", path.to_str().unwrap()], None, true);
    assert_eq!(outcome.code, ExitCode::Interrupted);
    assert_eq!(outcome.stderr, "nfstream: interrupted: 0 flows were written\n");
}

#[test]
fn interrupted_calls_leave_no_file() {
    let folder = Folder::with(&["redis.pcap"]);
    let (path, target) = (folder.path("redis.pcap"), folder.path("out.csv"));
    let args = ["flows", path.to_str().unwrap(), "-o", target.to_str().unwrap()];
    let outcome = call(&args, None, true);
    assert_eq!(outcome.code, ExitCode::Interrupted);
    assert_eq!(
        outcome.stderr,
        format!("nfstream: interrupted: {} was not written\n", target.display())
    );
    assert_eq!(folder.names(), ["redis.pcap"]);
}

#[test]
fn sorted_flows_before_a_failure_are_written() {
    let folder = Folder::with(&[]);
    folder.write("bad.pcap", &corrupt_at("redis.pcap", 30));
    let path = folder.path("bad.pcap");
    let args = ["flows", path.to_str().unwrap(), "--sort", "id:desc", "--columns", "id"];
    let outcome = call(&args, None, false);
    assert_eq!(outcome.code, ExitCode::Failed);
    assert_eq!(outcome.stdout, "id\n2\n1\n0\n");
}

#[test]
fn completions_include_options_and_subcommands() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let outcome = call(&["completions", shell], None, false);
        assert_eq!(outcome.code, ExitCode::Done);
        assert!(outcome.stdout.contains("idle-timeout"), "{shell}");
        assert!(outcome.stdout.contains("completions"), "{shell}");
    }
}

#[test]
fn manual_pages_have_the_names_that_man_expects() {
    let page = |args: &[&str]| call(args, None, false).stdout;
    assert!(page(&["man"]).contains(".TH nfstream 1"));
    assert!(page(&["man", "flows"]).contains(".TH nfstream-flows 1"));
}

#[test]
fn colors_are_for_terminals() {
    let folder = Folder::with(&["redis.pcap"]);
    let path = folder.path("redis.pcap");
    let args = ["summary", path.to_str().unwrap()];
    assert!(call(&args, Some(80), false).stdout.contains('\u{1b}'));
    assert!(!call(&args, None, false).stdout.contains('\u{1b}'));
}

#[test]
fn binary_formats_are_refused_on_terminals() {
    let folder = Folder::with(&["redis.pcap"]);
    let path = folder.path("redis.pcap");
    let args = ["flows", path.to_str().unwrap(), "--format", "parquet"];
    let outcome = call(&args, Some(80), false);
    assert_eq!((outcome.code, outcome.stdout.as_str()), (ExitCode::Usage, ""));
    compare("terminal_binary", outcome.stderr);
}

#[test]
fn protocols_are_listed_with_their_ways() {
    let outcome = call(&["protocols"], Some(200), false);
    assert_eq!((outcome.code, outcome.stderr.as_str()), (ExitCode::Done, ""));
    let plain = call(&["protocols"], None, false).stdout;
    let words = |name: &str| {
        let line = plain.lines().find(|line| line.split("  ").next() == Some(name)).unwrap();
        line.split("  ").map(str::trim).filter(|word| !word.is_empty()).collect::<Vec<_>>()
    };
    assert_eq!(words("name"), ["name", "category", "recognised by", "metadata", "ports"]);
    assert_eq!(words("SSH"), ["SSH", "RemoteAccess", "tcp", "yes", "tcp 22"]);
    assert_eq!(words("YouTube")[2], "name");
}

#[test]
fn protocols_can_be_json() {
    let outcome = call(&["protocols", "--json"], None, false);
    assert_eq!(outcome.code, ExitCode::Done);
    let ssh = "  {
    \"id\": 92,
    \"name\": \"SSH\",
    \"category\": \"RemoteAccess\",
    \"transports\": [
      \"tcp\"
    ],
    \"names_and_addresses\": false,
    \"tcp_ports\": [
      22
    ],
    \"udp_ports\": [],
    \"metadata\": true
  }";
    assert!(outcome.stdout.contains(ssh), "{}", outcome.stdout);
}

#[cfg(target_os = "linux")]
#[test]
fn the_loopback_interface_is_listed() {
    let outcome = call(&["interfaces"], None, false);
    assert_eq!(outcome.code, ExitCode::Done);
    assert!(
        outcome.stdout.lines().any(|line| line.starts_with("lo ") && line.contains("ETHERNET"))
    );
    let outcome = call(&["interfaces", "--json"], None, false);
    assert!(outcome.stdout.contains(r#""name": "lo","#), "{}", outcome.stdout);
}
