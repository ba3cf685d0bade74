//! Mapped capture files, packet rings, prefetch hints, libpcap's compiler, and every other call of
//! the engine that needs `unsafe`: the engine itself has none.
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
mod process;
#[cfg(target_os = "linux")]
mod ring;
#[cfg(unix)]
mod signals;
#[cfg(unix)]
mod waiting;

pub use heap::release_freed;
pub use instruction::FilterInstruction;
#[cfg(target_os = "linux")]
pub use interfaces::{InterfaceInfo, interfaces};
pub use libpcap::{FilterError, compile_filter, libpcap_version};
pub use mapping::Mapping;
pub use prefetch::{prefetch_line, prefetch_read, prefetch_slice, prefetch_whole};
#[cfg(target_os = "linux")]
pub use process::{
    become_user, close_inherited, descriptors, fork, is_root, raise_descriptor_limit,
    renounce_privileges, replace_standard_stream, settle_time_zone,
};
#[cfg(target_os = "linux")]
pub use ring::{PacketRing, RingCounts, RingFrame};
#[cfg(unix)]
pub use signals::{ignore, is_ignored};
#[cfg(unix)]
pub use waiting::{open_without_waiting, wait_readable};
