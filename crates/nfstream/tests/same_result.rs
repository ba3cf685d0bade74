//! One input, one result: for any number of meters and any chunk size, with hooks and without, and
//! equal to a plain implementation of the rules.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::path::Path;

use nfstream::dissect::{Dissection, DissectorChoice, Limits, Rules};
use nfstream::features::{Group, Names, Record, RecordKind, Schema, Value};
use nfstream::flow::{Slot, Timeouts};
use nfstream::measure::MeasureSet;
use nfstream::meter::{Arrival, EarlyRecords, FlowAction, FlowView, HookError, Hooks};
use nfstream::packet::Chunk;
use nfstream::pipeline::BlockError;
use nfstream::time::{Duration, Timestamp};
use nfstream::{Config, Run, RunError, Step, capture};
use nfstream_testkit::strategies::{Order, Plan, stream};
use nfstream_testkit::{
    Captured, Ends, Frame, Ipv4, MemorySource, Row, Total, blocks, capture_from, model, records,
    seconds, sharded,
};
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;

const METERS: [usize; 4] = [1, 2, 3, 7];
const CHUNKS: [usize; 5] = [1, 2, 7, 1000, 4096];

/// Idle after 20 ms, sliced after 100 ms: short, so that a few thousand packets exercise every
/// rule.
const SHORT: Timeouts =
    Timeouts { idle: Duration::from_nanos(20_000_000), active: Duration::from_nanos(100_000_000) };

/// Idle after 1 s: a thousand packets rarely reach it.
const LONG: Timeouts = Timeouts {
    idle: Duration::from_nanos(1_000_000_000),
    active: Duration::from_nanos(3_000_000_000),
};

fn ends(timeouts: Timeouts) -> Ends {
    Ends { timeouts, ..Ends::without_dpi(0, 0) }
}

fn captured(stream: &[(Timestamp, Plan)]) -> Vec<Captured> {
    stream.iter().map(|(time, plan)| plan.captured(*time)).collect()
}

/// Counts its calls.
#[derive(Debug, Default)]
struct Counting {
    births: u64,
    packets: u64,
    ends: u64,
}

impl Hooks for Counting {
    fn on_init(&mut self, _: FlowView<'_>, _: Arrival<'_>) -> Result<FlowAction, HookError> {
        self.births += 1;
        self.packets += 1;
        Ok(FlowAction::Continue)
    }

    fn on_update(&mut self, _: FlowView<'_>, _: Arrival<'_>) -> Result<FlowAction, HookError> {
        self.packets += 1;
        Ok(FlowAction::Continue)
    }

    fn on_expire(&mut self, _: Slot, _: &mut Record) -> Result<(), HookError> {
        self.ends += 1;
        Ok(())
    }
}

fn run_with_hooks(packets: &[Captured], ends: &Ends) -> (Total, Counting) {
    let source = MemorySource::new(packets).boxed();
    let mut run = Run::with_hooks(source, &ends.config()).unwrap();
    let (mut rows, mut hooks) = (Vec::new(), Counting::default());
    loop {
        match run.advance_with(&mut hooks).unwrap() {
            Step::Records(records) => rows.extend(records.iter().map(Row::of)),
            Step::Last(records) => {
                rows.extend(records.iter().map(Row::of));
                return (Total { rows, stats: run.monitor().stats() }, hooks);
            }
        }
    }
}

/// Fails if two results differ, with the first differing row.
fn check_same(one: &Total, other: &Total, what: &str) -> Result<(), TestCaseError> {
    for (place, (one, other)) in one.rows.iter().zip(&other.rows).enumerate() {
        prop_assert_eq!(one, other, "{}, row {}", what, place);
    }
    prop_assert_eq!(one.rows.len(), other.rows.len(), "rows, {}", what);
    prop_assert_eq!(&one.stats, &other.stats, "counts, {}", what);
    Ok(())
}

