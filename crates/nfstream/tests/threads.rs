//! Threads of a run: they end with it, and every failure in them reaches the caller.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::disallowed_methods, reason = "a test that waits for threads needs a deadline")]

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};
use std::time::{Duration, Instant};

use nfstream::capture::{CaptureError, ReadProgress, Source, Warning};
use nfstream::features::{Group, Nameless, Record, columns};
use nfstream::flow::Slot;
use nfstream::meter::{Arrival, FlowAction, FlowView, HookError, Hooks};
use nfstream::packet::Chunk;
use nfstream::pipeline::ActiveError;
use nfstream::time::TimeUnit;
use nfstream::{ActiveFlows, Config, ConfigError, Run, RunError, Step};
use nfstream_testkit::strategies::Plan;
use nfstream_testkit::{Captured, Ending, Ends, MemorySource, Row, nanos};

/// Threads are counted in the whole process, so runs must not overlap.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// Suppresses the reports of the sources' panics, of which there are hundreds.
static QUIET: Once = Once::new();

fn alone() -> MutexGuard<'static, ()> {
    let guard = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    QUIET.call_once(|| {
        let report = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if panic.payload().downcast_ref() != Some(&"the source panicked") {
                report(panic);
            }
        }));
    });
    guard
}

fn packets() -> Vec<Captured> {
    (0..500).map(|i| Plan::numbered(i * 7).captured(nanos(0, i64::from(i)))).collect()
}

fn source(ending: Ending) -> Box<dyn Source> {
    MemorySource::new(packets()).ending(ending).boxed()
}

/// Chunks of 10 packets: 50 of them.
fn ends(meters: usize) -> Ends {
    Ends::without_dpi(30, 300).on(meters, 10)
}

/// Returns the threads of this process that belong to runs.
fn engine_threads() -> Vec<String> {
    let tasks = fs::read_dir("/proc/self/task").unwrap();
    let names =
        tasks.flatten().filter_map(|task| fs::read_to_string(task.path().join("comm")).ok());
    names.map(|name| name.trim().to_owned()).filter(|name| name.starts_with("nfstream-")).collect()
}

fn assert_threads_end() {
    if !cfg!(target_os = "linux") {
        return;
    }
    let deadline = Instant::now() + Duration::from_secs(5);
    while !engine_threads().is_empty() {
        assert!(Instant::now() < deadline, "still there: {:?}", engine_threads());
        std::thread::yield_now();
    }
}

/// Advances until a step fails; returns the rows before it and the error.
fn until_failure(run: &mut Run) -> (Vec<Row>, RunError) {
    let mut rows = Vec::new();
    loop {
        match run.advance() {
            Ok(Step::Records(records)) => rows.extend(records.iter().map(Row::of)),
            Ok(Step::Last(_)) => panic!("the run ended well"),
            Err(error) => return (rows, error),
        }
    }
}

struct Nothing;

impl Hooks for Nothing {
    fn on_init(&mut self, _: FlowView<'_>, _: Arrival<'_>) -> Result<FlowAction, HookError> {
        Ok(FlowAction::Continue)
    }

    fn on_update(&mut self, _: FlowView<'_>, _: Arrival<'_>) -> Result<FlowAction, HookError> {
        Ok(FlowAction::Continue)
    }

    fn on_expire(&mut self, _: Slot, _: &mut Record) -> Result<(), HookError> {
        Ok(())
    }
}

#[test]
fn dropping_a_run_halfway_ends_its_threads() {
    let _alone = alone();
    for meters in [2, 3, 7] {
        let mut run = Run::new(source(Ending::Endless), &ends(meters).config()).unwrap();
        for _ in 0..20 {
            run.advance().unwrap();
        }
        if cfg!(target_os = "linux") {
            assert!(engine_threads().len() > meters);
        }
        drop(run);
        assert_threads_end();
    }
}

#[test]
fn dropping_a_run_that_has_not_begun_ends_its_threads() {
    let _alone = alone();
    drop(Run::new(source(Ending::Endless), &ends(3).config()).unwrap());
    drop(Run::with_hooks(source(Ending::Endless), &ends(1).config()).unwrap());
    assert_threads_end();
}

#[test]
fn dropping_a_run_with_hooks_halfway_ends_its_threads() {
    let _alone = alone();
    let mut run = Run::with_hooks(source(Ending::Endless), &ends(1).config()).unwrap();
    for _ in 0..20 {
        run.advance_with(&mut Nothing).unwrap();
    }
    drop(run);
    assert_threads_end();
}

#[test]
fn a_run_that_has_ended_has_no_threads() {
    let _alone = alone();
    let mut run = Run::new(source(Ending::Complete), &ends(3).config()).unwrap();
    nfstream_testkit::exhaust(&mut run).unwrap();
    assert_threads_end();
}

