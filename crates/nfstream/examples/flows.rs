//! Writes the flows of capture files as CSV.
//!
//! Usage: `cargo run --example flows -- CAPTURE...`

use std::io::{BufWriter, stdout};
use std::path::PathBuf;

use nfstream::export::CsvWriter;
use nfstream::{Config, Run, Step, capture};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let paths: Vec<PathBuf> = std::env::args_os().skip(1).map(Into::into).collect();
    let mut run = Run::new(Box::new(capture::open(&paths)?), &Config::default())?;
    let schema = run.schema().clone();
    let mut writer = CsvWriter::new(BufWriter::new(stdout()), &schema)?;
    loop {
        match run.advance()? {
            Step::Records(records) => writer.write(&records)?,
            Step::Last(records) => {
                writer.write(&records)?;
                break;
            }
        }
    }
    writer.flush()?;
    Ok(())
}
