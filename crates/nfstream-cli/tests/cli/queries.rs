//! Slips of newcomers, groups of flows, extracted packets, and files for spans of time.

use crate::folder::Folder;

#[test]
fn options_of_other_programs_get_a_hint() {
    for (name, args) in [
        ("slip_r", &["flows", "-r", "redis.pcap"][..]),
        ("slip_i", &["live", "-i", "eth0"]),
        ("slip_w", &["flows", "redis.pcap", "-w", "out.csv"]),
        ("slip_json", &["flows", "redis.pcap", "--json"]),
        ("slip_dissections", &["flows", "redis.pcap", "--n_dissections", "20"]),
        ("slip_elsewhere", &["flows", "redis.pcap", "--performance_report", "5"]),
    ] {
        Folder::with(&["redis.pcap"]).check(name, args);
    }
}

#[test]
fn help_is_a_command_too() {
    Folder::with(&[]).check("help_word", &["help", "interfaces"]);
}

#[test]
fn a_capture_is_no_interface_and_an_interface_no_capture() {
    Folder::with(&["redis.pcap"]).check("slip_live", &["live", "redis.pcap"]);
    #[cfg(target_os = "linux")]
    Folder::with(&[]).check("slip_flows", &["flows", "lo"]);
}

#[test]
fn names_of_nfstream_6_have_their_counterparts() {
    let args = ["flows", "redis.pcap", "--columns", "bidirectional_bytes"];
    Folder::with(&["redis.pcap"]).check("slip_column", &args);
    let args = ["flows", "redis.pcap", "--features", "statistical_analysis"];
    Folder::with(&["redis.pcap"]).check("slip_feature", &args);
    let args = ["flows", "redis.pcap", "--idle_timeout", "5"];
    Folder::with(&["redis.pcap"]).check("slip_underscore", &args);
}

#[test]
fn flows_are_grouped_by_columns_and_time() {
    let by = ["summary", "web.pcap", "--by", "dst_port,protocol", "--top", "3", "--no-dissect"];
    Folder::with(&["web.pcap"]).check("groups", &by);
    let csv = ["summary", "web.pcap", "--by", "dst_port", "--every", "1h", "--csv", "--no-dissect"];
    Folder::with(&["web.pcap"]).check("groups_csv", &csv);
    let last =
        ["summary", "web.pcap", "--by", "dst_port", "--last", "1s", "--json", "--no-dissect"];
    Folder::with(&["web.pcap"]).check("groups_json", &last);
    let span = ["summary", "web.pcap", "--every", "5"];
    Folder::with(&["web.pcap"]).check("groups_span", &span);
}

#[test]
fn groups_count_each_flow_once() {
    let early = ["--early-packets", "2", "--csv", "--no-dissect"];
    let args = [&["summary", "redis.pcap", "--by", "protocol"][..], &early].concat();
    Folder::with(&["redis.pcap"]).check("groups_early", &args);
}

#[test]
fn flows_are_labelled_by_rules() {
    let folder = Folder::with(&["web.pcap"]);
    let rules = "src_ip,Host B,dst_port,start,end,label\n\
                 ,192.168.10.1,53,,,lookup\n\
                 ,,443,2026-11-23 11:28:28,2026-11-23 11:28:29,secure\n\
                 192.0.2.1,,,,,scan\n";
    folder.write("rules.csv", rules.as_bytes());
    let by = |rules: &[&'static str], others: &[&'static str]| {
        let labels = ["--label-by", "rules.csv", "--label-column", "dst_ip=Host B"];
        [&["summary", "web.pcap", "--no-dissect", "--csv"], labels.as_slice(), rules, others]
            .concat()
    };
    let zone = ["--label-time-zone", "-03:00"];
    folder.check("labels", &by(&zone, &["--by", "label"]));
    folder.check("labels_hours", &by(&["--label-time-zone", "UTC"], &["--by", "label"]));
    folder.check("labels_zoneless", &by(&[], &["--by", "label"]));
    folder.check("labels_other_zone", &by(&["--label-time-zone", "Mars"], &["--by", "label"]));
    let default = ["--label-default", "benign", "--where", "label == \"benign\""];
    folder.check("labels_default", &by(&zone, &[&default[..], &["--by", "dst_port"]].concat()));
    let args = ["flows", "web.pcap", "--label-by", "rules.csv", "--label-column", "to=Host B"];
    folder.check("labels_heading", &args);
    folder.check("labels_off", &["flows", "web.pcap", "--where", "label == \"scan\""]);
    folder.check("labels_missing", &["flows", "web.pcap", "--label-by", "none.csv"]);
    folder.check("labels_alone", &["flows", "web.pcap", "--label-time-zone", "UTC"]);
    folder.write("rules.csv", b"start,end,label\n20,10,x\n");
    folder.check("labels_reversed", &["flows", "web.pcap", "--label-by", "rules.csv"]);
}

#[test]
fn packets_are_extracted() {
    let folder = Folder::with(&["web.pcap"]);
    let args = ["extract", "web.pcap", "--where", "dst_port == 53", "-o", "dns.pcapng"];
    folder.check("extract", &args);
    folder.check("extract_existing", &args);
    folder.check("extract_all", &["extract", "web.pcap", "-o", "all.pcapng"]);
    folder.check("extract_pcap", &["extract", "web.pcap", "--id", "1", "-o", "one.pcap"]);
}

#[test]
fn divided_packets_do_not_replace_their_capture() {
    let folder = Folder::with(&["web.pcap"]);
    let args = ["extract", "web.pcap", "--where", "id < 2", "--split", "-o", "flow.pcapng"];
    folder.check("extract_divided", &args);
    let args = ["extract", "flow.0.pcapng", "--id", "0", "--split", "--force", "-o", "flow.pcapng"];
    folder.check("extract_onto_input", &args);
}

#[test]
fn packets_of_a_pipe_are_not_extracted() {
    let folder = Folder::with(&["web.pcap"]);
    folder.check("extract_pipe", &["extract", "-", "--id", "1", "-o", "one.pcapng"]);
}

#[test]
fn each_span_of_time_has_a_file() {
    let folder = Folder::with(&["web.pcap"]);
    let args =
        ["flows", "web.pcap", "--every", "1h", "-o", "flows/day=%F/%H.csv.gz", "--columns", "id"];
    folder.check("every", &args);
    folder.check("every", &args);
    let days = std::fs::read_dir(folder.path("flows")).unwrap();
    let files = days.flat_map(|day| std::fs::read_dir(day.unwrap().path()).unwrap());
    let names: Vec<_> = files.map(|file| file.unwrap().file_name()).collect();
    let continued = names.iter().filter(|name| name.to_string_lossy().ends_with(".1.csv.gz"));
    assert_eq!(2 * continued.count(), names.len(), "{names:?}");
}
