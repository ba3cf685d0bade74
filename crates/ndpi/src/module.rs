//! Detection modules: nDPI's tables, its state across flows, and the calls that dissect.

use std::fmt;
use std::ptr::NonNull;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use ndpi_sys as sys;

use crate::flow::Flow;
use crate::label::{Inspected, Label};
use crate::names::Names;

/// Lock for creating and freeing modules: nDPI initialises globals without one.
static LIFECYCLE: Mutex<()> = Mutex::new(());

static NAMES: OnceLock<Arc<Names>> = OnceLock::new();

/// Reason why a module cannot be created.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Error {
    /// nDPI could not be initialised.
    #[error("cannot initialise nDPI, probably out of memory")]
    Initialization,
    /// nDPI is loaded at run time, and loading failed.
    #[error(transparent)]
    NotLoaded(#[from] &'static sys::LoadError),
    /// The loaded library is not the one that the program was compiled for.
    #[error("the loaded libndpi ({loaded}) is not the one this program was built with")]
    OtherLibrary {
        /// Version of the loaded library.
        loaded: &'static str,
    },
}

/// Detection module, with all protocols or some of them.
///
/// Only one thread can use a module at a time. A module keeps state across flows, such as the peers
/// that use BitTorrent, so labels depend on all packets since it was created or reset.
pub struct Module {
    module: NonNull<sys::Module>,
    names: Arc<Names>,
    /// Ids of disabled protocols.
    excluded: Box<[u16]>,
    /// Copy of the start of a packet that is longer than nDPI may read.
    shortened: Vec<u8>,
}

// SAFETY: a module is plain heap memory; nothing in it is bound to a thread, and all changes
// need `&mut Module`.
unsafe impl Send for Module {}

impl Module {
    /// Most bytes of a packet that nDPI gets: enough for most handshakes that the network card has
    /// reassembled.
    pub const MAX_PACKET: usize = 8 << 10;

    /// Creates a module with all protocols, which takes about 10 ms and 6 MB with nDPI 4.2.
    ///
    /// # Errors
    ///
    /// [`Error`] if nDPI cannot be initialised or is not the library that the program was built
    /// for.
    pub fn new() -> Result<Self, Error> {
        Self::without(|_| Vec::new())
    }

    /// Creates a module that does not test packets for the protocols whose ids `excluded` returns,
    /// which makes packets faster to inspect. From nDPI 5.0 on, the module has all protocols.
    ///
    /// # Errors
    ///
    /// Those of [`new`](Self::new).
    pub fn without(excluded: impl FnOnce(&Arc<Names>) -> Vec<u16>) -> Result<Self, Error> {
        sys::load()?;
        let _guard = lifecycle();
        // SAFETY: the functions are available, and this one has no preconditions.
        if unsafe { sys::ndpi_shim_headers_match() } == 0 {
            return Err(Error::OtherLibrary { loaded: crate::version().unwrap_or_default() });
        }
        // SAFETY: the guard excludes other modules that are created or freed in parallel.
        let module = unsafe { sys::ndpi_shim_module_new() };
        let module = NonNull::new(module).ok_or(Error::Initialization)?;
        // SAFETY: the module is alive and not shared yet; the guard excludes other readers.
        let names = NAMES.get_or_init(|| Arc::new(unsafe { Names::read(module.as_ptr()) }));
        let excluded = excluded(names).into_boxed_slice();
        finish(module, &excluded)?;
        let names = Arc::clone(names);
        Ok(Self { module, names, excluded, shortened: Vec::new() })
    }

    /// Clears the state of earlier packets, so that the module labels like a new one.
    ///
    /// Takes microseconds with nDPI 4.2 if it saw no tinc; otherwise a new module is created.
    ///
    /// # Errors
    ///
    /// [`Error::Initialization`] if a new module is needed and cannot be created. The old one
    /// stays usable and keeps its state.
    pub fn reset(&mut self) -> Result<(), Error> {
        // SAFETY: the module is alive, and `&mut self` excludes other users.
        if unsafe { sys::ndpi_shim_module_reset(self.module.as_ptr()) } != 0 {
            return Ok(());
        }
        let _guard = lifecycle();
        let old = std::mem::replace(&mut self.module, new_module(&self.excluded)?);
        // SAFETY: `old` came from `ndpi_shim_module_new`, and the guard excludes parallel calls.
        unsafe { sys::ndpi_shim_module_free(old.as_ptr()) }
        Ok(())
    }