#[test]
fn a_run_that_has_ended_stays_ended() {
    let _alone = alone();
    for meters in [1, 3] {
        let mut run = Run::new(source(Ending::Complete), &ends(meters).config()).unwrap();
        nfstream_testkit::exhaust(&mut run).unwrap();
        assert!(matches!(run.advance(), Ok(Step::Last(records)) if records.is_empty()));
    }
}

#[test]
fn an_error_of_the_source_comes_after_all_flows() {
    let _alone = alone();
    let whole = nfstream_testkit::capture_all(&packets(), &ends(1));
    for meters in [1, 3] {
        let mut run = Run::new(source(Ending::Failure), &ends(meters).config()).unwrap();
        let (rows, error) = until_failure(&mut run);
        assert_eq!(rows, whole, "{meters} meters");
        assert!(matches!(error, RunError::Capture(CaptureError::Changed { .. })), "{error}");
        assert!(matches!(run.advance(), Ok(Step::Last(records)) if records.is_empty()));
    }
    assert_threads_end();
}

#[test]
fn an_error_of_the_source_comes_after_all_flows_of_a_run_with_hooks() {
    let _alone = alone();
    let mut run = Run::with_hooks(source(Ending::Failure), &ends(1).config()).unwrap();
    let (rows, error) = until_failure(&mut run);
    assert_eq!(rows, nfstream_testkit::capture_all(&packets(), &ends(1)));
    assert!(matches!(error, RunError::Capture(CaptureError::Changed { .. })), "{error}");
    assert_threads_end();
}

fn assert_source_panic(error: &RunError) {
    let RunError::Panicked { thread, message } = error else { panic!("{error}") };
    assert_eq!((thread.as_str(), message.as_str()), ("nfstream-reader", "the source panicked"));
}

/// Repeated often: the caller must not notice the end of a thread before its cause.
#[test]
fn a_panic_in_the_source_is_an_error_with_several_meters() {
    let _alone = alone();
    for _ in 0..1000 {
        let source = MemorySource::new([]).ending(Ending::Panic).boxed();
        let mut run = Run::new(source, &ends(3).config()).unwrap();
        assert_source_panic(&until_failure(&mut run).1);
    }
    assert_threads_end();
}

#[test]
fn a_panic_in_the_source_is_an_error_with_hooks() {
    let _alone = alone();
    for _ in 0..1000 {
        let source = MemorySource::new([]).ending(Ending::Panic).boxed();
        let mut run = Run::with_hooks(source, &ends(1).config()).unwrap();
        assert_source_panic(&until_failure(&mut run).1);
    }
    assert_threads_end();
}

#[test]
fn a_panic_in_the_source_is_an_error_with_one_meter() {
    let _alone = alone();
    let mut run = Run::new(source(Ending::Panic), &ends(1).config()).unwrap();
    let outcome = catch_unwind(AssertUnwindSafe(|| until_failure(&mut run).1));
    let Ok(RunError::Panicked { message, .. }) = outcome else {
        panic!("the panic reached the caller");
    };
    assert_eq!(message, "the source panicked");
}

/// Fails with the `n`th packet.
struct FailAt(u32);

impl Hooks for FailAt {
    fn on_init(&mut self, _: FlowView<'_>, _: Arrival<'_>) -> Result<FlowAction, HookError> {
        self.0 -= 1;
        if self.0 == 0 { Err("a plugin failed".into()) } else { Ok(FlowAction::Continue) }
    }

    fn on_update(
        &mut self,
        view: FlowView<'_>,
        arrival: Arrival<'_>,
    ) -> Result<FlowAction, HookError> {
        self.on_init(view, arrival)
    }

    fn on_expire(&mut self, _: Slot, _: &mut Record) -> Result<(), HookError> {
        Ok(())
    }
}

#[test]
fn an_error_of_a_hook_ends_the_run_at_once() {
    let _alone = alone();
    for hooked in [true, false] {
        let source = source(Ending::Endless);
        let start = if hooked { Run::with_hooks } else { Run::new };
        let mut run = start(source, &ends(1).config()).unwrap();
        // The first packet of the third chunk.
        let mut hooks = FailAt(21);
        run.advance_with(&mut hooks).unwrap();
        run.advance_with(&mut hooks).unwrap();
        let error = run.advance_with(&mut hooks).unwrap_err();
        assert!(matches!(&error, RunError::Hook(_)));
        assert_eq!(error.to_string(), "a plugin failed");
        assert!(matches!(run.advance(), Ok(Step::Last(records)) if records.is_empty()));
        assert_threads_end();
    }
}

#[test]
fn hooks_with_several_meters_are_a_configuration_error() {
    let _alone = alone();
    let error = Run::with_hooks(source(Ending::Complete), &ends(2).config()).err().unwrap();
    assert_eq!(error.to_string(), "hooks need one meter, not 2");
    let mut run = Run::new(source(Ending::Complete), &ends(2).config()).unwrap();
    let error = run.advance_with(&mut FailAt(1)).unwrap_err();
    assert!(matches!(error, RunError::Config(ConfigError::HooksWithMeters { .. })), "{error}");
    drop(run);
    assert_threads_end();
}

