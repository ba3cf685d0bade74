//! VXLAN (RFC 7348), with its group policy bit, and VXLAN-GPE (draft-ietf-nvo3-vxlan-gpe).

use super::super::DecodeError::{self, NotIp, TruncatedNetwork};
use super::super::cursor::Cursor;
use super::super::link::{self, Network};

const NETWORK_IS_VALID: u8 = 0x08;

/// Reads the header and the Ethernet header behind it.
pub(super) fn enter(cursor: &mut Cursor<'_>) -> Result<Network, DecodeError> {
    /// A group policy is in the next field (draft-smith-vxlan-group-policy).
    const GROUP_POLICY: u8 = 0x80;

    let flags = cursor.byte(0, TruncatedNetwork)?;
    if flags & !GROUP_POLICY != NETWORK_IS_VALID {
        return Err(NotIp);
    }
    cursor.skip(8);
    link::ethernet(cursor)
}

/// Reads the header of the generic protocol extension and what it announces.
pub(super) fn enter_gpe(cursor: &mut Cursor<'_>) -> Result<Network, DecodeError> {
    const VERSION: u8 = 0x30;
    const HAS_PROTOCOL: u8 = 0x04;
    const OPERATIONS: u8 = 0x01;

    let [flags, _, _, protocol] = *cursor.peek(0, TruncatedNetwork)?;
    if flags & (VERSION | HAS_PROTOCOL | OPERATIONS) != HAS_PROTOCOL {
        // Without a protocol it is plain VXLAN.
        return if flags == NETWORK_IS_VALID { enter(cursor) } else { Err(NotIp) };
    }
    cursor.skip(8);
    match protocol {
        1 => Ok(link::V4),
        2 => Ok(link::V6),
        3 => link::ethernet(cursor),
        5 => link::mpls(cursor),
        _ => Err(NotIp),
    }
}
