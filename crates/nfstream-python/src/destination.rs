//! Tables of a run to other programs.

use nfstream::features::{Column, Group};
use nfstream::sink::{self, DestinationError, Format, Full, SinkError};
use nfstream::time::TimeUnit;
use pyo3::exceptions::{PyConnectionError, PyOSError, PyValueError};
use pyo3::prelude::*;

use crate::error::chain;
use crate::export::{Interruption, TableOptions, sink_error, write_with};
use crate::run::Run;

/// Program that takes flows, named by a URL.
#[pyclass(frozen, module = "nfstream._engine")]
#[derive(Debug)]
pub(crate) struct Destination(sink::Destination);

#[pymethods]
impl Destination {
    #[new]
    fn new(url: &str, format: Option<&str>) -> PyResult<Self> {
        if !sink::Destination::is_named_by(url) {
            let known: Vec<_> = sink::schemes().map(|scheme| scheme.name).collect();
            let message = format!(
                "{url:?} is no URL; it must begin with one of {}, and ://",
                known.join(", ")
            );
            return Err(PyValueError::new_err(message));
        }
        let format = format.map(|name| {
            let format = Format::by_name(name);
            format.ok_or_else(|| PyValueError::new_err(format!("unknown format {name:?}")))
        });
        let destination = sink::Destination::parse(url, format.transpose()?);
        destination.map(Self).map_err(|error| match error {
            DestinationError::File { .. } => PyOSError::new_err(chain(&error)),
            error => PyValueError::new_err(chain(&error)),
        })
    }

    /// URL without secrets and options.
    #[getter]
    fn name(&self) -> &str {
        self.0.name()
    }

    /// Whether the bytes of IP packets count.
    #[getter]
    fn counts_ip_bytes(&self) -> bool {
        self.0.counts_ip_bytes()
    }

    /// Returns the features that a destination with columns of its own needs in addition to those
    /// that were chosen, ``None`` if it takes any columns.
    fn needed_features(
        &self,
        features: Vec<String>,
        dissect: bool,
        time_unit: &str,
    ) -> Option<Vec<&'static str>> {
        let columns = self.columns(&features, dissect, time_unit)?;
        let groups = columns.into_iter().map(|column| column.group);
        let mut names: Vec<_> =
            groups.filter(|group| group.is_feature()).map(Group::name).collect();
        names.dedup();
        Some(names)
    }
}

impl Destination {
    fn columns(
        &self,
        features: &[String],
        dissect: bool,
        time_unit: &str,
    ) -> Option<Vec<&'static Column>> {
        let unit = TimeUnit::ALL.into_iter().find(|unit| unit.symbol() == time_unit);
        let shows = |group: Group| {
            !group.is_feature() || features.iter().any(|feature| feature == group.name())
        };
        self.0.columns(shows, dissect, unit.unwrap_or_default())
    }
}

/// Sends the table of a run, and returns the number of flows that were sent and warnings about the
/// others.
#[pyfunction]
#[pyo3(signature = (run, options, destination, *, features, dissect, time_unit, append = None))]
#[allow(clippy::too_many_arguments, reason = "keyword arguments of one Python call")]
pub(crate) fn send_table(
    py: Python<'_>,
    run: &Bound<'_, Run>,
    options: &Bound<'_, TableOptions>,
    destination: &Bound<'_, Destination>,
    features: Vec<String>,
    dissect: bool,
    time_unit: &str,
    append: Option<Bound<'_, PyAny>>,
) -> PyResult<(u64, Vec<String>)> {
    let (run, options, destination) = (run.get(), options.get(), destination.get());
    let table = match destination.columns(&features, dissect, time_unit) {
        Some(columns) => options.table_of(py, run, columns)?,
        None => options.table(py, run)?,
    };
    let full = if run.is_live { Full::Drop } else { Full::Wait };
    let interruption = Interruption::default();
    let sink = destination.0.sink(full, interruption.check());
    let status = sink.status();
    let error = |error: SinkError| {
        interruption.take().unwrap_or_else(|| match error {
            SinkError::Undelivered { .. } | SinkError::Unreachable { .. } => {
                PyConnectionError::new_err(chain(&error))
            }
            error => sink_error(&error),
        })
    };
    let (append, mut sink) = (append.as_ref(), Some(sink));
    // Types of plugin columns are not known before the end, when the destination is opened.
    let sinks = (None, || sink.take().unwrap_or_else(|| destination.0.sink(full, || false)));
    let written = write_with(py, run, options, &table, append, sinks, || (), error)?;
    let mut warnings = status.take_notices();
    warnings.extend(status.losses());
    Ok((written.rows, warnings))
}
