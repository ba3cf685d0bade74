//! Text from files and packets: terminals, spreadsheets and anonymised tables.

use std::process::{Command, Output};

#[cfg(feature = "ndpi")]
use crate::embedded::output_of;
use crate::embedded::output_on_terminal;
use crate::folder::Folder;

/// Name with an escape sequence, a line break and a mark that turns the direction of text.
const NAME: &str = "a\u{1b}[31m\nerror: b\u{9b}2J\u{202e}.pcap";

fn nfstream(folder: &Folder, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nfstream"));
    command.args(args).current_dir(folder.path("")).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Returns whether text has a character that controls a terminal, line breaks apart.
fn has_controls(text: &str) -> bool {
    text.chars().any(|c| (c.is_control() && c != '\n') || ('\u{202a}'..='\u{202e}').contains(&c))
}

/// A capture of one HTTP request with this user agent.
fn request(agent: &str) -> Vec<u8> {
    let payload = format!("GET / HTTP/1.1\r\nHost: example.com\r\nUser-Agent: {agent}\r\n\r\n");
    let ip_len = u16::try_from(40 + payload.len()).unwrap();
    let mut frame = vec![0; 12];
    frame.extend([8, 0, 0x45, 0]);
    frame.extend(ip_len.to_be_bytes());
    frame.extend([0, 0, 0, 0, 64, 6, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2]);
    frame.extend([0xc3, 0x50, 0, 80, 0, 0, 0, 1, 0, 0, 0, 1, 0x50, 0x18, 0, 0, 0, 0, 0, 0]);
    frame.extend(payload.as_bytes());
    let mut file = 0xa1b2_c3d4_u32.to_le_bytes().to_vec();
    file.extend([2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 1, 0, 0, 0]);
    let len = u32::try_from(frame.len()).unwrap().to_le_bytes();
    file.extend([[0; 4], [0; 4], len, len].concat());
    file.extend(frame);
    file
}

#[test]
fn errors_show_names_of_files_without_what_controls_a_terminal() {
    let folder = Folder::with(&[]);
    folder.write(NAME, b"no capture at all");
    let absent = format!("{NAME}x");
    for args in [
        &["flows", NAME][..],
        &["flows", &absent],
        &["summary", NAME],
        &["flows", NAME, "-o", "\u{1b}[1m.tx\u{9b}"],
        &["flows", "x.pcap", "--limit", "\u{1b}[31m"],
        &["\u{1b}]0;title\u{7}"],
    ] {
        let output = nfstream(&folder, args);
        assert!(!output.status.success());
        let message = text(&output.stderr);
        assert!(!has_controls(&message), "{args:?}: {message:?}");
        assert_eq!(message.matches("\nerror: b").count(), 0, "{message}");
    }
    let output = nfstream(&folder, &["flows", NAME]);
    assert!(
        text(&output.stderr).starts_with(r"error: a\u{1b}[31m\u{a}error: b\u{9b}2J\u{202e}.pcap: "),
        "{}",
        text(&output.stderr)
    );
}

#[test]
fn a_summary_shows_names_of_files_without_what_controls_a_terminal() {
    let folder = Folder::with(&["redis.pcap"]);
    folder.write(NAME, &crate::folder::sample("redis.pcap"));
    let shown = text(&nfstream(&folder, &["summary", NAME]).stdout);
    assert!(shown.contains(r"a\u{1b}[31m\u{a}error: b\u{9b}2J\u{202e}.pcap, "), "{shown}");
    assert!(!has_controls(&shown));
    let json = text(&nfstream(&folder, &["summary", NAME, "--json"]).stdout);
    assert!(!has_controls(&json), "{json:?}");
    assert!(json.contains(r"\u009b2J\u202e.pcap"), "{json}");
}

#[test]
#[cfg(feature = "ndpi")]
fn tables_on_a_terminal_do_not_control_it() {
    let folder = Folder::with(&[]);
    let agent = "\u{1b}]0;owned\u{7}\u{9b}2J=1+1";
    folder.write("a.pcap", &request(agent));
    let path = folder.path("a.pcap");
    let path = path.to_str().unwrap();
    for format in ["csv", "jsonl", "table"] {
        let args =
            ["flows", path, "--dissector", "ndpi", "--format", format, "--columns", "client_info"];
        let shown = output_on_terminal(&args);
        assert!(shown.contains("=1+1"), "{format}: {shown}");
        assert!(!has_controls(&shown), "{format}: {shown:?}");
    }
    // A file keeps what was in the packets, and JSON escapes it everywhere.
    let args = ["flows", path, "--dissector", "ndpi", "--columns", "client_info"];
    assert!(output_of(&args).contains(agent));
    let json = output_of(&[&args[..], &["--format", "jsonl"]].concat());
    assert!(!has_controls(&json) && json.contains(r"\u001b]0;owned\u0007\u009b2J"), "{json}");
}

#[test]
fn groups_on_a_terminal_do_not_control_it() {
    let folder = Folder::with(&[]);
    folder.write("a.pcap", &request("moc.\u{202e}gpj.exe,\"quoted\""));
    let path = folder.path("a.pcap");
    let args = ["summary", path.to_str().unwrap(), "--dissector", "native", "--by", "client_info"];
    for format in [&[][..], &["--csv"], &["--json"]] {
        let shown = output_on_terminal(&[&args[..], format].concat());
        assert!(shown.contains("gpj.exe"), "{format:?}: {shown}");
        assert!(!has_controls(&shown), "{format:?}: {shown:?}");
    }
    // A file keeps what was in the packets.
    let csv = text(&nfstream(&folder, &[&args[..], &["--csv"]].concat()).stdout);
    assert!(csv.contains("\n\"moc.\u{202e}gpj.exe,\"\"quoted\"\"\",1,"), "{csv}");
}

#[test]
fn safe_csv_has_no_formulas() {
    let folder = Folder::with(&[]);
    for agent in ["=HYPERLINK(1)", "+1", "-1", "@SUM(1)"] {
        folder.write("a.pcap", &request(agent));
        let args = ["flows", "a.pcap", "--dissector", "native", "--columns", "client_info"];
        let rows = |more: &[&str]| text(&nfstream(&folder, &[&args[..], more].concat()).stdout);
        assert_eq!(rows(&[]), format!("client_info\n{agent}\n"));
        assert_eq!(rows(&["--csv-safe"]), format!("client_info\n'{agent}\n"));
    }
    let output = nfstream(&folder, &["flows", "a.pcap", "--csv-safe", "--format", "jsonl"]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(text(&output.stderr), "error: --csv-safe is for --format csv, not jsonl\n");
}

#[test]
fn anonymized_files_have_no_hidden_value() {
    let folder = Folder::with(&["redis.pcap"]);
    folder.write("10.0.0.99.pcap", &crate::folder::sample("redis.pcap"));
    for name in ["a.parquet", "a.arrow", "a.arrows", "a.csv", "a.jsonl"] {
        let args = [
            "flows",
            "10.0.0.99.pcap",
            "--where",
            "src_ip != '10.0.0.98'",
            "--bpf-filter",
            "not host 10.0.0.97",
            "--columns-to-anonymize",
            "src_ip,dst_ip",
            "--no-dissect",
            "--features",
            "community_id,mac",
            "-o",
            name,
        ];
        let output = nfstream(&folder, &args);
        assert!(output.status.success(), "{}", text(&output.stderr));
        assert_eq!(text(&output.stderr), "", "nothing else can reveal an address");
        let bytes = std::fs::read(folder.path(name)).unwrap();
        for hidden in ["10.0.0.99", "10.0.0.98", "10.0.0.97", "1:"] {
            let found = bytes.windows(hidden.len()).any(|part| part == hidden.as_bytes());
            assert!(!found || hidden == "1:" && name != "a.csv", "{name} shows {hidden}");
        }
    }
}

#[test]
fn columns_that_can_show_a_hidden_value_are_named() {
    let folder = Folder::with(&["redis.pcap"]);
    let warning = |more: &[&str]| {
        let args = ["flows", "redis.pcap", "--columns-to-anonymize"];
        text(&nfstream(&folder, &[&args[..], more].concat()).stderr)
    };
    assert_eq!(
        warning(&["src_ip"]),
        "warning: not anonymized, but can reveal a hidden value: client_info, server_info; \
         anonymize them too, or leave them out\n"
    );
    let all = warning(&["src_ip", "--features", "all", "--separate"]);
    for column in ["source", "dns_query_name", "dns_addresses", "http_host", "http_url"] {
        assert!(all.contains(column), "{column} is missing: {all}");
    }
    assert!(!all.contains("community_id"), "{all}");
    assert_eq!(warning(&["src_ip,client_info,server_info"]), "");
}
