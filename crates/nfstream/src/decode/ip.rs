//! IPv4 and IPv6 headers, options, extension headers and IP in IP.

use super::DecodeError::{MalformedNetwork, TruncatedNetwork};
use super::cursor::Cursor;
use super::link::Network;
use super::{DecodeError, Endpoint, Fragment};

/// What the innermost IP header of a frame says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ip {
    pub(super) version: u8,
    /// Addresses; the ports are not known here.
    pub(super) src: Endpoint,
    pub(super) dst: Endpoint,
    /// Protocol of the payload, behind all extension headers.
    pub(super) protocol: u8,
    /// Where the header begins in its frame.
    pub(super) offset: usize,
    /// Bytes of the packet on the wire, header included.
    pub(super) len: u32,
    pub(super) fragment: Fragment,
    /// Where the header begins that says that the packet is a fragment.
    pub(super) fragment_offset: usize,
}

/// What all fragments of one IP packet have in common (RFC 791, RFC 8200).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct FragmentId {
    src: [u8; 16],
    dst: [u8; 16],
    protocol: u8,
    version: u8,
    vlan_id: u16,
    identification: u32,
}

/// Protocol numbers (IANA) that are read here: IP in IP and IPv6 extension headers.
mod protocol {
    pub(super) const HOP_BY_HOP: u8 = 0;
    pub(super) const IPV4: u8 = 4;
    pub(super) const IPV6: u8 = 41;
    pub(super) const ROUTING: u8 = 43;
    pub(super) const FRAGMENT: u8 = 44;
    pub(super) const AUTHENTICATION: u8 = 51;
    pub(super) const DESTINATION_OPTIONS: u8 = 60;
    pub(super) const MOBILITY: u8 = 135;
    pub(super) const HIP: u8 = 139;
    pub(super) const SHIM6: u8 = 140;
}

/// Reads IP headers down to the innermost and leaves the cursor behind it.
///
/// # Errors
///
/// [`DecodeError`] where a header is cut or contradicts itself.
#[inline]
pub(super) fn read_innermost(
    cursor: &mut Cursor<'_>,
    network: Network,
    wire_len: u32,
) -> Result<Ip, DecodeError> {
    let mut announced = network.version;
    let mut carrier: Option<Ip> = None;
    loop {
        let version = cursor.byte(0, TruncatedNetwork)? >> 4;
        if announced.is_some_and(|announced| announced != version) {
            return Err(MalformedNetwork);
        }
        let mut ip = match version {
            4 => read_v4(cursor, wire_len)?,
            6 => read_v6(cursor, wire_len)?,
            _ => return Err(MalformedNetwork),
        };
        if let Some(carrier) = carrier
            && ip.fragment == Fragment::Whole
        {
            (ip.fragment, ip.fragment_offset) = (carrier.fragment, carrier.fragment_offset);
        }
        announced = match ip.protocol {
            protocol::IPV4 => Some(4),
            protocol::IPV6 => Some(6),
            _ => return Ok(ip),
        };
        // What a later fragment of a tunnel carries begins in the middle of a packet.
        if ip.fragment == Fragment::Later {
            return Ok(ip);
        }
        carrier = Some(ip);
    }
}

#[inline]
fn read_v4(cursor: &mut Cursor<'_>, wire_len: u32) -> Result<Ip, DecodeError> {
    const MORE_FRAGMENTS: u16 = 0x2000;
    const FRAGMENT_OFFSET: u16 = 0x1fff;

    let offset = cursor.offset();
    let header: &[u8; 20] = cursor.peek(0, TruncatedNetwork)?;
    let [first, _, len_high, len_low, _, _, cut_high, cut_low, _, protocol, _, _, ref ends @ ..] =
        *header;
    let [s0, s1, s2, s3, d0, d1, d2, d3] = *ends;
    let header_len = usize::from(first & 0x0f) * 4;
    if header_len < 20 {
        return Err(MalformedNetwork);
    }
    let len = match u32::from(u16::from_be_bytes([len_high, len_low])) {
        // Segmentation offload: the sender's capture sees a packet longer than 16 bits can say.
        0 => wire_len.saturating_sub(super::narrow(offset)),
        len => len,
    };
    if len < super::narrow(header_len) {
        return Err(MalformedNetwork);
    }
    if header_len > 20 {
        cursor.peek::<1>(header_len - 1, TruncatedNetwork)?;
    }
    cursor.skip(header_len);
    let cut = u16::from_be_bytes([cut_high, cut_low]);
    let fragment = if cut & FRAGMENT_OFFSET != 0 {
        Fragment::Later
    } else if cut & MORE_FRAGMENTS != 0 {
        Fragment::First
    } else {
        Fragment::Whole
    };
    Ok(Ip {
        version: 4,
        src: Endpoint::v4([s0, s1, s2, s3], 0),
        dst: Endpoint::v4([d0, d1, d2, d3], 0),
        protocol,
        offset,
        len,
        fragment,
        fragment_offset: offset,
    })
}

