//! Errors of runs.

use std::num::NonZeroUsize;

use super::blocks::BlockError;
use crate::capture::CaptureError;
use crate::dissect::DissectError;
use crate::features::ScoreError;
use crate::host::ProcessError;
use crate::meter::HookError;

/// Why a run ended before its input did.
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Blocks cannot be written or metered.
    #[error(transparent)]
    Block(#[from] BlockError),
    /// The source cannot be read.
    #[error(transparent)]
    Capture(#[from] CaptureError),
    /// The settings contradict each other.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The dissector cannot be set up.
    #[error(transparent)]
    Dissector(#[from] DissectError),
    /// A hook failed.
    #[error(transparent)]
    Hook(HookError),
    /// A thread of the engine panicked, which is a bug.
    #[error("thread {thread} failed unexpectedly: {message}")]
    Panicked {
        /// Name of the thread.
        thread: String,
        /// Message of the panic.
        message: String,
    },
    /// The process table cannot be kept up to date.
    #[error(transparent)]
    Processes(#[from] ProcessError),
    /// A model failed.
    #[error(transparent)]
    Score(#[from] ScoreError),
    /// A thread could not be started.
    #[error("thread {name} cannot be started")]
    Thread {
        /// Name of the thread.
        name: String,
        /// Error of the system.
        source: std::io::Error,
    },
}

/// Contradiction in the configuration of a run.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ConfigError {
    /// Hooks get packets in order, which several meters do not preserve.
    #[error("hooks need one meter, not {meters}")]
    HooksWithMeters {
        /// Meters of the run.
        meters: NonZeroUsize,
    },
}