fn check_all_ways(packets: &[Captured], timeouts: Timeouts) -> Result<(), TestCaseError> {
    let run = |meters, chunk_packets| {
        let source = MemorySource::new(packets).boxed();
        capture_from(source, &ends(timeouts).on(meters, chunk_packets))
    };
    let expected = run(1, 2048);
    for meters in METERS {
        for chunk_packets in CHUNKS {
            let what = format!("{meters} meters, chunks of {chunk_packets}");
            check_same(&run(meters, chunk_packets), &expected, &what)?;
        }
    }
    for chunk_packets in CHUNKS {
        let (total, hooks) = run_with_hooks(packets, &ends(timeouts).on(1, chunk_packets));
        check_same(&total, &expected, &format!("hooks, chunks of {chunk_packets}"))?;
        let flows = u64::try_from(expected.rows.len()).unwrap();
        prop_assert_eq!(hooks.births, flows);
        prop_assert_eq!(hooks.ends, flows);
        prop_assert_eq!(hooks.packets, expected.stats.flow_packets);
    }
    Ok(())
}

/// Returns the values of measures in each row of a run.
fn measured(packets: &[Captured], meters: usize, chunk_packets: usize) -> Vec<Vec<Value>> {
    let set = MeasureSet::parse([
        ("longest", "pkt.iat_us.max()"),
        ("up", "pkt.filter(pkt.up && pkt.length > 60).iat_ns.mean()"),
        ("sizes", "pkt.payload_length.first(4)"),
        ("bins", "pkt.length.histogram([0, 64, 128, 2000])"),
        ("half", "pkt.length.quantile(0.5)"),
        ("ports", "pkt.src_port.n_unique()"),
        ("skew", "pkt.length.skew()"),
        ("spread", "pkt.length.std() / up"),
        ("order", "pkt.elapsed_ms.entropy()"),
        ("bursts", "pkt.bursts(3)"),
        ("share", "total_bytes / duration"),
    ]);
    let mut config = ends(SHORT).on(meters, chunk_packets).config();
    config.measuring.measures = set.unwrap().compile(config.measuring.unit);
    let mut run = Run::new(MemorySource::new(packets).boxed(), &config).unwrap();
    let schema = run.schema().clone();
    let records = records(&mut run).unwrap();
    let row = |record: &Record| {
        schema.columns().iter().map(|column| column.value(record, schema.names())).collect()
    };
    records.iter().map(row).collect()
}

fn check_model(stream: &[(Timestamp, Plan)], timeouts: Timeouts) -> Result<(), TestCaseError> {
    let packets = captured(stream);
    let total = capture_from(MemorySource::new(packets).boxed(), &ends(timeouts));
    let rows = model::rows(stream, &ends(timeouts));
    for (place, (row, expected)) in total.rows.iter().zip(&rows).enumerate() {
        prop_assert_eq!(row, expected, "row {}", place);
    }
    prop_assert_eq!(total.rows.len(), rows.len());
    prop_assert_eq!(total.stats.ignored.total(), 0);
    Ok(())
}

/// Long streams get few cases, and little shrinking.
fn cases(cases: u32, max_shrink_iters: u32) -> ProptestConfig {
    let seeds = FileFailurePersistence::WithSource("proptest-regressions");
    ProptestConfig {
        max_shrink_iters,
        failure_persistence: Some(Box::new(seeds)),
        ..ProptestConfig::with_cases(cases)
    }
}

proptest! {
    #![proptest_config(cases(24, 2000))]

    #[test]
    fn short_streams_give_the_same_rows_for_any_meters_and_chunks(
        stream in stream(LONG, 0..100, Order::Late),
    ) {
        check_all_ways(&captured(&stream), LONG)?;
    }

    /// Too short for a scan: the limit for late packets does not depend on one.
    #[test]
    fn unordered_short_streams_agree_with_the_rules(
        stream in stream(LONG, 0..1000, Order::Late),
    ) {
        check_model(&stream, LONG)?;
    }
}

