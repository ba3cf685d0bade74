//! Names of applications from the first packets of their flows, in safe Rust.
//!
//! The crate reads bytes that a caller hands in. It opens no file, reads no clock, starts no
//! thread and holds nothing but the state of open flows, which is bounded in bytes.
//!
//! ```
//! use std::net::{Ipv4Addr, SocketAddr};
//!
//! use nfstream_dissect::{Config, Direction, Dissector, Endpoints, Flow, Packet, Progress};
//!
//! let dissector = Dissector::new(Config::default());
//! let endpoints = Endpoints {
//!     protocol: 6,
//!     client: SocketAddr::from((Ipv4Addr::new(192, 0, 2, 1), 50_000)),
//!     server: SocketAddr::from((Ipv4Addr::new(192, 0, 2, 2), 2222)),
//! };
//! let mut flow = Flow::default();
//! let banner = b"SSH-2.0-OpenSSH_9.9\r\n";
//! let packet = Packet {
//!     endpoints: &endpoints,
//!     direction: Direction::FromServer,
//!     segment: None,
//!     payload: banner,
//! };
//! assert_eq!(dissector.inspect(&mut flow, &packet), Progress::More);
//! let found = dissector.finish(flow, &endpoints);
//! assert_eq!(dissector.name(found.label), "SSH");
//! ```
//!
//! # How a flow gets its name
//!
//! Each protocol is one file in `protocols/` and one line in its registry: a name, a category,
//! usual ports, a *probe* and, where the protocol carries metadata, a *parser*.
//!
//! - A probe sees the first bytes of both directions and answers match, no or more. The probes of
//!   a flow's transport are candidates until they answer no. A match counts once every candidate
//!   before it in the registry has answered no, so a label depends on the bytes of a stream and
//!   not on the sizes of its segments.
//! - A parser sees the same bytes and fills in [`Metadata`]. Once it needs no more, the buffers of
//!   the flow are freed.
//! - Names found on the way (a TLS server name, an HTTP host, a DNS query) lead to applications.
//! - A flow that nothing matched gets the label of its addresses or ports, marked so by
//!   [`Confidence`].

#![forbid(unsafe_code)]

pub mod catalogue;
mod clues;
mod dissector;
mod flow;
mod label;
pub mod metadata;
mod naming;
mod packet;
mod pieces;
mod probe;
mod protocol;
mod protocols;
mod read;
mod shape;
mod stream;

pub use clues::{Clue, Hints};
pub use dissector::{Config, Details, Dissector, Fingerprints, Limits};
pub use flow::{Flow, Found, Possible};
pub use label::{Category, Confidence, Label, ProtocolId};
pub use metadata::Metadata;
pub use packet::{Direction, Endpoints, Packet, Segment};
pub use probe::Progress;
pub use protocol::{Protocol, Transport};

/// Version of the crate.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// DNS messages by themselves, for names of addresses.
pub mod dns {
    pub use crate::protocols::dns::{Answer, Dns, Name, answers};
}
