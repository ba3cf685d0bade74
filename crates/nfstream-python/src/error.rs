//! Errors of the engine as Python's built-in exceptions.

use std::error::Error;
use std::io;

use nfstream::RunError;
use nfstream::capture::CaptureError;
use nfstream::pipeline::BlockError;
use pyo3::PyErr;
use pyo3::exceptions::{
    PyConnectionError, PyFileNotFoundError, PyOSError, PyPermissionError, PyRuntimeError,
    PyValueError,
};

/// Returns the exception for a source that cannot be read: a subclass of `OSError` with the path
/// for an error of the system, `ValueError` for a file that is damaged or no capture.
pub(crate) fn capture_error(error: &CaptureError) -> PyErr {
    let os_error = |source: &io::Error, name: String| match number(source) {
        // Given a number and a name, Python chooses the subclass.
        Some(number) => PyOSError::new_err((number, system_message(source), name)),
        None => match source.kind() {
            io::ErrorKind::NotConnected => PyConnectionError::new_err(chain(error)),
            io::ErrorKind::NotFound => PyFileNotFoundError::new_err(chain(error)),
            io::ErrorKind::PermissionDenied => PyPermissionError::new_err(chain(error)),
            _ => PyOSError::new_err(chain(error)),
        },
    };
    match error {
        CaptureError::BadFilter { expression, message, .. } => {
            PyValueError::new_err(format!("bpf_filter {expression:?}: {message}"))
        }
        CaptureError::Interface { interfaces, source } => os_error(source, interfaces.clone()),
        CaptureError::InterfaceGone { .. } | CaptureError::NoLibpcap { .. } => {
            PyOSError::new_err(chain(error))
        }
        CaptureError::Io { path, source } => os_error(source, path.display().to_string()),
        CaptureError::NoRight { .. } => PyPermissionError::new_err(error.to_string()),
        CaptureError::NoSource { .. } => PyFileNotFoundError::new_err(error.to_string()),
        _ => PyValueError::new_err(chain(error)),
    }
}

/// Returns the system's error number, also for errors that the engine detected itself.
fn number(error: &io::Error) -> Option<i32> {
    const EISDIR: i32 = 21;
    let is_directory = error.kind() == io::ErrorKind::IsADirectory;
    error.raw_os_error().or_else(|| is_directory.then_some(EISDIR))
}

/// Returns the exception for a failed run; an exception raised by a plugin is passed on unchanged.
pub(crate) fn run_error(error: RunError) -> PyErr {
    match error {
        RunError::Capture(error) => capture_error(&error),
        RunError::Hook(error) => match error.downcast::<PyErr>() {
            Ok(error) => *error,
            Err(error) => PyRuntimeError::new_err(chain(&*error)),
        },
        RunError::Block(BlockError::Source(error)) => match error.downcast::<PyErr>() {
            Ok(error) => *error,
            Err(error) => PyOSError::new_err(chain(&*error)),
        },
        RunError::Block(error) => PyValueError::new_err(chain(&error)),
        RunError::Config(error) => PyValueError::new_err(chain(&error)),
        RunError::Processes(error) => PyOSError::new_err(chain(&error)),
        error => PyRuntimeError::new_err(chain(&error)),
    }
}

/// Returns the message of `error` followed by those of its causes.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut message = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        // Some messages already include that of their cause.
        if !message.contains(&text) {
            message = format!("{message}: {text}");
        }
        cause = error.source();
    }
    message
}

/// Returns the system's message without the number that Rust appends.
pub(crate) fn system_message(error: &io::Error) -> String {
    let message = error.to_string();
    message.split(" (os error").next().unwrap_or(&message).to_owned()
}