    /// Passes the next packet of a flow to nDPI.
    ///
    /// `ip_packet` starts with the IP header; bytes after the first [`MAX_PACKET`](Self::MAX_PACKET)
    /// are ignored, because nDPI keeps much of what it reads. `time_ms` is in
    /// milliseconds since the epoch. A packet with a truncated transport header, or of another
    /// protocol than the flow, changes nothing.
    pub fn inspect(&mut self, flow: &mut Flow, ip_packet: &[u8], time_ms: u64) -> Inspected {
        let ip_packet = match ip_packet.get(..Self::MAX_PACKET) {
            Some(start) if ip_packet.len() > start.len() => {
                shorten(start, &mut self.shortened);
                &self.shortened
            }
            _ => ip_packet,
        };
        let len = u16::try_from(ip_packet.len()).unwrap_or(u16::MAX);
        let mut label = sys::Label::default();
        // SAFETY: module and flow are alive and borrowed mutably, so there are no other users;
        // `ip_packet` has at least `len` bytes; nDPI keeps no pointer to it that it reads later.
        unsafe {
            sys::ndpi_shim_inspect(
                self.module.as_ptr(),
                flow.as_ptr(),
                ip_packet.as_ptr(),
                len,
                time_ms,
                &mut label,
            );
        }
        Inspected {
            label: label.into(),
            wants_more: label.wants_more != 0,
            allocated: label.allocated,
        }
    }

    /// Ends the dissection of a flow and guesses a label from ports and addresses if none was
    /// found.
    ///
    /// Returns the known label otherwise. Call it once: the flow takes no more packets until it is
    /// reset.
    pub fn give_up(&mut self, flow: &mut Flow) -> Label {
        let mut label = sys::Label::default();
        // SAFETY: module and flow are alive and borrowed mutably, so there are no other users.
        unsafe { sys::ndpi_shim_give_up(self.module.as_ptr(), flow.as_ptr(), &mut label) }
        label.into()
    }

    /// Returns the names of the ids in labels, the same for every module.
    pub fn names(&self) -> &Arc<Names> {
        &self.names
    }

    #[cfg(test)]
    pub(crate) fn as_ptr(&self) -> *mut sys::Module {
        self.module.as_ptr()
    }
}

impl Drop for Module {
    fn drop(&mut self) {
        let _guard = lifecycle();
        // SAFETY: the module came from `ndpi_shim_module_new`, is freed only here or when
        // `reset` replaces it, and the guard excludes parallel calls.
        unsafe { sys::ndpi_shim_module_free(self.module.as_ptr()) }
    }
}

impl fmt::Debug for Module {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Module").field("version", &crate::version()).finish_non_exhaustive()
    }
}

fn lifecycle() -> MutexGuard<'static, ()> {
    // The lock guards no data that a panic in another thread could leave inconsistent.
    LIFECYCLE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Creates a module; the caller holds the lifecycle lock.
fn new_module(excluded: &[u16]) -> Result<NonNull<sys::Module>, Error> {
    // SAFETY: the caller holds the lock, so no other module is created or freed in parallel.
    let module = unsafe { sys::ndpi_shim_module_new() };
    let module = NonNull::new(module).ok_or(Error::Initialization)?;
    finish(module, excluded)?;
    Ok(module)
}

/// Finishes a new module, and frees it if that fails; the caller holds the lifecycle lock.
fn finish(module: NonNull<sys::Module>, excluded: &[u16]) -> Result<(), Error> {
    let (start, count) = (excluded.as_ptr(), excluded.len());
    // SAFETY: the module is new and not shared yet, `excluded` has `count` ids, and the caller
    // holds the lock.
    if unsafe { sys::ndpi_shim_module_finish(module.as_ptr(), start, count) } != 0 {
        return Ok(());
    }
    // SAFETY: the module is not used after this, and the caller holds the lock.
    unsafe { sys::ndpi_shim_module_free(module.as_ptr()) }
    Err(Error::Initialization)
}

