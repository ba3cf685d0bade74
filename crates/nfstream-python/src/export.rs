//! Tables of a run: in memory, batch by batch, and in files.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, RecordBatchReader};
use arrow_schema::{ArrowError, Field, Schema as ArrowSchema, SchemaRef};
use nfstream::export::{
    self, Anonymizer, Background, BatchBuilder, Existing, ExportError, Format, Provenance,
    Rotation, TableFiles,
};
use nfstream::features::{Record, RecordPool};
use pyo3::exceptions::{PyKeyboardInterrupt, PyOSError, PyRuntimeError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{IntoPyDict, PyList};
use pyo3_arrow::{PyRecordBatchReader, PySchema, PyTable};

use crate::error::{chain, system_message};
use crate::flow::NFlow;
use crate::plugin_column;
use crate::run::{Found, Run};

/// Rows of a record batch, at least, but for the last: for less the overhead tells.
const BATCH_ROWS: usize = 16_384;
/// Rows that are written between two looks at signals.
const WRITE_ROWS: usize = 8_192;

/// What the tables of a run are like.
#[pyclass(frozen, module = "nfstream._engine")]
#[derive(Debug)]
pub(crate) struct TableOptions {
    timestamps: bool,
    /// Whether text is to be as frames of pandas hold it.
    frame_text: bool,
    anonymizer: Option<Anonymizer>,
    /// Parameters of the run as JSON.
    parameters: String,
}

#[pymethods]
impl TableOptions {
    #[new]
    #[pyo3(signature = (*, timestamps, frame_text, columns_to_anonymize, key, parameters))]
    fn new(
        timestamps: bool,
        frame_text: bool,
        columns_to_anonymize: Vec<String>,
        key: Option<Vec<u8>>,
        parameters: String,
    ) -> PyResult<Self> {
        let anonymizer = (!columns_to_anonymize.is_empty())
            .then(|| Anonymizer::new(columns_to_anonymize, key.as_deref()));
        let anonymizer = anonymizer.transpose().map_err(|error| export_error(&error))?;
        Ok(Self { timestamps, frame_text, anonymizer, parameters })
    }
}

/// The schemas of the tables of one run.
struct Shape {
    kind: Arc<crate::flow::FlowType>,
    /// What the engine gives.
    engine: SchemaRef,
    anonymizer: Option<(Anonymizer, SchemaRef)>,
}

impl Shape {
    /// Returns the shape of a run's tables without plugins.
    ///
    /// `ValueError` if a column that is to be anonymised is neither the engine's nor a plugin's.
    fn new(py: Python<'_>, run: &Run, options: &TableOptions) -> PyResult<Self> {
        let schema = run.kind.schema();
        let mut engine = export::arrow_schema(schema);
        if options.timestamps {
            engine = export::with_timestamps(schema, &engine);
        }
        if options.frame_text {
            engine = export::with_frame_text(&engine);
        }
        let provenance = Provenance::new(run.dissector.as_deref());
        let provenance = provenance.with("parameters", &options.parameters);
        let engine = Arc::new(provenance.describe(engine));
        let plugins = run.kind.plugin_columns(py);
        let anonymizer = match &options.anonymizer {
            Some(anonymizer) => {
                let plugins = plugins.iter().map(|name| {
                    Arc::new(Field::new(name.to_string(), arrow_schema::DataType::Null, true))
                });
                let all = engine.fields().iter().cloned().chain(plugins).collect::<Vec<_>>();
                let all = ArrowSchema::new(all).with_metadata(engine.metadata().clone());
                let all = anonymizer.schema(&all).map_err(|error| export_error(&error))?;
                let engine_fields = all.fields().iter().take(engine.fields().len()).cloned();
                let schema = ArrowSchema::new(engine_fields.collect::<Vec<_>>())
                    .with_metadata(engine.metadata().clone());
                Some((anonymizer.clone(), Arc::new(schema)))
            }
            None => None,
        };
        Ok(Self { kind: Arc::clone(&run.kind), engine, anonymizer })
    }

    fn schema(&self) -> &SchemaRef {
        self.anonymizer.as_ref().map_or(&self.engine, |(_, schema)| schema)
    }

    /// Returns a batch of the engine as it is to be seen.
    fn finish(&self, batch: RecordBatch) -> Result<RecordBatch, ArrowError> {
        match &self.anonymizer {
            Some((anonymizer, schema)) => anonymizer.batch(&batch, schema),
            None => Ok(batch),
        }
    }

    /// Returns batches of the engine with the columns of plugins behind, all as they are to be
    /// seen.
    fn with_plugins(
        &self,
        batches: Vec<RecordBatch>,
        names: Vec<String>,
        values: Vec<ArrayRef>,
    ) -> Result<(Vec<RecordBatch>, SchemaRef), ArrowError> {
        let fields = names.iter().zip(&values);
        let fields =
            fields.map(|(name, array)| Arc::new(Field::new(name, array.data_type().clone(), true)));
        let fields = self.engine.fields().iter().cloned().chain(fields).collect::<Vec<_>>();
        let schema = ArrowSchema::new(fields).with_metadata(self.engine.metadata().clone());
        let schema = Arc::new(schema);
        let seen = match &self.anonymizer {
            Some((anonymizer, _)) => {
                let seen = anonymizer.schema(&schema);
                Arc::new(seen.map_err(|error| ArrowError::SchemaError(error.to_string()))?)
            }
            None => Arc::clone(&schema),
        };
        let mut start = 0;
        let batches = batches.into_iter().map(|batch| {
            let plugins = values.iter().map(|array| array.slice(start, batch.num_rows()));
            let columns = batch.columns().iter().cloned().chain(plugins).collect();
            start += batch.num_rows();
            let batch = RecordBatch::try_new(Arc::clone(&schema), columns)?;
            match &self.anonymizer {
                Some((anonymizer, _)) => anonymizer.batch(&batch, &seen),
                None => Ok(batch),
            }
        });
        Ok((batches.collect::<Result<_, _>>()?, seen))
    }
}

/// Makes the batches of a run's table.
struct TableBuilder {
    builder: BatchBuilder,
    pool: RecordPool,
    /// Whether batches are as they are to be seen, or as the engine has them.
    finished: bool,
}

impl TableBuilder {
    fn new(shape: &Shape, run: &Run, finished: bool) -> Self {
        let builder = BatchBuilder::new(shape.kind.schema(), Arc::clone(&shape.engine));
        Self { builder, pool: run.pool.clone(), finished }
    }

    /// Appends rows for `records`, and returns the batches that are full.
    fn append(
        &mut self,
        shape: &Shape,
        records: Vec<Record>,
    ) -> Result<Vec<RecordBatch>, ArrowError> {
        let mut full = Vec::new();
        // At the end of the input many flows end at once.
        for records in records.chunks(BATCH_ROWS) {
            self.builder.append(records);
            if self.builder.rows() >= BATCH_ROWS {
                full.push(self.rest(shape)?);
            }
        }
        self.pool.put_back(records);
        Ok(full)
    }

    /// Returns the rows that are in no batch yet.
    fn rest(&mut self, shape: &Shape) -> Result<RecordBatch, ArrowError> {
        let batch = self.builder.finish();
        if self.finished { shape.finish(batch) } else { Ok(batch) }
    }
}

/// Reads a run to its end and returns its table, and a list for each plugin column.
///
/// Without `plugin_columns` the table has the engine's columns alone.
#[pyfunction]
pub(crate) fn read_table<'py>(
    py: Python<'py>,
    run: &Bound<'py, Run>,
    options: &Bound<'py, TableOptions>,
    plugin_columns: bool,
) -> PyResult<(PyTable, Vec<Bound<'py, PyList>>)> {
    let (batches, schema, values) = read_all(py, run.get(), options.get(), plugin_columns)?;
    Ok((PyTable::try_new(batches, schema)?, values))
}

