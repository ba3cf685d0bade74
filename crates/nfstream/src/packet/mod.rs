//! Captured and decoded packets, and the numbers in them: the basis of every other module.

mod chunk;
mod decoded;
pub(crate) mod encoding;
mod link_type;
mod network;
pub mod protocol;
mod subnet;
mod tunnel;

pub(crate) use chunk::to_usize;
pub use chunk::{Chunk, ChunkBytes, RawRecord};
pub(crate) use decoded::narrow;
pub use decoded::{Endpoint, Fragment, Packet, TcpFlags};
pub use link_type::LinkType;
pub(crate) use link_type::link_types;
pub use network::{Identifier, Identifiers, NetworkId, Separation, Stack};
pub(crate) use subnet::Subnet;
pub use tunnel::Tunnel;
pub(crate) use tunnel::tunnels;
