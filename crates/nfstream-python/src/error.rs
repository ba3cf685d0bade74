//! Errors of the engine as Python's built-in exceptions.

use std::error::Error;
use std::io;

use nfstream::RunError;
use nfstream::capture::CaptureError;
use pyo3::PyErr;
use pyo3::exceptions::{PyOSError, PyRuntimeError, PyValueError};

/// Returns the exception for a source that cannot be read: the kind of `OSError` that the system
/// named, with the path; `ValueError` for what is no capture, or a damaged one.
pub(crate) fn capture_error(error: &CaptureError) -> PyErr {
    if let CaptureError::Io { path, source } = error {
        return match source.raw_os_error() {
            // With a number and a path Python chooses the kind itself.
            Some(number) => {
                PyOSError::new_err((number, system_message(source), path.display().to_string()))
            }
            None => PyOSError::new_err(chain(error)),
        };
    }
    PyValueError::new_err(chain(error))
}

/// Returns the exception for a run that has failed; one raised by a plugin as it is.
pub(crate) fn run_error(error: RunError) -> PyErr {
    match error {
        RunError::Capture(error) => capture_error(&error),
        RunError::Hook(error) => match error.downcast::<PyErr>() {
            Ok(error) => *error,
            Err(error) => PyRuntimeError::new_err(chain(&*error)),
        },
        error => PyRuntimeError::new_err(chain(&error)),
    }
}

/// Returns the message of `error` and those of its causes.
fn chain(error: &dyn Error) -> String {
    let mut message = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        // Some messages hold their cause's already.
        if !message.contains(&text) {
            message = format!("{message}: {text}");
        }
        cause = error.source();
    }
    message
}

/// Returns the system's words without the number that Rust adds.
fn system_message(error: &io::Error) -> String {
    let message = error.to_string();
    message.split(" (os error").next().unwrap_or(&message).to_owned()
}
