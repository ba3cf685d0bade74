//! Reused memory keeps nothing of its previous flow.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use arrow_array::RecordBatch;
use nfstream::features::{Group, Measuring, RecordPool};
use nfstream::flow::Timeouts;
use nfstream::table::{Table, TableSpec};
use nfstream::time::Duration;
use nfstream::{Config, Run, Step};
use nfstream_testkit::strategies::{Order, stream};
use nfstream_testkit::{Captured, Ends, MemorySource};
use proptest::prelude::*;

/// So short that slots of the flow table are reused often, and slices follow each other.
const SHORT: Timeouts =
    Timeouts { idle: Duration::from_nanos(20_000_000), active: Duration::from_nanos(100_000_000) };

/// Returns the table of a run: built from all records at the end, or from those of each step, which
/// then return to the pool.
fn table(packets: &[Captured], config: &Config, recycle: bool) -> Vec<RecordBatch> {
    let mut run = Run::new(MemorySource::new(packets).boxed(), config).unwrap();
    let (schema, pool) = (Arc::clone(run.schema()), run.record_pool());
    let table = Table::new(&schema, &TableSpec::default()).unwrap();
    // A pool that no meter takes from frees its buffers.
    let mut builder = table.builder(if recycle { pool } else { RecordPool::new().0 });
    let mut all = Vec::new();
    let mut batches = Vec::new();
    loop {
        let (records, last) = match run.advance().unwrap() {
            Step::Records(records) => (records, false),
            Step::Last(records) => (records, true),
        };
        if recycle {
            batches.extend(builder.append(records).unwrap());
        } else {
            all.extend(records);
        }
        if last {
            batches.extend(builder.append(all).unwrap());
            batches.extend(builder.rest().unwrap());
            return batches;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn tables_are_the_same_with_and_without_reuse_of_memory(
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
