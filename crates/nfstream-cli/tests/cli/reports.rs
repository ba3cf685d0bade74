//! `nfstream report`: the file, its contents and hostile text in it.

use std::fs;
use std::process::{Command, Output};

use crate::folder::Folder;

fn nfstream(folder: &Folder, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nfstream"));
    command.args(args).current_dir(folder.path("")).output().unwrap()
}

/// Returns the data in a page.
fn data(page: &str) -> serde_json::Value {
    let (_, rest) = page.split_once("<script type=\"application/json\" id=\"data\">").unwrap();
    let (json, _) = rest.split_once("</script>").unwrap();
    assert!(!json.contains(['<', '>', '&']));
    serde_json::from_str(json).unwrap()
}

fn report(folder: &Folder, args: &[&str]) -> serde_json::Value {
    let output = nfstream(folder, &[&["report"], args].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    data(&String::from_utf8(output.stdout).unwrap())
}

#[test]
fn help_of_report_shows_all_options() {
    Folder::with(&[]).check("help_report", &["report", "--help"]);
}

#[test]
fn every_packet_and_flow_is_accounted_for() {
    let data = report(&Folder::with(&["web.pcap"]), &["web.pcap"]);
    let stats = &data["stats"];
    let ignored = stats["ignored"].as_object().unwrap().values();
    let ignored: u64 = ignored.map(|packets| packets.as_u64().unwrap()).sum();
    let in_flows = stats["flow_packets"].as_u64().unwrap();
    assert_eq!(stats["packets"].as_u64().unwrap(), in_flows + ignored);
    assert_eq!(data["total"]["packets"].as_u64().unwrap(), in_flows);
    assert_eq!(data["total"]["flows"], data["flows"]["rows"]);
    let bytes = &data["total"]["bytes"];
    let sums = |rows: &serde_json::Value, sum: &dyn Fn(&serde_json::Value) -> u64| {
        serde_json::Value::from(rows.as_array().unwrap().iter().map(sum).sum::<u64>())
    };
    assert_eq!(sums(&data["applications"], &|one| one["bytes"].as_u64().unwrap()), *bytes);
    assert_eq!(sums(&data["categories"], &|one| one["bytes"].as_u64().unwrap()), *bytes);
    assert_eq!(sums(&data["paths"]["rows"], &|one| one[3].as_u64().unwrap()), *bytes);
    let of_series = |one: &serde_json::Value| {
        one["bytes"].as_array().unwrap().iter().map(|bytes| bytes.as_u64().unwrap()).sum()
    };
    assert_eq!(sums(&data["timeline"]["series"], &of_series), *bytes);
    for column in data["columns"].as_array().unwrap() {
        if !column["values"].is_null() && column["name"] != "total_bytes" {
            let counted = sums(&column["values"]["top"], &|one| one[1].as_u64().unwrap());
            assert_eq!(counted, data["total"]["flows"], "{}", column["name"]);
        }
    }
}

#[test]
fn the_sample_has_the_largest_flows_and_totals_have_all() {
    let folder = Folder::with(&["web.pcap"]);
    let all = report(&folder, &["web.pcap"]);
    let few = report(&folder, &["web.pcap", "--flows", "2"]);
    let none = report(&folder, &["web.pcap", "--flows", "0"]);
    for name in ["total", "timeline", "applications", "paths", "columns", "certificates"] {
        assert_eq!(all[name], few[name], "{name}");
        assert_eq!(all[name], none[name], "{name}");
    }
    assert_eq!(none["flows"]["rows"], 0);
    let sizes = |data: &serde_json::Value| -> Vec<u64> {
        let names = data["columns"].as_array().unwrap().iter();
        let place = names.into_iter().position(|column| column["name"] == "total_bytes").unwrap();
        let cells = &data["flows"]["columns"][place];
        let mut sizes: Vec<_> =
            cells["values"].as_array().unwrap().iter().map(|size| size.as_u64().unwrap()).collect();
        sizes.sort_unstable_by_key(|size| std::cmp::Reverse(*size));
        sizes
    };
    assert_eq!(sizes(&all)[..2], sizes(&few)[..2]);
    assert!(few["flows"]["rows"].as_u64().unwrap() < all["flows"]["rows"].as_u64().unwrap());
}

#[test]
fn records_before_the_end_of_a_flow_do_not_count() {
    let folder = Folder::with(&["redis.pcap"]);
    let data = report(&folder, &["redis.pcap", "--early-packets", "2"]);
    let whole = report(&folder, &["redis.pcap"]);
    assert_eq!(data["total"], whole["total"]);
    assert_eq!(data["flows"]["rows"], whole["total"]["flows"]);
}

#[test]
fn a_report_of_no_flows_is_complete() {
    let folder = Folder::with(&["web.pcap"]);
    let data = report(&folder, &["web.pcap", "--where", "total_packets > 1000000"]);
    assert_eq!((&data["total"]["flows"], &data["span_us"]), (&0.into(), &().into()));
    assert!(data["stats"]["packets"].as_u64().unwrap() > 0);
}

#[test]
fn an_existing_file_and_a_capture_are_kept() {
    let folder = Folder::with(&["redis.pcap"]);
    folder.write("report.html", b"mine");
    for (args, status, message) in [
        (&["report", "redis.pcap", "-o", "report.html"][..], 1, "already exists; use --force"),
        (&["report", "redis.pcap", "-o", "redis.pcap", "--force"], 1, "refusing to overwrite"),
        (&["report", "redis.pcap", "-o", "absent/report.html"], 1, "no such file or directory"),
        (&["report", "absent.pcap", "-o", "new.html"], 1, "no such file or directory"),
    ] {
        let output = nfstream(&folder, args);
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(status), "{error}");
        assert!(error.contains(message), "{error}");
    }
    assert_eq!(folder.names(), ["redis.pcap", "report.html"]);
    assert_eq!(fs::read(folder.path("report.html")).unwrap(), b"mine");
    let forced = nfstream(&folder, &["report", "redis.pcap", "-o", "report.html", "--force"]);
    assert!(forced.status.success());
    let page = fs::read_to_string(folder.path("report.html")).unwrap();
    assert!(page.starts_with("<!doctype html>") && page.len() < 2_000_000);
    assert_eq!(data(&page)["total"]["flows"], 6);
}

