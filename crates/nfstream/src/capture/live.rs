//! Live capture from network interfaces.
//!
//! On Linux the kernel writes packets into a ring of blocks, with its own filter and clock;
//! elsewhere they come from libpcap. In both cases a chunk holds copies, so keeping one (as a
//! plugin may) does not stall the capture.

mod ending;
mod interface;
#[cfg(target_os = "linux")]
mod kernel_filter;
#[cfg(target_os = "linux")]
mod linux;
mod options;
mod pool;
// Also compiled for tests on Linux, which has libpcap too.
#[cfg(any(not(target_os = "linux"), test))]
#[cfg_attr(
    target_os = "linux",
    allow(dead_code, unreachable_pub, reason = "only its tests use it")
)]
mod portable;
#[cfg(target_os = "linux")]
mod ring;
#[cfg(target_os = "linux")]
mod rings;
#[cfg(target_os = "linux")]
mod watch;

pub use interface::{Interface, InterfaceState};
#[cfg(target_os = "linux")]
pub use linux::{LiveSource, interfaces};
#[cfg(target_os = "linux")]
pub(super) use linux::{check, interface_names};
pub use options::LiveOptions;
#[cfg(not(target_os = "linux"))]
pub use portable::{LiveSource, interfaces};
#[cfg(not(target_os = "linux"))]
pub(super) use portable::{check, interface_names};
