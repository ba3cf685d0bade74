//! The `nfstream` program: gives the process's streams and signals to [`nfstream_cli::run`].

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
        // By custom, 128 and the number of the signal.
        nfstream_cli::ExitCode::Interrupted => ExitCode::from(128 + signals.number()),
        code => ExitCode::from(code.number()),
    }
}

/// Signals that ask the program to end.
#[cfg(unix)]
struct Signals(std::sync::Arc<std::sync::atomic::AtomicUsize>);

#[cfg(unix)]
impl Signals {
    /// Notes the first of these signals from now on; at the second the program ends at once.
    fn watch() -> Self {
        use signal_hook::consts::{SIGINT, SIGTERM};
        use signal_hook::flag;
        use std::sync::Arc;
        use std::sync::atomic::{AtomicBool, AtomicUsize};

        let number = Arc::new(AtomicUsize::new(0));
        let is_second = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM] {
            // Without these a signal just ends the program, which is all one can do about it.
            drop(flag::register_conditional_default(signal, Arc::clone(&is_second)));
            drop(flag::register(signal, Arc::clone(&is_second)));
            let value = usize::try_from(signal).unwrap_or_default();
            drop(flag::register_usize(signal, Arc::clone(&number), value));
        }
        Self(number)
    }

    /// Returns the number of the signal that came, 0 if none did.
    fn number(&self) -> u8 {
        u8::try_from(self.0.load(std::sync::atomic::Ordering::Relaxed)).unwrap_or(u8::MAX)
    }
}

/// Elsewhere the system ends the program.
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
