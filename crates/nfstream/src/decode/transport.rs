//! Ports, flags and header lengths of TCP, UDP, SCTP, UDP-Lite and DCCP.

use super::cursor::Cursor;
use super::error::DecodeError;
use super::error::DecodeError::{MalformedTransport, TruncatedTransport};
use super::ip::Ip;
use crate::packet::protocol::{DCCP, SCTP, TCP, UDP, UDP_LITE};
use crate::packet::{Fragment, TcpFlags, narrow};

/// Transport header; all zero for protocols without ports.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Transport {
    pub(super) src_port: u16,
    pub(super) dst_port: u16,
    /// Bytes of the header.
    pub(super) header_len: u16,
    pub(super) tcp_flags: TcpFlags,
}

/// Reads the transport header under the cursor; only the ports are required.
///
/// # Errors
///
/// [`DecodeError`] if the ports cannot be read.
#[inline(always)]
pub(super) fn read(cursor: &Cursor<'_>, ip: &Ip) -> Result<Transport, DecodeError> {
    if ip.fragment == Fragment::Later || !has_ports(ip.protocol) {
        return Ok(Transport::default());
    }
    let headers_len = narrow(cursor.offset() - ip.offset);
    if ip.len < headers_len.saturating_add(4) {
        // The following bytes are padding or belong to another packet.
        return Err(MalformedTransport);
    }
    let [src_high, src_low, dst_high, dst_low] = *cursor.peek(0, TruncatedTransport)?;
    let mut transport = Transport {
        src_port: u16::from_be_bytes([src_high, src_low]),
        dst_port: u16::from_be_bytes([dst_high, dst_low]),
        header_len: 8,
        tcp_flags: TcpFlags::default(),
    };
    if ip.protocol == TCP {
        // A header that the capture cuts still has ports; its flags count as not set.
        let [data_offset, flags] =
            cursor.peek(12, TruncatedTransport).copied().unwrap_or([0x50, 0]);
        transport.header_len = u16::from((data_offset >> 4).max(5)) * 4;
        transport.tcp_flags = TcpFlags(flags);
    } else if ip.protocol != UDP {
        transport.header_len = other_len(cursor, ip.protocol);
    }
    Ok(transport)
}

/// Returns whether the headers of a protocol begin with ports.
#[inline(always)]
fn has_ports(protocol: u8) -> bool {
    matches!(protocol, TCP | UDP) || other_has_ports(protocol)
}

#[cold]
fn other_has_ports(protocol: u8) -> bool {
    matches!(protocol, DCCP | SCTP | UDP_LITE)
}

