//! Standard output, or files that are either written whole or not at all.

use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use nfstream::export::{Anonymizer, Existing, Provenance, Rotation, TableFiles, Writer};
use nfstream::features::{Record, RecordPool, Schema};

use super::batches::Batches;
use super::flow_table::{FlowTable, Selection};
use super::{Format, Look};
use crate::error::Error;
use crate::io::Io;

/// Rows that become one batch: for less the overhead tells.
const BATCH: usize = 8192;

/// What a table is like, and where it goes.
#[derive(Debug)]
pub(crate) struct TargetOptions {
    /// The file, `None` for standard output.
    pub(crate) path: Option<PathBuf>,
    pub(crate) existing: Existing,
    pub(crate) format: Format,
    pub(crate) rotation: Rotation,
    /// Whether points in time are written as such.
    pub(crate) timestamps: bool,
    /// Whether there is a column for the source of each flow.
    pub(crate) has_source: bool,
    /// Which columns are hashes, `None` for none.
    pub(crate) anonymizer: Option<Anonymizer>,
    pub(crate) provenance: Provenance,
    pub(crate) look: Look,
}

/// A table that is written.
pub(crate) struct Target {
    kind: Kind,
    /// Names of sources, by number.
    names: Vec<String>,
    /// What is to be written, and the number of each one's source.
    records: Vec<Record>,
    sources: Vec<i32>,
}

enum Kind {
    /// Files.
    Files { batches: Batches, files: Box<TableFiles>, path: PathBuf, is_rotated: bool },
    /// Standard output, for programs.
    Stdout { batches: Batches, writer: Writer<Memory>, memory: Memory },
    /// Standard output, for people.
    Table(Box<FlowTable>),
}

/// Memory that both a writer and its owner have.
///
/// The writers know nothing of pipes that close; here they cannot fail.
#[derive(Clone, Debug, Default)]
struct Memory(Arc<Mutex<Vec<u8>>>);

impl Target {
    /// Begins a table with the columns of `schema`.
    pub(crate) fn new(
        options: &TargetOptions,
        schema: Arc<Schema>,
        selection: Selection,
    ) -> Result<Self, Error> {
        let TargetOptions { existing, rotation, timestamps, has_source, .. } = *options;
        let batches = |schema| {
            let anonymizer = options.anonymizer.as_ref();
            Batches::new(schema, timestamps, has_source, anonymizer, &options.provenance)
        };
        let kind = match (options.format.for_programs(), &options.path) {
            (None, _) => {
                Kind::Table(Box::new(FlowTable::new(schema, selection, has_source, options.look)))
            }
            (Some(format), Some(path)) => {
                let batches = batches(schema)?;
                let files = TableFiles::create(path, existing, format, batches.schema(), rotation)?;
                Kind::Files {
                    batches,
                    files: Box::new(files),
                    path: path.clone(),
                    is_rotated: rotation.is_on(),
                }
            }
            (Some(format), None) => {
                let batches = batches(schema)?;
                let memory = Memory::default();
                let writer = Writer::new(format, memory.clone(), batches.schema());
                Kind::Stdout { writer: writer.map_err(Error::stdout)?, batches, memory }
            }
        };
        Ok(Self { kind, names: Vec::new(), records: Vec::new(), sources: Vec::new() })
    }

    /// Returns the number of a source of this name.
    pub(crate) fn add_source(&mut self, name: String) -> i32 {
        self.names.push(name);
        i32::try_from(self.names.len() - 1).unwrap_or(i32::MAX)
    }

    /// Takes the next rows and the number of each one's source; `pool`, if there is one,
    /// gets the records that have served.
    pub(crate) fn write(
        &mut self,
        mut records: Vec<Record>,
        mut sources: Vec<i32>,
        pool: Option<&RecordPool>,
        io: &mut Io<'_>,
    ) -> Result<(), Error> {
        self.records.append(&mut records);
        self.sources.append(&mut sources);
        if self.records.len() >= BATCH {
            let served = self.write_pending(io)?;
            if let Some(pool) = pool {
                pool.put_back(served);
            }
        }
        Ok(())
    }

    /// Shows what has come, where somebody may be waiting for it.
    pub(crate) fn flush(&mut self, io: &mut Io<'_>) -> Result<(), Error> {
        match self.kind {
            // Nobody sees a file before it is complete, and many small parts make a bad one.
            Kind::Files { .. } => Ok(()),
            Kind::Stdout { .. } | Kind::Table(_) => self.write_pending(io).map(drop),
        }
    }

    /// Completes the table.
    pub(crate) fn finish(mut self, io: &mut Io<'_>) -> Result<(), Error> {
        drop(self.write_pending(io)?);
        match self.kind {
            Kind::Files { files, .. } => files.finish().map(drop)?,
            Kind::Stdout { writer, memory, .. } => {
                drop(writer.finish().map_err(Error::stdout)?);
                write_out(&memory.take(), io)?;
            }
            Kind::Table(_) => {}
        }
        Ok(())
    }

    /// Returns the file as it was named, and whether there are several; `None` for standard
    /// output.
    pub(crate) fn path(&self) -> Option<(&Path, bool)> {
        match &self.kind {
            Kind::Files { path, is_rotated, .. } => Some((path, *is_rotated)),
            Kind::Stdout { .. } | Kind::Table(_) => None,
        }
    }

    /// Writes the rows that have come, and returns their records.
    fn write_pending(&mut self, io: &mut Io<'_>) -> Result<Vec<Record>, Error> {
        let Self { kind, names, records, sources } = self;
        let name = |source: &i32| {
            let name = usize::try_from(*source).ok().and_then(|source| names.get(source));
            name.map_or("", String::as_str)
        };
        // At the end of the input many flows end at once.
        for (records, sources) in records.chunks(BATCH).zip(sources.chunks(BATCH)) {
            let sources = sources.iter().map(name);
            match kind {
                Kind::Files { batches, files, .. } => {
                    files.write(&batches.make(records, sources))?;
                }
                Kind::Stdout { batches, writer, memory } => {
                    writer.write(&batches.make(records, sources)).map_err(Error::stdout)?;
                    write_out(&memory.take(), io)?;
                }
                Kind::Table(table) => {
                    let mut text = Vec::new();
                    table.write(records, sources, &mut text);
                    write_out(&text, io)?;
                }
            }
        }
        if let Kind::Stdout { memory, .. } = kind {
            // The header comes also where there are no rows.
            write_out(&memory.take(), io)?;
        }
        sources.clear();
        Ok(std::mem::take(records))
    }
}

/// Returns whether `path` is where a table goes that is written to `target` in this way.
pub(crate) fn is_part(path: &Path, target: &Path, rotation: Rotation) -> bool {
    if let (Ok(path), Ok(target)) = (path.canonicalize(), target.canonicalize()) {
        return path == target;
    }
    let in_folder = |path: &Path| path.parent().map(Path::to_path_buf).unwrap_or_default();
    // `flows.0.csv` is written where `flows.csv` is asked for.
    let stem = path.file_stem().map(Path::new);
    rotation.is_on()
        && in_folder(path) == in_folder(target)
        && path.extension() == target.extension()
        && stem.and_then(Path::file_stem) == target.file_stem()
}

impl Memory {
    fn take(&self) -> Vec<u8> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
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

fn write_out(bytes: &[u8], io: &mut Io<'_>) -> Result<(), Error> {
    if bytes.is_empty() {
        return Ok(());
    }
    let stdout = &mut io.stdout.writer;
    stdout.write_all(bytes).and_then(|()| stdout.flush()).map_err(Error::stdout)
}
