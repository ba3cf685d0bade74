//! Writes the flows of capture files as CSV.
//!
//! Usage: `cargo run --example flows -- CAPTURE...`

use std::io::stdout;
use std::path::PathBuf;

use nfstream::sink::{Format, StreamSink, TableWriter};
use nfstream::table::{Table, TableSpec};
use nfstream::{Config, Run, Step, capture};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let paths: Vec<PathBuf> = std::env::args_os().skip(1).map(Into::into).collect();
    let mut run = Run::new(Box::new(capture::open(&paths)?), &Config::default())?;
    let table = Table::new(run.schema(), &TableSpec::default())?;
    let sink = StreamSink::new(Format::CSV, Box::new(stdout()));
    let mut writer = TableWriter::open(&table, run.record_pool(), sink)?;
    loop {
        match run.advance()? {
            Step::Records(records) => writer.write(records)?,
            Step::Last(records) => {
                writer.write(records)?;
                break;
            }
        }
    }
    writer.finish()?;
    Ok(())
}