/// Returns the bytes of a header other than TCP's and UDP's.
#[cold]
fn other_len(cursor: &Cursor<'_>, protocol: u8) -> u16 {
    match protocol {
        SCTP => 12,
        // Options included (RFC 4340). A header that the capture cuts has the minimum length.
        DCCP => cursor.byte(4, TruncatedTransport).map_or(12, |words| u16::from(words).max(3) * 4),
        _ => 8,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::Endpoint;

    const TCP_HEADER: [u8; 20] =
        [0x03, 0xe8, 0x00, 0x50, 0, 0, 0, 1, 0, 0, 0, 0, 0x50, 0x12, 0xff, 0xff, 0, 0, 0, 0];
    const UDP_HEADER: [u8; 8] = [0x03, 0xe8, 0x00, 0x35, 0, 8, 0, 0];

    /// Reads `header` as the payload of an IP packet of `len` bytes, 20 of them its own header.
    fn read_in(protocol: u8, len: u32, header: &[u8]) -> Result<Transport, DecodeError> {
        let mut ip = ip(protocol);
        ip.len = len;
        let frame = [&[0; 20], header].concat();
        let mut cursor = Cursor::new(&frame);
        cursor.skip(20);
        read(&cursor, &ip)
    }

    fn ip(protocol: u8) -> Ip {
        Ip {
            version: 4,
            src: Endpoint::default(),
            dst: Endpoint::default(),
            protocol,
            offset: 0,
            len: 60,
            fragment: Fragment::Whole,
            identification: 0,
        }
    }

    fn ports(transport: Transport) -> (u16, u16) {
        (transport.src_port, transport.dst_port)
    }

    #[test]
    fn udp_has_ports_and_eight_bytes() {
        let transport = read_in(UDP, 28, &UDP_HEADER).unwrap();
        assert_eq!((ports(transport), transport.header_len), ((1000, 53), 8));
    }

    #[test]
    fn sctp_has_ports_and_twelve_bytes() {
        let transport = read_in(SCTP, 60, &UDP_HEADER).unwrap();
        assert_eq!((ports(transport), transport.header_len), ((1000, 53), 12));
    }

    #[test]
    fn udp_lite_has_ports_and_eight_bytes() {
        let transport = read_in(UDP_LITE, 60, &UDP_HEADER).unwrap();
        assert_eq!((ports(transport), transport.header_len), ((1000, 53), 8));
    }

    #[test]
    fn dccp_gives_the_length_of_its_header() {
        for (words, len) in [(4, 16), (7, 28), (255, 1020), (0, 12)] {
            let header = [0x03, 0xe8, 0x00, 0x35, words, 0, 0, 0];
            let transport = read_in(DCCP, 2000, &header).unwrap();
            assert_eq!((ports(transport), transport.header_len), ((1000, 53), len));
        }
        assert_eq!(read_in(DCCP, 60, &UDP_HEADER[..4]).unwrap().header_len, 12);
    }

    #[test]
    fn tcp_has_ports_and_flags() {
        let transport = read_in(TCP, 40, &TCP_HEADER).unwrap();
        assert_eq!((ports(transport), transport.header_len), ((1000, 80), 20));
        assert_eq!(transport.tcp_flags, TcpFlags(0x12));
    }

    #[test]
    fn tcp_options_belong_to_the_header() {
        let mut header = TCP_HEADER;
        header[12] = 0xf0;
        assert_eq!(read_in(TCP, 80, &header).unwrap().header_len, 60);
    }

    #[test]
    fn a_tcp_header_is_never_shorter_than_20_bytes() {
        let mut header = TCP_HEADER;
        header[12] = 0x10;
        assert_eq!(read_in(TCP, 40, &header).unwrap().header_len, 20);
    }

    #[test]
    fn a_tcp_header_cut_after_its_ports_has_no_flags() {
        let transport = read_in(TCP, 40, &TCP_HEADER[..4]).unwrap();
        assert_eq!((ports(transport), transport.header_len), ((1000, 80), 20));
        assert_eq!(transport.tcp_flags, TcpFlags(0));
    }

    #[test]
    fn cut_ports_are_truncated() {
        for protocol in [TCP, UDP, SCTP, DCCP, UDP_LITE] {
            assert_eq!(read_in(protocol, 60, &[3, 0xe8, 0]).unwrap_err(), TruncatedTransport);
        }
    }

    #[test]
    fn a_packet_too_short_for_ports_is_malformed() {
        assert_eq!(read_in(UDP, 23, &UDP_HEADER).unwrap_err(), MalformedTransport);
        assert!(read_in(UDP, 24, &UDP_HEADER).is_ok());
    }

    #[test]
    fn other_protocols_have_neither_ports_nor_header() {
        for protocol in [1, 2, 47, 50, 58, 137] {
            let transport = read_in(protocol, 60, &UDP_HEADER).unwrap();
            assert_eq!((ports(transport), transport.header_len), ((0, 0), 0), "{protocol}");
        }
    }

    #[test]
    fn a_later_fragment_has_neither_ports_nor_header() {
        let ip = Ip { fragment: Fragment::Later, ..ip(UDP) };
        let transport = read(&Cursor::new(&UDP_HEADER), &ip).unwrap();
        assert_eq!((ports(transport), transport.header_len), ((0, 0), 0));
    }
}
