//! Tables of a run: in memory, as a stream of batches and in files. Adds Python's signals,
//! exceptions and plugins to the engine's tables and sinks.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow_array::{Array, RecordBatch, RecordBatchReader};
use arrow_schema::{ArrowError, DataType, Field, SchemaRef};
use nfstream::capture::{self, Digests};
use nfstream::features::{Column, Headings};
use nfstream::sink::{
    self, Background, Existing, Format, Rotation, Sink, SinkError, TableWriter, TimedFiles, Written,
};
use nfstream::table::{
    Anonymizer, Provenance, Table, TableBuilder, TableError, TableSpec, TextForm, TimeForm,
};
use nfstream::time::Duration;
use pyo3::exceptions::{PyKeyboardInterrupt, PyOSError, PyRuntimeError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{IntoPyDict, PyList};
use pyo3_arrow::{PyRecordBatch, PyRecordBatchReader, PySchema, PyTable};

use crate::error::{chain, system_message};
use crate::flow::NFlow;
use crate::plugin_column;
use crate::query::{Row, SOURCE, Selector};
use crate::run::{Found, Run};

/// Specification of a run's tables.
#[pyclass(frozen, module = "nfstream._engine")]
#[derive(Debug)]
pub(crate) struct TableOptions {
    spec: TableSpec,
    /// Parameters of the run as JSON.
    parameters: String,
}

#[pymethods]
impl TableOptions {
    #[new]
    #[pyo3(signature = (*, timestamps, frame_text, names, columns_to_anonymize, key, parameters))]
    fn new(
        timestamps: bool,
        frame_text: bool,
        names: &str,
        columns_to_anonymize: Vec<String>,
        key: Option<Vec<u8>>,
        parameters: String,
    ) -> PyResult<Self> {
        let anonymizer = (!columns_to_anonymize.is_empty())
            .then(|| Anonymizer::new(columns_to_anonymize, key.as_deref()));
        let spec = TableSpec {
            times: if timestamps { TimeForm::Timestamps } else { TimeForm::Numbers },
            headings: Headings::by_name(names).unwrap_or_default(),
            text: if frame_text { TextForm::Frame } else { TextForm::Compact },
            anonymizer: anonymizer.transpose().map_err(|error| table_error(&error))?,
            ..TableSpec::default()
        };
        Ok(Self { spec, parameters })
    }
}

impl TableOptions {
    /// Returns the table of `run` with only the engine's columns.
    ///
    /// Raises `ValueError` if an anonymised column belongs neither to the engine nor to a plugin.
    pub(crate) fn table(&self, py: Python<'_>, run: &Run) -> PyResult<Table> {
        let plugins: Vec<_> = run.kind.plugin_columns(py).iter().map(ToString::to_string).collect();
        let unknown = |name: &String| Field::new(name, DataType::Null, true);
        self.table_with(py, run, plugins.iter().map(unknown))?;
        let anonymizer = self.spec.anonymizer.clone().map(|all| all.without(&plugins));
        let spec = TableSpec { anonymizer, ..self.spec(py, run) };
        Table::new(run.kind.schema(), &spec).map_err(|error| table_error(&error))
    }

    /// Returns the table of `run` with certain columns, under the names of the engine.
    pub(crate) fn table_of(
        &self,
        py: Python<'_>,
        run: &Run,
        columns: Vec<&'static Column>,
    ) -> PyResult<Table> {
        let headings = Headings::default();
        let spec = TableSpec { columns: Some(columns), headings, ..self.spec(py, run) };
        Table::new(run.kind.schema(), &spec).map_err(|error| table_error(&error))
    }

    /// Returns the specification of the tables of `run`, with the versions of its dissector.
    fn spec(&self, py: Python<'_>, run: &Run) -> TableSpec {
        let provenance = Provenance::new(run.dissector.as_deref());
        let provenance = provenance.with("parameters", &self.parameters).with_models(&run.models);
        let spec = TableSpec { provenance, ..self.spec.clone() };
        let Some(query) = run.query.as_ref().map(|query| query.bind(py).get()) else { return spec };
        TableSpec {
            columns: Some(query.shown(run.kind.schema())),
            origin: query.separate.then(|| SOURCE.to_owned()),
            origin_at: query.source_at,
            ..spec
        }
    }

    /// Returns the table of `run` with a column to be replaced, and without anonymisation.
    fn table_unhidden(&self, py: Python<'_>, run: &Run, column: Field) -> PyResult<Table> {
        let extra = vec![Arc::new(column)];
        let spec = TableSpec { extra, anonymizer: None, ..self.spec(py, run) };
        Table::new(run.kind.schema(), &spec).map_err(|error| table_error(&error))
    }

    /// Returns the table of `run` with the columns of plugins after the engine's.
    fn table_with(
        &self,
        py: Python<'_>,
        run: &Run,
        plugins: impl Iterator<Item = Field>,
    ) -> PyResult<Table> {
        let extra = plugins.map(Arc::new).collect();
        let spec = TableSpec { extra, ..self.spec(py, run) };
        Table::new(run.kind.schema(), &spec).map_err(|error| table_error(&error))
    }
}

/// Returns the columns in the table of `run` that can reveal a value anonymised in another column.
#[pyfunction]
pub(crate) fn revealing_columns(
    py: Python<'_>,
    run: &Bound<'_, Run>,
    options: &Bound<'_, TableOptions>,
) -> PyResult<Vec<String>> {
    let run = run.get();
    let plugins = run.kind.plugin_columns(py);
    let plugins = plugins.iter().map(|name| Field::new(name.to_string(), DataType::Null, true));
    Ok(options.get().table_with(py, run, plugins)?.revealing().to_vec())
}

/// Reads a run to its end and returns its table, and a list for each plugin column.
///
/// Without `plugin_columns`, the table has only the engine's columns, and those that `append`
/// returns for each batch.
#[pyfunction]
#[pyo3(signature = (run, options, plugin_columns, append = None))]
pub(crate) fn read_table<'py>(
    py: Python<'py>,
    run: &Bound<'py, Run>,
    options: &Bound<'py, TableOptions>,
    plugin_columns: bool,
    append: Option<Bound<'py, PyAny>>,
) -> PyResult<(PyTable, Vec<Bound<'py, PyList>>)> {
    let (batches, schema, values) =
        read_all(py, run.get(), options.get(), plugin_columns, append.as_ref())?;
    Ok((PyTable::try_new(batches, schema)?, values))
}

