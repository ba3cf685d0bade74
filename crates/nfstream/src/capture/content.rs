//! Captures that are not files: bytes in memory, on other machines, and readers of other programs.

use std::fmt::{self, Debug, Formatter};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::stop::StopFlag;

/// Bytes of a capture outside the file system.
pub trait Content: Send + Sync {
    /// Returns a reader of all bytes, from the first. A reader that waits for another machine ends
    /// soon after `stop` is set.
    ///
    /// # Errors
    ///
    /// Errors of the system that holds the bytes.
    fn open(&self, stop: &StopFlag) -> io::Result<Box<dyn Read + Send>>;

    /// Returns the number of bytes. `None` for bytes that can be read only once, as from a pipe:
    /// they are not checked before they are read.
    ///
    /// # Errors
    ///
    /// Those of [`open`](Self::open).
    fn size(&self) -> io::Result<Option<u64>>;

    /// Returns the URL under which every process finds these bytes, `None` for those of this
    /// process.
    fn address(&self) -> Option<&Path> {
        None
    }
}

/// Error of [`Content`] that an [`io::Error`] holds, if its meaning matters.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ContentError {
    /// The bytes were overwritten while they were read.
    #[error("changed while it was read")]
    Changed,
    /// The bytes cannot be read now. It ends a run, unlike a file that is damaged or missing.
    #[error("{0}")]
    Unreachable(String),
}

impl From<ContentError> for io::Error {
    fn from(error: ContentError) -> Self {
        let kind = match error {
            ContentError::Changed => io::ErrorKind::Other,
            ContentError::Unreachable(_) => io::ErrorKind::NotConnected,
        };
        Self::new(kind, error)
    }
}

impl ContentError {
    /// Returns the error that `error` holds.
    pub(super) fn of(error: &io::Error) -> Option<&Self> {
        error.get_ref()?.downcast_ref()
    }
}

/// Capture to read, under a name or as bytes.
#[derive(Clone)]
pub enum Place {
    /// A file, a folder, a pattern, `-` for standard input, or a URL.
    Path(PathBuf),
    /// Bytes, and a name for messages.
    Content(PathBuf, Arc<dyn Content>),
}

/// Bytes in memory.
#[derive(Debug)]
pub struct Memory<B>(Arc<B>);

/// Reader of bytes in memory.
struct MemoryReader<B> {
    bytes: Arc<B>,
    position: usize,
}

impl Place {
    /// Returns the path, or the name for messages.
    pub fn name(&self) -> &Path {
        match self {
            Self::Path(name) | Self::Content(name, _) => name,
        }
    }
}

impl From<&PathBuf> for Place {
    fn from(path: &PathBuf) -> Self {
        Self::Path(path.clone())
    }
}

impl Debug for Place {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Place").field(&self.name()).finish()
    }
}

impl<B> Memory<B> {
    /// Returns these bytes as a capture.
    pub fn new(bytes: B) -> Self {
        Self(Arc::new(bytes))
    }
}

impl<B: AsRef<[u8]> + Send + Sync + 'static> Content for Memory<B> {
    fn open(&self, _: &StopFlag) -> io::Result<Box<dyn Read + Send>> {
        Ok(Box::new(MemoryReader { bytes: Arc::clone(&self.0), position: 0 }))
    }

    fn size(&self) -> io::Result<Option<u64>> {
        Ok(u64::try_from((*self.0).as_ref().len()).ok())
    }
}

impl<B: AsRef<[u8]>> Read for MemoryReader<B> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut rest = (*self.bytes).as_ref().get(self.position..).unwrap_or_default();
        let count = rest.read(buffer)?;
        self.position += count;
        Ok(count)
    }
}
