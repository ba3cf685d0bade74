//! Conversion of run parameters from and to Python.

use nfstream::capture::CaptureError;
use nfstream::features::{FIELDS, Field, Group, Scalar};
use nfstream::parameters::{
    GeoIpFileError, Kind, ModelFileError, PARAMETERS, Parameter, ParameterError, Parameters,
    RulesFileError, Topic, Value,
};
use nfstream::time::Duration;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyList, PyString};

use crate::error::capture_error;

/// Returns the engine's declaration of each parameter: `name`, `type`, `default`, `unit`,
/// `meaning`, `live`, and `least`, `most` or `choices` if the parameter has them.
#[pyfunction]
pub(crate) fn parameters(py: Python<'_>) -> PyResult<Vec<Bound<'_, PyDict>>> {
    PARAMETERS.iter().map(|parameter| describe(py, parameter)).collect()
}

/// Checks values by name and returns the values of all parameters. Shorthands for features are
/// expanded.
#[pyfunction]
pub(crate) fn check_parameters<'py>(
    py: Python<'py>,
    values: &Bound<'py, PyDict>,
) -> PyResult<Bound<'py, PyDict>> {
    let parameters = from_python(values)?.settled();
    if let Some(column) = parameters.unfilled() {
        let name = column.name;
        let message = format!("measure: column {name} needs a dissector: dissect=True");
        return Err(PyValueError::new_err(message));
    }
    let checked = PyDict::new(py);
    for parameter in PARAMETERS {
        checked.set_item(parameter.name, to_python(py, &parameters.get(parameter))?)?;
    }
    Ok(checked)
}

/// Returns the names of the columns that models add.
#[pyfunction]
pub(crate) fn score_columns(parameters: &Bound<'_, PyDict>) -> PyResult<Vec<&'static str>> {
    let parameters = from_python(parameters)?;
    Ok(parameters.model.models.columns().iter().map(|column| column.name).collect())
}

/// Returns parameters with these values and defaults for the rest.
pub(crate) fn from_python(values: &Bound<'_, PyDict>) -> PyResult<Parameters> {
    let mut parameters = Parameters::default();
    for (name, given) in values.iter() {
        let name: String = name.extract()?;
        let parameter = Parameter::by_name(&name).ok_or_else(|| {
            PyValueError::new_err(
                ParameterError::UnknownParameter { name: name.clone() }.to_string(),
            )
        })?;
        // A value of another type is refused like one out of range.
        let value = value(parameter, &given)?.ok_or_else(|| refusal(parameter, &given))?;
        parameters.set(&name, value).map_err(|error| match error {
            ParameterError::Filter(error) => capture_error(&error),
            ParameterError::GeoIp(error) => match *error {
                GeoIpFileError::Io { path, source } => {
                    capture_error(&CaptureError::Io { path, source })
                }
                error => PyValueError::new_err(error.to_string()),
            },
            ParameterError::Rules(error) => match *error {
                RulesFileError::Io { path, source } => {
                    capture_error(&CaptureError::Io { path, source })
                }
                error => PyValueError::new_err(error.to_string()),
            },
            ParameterError::Measure { message } => PyValueError::new_err(message),
            ParameterError::Model(error) => model_error(*error),
            ParameterError::UnknownFeature { .. } => {
                PyValueError::new_err(format!("features: {error}"))
            }
            _ => refusal(parameter, &given),
        })?;
    }
    // The file of a model may have been replaced since the last call.
    parameters.scoring().map_err(|error| match error {
        ParameterError::Model(error) => model_error(*error),
        error => PyValueError::new_err(error.to_string()),
    })?;
    Ok(parameters)
}

fn model_error(error: ModelFileError) -> PyErr {
    match error {
        ModelFileError::Io { path, source } => capture_error(&CaptureError::Io { path, source }),
        error => PyValueError::new_err(error.to_string()),
    }
}

/// Converts a Python value to the type of the parameter, `None` if it has another type.
fn value(parameter: &Parameter, given: &Bound<'_, PyAny>) -> PyResult<Option<Value>> {
    if given.is_none() {
        return Ok(Some(Value::None));
    }
    Ok(match parameter.kind {
        Kind::Choice(_) | Kind::File | Kind::Filter => text(given)?.map(Value::Text),
        Kind::Columns | Kind::Features | Kind::Files => names(given)?.map(Value::Names),
        Kind::Measures | Kind::Models => pairs(given)?.map(Value::Pairs),
        Kind::Shape => match given.extract::<(u64, u64)>() {
            Ok((packets, bytes)) => Some(Value::Text(format!("{packets}x{bytes}"))),
            Err(_) => text(given)?.map(Value::Text),
        },
        Kind::Flag { .. } => flag(given).map(Value::Flag),
        // In Python, bool is a subclass of int; here a bool is not accepted as a number.
        Kind::Seconds { .. } | Kind::Whole { .. } if given.is_instance_of::<PyBool>() => None,
        Kind::Seconds { .. } => {
            let seconds = given.extract().ok().and_then(Duration::try_from_seconds);
            seconds.map(Value::Seconds)
        }
        Kind::Whole { .. } => given.extract().ok().map(Value::Whole),
    })
}

fn text(given: &Bound<'_, PyAny>) -> PyResult<Option<String>> {
    given.cast::<PyString>().ok().map(|text| text.extract()).transpose()
}

/// Converts a bool; accepts 0 and 1, which equal `False` and `True`.
fn flag(given: &Bound<'_, PyAny>) -> Option<bool> {
    [true, false].into_iter().find(|flag| given.eq(*flag).unwrap_or(false))
}

/// Converts a list of names, or a single name.
fn names(given: &Bound<'_, PyAny>) -> PyResult<Option<Vec<String>>> {
    if let Some(name) = text(given)? {
        return Ok(Some(vec![name]));
    }
    let Ok(items) = given.try_iter() else { return Ok(None) };
    let mut names = Vec::new();
    for item in items {
        let item = item?;
        match text(&item)? {
            Some(name) => names.push(name),
            None => names.push(item.repr()?.extract()?),
        }
    }
    Ok(Some(names))
}

/// Converts a dictionary of names and expressions; `None` for other values.
fn pairs(given: &Bound<'_, PyAny>) -> PyResult<Option<Vec<(String, String)>>> {
    let Ok(given) = given.cast::<PyDict>() else { return Ok(None) };
    let mut pairs = Vec::new();
    for (name, expression) in given.iter() {
        let (Some(name), Some(text)) = (text(&name)?, text(&expression)?) else { return Ok(None) };
        pairs.push((name, text));
    }
    Ok(Some(pairs))
}

fn refusal(parameter: &Parameter, given: &Bound<'_, PyAny>) -> PyErr {
    let found = given.repr().map_or_else(|_| "this value".to_owned(), |text| text.to_string());
    let (name, expected) = (parameter.name, parameter.expected());
    PyValueError::new_err(format!("{name} must be {expected}, not {found}"))
}

fn to_python<'py>(py: Python<'py>, value: &Value) -> PyResult<Bound<'py, PyAny>> {
    Ok(match value {
        Value::None => py.None().into_bound(py),
        Value::Flag(flag) => PyBool::new(py, *flag).to_owned().into_any(),
        Value::Names(names) => PyList::new(py, names)?.into_any(),
        Value::Pairs(pairs) => {
            let dict = PyDict::new(py);
            for (name, text) in pairs {
                dict.set_item(name, text)?;
            }
            dict.into_any()
        }
        Value::Seconds(_) => value.to_json().as_f64().into_pyobject(py)?.into_any(),
        Value::Text(text) => PyString::new(py, text).into_any(),
        Value::Whole(number) => number.into_pyobject(py)?.into_any(),
    })
}

