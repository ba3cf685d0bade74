//! Ending an input on request, even while it has nothing to read.

use std::fmt::{self, Debug, Formatter};
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
#[cfg(unix)]
use std::time::{Duration, Instant};

#[cfg(unix)]
use crate::host::monotonic;

/// Flag that ends the input of a source. Copies share it.
#[derive(Clone, Debug, Default)]
pub struct StopFlag(Arc<AtomicBool>);

/// Bytes of a pipe or of standard input, which end after the flag is set.
///
/// A signal often reaches the writer of a pipe as well, which then writes its last bytes. So
/// reading continues until the writer closes the pipe, but no longer than [`GRACE`].
pub(super) struct Stoppable {
    input: File,
    stop: StopFlag,
    /// Moment at which reading ends in any case, once the flag is set.
    #[cfg(unix)]
    deadline: Option<Instant>,
}

/// Maximum time that bytes are read after the flag is set.
#[cfg(unix)]
const GRACE: Duration = Duration::from_millis(500);

/// Maximum time until the flag is noticed.
#[cfg(unix)]
const PATIENCE: Duration = Duration::from_millis(50);

impl StopFlag {
    /// Sets the flag for good.
    pub fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Returns whether the flag is set.
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl Stoppable {
    /// Opens a pipe or a device.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        #[cfg(unix)]
        let input = nfstream_sys::open_without_waiting(path)?;
        #[cfg(not(unix))]
        let input = File::open(path)?;
        Ok(Self::new(input))
    }

    /// Returns standard input, without the buffer that Rust's standard library shares.
    #[cfg(unix)]
    pub(super) fn stdin() -> io::Result<Self> {
        use std::os::fd::AsFd;

        let input = io::stdin().as_fd().try_clone_to_owned()?;
        Ok(Self::new(input.into()))
    }

    /// Returns standard input, without the buffer that Rust's standard library shares.
    #[cfg(windows)]
    pub(super) fn stdin() -> io::Result<Self> {
        use std::os::windows::io::AsHandle;

        let input = io::stdin().as_handle().try_clone_to_owned()?;
        Ok(Self::new(input.into()))
    }

    /// Takes the flag that ends the input.
    pub(super) fn stop_with(&mut self, stop: &StopFlag) {
        self.stop = stop.clone();
    }

    fn new(input: File) -> Self {
        Self {
            input,
            stop: StopFlag::default(),
            #[cfg(unix)]
            deadline: None,
        }
    }

    /// Returns whether reading is over because the flag was set some time ago.
    #[cfg(unix)]
    fn is_over(&mut self) -> bool {
        if !self.stop.is_set() {
            return false;
        }
        let now = monotonic();
        now >= *self.deadline.get_or_insert(now + GRACE)
    }
}

#[cfg(unix)]
impl Read for Stoppable {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if self.is_over() {
                return Ok(0);
            }
            if !nfstream_sys::wait_readable(&self.input, PATIENCE)? {
                continue;
            }
            match self.input.read(buffer) {
                // Another reader of the pipe was faster.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                result => return result,
            }
        }
    }
}

/// On systems that cannot limit the wait for a pipe, the flag is noticed between reads.
#[cfg(not(unix))]
impl Read for Stoppable {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.stop.is_set() { Ok(0) } else { self.input.read(buffer) }
    }
}

impl Debug for Stoppable {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stoppable").field("stop", &self.stop).finish_non_exhaustive()
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::io::Write;
    use std::os::fd::OwnedFd;
    use std::thread;

    use super::*;

    #[test]
    fn a_stopped_pipe_gives_its_last_bytes_and_ends() {
        let (reader, mut writer) = io::pipe().unwrap();
        let stop = StopFlag::default();
        let mut input = Stoppable::new(OwnedFd::from(reader).into());
        input.stop_with(&stop);
        let reading = thread::spawn(move || {
            let mut bytes = Vec::new();
            input.read_to_end(&mut bytes).map(|_| bytes)
        });
        writer.write_all(b"first").unwrap();
        stop.set();
        writer.write_all(b", last").unwrap();
        // The pipe stays open.
        assert_eq!(reading.join().unwrap().unwrap(), b"first, last");
        drop(writer);
    }
}
