//! Records as tables in every format: the same columns, the same values.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use nfstream::export::{CsvWriter, JsonLinesWriter, arrow_schema, record_batch};
use nfstream::features::{Group, Record, Schema, columns};
use nfstream::time::TimeUnit;
use nfstream::{Run, Step};
use nfstream_testkit::{Captured, Ends, Frame, MemorySource, nanos};
use std::sync::Arc;

const BASE: [&str; 18] = [
    "id",
    "first_seen",
    "last_seen",
    "version",
    "src_port",
    "dst_port",
    "protocol",
    "vlan_id",
    "src_ip",
    "dst_ip",
    "total_packets",
    "total_bytes",
    "duration",
    "src2dst_packets",
    "src2dst_bytes",
    "dst2src_packets",
    "dst2src_bytes",
    "expiration_id",
];

const APPLICATION: [&str; 8] = [
    "master_protocol",
    "app_protocol",
    "application_name",
    "category_name",
    "client_info",
    "server_info",
    "j3a_client",
    "j3a_server",
];

/// A flow over IPv4 with a reply, and one over IPv6 without.
fn records() -> (Arc<Schema>, Vec<Record>) {
    let (a, b) = ([192, 0, 2, 1], [192, 0, 2, 2]);
    let mut a6 = [0; 16];
    (a6[..4]).copy_from_slice(&[0x20, 0x01, 0x0d, 0xb8]);
    a6[15] = 1;
    let packets = [
        Captured::new(nanos(10, 1_999_999), &Frame::ethernet().vlan(7).ipv4(a, b).udp(1000, 53)),
        Captured::new(nanos(10, 5_000_000), &Frame::ethernet().vlan(7).ipv4(b, a).udp(53, 1000)),
        Captured::new(nanos(11, 0), &Frame::ethernet().ipv6(a6, [0xff; 16]).tcp(1, 2, 0)),
    ];
    let source = MemorySource::new(packets).boxed();
    let mut run = Run::new(source, &Ends::without_dpi(30, 300).config()).unwrap();
    let mut all = Vec::new();
    loop {
        match run.advance().unwrap() {
            Step::Records(records) => all.extend(records),
            Step::Last(records) => {
                all.extend(records);
                return (run.schema().clone(), all);
            }
        }
    }
}

fn csv() -> String {
    let (schema, records) = records();
    let mut table = Vec::new();
    let mut writer = CsvWriter::new(&mut table, &schema).unwrap();
    writer.write(&records).unwrap();
    writer.flush().unwrap();
    drop(writer);
    String::from_utf8(table).unwrap()
}

#[test]
fn published_columns_keep_their_names_and_their_order() {
    let named = |group| {
        let columns = columns(TimeUnit::Milliseconds).filter(move |c| c.group == group);
        columns.map(|column| column.name).collect::<Vec<_>>()
    };
    assert_eq!(named(Group::Base), BASE);
    assert_eq!(named(Group::Application), APPLICATION);
}

#[test]
fn a_run_without_inspection_has_no_columns_for_it() {
    let (schema, _) = records();
    assert_eq!(schema.columns().iter().map(|column| column.name).collect::<Vec<_>>(), BASE);
}

#[test]
fn csv_has_a_header_and_a_line_for_each_record() {
    let expected = [
        &BASE.join(","),
        "0,10001,10005,4,1000,53,17,7,192.0.2.1,192.0.2.2,2,92,4,1,46,1,46,0",
        "1,11000,11000,6,1,2,6,0,2001:db8::1,ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff,\
         1,74,0,1,74,0,0,0",
        "",
    ];
    assert_eq!(csv(), expected.join("\n"));
}

#[test]
fn json_lines_hold_what_csv_does() {
    let (schema, records) = records();
    let mut lines = Vec::new();
    let mut writer = JsonLinesWriter::new(&mut lines, &schema);
    writer.write(&records).unwrap();
    writer.flush().unwrap();
    let lines = String::from_utf8(lines).unwrap();
    let csv = csv();
    let mut csv = csv.lines().map(|line| line.split(',').map(str::to_owned));
    let header: Vec<_> = csv.next().unwrap().collect();
    assert_eq!(lines.lines().count(), 2);
    for (line, values) in lines.lines().zip(csv) {
        let object: serde_json::Map<_, _> = serde_json::from_str(line).unwrap();
        let found: Vec<_> = object
            .into_iter()
            .map(|(name, value)| {
                (name, value.as_str().map_or_else(|| value.to_string(), str::to_owned))
            })
            .collect();
        assert_eq!(found, header.iter().cloned().zip(values).collect::<Vec<_>>());
    }
}

#[test]
fn batches_hold_what_csv_does() {
    let (schema, records) = records();
    let batch = record_batch(&schema, &Arc::new(arrow_schema(&schema)), &records);
    assert_eq!((batch.num_columns(), batch.num_rows()), (BASE.len(), 2));
    assert!(batch.columns().iter().all(|column| column.null_count() == 0));
    let types: Vec<_> = batch.schema().fields().iter().map(|f| f.data_type().to_string()).collect();
    assert_eq!(types[..5], ["UInt64", "Int64", "Int64", "UInt8", "UInt16"]);
}

#[test]
fn a_batch_without_records_has_all_columns() {
    let (schema, _) = records();
    let batch = record_batch(&schema, &Arc::new(arrow_schema(&schema)), &[]);
    assert_eq!((batch.num_columns(), batch.num_rows()), (BASE.len(), 0));
}

#[test]
fn units_travel_with_the_columns() {
    let (schema, _) = records();
    let schema = arrow_schema(&schema);
    let unit = |name: &str| schema.field_with_name(name).unwrap().metadata().get("unit").cloned();
    assert_eq!(unit("duration").as_deref(), Some("ms"));
    assert_eq!(unit("version"), None);
}