/// Returns the table of the active flows that the query of the run selects, without columns of
/// plugins.
#[pyfunction]
pub(crate) fn active_table(
    py: Python<'_>,
    run: &Bound<'_, Run>,
    options: &Bound<'_, TableOptions>,
) -> PyResult<PyTable> {
    let run = run.get();
    let table = options.get().table(py, run)?;
    let (mut records, origin) = run.active(py)?;
    if let Some(query) = &run.query {
        let mut selector = Selector::new(py, query.clone_ref(py));
        let rows = records.into_iter().map(|record| Row { source: 0, record, flow: None });
        let mut rows = selector.select(py, rows.collect(), run.kind.schema(), &origin)?;
        rows.extend(selector.sorted());
        records = rows.into_iter().map(|row| row.record).collect();
    }
    let mut builder = table.builder(run.pool.clone());
    let batches = py.detach(|| {
        let mut batches = builder.append_from(records, &origin)?;
        batches.extend(builder.rest()?);
        Ok(batches)
    });
    let batches = batches.map_err(|error: TableError| table_error(&error))?;
    PyTable::try_new(batches, Arc::clone(table.schema()))
}

/// Returns the batches of a run, their schema and the values of each plugin column.
fn read_all<'py>(
    py: Python<'py>,
    run: &Run,
    options: &TableOptions,
    plugin_columns: bool,
    append: Option<&Bound<'py, PyAny>>,
) -> PyResult<(Vec<RecordBatch>, SchemaRef, Vec<Bound<'py, PyList>>)> {
    let names = run.kind.plugin_columns(py);
    let with_plugins = plugin_columns && !names.is_empty();
    let has_extra = with_plugins || append.is_some();
    let mut table = options.table(py, run)?;
    if has_extra {
        // Names and types are known only at the end.
        let unknown = Field::new("", DataType::Null, true);
        table = options.table_unhidden(py, run, unknown)?;
    }
    let mut state = run.lock()?;
    let values: Vec<_> = names.iter().map(|_| PyList::empty(py)).collect();
    let mut batches = Vec::new();
    let mut appended = Vec::new();
    let mut call = |batch: &RecordBatch| -> PyResult<()> {
        if let Some(append) = append {
            let columns = append.call1((PyRecordBatch::new(batch.clone()),))?;
            appended.push(columns.extract::<PyRecordBatch>()?.into_inner());
        }
        Ok(())
    };
    let mut builder = table.builder(run.pool.clone());
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
        let origin = state.origin();
        let full = py.detach(|| builder.append_from(records, &origin));
        for batch in full.map_err(|error| table_error(&error))? {
            call(&batch)?;
            batches.push(batch);
        }
    }
    let rest = py.detach(|| builder.rest()).map_err(|error| table_error(&error))?;
    if let Some(batch) = rest {
        call(&batch)?;
        batches.push(batch);
    }
    if has_extra {
        let arrays = match with_plugins {
            true => values.iter().map(plugin_column::array).collect::<PyResult<Vec<_>>>()?,
            false => Vec::new(),
        };
        let fields = names.iter().zip(&arrays);
        let fields = fields
            .map(|(name, array)| Field::new(name.to_string(), array.data_type().clone(), true));
        let of_batches = appended.first().map(RecordBatch::schema);
        let of_batches = of_batches.iter().flat_map(|schema| schema.fields().iter());
        let of_batches = of_batches.map(|field| field.as_ref().clone().with_nullable(true));
        table = options.table_with(py, run, fields.chain(of_batches))?;
        let completed = py.detach(|| {
            let mut start = 0;
            let completed = batches.iter().enumerate().map(|(place, batch)| {
                let rows = batch.num_rows();
                let mut part: Vec<_> =
                    arrays.iter().map(|array| array.slice(start, rows)).collect();
                part.extend(appended.get(place).into_iter().flat_map(|one| one.columns().to_vec()));
                start += rows;
                table.complete(batch, &part)
            });
            completed.collect::<Result<_, _>>()
        });
        batches = completed.map_err(|error| table_error(&error))?;
    }
    Ok((batches, Arc::clone(table.schema()), values))
}

