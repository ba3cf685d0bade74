//! Bytes of an object on another machine, which is read in parts.

use std::io::{self, Read};
use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::super::content::ContentError;

/// Bytes of the first range, which usually hold the first packets.
pub(super) const FIRST: u64 = 64 << 10;

/// Bytes of a part.
pub(super) type Bytes = Box<dyn AsRef<[u8]> + Send>;

/// Object of a server.
pub(super) trait Object: Send + Sync + 'static {
    /// Reads a range that begins within the object, or at its start; it may extend beyond its end.
    /// Returns `None` if the server sends only whole objects.
    ///
    /// # Errors
    ///
    /// Those of the server, or of the connection.
    fn part(&self, range: Range<u64>) -> io::Result<Option<Part>>;

    /// Opens all bytes, to be read once.
    ///
    /// # Errors
    ///
    /// Those of [`part`](Self::part).
    fn whole(&self) -> io::Result<Whole>;
}

/// Range of an object.
pub(super) struct Part {
    pub(super) bytes: Bytes,
    pub(super) version: Version,
}

/// All bytes of an object.
pub(super) struct Whole {
    pub(super) reader: Box<dyn Read + Send>,
    pub(super) version: Version,
}

/// Version of an object, as far as the server names it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Version {
    /// Bytes.
    pub(super) len: Option<u64>,
    /// Entity tag, or time of the last change.
    pub(super) tag: Option<String>,
}

/// An object, and what is known about it. All readers expect the same version.
pub(super) struct Shared<O> {
    pub(super) object: O,
    known: Mutex<Known>,
}

#[derive(Default)]
pub(super) struct Known {
    pub(super) version: Version,
    /// Whether the server has described the object.
    pub(super) is_described: bool,
    /// The first part, for the first reader.
    pub(super) first: Option<Bytes>,
}

impl<O> Shared<O> {
    /// Shares `object`, whose version may be unknown.
    pub(super) fn new(object: O, version: Version) -> Self {
        let is_described = version.len.is_some();
        Self { object, known: Mutex::new(Known { version, is_described, first: None }) }
    }

    /// Returns the number of bytes.
    pub(super) fn len(&self) -> u64 {
        self.known().version.len.unwrap_or(0)
    }

    /// Returns what is known.
    pub(super) fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<O: Object> Shared<O> {
    /// Reads a range that lies within the object and after its first part. The object was
    /// readable, so any failure ends the run.
    pub(super) fn part(&self, range: Range<u64>) -> io::Result<Bytes> {
        let len = range.end - range.start;
        let part = self.object.part(range).map_err(ends_run)?;
        let Some(part) = part else {
            return Err(ends_run(io::Error::other("the server no longer sends ranges")));
        };
        self.check(&part.version)?;
        complete(part.bytes, len)
    }

    /// Checks that a part belongs to the same version as earlier parts.
    pub(super) fn check(&self, version: &Version) -> io::Result<()> {
        let mut known = self.known();
        let lens = known.version.len.zip(version.len);
        let tags = known.version.tag.as_ref().zip(version.tag.as_ref());
        if lens.is_some_and(|(one, other)| one != other)
            || tags.is_some_and(|(one, other)| one != other)
        {
            return Err(ContentError::Changed.into());
        }
        known.is_described = true;
        known.version.len = known.version.len.or(version.len);
        if known.version.tag.is_none() {
            known.version.tag.clone_from(&version.tag);
        }
        Ok(())
    }
}

impl<O> std::fmt::Debug for Shared<O> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

/// Returns an error that ends a run.
pub(super) fn ends_run(error: io::Error) -> io::Error {
    match ContentError::of(&error) {
        Some(_) => error,
        None => ContentError::Unreachable(error.to_string()).into(),
    }
}

/// Checks that a part has all of its bytes.
pub(super) fn complete(bytes: Bytes, len: u64) -> io::Result<Bytes> {
    let read = (*bytes).as_ref().len();
    if u64::try_from(read).ok() == Some(len) {
        return Ok(bytes);
    }
    let message = format!("the server sent {read} bytes in place of {len}");
    Err(ContentError::Unreachable(message).into())
}
