//! A sandbox around the process: what captures can make it do is bounded by the system.
//!
//! Landlock names the files that it may still open, seccomp refuses system calls. Neither can be
//! undone.

#[cfg(target_os = "linux")]
mod linux;

use std::path::{Path, PathBuf};

/// Why there is no sandbox.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SandboxError {
    /// The system lacks what it is made of.
    #[error("--sandbox: this system has no {what}, which needs {needs}")]
    Missing { what: &'static str, needs: &'static str },
    /// The system refused it.
    #[cfg(target_os = "linux")]
    #[error("--sandbox: the system refuses {what}: {message}")]
    Refused { what: &'static str, message: String },
}

/// Confines this thread, and those that it starts from here on, to reading `inputs` and writing in
/// the folder of `output`, and the whole process to neither network nor other programs.
///
/// What is open stays open. An input or output that is not there is left to who opens it.
///
/// # Errors
///
/// [`SandboxError`], with the process as it was or confined in part: it should end.
pub(crate) fn enter(inputs: &[PathBuf], output: Option<&Path>) -> Result<(), SandboxError> {
    #[cfg(target_os = "linux")]
    return linux::enter(inputs, output);
    #[cfg(not(target_os = "linux"))]
    {
        let _ = (inputs, output);
        Err(SandboxError::Missing { what: "Landlock", needs: "Linux" })
    }
}