/// Returns the schema of the table of a run without plugins.
#[pyfunction]
pub(crate) fn table_schema(
    py: Python<'_>,
    run: &Bound<'_, Run>,
    options: &Bound<'_, TableOptions>,
) -> PyResult<PySchema> {
    Ok(PySchema::new(Arc::clone(options.get().table(py, run.get())?.schema())))
}

/// Returns the table of a run without plugins as a stream of batches, read while the engine works.
///
/// At the end of the run, the reading thread calls `end` with the run and whether it `failed`.
#[pyfunction]
pub(crate) fn read_batches(
    py: Python<'_>,
    run: &Bound<'_, Run>,
    options: &Bound<'_, TableOptions>,
    end: Py<PyAny>,
) -> PyResult<PyRecordBatchReader> {
    let table = options.get().table(py, run.get())?;
    let schema = Arc::clone(table.schema());
    let builder = table.builder(run.get().pool.clone());
    let ready = VecDeque::new();
    let batches = Batches { run: run.clone().unbind(), schema, end: Some(end), builder, ready };
    Ok(PyRecordBatchReader::new(Box::new(batches)))
}

struct Batches {
    run: Py<Run>,
    schema: SchemaRef,
    /// Callback for the end, `None` once called: then only the ready batches remain.
    end: Option<Py<PyAny>>,
    builder: TableBuilder,
    /// Batches that wait to be read.
    ready: VecDeque<RecordBatch>,
}

impl Batches {
    fn read(&mut self, py: Python<'_>) -> PyResult<Option<RecordBatch>> {
        let run = self.run.get();
        let Self { builder, ready, .. } = self;
        let mut is_last = false;
        {
            let mut state = run.lock()?;
            while ready.is_empty() && !is_last {
                if let Found::Rows(records) = state.advance(py, &run.kind)? {
                    let origin = state.origin();
                    let full = py.detach(|| builder.append_from(records, &origin));
                    ready.extend(full.map_err(|error| table_error(&error))?);
                }
                is_last = state.ended;
            }
        }
        if is_last {
            let rest = py.detach(|| builder.rest());
            ready.extend(rest.map_err(|error| table_error(&error))?);
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
                // The first error is the one to report.
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
            // An abandoned stream gives no warnings. At exit, the interpreter may be gone.
            Python::try_attach(|py| drop(self.run.bind(py).get().close(py)));
        }
    }
}