/// Returns the batches of a run, their schema and the values of each plugin column.
fn read_all<'py>(
    py: Python<'py>,
    run: &Run,
    options: &TableOptions,
    plugin_columns: bool,
) -> PyResult<(Vec<RecordBatch>, SchemaRef, Vec<Bound<'py, PyList>>)> {
    let shape = Shape::new(py, run, options)?;
    let mut state = run.lock()?;
    let names = run.kind.plugin_columns(py);
    let values: Vec<_> = names.iter().map(|_| PyList::empty(py)).collect();
    let with_plugins = plugin_columns && !names.is_empty();
    let mut batches = Vec::new();
    let mut table = TableBuilder::new(&shape, run, !with_plugins);
    while !state.ended {
        let (records, flows) = match state.advance(py, &run.kind)? {
            Found::Rows(records) => (records, Vec::new()),
            Found::Followed(records, flows) => (records, flows),
        };
        for flow in flows {
            for (name, list) in names.iter().zip(&values) {
                list.append(flow.bind(py).getattr(name)?)?;
            }
        }
        let full = py.detach(|| table.append(&shape, records));
        batches.extend(full.map_err(arrow_error)?);
    }
    let rest = py.detach(|| table.rest(&shape)).map_err(arrow_error)?;
    if rest.num_rows() > 0 || batches.is_empty() {
        batches.push(rest);
    }
    if with_plugins {
        let names = names.iter().map(ToString::to_string).collect();
        let arrays = values.iter().map(plugin_column::array).collect::<PyResult<_>>()?;
        let result = py.detach(|| shape.with_plugins(batches, names, arrays));
        let (batches, schema) = result.map_err(arrow_error)?;
        return Ok((batches, schema, values));
    }
    let schema = batches.first().map_or_else(|| Arc::clone(shape.schema()), RecordBatch::schema);
    Ok((batches, schema, values))
}

