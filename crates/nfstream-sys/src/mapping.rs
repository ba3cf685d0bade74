//! Capture files mapped into memory.

use std::fmt;
use std::fs::File;
use std::io;
use std::ops::{Deref, Range};

use memmap2::{Mmap, MmapOptions};

#[cfg(unix)]
use crate::guard::Guard;

/// Regular file, mapped for reading.
///
/// The length is that of the file when it was mapped; bytes appended later are not visible. If the
/// file shrinks, the missing bytes read as zeros. Writes to the file may or may not be visible, so
/// a caller should treat all bytes as untrusted.
///
/// # Examples
///
/// ```
/// use std::io::Write;
///
/// let mut file = tempfile::tempfile()?;
/// file.write_all(b"packets")?;
/// let mapping = nfstream_sys::Mapping::new(&file)?;
/// assert_eq!(&mapping[..], b"packets");
/// assert!(mapping.is_intact());
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Mapping {
    // Dropped before the map: a guard must not outlive its pages.
    #[cfg(unix)]
    guard: Option<Guard>,
    /// `None` for an empty file, which cannot be mapped.
    map: Option<Mmap>,
}

impl Mapping {
    /// Maps all of `file`, whatever its cursor position.
    ///
    /// # Errors
    ///
    /// The system's error, `ErrorKind::InvalidInput` if this is not a regular file, and
    /// `ErrorKind::ResourceBusy` if 256 mappings already exist. A mapping always has a guard; on an
    /// error, the caller can still read the file.
    pub fn new(file: &File) -> io::Result<Self> {
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
        }
        let len = usize::try_from(metadata.len()).map_err(io::Error::other)?;
        if len == 0 {
            return Ok(Self {
                #[cfg(unix)]
                guard: None,
                map: None,
            });
        }
        // SAFETY: the mapping is private and never written. Other processes can change the file,
        // but every byte value is a valid u8, no byte is assumed to stay the same between two
        // reads, and the guard replaces pages that disappear.
        let map = unsafe { MmapOptions::new().len(len).map(file)? };
        Ok(Self {
            #[cfg(unix)]
            guard: Some(Guard::new(map.as_ptr(), len)?),
            map: Some(map),
        })
    }

    /// Returns whether all bytes read so far were present in the file.
    ///
    /// A file cut in the middle of a page reads as zeros there without a mark; compare the file's
    /// length as well. Always true on Windows, where mapped files cannot shrink.
    pub fn is_intact(&self) -> bool {
        #[cfg(unix)]
        return self.guard.as_ref().is_none_or(Guard::is_intact);
        #[cfg(not(unix))]
        return true;
    }

    /// Reinstalls the guard if another SIGBUS handler has been installed since. Call this from time
    /// to time while reading a mapping.
    pub fn renew_guard(&self) {
        #[cfg(unix)]
        if self.guard.is_some() {
            Guard::renew();
        }
    }

    /// Advises the kernel that the bytes will be read from first to last.
    pub fn advise_sequential(&self) {
        #[cfg(unix)]
        if let Some(map) = &self.map {
            // Only advice: reading works without it.
            let _ = map.advise(memmap2::Advice::Sequential);
        }
    }

    /// Releases the memory of `range` until it is read again.
    ///
    /// Keeps the resident size of a long read low. Only whole pages inside `range` are released;
    /// reading them loads them from the file again. Does nothing outside Linux.
    pub fn release(&self, range: Range<usize>) {
        #[cfg(target_os = "linux")]
        if let Some(map) = &self.map {
            const PAGE: usize = 4096;
            let start = range.start.checked_next_multiple_of(PAGE).unwrap_or(usize::MAX);
            let end = range.end.min(map.len()) / PAGE * PAGE;
            if start < end {
                let advice = memmap2::UncheckedAdvice::DontNeed;
                // SAFETY: the mapping is private and was never written, so a released page is
                // loaded again with the bytes of the file, as after an eviction.
                let _ = unsafe { map.unchecked_advise_range(advice, start, end - start) };
            }
        }
        #[cfg(not(target_os = "linux"))]
        let _ = range;
    }
}

impl Deref for Mapping {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.map.as_deref().unwrap_or_default()
    }
}

impl AsRef<[u8]> for Mapping {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl fmt::Debug for Mapping {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Mapping")
            .field("len", &self.len())
            .field("is_intact", &self.is_intact())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn file_of(bytes: &[u8]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        file
    }

    #[test]
    fn mappings_go_to_other_threads() {
        fn is_send_and_sync<T: Send + Sync>() {}
        is_send_and_sync::<Mapping>();
    }

    #[test]
    fn an_empty_file_is_an_empty_mapping() {
        let mapping = Mapping::new(&file_of(b"")).unwrap();
        assert!(mapping.is_empty() && mapping.is_intact());
        mapping.advise_sequential();
        mapping.release(0..1);
    }

    #[test]
    fn advice_outside_does_nothing() {
        let mapping = Mapping::new(&file_of(b"abc")).unwrap();
        mapping.release(5000..9000);
        mapping.release(0..usize::MAX);
        mapping.release(usize::MAX - 1..usize::MAX);
        assert_eq!(mapping.as_ref(), b"abc");
    }

    #[test]
    fn released_bytes_come_back() {
        let bytes: Vec<u8> = (0..100_000_u32).map(|n| n.to_le_bytes()[0]).collect();
        let mapping = Mapping::new(&file_of(&bytes)).unwrap();
        mapping.release(100..90_000);
        assert_eq!(&mapping[..], bytes);
    }

    #[test]
    fn directories_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        if let Ok(file) = File::open(folder.path()) {
            assert_eq!(Mapping::new(&file).unwrap_err().kind(), io::ErrorKind::InvalidInput);
        }
    }
}
