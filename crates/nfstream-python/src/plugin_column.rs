//! Conversion of a plugin's values to a column of one type.

use std::sync::Arc;

use arrow_array::builder::StringBuilder;
use arrow_array::{Array, ArrayRef, BooleanArray, Float64Array, Int64Array, ListArray, NullArray};
use arrow_buffer::{NullBuffer, OffsetBuffer};
use arrow_schema::{ArrowError, Field};
use pyo3::exceptions::PyOverflowError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyFloat, PyInt, PyIterator, PyList, PyString, PyTuple};

/// Type of a column's values.
#[derive(Clone, Debug, Eq, PartialEq)]
enum Kind {
    /// No value at all.
    Null,
    Bool,
    /// 64 bits, signed.
    Int,
    Float,
    List(Box<Self>),
    /// Text, also for values of any other type.
    Text,
}

impl Kind {
    /// Returns the type of one value.
    fn of(value: &Bound<'_, PyAny>) -> PyResult<Self> {
        if value.is_none() {
            return Ok(Self::Null);
        }
        if value.is_instance_of::<PyBool>() {
            return Ok(Self::Bool);
        }
        if value.is_instance_of::<PyInt>() {
            return Ok(if value.extract::<i64>().is_ok() { Self::Int } else { Self::Text });
        }
        if value.is_instance_of::<PyFloat>() {
            return Ok(Self::Float);
        }
        match items(value) {
            Some(items) => {
                let mut kind = Self::Null;
                for item in items? {
                    kind = kind.join(Self::of(&plain(item?)?)?);
                }
                Ok(Self::List(Box::new(kind)))
            }
            None => Ok(Self::Text),
        }
    }

    /// Returns the narrowest type that holds the values of both.
    fn join(self, other: Self) -> Self {
        match (self, other) {
            (a, b) if a == b => a,
            (Self::Null, kind) | (kind, Self::Null) => kind,
            (Self::Bool | Self::Int, Self::Bool | Self::Int) => Self::Int,
            (Self::Bool | Self::Int | Self::Float, Self::Bool | Self::Int | Self::Float) => {
                Self::Float
            }
            (Self::List(a), Self::List(b)) => Self::List(Box::new(a.join(*b))),
            _ => Self::Text,
        }
    }

    fn array(&self, values: &[Bound<'_, PyAny>]) -> PyResult<ArrayRef> {
        let present = |value: &Bound<'_, PyAny>| !value.is_none();
        Ok(match self {
            Self::Null => Arc::new(NullArray::new(values.len())),
            Self::Bool => Arc::new(options(values, boolean)?.collect::<BooleanArray>()),
            Self::Int => Arc::new(options(values, integer)?.collect::<Int64Array>()),
            Self::Float => Arc::new(options(values, float)?.collect::<Float64Array>()),
            Self::Text => {
                let mut builder = StringBuilder::new();
                for value in values {
                    match value.is_none() {
                        true => builder.append_null(),
                        false => builder.append_value(value.str()?.to_string_lossy()),
                    }
                }
                Arc::new(builder.finish())
            }
            Self::List(kind) => {
                let mut lengths = Vec::with_capacity(values.len());
                let mut flat = Vec::new();
                for value in values {
                    let start = flat.len();
                    if let Some(items) = items(value) {
                        for item in items? {
                            flat.push(plain(item?)?);
                        }
                    }
                    lengths.push(flat.len() - start);
                }
                if i32::try_from(flat.len()).is_err() {
                    return Err(PyOverflowError::new_err(
                        "the lists of a plugin have too many items",
                    ));
                }
                let array = kind.array(&flat)?;
                let field = Arc::new(Field::new_list_field(array.data_type().clone(), true));
                let offsets = OffsetBuffer::from_lengths(lengths);
                let nulls = NullBuffer::from_iter(values.iter().map(present));
                let list = ListArray::try_new(field, offsets, array, Some(nulls));
                Arc::new(
                    list.map_err(|error: ArrowError| PyOverflowError::new_err(error.to_string()))?,
                )
            }
        })
    }
}

/// Returns the values as an array of the narrowest type that holds all of them: booleans, 64-bit
/// integers, floating-point numbers, lists of these, or text. `None` is a missing value. Larger
/// integers and values of other types are converted with `str()`.
pub(crate) fn array(values: &Bound<'_, PyList>) -> PyResult<ArrayRef> {
    let values = values.iter().map(plain).collect::<PyResult<Vec<_>>>()?;
    let mut kind = Kind::Null;
    for value in &values {
        kind = kind.join(Kind::of(value)?);
    }
    kind.array(&values)
}

/// Converts a NumPy scalar to a Python number and returns other values unchanged.
fn plain(value: Bound<'_, PyAny>) -> PyResult<Bound<'_, PyAny>> {
    let py = value.py();
    let is_scalar = !value.is_instance_of::<PyInt>()
        && !value.is_instance_of::<PyString>()
        && !value.is_none()
        && value.get_type().module().is_ok_and(|module| module == "numpy")
        && value
            .getattr(intern!(py, "ndim"))
            .is_ok_and(|n| n.extract::<u64>().is_ok_and(|n| n == 0));
    if is_scalar { value.call_method0(intern!(py, "item")) } else { Ok(value) }
}

/// Returns the items of a list, a tuple or an array, `None` for anything else.
fn items<'py>(value: &Bound<'py, PyAny>) -> Option<PyResult<Bound<'py, PyIterator>>> {
    let is_list = value.is_instance_of::<PyList>()
        || value.is_instance_of::<PyTuple>()
        || value.get_type().fully_qualified_name().is_ok_and(|name| name == "numpy.ndarray");
    is_list.then(|| value.try_iter())
}

fn options<'a, 'py, T>(
    values: &'a [Bound<'py, PyAny>],
    read: impl Fn(&'a Bound<'py, PyAny>) -> PyResult<T>,
) -> PyResult<std::vec::IntoIter<Option<T>>> {
    let values = values.iter().map(|value| match value.is_none() {
        true => Ok(None),
        false => read(value).map(Some),
    });
    Ok(values.collect::<PyResult<Vec<_>>>()?.into_iter())
}

fn boolean(value: &Bound<'_, PyAny>) -> PyResult<bool> {
    value.extract()
}

fn integer(value: &Bound<'_, PyAny>) -> PyResult<i64> {
    value.extract()
}

fn float(value: &Bound<'_, PyAny>) -> PyResult<f64> {
    value.extract()
}
