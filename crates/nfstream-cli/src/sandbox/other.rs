//! Sandbox on systems without one: preparing it fails.

use std::path::Path;

use nfstream::sink::{Existing, Format, Rotation, Sink};

use super::SandboxError;

/// Never made.
#[derive(Debug)]
pub(crate) enum Sandbox {}

/// Never made.
#[derive(Clone, Debug)]
pub(crate) enum Outlet {}

impl Sandbox {
    /// Fails.
    pub(crate) fn prepare() -> Result<Self, SandboxError> {
        Err(SandboxError::Missing { what: "Landlock", needs: "Linux" })
    }

    /// Never called.
    pub(crate) fn outlet(
        &mut self,
        _path: &Path,
        _existing: Existing,
        _format: Format,
        _rotation: Rotation,
    ) -> Result<Outlet, SandboxError> {
        match *self {}
    }

    /// Never called.
    pub(crate) fn enter(self, _is_live: bool) -> Result<(), SandboxError> {
        match self {}
    }
}

/// Never made.
#[derive(Debug)]
pub(crate) enum RemoteFile {}

impl RemoteFile {
    /// Never called.
    pub(crate) fn write(self, _contents: &[u8]) -> Result<(), nfstream::sink::SinkError> {
        match self {}
    }
}

impl Outlet {
    /// Never called.
    pub(crate) fn file(&self) -> Result<RemoteFile, nfstream::sink::SinkError> {
        match *self {}
    }

    /// Never called.
    pub(crate) fn sink(&self) -> Box<dyn Sink> {
        match *self {}
    }
}
