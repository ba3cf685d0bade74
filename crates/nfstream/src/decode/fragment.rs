//! Identities of IP packets that arrive in fragments.

/// What all fragments of one IP packet have in common (RFC 791, RFC 8200).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct FragmentId {
    /// Addresses of the IP header that marks the packet as a fragment.
    pub(super) src: [u8; 16],
    pub(super) dst: [u8; 16],
    /// IP protocol number, 0 for IPv6: its later fragments do not show it, and its
    /// identifications count packets of all protocols. Those of IPv4 count each protocol's.
    pub(super) protocol: u8,
    pub(super) version: u8,
    /// VLAN of that header, which may lie outside of a tunnel.
    pub(super) vlan_id: u16,
    pub(super) identification: u32,
}
