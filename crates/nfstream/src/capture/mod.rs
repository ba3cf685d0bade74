//! Packet sources: capture files, streams of them, and network interfaces.
//!
//! The only module that reads packets from the operating system. It finds record boundaries and
//! times; [`decode`](crate::decode) reads the frames.

mod bpf;
mod changes;
mod compression;
mod content;
mod digest;
mod error;
mod file;
mod files;
mod filter;
mod foreign;
mod format;
mod gzip;
mod identity;
mod input;
mod live;
mod mapped;
mod merge;
mod order;
mod outcome;
mod paced;
mod parsed;
mod patterns;
mod pcap;
mod pcapng;
mod ranges;
mod reader;
#[cfg(test)]
mod samples;
mod source;
mod stop;
mod stream;

pub use content::{Content, Memory, Place};
pub use digest::{Digest, Digests};
pub use error::{CaptureError, Corruption, NotMerged, Warning};
pub use file::FileSource;
pub use files::{FileOptions, Files, Listed, open};
pub use filter::{Filter, Filtered};
pub use identity::overwritten;
pub use input::Input;
pub use live::{Interface, InterfaceState, LiveOptions, LiveSource, interfaces};
pub use nfstream_sys::libpcap_version;
pub use order::{FileOrder, latest};
pub use paced::{Pace, Paced};
pub use ranges::{FileRange, Found, Settled};
pub use source::{Part, ReadProgress, Reception, Source};
pub use stop::StopFlag;
