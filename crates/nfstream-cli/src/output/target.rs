//! Destinations of a table: standard output, or files that appear once complete.

use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use nfstream::features::{Column, Record, RecordPool, Schema};
use nfstream::sink::{
    self, Delivery, Destination, Existing, Full, Rotation, Sink, SinkError, SinkStatus, StreamSink,
    TableWriter, TimedFiles,
};
use nfstream::table::{BATCH_ROWS, Table, TableSpec};
use nfstream::time::Duration;

use super::flow_table::{FlowTable, Selection, SourceColumn};
use super::{Format, Look};
use crate::error::{Error, WARNING, Written, lines};
use crate::io::Io;
use crate::sandbox::Outlet;
use crate::table::QUIET;

/// Name of the column that holds the capture of a flow.
pub(crate) const SOURCE: &str = "source";

/// Contents, format and destination of a table.
#[derive(Debug)]
pub(crate) struct TargetOptions {
    /// The file, `None` for standard output.
    pub(crate) path: Option<PathBuf>,
    /// Destination other than a file, and whether flows wait for it.
    pub(crate) destination: Option<(Destination, Full)>,
    /// Access to the file from a sandbox; `None` without a sandbox.
    pub(crate) outlet: Option<Outlet>,
    pub(crate) existing: Existing,
    pub(crate) format: Format,
    pub(crate) rotation: Rotation,
    /// Spans of time, each with a file.
    pub(crate) every: Option<Duration>,
    /// Contents; the columns are set once the schema of the run is known.
    pub(crate) spec: TableSpec,
    pub(crate) look: Look,
    /// Columns that options name, which a table for people shows as well.
    pub(crate) named: Vec<&'static Column>,
}

impl TargetOptions {
    /// Returns whether the output can hold what is known only at the end.
    pub(crate) fn has_footer(&self) -> bool {
        matches!(self.format, Format::Programs(format) if format.has_footer())
    }
}

/// Table that is being written.
pub(crate) struct Target {
    kind: Kind,
    /// Names of sources, by number.
    names: Vec<String>,
    /// Columns that can reveal hidden values of others.
    revealing: Vec<String>,
}

enum Kind {
    /// Files.
    Files { writer: TableWriter<Box<dyn Sink>>, path: PathBuf, is_rotated: bool },
    /// Another program.
    Sent { writer: Box<TableWriter<Delivery>>, status: SinkStatus },
    /// Standard output in a format for programs.
    Stdout { writer: TableWriter<StreamSink>, memory: Memory, is_terminal: bool },
    /// Standard output as a table for people.
    Table { table: Box<FlowTable>, rows: Pending, pool: RecordPool },
}

/// Rows that wait to be laid out, and the number of each one's source.
#[derive(Debug, Default)]
struct Pending {
    records: Vec<Record>,
    sources: Vec<usize>,
}

/// Buffer shared by a sink and its owner, which writes the contents to standard output.
///
/// A sink would report a closed pipe as a failure; writes to memory always succeed.
#[derive(Clone, Debug, Default)]
struct Memory(Arc<Mutex<Vec<u8>>>);

impl Target {
    /// Starts a table with `columns`, a selection of those of `schema`, for sources with `names`.
    pub(crate) fn new(
        options: &TargetOptions,
        schema: &Schema,
        columns: Vec<&'static Column>,
        selection: Selection,
        pool: RecordPool,
        names: Vec<String>,
        io: &Io<'_>,
    ) -> Result<Self, Error> {
        let spec = TableSpec { columns: Some(columns.clone()), ..options.spec.clone() };
        let whole = Table::new(schema, &spec)?;
        let revealing = whole.revealing().to_vec();
        if let Some((destination, full)) = &options.destination {
            let interrupted = Arc::clone(&io.interrupted);
            let sink = destination.sink(*full, move || interrupted());
            let status = sink.status();
            let opened = TableWriter::open(&whole, pool, sink);
            let writer = opened.map_err(|error| sending(error, &status))?;
            let kind = Kind::Sent { writer: Box::new(writer), status };
            return Ok(Self { kind, names, revealing });
        }
        let kind = match (options.format, &options.path) {
            (Format::Table, _) => {
                let source =
                    spec.origin.is_some().then(|| SourceColumn::new(spec.origin_at, &names));
                let schema = Arc::new(schema.select(&columns));
                let named = options.named.clone();
                let times = spec.times;
                let headings = spec.headings;
                let look = options.look;
                let table = FlowTable::new(schema, selection, source, headings, look, named, times);
                Kind::Table { table: Box::new(table), rows: Pending::default(), pool }
            }
            (Format::Programs(format), Some(path)) => {
                let TargetOptions { existing, rotation, every, .. } = *options;
                let sink = match (&options.outlet, every) {
                    (Some(outlet), _) => outlet.sink(),
                    (None, Some(every)) => {
                        Box::new(TimedFiles::new(path, format, every, rotation.keep))
                    }
                    (None, None) => sink::files_at(path, existing, format, rotation),
                };
                let writer = TableWriter::open(&whole, pool, sink)?;
                Kind::Files {
                    writer,
                    path: path.clone(),
                    is_rotated: rotation.is_on() || every.is_some(),
                }
            }
            (Format::Programs(format), None) => {
                let memory = Memory::default();
                let sink = StreamSink::new(format, Box::new(memory.clone()));
                let writer = TableWriter::open(&whole, pool, sink)?;
                let is_terminal = options.look.is_terminal && !format.is_binary;
                Kind::Stdout { writer, memory, is_terminal }
            }
        };
        Ok(Self { kind, names, revealing })
    }

    /// Returns the columns that can reveal hidden values of others.
    pub(crate) fn revealing(&self) -> &[String] {
        &self.revealing
    }

