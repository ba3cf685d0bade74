//! Records as tables in every format: the same columns, the same values.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int32Type, Int64Type};
use arrow_array::{ArrayRef, Int64Array, RecordBatch};
use arrow_schema::{DataType, Field};
use nfstream::features::{
    Group, Integers, Kind, Measuring, Record, RecordPool, Schema, Value, columns,
};
use nfstream::sink::Format;
use nfstream::table::{Anonymizer, BATCH_ROWS, Table, TableSpec};
use nfstream::time::TimeUnit;
use nfstream::{Config, Run};
use nfstream_testkit::{Captured, Ends, Frame, MemorySource, nanos, text_of};
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

/// Codes that 31 bits do not hold.
const WIDE_CODES: [&str; 13] = [
    "id",
    "gre_key",
    "src2dst_teid",
    "dst2src_teid",
    "quic_version",
    "src_asn",
    "dst_asn",
    "order_release",
    "order_end",
    "order_birth",
    "order_slice",
    "order_packets",
    "order_kind",
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
    let records = nfstream_testkit::records(&mut run).unwrap();
    (run.schema().clone(), records)
}

fn csv() -> String {
    let (schema, records) = records();
    text_of(Format::CSV, &schema, records)
}

/// The records as one batch, if there are any.
fn batch(schema: &Schema, records: Vec<Record>) -> Option<RecordBatch> {
    let table = Table::new(schema, &TableSpec::default()).unwrap();
    let mut builder = table.builder(RecordPool::new().0);
    assert!(builder.append(records).unwrap().is_empty());
    builder.rest().unwrap()
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
    let lines = text_of(Format::JSON_LINES, &schema, records);
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
    let batch = batch(&schema, records).unwrap();
    assert_eq!((batch.num_columns(), batch.num_rows()), (BASE.len(), 2));
    assert!(batch.columns().iter().all(|column| column.null_count() == 0));
    let types: Vec<_> = batch.schema().fields().iter().map(|f| f.data_type().to_string()).collect();
    assert_eq!(types[..5], ["Int64", "Int64", "Int64", "Int32", "Int32"]);
}

/// Returns the value in a row of an array.
fn value(array: &ArrayRef, row: usize) -> Value {
    match array.data_type() {
        DataType::Int32 => Value::Integer(array.as_primitive::<Int32Type>().value(row).into()),
        DataType::Int64 => Value::Integer(array.as_primitive::<Int64Type>().value(row)),
        DataType::Float64 => Value::Float(array.as_primitive::<Float64Type>().value(row)),
        DataType::FixedSizeList(..) => {
            let items = array.as_fixed_size_list().value(row);
            let item = |place| match value(&items, place) {
                Value::Integer(item) => item,
                other => panic!("{other:?} in a list"),
            };
            Value::List((0..items.len()).map(item).collect())
        }
        other => panic!("a column of {other}"),
    }
}

#[test]
fn batches_hold_the_values_of_their_records() {
    let groups = vec![Group::Statistics, Group::TcpFlags, Group::Splt, Group::SpltTcp];
    let mut compared = 0;
    for splt_packets in [1, 10, 25] {
        let config = Config {
            measuring: Measuring { groups: groups.clone(), splt_packets, ..Measuring::default() },
            ..Ends::without_dpi(1, 5).config()
        };
        for path in nfstream_testkit::captures() {
            let source = nfstream::capture::open(&[path]).unwrap();
            let mut run = Run::new(Box::new(source), &config).unwrap();
            let records = nfstream_testkit::records(&mut run).unwrap();
            let schema = Arc::clone(run.schema());
            let Some(batch) = batch(&schema, records.clone()) else { continue };
            for (column, array) in schema.columns().iter().zip(batch.columns()) {
                if !groups.contains(&column.group) {
                    continue;
                }
                for (row, record) in records.iter().enumerate() {
                    let expected = column.value(record, schema.names());
                    assert_eq!(value(array, row), expected, "{} in row {row}", column.name);
                    compared += 1;
                }
            }
        }
    }
    assert!(compared > 1000);
}

