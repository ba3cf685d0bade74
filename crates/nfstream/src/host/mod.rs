//! The machine this runs on: its clocks, and the processes that have its sockets.

mod clock;
mod processes;
#[cfg(target_os = "linux")]
mod sockets;

pub(crate) use clock::{monotonic, now};
pub use processes::{Process, Processes};
#[cfg(target_os = "linux")]
pub(crate) use sockets::SocketWatcher;