/// Source that never ends: silence follows its packets.
struct Silence(MemorySource);

impl Source for Silence {
    fn read(&mut self, chunk: &mut Chunk, limit: usize) -> Result<bool, CaptureError> {
        self.0.read(chunk, limit).map(|_| true)
    }

    fn may_wait(&self) -> bool {
        true
    }

    fn progress(&self) -> ReadProgress {
        ReadProgress::default()
    }

    fn take_warnings(&mut self) -> Vec<Warning> {
        Vec::new()
    }
}

/// Measures everything.
fn measuring(ends: &Ends) -> Config {
    let mut config = ends.config();
    config.measuring.groups =
        Group::ALL.into_iter().filter(|group| !group.needs_inspection()).collect();
    config.measuring.track_tcp = true;
    config
}

/// Returns everything that tables show of a record, except its end, which is not known before.
fn values(record: &Record) -> Vec<String> {
    let columns = columns(TimeUnit::Milliseconds);
    let of_end = ["record_kind", "end_reason", "shard_order"];
    let columns = columns.filter(|column| !of_end.contains(&column.group.name()));
    columns.map(|column| format!("{:?}", column.value(record, &Nameless))).collect()
}

#[test]
fn active_flows_are_as_if_the_input_ended() {
    let _alone = alone();
    let mut expected = Run::new(source(Ending::Complete), &measuring(&ends(1))).unwrap();
    let mut expected = nfstream_testkit::records(&mut expected).unwrap();
    expected.sort_by_key(|record| record.id);
    assert!(expected.len() > 20);
    for meters in [1, 2, 5] {
        let source = Box::new(Silence(MemorySource::new(packets())));
        let mut run = Run::new(source, &measuring(&ends(meters))).unwrap();
        let active = run.active_flows();
        let mut ended = Vec::new();
        while run.monitor().stats().packets < 500 {
            let Step::Records(records) = run.advance().unwrap() else { panic!("it ended") };
            ended.extend(records);
        }
        for _ in 0..2 {
            let mut found = active.records().unwrap();
            found.extend(ended.iter().cloned());
            found.sort_by_key(|record| record.id);
            assert_eq!(found.len(), expected.len(), "{meters} meters");
            for (found, expected) in found.iter().zip(&expected) {
                assert_eq!(values(found), values(expected), "{meters} meters");
            }
        }
        assert_eq!(active.records().unwrap().len(), expected.len() - ended.len());
        // Looking at flows changes nothing.
        run.stop_handle().stop();
        ended.extend(nfstream_testkit::records(&mut run).unwrap());
        ended.sort_by_key(|record| record.id);
        assert!(ended.iter().map(Row::of).eq(expected.iter().map(Row::of)));
        assert_eq!(active.records().unwrap().len(), 0);
    }
}

#[test]
fn other_threads_see_active_flows_while_the_run_works() {
    let _alone = alone();
    for meters in [1, 3] {
        let mut run = Run::new(source(Ending::Endless), &ends(meters).config()).unwrap();
        let active = run.active_flows();
        let stop = run.stop_handle();
        let looks = std::thread::spawn(move || {
            let mut looks = 0;
            while looks < 50 {
                let mut places = Vec::new();
                active.visit(|flow| places.push(flow.place())).unwrap();
                let mut again = 0;
                active
                    .visit_again(&places, |flow| {
                        again += usize::from(flow.volume().total_packets() > 0)
                    })
                    .unwrap();
                assert!(again <= places.len());
                looks += usize::from(again > 0);
            }
            stop.stop();
        });
        while let Step::Records(_) = run.advance().unwrap() {}
        looks.join().unwrap();
    }
}

/// Looks at the active flows of its own run.
struct Looking(ActiveFlows, Vec<ActiveError>);

impl Hooks for Looking {
    fn on_init(&mut self, _: FlowView<'_>, _: Arrival<'_>) -> Result<FlowAction, HookError> {
        self.1.extend(self.0.records().err());
        Ok(FlowAction::Continue)
    }

    fn on_update(&mut self, _: FlowView<'_>, _: Arrival<'_>) -> Result<FlowAction, HookError> {
        Ok(FlowAction::Continue)
    }

    fn on_expire(&mut self, _: Slot, _: &mut Record) -> Result<(), HookError> {
        Ok(())
    }
}

#[test]
fn a_hook_cannot_look_at_the_flows_that_it_changes() {
    let _alone = alone();
    let mut run = Run::with_hooks(source(Ending::Complete), &ends(1).config()).unwrap();
    let mut looking = Looking(run.active_flows(), Vec::new());
    run.advance_with(&mut looking).unwrap();
    assert!(!looking.1.is_empty());
    assert!(looking.1.iter().all(|error| *error == ActiveError::InHook));
    // Between steps the same thread may.
    assert!(!looking.0.records().unwrap().is_empty());
}
