//! Dispositions of signals.

use std::ffi::c_int;
use std::mem;
use std::ptr;

/// Returns whether this process ignores `signal`, as under `nohup` for SIGHUP.
pub fn is_ignored(signal: c_int) -> bool {
    // SAFETY: a sigaction of zeros is valid: the default action and an empty mask.
    let mut action: libc::sigaction = unsafe { mem::zeroed() };
    // SAFETY: the new action is null, so this only writes the present one to `action`.
    let result = unsafe { libc::sigaction(signal, ptr::null(), &raw mut action) };
    result == 0 && action.sa_sigaction == libc::SIG_IGN
}

/// Ignores `signal` from now on.
pub fn ignore(signal: c_int) {
    // SAFETY: no handler runs; an invalid number changes nothing.
    unsafe { libc::signal(signal, libc::SIG_IGN) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ignored_signal_is_known() {
        assert!(!is_ignored(libc::SIGWINCH));
        ignore(libc::SIGWINCH);
        assert!(is_ignored(libc::SIGWINCH));
    }
}
