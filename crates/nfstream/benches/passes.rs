//! Whole passes over captures, up to a stage of the engine: `benches/run.py` times them,
//! `benches/instructions.py` counts their instructions, and profilers can run them.
//!
//!     cargo bench --bench passes -- STAGE [--inspect | --dissector NAME] [--features NAME,...]
//!         [--splt-packets N] [--meters N] [--repeat N] CAPTURE...
//!
//! Prints a line of JSON with the time of the last pass and its counts. Stages:
//!
//! - `read`: finds the records;
//! - `decode`: also decodes them, in the same thread;
//! - `flows`: also meters them, a whole run without its table;
//! - `arrow`: builds the table as `to_pandas()` does;
//! - `memory`: as `flows`, and measures the memory of the active flows just before the input ends.

#![allow(clippy::disallowed_methods, reason = "a benchmark measures time")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark reports")]

use std::error::Error;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use nfstream::capture::Source;
use nfstream::dissect::{Dissection, DissectorChoice, Rules};
use nfstream::features::{Group, Measuring};
use nfstream::packet::Chunk;
use nfstream::table::{Table, TableSpec};
use nfstream::{Config, Run, Step, capture, decode};

const USAGE: &str = "usage: passes read|decode|flows|arrow|memory [--inspect | --dissector NAME] \
                     [--features NAME,...] [--splt-packets N] [--meters N] [--repeat N] CAPTURE...";

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Stage {
    Read,
    Decode,
    Flows,
    Arrow,
    Memory,
}

/// Task of one call.
#[derive(Debug)]
struct Task {
    stage: Stage,
    dissection: Option<Dissection>,
    groups: Vec<Group>,
    /// Packets of a flow in the columns of the feature `splt`.
    splt_packets: usize,
    meters: NonZeroUsize,
    repeat: usize,
    paths: Vec<PathBuf>,
}

/// Counts of a pass.
#[derive(Debug, Default)]
struct Found {
    packets: u64,
    flows: u64,
    /// Bytes of anonymous memory before the first packet, and before the end of the input.
    memory: Option<(u64, u64)>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let Some(task) = Task::parse()? else {
        eprintln!("{USAGE}");
        return Ok(());
    };
    let mut found = Found::default();
    let mut seconds = 0.0;
    for _ in 0..task.repeat {
        let start = Instant::now();
        found = task.run()?;
        seconds = start.elapsed().as_secs_f64();
    }
    let Found { packets, flows, memory } = found;
    let memory = memory.map_or_else(String::new, |(before, after)| {
        format!(r#", "memory_before_bytes": {before}, "memory_after_bytes": {after}"#)
    });
    println!(r#"{{"seconds": {seconds:.6}, "packets": {packets}, "flows": {flows}{memory}}}"#);
    Ok(())
}

impl Task {
    /// Parses the command line; `None` if it names no stage, as when all benchmarks run.
    fn parse() -> Result<Option<Self>, Box<dyn Error>> {
        let mut stage = None;
        let mut task = Self {
            stage: Stage::Read,
            dissection: None,
            groups: Vec::new(),
            splt_packets: Measuring::SPLT_PACKETS.into(),
            meters: NonZeroUsize::MIN,
            repeat: 1,
            paths: Vec::new(),
        };
        let mut arguments = std::env::args().skip(1);
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or(USAGE);
            match argument.as_str() {
                // Added by `cargo bench`.
                "--bench" => {}
                "--inspect" => task.dissection = Some(Dissection::default()),
                "--dissector" => {
                    let choice = DissectorChoice::by_name(&value()?).ok_or(USAGE)?;
                    let dissection = Dissection {
                        dissector: choice.factory(Rules::default()),
                        ..Dissection::default()
                    };
                    task.dissection = Some(dissection);
                }
                "--features" => {
                    for name in value()?.split(',') {
                        let group = Group::ALL.into_iter().find(|group| group.name() == name);
                        task.groups.push(group.ok_or_else(|| format!("no feature '{name}'"))?);
                    }
                }
                "--splt-packets" => task.splt_packets = value()?.parse()?,
                "--meters" => task.meters = value()?.parse()?,
                "--repeat" => task.repeat = value()?.parse()?,
                "read" if stage.is_none() => stage = Some(Stage::Read),
                "decode" if stage.is_none() => stage = Some(Stage::Decode),
                "flows" if stage.is_none() => stage = Some(Stage::Flows),
                "arrow" if stage.is_none() => stage = Some(Stage::Arrow),
                "memory" if stage.is_none() => stage = Some(Stage::Memory),
                path => task.paths.push(path.into()),
            }
        }
        let Some(stage) = stage else { return Ok(None) };
        Ok(Some(Self { stage, ..task }))
    }

    fn run(&self) -> Result<Found, Box<dyn Error>> {
        match self.stage {
            Stage::Read | Stage::Decode => self.read(),
            Stage::Flows | Stage::Arrow | Stage::Memory => self.meter(),
        }
    }

    fn read(&self) -> Result<Found, Box<dyn Error>> {
        let mut source = capture::open(&self.paths)?;
        let mut chunk = Chunk::default();
        let mut found = Found::default();
        let mut fragments = Vec::new();
        let config = Config::default();
        while source.read(&mut chunk, config.chunk_packets.get())? {
            found.packets += u64::try_from(chunk.records.len())?;
            if self.stage == Stage::Decode {
                fragments.clear();
                for record in &chunk.records {
                    let frame = chunk.frame(record);
                    let _ = std::hint::black_box(decode::decode(
                        record,
                        frame,
                        config.decode,
                        &mut fragments,
                    ));
                }
            }
        }
        Ok(found)
    }

    fn meter(&self) -> Result<Found, Box<dyn Error>> {
        let config = Config {
            dissection: self.dissection.clone(),
            meters: self.meters,
            measuring: Measuring {
                groups: self.groups.clone(),
                splt_packets: self.splt_packets,
                ..Measuring::default()
            },
            ..Config::default()
        };
        let mut run = Run::new(Box::new(capture::open(&self.paths)?), &config)?;
        let schema = Arc::clone(run.schema());
        let table = Table::new(&schema, &TableSpec::default())?;
        let before = if self.stage == Stage::Memory { anonymous_bytes()? } else { 0 };
        let mut after = before;
        let mut builder = table.builder(run.record_pool());
        let pool = run.record_pool();
        let mut batches = Vec::new();
        loop {
            if self.stage == Stage::Memory {
                after = anonymous_bytes()?;
            }
            let (records, last) = match run.advance()? {
                Step::Records(records) => (records, false),
                Step::Last(records) => (records, true),
            };
            if self.stage == Stage::Arrow {
                batches.extend(builder.append(records)?);
                batches.extend(if last { builder.rest()? } else { None });
            } else {
                pool.put_back(records);
            }
            if last {
                break;
            }
        }
        std::hint::black_box(batches);
        let stats = run.monitor().stats();
        let memory = (self.stage == Stage::Memory).then_some((before, after));
        Ok(Found { packets: stats.packets, flows: stats.flows, memory })
    }
}

/// Returns the bytes of this process's memory that no file backs.
fn anonymous_bytes() -> Result<u64, Box<dyn Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
    let kibibytes = line.and_then(|line| line.trim().strip_suffix(" kB")).ok_or("no RssAnon")?;
    Ok(kibibytes.parse::<u64>()? * 1024)
}
