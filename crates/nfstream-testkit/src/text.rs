//! Tables as text.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use nfstream::features::{Record, RecordPool, Schema};
use nfstream::sink::{Format, StreamSink, TableWriter};
use nfstream::table::{Table, TableSpec};

/// Buffer shared by an output and its reader.
#[derive(Clone, Debug, Default)]
struct Memory(Arc<Mutex<Vec<u8>>>);

impl Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Returns the table of `records` in a text format.
///
/// # Panics
///
/// Panics if the table cannot be built.
pub fn text_of(format: Format, schema: &Schema, records: Vec<Record>) -> String {
    let table = Table::new(schema, &TableSpec::default()).expect("the run's own columns");
    let memory = Memory::default();
    let sink = StreamSink::new(format, Box::new(memory.clone()));
    let mut writer =
        TableWriter::open(&table, RecordPool::new().0, sink).expect("memory takes all");
    writer.write(records).expect("memory takes all");
    writer.finish().expect("memory takes all");
    let bytes = std::mem::take(&mut *memory.0.lock().unwrap_or_else(PoisonError::into_inner));
    String::from_utf8(bytes).expect("text")
}
