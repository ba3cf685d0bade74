//! Mapped capture files, packet rings, prefetch hints, libpcap's compiler, and all other calls of
//! the engine that need `unsafe`: the engine itself has none.
//!
//! A [`Mapping`] survives a file that shrinks: missing bytes read as zeros and
//! [`Mapping::is_intact`] returns `false`, where the kernel would otherwise kill the process.

#![allow(unsafe_code, reason = "maps memory and calls C; every block says why it holds")]

#[cfg(unix)]
mod guard;
mod heap;
mod instruction;
#[cfg(target_os = "linux")]
mod interfaces;
mod libpcap;
mod mapping;
mod prefetch;
#[cfg(target_os = "linux")]
mod ring;

pub use heap::release_freed;
pub use instruction::FilterInstruction;
#[cfg(target_os = "linux")]
pub use interfaces::{InterfaceInfo, interfaces};
pub use libpcap::{FilterError, compile_filter, libpcap_version};
pub use mapping::Mapping;
pub use prefetch::{prefetch_line, prefetch_read, prefetch_slice, prefetch_whole};
#[cfg(target_os = "linux")]
pub use ring::{PacketRing, RingCounts, RingFrame};
