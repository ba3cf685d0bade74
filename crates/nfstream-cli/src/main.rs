//! The `nfstream` program: connects the process's streams and signals to [`nfstream_cli::run`].

#![forbid(unsafe_code)]

use std::io::{stderr, stdout};
use std::process::ExitCode;

use nfstream_cli::{Io, Stream};

fn main() -> ExitCode {
    let signals = Signals::watch();
    let (mut stdout, mut stderr) = (stdout(), stderr());
    let mut io = Io {
        stdout: Stream::of_process(&mut stdout),
        stderr: Stream::of_process(&mut stderr),
        interrupted: &|| signals.number() != 0,
    };
    match nfstream_cli::run(std::env::args_os(), &mut io) {
        // By convention, 128 plus the number of the signal.
        nfstream_cli::ExitCode::Interrupted => ExitCode::from(128 + signals.number()),
        code => ExitCode::from(code.number()),
    }
}

/// Signals that interrupt the program.
#[cfg(unix)]
struct Signals(std::sync::Arc<std::sync::atomic::AtomicUsize>);

#[cfg(unix)]
impl Signals {
    /// Installs the handlers: the first signal is recorded, the second ends the program at once.
    fn watch() -> Self {
        use signal_hook::consts::{SIGINT, SIGTERM};
        use signal_hook::flag;
        use std::sync::Arc;
        use std::sync::atomic::{AtomicBool, AtomicUsize};

        let number = Arc::new(AtomicUsize::new(0));
        let is_second = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM] {
            // If a handler cannot be installed, the signal ends the program: the default.
            drop(flag::register_conditional_default(signal, Arc::clone(&is_second)));
            drop(flag::register(signal, Arc::clone(&is_second)));
            let value = usize::try_from(signal).unwrap_or_default();
            drop(flag::register_usize(signal, Arc::clone(&number), value));
        }
        Self(number)
    }

    /// Returns the number of the signal received, 0 if none was.
    fn number(&self) -> u8 {
        u8::try_from(self.0.load(std::sync::atomic::Ordering::Relaxed)).unwrap_or(u8::MAX)
    }
}

/// On other systems a signal ends the program.
#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn watch() -> Self {
        Self
    }

    fn number(&self) -> u8 {
        0
    }
}
