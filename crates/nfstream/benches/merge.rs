//! Cost of ids and of the order of records, for each record: `cargo bench --bench merge`.

// The merge is private to the engine, so its source is compiled here again; these are the modules
// that it expects in the engine's root.
#[allow(dead_code, unreachable_pub, reason = "an excerpt of the engine")]
#[path = "../src/pipeline/merge.rs"]
mod merge;

use divan::Bencher;
use divan::counter::ItemsCount;
use nfstream::features::{Application, Record, RecordKind, Volume};
use nfstream::flow::{EndReason, Flow, FlowKey, Sender};
use nfstream::meter::MeterOutput;
use nfstream::packet::{Endpoint, Packet};
use nfstream::time::{Duration, Timestamp};
use nfstream::{features, flow, meter, time};

use merge::{Ids, Order};

/// Records in one sample, with a tick of the clock after every [`PER_TICK`].
const RECORDS: u32 = 32_768;
const PER_TICK: usize = 64;
/// Idle timeout of the flows.
const IDLE: Duration = Duration::from_nanos(30_000_000_000);

fn main() {
    divan::main();
}

/// Records that arrive in the order in which they leave, as those of idle flows mostly do.
#[divan::bench]
fn order_of_sorted_records(bencher: Bencher<'_, '_>) {
    order(bencher, i64::from);
}

/// Records of which every second one is reported before its turn.
#[divan::bench]
fn order_of_early_records(bencher: Bencher<'_, '_>) {
    order(bencher, |number| i64::from(number) + i64::from(number % 2) * 1000);
}

/// Ids for conversations of several meters, and for their records.
#[divan::bench(args = [1, 2, 8])]
fn ids(bencher: Bencher<'_, '_>, meters: u32) {
    bencher
        .counter(ItemsCount::new(RECORDS))
        .with_inputs(|| {
            let mut output: Vec<_> = (0..meters).map(|_| MeterOutput::default()).collect();
            for number in 0..RECORDS {
                let output = output.get_mut(number_as_index(number % meters));
                let output = output.expect("one for each meter");
                output.records.push(record(u64::from(number / meters), 0));
                output.births.push(number);
            }
            (Ids::new(number_as_index(meters)), output)
        })
        .bench_local_values(|(mut ids, mut output)| {
            ids.assign(&mut output);
            (ids, output)
        });
}

fn order(bencher: Bencher<'_, '_>, ended: impl Fn(u32) -> i64) {
    bencher
        .counter(ItemsCount::new(RECORDS))
        .with_inputs(|| {
            let records = (0..RECORDS).map(|number| record(u64::from(number), ended(number)));
            records.collect::<Vec<_>>()
        })
        .bench_local_values(|records| {
            let mut order = Order::new(IDLE);
            let mut out = Vec::with_capacity(records.len());
            let mut records = records.into_iter().peekable();
            let mut now = 0;
            while records.peek().is_some() {
                order.take(records.by_ref().take(PER_TICK));
                now += i64::try_from(PER_TICK).unwrap_or(0);
                order.release(Timestamp::from_nanos(now), &mut out);
            }
            order.finish(&mut out);
            out
        });
}

fn record(id: u64, ended: i64) -> Record {
    let src = Endpoint::v4([192, 0, 2, 1], 50_000);
    let packet = Packet { src, dst: src, version: 4, protocol: 6, ..Packet::default() };
    let ended = Timestamp::from_nanos(ended);
    let flow = Flow {
        key: FlowKey::of(&packet).0,
        src: Sender::Low,
        vlan_id: 0,
        tunnel_id: 0,
        generation: 0,
        first_seen: ended,
        last_seen: ended,
        birth: id,
        slice: 0,
    };
    Record {
        id,
        flow,
        ended,
        end_reason: EndReason::Idle,
        kind: RecordKind::Final,
        expiration_id: 0,
        volume: Volume::default(),
        measures: None,
        application: Application::default(),
        process: None,
        places: [None, None],
        ground_truth: None,
        scores: None,
        release: 0,
    }
}

fn number_as_index(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
