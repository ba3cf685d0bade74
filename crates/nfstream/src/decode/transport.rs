//! Ports, flags and header lengths of TCP, UDP and SCTP.

use super::DecodeError::{MalformedTransport, TruncatedTransport};
use super::cursor::Cursor;
use super::ip::Ip;
use super::{DecodeError, Fragment, TcpFlags};

/// What the transport header says; all zero for protocols without ports.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Transport {
    pub(super) src_port: u16,
    pub(super) dst_port: u16,
    /// Bytes of the header.
    pub(super) header_len: u8,
    pub(super) tcp_flags: TcpFlags,
}

const TCP: u8 = 6;
const UDP: u8 = 17;
const SCTP: u8 = 132;

/// Reads the transport header under the cursor, of which only the ports must be there.
///
/// # Errors
///
/// [`DecodeError`] where the ports cannot be read.
#[inline]
pub(super) fn read(cursor: &Cursor<'_>, ip: &Ip) -> Result<Transport, DecodeError> {
    if ip.fragment == Fragment::Later || !matches!(ip.protocol, TCP | UDP | SCTP) {
        return Ok(Transport::default());
    }
    let headers_len = super::narrow(cursor.offset() - ip.offset);
    if ip.len < headers_len.saturating_add(4) {
        // What follows is padding or another packet's, not ports.
        return Err(MalformedTransport);
    }
    let [src_high, src_low, dst_high, dst_low] = *cursor.peek(0, TruncatedTransport)?;
    let mut transport = Transport {
        src_port: u16::from_be_bytes([src_high, src_low]),
        dst_port: u16::from_be_bytes([dst_high, dst_low]),
        header_len: if ip.protocol == SCTP { 12 } else { 8 },
        tcp_flags: TcpFlags::default(),
    };
    if ip.protocol == TCP {
        // A header cut by the capture has ports all the same; its flags count as not set.
        let [data_offset, flags] =
            cursor.peek(12, TruncatedTransport).copied().unwrap_or([0x50, 0]);
        transport.header_len = (data_offset >> 4).max(5) * 4;
        transport.tcp_flags = TcpFlags(flags);
    }
    Ok(transport)
}
