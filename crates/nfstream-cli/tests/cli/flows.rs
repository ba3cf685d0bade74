//! Tests of `nfstream flows`.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::process::{Command, Stdio};

use crate::folder::{Folder, corrupt_at, sample};

#[test]
#[cfg(feature = "ndpi")]
fn piped_flows_are_csv() {
    Folder::with(&["redis.pcap"]).check("flows_csv", &["flows", "redis.pcap"]);
}

#[test]
fn no_dissect_removes_columns() {
    let args = ["flows", "redis.pcap", "--no-dissect"];
    Folder::with(&["redis.pcap"]).check("flows_no_dissect", &args);
}

#[test]
#[cfg(feature = "ndpi")]
fn json_lines_have_the_columns_as_names() {
    let args = ["flows", "redis.pcap", "--format", "jsonl", "--limit", "2"];
    Folder::with(&["redis.pcap"]).check("flows_jsonl", &args);
}

#[test]
#[cfg(feature = "ndpi")]
fn piped_tables_are_a_hundred_wide() {
    let args = ["flows", "web.pcap", "--format", "table"];
    Folder::with(&["web.pcap"]).check("flows_table", &args);
}

#[test]
fn columns_are_written_in_the_given_order() {
    let args = ["flows", "redis.pcap", "--columns", "dst_port,src_ip,total_bytes"];
    Folder::with(&["redis.pcap"]).check("flows_columns", &args);
}

#[test]
fn columns_turn_on_their_measurements() {
    let args =
        ["flows", "redis.pcap", "--columns", "id,splt_ps,community_id", "--splt-analysis", "3"];
    Folder::with(&["redis.pcap"]).check("flows_more_columns", &args);
}

#[test]
#[cfg(feature = "ndpi")]
fn tables_of_chosen_columns_are_unformatted() {
    let columns = "id,first_seen,application_name,src_ip,src_port";
    let args = ["flows", "redis.pcap", "--format", "table", "--columns", columns];
    Folder::with(&["redis.pcap"]).check("flows_columns_table", &args);
}

#[test]
fn sorted_flows_are_cut_after_sorting() {
    let columns = "id,total_bytes,src_ip";
    let sort = "total_bytes:desc";
    let args = ["flows", "web.pcap", "--columns", columns, "--sort", sort, "--limit", "4"];
    Folder::with(&["web.pcap"]).check("flows_sorted", &args);
}

#[test]
fn flows_beyond_the_limit_are_evicted() {
    let columns = "id,end_reason";
    let limit = ["--max-active-flows", "2", "--n-meters", "1"];
    let args = [&["flows", "redis.pcap", "--columns", columns], limit.as_slice()].concat();
    Folder::with(&["redis.pcap"]).check("flows_evicted", &args);
}

#[test]
fn timeouts_take_fractions() {
    let columns = "id,total_packets,duration,expiration_id";
    let args = [
        "flows",
        "long.pcap",
        "--columns",
        columns,
        "--idle-timeout",
        "3.4",
        "--active-timeout",
        "5.5",
    ];
    Folder::with(&["long.pcap"]).check("flows_timeouts", &args);
}

#[test]
#[cfg(feature = "ndpi")]
fn compressed_captures_and_folders_are_read() {
    let folder = Folder::with(&["dns.pcap.gz", "redis.pcap.zst"]);
    folder.write("notes.txt", b"not to be read");
    folder.check("flows_folder", &["flows", ".", "--columns", "id,application_name,total_packets"]);
}

#[test]
fn a_dash_is_standard_input() {
    let folder = Folder::with(&["redis.pcap"]);
    let input = File::open(folder.path("redis.pcap")).unwrap();
    let args = ["flows", "-", "--columns", "id,total_packets", "-o", "-"];
    folder.check_with_input("flows_stdin", &args, input.into());
}

#[test]
fn any_number_of_meters_writes_the_same() {
    let folder = Folder::with(&["web.pcap"]);
    for n in ["1", "3"] {
        let args = ["flows", "web.pcap", "--n-meters", n, "-o"];
        let output = Command::new(env!("CARGO_BIN_EXE_nfstream"))
            .args(args)
            .arg(folder.path(&format!("{n}.csv")))
            .current_dir(folder.path(""))
            .output()
            .unwrap();
        assert!(output.status.success());
    }
    let read = |name| fs::read(folder.path(name)).unwrap();
    assert_eq!(read("1.csv"), read("3.csv"));
}

