//! The local machine: its clocks, and the processes that own its sockets.

mod clock;
#[cfg(not(target_os = "linux"))]
mod no_sockets;
mod processes;
#[cfg(target_os = "linux")]
mod sockets;
mod watcher;

pub(crate) use clock::{monotonic, now};
pub use processes::{Process, Processes};
pub(crate) use watcher::Polling;
pub use watcher::{ProcessError, ProcessWatcher};
