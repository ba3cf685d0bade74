//! Rows of a batch as bytes of one message.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use arrow_array::RecordBatch;
use flate2::Compression;
use flate2::write::GzEncoder;

use super::receiver::Failure;
use crate::sink::Format;
use crate::table::Provenance;

/// Buffer that an encoder and its owner share.
#[derive(Clone, Debug, Default)]
struct Memory(Arc<Mutex<Vec<u8>>>);

impl Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Returns a batch as a complete table in `format`.
pub(super) fn encode(format: Format, batch: &RecordBatch) -> Result<Vec<u8>, Failure> {
    let memory = Memory::default();
    let output = Box::new(memory.clone());
    let encoded = || {
        let mut encoder = format.encoder(output, batch.schema_ref(), &Provenance::default())?;
        encoder.write(batch)?;
        encoder.finish()
    };
    encoded().map_err(Failure::permanent)?;
    Ok(std::mem::take(&mut *memory.0.lock().unwrap_or_else(PoisonError::into_inner)))
}

/// Returns the lines of a batch in a format of text, each with the number of its row: a row has one
/// line, or several.
pub(super) fn lines(format: Format, batch: &RecordBatch) -> Result<Vec<(usize, Vec<u8>)>, Failure> {
    let lines: Vec<_> = divided(&encode(format, batch)?).enumerate().collect();
    if lines.len() == batch.num_rows() {
        return Ok(lines);
    }
    let mut lines = Vec::new();
    for row in 0..batch.num_rows() {
        let text = encode(format, &batch.slice(row, 1))?;
        lines.extend(divided(&text).map(|line| (row, line)));
    }
    Ok(lines)
}

fn divided(text: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).map(<[u8]>::to_vec)
}

/// Returns bytes compressed with gzip.
pub(super) fn gzip(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes)?;
    encoder.finish()
}
