//! Results of reading link-layer headers.

use super::super::cursor::Cursor;
use super::super::error::DecodeError::{self, TruncatedLink};

/// Properties of a packet known from its link layer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Network {
    /// IP version that the link layer announces, `None` if only the packet shows it.
    pub(crate) version: Option<u8>,
    /// Innermost VLAN identifier, 0 without a tag.
    pub(crate) vlan_id: u16,
}

pub(crate) const V4: Network = Network { version: Some(4), vlan_id: 0 };
pub(crate) const V6: Network = Network { version: Some(6), vlan_id: 0 };
pub(crate) const EITHER: Network = Network { version: None, vlan_id: 0 };

/// Content of a header that has been read.
#[derive(Clone, Copy, Debug)]
pub(super) enum Next {
    /// An IP packet.
    Ip(Network),
    /// Payload of this EtherType, or an 802.2 header if it is a length (IEEE 802.3).
    Type(u16),
}

/// Reads the addresses and the type of an Ethernet frame.
pub(super) fn ethernet_header(cursor: &mut Cursor<'_>) -> Result<Next, DecodeError> {
    type_after(cursor, 12)
}

/// Skips `len` bytes and the EtherType after them.
pub(super) fn type_after(cursor: &mut Cursor<'_>, len: usize) -> Result<Next, DecodeError> {
    let kind = cursor.u16(len, TruncatedLink)?;
    cursor.skip(len + 2);
    Ok(Next::Type(kind))
}
