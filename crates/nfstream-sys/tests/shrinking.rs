//! A file that shrinks while it is mapped: the reader gets zeros and can detect it.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test that cannot continue has failed")]

use std::fs::File;
use std::os::unix::process::ExitStatusExt;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicI32, Ordering};
use std::thread;

use nfstream_sys::Mapping;

const LEN: usize = 1 << 20;
const KEPT: usize = 1 << 16;

fn file_of_ones() -> File {
    let file = tempfile::tempfile().unwrap();
    std::io::Write::write_all(&mut &file, &vec![1; LEN]).unwrap();
    file
}

fn sum(mapping: &Mapping) -> usize {
    mapping.iter().copied().map(usize::from).sum()
}

/// Runs the test `name` of this file again in a separate process, with `variable` set.
fn run_again(name: &str, variable: &str) -> std::process::ExitStatus {
    Command::new(std::env::current_exe().unwrap())
        .args([name, "--exact", "--test-threads=1"])
        .env(variable, "1")
        .stderr(std::process::Stdio::null())
        .stdout(std::process::Stdio::null())
        .status()
        .unwrap()
}

#[test]
fn missing_bytes_read_as_zeros() {
    let file = file_of_ones();
    let mapping = Mapping::new(&file).unwrap();
    assert_eq!(sum(&mapping), LEN);
    assert!(mapping.is_intact());
    file.set_len(KEPT as u64).unwrap();
    assert_eq!(sum(&mapping), KEPT);
    assert!(!mapping.is_intact());
    mapping.release(0..LEN);
    assert_eq!(sum(&mapping), KEPT);
}

#[test]
fn two_mappings_and_threads_are_distinguished() {
    let (shrinking, staying) = (file_of_ones(), file_of_ones());
    let lost = Mapping::new(&shrinking).unwrap();
    let kept = Mapping::new(&staying).unwrap();
    shrinking.set_len(KEPT as u64).unwrap();
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| assert_eq!(sum(&lost), KEPT));
            scope.spawn(|| assert_eq!(sum(&kept), LEN));
        }
    });
    assert!(!lost.is_intact());
    assert!(kept.is_intact());
}

#[test]
fn a_slot_is_clean_for_its_next_mapping() {
    for _ in 0..600 {
        let file = file_of_ones();
        let mapping = Mapping::new(&file).unwrap();
        assert!(mapping.is_intact());
        file.set_len(0).unwrap();
        assert_eq!(mapping[LEN - 1], 0);
        assert!(!mapping.is_intact());
    }
}

#[test]
fn errno_survives_a_fault() {
    let file = file_of_ones();
    let mapping = Mapping::new(&file).unwrap();
    file.set_len(0).unwrap();
    File::open("/nonexistent").unwrap_err();
    let before = std::io::Error::last_os_error().raw_os_error();
    assert_eq!(std::hint::black_box(&mapping)[5], 0);
    assert_eq!(std::io::Error::last_os_error().raw_os_error(), before);
}

// In a separate process, because it fills the registry that all tests share.
#[test]
fn a_full_registry_refuses_instead_of_mapping_unguarded() {
    if std::env::var_os("FILL_REGISTRY").is_none() {
        assert!(
            run_again("a_full_registry_refuses_instead_of_mapping_unguarded", "FILL_REGISTRY")
                .success()
        );
        return;
    }
    let file = file_of_ones();
    let mut mappings: Vec<_> = (0..256).map(|_| Mapping::new(&file).unwrap()).collect();
    let error = Mapping::new(&file).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ResourceBusy);
    mappings.pop();
    assert!(Mapping::new(&file).is_ok());
}

/// Sets the handler of SIGBUS, as another library may before the first mapping.
#[allow(unsafe_code, reason = "signals are the test's subject")]
fn set_action(handler: libc::sighandler_t) {
    // SAFETY: a sigaction of zeros is the default action.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = handler;
    replace_action(&action);
}

/// Sets the action for SIGBUS and returns the one before it.
#[allow(unsafe_code, reason = "signals are the test's subject")]
fn replace_action(action: &libc::sigaction) -> libc::sigaction {
    // SAFETY: as above.
    let mut earlier: libc::sigaction = unsafe { std::mem::zeroed() };
    // SAFETY: the handler is a constant, a function that does only what a handler may, or one that
    // was in place.
    assert_eq!(unsafe { libc::sigaction(libc::SIGBUS, action, &mut earlier) }, 0);
    earlier
}

#[allow(unsafe_code, reason = "signals are the test's subject")]
fn raise() {
    // SAFETY: raise has no preconditions.
    assert_eq!(unsafe { libc::raise(libc::SIGBUS) }, 0);
}

#[test]
fn a_sent_signal_with_the_default_action_still_ends_the_process() {
    if std::env::var_os("SIGBUS_DEFAULT").is_none() {
        let name = "a_sent_signal_with_the_default_action_still_ends_the_process";
        assert_eq!(run_again(name, "SIGBUS_DEFAULT").signal(), Some(libc::SIGBUS));
        return;
    }
    set_action(libc::SIG_DFL);
    let _mapping = Mapping::new(&file_of_ones()).unwrap();
    raise();
}

