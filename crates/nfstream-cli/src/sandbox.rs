//! Sandbox of the process, which limits the harm that an untrusted capture can do.
//!
//! Landlock limits the files that the process can open, seccomp its system calls. Neither can be
//! undone.

#[cfg(target_os = "linux")]
mod linux;

use std::path::{Path, PathBuf};

/// Reason why the sandbox cannot be set up.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SandboxError {
    /// The system lacks a mechanism.
    #[error("--sandbox: this system has no {what}, which needs {needs}")]
    Missing { what: &'static str, needs: &'static str },
    /// The system refused the restriction.
    #[cfg(target_os = "linux")]
    #[error("--sandbox: the system refuses {what}: {message}")]
    Refused { what: &'static str, message: String },
}

/// Restricts file access of this thread and the threads that it starts to reading `inputs` and
/// writing in the folder of `output`. Denies the whole process the network and other programs.
///
/// Open files stay open. A missing input or output is reported when it is opened.
///
/// # Errors
///
/// [`SandboxError`]; the process may then be partly restricted and should end.
pub(crate) fn enter(inputs: &[PathBuf], output: Option<&Path>) -> Result<(), SandboxError> {
    #[cfg(target_os = "linux")]
    return linux::enter(inputs, output);
    #[cfg(not(target_os = "linux"))]
    {
        let _ = (inputs, output);
        Err(SandboxError::Missing { what: "Landlock", needs: "Linux" })
    }
}
