//! The `nfstream` command, for the program that the Python package installs.

use std::ffi::OsString;
use std::io::{stderr, stdout};

use nfstream_cli::{Io, Signals, Stream};
use pyo3::prelude::*;

/// Runs the command line `args`, which begins with the program's name, and returns the exit code.
/// `earlier` returns the number of a signal that Python has already handled, 0 for none.
///
/// Handles signals itself, below Python's handlers: the second signal ends the process at once,
/// even where the interpreter would not notice it.
#[pyfunction]
pub(crate) fn run_command(
    py: Python<'_>,
    args: Vec<OsString>,
    earlier: Bound<'_, PyAny>,
) -> PyResult<u8> {
    let signals = Signals::watch();
    // A signal that arrived just before may not have reached Python's handler yet.
    py.check_signals()?;
    signals.note(earlier.call0()?.extract()?);
    Ok(py.detach(|| {
        let (mut stdout, mut stderr) = (stdout(), stderr());
        let mut io = Io {
            stdout: Stream::of_process(&mut stdout),
            stderr: Stream::of_process(&mut stderr),
            interrupted: signals.interruption(),
        };
        let code = nfstream_cli::run(args, &mut io);
        signals.status(code)
    }))
}
