//! Descriptors that may have nothing to read for a while.

use std::ffi::c_int;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

/// Opens a file for reading. Opening a named pipe does not wait for a writer, and reading does not
/// wait for bytes.
///
/// # Errors
///
/// The system's error.
pub fn open_without_waiting(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path)
}

/// Waits, for at most `patience`, until bytes or the end of `input` can be read; returns whether
/// they can.
///
/// # Errors
///
/// The system's error.
pub fn wait_readable(input: &impl AsFd, patience: Duration) -> io::Result<bool> {
    let descriptor = input.as_fd();
    let mut entry = libc::pollfd { fd: descriptor.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    let patience = c_int::try_from(patience.as_millis()).unwrap_or(c_int::MAX);
    // SAFETY: one entry, whose descriptor is borrowed for as long as the call.
    match unsafe { libc::poll(&raw mut entry, 1, patience) } {
        -1 => match io::Error::last_os_error() {
            error if error.kind() == io::ErrorKind::Interrupted => Ok(false),
            error => Err(error),
        },
        ready => Ok(ready > 0),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use super::*;

    #[test]
    fn a_pipe_is_readable_when_it_has_bytes_or_has_ended() {
        let (mut reader, mut writer) = io::pipe().unwrap();
        assert!(!wait_readable(&reader, Duration::ZERO).unwrap());
        writer.write_all(b"x").unwrap();
        assert!(wait_readable(&reader, Duration::MAX).unwrap());
        reader.read_exact(&mut [0]).unwrap();
        drop(writer);
        assert!(wait_readable(&reader, Duration::MAX).unwrap());
    }
}