proptest! {
    #![proptest_config(cases(8, 500))]

    #[test]
    fn measures_are_the_same_for_any_meters_and_chunks(
        stream in stream(SHORT, 0..600, Order::Late),
    ) {
        let packets = captured(&stream);
        let expected = measured(&packets, 1, 2048);
        for (meters, chunk_packets) in [(1, 7), (2, 1000), (5, 64)] {
            prop_assert_eq!(&measured(&packets, meters, chunk_packets), &expected);
        }
    }
}

proptest! {
    #![proptest_config(cases(16, 100))]

    #[test]
    fn ordered_streams_agree_with_the_rules(stream in stream(SHORT, 0..12_000, Order::InTime)) {
        check_model(&stream, SHORT)?;
    }
}

proptest! {
    #![proptest_config(cases(4, 20))]

    #[test]
    fn long_streams_give_the_same_rows_for_any_meters_and_chunks(
        stream in stream(SHORT, 3000..9000, Order::Late),
    ) {
        check_all_ways(&captured(&stream), SHORT)?;
    }
}

#[test]
fn zero_timeouts_give_the_same_rows_for_any_meters_and_chunks() {
    let zero = Timeouts { idle: Duration::default(), active: Duration::default() };
    let start = Timestamp::from_seconds(1, 0);
    let packets: Vec<_> = (0..5000)
        .map(|i| {
            Plan::numbered(i % 97).captured(start.plus(Duration::from_nanos(u64::from(i / 3))))
        })
        .collect();
    check_all_ways(&packets, zero).unwrap();
}

/// Checks that rows are in the order in which flows ended, then of their ids.
fn assert_ordered(rows: &[Row]) {
    for pair in rows.windows(2) {
        let place = |row: &Row| (row.ended, row.id, row.slice);
        assert!(place(&pair[0]) < place(&pair[1]), "{:#?}\ncame before\n{:#?}", pair[0], pair[1]);
    }
}

/// A flow that falls silent ends before one whose next packet reveals its silence.
#[test]
fn a_silent_flow_ends_before_one_that_continues() {
    let after = |nanos| Timestamp::from_seconds(0, nanos);
    let frame = |src| Frame::ethernet().ipv4([192, 0, 2, src], [192, 0, 2, 9]).udp(1, 2);
    let mut packets = vec![
        Captured::new(after(0), &frame(1)),
        Captured::new(after(1_000_000), &frame(2)),
        Captured::new(after(30_002_000_000), &frame(2)),
    ];
    packets.extend((0..6000).map(|_| Captured::new(after(30_003_000_000), &frame(3))));
    let source = MemorySource::new(packets).boxed();
    assert_ordered(&capture_from(source, &Ends::without_dpi(30, 300)).rows);
}

/// More packets of one time than the clock of the stream covers.
#[test]
fn flows_that_end_at_one_time_come_in_the_order_of_their_ids() {
    let at = |time, src| {
        let frame = Frame::ethernet().ipv4([192, 0, 2, src], [192, 0, 2, 9]).udp(1, 2);
        Captured::new(Timestamp::from_seconds(time, 0), &frame)
    };
    let mut packets = vec![at(0, 1), at(4, 1), at(5, 2), at(8, 1), at(10, 2)];
    packets.extend((0..6000).map(|_| at(10, 3)));
    packets.push(at(10, 1));
    let source = MemorySource::new(packets).boxed();
    assert_ordered(&capture_from(source, &Ends::without_dpi(5, 10)).rows);
}

#[cfg(feature = "ndpi")]
mod captures {
    use super::*;