/// Writes the table of a run to files and returns the number of its flows.
#[pyfunction]
#[pyo3(signature = (
    run, options, path, format, *, safe, overwrite, every_s, flows_per_file, bytes_per_file,
    rotate_files, append = None,
))]
#[allow(clippy::too_many_arguments, reason = "keyword arguments of one Python call")]
pub(crate) fn write_table(
    py: Python<'_>,
    run: &Bound<'_, Run>,
    options: &Bound<'_, TableOptions>,
    path: PathBuf,
    format: &str,
    safe: bool,
    overwrite: bool,
    every_s: u64,
    flows_per_file: u64,
    bytes_per_file: u64,
    rotate_files: usize,
    append: Option<Bound<'_, PyAny>>,
) -> PyResult<u64> {
    let format = Format::by_name(format)
        .ok_or_else(|| PyValueError::new_err(format!("unknown format {format:?}")))?;
    let format = if safe { Format::SAFE_CSV } else { format };
    let existing = if overwrite { Existing::Replace } else { Existing::Keep };
    let rotation = Rotation {
        rows: flows_per_file.try_into().ok(),
        bytes: bytes_per_file.try_into().ok(),
        keep: rotate_files.try_into().ok(),
    };
    let (run, options) = (run.get(), options.get());
    let replaced = sink::existing_at(&path, rotation).map_err(|error| sink_error(&error))?;
    if let Some(file) = capture::overwritten(&run.files, &replaced) {
        let message = format!("{path:?} is a file of the source, {file:?}");
        return Err(PyValueError::new_err(message));
    }
    let table = options.table(py, run)?;
    let digests = (format.has_footer() && run.is_complete).then(|| Digests::start(&run.files));
    let conclude = || {
        let captures = digests.map(Digests::finish).unwrap_or_default();
        table.provenance().conclude(&run.counts().account(), &captures);
    };
    let interruption = Interruption::default();
    let every = Some(Duration::from_nanos(every_s.saturating_mul(1_000_000_000)));
    let sink = || {
        let sink: Box<dyn Sink> = match every.filter(|_| every_s > 0) {
            Some(every) => Box::new(TimedFiles::new(&path, format, every, rotation.keep)),
            None => sink::files_at(&path, existing, format, rotation),
        };
        interruption.watch(sink)
    };
    let error = |error: SinkError| interruption.take().unwrap_or_else(|| sink_error(&error));
    // The types of plugin columns are not known before the end; a trial finds out before whether
    // the file can be written.
    let sinks = (Some(sink()), sink);
    Ok(write_with(py, run, options, &table, append.as_ref(), sinks, conclude, error)?.rows)
}

/// Writes the table of a run to the sink that the second of `sinks` returns. If the table cannot be
/// written before the run has ended, the first one is opened before and aborted.
#[allow(clippy::too_many_arguments, reason = "parts of one call of Python")]
pub(crate) fn write_with<S: Sink>(
    py: Python<'_>,
    run: &Run,
    options: &TableOptions,
    table: &Table,
    append: Option<&Bound<'_, PyAny>>,
    (trial, mut sink): (Option<S>, impl FnMut() -> S),
    conclude: impl FnOnce() + Send,
    error: impl Fn(SinkError) -> PyErr,
) -> PyResult<Written> {
    let written = if run.kind.plugin_columns(py).is_empty() && append.is_none() {
        let sink = sink();
        let writer = py.detach(|| TableWriter::open(table, run.pool.clone(), sink));
        let mut writer = writer.map_err(&error)?;
        let rows = write_rows(py, run, &mut writer, &error);
        // Aborting may have to wait for the writing thread.
        py.detach(|| match rows {
            Ok(()) => {
                conclude();
                Ok(writer.finish())
            }
            Err(error) => {
                drop(writer);
                Err(error)
            }
        })?
    } else {
        let opened = py.detach(|| {
            if let Some(mut trial) = trial {
                trial.open(table.schema(), table.provenance())?;
                trial.abort();
            }
            Ok(())
        });
        opened.map_err(&error)?;
        let (batches, schema, _) = read_all(py, run, options, true, append)?;
        let mut sink = sink();
        py.detach(|| {
            sink.open(&schema, table.provenance())?;
            batches.iter().try_for_each(|batch| sink.write(batch))?;
            conclude();
            sink.finish()
        })
    };
    written.map_err(error)
}

