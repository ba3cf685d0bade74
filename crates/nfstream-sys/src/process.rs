//! This process: its children, users, descriptors and time zone.

use std::ffi::c_int;
use std::fs;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};

/// Forks a child that runs `work` and exits with the status that `work` returns.
///
/// The child has a copy of this thread only, so `work` must not need a lock that another thread may
/// hold. Suitable for a process without other threads.
///
/// # Errors
///
/// The system's error.
pub fn fork(work: impl FnOnce() -> u8) -> io::Result<()> {
    /// Ends the child even if `work` panics: the frames above belong to the parent.
    struct Exit(u8);

    impl Drop for Exit {
        fn drop(&mut self) {
            // SAFETY: ends the process without running exit handlers, which belong to the parent.
            unsafe { libc::_exit(self.0.into()) }
        }
    }

    // SAFETY: the caller has one thread, or `work` uses no lock of the others; the child never
    // returns to the caller's frames.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        0 => {
            let mut exit = Exit(1);
            exit.0 = work();
            drop(exit);
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Switches permanently to an unprivileged user and group, in all threads, and leaves all other
/// groups.
///
/// # Errors
///
/// The system's error; the process may then be in fewer groups than before.
pub fn become_user(user: u32, group: u32) -> io::Result<()> {
    // SAFETY: the calls take numbers, and an empty list.
    check(unsafe { libc::setgroups(0, std::ptr::null()) })?;
    // SAFETY: as above.
    check(unsafe { libc::setgid(group) })?;
    // SAFETY: as above.
    check(unsafe { libc::setuid(user) })
}

/// Returns whether the process runs as root.
pub fn is_root() -> bool {
    // SAFETY: only reads a number.
    unsafe { libc::geteuid() == 0 }
}

/// Sets `no_new_privs` for this thread and the threads it starts: programs that they execute gain
/// no privileges.
///
/// # Errors
///
/// The system's error.
pub fn renounce_privileges() -> io::Result<()> {
    // SAFETY: the option takes only numbers.
    check(unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) })
}

/// Returns the open descriptors from number `first` on, in ascending order.
pub fn descriptors(first: RawFd) -> Vec<RawFd> {
    let Ok(entries) = fs::read_dir("/proc/self/fd") else { return Vec::new() };
    let names = entries.flatten().map(|entry| entry.file_name());
    let numbers = names.filter_map(|name| name.to_str()?.parse().ok());
    let mut open: Vec<RawFd> = numbers.filter(|number| *number >= first).collect();
    open.sort_unstable();
    // The folder itself was open as well. SAFETY: only reads flags.
    open.retain(|number| unsafe { libc::fcntl(*number, libc::F_GETFD) } != -1);
    open
}

/// Closes descriptors that this process inherited, for which no object exists in it.
pub fn close_inherited(descriptors: &[RawFd]) {
    for descriptor in descriptors {
        // SAFETY: no object of this process owns the descriptor, as the caller states.
        unsafe { libc::close(*descriptor) };
    }
}

/// Makes standard stream `number` refer to `file`.
///
/// # Errors
///
/// The system's error.
pub fn replace_standard_stream(number: RawFd, file: &OwnedFd) -> io::Result<()> {
    // SAFETY: the descriptor stays open, and refers to an open file at every moment.
    check(unsafe { libc::dup2(file.as_raw_fd(), number) })
}

/// Raises this process's descriptor limit as far as the system allows.
pub fn raise_descriptor_limit() {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: reads to a variable of the right type.
    if unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) } == 0 {
        limit.rlim_cur = limit.rlim_max;
        // SAFETY: reads from a variable of the right type. A refusal leaves the limit as it is.
        unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) };
    }
}

/// Reads the time zone now, so that no later conversion opens its file.
///
/// Call this while the process has a single thread: it may set the variable `TZ`.
pub fn settle_time_zone() {
    unsafe extern "C" {
        fn tzset();
    }
    if std::env::var_os("TZ").is_none() {
        // SAFETY: no other thread reads the environment meanwhile.
        unsafe { std::env::set_var("TZ", ":/etc/localtime") };
    }
    // SAFETY: no other thread converts times meanwhile.
    unsafe { tzset() };
}

fn check(result: c_int) -> io::Result<()> {
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::{Read, Write};

    use super::*;

    #[test]
    fn a_child_works_and_ends() {
        let (mut reader, mut writer) = io::pipe().unwrap();
        fork(|| u8::from(writer.write_all(b"from the child").is_err())).unwrap();
        drop(writer);
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        assert_eq!(text, "from the child");
    }

    #[test]
    fn open_descriptors_are_listed() {
        let file = File::open("/dev/null").unwrap();
        assert!(descriptors(0).contains(&file.as_raw_fd()));
        assert!(descriptors(3).iter().all(|number| *number >= 3));
    }
}
