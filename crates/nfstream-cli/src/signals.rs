//! Signals that end the program.
//!
//! For programs that call [`run`](crate::run), which handles no signals itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;

/// Record of the first signal; the second ends the process at once.
#[derive(Debug)]
pub struct Signals {
    /// Number of the first signal, 0 until it arrives.
    number: Arc<AtomicUsize>,
    /// Whether the next signal is not the first.
    is_second: Arc<AtomicBool>,
}

impl Signals {
    /// Handles SIGINT, SIGTERM and SIGHUP from now on, but not SIGHUP if the process ignores it, as
    /// under `nohup`.
    pub fn watch() -> Self {
        let number = Arc::new(AtomicUsize::new(0));
        let is_second = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            if signal == SIGHUP && nfstream_sys::is_ignored(signal) {
                continue;
            }
            // If a handler cannot be installed, the signal ends the program, as by default.
            drop(flag::register_conditional_default(signal, Arc::clone(&is_second)));
            drop(flag::register(signal, Arc::clone(&is_second)));
            let value = usize::try_from(signal).unwrap_or_default();
            drop(flag::register_usize(signal, Arc::clone(&number), value));
        }
        Self { number, is_second }
    }

    /// Records a signal that arrived before this record began, 0 for none.
    pub fn note(&self, earlier: u8) {
        if earlier != 0 {
            self.is_second.store(true, Ordering::Relaxed);
            self.number.store(earlier.into(), Ordering::Relaxed);
        }
    }

    /// Returns the number of the recorded signal, 0 if there is none.
    pub fn number(&self) -> u8 {
        u8::try_from(self.number.load(Ordering::Relaxed)).unwrap_or(u8::MAX)
    }

    /// Returns a function that returns whether a signal was recorded.
    pub fn interruption(&self) -> Arc<dyn Fn() -> bool + Send + Sync> {
        let number = Arc::clone(&self.number);
        Arc::new(move || number.load(Ordering::Relaxed) != 0)
    }

    /// Returns the status of a process that ends with `code`.
    pub fn status(&self, code: crate::ExitCode) -> u8 {
        match code {
            // By convention, 128 plus the number of the signal.
            crate::ExitCode::Interrupted => self.number().saturating_add(128),
            code => code.number(),
        }
    }
}
