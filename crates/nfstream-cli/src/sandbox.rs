//! Sandbox of the process, which limits the harm that an untrusted capture can do.
//!
//! Everything is opened before the first packet is read; then the process permanently gives up all
//! other access. The files of a table are kept by another process, the clerk, which reads no
//! packets. On Linux, seccomp limits the system calls and Landlock the files, sockets and signals.

#[cfg(target_os = "linux")]
mod calls;
#[cfg(target_os = "linux")]
mod clerk;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(not(target_os = "linux"))]
mod other;
#[cfg(target_os = "linux")]
mod remote;

#[cfg(target_os = "linux")]
pub(crate) use linux::{Outlet, RemoteFile, Sandbox};
#[cfg(not(target_os = "linux"))]
pub(crate) use other::{Outlet, RemoteFile, Sandbox};

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
    /// Another option needs access that the sandbox denies.
    #[error("--sandbox cannot be combined with {option}, which {reason}")]
    Conflict { option: &'static str, reason: &'static str },
}