fn describe<'py>(py: Python<'py>, parameter: &Parameter) -> PyResult<Bound<'py, PyDict>> {
    let described = PyDict::new(py);
    let kind = match parameter.kind {
        Kind::Choice(_) => "choice",
        Kind::Columns => "columns",
        Kind::Features => "features",
        Kind::File => "file",
        Kind::Files => "files",
        Kind::Filter => "filter",
        Kind::Measures => "measures",
        Kind::Models => "models",
        Kind::Flag { .. } => "flag",
        Kind::Seconds { .. } => "seconds",
        Kind::Shape => "shape",
        Kind::Whole { .. } => "whole",
    };
    described.set_item("name", parameter.name)?;
    described.set_item("type", kind)?;
    described.set_item("default", to_python(py, &parameter.default())?)?;
    described.set_item("unit", parameter.unit)?;
    described.set_item("meaning", parameter.meaning)?;
    described.set_item("live", parameter.topic == Topic::Capture)?;
    described.set_item("reveals", parameter.reveals())?;
    match parameter.kind {
        Kind::Features => {
            let groups = Group::ALL.into_iter().filter(|group| group.is_feature());
            described.set_item("choices", groups.map(Group::name).collect::<Vec<_>>())?;
        }
        Kind::Choice(choices) => {
            let words: Vec<_> = choices.iter().map(|(word, _)| *word).collect();
            described.set_item("choices", words)?;
        }
        Kind::Whole { least, most } => {
            described.set_item("least", least)?;
            described.set_item("most", most)?;
        }
        _ => {}
    }
    Ok(described)
}

/// Returns the fields of a packet that measures can read: `name`, `type`, `unit` and `meaning`.
#[pyfunction]
pub(crate) fn measure_fields(py: Python<'_>) -> PyResult<Vec<Bound<'_, PyDict>>> {
    let describe = |field: &Field| {
        let described = PyDict::new(py);
        described.set_item("name", field.name)?;
        let scalar = match field.scalar {
            Scalar::Bool => "bool",
            Scalar::Float => "float",
            Scalar::Whole => "int",
        };
        described.set_item("type", scalar)?;
        described.set_item("unit", field.unit)?;
        described.set_item("meaning", field.description)?;
        Ok(described)
    };
    FIELDS.iter().map(describe).collect()
}
