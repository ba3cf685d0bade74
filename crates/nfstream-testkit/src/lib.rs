//! Shared test support: frames, captures in memory and on disk, strategies for streams of packets,
//! runs with comparable rows, and recorded results.
//!
//! ```
//! use nfstream_testkit::{Captured, Ends, Frame, capture_all, seconds};
//!
//! let query = Frame::ethernet().ipv4([192, 0, 2, 1], [192, 0, 2, 2]).udp(50_000, 53);
//! let ends = Ends::without_dpi(30, 300);
//! let rows = capture_all(&[Captured::new(seconds(0), &query)], &ends);
//! assert_eq!(rows[0].packets, [1, 0]);
//! ```

#![forbid(unsafe_code)]

pub mod conversations;
mod frame;
mod golden;
pub mod mmdb;
pub mod model;
mod pcap;
mod row;
mod sharded;
mod source;
pub mod strategies;
#[cfg(target_os = "linux")]
pub mod targets;
mod text;

pub use frame::{Frame, Ipv4};
pub use golden::{Golden, captures, lab_captures};
pub use pcap::{Resolution, pcap};
pub use row::{Ends, Row, Total, capture_all, capture_from, exhaust, records};
pub use sharded::{Sharded, blocks, sharded};
pub use source::{Captured, Ending, MemorySource, nanos, seconds};
pub use text::text_of;