/// Users subtract and multiply columns; in pandas and Polars unsigned and narrow ones wrap around.
#[test]
fn integers_leave_the_engine_signed_and_wide() {
    let (schema, _) = records();
    for unit in TimeUnit::ALL {
        let all: Vec<_> = columns(unit).collect();
        let table = Table::new(&schema.select(&all), &TableSpec::default()).unwrap();
        for (column, field) in all.iter().zip(table.schema().fields()) {
            let name = column.name;
            let of = match field.data_type() {
                DataType::List(items) | DataType::FixedSizeList(items, _) => items.data_type(),
                other => other,
            };
            let expected = match column.integers() {
                Some(Integers::I32) => DataType::Int32,
                Some(Integers::I64) => DataType::Int64,
                None => {
                    assert!(!of.is_integer(), "{name}");
                    continue;
                }
            };
            assert_eq!(of, &expected, "{name}");
            assert!(column.type_name().contains(&of.to_string().to_lowercase()), "{name}");
            let is_code = matches!(column.kind, Kind::Code | Kind::Flag);
            // Codes of 32 bits without a sign need more.
            assert_eq!(
                expected == DataType::Int32,
                is_code && !WIDE_CODES.contains(&name),
                "{name}"
            );
        }
    }
}

#[test]
fn a_table_without_records_has_all_columns_and_no_batch() {
    let (schema, _) = records();
    assert_eq!(batch(&schema, Vec::new()), None);
    let table = Table::new(&schema, &TableSpec::default()).unwrap();
    assert_eq!(table.schema().fields().len(), BASE.len());
}

#[test]
fn units_and_roles_travel_with_the_columns() {
    let (schema, _) = records();
    let table = Table::new(&schema, &TableSpec::default()).unwrap();
    let field = |name: &str| table.schema().field_with_name(name).unwrap().clone();
    assert_eq!(field("duration").metadata()["unit"], "ms");
    assert!(!field("version").metadata().contains_key("unit"));
    assert_eq!(field("version").metadata()["role"], "environment");
}

#[test]
fn batches_are_cut_at_one_size_and_hold_the_origin_of_each_row() {
    let (schema, records) = records();
    let origin = Some("source".to_owned());
    let spec = TableSpec { origin, ..TableSpec::default() };
    let table = Table::new(&schema, &spec).unwrap();
    let mut builder = table.builder(RecordPool::new().0);
    let many = || records.iter().cycle().take(BATCH_ROWS - 1).cloned().collect();
    let mut batches = builder.append_from(many(), "a.pcap").unwrap();
    batches.extend(builder.append_from(many(), "b.pcap").unwrap());
    batches.extend(builder.rest().unwrap());
    let rows: Vec<_> = batches.iter().map(RecordBatch::num_rows).collect();
    assert_eq!(rows, [BATCH_ROWS, BATCH_ROWS - 2]);
    let names = batches[0].column(0).as_dictionary::<Int32Type>().values();
    let names: Vec<_> = names.as_string::<i32>().iter().flatten().collect();
    assert_eq!(names, ["a.pcap", "b.pcap"]);
    let names = batches[1].column(0).as_dictionary::<Int32Type>().values();
    assert_eq!(names.as_string::<i32>().value(0), "b.pcap");
}

#[test]
fn an_impossible_table_is_reported_before_the_first_row() {
    let (schema, _) = records();
    let refused = |spec| Table::new(&schema, &spec).unwrap_err().to_string();
    let origin = Some("src_ip".to_owned());
    let twice = TableSpec { origin, ..TableSpec::default() };
    assert_eq!(refused(twice), "two columns are called 'src_ip'");
    let anonymizer = Some(Anonymizer::new(["src_ib".to_owned()], None).unwrap());
    let unknown = TableSpec { anonymizer, ..TableSpec::default() };
    assert!(refused(unknown).starts_with("no column 'src_ib'; there are id, "));
}

#[test]
fn extra_columns_come_last_and_can_be_anonymised() {
    let (schema, records) = records();
    let extra = vec![Arc::new(Field::new("acks", DataType::Int64, true))];
    let anonymizer = Some(Anonymizer::new(["acks".to_owned()], Some(b"key")).unwrap());
    let table = Table::new(&schema, &TableSpec { extra, anonymizer, ..TableSpec::default() });
    let table = table.unwrap();
    let mut builder = table.builder(RecordPool::new().0);
    builder.append(records).unwrap();
    let built = builder.rest().unwrap().unwrap();
    assert_eq!(built.num_columns(), BASE.len());
    let acks: ArrayRef = Arc::new(Int64Array::from(vec![443, 80]));
    let batch = table.complete(&built, &[acks]).unwrap();
    assert_eq!(&batch.schema(), table.schema());
    let hash = batch.column(BASE.len()).as_string::<i32>().value(0);
    assert!(hash.starts_with("0ef81beb1b157029"), "{hash}");
    assert!(table.complete(&built, &[]).is_err());
}