/// Returns the schema of a run's table; it has no plugins.
#[pyfunction]
pub(crate) fn table_schema(
    py: Python<'_>,
    run: &Bound<'_, Run>,
    options: &Bound<'_, TableOptions>,
) -> PyResult<PySchema> {
    Ok(PySchema::new(Arc::clone(Shape::new(py, run.get(), options.get())?.schema())))
}

/// Returns the table of a run, batch by batch while the engine works; it has no plugins.
///
/// `end` is called with the run when it has ended, and whether it has `failed`, in the thread
/// that reads.
#[pyfunction]
pub(crate) fn read_batches(
    py: Python<'_>,
    run: &Bound<'_, Run>,
    options: &Bound<'_, TableOptions>,
    end: Py<PyAny>,
) -> PyResult<PyRecordBatchReader> {
    let shape = Shape::new(py, run.get(), options.get())?;
    let schema = Arc::clone(shape.schema());
    let table = TableBuilder::new(&shape, run.get(), true);
    let ready = VecDeque::new();
    let batches =
        Batches { run: run.clone().unbind(), shape, schema, end: Some(end), table, ready };
    Ok(PyRecordBatchReader::new(Box::new(batches)))
}

struct Batches {
    run: Py<Run>,
    shape: Shape,
    schema: SchemaRef,
    /// To be called at the end; only what is ready is left to read without it.
    end: Option<Py<PyAny>>,
    table: TableBuilder,
    /// Batches that have not been asked for.
    ready: VecDeque<RecordBatch>,
}

impl Batches {
    fn read(&mut self, py: Python<'_>) -> PyResult<Option<RecordBatch>> {
        let run = self.run.get();
        let Self { shape, table, ready, .. } = self;
        let mut is_last = false;
        {
            let mut state = run.lock()?;
            while ready.is_empty() && !is_last {
                if let Found::Rows(records) = state.advance(py, &run.kind)? {
                    let full = py.detach(|| table.append(shape, records));
                    ready.extend(full.map_err(arrow_error)?);
                }
                is_last = state.ended;
            }
        }
        if is_last {
            let rest = py.detach(|| table.rest(shape)).map_err(arrow_error)?;
            ready.extend((rest.num_rows() > 0).then_some(rest));
            self.finish(py, false)?;
        }
        Ok(self.ready.pop_front())
    }

    fn finish(&mut self, py: Python<'_>, failed: bool) -> PyResult<()> {
        let Some(end) = self.end.take() else { return Ok(()) };
        let keywords = [("failed", failed)].into_py_dict(py)?;
        end.bind(py).call((&self.run,), Some(&keywords)).map(drop)
    }
}

impl Iterator for Batches {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.end.is_none() {
            return self.ready.pop_front().map(Ok);
        }
        Python::attach(|py| match self.read(py) {
            Ok(batch) => batch.map(Ok),
            Err(error) => {
                // The first error is the one to tell.
                drop(self.finish(py, true));
                Some(Err(stream_error(py, &error)))
            }
        })
    }
}

impl RecordBatchReader for Batches {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }
}

impl Drop for Batches {
    fn drop(&mut self) {
        if self.end.is_some() {
            // Who gives up early wants no warnings any more; at exit there is no interpreter.
            Python::try_attach(|py| drop(self.run.bind(py).get().close()));
        }
    }
}

