//! Memory that serves again keeps nothing of whom it served before.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use arrow_array::RecordBatch;
use nfstream::export::{BatchBuilder, arrow_schema, record_batch};
use nfstream::features::{Group, Measuring};
use nfstream::flow::Timeouts;
use nfstream::time::Duration;
use nfstream::{Config, Run, Step};
use nfstream_testkit::strategies::{Order, stream};
use nfstream_testkit::{Captured, Ends, MemorySource};
use proptest::prelude::*;

/// So short that places in the flow table serve many flows, and slices follow each other.
const SHORT: Timeouts =
    Timeouts { idle: Duration::from_nanos(20_000_000), active: Duration::from_nanos(100_000_000) };

/// Returns the table of a run: made of all records at the end, or of those of each step, which
/// then serve again.
fn table(packets: &[Captured], config: &Config, recycle: bool) -> RecordBatch {
    let mut run = Run::new(MemorySource::new(packets).boxed(), config).unwrap();
    let (schema, pool) = (Arc::clone(run.schema()), run.record_pool());
    let arrow_schema = Arc::new(arrow_schema(&schema));
    let mut builder = BatchBuilder::new(&schema, Arc::clone(&arrow_schema));
    let mut all = Vec::new();
    loop {
        let (records, last) = match run.advance().unwrap() {
            Step::Records(records) => (records, false),
            Step::Last(records) => (records, true),
        };
        if recycle {
            builder.append(&records);
            pool.put_back(records);
        } else {
            all.extend(records);
        }
        if last {
            assert_eq!(builder.rows() > 0, recycle && !packets.is_empty());
            return if recycle {
                builder.finish()
            } else {
                record_batch(&schema, &arrow_schema, &all)
            };
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn tables_are_the_same_whether_memory_serves_again_or_not(
        stream in stream(SHORT, 0..3000, Order::Late),
        splt_packets in prop::sample::select(vec![1_usize, 3, 10, 11, 25]),
        track_tcp: bool,
        groups in prop::sample::subsequence(Group::ALL.to_vec(), 0..=Group::ALL.len()),
        meters in 1..3_usize,
    ) {
        let packets: Vec<_> = stream.iter().map(|(time, plan)| plan.captured(*time)).collect();
        let ends = Ends { timeouts: SHORT, ..Ends::without_dpi(0, 0) }.on(meters, 64);
        let measuring = Measuring { groups, splt_packets, track_tcp, ..Measuring::default() };
        let config = Config { measuring, ..ends.config() };
        prop_assert_eq!(table(&packets, &config, true), table(&packets, &config, false));
    }
}
