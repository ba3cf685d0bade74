//! Identities of IP packets that arrive in fragments.

use crate::packet::NetworkId;

/// Identity that all fragments of one IP packet share (RFC 791, RFC 8200).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct FragmentId {
    /// Addresses of the IP header that marks the packet as a fragment.
    pub(super) src: [u8; 16],
    pub(super) dst: [u8; 16],
    /// IP protocol number. 0 for IPv6, whose later fragments do not show it: IPv6 has one counter
    /// of identifications for all protocols, IPv4 one for each protocol.
    pub(super) protocol: u8,
    pub(super) version: u8,
    /// Network of that header, which may lie outside a tunnel.
    pub(super) network: NetworkId,
    pub(super) identification: u32,
}
