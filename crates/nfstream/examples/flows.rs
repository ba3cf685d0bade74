//! Writes the flows of capture files as CSV.
//!
//! Usage: `cargo run --example flows -- CAPTURE...`

use std::io::{BufWriter, stdout};
use std::num::NonZeroUsize;

use nfstream::export::CsvWriter;
use nfstream::{Config, Run, Step, capture};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut config = Config::default();
    if let Some(n) = std::env::var("METERS").ok().and_then(|v| v.parse().ok()) {
        config.meters = NonZeroUsize::new(n).unwrap();
    }
    if let Some(n) = std::env::var("CHUNK").ok().and_then(|v| v.parse().ok()) {
        config.chunk_packets = NonZeroUsize::new(n).unwrap();
    }
    if std::env::var("NODPI").is_ok() {
        config.inspection = None;
    }
    let quiet = std::env::var("QUIET").is_ok();
    let paths: Vec<_> = std::env::args_os().skip(1).map(Into::into).collect();
    let mut run = Run::new(Box::new(capture::open(&paths)?), &config)?;
    let schema = run.schema().clone();
    let arrow = std::sync::Arc::new(nfstream::export::arrow_schema(&schema));
    let mut writer = CsvWriter::new(BufWriter::new(stdout()), &schema)?;
    let mut n = 0;
    loop {
        let (records, last) = match run.advance()? {
            Step::Records(r) => (r, false),
            Step::Last(r) => (r, true),
        };
        n += records.len();
        if quiet {
            for r in records.chunks(4096) {
                std::hint::black_box(nfstream::export::record_batch(&schema, &arrow, r));
            }
        } else {
            writer.write(&records)?;
        }
        if last {
            break;
        }
    }
    writer.flush()?;
    eprintln!("{n} {:?}", run.monitor().stats());
    Ok(())
}
