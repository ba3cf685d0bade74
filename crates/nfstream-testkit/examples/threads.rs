//! Runs the engine with several meters over captures, and stresses its threads: runs are stopped
//! and watched by another thread, dropped half way, read with hooks, or written in the background.
//! Meant for tools such as ThreadSanitizer.
//!
//!     cargo run -p nfstream-testkit --example threads -- ROUNDS SEED FOLDER...

#![allow(clippy::print_stdout, reason = "a program for the terminal")]

use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use fastrand::Rng;
use nfstream::capture;
use nfstream::features::{Group, Measuring, Record};
use nfstream::flow::Slot;
use nfstream::meter::{Arrival, FlowAction, FlowView, HookError, Hooks};
use nfstream::sink::{Background, Existing, FileSink, Format, TableWriter};
use nfstream::table::{Table, TableSpec};
use nfstream::{Config, Run, RunError, Step};

/// Course of a run.
#[derive(Clone, Copy, Debug)]
enum Course {
    /// It is read to its end.
    Complete,
    /// Another thread stops it.
    Stopped,
    /// It is dropped before its end.
    Dropped,
    /// Its packets pass through hooks.
    Hooked,
}

const COURSES: [Course; 4] = [Course::Complete, Course::Stopped, Course::Dropped, Course::Hooked];

fn main() -> Result<(), Box<dyn Error>> {
    let usage = "usage: threads ROUNDS SEED FOLDER...";
    let args: Vec<_> = std::env::args().skip(1).collect();
    let [rounds, seed, folders @ ..] = args.as_slice() else { return Err(usage.into()) };
    let (rounds, mut random) = (rounds.parse::<usize>()?, Rng::with_seed(seed.parse()?));
    let captures = captures(folders)?;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/threads");
    std::fs::create_dir_all(&folder)?;
    let table = folder.join("table.csv");
    let (mut runs, mut packets) = (0, 0);
    for _ in 0..rounds {
        for capture in &captures {
            for course in COURSES {
                packets += take(capture, &table, course, &mut random)?;
                runs += 1;
            }
        }
    }
    println!("{runs} runs over {} captures, seed {seed}: {packets} packets", captures.len());
    Ok(())
}

fn captures(folders: &[String]) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let mut captures = Vec::new();
    for folder in folders {
        for entry in std::fs::read_dir(folder).map_err(|error| format!("{folder}: {error}"))? {
            captures.push(entry?.path());
        }
    }
    captures.sort();
    captures.retain(|path| capture::open(std::slice::from_ref(path)).is_ok());
    Ok(captures)
}

/// Runs over `capture`, writes to `table` and returns the number of packets.
fn take(
    capture: &Path,
    table: &Path,
    course: Course,
    random: &mut Rng,
) -> Result<u64, Box<dyn Error>> {
    let source = Box::new(capture::open(&[capture.to_owned()])?);
    let hooked = matches!(course, Course::Hooked);
    let config = Config {
        measuring: Measuring { groups: Group::ALL.to_vec(), ..Measuring::default() },
        // Hooks need a single meter.
        meters: if hooked { 1 } else { random.usize(2..=6) }.try_into()?,
        chunk_packets: random.usize(1..=64).try_into()?,
        ..Config::default()
    };
    let start = if hooked { Run::with_hooks } else { Run::new };
    let mut run = start(source, &config)?;
    let (stop, monitor) = (run.stop_handle(), run.monitor());
    let steps_left = match course {
        Course::Dropped => random.usize(0..20),
        _ => usize::MAX,
    };
    let stops_at = matches!(course, Course::Stopped).then(|| random.u64(0..100));
    let schema = Arc::clone(run.schema());
    let columns = Table::new(&schema, &TableSpec::default())?;
    let file = FileSink::new(table, Existing::Replace, Format::CSV);
    let writer = TableWriter::open(&columns, run.record_pool(), Background::new(file))?;
    thread::scope(|scope| {
        let watch = monitor.clone();
        let stop = &stop;
        let watcher = scope.spawn(move || {
            while !stop.is_stopped() {
                if stops_at.is_some_and(|packets| watch.stats().packets >= packets) {
                    stop.stop();
                }
                drop((watch.progress(), watch.take_warnings()));
                thread::yield_now();
            }
        });
        let outcome = exhaust(&mut run, hooked, steps_left, writer);
        drop(run);
        stop.stop();
        watcher.join().expect("nothing panics");
        outcome
    })?;
    Ok(monitor.stats().packets)
}

/// Writes the remaining flows of `run` within the limit of steps, and finishes the file if the run
/// ends within it.
fn exhaust(
    run: &mut Run,
    hooked: bool,
    mut steps_left: usize,
    mut writer: TableWriter<Background<FileSink>>,
) -> Result<(), Box<dyn Error>> {
    while steps_left > 0 {
        let step = if hooked { run.advance_with(&mut Watching) } else { run.advance() };
        match step {
            Ok(Step::Records(records)) => writer.write(records)?,
            Ok(Step::Last(records)) => {
                writer.write(records)?;
                break;
            }
            // A damaged file ends with an error after all flows.
            Err(RunError::Capture(_)) => break,
            Err(error) => return Err(error.into()),
        }
        steps_left -= 1;
    }
    if steps_left > 0 {
        writer.finish()?;
    }
    Ok(())
}

struct Watching;

impl Hooks for Watching {
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
