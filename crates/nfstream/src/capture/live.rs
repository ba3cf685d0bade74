//! Packets of network interfaces, as they come.
//!
//! On Linux the kernel writes them into a ring of blocks, with its own filter and clock; elsewhere
//! libpcap gives them. Either way a chunk holds copies: whoever keeps one, a plugin for instance,
//! does not hold up the capture.

#[cfg(target_os = "linux")]
mod kernel_filter;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(not(target_os = "linux"))]
mod portable;
#[cfg(target_os = "linux")]
mod watch;

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::packet::LinkType;

use super::CaptureError;
#[cfg(target_os = "linux")]
pub use linux::LiveSource;
#[cfg(target_os = "linux")]
pub(super) use linux::{check, interface_names, list};
#[cfg(not(target_os = "linux"))]
pub use portable::LiveSource;
#[cfg(not(target_os = "linux"))]
pub(super) use portable::{check, interface_names, list};

/// How packets are captured.
#[derive(Clone, Debug)]
pub struct LiveOptions {
    /// Bytes captured of each packet, at most.
    pub snaplen: u32,
    /// Whether packets that are not for this machine are captured as well.
    pub promiscuous: bool,
    /// Bytes in which the system keeps packets until they are read.
    pub buffer_bytes: usize,
    /// How long packets are captured, `None` for no end.
    pub duration: Option<Duration>,
    /// How often is looked which processes of this machine have sockets, to tell those of flows;
    /// `None` for never.
    pub processes: Option<Duration>,
}

/// A network interface that packets can be captured from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Interface {
    /// Its name.
    pub name: String,
    /// Whether packets can pass it.
    pub state: InterfaceState,
    /// How its frames begin.
    pub link: LinkType,
    /// Its own IP addresses.
    pub addresses: Vec<IpAddr>,
}

/// Whether packets can pass an interface.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum InterfaceState {
    /// It is switched off.
    Down,
    /// It is switched on, but there is nobody at its other end.
    NoCarrier,
    /// They can.
    Up,
}

/// Returns the interfaces of this machine, or of the network namespace.
///
/// # Errors
///
/// What the system says.
pub fn interfaces() -> io::Result<Vec<Interface>> {
    list()
}

/// How long a read waits for packets, at most.
const PATIENCE: Duration = Duration::from_millis(100);

/// Bytes of the frames of one chunk, about.
const CHUNK: usize = 1 << 20;

impl InterfaceState {
    /// Returns its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Down => "down",
            Self::NoCarrier => "no carrier",
            Self::Up => "up",
        }
    }
}

impl Default for LiveOptions {
    fn default() -> Self {
        Self {
            snaplen: 65_535,
            promiscuous: true,
            buffer_bytes: 64 << 20,
            duration: None,
            processes: None,
        }
    }
}

/// Buffers for the bytes of chunks: those that nobody holds any more are used again.
#[derive(Debug, Default)]
struct Pool(Vec<Arc<Vec<u8>>>);

impl Pool {
    /// Buffers kept, at most: more than a run has under way.
    const CAPACITY: usize = 16;

    /// Returns an empty buffer.
    fn take(&mut self) -> Arc<Vec<u8>> {
        let free = self.0.iter().position(|buffer| Arc::strong_count(buffer) == 1);
        let mut buffer = free.map(|place| self.0.swap_remove(place)).unwrap_or_default();
        match Arc::get_mut(&mut buffer) {
            Some(bytes) => {
                bytes.clear();
                buffer
            }
            None => Arc::default(),
        }
    }

    /// Keeps a buffer for later, while it is in use elsewhere.
    fn keep(&mut self, buffer: &Arc<Vec<u8>>) {
        if self.0.len() < Self::CAPACITY {
            self.0.push(Arc::clone(buffer));
        }
    }
}

/// When a capture is to end.
#[derive(Clone, Copy, Debug)]
enum Ending {
    /// Not before it is asked to.
    Open,
    /// At this moment.
    At(Instant),
    /// What came before is still to be given; all of it has been handed over at this moment.
    Draining(Instant),
}

/// Returns the error for an interface that cannot be captured from.
fn refused(names: &[String], source: io::Error) -> CaptureError {
    let interfaces = names.join(", ");
    if source.kind() == io::ErrorKind::PermissionDenied {
        let program = std::env::current_exe().unwrap_or_else(|_| "PROGRAM".into());
        return CaptureError::NoRight { interfaces, program };
    }
    CaptureError::Interface { interfaces, source }
}
