//! A sink from outside the engine: a collector in memory, written with the public API alone.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::num::NonZeroU64;
use std::sync::{Arc, Mutex};

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use nfstream::sink::{
    Background, Parts, Rotating, Rotation, Sink, SinkError, TableWriter, Written,
};
use nfstream::table::{BATCH_ROWS, Provenance, Table, TableSpec};
use nfstream::{Config, Run, Step};
use nfstream_testkit::{Captured, Ends, Frame, MemorySource, seconds};

/// Batches and calls that a collector has received.
#[derive(Debug, Default)]
struct Received {
    columns: Vec<String>,
    parameters: Option<String>,
    batches: Vec<RecordBatch>,
    flushes: usize,
    is_complete: bool,
    is_aborted: bool,
}

/// A sink that keeps batches in memory, and drops those beyond its capacity.
#[derive(Clone, Debug)]
struct Collector {
    received: Arc<Mutex<Received>>,
    written: Written,
    /// Rows that still fit.
    room: u64,
    /// Rows after which it fails.
    fails_at: u64,
}

impl Collector {
    fn new(room: u64) -> Self {
        let (received, written) = (Arc::default(), Written::default());
        Self { received, written, room, fails_at: u64::MAX }
    }
}

impl Sink for Collector {
    fn open(&mut self, schema: &SchemaRef, provenance: &Provenance) -> Result<(), SinkError> {
        let mut received = self.received.lock().unwrap();
        received.columns = schema.fields().iter().map(|field| field.name().clone()).collect();
        let mut entries = provenance.entries();
        let parameters = entries.find(|(name, _)| *name == "nfstream.parameters");
        received.parameters = parameters.map(|(_, value)| value.to_owned());
        Ok(())
    }

    fn write(&mut self, batch: &RecordBatch) -> Result<(), SinkError> {
        let rows = u64::try_from(batch.num_rows()).unwrap();
        if self.written.rows >= self.fails_at {
            let (name, source) = ("collector".to_owned(), "connection reset".into());
            return Err(SinkError::Other { name, source });
        }
        if self.written.rows + rows > self.room {
            self.written.dropped += rows;
            return Ok(());
        }
        self.written.add_rows(batch);
        self.received.lock().unwrap().batches.push(batch.clone());
        Ok(())
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        self.received.lock().unwrap().flushes += 1;
        Ok(())
    }

    fn finish(&mut self) -> Result<Written, SinkError> {
        self.received.lock().unwrap().is_complete = true;
        Ok(self.written)
    }

    fn abort(&mut self) {
        self.received.lock().unwrap().is_aborted = true;
    }

    fn written(&self) -> Written {
        self.written
    }
}

/// Collectors as the parts of one table.
#[derive(Default)]
struct Collectors {
    parts: Arc<Mutex<Vec<Arc<Mutex<Received>>>>>,
}

impl Parts for Collectors {
    type Sink = Collector;

    fn part(&mut self, number: u64) -> Collector {
        let collector = Collector::new(u64::MAX);
        let mut parts = self.parts.lock().unwrap();
        assert_eq!(number, u64::try_from(parts.len()).unwrap());
        parts.push(Arc::clone(&collector.received));
        collector
    }

    fn remove(&mut self, _: u64) -> Result<(), SinkError> {
        Ok(())
    }
}

/// Writes `flows` flows of one packet to `sink`.
fn write<S: Sink>(flows: usize, sink: S) -> Result<Written, SinkError> {
    let packets = (0..flows).map(|number| {
        let [.., high, low] = number.to_be_bytes();
        let frame = Frame::ethernet().ipv4([10, 0, high, low], [192, 0, 2, 2]).udp(1000, 53);
        Captured::new(seconds(0), &frame)
    });
    let source = MemorySource::new(packets.collect::<Vec<_>>()).boxed();
    let config: Config = Ends::without_dpi(30, 300).config();
    let mut run = Run::new(source, &config).unwrap();
    let provenance = Provenance::new(None).with("parameters", "{}");
    let spec = TableSpec { provenance, ..TableSpec::default() };
    let table = Table::new(run.schema(), &spec).unwrap();
    let mut writer = TableWriter::open(&table, run.record_pool(), sink)?;
    loop {
        let (records, is_last) = match run.advance().unwrap() {
            Step::Records(records) => (records, false),
            Step::Last(records) => (records, true),
        };
        writer.write(records)?;
        if is_last {
            writer.flush()?;
            return writer.finish();
        }
    }
}

#[test]
fn a_sink_from_another_crate_takes_a_table() {
    let sink = Collector::new(u64::MAX);
    let received = Arc::clone(&sink.received);
    let flows = BATCH_ROWS + 10;
    assert_eq!(write(flows, sink).unwrap(), Written { rows: 8202, bytes: 0, dropped: 0 });
    let received = received.lock().unwrap();
    assert_eq!(received.columns[..3], ["id", "first_seen", "last_seen"]);
    assert_eq!(received.parameters.as_deref(), Some("{}"));
    let rows: Vec<_> = received.batches.iter().map(RecordBatch::num_rows).collect();
    assert_eq!(rows, [BATCH_ROWS, 10]);
    assert_eq!(received.flushes, 1);
    assert!(received.is_complete && !received.is_aborted);
}

#[test]
fn dropped_rows_are_counted_and_reported_at_the_end() {
    let room = u64::try_from(BATCH_ROWS).unwrap();
    let written = write(BATCH_ROWS + 10, Background::new(Collector::new(room))).unwrap();
    assert_eq!(written, Written { rows: room, bytes: 0, dropped: 10 });
}

#[test]
fn a_table_rotates_over_any_sinks() {
    let collectors = Collectors::default();
    let parts = Arc::clone(&collectors.parts);
    let rotation = Rotation { rows: NonZeroU64::new(4), ..Rotation::default() };
    assert_eq!(write(10, Rotating::new(collectors, rotation)).unwrap().rows, 10);
    let rows: Vec<usize> = parts
        .lock()
        .unwrap()
        .iter()
        .map(|part| part.lock().unwrap().batches.iter().map(RecordBatch::num_rows).sum())
        .collect();
    assert_eq!(rows, [4, 4, 2]);
}

#[test]
fn errors_reach_the_writer_from_the_background_too() {
    let failing = || Collector { fails_at: 1, ..Collector::new(u64::MAX) };
    let direct = failing();
    let received = Arc::clone(&direct.received);
    let error = write(BATCH_ROWS + 10, direct).unwrap_err();
    assert!(matches!(&error, SinkError::Other { name, .. } if name == "collector"));
    assert!(received.lock().unwrap().is_aborted);
    let error = write(BATCH_ROWS + 10, Background::new(failing())).unwrap_err();
    assert!(matches!(&error, SinkError::Other { name, .. } if name == "collector"));
}

#[test]
fn a_sink_that_is_not_open_takes_nothing() {
    let mut sink = Background::new(Collector::new(1));
    assert!(matches!(sink.flush(), Err(SinkError::NotOpen)));
    assert!(matches!(sink.finish(), Err(SinkError::NotOpen)));
}
