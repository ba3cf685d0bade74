//! Packet sources: capture files, here and on other machines, streams of them, and network
//! interfaces.
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
mod parallel;
mod parsed;
mod patterns;
mod pcap;
mod pcapng;
mod ranges;
mod reader;
#[cfg(feature = "stores")]
mod remote;
#[cfg(not(feature = "stores"))]
#[path = "no_remote.rs"]
mod remote;
#[cfg(test)]
mod samples;
mod source;
mod stop;
mod stream;
mod url;
mod url_captures;

pub use content::{Content, ContentError, Memory, Place};
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
pub use url::name_of;
