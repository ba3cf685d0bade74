//! Subcommands other than `nfstream flows`.

use crate::folder::Folder;

#[test]
fn help_shows_the_commands() {
    Folder::with(&[]).check("help", &["--help"]);
}

#[test]
fn help_of_live_shows_all_options() {
    Folder::with(&[]).check("help_live", &["live", "--help"]);
}

#[test]
fn help_of_interfaces_shows_all_options() {
    Folder::with(&[]).check("help_interfaces", &["interfaces", "--help"]);
}

#[test]
fn processes_need_a_live_capture() {
    let columns = ["flows", "redis.pcap", "--columns", "id,system_process_name"];
    Folder::with(&["redis.pcap"]).check("flows_processes", &columns);
    let condition = ["summary", "redis.pcap", "--where", "system_process_pid > 0"];
    Folder::with(&["redis.pcap"]).check("summary_processes", &condition);
}

#[test]
fn help_of_flows_shows_all_options() {
    Folder::with(&[]).check("help_flows", &["flows", "--help"]);
}

#[test]
#[cfg(feature = "ndpi")]
fn version_includes_the_libraries() {
    Folder::with(&[]).check("version", &["--version"]);
}

#[test]
fn unknown_commands_are_refused() {
    Folder::with(&[]).check("unknown_command", &["flow"]);
}

#[test]
fn captures_without_a_command_get_a_hint() {
    Folder::with(&["redis.pcap"]).check("no_command", &["redis.pcap"]);
}

#[test]
#[cfg(feature = "ndpi")]
fn summary_shows_the_largest_of_each_kind() {
    let args = ["summary", "web.pcap", "--top", "3"];
    Folder::with(&["web.pcap"]).check("summary", &args);
}

#[test]
fn summary_of_several_files_is_one() {
    let args = ["summary", "web.pcap", "dns.pcap.gz", "--top", "1", "--no-dissect"];
    Folder::with(&["web.pcap", "dns.pcap.gz"]).check("summary_of_two", &args);
}

#[test]
#[cfg(feature = "ndpi")]
fn summary_can_be_json() {
    let args = ["summary", "redis.pcap", "--top", "1", "--json"];
    Folder::with(&["redis.pcap"]).check("summary_json", &args);
}

#[test]
fn summary_of_nothing_is_short() {
    let folder = Folder::with(&[]);
    folder.write("nothing.pcap", &crate::folder::sample("redis.pcap")[..24]);
    folder.check("summary_nothing", &["summary", "nothing.pcap"]);
}

#[test]
fn columns_are_listed() {
    Folder::with(&[]).check("columns", &["columns"]);
}

#[test]
fn columns_can_be_json() {
    Folder::with(&[]).check("columns_json", &["columns", "--json"]);
}

#[test]
fn rules_label_flows() {
    let folder = Folder::with(&["redis.pcap"]);
    folder.write("rules.toml", b"[[rule]]\napplication = \"Cache\"\nports = [\"tcp/6379\"]\n");
    let columns = "application_name,application_confidence";
    let mut args = vec!["flows", "redis.pcap", "--features", "dissection", "--limit", "1"];
    args.extend(["--format", "csv", "--columns", columns, "--dissector", "native"]);
    args.extend(["--rules", "rules.toml"]);
    folder.check("rules", &args);
    folder.write("rules.toml", b"[[rule]]\napplication = \"Cache\"\nports = [\"tcp/70000\"]\n");
    folder.check("rules_mistake", &args);
    folder.write("rules.toml", &[0xff]);
    folder.check("rules_unreadable", &args);
}

#[test]
#[cfg(feature = "ndpi")]
fn rules_need_a_dissector_that_applies_them() {
    let folder = Folder::with(&["redis.pcap"]);
    folder.write("rules.toml", b"[[rule]]\napplication = \"Cache\"\nports = [\"tcp/6379\"]\n");
    let args = ["flows", "redis.pcap", "--dissector", "ndpi", "--rules", "rules.toml"];
    folder.check("rules_of_ndpi", &args);
}

#[test]
fn pages_of_unknown_commands_are_refused() {
    Folder::with(&[]).check("man_unknown", &["man", "flow"]);
}