fn write_rows(
    py: Python<'_>,
    run: &Run,
    writer: &mut TableWriter<impl Sink>,
    error: impl Fn(SinkError) -> PyErr,
) -> PyResult<()> {
    let mut state = run.lock()?;
    while !state.ended {
        let (Found::Rows(records) | Found::Followed(records, _)) = state.advance(py, &run.kind)?;
        let origin = state.origin();
        py.detach(|| writer.write_from(records, &origin)).map_err(&error)?;
    }
    Ok(())
}

/// Exception from a signal, such as `KeyboardInterrupt`, that ended a wait for a file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Interruption(Arc<Mutex<Option<PyErr>>>);

impl Interruption {
    /// Returns a sink that writes in another thread, so that a blocked write, such as to a pipe
    /// that no one reads, can be interrupted.
    fn watch(&self, sink: Box<dyn Sink>) -> Background<Box<dyn Sink>> {
        Background::interruptible(sink, self.check())
    }

    /// Returns a function that returns whether a signal raises an exception, and keeps that.
    pub(crate) fn check(&self) -> impl FnMut() -> bool + Send + 'static {
        let found = self.clone();
        move || {
            // At exit, the interpreter may be gone.
            let result = Python::try_attach(|py| py.check_signals()).unwrap_or(Ok(()));
            result.is_err_and(|error| {
                found.lock().get_or_insert(error);
                true
            })
        }
    }

    pub(crate) fn take(&self) -> Option<PyErr> {
        self.lock().take()
    }

    fn lock(&self) -> MutexGuard<'_, Option<PyErr>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the first flows of a run without plugins: at most `flows`, from about `packets` packets.
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
    while found.len() < flows && !state.ended && run.counts().packets < packets {
        if let Found::Rows(records) = state.advance(py, &run.kind)? {
            let kind = state.kind();
            found.extend(records.into_iter().map(|record| NFlow::row(Arc::clone(&kind), record)));
        }
    }
    found.truncate(flows);
    Ok(found)
}

/// Returns the exception for a table that cannot be written: a subclass of `OSError` with the path
/// for an error of the system, `ValueError` for an invalid parameter.
pub(crate) fn sink_error(error: &SinkError) -> PyErr {
    /// Number of the error for an existing file, the same on all systems.
    const EEXIST: i32 = 17;

    match error {
        SinkError::Exists { path } => {
            let message = "File exists (use overwrite=True to replace it)";
            PyOSError::new_err((EEXIST, message, path.display().to_string()))
        }
        SinkError::Io { path, source } => match source.raw_os_error() {
            // Given a number and a path, Python chooses the subclass.
            Some(number) => {
                PyOSError::new_err((number, system_message(source), path.display().to_string()))
            }
            None => PyOSError::new_err(chain(error)),
        },
        SinkError::Table(error) => table_error(error),
        error => PyRuntimeError::new_err(chain(error)),
    }
}

/// Returns the exception for a table that cannot be built.
fn table_error(error: &TableError) -> PyErr {
    match error {
        TableError::Batch { .. } | TableError::Random { .. } => {
            PyRuntimeError::new_err(chain(error))
        }
        error => PyValueError::new_err(chain(error)),
    }
}

/// Converts an exception to the error of a stream of batches, which has a number and a message.
fn stream_error(py: Python<'_>, error: &PyErr) -> ArrowError {
    let message = error.to_string();
    if error.is_instance_of::<PyKeyboardInterrupt>(py) {
        // A stream has no error for Ctrl-C: raise it again after the caller sees the end of the
        // stream.
        drop(py.import(intern!(py, "_thread")).and_then(|m| m.call_method0("interrupt_main")));
    }
    if error.is_instance_of::<PyOSError>(py) {
        return ArrowError::IoError(message.clone(), std::io::Error::other(message));
    }
    ArrowError::ExternalError(message.into())
}