    /// nDPI keeps state across the flows of a meter, so labels may depend on the number of meters;
    /// nothing else may.
    #[test]
    #[allow(clippy::print_stderr, reason = "how much labels depend on meters is worth knowing")]
    fn recorded_captures_give_the_same_rows_but_for_labels() {
        let captures = nfstream_testkit::captures();
        assert!(!captures.is_empty());
        for path in captures {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let run = |meters| {
                let source = capture::open(std::slice::from_ref(&path)).unwrap();
                let ends = Ends { inspect: true, ..Ends::without_dpi(30, 300) };
                capture_from(Box::new(source), &ends.on(meters, 16))
            };
            let one = run(1);
            for meters in [2, 3] {
                let many = run(meters);
                assert_eq!(many.stats, one.stats, "{name}, {meters} meters");
                assert_eq!(unlabelled(&many), unlabelled(&one), "{name}, {meters} meters");
                let labels = one.rows.iter().zip(&many.rows).filter(|(a, b)| a != b).count();
                if labels > 0 {
                    eprintln!("{name}: {labels} of {} labels differ", one.rows.len());
                }
            }
        }
    }

    fn unlabelled(total: &Total) -> Vec<Row> {
        total.rows.iter().map(Row::unlabelled).collect()
    }
}

/// Runs in two halves, as on a cluster.
mod pieces_and_shards {
    use super::*;

    /// Returns a configuration with all features and the dissector in Rust.
    fn everything(timeouts: Timeouts, track_tcp: bool, deduplicate: bool) -> Config {
        let dissector = DissectorChoice::by_name("native").unwrap().factory(Rules::default());
        let mut config = Config {
            dissection: Some(Dissection { dissector, limits: Limits::default() }),
            duplicates: deduplicate.then_some(nfstream::pipeline::Duplicates {
                are_removed: true,
                ..nfstream::pipeline::Duplicates::COUNTED
            }),
            ..ends(timeouts).config()
        };
        config.decode.tunnels = true;
        config.measuring.groups = Group::ALL.into_iter().filter(|g| g.is_feature()).collect();
        config.measuring.track_tcp = track_tcp;
        config
    }

    fn cells(schema: &Schema, record: &Record) -> Vec<(&'static str, Value)> {
        let columns = schema.columns().iter().filter(|c| c.group != Group::ShardOrder);
        let names: &dyn Names = schema.names();
        columns.map(|column| (column.name, column.value(record, names))).collect()
    }

    fn check(
        packets: &[Captured],
        cuts: &[usize],
        shards: usize,
        config: &Config,
    ) -> Result<(), TestCaseError> {
        let shards = NonZeroUsize::new(shards).unwrap();
        for meters in [shards, NonZeroUsize::MIN] {
            let config = Config { meters, ..config.clone() };
            let mut run = Run::new(MemorySource::new(packets).boxed(), &config).unwrap();
            let expected = records(&mut run).unwrap();
            let schema = run.schema();
            let found = sharded(packets, cuts, shards, &config).unwrap();
            let rows = found.records.iter().zip(&expected);
            for (place, (found, expected)) in rows.enumerate() {
                prop_assert_eq!(cells(schema, found), cells(schema, expected), "row {}", place);
                prop_assert_eq!(found.release, expected.release);
            }
            prop_assert_eq!(found.records.len(), expected.len());
            prop_assert_eq!(&found.stats, &run.monitor().stats());
        }
        Ok(())
    }

    fn cuts(fractions: &[f64], packets: usize) -> Vec<usize> {
        #[allow(clippy::as_conversions, reason = "any place will do")]
        let mut cuts: Vec<_> = fractions.iter().map(|f| (f * packets as f64) as usize).collect();
        cuts.sort_unstable();
        cuts
    }

