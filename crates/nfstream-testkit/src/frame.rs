//! Frames, built header by header from the outside in.
//!
//! Lengths, type numbers and the IPv4 checksum follow from the contents. Transport checksums are
//! zero, as nothing reads them.

/// Frame with headers, payload and padding.
#[derive(Clone, Debug)]
pub struct Frame {
    link: Link,
    headers: Vec<Header>,
    payload: Vec<u8>,
    padded_to: usize,
}

/// IPv4 header, for frames that set more than its addresses.
#[derive(Clone, Debug)]
pub struct Ipv4 {
    src: [u8; 4],
    dst: [u8; 4],
    options: Vec<u8>,
    identification: u16,
    fragment_field: u16,
    total_len: Option<u16>,
}

#[derive(Clone, Copy, Debug)]
enum Link {
    Ethernet,
    LinuxSll,
    LinuxSll2,
    Null,
    PppOverSerial,
    Raw,
}

#[derive(Clone, Debug)]
enum Header {
    Vlan {
        ether_type: u16,
        id: u16,
    },
    Mpls {
        label: u32,
    },
    Pppoe {
        session: u16,
    },
    Ipv4(Ipv4),
    Ipv6 {
        src: [u8; 16],
        dst: [u8; 16],
        payload_len: Option<u16>,
    },
    Extension {
        number: u8,
        len: usize,
    },
    Fragment {
        identification: u32,
        offset: u16,
        more: bool,
    },
    Tcp {
        src: u16,
        dst: u16,
        flags: u8,
    },
    Udp {
        src: u16,
        dst: u16,
    },
    Sctp {
        src: u16,
        dst: u16,
    },
    Icmp {
        version: u8,
        kind: u8,
        code: u8,
    },
    /// Only the number that announces the next header.
    Opaque {
        number: u16,
    },
}

impl Frame {
    /// Starts an Ethernet frame.
    pub fn ethernet() -> Self {
        Self::new(Link::Ethernet)
    }

    /// Starts a Linux "cooked" frame, version 1.
    pub fn linux_sll() -> Self {
        Self::new(Link::LinuxSll)
    }

    /// Starts a Linux "cooked" frame, version 2.
    pub fn linux_sll2() -> Self {
        Self::new(Link::LinuxSll2)
    }

    /// Starts a BSD loopback frame, little-endian.
    pub fn null() -> Self {
        Self::new(Link::Null)
    }

    /// Starts a PPP frame in HDLC-like framing.
    pub fn ppp() -> Self {
        Self::new(Link::PppOverSerial)
    }

    /// Starts a bare IP packet.
    pub fn raw() -> Self {
        Self::new(Link::Raw)
    }

    /// Adds an 802.1Q tag.
    pub fn vlan(self, id: u16) -> Self {
        self.with(Header::Vlan { ether_type: 0x8100, id })
    }

    /// Adds an 802.1ad tag, the outer one of QinQ.
    pub fn service_vlan(self, id: u16) -> Self {
        self.with(Header::Vlan { ether_type: 0x88a8, id })
    }

    /// Adds an MPLS label.
    pub fn mpls(self, label: u32) -> Self {
        self.with(Header::Mpls { label })
    }

    /// Adds a PPPoE session header and a PPP header.
    pub fn pppoe(self, session: u16) -> Self {
        self.with(Header::Pppoe { session })
    }

    /// Adds an IPv4 header without options.
    pub fn ipv4(self, src: [u8; 4], dst: [u8; 4]) -> Self {
        self.ip(Ipv4::new(src, dst))
    }

    /// Adds an IPv4 header.
    pub fn ip(self, header: Ipv4) -> Self {
        self.with(Header::Ipv4(header))
    }

    /// Adds an IPv6 header.
    pub fn ipv6(self, src: [u8; 16], dst: [u8; 16]) -> Self {
        self.with(Header::Ipv6 { src, dst, payload_len: None })
    }

    /// Adds an IPv6 header with the payload length `payload_len`.
    pub fn ipv6_claiming(self, src: [u8; 16], dst: [u8; 16], payload_len: u16) -> Self {
        self.with(Header::Ipv6 { src, dst, payload_len: Some(payload_len) })
    }

    /// Adds an IPv6 extension header of `len` bytes, a multiple of eight.
    pub fn extension(self, number: u8, len: usize) -> Self {
        self.with(Header::Extension { number, len })
    }

    /// Adds an IPv6 fragment header; `offset` is in bytes, a multiple of eight.
    pub fn fragment(self, identification: u32, offset: u16, more: bool) -> Self {
        self.with(Header::Fragment { identification, offset, more })
    }

    /// Adds a TCP header without options.
    pub fn tcp(self, src: u16, dst: u16, flags: u8) -> Self {
        self.with(Header::Tcp { src, dst, flags })
    }

    /// Adds a UDP header.
    pub fn udp(self, src: u16, dst: u16) -> Self {
        self.with(Header::Udp { src, dst })
    }

    /// Adds an SCTP common header.
    pub fn sctp(self, src: u16, dst: u16) -> Self {
        self.with(Header::Sctp { src, dst })
    }