/// Copies the start of an IP packet and shortens the length in its header to match: nDPI ignores
/// packets that are shorter than their headers say.
fn shorten(start: &[u8], packet: &mut Vec<u8>) {
    const IPV6_HEADER: usize = 40;
    packet.clear();
    packet.extend_from_slice(start);
    let (place, len) = match start.first() {
        Some(byte) if byte >> 4 == 6 => (4, start.len().saturating_sub(IPV6_HEADER)),
        _ => (2, start.len()),
    };
    let len = u16::try_from(len).unwrap_or(u16::MAX);
    if let Some(field) = packet.get_mut(place..).and_then(|rest| rest.first_chunk_mut()) {
        *field = len.to_be_bytes();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packets;

    fn name(module: &Module, label: Label) -> String {
        module.names().application(label).into_owned()
    }

    #[test]
    fn inspect_labels_a_dns_query() {
        let mut module = Module::new().unwrap();
        let mut flow = Flow::new();
        let progress = module.inspect(&mut flow, &packets::dns_query("example.com"), 0);
        assert_eq!(name(&module, progress.label), "DNS");
        assert!(!progress.label.guessed);
        assert_eq!(module.names().category(progress.label.category), "Network");
    }

    #[test]
    fn an_excluded_protocol_is_not_found() {
        let dns = |names: &Arc<Names>| {
            let ids = 0..u16::try_from(names.protocol_count()).unwrap();
            ids.filter(|id| names.protocol(*id) == "DNS").collect()
        };
        let mut module = Module::without(dns).unwrap();
        let mut flow = Flow::new();
        let progress = module.inspect(&mut flow, &packets::dns_query("example.com"), 0);
        let expected = if crate::version().is_some_and(|version| version.starts_with('4')) {
            "Unknown"
        } else {
            "DNS"
        };
        assert_eq!(name(&module, progress.label), expected);
    }

    #[test]
    fn inspect_labels_the_application_inside_tls() {
        let mut module = Module::new().unwrap();
        let mut flow = Flow::new();
        let packet = packets::client_hello("www.instagram.com");
        let progress = module.inspect(&mut flow, &packet, 0);
        assert_eq!(name(&module, progress.label), "TLS.Instagram");
        assert!(progress.wants_more, "the server's answer is still to come");
    }

    #[test]
    fn inspect_survives_empty_and_cut_packets() {
        let mut module = Module::new().unwrap();
        let whole = packets::client_hello("www.instagram.com");
        for len in 0..whole.len() {
            let mut flow = Flow::new();
            // A copy of its own lets memory checkers see a read past the end.
            module.inspect(&mut flow, &Box::<[u8]>::from(&whole[..len]), 0);
            module.give_up(&mut flow);
            let _ = flow.metadata();
        }
    }

    #[test]
    fn inspect_keeps_the_label_when_a_packet_cannot_be_read() {
        let mut module = Module::new().unwrap();
        let mut flow = Flow::new();
        let packet = packets::client_hello("www.instagram.com");
        let before = Inspected { allocated: 0, ..module.inspect(&mut flow, &packet, 0) };
        for len in 0..40 {
            let cut = Box::<[u8]>::from(&packets::tcp_answer(443, b"")[..len]);
            assert_eq!(module.inspect(&mut flow, &cut, 0), before, "cut to {len} bytes");
        }
        let other = packets::dns_query("example.com");
        assert_eq!(module.inspect(&mut flow, &other, 0), before, "UDP in a TCP flow");
    }

    #[test]
    fn a_flow_does_not_keep_long_texts() {
        let mut module = Module::new().unwrap();
        for text in ["User-Agent: ", "Content-Type: ", "Cookie: "] {
            let mut flow = Flow::new();
            let (url, long) = ("a".repeat(2_000), "a".repeat(25_000));
            let request = format!("GET /{url} HTTP/1.1\r\nHost: b\r\n{text}{long}\r\n\r\n");
            let packet = packets::tcp(80, request.as_bytes());
            let progress = module.inspect(&mut flow, &packet, 0);
            assert_eq!(name(&module, progress.label), "HTTP");
            assert!(progress.allocated < 4096, "{text} adds {} bytes", progress.allocated);
            assert!(flow.metadata().http.user_agent.len() <= 1024);
        }
    }

    #[test]
    fn give_up_guesses_by_port() {
        let mut module = Module::new().unwrap();
        let mut flow = Flow::new();
        let progress = module.inspect(&mut flow, &packets::tcp(443, b""), 0);
        assert!(progress.label.is_unknown() && progress.wants_more);
        let label = module.give_up(&mut flow);
        assert_eq!(name(&module, label), "TLS");
        assert!(label.guessed);
        assert_eq!(module.names().confidence(label.confidence), "Match by port");
    }

    #[test]
    fn a_reset_flow_is_like_a_new_one() {
        let mut module = Module::new().unwrap();
        let mut flow = Flow::new();
        module.inspect(&mut flow, &packets::client_hello("www.instagram.com"), 0);
        flow.reset();
        assert_eq!(flow.metadata(), Flow::new().metadata());
        let progress = module.inspect(&mut flow, &packets::dns_query("example.com"), 0);
        assert_eq!(name(&module, progress.label), "DNS");
    }

    #[test]
    fn a_reset_module_labels_again() {
        let mut module = Module::new().unwrap();
        for _ in 0..3 {
            let mut flow = Flow::new();
            let packet = packets::client_hello("www.instagram.com");
            let progress = module.inspect(&mut flow, &packet, 0);
            assert_eq!(name(&module, progress.label), "TLS.Instagram");
            module.reset().unwrap();
        }
    }

    #[test]
    fn modules_can_be_created_on_many_threads() {
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let mut module = Module::new().unwrap();
                    let mut flow = Flow::new();
                    module.inspect(&mut flow, &packets::dns_query("example.com"), 0);
                });
            }
        });
    }

    #[test]
    fn version_is_a_number_with_dots() {
        let version = crate::version().unwrap();
        assert!(version.starts_with(|first: char| first.is_ascii_digit()), "{version}");
        assert!(version.contains('.'), "{version}");
    }
}
