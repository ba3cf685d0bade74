//! The `nfstream` command, for the program that the Python package installs.

use std::ffi::OsString;
use std::io::{stderr, stdout};

use nfstream_cli::{Io, Stream};
use pyo3::prelude::*;

/// Runs the command line `args`, which begins with the program's name, and returns the exit code.
#[pyfunction]
pub(crate) fn run_command(py: Python<'_>, args: Vec<OsString>) -> u8 {
    let interrupted = || Python::attach(|py| py.check_signals().is_err());
    py.detach(|| {
        let (mut stdout, mut stderr) = (stdout(), stderr());
        let mut io = Io {
            stdout: Stream::of_process(&mut stdout),
            stderr: Stream::of_process(&mut stderr),
            interrupted: &interrupted,
        };
        nfstream_cli::run(args, &mut io).number()
    })
}
