//! The condition of `nfstream flows --where`: any text is a fault or an answer, never a panic.

#![no_main]

use std::sync::{Arc, LazyLock};

use nfstream::features::{Group, Measuring, Record, Schema};
use nfstream::{Config, Run, Step, capture};

const CAPTURE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/captures/redis.pcap");

/// Some flows with all columns.
static FLOWS: LazyLock<(Vec<Record>, Arc<Schema>)> = LazyLock::new(|| {
    let source = capture::open(&[CAPTURE.into()]).expect("the capture is there");
    let measuring =
        Measuring { groups: Group::ALL.to_vec(), splt_packets: 10, ..Measuring::default() };
    let config = Config { measuring, ..Config::default() };
    let mut run = Run::new(Box::new(source), &config).expect("the run starts");
    let schema = Arc::clone(run.schema());
    let mut all = Vec::new();
    loop {
        match run.advance().expect("the capture is whole") {
            Step::Records(records) => all.extend(records),
            Step::Last(records) => {
                all.extend(records);
                return (all, schema);
            }
        }
    }
});

libfuzzer_sys::fuzz_target!(|condition: &str| {
    let (records, schema) = &*FLOWS;
    nfstream_cli::judge_all(condition, records, schema.names());
});
