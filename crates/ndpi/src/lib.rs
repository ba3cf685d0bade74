//! Safe wrapper of nDPI: packets in, labels and metadata out.
//!
//! A [`Module`] holds nDPI's tables and what it learnt from earlier packets, a [`Flow`] holds
//! the state of one conversation. Both can be used again after a `reset`. Finding the flow of
//! a packet, and deciding how many of its packets nDPI gets to see, is left to the caller.
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

#![allow(unsafe_code, reason = "this crate is the safe face of a C library")]
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

/// Returns nDPI's own version, such as `4.2.0`.
pub fn version() -> &'static str {
    // SAFETY: the function has no preconditions.
    let version = unsafe { ndpi_sys::ndpi_shim_version() };
    // SAFETY: nDPI returns a string constant of its own, terminated and never freed.
    unsafe { text::static_str(version) }
}

/// Returns the bytes that one [`Flow`] takes, without the strings that nDPI hangs on it.
pub fn flow_size() -> usize {
    // SAFETY: the function has no preconditions.
    unsafe { ndpi_sys::ndpi_shim_flow_size() }
}
