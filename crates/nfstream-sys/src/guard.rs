//! Keeps a process alive when a file shrinks under its mapping.
//!
//! Reading a page that its file no longer has raises SIGBUS. Our handler, installed with each
//! mapping unless already in place, finds the mapping by the address, maps zero pages over the
//! missing part and marks the mapping. Any other SIGBUS is forwarded to the handler that ours
//! replaced.
//!
//! Other code may replace our handler with its own, as Python's `faulthandler` does. Ours is then
//! installed over that one. Such a handler may put ours back and raise the signal again, so a
//! repeated signal is forwarded to the handler from before the first installation, and finally to
//! the default action.

use std::io;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

/// Most mappings guarded at once. A run needs few: one for the file that it reads, and those with
/// packets still in the pipeline.
const SLOTS: usize = 256;

/// `Slot::start` of a slot that guards nothing.
const FREE: usize = 0;
/// `Slot::start` of a slot that is being filled.
const CLAIMED: usize = 1;

static REGISTRY: [Slot; SLOTS] = [const { Slot::new() }; SLOTS];

/// The page size.
static PAGE_SIZE: OnceLock<usize> = OnceLock::new();
/// Action from before our first installation; set before our handler can run.
static FIRST: OnceLock<&'static Before> = OnceLock::new();
/// Action that our latest installation replaced; set before our handler can run.
static LATEST: AtomicPtr<Before> = AtomicPtr::new(ptr::null_mut());
/// Forwarded signals for which no other has come since: how many, and the address of the last.
static FORWARDED: (AtomicUsize, AtomicUsize) = (AtomicUsize::new(0), AtomicUsize::new(0));

/// One mapping's entry in the registry, removed on drop.
#[derive(Debug)]
pub(crate) struct Guard {
    slot: &'static Slot,
}

impl Guard {
    /// Guards the pages of `len` bytes at `start`, which must be the start of a page.
    ///
    /// # Errors
    ///
    /// `ErrorKind::ResourceBusy` if the registry is full, or the error of `sigaction`.
    pub(crate) fn new(start: *const u8, len: usize) -> io::Result<Self> {
        let page_size = page_size()?;
        install()?;
        let slot = REGISTRY.iter().find(|slot| slot.claim()).ok_or_else(|| {
            io::Error::new(io::ErrorKind::ResourceBusy, "too many mapped files at once")
        })?;
        slot.fill(start.addr(), start.addr() + len.next_multiple_of(page_size));
        Ok(Self { slot })
    }

    /// Reinstalls our handler if other code has replaced it.
    pub(crate) fn renew() {
        // If this fails, the mapping is as safe as that of any other program.
        drop(install());
    }

    /// Returns whether every page of the mapping was present so far.
    pub(crate) fn is_intact(&self) -> bool {
        !self.slot.lost.load(Ordering::Acquire)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.slot.start.store(FREE, Ordering::Release);
    }
}

/// One guarded mapping. Only atomics: the handler reads it at any moment.
#[derive(Debug)]
struct Slot {
    /// Address of the first byte, or `FREE`, or `CLAIMED`.
    start: AtomicUsize,
    /// Address after the last page.
    end: AtomicUsize,
    /// Whether a page was missing and now reads as zeros.
    lost: AtomicBool,
}

impl Slot {
    const fn new() -> Self {
        Self {
            start: AtomicUsize::new(FREE),
            end: AtomicUsize::new(0),
            lost: AtomicBool::new(false),
        }
    }

