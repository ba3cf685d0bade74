//! The `nfstream` program: connects the process's streams and signals to [`nfstream_cli::run`].

#![forbid(unsafe_code)]

use std::io::{stderr, stdout};
use std::process::ExitCode;

use nfstream_cli::{Io, Signals, Stream};

fn main() -> ExitCode {
    let signals = Signals::watch();
    let (mut stdout, mut stderr) = (stdout(), stderr());
    let mut io = Io {
        stdout: Stream::of_process(&mut stdout),
        stderr: Stream::of_process(&mut stderr),
        interrupted: signals.interruption(),
    };
    let code = nfstream_cli::run(std::env::args_os(), &mut io);
    ExitCode::from(signals.status(code))
}