    /// Adds an ICMP header.
    pub fn icmp(self, kind: u8, code: u8) -> Self {
        self.with(Header::Icmp { version: 4, kind, code })
    }

    /// Adds an ICMPv6 header.
    pub fn icmpv6(self, kind: u8, code: u8) -> Self {
        self.with(Header::Icmp { version: 6, kind, code })
    }

    /// Announces an EtherType or an IP protocol without adding a header, as in later fragments of a
    /// packet.
    pub fn opaque(self, number: u16) -> Self {
        self.with(Header::Opaque { number })
    }

    /// Sets the payload.
    pub fn payload(mut self, payload: &[u8]) -> Self {
        self.payload = payload.to_vec();
        self
    }

    /// Sets a payload of `len` bytes.
    pub fn payload_len(mut self, len: usize) -> Self {
        self.payload = (0..=u8::MAX).cycle().take(len).collect();
        self
    }

    /// Pads the frame with 0xee to `len` bytes, as Ethernet pads to 60.
    pub fn padded_to(mut self, len: usize) -> Self {
        self.padded_to = len;
        self
    }

    /// Returns the frame's link type, a number of the tcpdump group's registry.
    pub fn link_type(&self) -> u16 {
        match self.link {
            Link::Null => 0,
            Link::Ethernet => 1,
            Link::PppOverSerial => 50,
            Link::Raw => 101,
            Link::LinuxSll => 113,
            Link::LinuxSll2 => 276,
        }
    }

    /// Returns the frame's bytes.
    pub fn build(&self) -> Vec<u8> {
        let mut bytes = self.payload.clone();
        for (place, header) in self.headers.iter().enumerate().rev() {
            bytes = header.around(bytes, self.headers.get(place + 1));
        }
        let first = self.headers.first();
        let mut frame = self.link.header(first);
        frame.append(&mut bytes);
        frame.resize(frame.len().max(self.padded_to), 0xee);
        frame
    }

    fn new(link: Link) -> Self {
        Self { link, headers: Vec::new(), payload: Vec::new(), padded_to: 0 }
    }

    fn with(mut self, header: Header) -> Self {
        self.headers.push(header);
        self
    }
}

impl Ipv4 {
    /// Returns a header without options and fragmentation.
    pub fn new(src: [u8; 4], dst: [u8; 4]) -> Self {
        Self {
            src,
            dst,
            options: Vec::new(),
            identification: 0,
            fragment_field: 0,
            total_len: None,
        }
    }

    /// Sets the options, a multiple of four bytes.
    pub fn options(mut self, options: &[u8]) -> Self {
        self.options = options.to_vec();
        self
    }

    /// Makes the packet a fragment; `offset` is in bytes, a multiple of eight.
    pub fn fragment(mut self, identification: u16, offset: u16, more: bool) -> Self {
        self.identification = identification;
        self.fragment_field = (offset / 8) | (u16::from(more) << 13);
        self
    }

    /// Overrides the total length.
    pub fn claiming(mut self, total_len: u16) -> Self {
        self.total_len = Some(total_len);
        self
    }
}

impl Link {
    fn header(self, inner: Option<&Header>) -> Vec<u8> {
        let kind = inner.map_or(0, Header::ether_type).to_be_bytes();
        match self {
            Self::Ethernet => [&[0x02; 12][..], &kind].concat(),
            Self::LinuxSll => [&[0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0][..], &kind].concat(),
            Self::LinuxSll2 => [&kind[..], &[0; 18]].concat(),
            Self::Null => {
                vec![if matches!(inner, Some(Header::Ipv6 { .. })) { 30 } else { 2 }, 0, 0, 0]
            }
            Self::PppOverSerial => [&[0xff, 0x03][..], &ppp_protocol(inner)].concat(),
            Self::Raw => Vec::new(),
        }
    }
}