    proptest! {
        #![proptest_config(cases(24, 200))]

        #[test]
        fn give_the_rows_of_one_pass(
            stream in stream(SHORT, 0..3000, Order::Late),
            fractions in prop::collection::vec(0.0..1.0, 0..12),
            shards in 1_usize..9,
            track_tcp: bool,
            deduplicate: bool,
            early in prop::option::of(0..EARLY.len()),
        ) {
            let packets = captured(&stream);
            let mut config = everything(SHORT, track_tcp, deduplicate);
            config.early = early.map_or_else(EarlyRecords::default, |number| EARLY[number]);
            check(&packets, &cuts(&fractions, packets.len()), shards, &config)?;
        }

        #[test]
        fn may_have_a_packet_each(
            stream in stream(LONG, 0..60, Order::Late), shards in 1_usize..4,
        ) {
            let packets = captured(&stream);
            let cuts: Vec<_> = (1..packets.len()).collect();
            check(&packets, &cuts, shards, &everything(LONG, true, false))?;
        }
    }

    fn packets_of(path: &Path) -> Vec<Captured> {
        let (mut source, mut chunk, mut packets) = (open(path), Chunk::default(), Vec::new());
        while source.read(&mut chunk, 1000).unwrap() {
            packets.extend(chunk.records.iter().map(|record| Captured {
                time: record.time,
                link: record.link,
                bytes: chunk.frame(record).to_vec(),
                wire_len: record.wire_len,
            }));
        }
        packets
    }

    #[test]
    fn may_have_a_packet_of_a_sample_capture_each() {
        for path in nfstream_testkit::captures() {
            let packets = packets_of(&path);
            let cuts: Vec<_> = (1..packets.len()).collect();
            let checked = check(&packets, &cuts, 3, &everything(LONG, true, false));
            checked.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        }
    }

    #[test]
    fn may_divide_the_fragments_of_a_tunnel() {
        let outer =
            |offset, more| Ipv4::new([192, 0, 2, 1], [192, 0, 2, 2]).fragment(7, offset, more);
        let (client, server) = ([10, 0, 0, 1], [10, 0, 0, 2]);
        let first = Frame::ethernet().ip(outer(0, true)).ipv4(client, server).udp(1000, 53);
        let later = Frame::ethernet().ip(outer(64, false)).opaque(4).payload_len(64);
        let of_others = Frame::ethernet().ipv4([10, 0, 0, 3], server).udp(1, 2).payload_len(9);
        let frames = [first.payload_len(36), of_others, later];
        let packets: Vec<_> =
            (0..).zip(&frames).map(|(i, frame)| Captured::new(seconds(i), frame)).collect();
        let config = everything(Ends::without_dpi(30, 300).timeouts, false, false);
        for shards in [1, 2, 5] {
            check(&packets, &[1, 2], shards, &config).unwrap();
        }
        let two = NonZeroUsize::new(2).unwrap();
        let found = sharded(&packets, &[1, 2], two, &config).unwrap().records;
        let counts: Vec<_> = found.iter().map(|record| record.volume.total_packets()).collect();
        assert_eq!(counts, [2, 1]);
    }

    fn numbered(count: u32) -> Vec<Captured> {
        let start = Timestamp::from_seconds(1, 0);
        let packet = |i| {
            Plan::numbered(i).captured(start.plus(Duration::from_nanos(u64::from(i) * 1_000_000)))
        };
        (0..count).map(packet).collect()
    }

    fn error(blocks: Vec<Vec<u8>>, config: &Config) -> BlockError {
        let failed = Run::of_blocks(Box::new(blocks.into_iter()), config)
            .and_then(|mut run| records(&mut run).map(drop));
        match failed.unwrap_err() {
            RunError::Block(error) => error,
            other => panic!("{other}"),
        }
    }

