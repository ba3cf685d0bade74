//! What can end a run before its input does.

use crate::capture::CaptureError;
use crate::dissect::DissectError;
use crate::meter::HookError;

/// Why a run ended before its input did.
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The source cannot be read.
    #[error(transparent)]
    Capture(#[from] CaptureError),
    /// The dissector cannot be set up.
    #[error(transparent)]
    Dissector(#[from] DissectError),
    /// Code called for packets and flows failed.
    #[error(transparent)]
    Hook(HookError),
    /// A thread of the engine panicked: a bug of ours.
    #[error("thread {thread} failed unexpectedly: {message}")]
    Panicked {
        /// Name of the thread.
        thread: String,
        /// What it said.
        message: String,
    },
    /// A thread could not be started.
    #[error("thread {name} cannot be started")]
    Thread {
        /// Name of the thread.
        name: String,
        /// What the system said.
        source: std::io::Error,
    },
}