impl Header {
    /// Prepends the header to `body`, which starts with `inner` if that is a header.
    fn around(&self, body: Vec<u8>, inner: Option<&Self>) -> Vec<u8> {
        let next = inner.map_or(59, Self::protocol);
        let mut header = match self {
            Self::Vlan { id, .. } => {
                [id.to_be_bytes(), inner.map_or(0, Self::ether_type).to_be_bytes()].concat()
            }
            Self::Mpls { label } => {
                let bottom = u32::from(!matches!(inner, Some(Self::Mpls { .. })));
                ((label << 12) | (bottom << 8) | 64).to_be_bytes().to_vec()
            }
            Self::Pppoe { session } => {
                let mut header = vec![0x11, 0];
                header.extend(session.to_be_bytes());
                header.extend(len16(body.len() + 2));
                header.extend(ppp_protocol(inner));
                header
            }
            Self::Ipv4(ip) => ip.header(body.len(), next),
            Self::Ipv6 { src, dst, payload_len } => {
                let len = payload_len.map_or_else(|| len16(body.len()), u16::to_be_bytes);
                [&[0x60, 0, 0, 0, len[0], len[1], next, 64][..], src, dst].concat()
            }
            Self::Extension { number, len } => {
                // An authentication header counts in units of four bytes (RFC 4302).
                let unit = if *number == 51 { 4 } else { 8 };
                let mut header = vec![0; *len];
                header[0] = next;
                header[1] = len16((len - 8) / unit)[1];
                header
            }
            Self::Fragment { identification, offset, more } => {
                let field = (offset | u16::from(*more)).to_be_bytes();
                let id = identification.to_be_bytes();
                [&[next, 0][..], &field, &id].concat()
            }
            Self::Tcp { src, dst, flags } => {
                let mut header = [src.to_be_bytes(), dst.to_be_bytes()].concat();
                header.extend([0, 0, 0, 1, 0, 0, 0, 0]);
                // The upper half of the first byte is the length in units of four bytes.
                header.extend([0x50, *flags, 0xff, 0xff, 0, 0, 0, 0]);
                header
            }
            Self::Udp { src, dst } => {
                let len = len16(body.len() + 8);
                [src.to_be_bytes(), dst.to_be_bytes(), len, [0, 0]].concat()
            }
            Self::Sctp { src, dst } => {
                let mut header = [src.to_be_bytes(), dst.to_be_bytes()].concat();
                header.resize(12, 0);
                header
            }
            Self::Icmp { kind, code, .. } => vec![*kind, *code, 0, 0, 0, 1, 0, 1],
            Self::Opaque { .. } => Vec::new(),
        };
        header.extend(body);
        header
    }

    fn ether_type(&self) -> u16 {
        match self {
            Self::Vlan { ether_type, .. } => *ether_type,
            Self::Mpls { .. } => 0x8847,
            Self::Pppoe { .. } => 0x8864,
            Self::Ipv4(_) => 0x0800,
            Self::Ipv6 { .. } => 0x86dd,
            Self::Opaque { number } => *number,
            _ => 0,
        }
    }

    fn protocol(&self) -> u8 {
        match self {
            Self::Ipv4(_) => 4,
            Self::Ipv6 { .. } => 41,
            Self::Extension { number, .. } => *number,
            Self::Fragment { .. } => 44,
            Self::Tcp { .. } => 6,
            Self::Udp { .. } => 17,
            Self::Sctp { .. } => 132,
            Self::Icmp { version: 4, .. } => 1,
            Self::Icmp { .. } => 58,
            Self::Opaque { number } => number.to_be_bytes()[1],
            _ => 59,
        }
    }
}

impl Ipv4 {
    fn header(&self, body_len: usize, protocol: u8) -> Vec<u8> {
        let header_len = 20 + self.options.len();
        let words = len16(header_len / 4)[1];
        let total = self.total_len.map_or_else(|| len16(header_len + body_len), u16::to_be_bytes);
        let mut header = vec![0x40 | words, 0, total[0], total[1]];
        header.extend(self.identification.to_be_bytes());
        header.extend(self.fragment_field.to_be_bytes());
        header.extend([64, protocol, 0, 0]);
        header.extend(self.src);
        header.extend(self.dst);
        header.extend(&self.options);
        let sum = checksum(&header);
        header[10..12].copy_from_slice(&sum);
        header
    }
}

fn ppp_protocol(inner: Option<&Header>) -> [u8; 2] {
    match inner {
        Some(Header::Ipv4(_)) => [0x00, 0x21],
        Some(Header::Ipv6 { .. }) => [0x00, 0x57],
        Some(Header::Mpls { .. }) => [0x02, 0x81],
        // Link control protocol.
        _ => [0xc0, 0x21],
    }
}

fn len16(len: usize) -> [u8; 2] {
    u16::try_from(len).expect("frames in tests are short").to_be_bytes()
}

/// Returns the internet checksum (RFC 1071) of a header of even length.
fn checksum(header: &[u8]) -> [u8; 2] {
    let sum: u32 =
        header.chunks_exact(2).map(|pair| (u32::from(pair[0]) << 8) | u32::from(pair[1])).sum();
    let [_, _, high, low] = (!((sum & 0xffff) + (sum >> 16))).to_be_bytes();
    [high, low]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn udp_in_ipv4_on_ethernet_is_as_in_the_standards() {
        let frame = Frame::ethernet().ipv4([192, 0, 2, 1], [192, 0, 2, 2]).udp(1000, 53);
        let expected = [
            2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 0x08, 0x00, // Ethernet
            0x45, 0, 0, 30, 0, 0, 0, 0, 64, 17, 0xf6, 0xcb, 192, 0, 2, 1, 192, 0, 2,
            2, // IPv4
            0x03, 0xe8, 0x00, 0x35, 0, 10, 0, 0, // UDP
            b'h', b'i',
        ];
        assert_eq!(frame.payload(b"hi").build(), expected);
    }

    #[test]
    fn the_last_label_is_the_bottom_of_the_stack() {
        let frame = Frame::ethernet().mpls(16).mpls(17).ipv4([1; 4], [2; 4]).build();
        assert_eq!(frame[12..22], [0x88, 0x47, 0, 1, 0, 64, 0, 1, 0x11, 64]);
    }
}