    #[test]
    fn blocks_that_are_missing_repeated_or_damaged_are_refused() {
        let config = everything(SHORT, false, false);
        let two = NonZeroUsize::new(2).unwrap();
        let shards = blocks(&numbered(300), &[100, 200], two, &config).unwrap();
        let [first, second] = &shards[..] else { panic!() };
        let piece = |shard: &[Vec<u8>], pieces: &[usize]| {
            pieces.iter().map(|piece| shard[*piece].clone()).collect::<Vec<_>>()
        };
        for wrong in [&[0, 2][..], &[1, 2], &[0, 1, 1, 2], &[2, 1, 0]] {
            let error = error(piece(first, wrong), &config);
            assert!(matches!(error, BlockError::Misplaced { .. }), "{wrong:?}: {error}");
        }
        let missing = error(piece(first, &[0, 1]), &config);
        assert!(matches!(missing, BlockError::Missing { .. }), "{missing}");
        let mixed = vec![first[0].clone(), second[1].clone(), first[2].clone()];
        assert!(matches!(error(mixed, &config), BlockError::Misplaced { .. }));
        for len in [0, 3, 10, 30, first[0].len() - 1] {
            let error = error(vec![first[0][..len].to_vec()], &config);
            assert!(matches!(error, BlockError::Damaged { .. }), "{len}: {error}");
        }
    }

    proptest! {
        #![proptest_config(cases(64, 100))]

        #[test]
        fn damaged_blocks_cause_no_panic(at: prop::sample::Index, byte: u8) {
            let config = everything(SHORT, false, false);
            let mut blocks =
                blocks(&numbered(50), &[], NonZeroUsize::MIN, &config).unwrap().remove(0);
            let place = at.index(blocks[0].len());
            blocks[0][place] = byte;
            if let Ok(mut run) = Run::of_blocks(Box::new(blocks.into_iter()), &config) {
                drop(records(&mut run));
            }
        }
    }

    #[test]
    fn limits_that_need_all_packets_are_refused() {
        let config = Config { max_flows: Some(std::num::NonZeroU64::MIN), ..Config::default() };
        let refused = blocks(&numbered(5), &[], NonZeroUsize::MIN, &config).unwrap_err();
        assert!(refused.to_string().starts_with("max_nflows needs"), "{refused}");
    }
}

/// Keeps the packets of each conversation.
#[derive(Debug, Default)]
struct Keeping(HashMap<u64, Vec<Captured>>);

impl Keeping {
    fn keep(&mut self, view: &FlowView<'_>, arrival: Arrival<'_>) -> FlowAction {
        let packet = arrival.packet;
        self.0.entry(view.flow.birth).or_default().push(Captured {
            time: packet.time,
            link: packet.link,
            bytes: packet.frame(arrival.bytes.as_slice()).to_vec(),
            wire_len: packet.wire_len,
        });
        FlowAction::Continue
    }
}

impl Hooks for Keeping {
    fn on_init(
        &mut self,
        view: FlowView<'_>,
        arrival: Arrival<'_>,
    ) -> Result<FlowAction, HookError> {
        Ok(self.keep(&view, arrival))
    }

    fn on_update(
        &mut self,
        view: FlowView<'_>,
        arrival: Arrival<'_>,
    ) -> Result<FlowAction, HookError> {
        Ok(self.keep(&view, arrival))
    }

    fn on_expire(&mut self, _: Slot, _: &mut Record) -> Result<(), HookError> {
        Ok(())
    }
}

/// All values of a record but its number and its kind.
fn values(run: &Run, record: &Record) -> Vec<(&'static str, Value)> {
    let columns = run.schema().columns().iter();
    let columns = columns.filter(|column| !["id", "record_kind"].contains(&column.name));
    columns.map(|column| (column.name, column.value(record, run.schema().names()))).collect()
}

fn config_with_all_groups(track_tcp: bool, early: EarlyRecords) -> Config {
    let mut config = Ends::without_dpi(1, 2).config();
    config.measuring.groups = Group::ALL.into_iter().filter(|one| one.is_feature()).collect();
    config.measuring.track_tcp = track_tcp;
    config.early = early;
    config
}

fn open(path: &Path) -> Box<dyn capture::Source> {
    Box::new(capture::open(&[path.to_owned()]).unwrap())
}