    fn claim(&self) -> bool {
        self.start.compare_exchange(FREE, CLAIMED, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }

    fn fill(&self, start: usize, end: usize) {
        self.end.store(end, Ordering::Release);
        self.lost.store(false, Ordering::Release);
        self.start.store(start, Ordering::Release);
    }

    /// Returns the end of the mapping if `address` lies in it.
    fn end_of(&self, address: usize) -> Option<usize> {
        let start = self.start.load(Ordering::Acquire);
        let end = self.end.load(Ordering::Acquire);
        // Another thread may have reassigned the slot between the two loads. The mapping with
        // `address` stays alive meanwhile, because a thread is reading it.
        let same = self.start.load(Ordering::Acquire) == start;
        (start > CLAIMED && same && (start..end).contains(&address)).then_some(end)
    }
}

/// Action that ours has replaced.
struct Before(libc::sigaction);

fn page_size() -> io::Result<usize> {
    if let Some(size) = PAGE_SIZE.get() {
        return Ok(*size);
    }
    // SAFETY: sysconf only reads a value.
    let size = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    let size = usize::try_from(size).map_err(|_| io::Error::last_os_error())?;
    Ok(*PAGE_SIZE.get_or_init(|| size))
}

/// Installs the handler unless it is in place.
fn install() -> io::Result<()> {
    /// Actions that ours has replaced, each once: the handler may run at any time, so they stay.
    static KNOWN: Mutex<Vec<&'static Before>> = Mutex::new(Vec::new());

    let handler: extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut libc::c_void) = on_sigbus;
    let handler = handler as *const () as usize;
    // SAFETY: a sigaction of zeros is valid: the default action and an empty mask.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    // SAFETY: the new action is null, so this only writes the present one to `action`.
    if unsafe { libc::sigaction(libc::SIGBUS, ptr::null(), &mut action) } != 0 {
        return Err(io::Error::last_os_error());
    }
    if action.sa_sigaction == handler {
        return Ok(());
    }
    let is_same = |before: &&&'static Before| {
        let Before(known) = before;
        known.sa_sigaction == action.sa_sigaction && known.sa_flags == action.sa_flags
    };
    let before: &'static Before = match known.iter().find(is_same) {
        Some(before) => before,
        None => {
            let before: &'static Before = Box::leak(Box::new(Before(action)));
            known.push(before);
            before
        }
    };
    // The handler finds the previous ones here from the moment it is installed.
    FIRST.get_or_init(|| before);
    LATEST.store(ptr::from_ref(before).cast_mut(), Ordering::Release);

    // SAFETY: as above.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = handler;
    action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
    // SAFETY: `action` is complete, and its handler does only what a signal handler may:
    // atomics, mmap and sigaction.
    if unsafe { libc::sigaction(libc::SIGBUS, &action, ptr::null_mut()) } != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

extern "C" fn on_sigbus(
    signal: libc::c_int,
    info: *mut libc::siginfo_t,
    context: *mut libc::c_void,
) {
    let (Some(first), Some(page_size)) = (FIRST.get(), PAGE_SIZE.get()) else { return };
    // SAFETY: the kernel passes a valid siginfo_t to a handler set with SA_SIGINFO.
    let (address, code) = unsafe { ((*info).si_addr().addr(), (*info).si_code) };
    // A code of zero or less means that a process sent the signal, which then has no address.
    let is_fault = code > 0;
    if is_fault && cover(address, *page_size) {
        return;
    }
    // SAFETY: a sent signal has the process that sent it; getpid only returns a number.
    let is_own = !is_fault && unsafe { (*info).si_pid() == libc::getpid() };
    let (times, last) = &FORWARDED;
    let is_repeated = is_own || (is_fault && last.load(Ordering::Relaxed) == address);
    let times_before = if is_repeated { times.load(Ordering::Relaxed) } else { 0 };
    times.store(times_before + 1, Ordering::Relaxed);
    last.store(if is_fault { address } else { 0 }, Ordering::Relaxed);
    // SAFETY: null, or one of the actions that stay for the life of the process.
    let latest = unsafe { LATEST.load(Ordering::Acquire).as_ref() };
    // SAFETY: a sigaction of zeros is the default action.
    let default = Before(unsafe { std::mem::zeroed() });
    let before = match times_before {
        0 => latest.unwrap_or(first),
        2.. if is_fault => &default,
        _ => first,
    };
    before.forward(signal, code, info, context);
}

