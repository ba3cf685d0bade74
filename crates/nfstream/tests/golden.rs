//! Recorded results of every sample capture, a folder for each configuration.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

use nfstream::sink::Format;
use nfstream::{Run, capture};
use nfstream_testkit::{Ends, Golden, captures, records, text_of};

/// Version of nDPI with which the labels were recorded: others know other applications.
#[cfg(feature = "ndpi")]
const NDPI: &str = "4.2";

fn table(path: &Path, ends: &Ends) -> String {
    let source = capture::open(&[path.to_owned()]).unwrap();
    let mut run = Run::new(Box::new(source), &ends.config()).unwrap();
    let schema = run.schema().clone();
    let records = records(&mut run).unwrap();
    text_of(Format::CSV, &schema, records)
}

fn check(name: &str, ends: &Ends, skipped: &[&str]) {
    let mut golden = Golden::open(name, skipped);
    for path in captures() {
        golden.check(&path.file_name().unwrap().to_string_lossy(), &table(&path, ends));
    }
    golden.finish();
}

#[cfg(feature = "ndpi")]
#[test]
#[allow(clippy::print_stderr, reason = "the test's output should say so")]
fn captures_give_the_recorded_flows_by_default() {
    use nfstream::features::{Group, columns};
    use nfstream::time::TimeUnit;

    let version = ndpi::version().unwrap();
    let mut skipped = Vec::new();
    if !version.starts_with(NDPI) {
        eprintln!("labels are not compared: recorded with nDPI {NDPI}, this is {version}");
        let columns = columns(TimeUnit::Milliseconds);
        skipped.extend(columns.filter(|c| c.group == Group::Application).map(|c| c.name));
    }
    let ends = Ends { inspect: true, ..Ends::without_dpi(30, 300) };
    check("default", &ends, &skipped);
}

#[test]
fn captures_give_the_recorded_flows_with_short_timeouts() {
    check("short-timeouts", &Ends::without_dpi(1, 2), &[]);
}
