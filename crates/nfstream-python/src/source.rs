//! Sources of captures that Python passes: paths and URLs, bytes and file objects.

use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::Arc;

use nfstream::capture::{Content, Memory, Place, StopFlag};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::PyBytes;

/// Bytes requested at once from a file object.
const REQUEST: usize = 256 << 10;

/// File object, opened in binary mode.
#[derive(Debug)]
struct FileObject {
    object: Py<PyAny>,
    /// Position of the first byte and number of bytes; `None` for an object without positions,
    /// which can be read only once.
    extent: Option<(u64, u64)>,
}

/// Reader of a file object.
struct ObjectReader(Py<PyAny>);

/// Converts each of `source`: a path, a URL, bytes or a file object.
///
/// With plugins, the thread that waits for packets holds the interpreter, so no other thread can
/// read a file object: its bytes are then read ahead, `in_memory`.
pub(crate) fn places(source: &[Bound<'_, PyAny>], in_memory: bool) -> PyResult<Vec<Place>> {
    source.iter().map(|one| place(one, in_memory)).collect()
}

fn place(source: &Bound<'_, PyAny>, in_memory: bool) -> PyResult<Place> {
    if let Ok(path) = source.extract::<PathBuf>() {
        return Ok(Place::Path(path));
    }
    if let Ok(bytes) = source.cast::<PyBytes>() {
        let bytes: PyBackedBytes = bytes.extract()?;
        return Ok(Place::Content("<bytes>".into(), Arc::new(Memory::new(bytes))));
    }
    let extent = extent(source)?;
    let name = source.getattr("name").and_then(|name| name.extract::<PathBuf>());
    let name = name.unwrap_or_else(|_| "<file object>".into());
    let object = FileObject { object: source.clone().unbind(), extent };
    if in_memory {
        object.rewind(source.py())?;
        let bytes: PyBackedBytes = source.call_method0("read")?.extract()?;
        return Ok(Place::Content(name, Arc::new(Memory::new(bytes))));
    }
    Ok(Place::Content(name, Arc::new(object)))
}

/// Returns the position of a file object and the bytes from there to its end; `None` if it has no
/// positions.
fn extent(object: &Bound<'_, PyAny>) -> PyResult<Option<(u64, u64)>> {
    let is_seekable = object.call_method0("seekable").and_then(|seekable| seekable.is_truthy());
    if !is_seekable.unwrap_or(false) {
        return Ok(None);
    }
    let start: u64 = object.call_method0("tell")?.extract()?;
    let end: u64 = object.call_method1("seek", (0, 2))?.extract()?;
    object.call_method1("seek", (start,))?;
    Ok(Some((start, end.saturating_sub(start))))
}

impl FileObject {
    fn rewind(&self, py: Python<'_>) -> PyResult<()> {
        match self.extent {
            Some((start, _)) => self.object.bind(py).call_method1("seek", (start,)).map(drop),
            None => Ok(()),
        }
    }
}

impl Content for FileObject {
    fn open(&self, _: &StopFlag) -> io::Result<Box<dyn Read + Send>> {
        let object = with_interpreter(|py| {
            self.rewind(py)?;
            Ok(self.object.clone_ref(py))
        })?;
        Ok(Box::new(ObjectReader(object)))
    }

    fn size(&self) -> io::Result<Option<u64>> {
        Ok(self.extent.map(|(_, bytes)| bytes))
    }
}

impl Read for ObjectReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        with_interpreter(|py| {
            let most = buffer.len().min(REQUEST);
            let read = self.0.bind(py).call_method1("read", (most,))?;
            let Ok(bytes) = read.extract::<&[u8]>() else {
                let kind = read.get_type().name()?;
                let message = format!("read() returned {kind}, not bytes; open it in binary mode");
                return Err(PyValueError::new_err(message));
            };
            let Some(target) = buffer.get_mut(..bytes.len()) else {
                return Err(PyValueError::new_err("read() returned more bytes than requested"));
            };
            target.copy_from_slice(bytes);
            Ok(bytes.len())
        })
    }
}

/// Calls Python from a thread of the engine; an exception becomes an error with its text.
fn with_interpreter<R>(call: impl FnOnce(Python<'_>) -> PyResult<R>) -> io::Result<R> {
    // At exit, the interpreter may be gone.
    let result = Python::try_attach(|py| call(py).map_err(|error| error.to_string()));
    let result = result.ok_or_else(|| io::Error::other("the interpreter has ended"))?;
    result.map_err(io::Error::other)
}