#[inline]
fn read_v6(cursor: &mut Cursor<'_>, wire_len: u32) -> Result<Ip, DecodeError> {
    const HEADER_LEN: u32 = 40;

    let offset = cursor.offset();
    let header: &[u8; 40] = cursor.peek(0, TruncatedNetwork)?;
    let [_, _, _, _, len_high, len_low, next, _, ref ends @ ..] = *header;
    let (src, dst) = ends.split_first_chunk::<16>().ok_or(TruncatedNetwork)?;
    let dst = dst.first_chunk::<16>().ok_or(TruncatedNetwork)?;
    let len = match u32::from(u16::from_be_bytes([len_high, len_low])) {
        // A jumbogram (RFC 2675), or segmentation offload. A packet of headers alone has no
        // payload either, and its wire length says the same.
        0 => wire_len.saturating_sub(super::narrow(offset)).max(HEADER_LEN),
        len => len + HEADER_LEN,
    };
    cursor.skip(40);
    let mut ip = Ip {
        version: 6,
        src: Endpoint::v6(*src, 0),
        dst: Endpoint::v6(*dst, 0),
        protocol: next,
        offset,
        len,
        fragment: Fragment::Whole,
        fragment_offset: offset,
    };
    skip_extensions(cursor, &mut ip)?;
    Ok(ip)
}

/// Skips IPv6 extension headers (RFC 8200, RFC 7045), down to the payload or a later fragment.
fn skip_extensions(cursor: &mut Cursor<'_>, ip: &mut Ip) -> Result<(), DecodeError> {
    loop {
        let units = match ip.protocol {
            protocol::HOP_BY_HOP
            | protocol::ROUTING
            | protocol::DESTINATION_OPTIONS
            | protocol::MOBILITY
            | protocol::HIP
            | protocol::SHIM6 => 8,
            protocol::AUTHENTICATION => 4,
            protocol::FRAGMENT => {
                let [next, _, cut_high, cut_low, ..] = *cursor.peek::<8>(0, TruncatedNetwork)?;
                let cut = u16::from_be_bytes([cut_high, cut_low]);
                cursor.skip(8);
                ip.protocol = next;
                if cut & 0xfff8 != 0 {
                    ip.fragment = Fragment::Later;
                    return Ok(());
                }
                if cut & 1 != 0 {
                    ip.fragment = Fragment::First;
                }
                continue;
            }
            _ => return Ok(()),
        };
        let [next, len] = *cursor.peek(0, TruncatedNetwork)?;
        // Both count their length without the first eight bytes (RFC 8200; RFC 4302).
        let len = usize::from(len) * units + 8;
        cursor.peek::<1>(len - 1, TruncatedNetwork)?;
        cursor.skip(len);
        ip.protocol = next;
    }
}

impl FragmentId {
    /// Reads what the IP header at `offset` of `frame` says of the packet that was cut, `None`
    /// where that is no fragment.
    pub fn read(frame: &[u8], offset: u32, vlan_id: u16) -> Option<Self> {
        let mut cursor = Cursor::new(frame);
        cursor.skip(usize::try_from(offset).ok()?);
        let header: &[u8; 20] = cursor.peek(0, TruncatedNetwork).ok()?;
        if header[0] >> 4 == 4 {
            let identification = u32::from(u16::from_be_bytes([header[4], header[5]]));
            let ip = read_v4(&mut cursor, u32::MAX).ok()?;
            return Some(Self::new(&ip, vlan_id, identification));
        }
        let ip = read_v6(&mut cursor, u32::MAX).ok()?;
        let identification = Self::identification_v6(frame, offset)?;
        Some(Self::new(&ip, vlan_id, identification))
    }

    fn new(ip: &Ip, vlan_id: u16, identification: u32) -> Self {
        Self {
            src: ip.src.addr,
            dst: ip.dst.addr,
            // Of later IPv6 fragments only the number in the fragment header is known, and all
            // fragments of a packet share it; IPv4 identifies per protocol (RFC 791).
            protocol: if ip.version == 4 { ip.protocol } else { 0 },
            version: ip.version,
            vlan_id,
            identification,
        }
    }

    /// Walks to the fragment header of the IPv6 packet at `offset`.
    fn identification_v6(frame: &[u8], offset: u32) -> Option<u32> {
        let mut cursor = Cursor::new(frame);
        cursor.skip(usize::try_from(offset).ok()?);
        let mut next = cursor.byte(6, TruncatedNetwork).ok()?;
        cursor.skip(40);
        while next != protocol::FRAGMENT {
            let [following, len] = *cursor.peek(0, TruncatedNetwork).ok()?;
            let units = if next == protocol::AUTHENTICATION { 4 } else { 8 };
            cursor.skip(usize::from(len) * units + 8);
            next = following;
        }
        cursor.peek(4, TruncatedNetwork).ok().map(|bytes| u32::from_be_bytes(*bytes))
    }
}
