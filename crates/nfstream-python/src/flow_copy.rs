//! Copies of flows, made by `copy` and `pickle`: they keep all values, and nothing of the run.

use std::sync::{Arc, Mutex, PoisonError};

use nfstream::Rules;
use nfstream::features::{Nameless, Schema};
use nfstream::time::TimeUnit;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::flow::{FlowType, NFlow};

/// Names of attributes, whether each is volatile, and the rules of the run.
type Shape = (Vec<(String, bool)>, Rules);

/// Type of the last copy, shared by all copies from one table.
static LAST: Mutex<Option<(Shape, Arc<FlowType>)>> = Mutex::new(None);

/// Returns the function that creates a copy of a flow, and its arguments.
pub(crate) fn call<'py>(
    py: Python<'py>,
    kind: &FlowType,
    values: Bound<'py, PyTuple>,
) -> PyResult<Bound<'py, PyTuple>> {
    let function = py.import(intern!(py, "nfstream._engine"))?.getattr("restore_flow")?;
    let (names, volatile): (Vec<_>, Vec<_>) = kind.attribute_names(py).unzip();
    let volatile = names.iter().zip(volatile).filter(|(_, is_volatile)| *is_volatile);
    let volatile: Vec<_> = volatile.map(|(name, _)| name).collect();
    let volatile = PyTuple::new(py, volatile)?;
    let is_v6 = kind.rules() == Rules::Nfstream6;
    let arguments = (PyTuple::new(py, &names)?, volatile, is_v6, values).into_pyobject(py)?;
    (function, arguments).into_pyobject(py)
}

/// Returns a flow with the values of the attributes `names`; those in `volatile` are not columns.
#[pyfunction]
pub(crate) fn restore_flow(
    py: Python<'_>,
    names: Vec<String>,
    volatile: Vec<String>,
    is_of_nfstream6: bool,
    values: Vec<Py<PyAny>>,
) -> NFlow {
    let rules = if is_of_nfstream6 { Rules::Nfstream6 } else { Rules::Standard };
    let with_kind = |name: String| {
        let is_volatile = volatile.contains(&name);
        (name, is_volatile)
    };
    let shape: Shape = (names.into_iter().map(with_kind).collect(), rules);
    let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
    let kind = match &*last {
        Some((known, kind)) if *known == shape => Arc::clone(kind),
        _ => {
            let schema = Schema::new(&[], TimeUnit::default(), Arc::new(Nameless)).select(&[]);
            let kind = FlowType::new(py, Arc::new(schema), &shape.0, rules, None);
            let kind = Arc::new(kind);
            *last = Some((shape, Arc::clone(&kind)));
            kind
        }
    };
    drop(last);
    NFlow::copy(kind, values)
}