/// Writes the table of a run to files and returns the number of its flows.
#[pyfunction]
#[pyo3(signature = (
    run, options, path, format, *, overwrite, flows_per_file, bytes_per_file, rotate_files,
))]
#[allow(clippy::too_many_arguments, reason = "keyword arguments of one Python call")]
pub(crate) fn write_table(
    py: Python<'_>,
    run: &Bound<'_, Run>,
    options: &Bound<'_, TableOptions>,
    path: PathBuf,
    format: &str,
    overwrite: bool,
    flows_per_file: u64,
    bytes_per_file: u64,
    rotate_files: usize,
) -> PyResult<u64> {
    let format = Format::ENDINGS.iter().find(|(ending, _)| *ending == format);
    let (_, format) = format.ok_or_else(|| PyValueError::new_err("unknown format"))?;
    let existing = if overwrite { Existing::Replace } else { Existing::Keep };
    let rotation = Rotation {
        rows: flows_per_file.try_into().ok(),
        bytes: bytes_per_file.try_into().ok(),
        keep: rotate_files.try_into().ok(),
    };
    let (run, options) = (run.get(), options.get());
    let shape = Shape::new(py, run, options)?;
    let create = |path: &Path, schema: &SchemaRef| {
        let files = py.detach(|| TableFiles::create(path, existing, *format, schema, rotation));
        files.map_err(|error| export_error(&error))
    };
    if !run.kind.plugin_columns(py).is_empty() {
        // The types of the columns are not known yet, but whether there can be a file at all is.
        drop(create(&path, shape.schema())?);
        let (batches, schema, _) = read_all(py, run, options, true)?;
        let mut files = create(&path, &schema)?;
        for batch in batches {
            for start in (0..batch.num_rows()).step_by(WRITE_ROWS) {
                py.check_signals()?;
                let part = batch.slice(start, WRITE_ROWS.min(batch.num_rows() - start));
                py.detach(|| files.write(&part)).map_err(|error| export_error(&error))?;
            }
        }
        return py.detach(|| files.finish()).map_err(|error| export_error(&error));
    }
    let files = create(&path, shape.schema())?;
    let builder = BatchBuilder::new(run.kind.schema(), shape.engine);
    let background = Background::start(builder, shape.anonymizer, files, run.pool.clone());
    let mut background = background.map_err(|error| export_error(&error))?;
    let mut state = run.lock()?;
    while !state.ended {
        let (Found::Rows(records) | Found::Followed(records, _)) = state.advance(py, &run.kind)?;
        py.detach(|| background.write(records)).map_err(|error| export_error(&error))?;
    }
    py.detach(|| background.finish()).map_err(|error| export_error(&error))
}

/// Returns the first flows of a run without plugins: at most `flows`, of about `packets` packets.
#[pyfunction]
pub(crate) fn first_flows(
    py: Python<'_>,
    run: &Bound<'_, Run>,
    flows: usize,
    packets: u64,
) -> PyResult<Vec<NFlow>> {
    let run = run.get();
    let mut state = run.lock()?;
    let mut found = Vec::new();
    while found.len() < flows && !state.ended && run.monitor.stats().packets < packets {
        if let Found::Rows(mut records) = state.advance(py, &run.kind)? {
            found.append(&mut records);
        }
    }
    found.truncate(flows);
    let found = Arc::new(found);
    let rows = 0..found.len();
    Ok(rows.map(|row| NFlow::row(Arc::clone(&run.kind), Arc::clone(&found), row)).collect())
}

/// Returns the exception for a table that cannot be written: the kind of `OSError` that the system
/// named, with the path; `ValueError` for a wrong parameter.
fn export_error(error: &ExportError) -> PyErr {
    /// The number for a file that exists, the same on all systems.
    const EEXIST: i32 = 17;

    match error {
        ExportError::Exists { path } => {
            let message = "File exists (overwrite=True replaces it)";
            PyOSError::new_err((EEXIST, message, path.display().to_string()))
        }
        ExportError::Io { path, source } => match source.raw_os_error() {
            // With a number and a path Python chooses the kind itself.
            Some(number) => {
                PyOSError::new_err((number, system_message(source), path.display().to_string()))
            }
            None => PyOSError::new_err(chain(error)),
        },
        ExportError::KeyLength { .. } | ExportError::UnknownColumn { .. } => {
            PyValueError::new_err(chain(error))
        }
        error => PyRuntimeError::new_err(chain(error)),
    }
}

fn arrow_error(error: ArrowError) -> PyErr {
    PyRuntimeError::new_err(error.to_string())
}

/// Returns what a stream of batches can tell of an exception: a number and a message.
fn stream_error(py: Python<'_>, error: &PyErr) -> ArrowError {
    let message = error.to_string();
    if error.is_instance_of::<PyKeyboardInterrupt>(py) {
        // Of Ctrl-C a stream cannot tell, so that it comes once more when the caller has heard that
        // the stream has ended.
        drop(py.import(intern!(py, "_thread")).and_then(|m| m.call_method0("interrupt_main")));
    }
    if error.is_instance_of::<PyOSError>(py) {
        return ArrowError::IoError(message.clone(), std::io::Error::other(message));
    }
    ArrowError::ExternalError(message.into())
}