#[test]
fn a_sent_signal_goes_to_the_earlier_handler() {
    static CALLED: AtomicI32 = AtomicI32::new(0);

    extern "C" fn earlier(signal: libc::c_int) {
        CALLED.store(signal, Ordering::SeqCst);
    }

    if std::env::var_os("SIGBUS_HANDLED").is_none() {
        assert!(run_again("a_sent_signal_goes_to_the_earlier_handler", "SIGBUS_HANDLED").success());
        return;
    }
    let handler: extern "C" fn(libc::c_int) = earlier;
    set_action(handler as *const () as usize);
    let file = file_of_ones();
    let mapping = Mapping::new(&file).unwrap();
    raise();
    assert_eq!(CALLED.swap(0, Ordering::SeqCst), libc::SIGBUS);
    file.set_len(0).unwrap();
    assert_eq!(sum(&mapping), 0);
    assert_eq!(CALLED.load(Ordering::SeqCst), 0);
}

// As Python's `faulthandler` does: its handler prints, puts back the one that it replaced, and
// raises the signal again.
#[test]
fn a_handler_that_was_installed_later_neither_removes_the_guard_nor_runs_for_ever() {
    static CALLED: AtomicI32 = AtomicI32::new(0);
    static REPLACED: Mutex<Option<libc::sigaction>> = Mutex::new(None);

    extern "C" fn later(_: libc::c_int) {
        // A test that loops would not end.
        if CALLED.fetch_add(1, Ordering::SeqCst) == 0 {
            replace_action(&REPLACED.lock().unwrap().unwrap());
            raise();
        } else {
            std::process::abort();
        }
    }

    if std::env::var_os("SIGBUS_LATER").is_none() {
        let name = "a_handler_that_was_installed_later_neither_removes_the_guard_nor_runs_for_ever";
        assert_eq!(run_again(name, "SIGBUS_LATER").signal(), Some(libc::SIGBUS));
        return;
    }
    set_action(libc::SIG_DFL);
    let file = file_of_ones();
    let mapping = Mapping::new(&file).unwrap();
    let handler: extern "C" fn(libc::c_int) = later;
    let install = || {
        // SAFETY: a sigaction of zeros is the default action.
        #[allow(unsafe_code, reason = "signals are the test's subject")]
        let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
        action.sa_sigaction = handler as *const () as usize;
        action.sa_flags = libc::SA_NODEFER;
        *REPLACED.lock().unwrap() = Some(replace_action(&action));
    };
    install();
    mapping.renew_guard();
    file.set_len(KEPT as u64).unwrap();
    assert_eq!(sum(&mapping), KEPT);
    install();
    let next = file_of_ones();
    let mapping = Mapping::new(&next).unwrap();
    next.set_len(0).unwrap();
    assert_eq!((sum(&mapping), CALLED.load(Ordering::SeqCst)), (0, 0));
    // Ends the process by the default action, after the handler was called once.
    raise();
}

#[test]
fn a_handler_that_does_nothing_about_a_fault_does_not_hang_the_process() {
    extern "C" fn nothing(_: libc::c_int) {}

    if std::env::var_os("SIGBUS_NOTHING").is_none() {
        let name = "a_handler_that_does_nothing_about_a_fault_does_not_hang_the_process";
        assert_eq!(run_again(name, "SIGBUS_NOTHING").signal(), Some(libc::SIGBUS));
        return;
    }
    let handler: extern "C" fn(libc::c_int) = nothing;
    set_action(handler as *const () as usize);
    let _guarded = Mapping::new(&file_of_ones()).unwrap();
    fault_elsewhere();
}

#[test]
fn an_ignored_signal_stays_ignored() {
    if std::env::var_os("SIGBUS_IGNORED").is_none() {
        assert!(run_again("an_ignored_signal_stays_ignored", "SIGBUS_IGNORED").success());
        return;
    }
    set_action(libc::SIG_IGN);
    let _mapping = Mapping::new(&file_of_ones()).unwrap();
    raise();
}

// A page without a guard gets the behaviour of the previous handlers: ours, then the standard
// library's.
#[test]
fn a_fault_that_is_not_ours_still_ends_the_process() {
    if std::env::var_os("FAULT_ELSEWHERE").is_none() {
        let status =
            run_again("a_fault_that_is_not_ours_still_ends_the_process", "FAULT_ELSEWHERE");
        assert!(status.signal().is_some());
        return;
    }
    let _guarded = Mapping::new(&file_of_ones()).unwrap();
    fault_elsewhere();
}

/// Reads a page without a guard that its file no longer has.
fn fault_elsewhere() {
    let file = file_of_ones();
    #[allow(unsafe_code, reason = "the fault has to be real")]
    // SAFETY: the fault ends this process, as the test intends.
    let unguarded = unsafe { memmap2::Mmap::map(&file).unwrap() };
    file.set_len(0).unwrap();
    assert_ne!(std::hint::black_box(&unguarded)[LEN / 2], 1);
}
