//! Deep packet inspection: what a dissector is, and nDPI as one.

#[cfg(feature = "ndpi")]
mod ndpi;

#[cfg(feature = "ndpi")]
pub use self::ndpi::NdpiDissector;

use std::sync::Arc;

use crate::features::{Application, Names};
use crate::flow::Slot;
use crate::packet::Packet;

/// How many packets of a flow are inspected.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// Packets of a TCP flow.
    pub tcp_packets: u32,
    /// Packets of a UDP flow. Flows of other protocols have no limit.
    pub udp_packets: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { tcp_packets: 10, udp_packets: 16 }
    }
}

/// Whether further packets can still teach something about a flow.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Inspection {
    /// The application is known as well as it will be.
    Done,
    /// The next packet is wanted too.
    Open,
}

/// Finds the applications of flows from their packets.
///
/// It keeps what it needs of a flow under the flow's slot.
pub trait Dissector: Send {
    /// Looks at a packet of the flow in `slot`; `ip_bytes` are those of [`Packet::ip_bytes`].
    fn inspect(&mut self, slot: Slot, packet: &Packet, ip_bytes: &[u8]) -> Inspection;

    /// Returns what is known of the flow in `slot` by now.
    fn peek(&mut self, slot: Slot) -> Application;

    /// Returns the application of a slice that ends while its conversation goes on, and whether
    /// the next slice inherits it or is inspected anew.
    fn end_slice(&mut self, slot: Slot) -> (Application, Inspection);

    /// Returns the application of a flow that ends, and forgets the flow.
    fn end(&mut self, slot: Slot) -> Application;

    /// Returns the names of the labels that are given.
    fn names(&self) -> Arc<dyn Names>;
}
