//! Rows of a batch as bytes of one message.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use arrow_array::RecordBatch;

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
