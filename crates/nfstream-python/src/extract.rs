//! Packets of selected flows, from Python.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use nfstream::capture::{self, Input};
use nfstream::extract::{Choice, ExtractedFiles, Extractor, Rows, RowsError, Wanted};
use nfstream::sink::{Existing, SinkError, numbered_at};
use nfstream::{Run, RunError, Step};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::error::{capture_error, chain, run_error};
use crate::export::sink_error;
use crate::parameters::from_python;
use crate::query::Query;
use crate::source::places;

/// Writes the packets of selected flows to a pcapng file, and returns the numbers of packets and of
/// flows, and the warnings.
#[pyfunction]
#[pyo3(signature = (
    source, path, *, query, parameters, ids, community_ids, rows, split, overwrite
))]
#[allow(clippy::too_many_arguments, reason = "keyword arguments of one Python call")]
pub(crate) fn extract(
    py: Python<'_>,
    source: Vec<Bound<'_, PyAny>>,
    path: PathBuf,
    query: Option<Py<Query>>,
    parameters: &Bound<'_, PyDict>,
    ids: Vec<u64>,
    community_ids: Vec<String>,
    rows: Option<PathBuf>,
    split: bool,
    overwrite: bool,
) -> PyResult<(u64, u64, Vec<String>)> {
    let mut parameters = from_python(parameters)?;
    let rows = rows.map(|path| py.detach(|| Rows::read(&path))).transpose().map_err(rows_error)?;
    if let Some(recorded) = rows.as_ref().and_then(|rows| rows.parameters.as_ref()) {
        let wrong = |error: nfstream::parameters::ParameterError| {
            PyValueError::new_err(format!("the parameters in the table do not fit: {error}"))
        };
        parameters.set_recorded(recorded).map_err(wrong)?;
    }
    let ids = ids.into_iter().collect();
    let choice = Choice { ids, community_ids: community_ids.into_iter().collect(), rows };
    let query = query.as_ref().map(|query| query.bind(py).get());

    let source = places(&source, false)?;
    let input = py.detach(|| Input::of_places(&source, parameters.file_options()));
    let input = input.map_err(|error| capture_error(&error))?;
    if input.is_stream() {
        return Err(PyValueError::new_err(
            "packets are extracted from captures that can be read twice, not from interfaces or \
             pipes",
        ));
    }
    let replaced = if split { numbered_at(&path) } else { Ok(vec![path.clone()]) };
    let replaced = replaced.map_err(|error| sink_error(&error))?;
    if let Some(file) = capture::overwritten(&input.paths(), &replaced) {
        return Err(PyValueError::new_err(format!("{path:?} is a file of the source, {file:?}")));
    }
    let existing = if overwrite { Existing::Replace } else { Existing::Keep };
    let files = ExtractedFiles::create(&path, existing, split).map_err(|e| sink_error(&e))?;

    let live = parameters.live_options();
    let open = || input.open(parameters.bpf_filter.clone(), &live).map_err(RunError::Capture);
    let mut first = py
        .detach(|| {
            let source = open()?;
            let mut config = parameters.config(source.progress().total_bytes);
            let needed = query.iter().flat_map(|query| query.needed());
            config.measuring.groups.extend(needed);
            config.measuring.groups.extend(choice.needed().map(|column| column.group));
            Run::new(source, &config)
        })
        .map_err(run_error)?;
    let mut wanted = Wanted::default();
    let schema = std::sync::Arc::clone(first.schema());
    let monitor = first.monitor();
    let pool = first.record_pool();
    loop {
        py.check_signals()?;
        let (records, is_last) = match py.detach(|| first.advance()).map_err(run_error)? {
            Step::Records(records) => (records, false),
            Step::Last(records) => (records, true),
        };
        for record in &records {
            let is_selected = match query {
                Some(query) => query.selects(record, &schema, "")?,
                None => true,
            };
            if is_selected && choice.contains(record, &schema) {
                wanted.add(record, schema.names());
            }
        }
        pool.put_back(records);
        if is_last {
            break;
        }
    }
    let warnings = monitor.take_warnings().iter().map(ToString::to_string).collect();
    let had_evictions = monitor.stats().evicted_flows > 0;
    drop(first);

    let mut extractor = Extractor::new(&wanted, files);
    if wanted.flows() > 0 {
        let mut second = py
            .detach(|| {
                let config = parameters.config(None);
                let config = nfstream::Config { meters: NonZeroUsize::MIN, ..config };
                Run::with_hooks(open()?, &Wanted::second(config, had_evictions))
            })
            .map_err(run_error)?;
        loop {
            py.check_signals()?;
            let step = py.detach(|| second.advance_with(&mut extractor));
            let step = step.map_err(|error| match error {
                RunError::Hook(error) => match error.downcast::<SinkError>() {
                    Ok(error) => sink_error(&error),
                    Err(error) => run_error(RunError::Hook(error)),
                },
                error => run_error(error),
            })?;
            if matches!(step, Step::Last(_)) {
                break;
            }
        }
    }
    let packets = extractor.packets();
    let files = extractor.into_receiver();
    py.detach(|| files.finish()).map_err(|error| sink_error(&error))?;
    Ok((packets, u64::try_from(wanted.flows()).unwrap_or(u64::MAX), warnings))
}

/// Returns the exception for a table that cannot be read.
fn rows_error(error: RowsError) -> PyErr {
    match &error {
        RowsError::Io { path, source } => capture_error(&capture::CaptureError::Io {
            path: path.clone(),
            source: std::io::Error::from(source.kind()),
        }),
        _ => PyValueError::new_err(chain(&error)),
    }
}