    /// Sets the pool to which the records of the next source return.
    pub(crate) fn set_pool(&mut self, pool: &RecordPool) {
        match &mut self.kind {
            Kind::Files { writer, .. } => writer.set_pool(pool.clone()),
            Kind::Sent { writer, .. } => writer.set_pool(pool.clone()),
            Kind::Stdout { writer, .. } => writer.set_pool(pool.clone()),
            Kind::Table { pool: of_table, .. } => *of_table = pool.clone(),
        }
    }

    /// Adds rows from the source of this number.
    pub(crate) fn write(
        &mut self,
        records: Vec<Record>,
        source: usize,
        io: &mut Io<'_>,
    ) -> Result<(), Error> {
        let name = self.names.get(source).map_or("", String::as_str);
        match &mut self.kind {
            Kind::Files { writer, .. } => writer.write_from(records, name)?,
            Kind::Sent { writer, status } => {
                writer.write_from(records, name).map_err(|error| sending(error, status))?;
            }
            Kind::Stdout { writer, memory, is_terminal } => {
                let before = writer.sink().written().rows;
                writer.write_from(records, name)?;
                // The header waits for the first row, as the input may still fail before it.
                if writer.sink().written().rows > before {
                    memory.write_out(*is_terminal, io)?;
                }
            }
            Kind::Table { rows, .. } => {
                rows.sources.resize(rows.sources.len() + records.len(), source);
                rows.records.extend(records);
                if rows.records.len() >= BATCH_ROWS {
                    self.lay_out(io)?;
                }
            }
        }
        Ok(())
    }

    /// Writes buffered rows if a reader may be waiting for them.
    pub(crate) fn flush(&mut self, io: &mut Io<'_>) -> Result<(), Error> {
        match &mut self.kind {
            // A file appears once complete; flushing would only split it into many small parts.
            Kind::Files { writer, .. } => Ok(writer.settle()?),
            Kind::Sent { writer, status } => {
                writer.write_due().map_err(|error| sending(error, status))
            }
            Kind::Stdout { writer, memory, is_terminal } => {
                writer.flush()?;
                memory.write_out(*is_terminal, io)
            }
            Kind::Table { .. } => self.lay_out(io),
        }
    }

    /// Completes the table.
    pub(crate) fn finish(mut self, io: &mut Io<'_>) -> Result<(), Error> {
        self.lay_out(io)?;
        if let Kind::Table { table, .. } = &self.kind
            && let hidden = table.hidden()
            && !hidden.is_empty()
        {
            let hidden = hidden.join(", ");
            let note = format!("no room for {hidden}; --format csv writes all columns");
            io.stderr.say_in(QUIET, note);
        }
        match self.kind {
            Kind::Files { writer, .. } => writer.finish().map(drop)?,
            Kind::Sent { writer, status } => {
                let finished = writer.finish();
                report(&status, io);
                finished.map_err(|error| sending(error, &status))?;
            }
            Kind::Stdout { writer, memory, is_terminal } => {
                writer.finish()?;
                memory.write_out(is_terminal, io)?;
            }
            Kind::Table { .. } => {}
        }
        Ok(())
    }

    /// Returns the output file and whether it is rotated; `None` for standard output.
    pub(crate) fn path(&self) -> Option<(&Path, bool)> {
        match &self.kind {
            Kind::Files { path, is_rotated, .. } => Some((path, *is_rotated)),
            Kind::Sent { .. } | Kind::Stdout { .. } | Kind::Table { .. } => None,
        }
    }

    /// Returns the state of a destination other than a file, `None` for others.
    pub(crate) fn status(&self) -> Option<&SinkStatus> {
        match &self.kind {
            Kind::Sent { status, .. } => Some(status),
            _ => None,
        }
    }

    /// Lays out and writes the buffered rows of a table for people.
    fn lay_out(&mut self, io: &mut Io<'_>) -> Result<(), Error> {
        let Self { kind: Kind::Table { table, rows, pool }, names, .. } = self else {
            return Ok(());
        };
        let Pending { records, sources } = std::mem::take(rows);
        let name = |source: &usize| names.get(*source).map_or("", String::as_str);
        let mut text = Vec::new();
        table.write(&records, sources.iter().map(name), &mut text);
        pool.put_back(records);
        write_out(&text, io)
    }
}

impl Memory {
    fn take(&self) -> Vec<u8> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Moves the contents to standard output. For a terminal, control characters are escaped.
    fn write_out(&self, is_terminal: bool, io: &mut Io<'_>) -> Result<(), Error> {
        let bytes = self.take();
        if is_terminal {
            return write_out(lines(&String::from_utf8_lossy(&bytes)).as_bytes(), io);
        }
        write_out(&bytes, io)
    }
}

impl Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().map_err(|_| ErrorKind::Other)?.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Returns the error of a destination: after an interruption, the rows that it has.
fn sending(error: SinkError, status: &SinkStatus) -> Error {
    match error {
        SinkError::Interrupted => {
            let rows = status.counts().sent_rows;
            Error::Interrupted(Written::Sent(rows, status.name().to_owned()))
        }
        error => error.into(),
    }
}

/// Warns about flows that a destination does not have.
fn report(status: &SinkStatus, io: &mut Io<'_>) {
    for notice in status.take_notices().into_iter().chain(status.losses()) {
        io.stderr.say_as(WARNING, "warning:", notice);
    }
}

fn write_out(bytes: &[u8], io: &mut Io<'_>) -> Result<(), Error> {
    if bytes.is_empty() {
        return Ok(());
    }
    let stdout = &mut io.stdout.writer;
    stdout.write_all(bytes).and_then(|()| stdout.flush()).map_err(Error::stdout)
}
