//! Reports on a run.

use std::path::PathBuf;

use nfstream::capture;
use nfstream::features::Group;
use nfstream::report::{Facts, Report};
use nfstream::sink::{Draft, Existing, Rotation, SinkError, existing_at};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::export::sink_error;
use crate::run::{Found, Run};

/// Returns the names of the features that a report shows.
#[pyfunction]
pub(crate) fn report_features(dissect: bool) -> Vec<&'static str> {
    Report::groups(dissect).map(Group::name).collect()
}

/// Reads a run to its end and writes the report on it to `path`.
///
/// `facts` are a title, captures, parameters as JSON and the names of those that differ from their
/// defaults. Returns the warnings of the run.
#[pyfunction]
#[pyo3(signature = (run, path, *, overwrite, flows, facts))]
pub(crate) fn write_report(
    py: Python<'_>,
    run: &Bound<'_, Run>,
    path: PathBuf,
    overwrite: bool,
    flows: usize,
    facts: (String, Vec<String>, String, Vec<String>),
) -> PyResult<Vec<String>> {
    let run = run.get();
    let error = |error: SinkError| sink_error(&error);
    let replaced = existing_at(&path, Rotation::default()).map_err(error)?;
    if let Some(file) = capture::overwritten(&run.files, &replaced) {
        let message = format!("{path:?} is a file of the source, {file:?}");
        return Err(PyValueError::new_err(message));
    }
    let existing = if overwrite { Existing::Replace } else { Existing::Keep };
    let mut draft = Draft::create(&path, existing).map_err(error)?;
    let mut report = Report::new(run.kind.schema(), flows);
    let mut state = run.lock()?;
    while !state.ended {
        let (Found::Rows(records) | Found::Followed(records, _)) = state.advance(py, &run.kind)?;
        py.detach(|| report.add(records, &run.pool));
    }
    drop(state);
    let (title, captures, parameters, changed) = facts;
    let mut sizes = run.files.iter().map(|file| file.metadata().ok().map(|data| data.len()));
    let warnings = run.take_warnings();
    let facts = Facts {
        title,
        captures,
        capture_bytes: sizes.try_fold(0, |sum: u64, size| sum.checked_add(size?)),
        condition: None,
        parameters: serde_json::from_str(&parameters)
            .map_err(|error| PyValueError::new_err(error.to_string()))?,
        changed,
        stats: run.counts(),
        warnings: warnings.clone(),
    };
    let written = py.detach(|| {
        let mut page = Vec::new();
        report.write(&facts, &mut page).map_err(|source| SinkError::Stream { source })?;
        draft.append(&page)?;
        draft.complete()
    });
    written.map_err(error)?;
    Ok(warnings)
}