/// Maps zeros over the guarded mapping that holds `address`, from its page to the end.
fn cover(address: usize, page_size: usize) -> bool {
    let found = REGISTRY.iter().find_map(|slot| Some((slot, slot.end_of(address)?)));
    let Some((slot, end)) = found else { return false };
    let page = address & !(page_size - 1);
    let errno = errno();
    // SAFETY: errno belongs to this thread; the code that was interrupted must find it as it was.
    let saved = unsafe { *errno };
    // Marked first, so that a reader of such a zero can know that it is not in the file.
    slot.lost.store(true, Ordering::Release);
    // SAFETY: the pages from `page` to `end` belong to the mapping of `slot`, which is alive as
    // this thread was reading it. They stay mapped and readable, so every slice stays valid.
    let covered = unsafe {
        libc::mmap(
            ptr::without_provenance_mut(page),
            end - page,
            libc::PROT_READ,
            libc::MAP_PRIVATE | libc::MAP_ANON | libc::MAP_FIXED,
            -1,
            0,
        )
    };
    // SAFETY: as above.
    unsafe { *errno = saved };
    covered != libc::MAP_FAILED
}

impl Before {
    /// Does what would happen without our handler.
    fn forward(
        &self,
        signal: libc::c_int,
        code: libc::c_int,
        info: *mut libc::siginfo_t,
        context: *mut libc::c_void,
    ) {
        match self.0.sa_sigaction {
            libc::SIG_IGN if code <= 0 => {}
            // A fault cannot be ignored. With the default action restored, the faulting instruction
            // runs again and ends the process; a sent signal has to be raised again.
            libc::SIG_DFL | libc::SIG_IGN => {
                // SAFETY: a sigaction of zeros is the default action; both calls may be made
                // in a handler.
                unsafe {
                    let default: libc::sigaction = std::mem::zeroed();
                    libc::sigaction(signal, &default, ptr::null_mut());
                    if code <= 0 {
                        libc::raise(signal);
                    }
                }
            }
            handler if self.0.sa_flags & libc::SA_SIGINFO != 0 => {
                // SAFETY: set with SA_SIGINFO, so it is a function of these three arguments.
                unsafe {
                    let handler: extern "C" fn(
                        libc::c_int,
                        *mut libc::siginfo_t,
                        *mut libc::c_void,
                    ) = std::mem::transmute(handler);
                    handler(signal, info, context);
                }
            }
            handler => {
                // SAFETY: set without SA_SIGINFO, so it is a function of the signal alone.
                unsafe {
                    let handler: extern "C" fn(libc::c_int) = std::mem::transmute(handler);
                    handler(signal);
                }
            }
        }
    }
}

fn errno() -> *mut libc::c_int {
    // SAFETY: these return the address of the calling thread's errno and may be called anywhere.
    unsafe {
        #[cfg(any(target_os = "linux", target_os = "emscripten", target_os = "hurd"))]
        return libc::__errno_location();
        #[cfg(any(target_vendor = "apple", target_os = "freebsd"))]
        return libc::__error();
        #[cfg(any(target_os = "android", target_os = "netbsd", target_os = "openbsd"))]
        return libc::__errno();
        #[cfg(any(target_os = "solaris", target_os = "illumos"))]
        return libc::___errno();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_covers_its_own_addresses_only() {
        let slot = Slot::new();
        assert_eq!(slot.end_of(0), None);
        assert!(slot.claim());
        assert!(!slot.claim());
        assert_eq!(slot.end_of(1), None);
        slot.fill(0x1000, 0x3000);
        assert_eq!(slot.end_of(0xfff), None);
        assert_eq!(slot.end_of(0x1000), Some(0x3000));
        assert_eq!(slot.end_of(0x2fff), Some(0x3000));
        assert_eq!(slot.end_of(0x3000), None);
    }
}
