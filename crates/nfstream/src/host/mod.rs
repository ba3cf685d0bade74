//! The local machine: its clocks, the processes that own its sockets, and text that is safe for its
//! terminal.

mod clock;
#[cfg(not(target_os = "linux"))]
mod no_sockets;
mod processes;
#[cfg(target_os = "linux")]
mod sockets;
mod visible;
mod watcher;

pub(crate) use clock::{monotonic, now};
pub use processes::{Process, Processes};
pub use visible::{is_control, visible, visible_path};
pub(crate) use watcher::Polling;
pub use watcher::{ProcessError, ProcessWatcher};