#[test]
fn the_report_of_a_damaged_capture_says_so() {
    let folder = Folder::with(&["redis.pcap"]);
    let whole = fs::read(folder.path("redis.pcap")).unwrap();
    folder.write("cut.pcap", &whole[..whole.len() - 7]);
    let output = nfstream(&folder, &["report", "cut.pcap"]);
    // As for a table: only the last packet is missing.
    assert_eq!(output.status.code(), nfstream(&folder, &["flows", "cut.pcap"]).status.code());
    let cut = data(&String::from_utf8(output.stdout).unwrap());
    let warning = cut["warnings"][0].as_str().unwrap();
    assert!(String::from_utf8(output.stderr).unwrap().contains(warning), "{warning}");
    folder.write("none.pcap", b"no capture");
    let output = nfstream(&folder, &["report", "cut.pcap", "none.pcap"]);
    assert_eq!(output.status.code(), Some(1));
    let both = data(&String::from_utf8(output.stdout).unwrap());
    assert_eq!(both["stats"]["damaged_files"], 1);
    assert_eq!(both["warnings"].as_array().unwrap().len(), 2);
}

#[test]
fn titles_and_names_of_files_are_text() {
    let folder = Folder::with(&[]);
    let name = "</script><img src=x onerror=alert(1)>\u{202e}\u{1b}[31m&.pcap".replace('/', "");
    folder.write(&name, &crate::folder::sample("redis.pcap"));
    let output = nfstream(&folder, &["report", &name, "--title", "</title></script>\u{2028}<b>"]);
    let page = String::from_utf8(output.stdout).unwrap();
    assert_eq!(page.to_lowercase().matches("</script").count(), 2);
    assert_eq!(page.matches("<img").count(), 0);
    let data = data(&page);
    assert_eq!(data["title"], "</title></script>\\u{2028}<b>");
    assert!(data["captures"][0].as_str().unwrap().contains("\\u{202e}\\u{1b}[31m&.pcap"));
}

#[test]
fn a_sandbox_changes_nothing() {
    let folder = Folder::with(&["web.pcap"]);
    let args = ["report", "web.pcap", "--n-meters", "2", "-o", "confined.html", "--sandbox"];
    let output = nfstream(&folder, &args);
    let error = String::from_utf8(output.stderr).unwrap();
    if error.contains("this system has no") {
        return;
    }
    assert!(output.status.success(), "{error}");
    let open = report(&folder, &["web.pcap", "--n-meters", "2"]);
    let confined = fs::read_to_string(folder.path("confined.html")).unwrap();
    assert_eq!(data(&confined), open);
}
