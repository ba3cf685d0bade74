//! Outcomes of reading a capture.

use std::io;
use std::path::Path;

use super::compression::Compression;
use super::foreign::quoted;
use super::format::Unrecognized;
use super::{CaptureError, Corruption};

/// End of a file.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum End {
    Complete,
    Truncated { offset: u64 },
}

/// Why reading a file failed. [`at`](Self::at) adds its name.
#[derive(Debug)]
pub(super) enum Failure {
    Changed,
    Corrupt { offset: u64, what: Corruption },
    Io(io::Error),
    LargeWindow(Compression),
    Unrecognized(Unrecognized),
}

impl Failure {
    pub(super) fn at(self, path: &Path) -> CaptureError {
        let path = path.to_path_buf();
        match self {
            Self::Changed => CaptureError::Changed { path },
            Self::Corrupt { offset, what } => CaptureError::Corrupt { path, offset, what },
            Self::Io(source) => CaptureError::Io { path, source },
            Self::LargeWindow(compression) => {
                let command =
                    format!("{} {} | nfstream flows -", compression.command(), quoted(&path));
                CaptureError::LargeWindow { path, command }
            }
            Self::Unrecognized(Unrecognized::Empty) => CaptureError::Empty { path },
            Self::Unrecognized(Unrecognized::Foreign(format)) => {
                let command = format.command(&path);
                CaptureError::Foreign { path, format: format.name, command }
            }
            Self::Unrecognized(Unrecognized::HeaderCut) => {
                CaptureError::Corrupt { path, offset: 0, what: Corruption::FileHeader }
            }
            Self::Unrecognized(Unrecognized::NotACapture) => CaptureError::NotACapture { path },
            Self::Unrecognized(Unrecognized::UnsupportedLinkType(link)) => {
                CaptureError::UnsupportedLinkType { path, link }
            }
            Self::Unrecognized(Unrecognized::UnsupportedVersion(major, minor)) => {
                CaptureError::UnsupportedVersion { path, major, minor }
            }
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<Unrecognized> for Failure {
    fn from(reason: Unrecognized) -> Self {
        Self::Unrecognized(reason)
    }
}
