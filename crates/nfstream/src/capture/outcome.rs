//! Outcomes of reading a capture.

use std::io;
use std::path::Path;

use super::compression::Compression;
use super::content::ContentError;
use super::foreign::quoted;
use super::format::Unrecognized;
use super::{CaptureError, Corruption};
use crate::packet::LinkType;

/// End of a file.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum End {
    Complete,
    Truncated { offset: u64 },
}

/// Reason why reading a file failed. [`at`](Self::at) adds the file's name.
#[derive(Debug)]
pub(super) enum Failure {
    Changed,
    Corrupt { offset: u64, what: Corruption },
    Io(io::Error),
    LargeWindow(Compression),
    Unrecognized(Unrecognized),
}

impl Failure {
    /// Returns the failure of a capture whose packets all have this link type.
    pub(super) fn of_link(link: LinkType) -> Self {
        Self::Unrecognized(Unrecognized::UnsupportedLinkType(link))
    }

    /// Returns whether the file may not be a capture, or holds nothing readable. An empty file is a
    /// capture to which nothing was written.
    pub(super) fn is_refusal(&self, is_open: bool) -> bool {
        match self {
            Self::Unrecognized(Unrecognized::Empty) => false,
            Self::Unrecognized(_) => true,
            Self::Changed | Self::Corrupt { .. } | Self::Io(_) | Self::LargeWindow(_) => !is_open,
        }
    }

    /// Returns whether an input ended before its first packet, which is correct if it was stopped
    /// there.
    pub(super) fn is_early_end(&self) -> bool {
        match self {
            Self::Corrupt { what, .. } => matches!(what, Corruption::FileHeader),
            Self::Unrecognized(reason) => {
                matches!(reason, Unrecognized::Empty | Unrecognized::HeaderCut)
            }
            Self::Changed | Self::Io(_) | Self::LargeWindow(_) => false,
        }
    }

    /// Returns whether the file does not exist.
    pub(super) fn is_not_found(&self) -> bool {
        matches!(self, Self::Io(error) if error.kind() == io::ErrorKind::NotFound)
    }

    /// Returns whether there is nothing to read.
    pub(super) fn is_empty(&self) -> bool {
        matches!(self, Self::Unrecognized(Unrecognized::Empty))
    }

    /// Returns whether the content is not that of a capture, not even of a damaged one.
    pub(super) fn is_no_capture(&self) -> bool {
        match self {
            Self::Unrecognized(Unrecognized::Foreign(format)) => format.is_archive(),
            Self::Unrecognized(reason) => {
                matches!(reason, Unrecognized::Empty | Unrecognized::NotACapture)
            }
            _ => false,
        }
    }

    /// Returns whether other files would fail too, or already returned packets may be wrong.
    pub(super) fn ends_all(&self) -> bool {
        const OUT_OF_MEMORY: i32 = 12;
        match self {
            Self::Changed => true,
            Self::Corrupt { .. } | Self::LargeWindow(_) | Self::Unrecognized(_) => false,
            Self::Io(error) => {
                is_out_of_files(error)
                    || error.raw_os_error() == Some(OUT_OF_MEMORY)
                    || matches!(ContentError::of(error), Some(ContentError::Unreachable(_)))
            }
        }
    }

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
        match ContentError::of(&error) {
            Some(ContentError::Changed) => Self::Changed,
            _ => Self::Io(error),
        }
    }
}

impl From<Unrecognized> for Failure {
    fn from(reason: Unrecognized) -> Self {
        Self::Unrecognized(reason)
    }
}

/// Returns whether the process or the system allows no more open files.
pub(super) fn is_out_of_files(error: &io::Error) -> bool {
    /// `EMFILE` and `ENFILE`.
    const CODES: [i32; 2] = [24, 23];
    error.raw_os_error().is_some_and(|code| CODES.contains(&code))
}
