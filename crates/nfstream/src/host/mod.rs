//! The local machine: its clocks, the processes that own its sockets, its connections and secrets,
//! and text that is safe for its terminal.

mod clock;
mod connection;
#[cfg(not(target_os = "linux"))]
mod no_sockets;
mod processes;
mod secrets;
#[cfg(target_os = "linux")]
mod sockets;
#[cfg(feature = "http")]
mod trust;
mod visible;
mod watcher;

pub(crate) use clock::sleep;
pub use clock::{monotonic, now};
pub(crate) use connection::Connection;
pub use processes::{Process, Processes};
pub(crate) use secrets::Secrets;
#[cfg(feature = "http")]
pub(crate) use trust::Trust;
pub use visible::{brief, is_control, visible, visible_path};
pub(crate) use watcher::Polling;
pub use watcher::{ProcessError, ProcessWatcher};