#[test]
fn files_have_the_format_of_their_extension() {
    let folder = Folder::with(&["redis.pcap"]);
    folder.check("flows_to_file", &["flows", "redis.pcap", "-o", "out.ndjson"]);
    assert_eq!(folder.names(), ["out.ndjson", "redis.pcap"]);
    assert!(fs::read_to_string(folder.path("out.ndjson")).unwrap().starts_with(r#"{"id":0,"#));
}

#[test]
fn unknown_extensions_are_refused() {
    let folder = Folder::with(&["redis.pcap"]);
    folder.check("flows_unknown_extension", &["flows", "redis.pcap", "-o", "out.xlsx"]);
    assert_eq!(folder.names(), ["redis.pcap"]);
}

#[test]
fn existing_files_are_kept() {
    let folder = Folder::with(&["redis.pcap"]);
    folder.write("out.csv", b"precious");
    folder.check("flows_existing", &["flows", "redis.pcap", "-o", "out.csv"]);
    assert_eq!(fs::read(folder.path("out.csv")).unwrap(), b"precious");
    assert_eq!(folder.names(), ["out.csv", "redis.pcap"]);
}

#[test]
fn force_replaces_existing_files() {
    let folder = Folder::with(&["redis.pcap"]);
    folder.write("out.csv", b"worthless");
    folder.check("flows_force", &["flows", "redis.pcap", "-o", "out.csv", "--force"]);
    assert!(fs::read_to_string(folder.path("out.csv")).unwrap().starts_with("id,"));
}

#[test]
fn captures_are_never_replaced() {
    let folder = Folder::with(&["redis.pcap"]);
    let args = ["flows", "redis.pcap", "-o", "redis.pcap", "--force", "--format", "csv"];
    folder.check("flows_onto_input", &args);
    assert_eq!(fs::read(folder.path("redis.pcap")).unwrap(), sample("redis.pcap"));
}

#[test]
fn targets_that_cannot_be_written_are_named() {
    let folder = Folder::with(&["redis.pcap"]);
    folder.check("flows_no_folder", &["flows", "redis.pcap", "-o", "missing/out.csv"]);
    folder.write("folder.csv/file", b"");
    folder.check("flows_onto_folder", &["flows", "redis.pcap", "-o", "folder.csv"]);
}

#[cfg(target_os = "linux")]
#[test]
fn full_disks_are_reported() {
    let args = ["flows", "redis.pcap", "-o", "/dev/full", "--format", "csv"];
    Folder::with(&["redis.pcap"]).check("flows_full", &args);
}

#[test]
fn missing_files_are_named() {
    Folder::with(&["redis.pcap"]).check("flows_missing", &["flows", "redis.pcap", "mising.pcap"]);
}

#[test]
fn folders_without_captures_are_refused() {
    let folder = Folder::with(&[]);
    folder.write("empty/notes.txt", b"");
    folder.check("flows_empty_folder", &["flows", "empty"]);
}

#[test]
fn empty_files_have_no_flows_and_other_files_are_refused() {
    let folder = Folder::with(&[]);
    folder.write("empty.pcap", b"");
    folder.write("notes.pcap", b"Dear diary, today I captured nothing.\n");
    folder.check("flows_empty", &["flows", "empty.pcap", "--columns", "id"]);
    folder.check("flows_text", &["flows", "notes.pcap"]);
}

#[test]
#[cfg(feature = "ndpi")]
fn captures_without_packets_have_a_header_only() {
    let folder = Folder::with(&[]);
    folder.write("nothing.pcap", &sample("redis.pcap")[..24]);
    folder.check("flows_nothing", &["flows", "nothing.pcap"]);
}

#[test]
fn cut_captures_give_a_warning() {
    let folder = Folder::with(&[]);
    let whole = sample("redis.pcap");
    folder.write("cut.pcap", &whole[..whole.len() - 9]);
    folder.check("flows_cut", &["flows", "cut.pcap", "--columns", "id,total_packets"]);
}

#[test]
fn flows_before_a_failure_are_written() {
    let folder = Folder::with(&[]);
    folder.write("bad.pcap", &corrupt_at("redis.pcap", 30));
    folder.check("flows_corrupt", &["flows", "bad.pcap", "--columns", "id,total_packets"]);
}

#[test]
fn wrong_values_are_explained() {
    let folder = Folder::with(&["redis.pcap"]);
    for (snapshot, option, value) in [
        ("flows_negative_timeout", "--idle-timeout", "-1"),
        ("flows_worded_timeout", "--idle-timeout", "abc"),
        ("flows_unknown_column", "--columns", "id,src_prt"),
        ("flows_unknown_sort", "--sort", "bytes:down"),
        ("flows_unknown_format", "--format", "xml"),
        ("flows_negative_limit", "--limit", "-1"),
    ] {
        folder.check(snapshot, &["flows", "redis.pcap", option, value]);
    }
}

#[test]
fn columns_of_labels_need_a_dissector() {
    let args = ["flows", "redis.pcap", "--no-dissect", "--columns", "id,application_name"];
    Folder::with(&["redis.pcap"]).check("flows_column_off", &args);
}

#[test]
#[cfg(not(feature = "ndpi"))]
fn a_build_without_ndpi_labels_flows() {
    let args = ["flows", "redis.pcap", "--columns", "id,application_name"];
    Folder::with(&["redis.pcap"]).check("flows_without_ndpi", &args);
}

#[test]
fn captures_must_be_named() {
    Folder::with(&[]).check("flows_no_captures", &["flows"]);
}

#[test]
#[cfg(feature = "ndpi")]
fn features_add_their_columns() {
    let folder = Folder::with(&["redis.pcap"]);
    let args = ["flows", "redis.pcap", "--features", "end_reason,tunnel", "--limit", "1"];
    folder.check("flows_features", &args);
    let args = ["flows", "redis.pcap", "--statistical-analysis", "--splt-analysis", "2"];
    folder.check("flows_statistics", &[&args[..], &["--limit", "1", "--no-dissect"]].concat());
}

#[test]
fn rules_are_those_of_the_streamer() {
    let folder = Folder::with(&["web.pcap", "tunnels.pcap"]);
    let columns = ["--columns", "id,total_packets,total_bytes,first_seen,tunnel_id,end_reason"];
    for (snapshot, options) in [
        ("flows_accounting", &["web.pcap", "--accounting-mode", "3", "--limit", "3"][..]),
        ("flows_unit", &["web.pcap", "--time-unit", "ns", "--limit", "3"]),
        ("flows_track_tcp", &["web.pcap", "--track-tcp", "--where", "end_reason == 'tcp_fin'"]),
        ("flows_filter", &["web.pcap", "--bpf-filter", "udp port 53", "--limit", "3"]),
        ("flows_max", &["web.pcap", "--max-nflows", "2"]),
        ("flows_outer", &["tunnels.pcap", "--no-decode-tunnels", "--limit", "4"]),
        ("flows_inner", &["tunnels.pcap", "--limit", "4"]),
    ] {
        folder.check(snapshot, &[&["flows"], options, &columns].concat());
    }
}

#[test]
#[cfg(feature = "ndpi")]
fn conditions_select_flows() {
    let folder = Folder::with(&["web.pcap"]);
    for (snapshot, condition) in [
        ("where_ports", "dst_port == 443 && total_bytes > 1000"),
        ("where_text", "application_name.matches('^(DNS|HTTP)[.]') && src_ip != dst_ip"),
        ("where_lists", "splt_ps.exists(size, size > 1000) && !application_is_guessed"),
        ("where_doubles", "bidirectional_mean_ps >= 60 && bidirectional_mean_ps < 90.5"),
    ] {
        let columns = "id,dst_port,total_bytes,application_name";
        folder.check(snapshot, &["flows", "web.pcap", "--where", condition, "--columns", columns]);
    }
    let args = ["flows", "web.pcap", "--where", "end_reason != 'idle' && id < 2", "--no-dissect"];
    folder.check("where_default_columns", &args);
    let args = ["summary", "web.pcap", "--where", "dst_port == 53", "--top", "1"];
    folder.check("where_summary", &args);
}

#[test]
fn bad_conditions_are_explained() {
    let folder = Folder::with(&["web.pcap"]);
    for (snapshot, condition) in [
        ("where_unknown_column", "src_prt == 443"),
        ("where_no_quotes", "application_name == TLS"),
        ("where_types", "src_port == '443'"),
        ("where_no_bool", "total_bytes + 1"),
        ("where_single_equals", "src_port = 443"),
        ("where_word", "src_port == 443 and protocol == 6"),
        ("where_end", "src_port == "),
        ("where_address", "src_ip == 10.0.0.1"),
        ("where_pattern", "src_ip.matches('(')"),
        ("where_zero", "total_bytes / dst2src_packets > 100"),
    ] {
        folder.check(snapshot, &["flows", "web.pcap", "--where", condition]);
    }
    let args = ["flows", "web.pcap", "--where", "application_name == ''", "--no-dissect"];
    folder.check("where_off", &args);
}

#[test]
#[cfg(feature = "ndpi")]
fn separate_captures_have_a_source() {
    let folder = Folder::with(&["redis.pcap", "dns.pcap", "ssh.pcap"]);
    let columns = "id,total_packets,dst_port";
    let args = ["flows", "redis.pcap", "dns.pcap", "--separate", "--columns", columns];
    folder.check("separate", &args);
    folder.check("separate_limit", &[&args[..], &["--limit", "4"]].concat());
    folder.check("separate_sorted", &[&args[..], &["--sort", "total_packets:desc"]].concat());
    folder.check("separate_table", &[&args[..], &["--format", "table"]].concat());
    let args = ["flows", ".", "--separate", "--format", "table"];
    folder.check("separate_glance", &args);
    let args = ["flows", "redis.pcap", "mising.pcap", "--separate"];
    folder.check("separate_missing", &args);
}

#[test]
fn patterns_select_matching_files() {
    let folder = Folder::with(&["redis.pcap", "dns.pcap"]);
    folder.write("[x]*.pcap", &sample("ssh.pcap"));
    let columns = ["--separate", "--columns", "id"];
    folder.check("glob", &[&["flows", "./?[en]*.pcap"], &columns[..]].concat());
    folder.check("glob_itself", &[&["flows", "[x]*.pcap"], &columns[..]].concat());
    folder.check("glob_nothing", &["flows", "*.pcapng"]);
}

#[test]
fn formats_for_programs_go_to_pipes_and_files() {
    let folder = Folder::with(&["redis.pcap"]);
    for (format, magic) in
        [("parquet", &b"PAR1"[..]), ("arrow", b"ARROW1"), ("arrows", b"\xff\xff")]
    {
        let name = format!("out.{format}");
        let run = |more: &[&str]| {
            let args = ["flows", "redis.pcap", "--separate", "--timestamps"];
            Command::new(env!("CARGO_BIN_EXE_nfstream"))
                .args(args)
                .args(more)
                .current_dir(folder.path(""))
                .output()
                .unwrap()
        };
        assert!(run(&["-o", &name]).status.success());
        let piped = run(&["--format", format]).stdout;
        let filed = fs::read(folder.path(&name)).unwrap();
        assert!(piped.starts_with(magic), "{format}");
        assert_eq!(piped.len(), filed.len());
    }
}

#[test]
fn times_can_be_timestamps() {
    let args = ["flows", "redis.pcap", "--timestamps", "--columns", "id,first_seen,duration"];
    Folder::with(&["redis.pcap"]).check("flows_timestamps", &args);
}

#[test]
fn tables_are_rotated() {
    let folder = Folder::with(&["web.pcap"]);
    let args = ["flows", "web.pcap", "-o", "out.csv", "--flows-per-file", "10"];
    folder.check("flows_rotated", &args);
    folder.check("flows_rotated_existing", &args);
    let args = [&args[..], &["--rotate-files", "2", "--force"]].concat();
    folder.check("flows_rotated_force", &args);
    assert_eq!(folder.names().len(), 3);
    folder
        .check("flows_rotate_alone", &["flows", "web.pcap", "-o", "o.csv", "--rotate-files", "2"]);
}

#[test]
fn tables_for_people_are_refused_as_files() {
    let args = ["flows", "redis.pcap", "-o", "out.txt", "--format", "table"];
    Folder::with(&["redis.pcap"]).check("flows_table_to_file", &args);
}

#[test]
fn wrong_rules_are_explained() {
    let folder = Folder::with(&["redis.pcap"]);
    for (snapshot, option, value) in [
        ("rules_feature", "--features", "tcp-flags"),
        ("rules_accounting", "--accounting-mode", "4"),
        ("rules_unit", "--time-unit", "s"),
        ("rules_filter", "--bpf-filter", "tcp prot 80"),
        ("rules_column_unit", "--columns", "id,src2dst_duration_us"),
    ] {
        folder.check(snapshot, &["flows", "redis.pcap", option, value]);
    }
    let args = ["flows", "redis.pcap", "--no-dissect", "--features", "tls"];
    folder.check("rules_feature_off", &args);
}

#[test]
fn values_can_be_hashes() {
    let folder = Folder::with(&["redis.pcap"]);
    folder.write("key", b"secret");
    let options = ["flows", "redis.pcap", "--columns", "id,src_ip,dst_port"];
    let hide = ["--columns-to-anonymize", "src_ip,dst_port", "--anonymization-key", "key"];
    let args = [&options[..], &hide].concat();
    folder.check("flows_anonymized", &args);
    let random = [&options[..], &hide[..2]].concat();
    let run = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_nfstream"));
        command.args(&random).current_dir(folder.path("")).output().unwrap().stdout
    };
    assert_ne!(run(), run(), "without a key hashes must differ from run to run");
}

#[test]
fn wrong_anonymization_is_explained() {
    let folder = Folder::with(&["redis.pcap"]);
    folder.write("empty", b"");
    folder.write("long", &[0; 65]);
    for (snapshot, args) in [
        ("anonymize_empty_key", "--columns-to-anonymize src_ip --anonymization-key empty"),
        ("anonymize_long_key", "--columns-to-anonymize src_ip --anonymization-key long"),
        ("anonymize_no_key", "--columns-to-anonymize src_ip --anonymization-key none"),
        ("anonymize_key_alone", "--anonymization-key long"),
        ("anonymize_absent_column", "--columns-to-anonymize src_ip --columns id,dst_ip"),
        ("anonymize_unknown_column", "--columns-to-anonymize src_pi"),
        ("anonymize_table", "--columns-to-anonymize src_ip --format table"),
    ] {
        let args: Vec<_> = ["flows", "redis.pcap"].into_iter().chain(args.split(' ')).collect();
        folder.check(snapshot, &args);
    }
}

fn failure(folder: &Folder, args: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nfstream"));
    let output = command.args(args).current_dir(folder.path("")).output().unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn a_column_is_named_once() {
    let folder = Folder::with(&["redis.pcap"]);
    for format in ["csv", "table", "jsonl", "arrows"] {
        let args = ["flows", "redis.pcap", "--columns", "src_ip,id,src_ip", "--format", format];
        let (code, message) = failure(&folder, &args);
        assert_eq!((code, message.contains("src_ip")), (Some(2), true), "{format}: {message}");
    }
}

#[test]
fn numbers_out_of_range_are_explained() {
    let folder = Folder::with(&["redis.pcap"]);
    for (option, value, message) in [
        ("--limit", "-1", "expected a whole number of at least 0"),
        ("--n-meters", "100000", "expected a whole number from 0 to 1024"),
        ("--n-meters", "-1", "expected a whole number from 0 to 1024"),
        ("--flows-per-file", "0", "expected a whole number of at least 1"),
    ] {
        let args = ["flows", "redis.pcap", "-o", "a.csv", option, value];
        let (code, found) = failure(&folder, &args);
        assert_eq!(code, Some(2), "{option} {value}");
        assert!(found.contains(message), "{option} {value}: {found}");
    }
    let (code, found) = failure(&folder, &["summary", "redis.pcap", "--top", "-1"]);
    assert_eq!(code, Some(2));
    assert!(found.contains("expected a whole number of at least 0"), "{found}");
}

#[test]
fn a_summary_refuses_options_that_only_add_columns() {
    let folder = Folder::with(&["redis.pcap"]);
    for (args, option) in [
        (&["--features", "tls"][..], "features"),
        (&["--statistical-analysis"], "statistical-analysis"),
        (&["--splt-analysis", "5"], "splt-analysis"),
    ] {
        let (code, message) = failure(&folder, &[&["summary", "redis.pcap"], args].concat());
        let expected = format!(
            "error: --{option} has no effect on a summary; use nfstream flows to see these columns\n"
        );
        assert_eq!((code, message), (Some(2), expected));
    }
}

#[test]
fn the_source_is_a_column_like_others() {
    let folder = Folder::with(&[]);
    for name in ["monday/a.pcap", "tuesday/a.pcap"] {
        folder.write(name, &sample("redis.pcap"));
    }
    let run = |more: &[&str]| {
        let args = ["flows", "monday/a.pcap", "tuesday/a.pcap", "--separate"];
        let mut command = Command::new(env!("CARGO_BIN_EXE_nfstream"));
        let output = command.args(args).args(more).current_dir(folder.path("")).output().unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{error}");
        String::from_utf8(output.stdout).unwrap()
    };
    let rows = run(&["--columns", "id,source,dst_port", "--where", "source == 'tuesday/a.pcap'"]);
    let rows: Vec<_> = rows.lines().collect();
    assert_eq!((rows.len(), rows[0], rows[1]), (7, "id,source,dst_port", "0,tuesday/a.pcap,6379"));
    let only = run(&["--columns", "source", "--where", "id == 0"]);
    assert_eq!(only, "source\nmonday/a.pcap\ntuesday/a.pcap\n");
    let json = run(&["--columns", "id", "--format", "jsonl", "--limit", "1"]);
    assert_eq!(json, "{\"source\":\"monday/a.pcap\",\"id\":0}\n");
    let table = run(&["--format", "table", "--limit", "1"]);
    assert!(table.starts_with("source") && table.contains("monday/a.pcap"), "{table}");
    let table = run(&["--format", "table", "--columns", "id,source", "--where", "id == 0"]);
    assert_eq!(table, "id  source\n 0  monday/a.pcap\n 0  tuesday/a.pcap\n");
    let hidden = run(&["--columns", "source", "--columns-to-anonymize", "source", "--limit", "1"]);
    assert_eq!(hidden.lines().last().map(str::len), Some(64));
    let twice = ["flows", "monday/a.pcap", "monday/a.pcap", "--separate", "--columns", "source"];
    let mut command = Command::new(env!("CARGO_BIN_EXE_nfstream"));
    let output = command.args(twice).current_dir(folder.path("")).output().unwrap();
    let rows = String::from_utf8(output.stdout).unwrap();
    assert_eq!(rows.lines().last(), Some("monday/a.pcap (2)"));
    for more in [&["--columns", "source"][..], &["--where", "source == 'a'"]] {
        let args = [&["flows", "monday/a.pcap"], more].concat();
        assert_eq!(failure(&folder, &args).0, Some(2), "{more:?} without --separate");
    }
}

/// Returns the page with the counts of a run, empty until its port is open.
fn page(port: u16) -> String {
    let mut page = String::new();
    if let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) {
        stream.write_all(b"GET /metrics HTTP/1.1\r\n\r\n").unwrap();
        stream.read_to_string(&mut page).unwrap();
    }
    page
}

#[test]
fn metrics_count_the_packets_of_all_captures() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let folder = Folder::with(&["redis.pcap"]);
    let mut process = Command::new(env!("CARGO_BIN_EXE_nfstream"))
        .args(["flows", "redis.pcap", "-", "--separate", "--no-dissect", "-o", "flows.csv"])
        .args(["--metrics", &format!("127.0.0.1:{port}")])
        .current_dir(folder.path(""))
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = process.stdin.take().unwrap();
    input.write_all(&sample("redis.pcap")).unwrap();
    let packets = sample_packets("redis.pcap");
    let both = format!("\nnfstream_packets_total {}\n", 2 * packets);
    while !page(port).contains(&both) {
        assert!(process.try_wait().unwrap().is_none(), "the run has ended");
        std::thread::yield_now();
    }
    drop(input);
    assert!(process.wait().unwrap().success());
}

/// Returns the number of packets of a sample capture.
fn sample_packets(name: &str) -> usize {
    let bytes = sample(name);
    let (mut at, mut packets) = (24, 0);
    while at < bytes.len() {
        let len = u32::from_le_bytes(bytes[at + 8..at + 12].try_into().unwrap());
        at += 16 + usize::try_from(len).unwrap();
        packets += 1;
    }
    packets
}

#[test]
fn a_collector_gets_further_columns_under_an_enterprise_number() {
    let folder = Folder::with(&["redis.pcap"]);
    let collector = UdpSocket::bind("127.0.0.1:0").unwrap();
    let url = format!("ipfix://{}#enterprise=62000", collector.local_addr().unwrap());
    let output = Command::new(env!("CARGO_BIN_EXE_nfstream"))
        .args(["flows", "redis.pcap", "--features", "statistics", "-o", &url])
        .current_dir(folder.path(""))
        .output()
        .unwrap();
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
    let mut templates = [0; 2048];
    let len = collector.recv(&mut templates).unwrap();
    assert!(templates[..len].windows(4).any(|number| number == 62_000_u32.to_be_bytes()));
}
