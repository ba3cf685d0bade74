//! Safe wrapper of nDPI: packets in, labels and metadata out.
//!
//! A [`Module`] holds nDPI's tables and the state learnt from earlier packets; a [`Flow`] holds
//! the state of one flow. Both can be reused after a `reset`. The caller assigns packets to flows
//! and decides how many of them nDPI inspects.
//!
//! ```
//! use ndpi::{Flow, Module};
//!
//! # fn main() -> Result<(), ndpi::Error> {
//! let mut module = Module::new()?;
//! let mut flow = Flow::new();
//! let packets: [&[u8]; 0] = []; // each from its IP header on
//! let mut label = None;
//! for packet in packets {
//!     let progress = module.inspect(&mut flow, packet, 0);
//!     if !progress.wants_more {
//!         label = Some(progress.label);
//!         break;
//!     }
//! }
//! let label = label.unwrap_or_else(|| module.give_up(&mut flow));
//! assert_eq!(module.names().application(label), "Unknown");
//! assert_eq!(flow.metadata().server_info, "".into());
//! # Ok(())
//! # }
//! ```

#![allow(unsafe_code, reason = "this crate is the safe wrapper of a C library")]
#![deny(unsafe_op_in_unsafe_fn, clippy::undocumented_unsafe_blocks)]
#![warn(missing_docs)]

mod flow;
mod label;
mod metadata;
mod module;
mod names;
#[cfg(test)]
mod packets;
mod text;

pub use flow::Flow;
pub use label::{Inspected, Label};
pub use metadata::{Dhcp, Dns, Http, Metadata, Protocol, Ssh, Tls};
pub use module::{Error, Module};
pub use names::Names;

/// Whether nDPI is loaded at run time; otherwise it is linked.
pub const LOADED: bool = ndpi_sys::LOADED;

/// Returns the version of nDPI, such as `4.2.0`, or `None` if it is not installed.
pub fn version() -> Option<&'static str> {
    ndpi_sys::load().ok()?;
    // SAFETY: the functions are available, and this one has no preconditions.
    let version = unsafe { ndpi_sys::ndpi_shim_version() };
    // SAFETY: nDPI returns a string constant of its own, terminated and never freed.
    Some(unsafe { text::static_str(version) })
}

/// Returns the size of a [`Flow`] in bytes, without the strings that nDPI allocates for it.
///
/// # Panics
///
/// Panics if nDPI is not installed; in that case there is no [`Module`] either.
pub fn flow_size() -> usize {
    // SAFETY: the function has no preconditions. If it is not available, the call panics.
    unsafe { ndpi_sys::ndpi_shim_flow_size() }
}
