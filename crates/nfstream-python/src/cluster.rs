//! The halves of a run on a cluster: files into blocks, and a source of blocks.

use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use nfstream::RunError;
use nfstream::capture::{Files, Filtered, Listed, Source};
use nfstream::parameters::Parameters;
use nfstream::pipeline::{BlockSource, BlockWriter as Writer, Cut, Piece};
use nfstream::time::Timestamp;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyIterator};

use crate::error::{capture_error, run_error};
use crate::parameters::from_python;

/// File of a plan: path or URL, bytes, and nanoseconds of its first packet.
type File = (PathBuf, u64, Option<i64>);

/// Piece of a stream: its first file, the one after its last, the first of those before it that
/// matter to it, and the file that follows it.
type Bounds = (usize, usize, usize, Option<usize>);

/// The same for Python, as text, because `pathlib` changes URLs.
type FileText = (OsString, u64, Option<i64>);

/// Finds the captures of a stream, in the order in which they are read. Returns them, and warnings.
#[pyfunction]
pub(crate) fn find_files(
    py: Python<'_>,
    source: Vec<PathBuf>,
    parameters: &Bound<'_, PyDict>,
) -> PyResult<(Vec<FileText>, Vec<String>)> {
    let options = from_python(parameters)?.file_options();
    let files = py.detach(|| Files::find(&source, options).and_then(|files| files.listed()));
    let (files, warnings) = files.map_err(|error| capture_error(&error))?;
    let file =
        |Listed { path, len, start }| (path.into_os_string(), len, start.map(Timestamp::nanos));
    let warnings = warnings.iter().map(ToString::to_string).collect();
    Ok((files.into_iter().map(file).collect(), warnings))
}

/// Divides the files of a stream into pieces of about `bytes`.
#[pyfunction]
pub(crate) fn cut_files(
    files: Vec<File>,
    bytes: u64,
    parameters: &Bound<'_, PyDict>,
) -> PyResult<Vec<Bounds>> {
    let parameters = from_python(parameters)?;
    let look_back = Writer::look_back(&parameters.config(Some(0)));
    let files: Vec<_> = files.into_iter().map(listed).collect();
    let cuts = Cut::pieces(&files, bytes, look_back, parameters.file_options().order);
    let bounds = |cut: Cut| (cut.files.start, cut.files.end, cut.earlier.start, cut.next);
    Ok(cuts.into_iter().map(bounds).collect())
}

/// Reads a piece of a stream into blocks; iterates over lists with a block for each shard.
#[pyclass(frozen, module = "nfstream._engine")]
pub(crate) struct BlockWriter(Mutex<Writer>);

#[pymethods]
impl BlockWriter {
    #[new]
    #[pyo3(signature = (files, *, earlier, stream, piece, pieces, file, next, shards, parameters))]
    #[allow(clippy::too_many_arguments, reason = "keyword arguments of one Python call")]
    fn new(
        py: Python<'_>,
        files: Vec<File>,
        earlier: Vec<File>,
        stream: u32,
        piece: u32,
        pieces: u32,
        file: u32,
        next: Option<(PathBuf, i64)>,
        shards: NonZeroUsize,
        parameters: &Bound<'_, PyDict>,
    ) -> PyResult<Self> {
        let parameters = from_python(parameters)?;
        let next = next.map(|(path, start)| (path, Timestamp::from_nanos(start)));
        let last = files.last().map(|(path, ..)| path.clone()).unwrap_or_default();
        let piece = Piece { stream, number: piece, pieces, file, last, next };
        let writer = py.detach(|| {
            let config = parameters.config(Some(0));
            let earlier = (!earlier.is_empty()).then(|| open(earlier, &parameters)).transpose()?;
            Writer::new(open(files, &parameters)?, earlier, piece, shards, &config)
        });
        Ok(Self(Mutex::new(writer.map_err(run_error)?)))
    }

    fn __iter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<Vec<Bound<'py, PyBytes>>>> {
        py.check_signals()?;
        let blocks = py.detach(|| self.lock().next_blocks()).map_err(run_error)?;
        Ok(blocks.map(|blocks| blocks.iter().map(|block| PyBytes::new(py, block)).collect()))
    }

    /// Returns the nanoseconds of the last packet so far, `None` if there was none.
    #[getter]
    fn settled(&self) -> Option<i64> {
        self.lock().time().map(Timestamp::nanos)
    }

    /// Takes the warnings since the last call.
    fn take_warnings(&self) -> Vec<String> {
        self.lock().take_warnings().iter().map(ToString::to_string).collect()
    }
}

impl BlockWriter {
    fn lock(&self) -> std::sync::MutexGuard<'_, Writer> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn listed((path, len, start): File) -> Listed {
    Listed { path, len, start: start.map(Timestamp::from_nanos) }
}

fn open(files: Vec<File>, parameters: &Parameters) -> Result<Box<dyn Source>, RunError> {
    let files = Files::of_list(files.into_iter().map(listed), parameters.file_options())?;
    Ok(match &parameters.bpf_filter {
        None => Box::new(files.open()),
        Some(filter) => Box::new(Filtered::new(files.open(), filter.clone())),
    })
}

/// Blocks from a Python iterator of `bytes`.
pub(crate) struct Blocks(Py<PyIterator>);

impl Blocks {
    pub(crate) fn new(blocks: &Bound<'_, PyAny>) -> PyResult<Self> {
        Ok(Self(blocks.try_iter()?.unbind()))
    }
}

impl BlockSource for Blocks {
    fn next_block(&mut self) -> Result<Option<Vec<u8>>, Box<dyn std::error::Error + Send + Sync>> {
        let next = Python::try_attach(|py| {
            let mut blocks = self.0.bind(py).clone();
            let block = blocks.next().transpose()?;
            block.map(|block| Ok(block.cast::<PyBytes>()?.as_bytes().to_vec())).transpose()
        });
        let next: PyResult<Option<Vec<u8>>> =
            next.unwrap_or_else(|| Err(PyRuntimeError::new_err("the interpreter ends")));
        Ok(next?)
    }
}
