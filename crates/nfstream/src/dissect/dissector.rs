//! The traits of dissectors and their factories.

use std::error::Error;
use std::fmt::Debug;
use std::sync::Arc;

use super::Hints;
use crate::features::{Application, Group, Groups, Names};
use crate::flow::Slot;
use crate::packet::Packet;

/// Dissector of a run and its limits.
#[derive(Clone, Debug)]
pub struct Dissection {
    /// Maker of the dissectors, one for each meter.
    pub dissector: Arc<dyn DissectorFactory>,
    /// Packets of a flow that a dissector inspects.
    pub limits: Limits,
}

/// Number of packets of a flow that a dissector inspects.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// Packets of a TCP flow.
    pub tcp_packets: u32,
    /// Packets of a UDP flow. Flows of other protocols have no limit.
    pub udp_packets: u32,
}

/// Column groups that a run reads; a dissector need not compute values for any others.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Wanted(Groups);

/// Whether further packets can still change the label of a flow.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Inspection {
    /// The label is final.
    Done,
    /// The next packet is wanted too.
    Open,
}

/// Version of something that labels depend on: the dissector, a library, a data file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Component {
    /// Name as it is spelt, such as `nDPI`.
    pub name: &'static str,
    /// Version as the component states it.
    pub version: String,
}

/// Failure to make a dissector.
#[derive(Debug, thiserror::Error)]
#[error("dissector {name} cannot be set up")]
pub struct DissectError {
    /// Name of the dissector.
    pub name: &'static str,
    /// Reason that the dissector gives.
    pub source: Box<dyn Error + Send + Sync>,
}

/// Maker of dissectors, and the data that they share.
///
/// Several meters make their dissectors at the same time, each in its own thread. All dissectors
/// of one factory number and name their labels alike.
pub trait DissectorFactory: Debug + Send + Sync {
    /// Returns the name under which users choose the dissector, in lower case, such as `ndpi`.
    fn name(&self) -> &'static str;

    /// Returns the versions that labels depend on: for files and for `--version`.
    fn components(&self) -> Vec<Component>;

    /// Returns whether labels depend on knowledge from other flows, which the engine reads from
    /// DNS answers and announcements.
    fn learns(&self) -> bool {
        true
    }

    /// Creates the dissector of one meter, which reads at least what is `wanted`.
    ///
    /// # Errors
    ///
    /// [`DissectError`] if the dissector cannot be set up.
    fn make(&self, limits: Limits, wanted: Wanted) -> Result<Box<dyn Dissector>, DissectError>;
}

/// Labels the flows of one meter from their packets.
///
/// A dissector keeps the state of a flow under the flow's slot.
pub trait Dissector: Send {
    /// Receives the knowledge from other flows about the flow in `slot`, before its next packet.
    /// Called only if there is any, and its factory [learns](DissectorFactory::learns).
    fn learn(&mut self, _slot: Slot, _hints: &Hints) {}

    /// Inspects a packet of the flow in `slot`; `ip_bytes` are those of [`Packet::ip_bytes`].
    fn inspect(&mut self, slot: Slot, packet: &Packet, ip_bytes: &[u8]) -> Inspection;

    /// Returns the application of the flow in `slot` as known so far.
    fn peek(&mut self, slot: Slot) -> Application;

    /// Returns the application that the flow in `slot` would have if it ended now, as far as that
    /// shows while the flow continues.
    fn conclude(&mut self, slot: Slot) -> Application {
        self.peek(slot)
    }

    /// Returns the application of a slice that ends while its conversation continues, and whether
    /// the next slice inherits it or starts with a new inspection.
    fn end_slice(&mut self, slot: Slot) -> (Application, Inspection);

    /// Returns the application of a flow that ends, and forgets the flow.
    fn end(&mut self, slot: Slot) -> Application;

    /// Returns the bytes that the dissector holds for its flows, in addition to a fixed size for
    /// each: kept packets, buffers, texts.
    ///
    /// Called after every inspected packet, so it should only return a running total. The default
    /// is 0: a dissector that bounds its own memory need not count it.
    fn memory(&self) -> usize {
        0
    }

    /// Returns the names of the numbers in labels, the same for all dissectors of a factory.
    fn names(&self) -> Arc<dyn Names>;
}

impl Wanted {
    /// Every group.
    pub const ALL: Self = Self(Groups::ALL);

    /// Returns the groups in `groups`.
    pub fn by(groups: &[Group]) -> Self {
        Self(groups.iter().fold(Groups::NONE, |set, group| set.with_if(true, *group)))
    }

    /// Returns whether the run reads columns of `group`.
    pub const fn contains(self, group: Group) -> bool {
        self.0.contains(group)
    }

    /// Returns whether the run reads certificate hashes.
    pub const fn certificate_hashes(self) -> bool {
        self.contains(Group::Tls)
    }

    /// Returns whether the run reads DHCP messages.
    pub const fn dhcp(self) -> bool {
        self.contains(Group::Dissection) || self.contains(Group::Dhcp)
    }

    /// Returns whether the run reads the names of requested servers in a column of their own.
    pub const fn host(self) -> bool {
        self.contains(Group::Dissection) || self.contains(Group::Http)
    }

    /// Returns whether the run reads HTTP exchanges.
    pub const fn http(self) -> bool {
        self.contains(Group::Dissection) || self.contains(Group::Http)
    }

    /// Returns whether the run reads QUIC handshakes.
    pub const fn quic(self) -> bool {
        self.contains(Group::Dissection) || self.contains(Group::Quic)
    }

    /// Returns whether the run reads TLS handshakes.
    pub const fn tls(self) -> bool {
        self.contains(Group::Dissection) || self.contains(Group::Tls)
    }

    /// Returns whether the run reads HASSH fingerprints.
    pub const fn hassh(self) -> bool {
        self.contains(Group::Dissection) || self.contains(Group::Ssh)
    }

    /// Returns whether the run reads JA3 and JA3S fingerprints.
    pub const fn ja3(self) -> bool {
        self.contains(Group::Application)
            || self.contains(Group::Dissection)
            || self.contains(Group::Tls)
    }

    /// Returns whether the run reads JA4 fingerprints.
    pub const fn ja4(self) -> bool {
        self.contains(Group::Dissection) || self.contains(Group::Tls)
    }

    /// Returns whether the run reads risks.
    pub const fn risks(self) -> bool {
        self.contains(Group::Tls)
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self { tcp_packets: 10, udp_packets: 16 }
    }
}