const EARLY: [EarlyRecords; 3] = {
    let none = EarlyRecords {
        packets: 0,
        age: Duration::from_nanos(0),
        only: false,
        every: Duration::from_nanos(0),
    };
    [
        EarlyRecords { packets: 3, ..none },
        EarlyRecords { age: Duration::from_nanos(30_000_000), ..none },
        EarlyRecords { packets: 8, every: Duration::from_nanos(400_000_000), ..none },
    ]
};

#[test]
fn a_record_before_the_end_is_that_of_the_flow_cut_there() {
    let mut kinds = HashMap::new();
    for path in nfstream_testkit::captures() {
        for (early, track_tcp) in EARLY.into_iter().zip([false, true, true]) {
            let plain = config_with_all_groups(track_tcp, EarlyRecords::default());
            let mut run = Run::with_hooks(open(&path), &plain).unwrap();
            let (mut keeping, mut packets_before) = (Keeping::default(), HashMap::new());
            loop {
                let (records, is_last) = match run.advance_with(&mut keeping).unwrap() {
                    Step::Records(records) => (records, false),
                    Step::Last(records) => (records, true),
                };
                for record in records {
                    let packets = record.volume.total_packets();
                    packets_before.insert((record.id, record.flow.slice), packets);
                }
                if is_last {
                    break;
                }
            }
            let mut run = Run::new(open(&path), &config_with_all_groups(track_tcp, early)).unwrap();
            for record in records(&mut run).unwrap() {
                *kinds.entry(record.kind).or_insert(0) += 1;
                if record.kind.is_end() {
                    continue;
                }
                let earlier =
                    (0..record.flow.slice).map(|slice| packets_before[&(record.id, slice)]);
                let packets = earlier.sum::<u64>() + record.volume.total_packets();
                let cut = &keeping.0[&record.id][..usize::try_from(packets).unwrap()];
                let mut cut_run = Run::new(MemorySource::new(cut).boxed(), &plain).unwrap();
                let rows = records(&mut cut_run).unwrap();
                let row = rows.iter().find(|row| row.flow.slice == record.flow.slice).unwrap();
                assert_eq!(
                    values(&cut_run, row),
                    values(&cut_run, &record),
                    "{}: {:?} record of flow {}",
                    path.display(),
                    record.kind,
                    record.id,
                );
            }
        }
    }
    for kind in [RecordKind::Early, RecordKind::Update, RecordKind::Final] {
        assert!(kinds.get(&kind).is_some_and(|count| *count > 5), "{kinds:?}");
    }
}

#[test]
fn records_before_the_end_are_the_same_for_any_number_of_meters() {
    for path in nfstream_testkit::captures() {
        for only in [false, true] {
            let rows = |meters: usize, chunk_packets: usize| {
                let early = EarlyRecords { only, ..EARLY[2] };
                let mut config = config_with_all_groups(true, early);
                config.meters = NonZeroUsize::new(meters).unwrap();
                config.chunk_packets = NonZeroUsize::new(chunk_packets).unwrap();
                let mut run = Run::new(open(&path), &config).unwrap();
                let records = records(&mut run).unwrap();
                let counted = records.iter().filter(|record| record.kind.is_counted()).count();
                assert_eq!(u64::try_from(counted).unwrap(), run.monitor().stats().flows);
                let rows = records.iter();
                rows.map(|row| (row.id, row.kind, values(&run, row))).collect::<Vec<_>>()
            };
            let one = rows(1, 8192);
            assert!(rows(2, 64) == one && rows(5, 7) == one, "{}", path.display());
            if only {
                let mut seen = std::collections::HashSet::new();
                for (id, kind, _) in &one {
                    assert!(!seen.contains(id), "{}: a record after the early one", path.display());
                    if *kind == RecordKind::Only {
                        seen.insert(*id);
                    }
                }
            }
        }
    }
}
