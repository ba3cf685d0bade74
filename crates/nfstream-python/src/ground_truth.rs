//! Labels of flows from rules.

use std::net::IpAddr;

use nfstream::ground_truth::{GroundTruth, GroundTruthError, Matching, Options, Subject, Zone};
use nfstream::time::Timestamp;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedStr;

/// Addresses, ports, protocol and times in nanoseconds of a flow.
type Row = (PyBackedStr, PyBackedStr, i64, i64, i64, i64, i64);

/// Labels, and the counts of their report.
type Labelled = (Vec<String>, (usize, Vec<u64>, u64, u64, u64, i64), Option<String>);

/// Returns the labels that the rules in `text` give flows, the counts of a report, and a warning
/// about clocks; `path` names the rules.
#[pyfunction]
#[allow(clippy::too_many_arguments, reason = "keyword arguments of one Python call")]
#[pyo3(signature = (path, text, flows, *, time_zone, columns, r#match, default))]
pub(crate) fn label_flows(
    py: Python<'_>,
    path: &str,
    text: &str,
    flows: Vec<Row>,
    time_zone: Option<&str>,
    columns: Vec<(String, String)>,
    r#match: &str,
    default: String,
) -> PyResult<Labelled> {
    let zone = time_zone.map(|name| {
        name.parse().map_err(|_| {
            let expected = Zone::EXPECTED;
            PyValueError::new_err(format!("time_zone must be {expected}, not '{name}'"))
        })
    });
    let matching = Matching::by_name(r#match).ok_or_else(|| {
        PyValueError::new_err(format!("match must be 'first' or 'all', not '{}'", r#match))
    })?;
    let options = Options { zone: zone.transpose()?, columns, matching, default };
    let rules = GroundTruth::parse(text, &options).map_err(|error| {
        PyValueError::new_err(match error {
            GroundTruthError::Column { .. } => format!("columns: {error}"),
            error => format!("{path}: {error}"),
        })
    })?;
    let flows = flows.iter().map(subject).collect::<Result<Vec<_>, _>>()?;
    Ok(py.detach(|| {
        let label = |flow| rules.label(flow, true).unwrap_or_default().to_string();
        let labels = flows.iter().map(label).collect();
        let report = rules.report();
        let warning = report.clock_warning(path);
        let counts = (
            report.rules,
            report.unmatched_rules,
            report.labelled_flows,
            report.unmatched_flows,
            report.ambiguous_flows,
            report.clock_difference_hours,
        );
        (labels, counts, warning)
    }))
}

/// Returns a row of a table as rules see it.
fn subject((source, destination, from, to, protocol, first, last): &Row) -> PyResult<Subject> {
    let wrong = |message| PyValueError::new_err(message);
    let address = |text: &PyBackedStr| -> PyResult<IpAddr> {
        let text: &str = text;
        let missing = || wrong(format!("the table has no addresses: '{text}' is not one"));
        text.parse().map_err(|_| missing())
    };
    let port = |number: i64| {
        number.try_into().map_err(|_| wrong(format!("the table has no ports: {number} is not one")))
    };
    Ok(Subject {
        ends: [(address(source)?, port(*from)?), (address(destination)?, port(*to)?)],
        protocol: (*protocol)
            .try_into()
            .map_err(|_| wrong(format!("the table has no protocols: {protocol} is not one")))?,
        first: Timestamp::from_nanos(*first),
        last: Timestamp::from_nanos(*last),
    })
}
