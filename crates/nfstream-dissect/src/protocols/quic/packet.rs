//! Versions and long headers of packets (RFC 9000, section 17.2; RFC 9369, section 3.2).

use crate::read::Reader;

/// A version, as far as it makes a difference.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Version {
    /// Not a version but a negotiation.
    Negotiation,
    /// Version 1 and drafts 33 and 34 (RFC 9001).
    V1,
    /// Version 2 (RFC 9369).
    V2,
    /// Drafts 29 to 32.
    Draft29,
    /// Drafts 23 to 28.
    Draft23,
    /// Draft 22, as Facebook's first version has it.
    Draft22,
    /// Drafts before 22, whose headers differ, and versions without public keys.
    Other,
    /// Google's Q050: the handshake is not TLS.
    GoogleCrypto,
    /// Google's T050.
    GoogleT050,
    /// Google's T051.
    GoogleT051,
    /// Reserved to provoke a negotiation.
    Reserved,
    /// None that is known.
    Unknown,
}

/// Type of a packet with a long header.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    Negotiation,
    Initial,
    ZeroRtt,
    Handshake,
    Retry,
}

/// Longest name of a connection (RFC 9000, section 17.2).
const MAX_CONNECTION_ID: usize = 20;
/// Versions that a negotiation lists at most.
const MAX_VERSIONS: usize = 64;

/// Name of a connection at one end.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct ConnectionId {
    bytes: [u8; MAX_CONNECTION_ID],
    len: u8,
}

/// A packet with a long header.
#[derive(Clone, Copy, Debug)]
pub(super) struct Long<'a> {
    pub(super) kind: Kind,
    pub(super) version: Version,
    /// Number of the version.
    pub(super) number: u32,
    /// Whether the fixed bit is set.
    pub(super) fixed: bool,
    pub(super) destination: ConnectionId,
    /// The packet up to the packet number.
    pub(super) header: &'a [u8],
    /// The protected part: packet number and payload, as far as captured.
    pub(super) protected: &'a [u8],
}

impl Version {
    pub(super) fn new(number: u32) -> Self {
        match number {
            0 => Self::Negotiation,
            // Facebook's numbers from 0xfaceb003 on are other names of version 1.
            1 | 0xff00_0021..=0xff00_0022 | 0xface_b003..=0xface_b004 => Self::V1,
            0x6b33_43cf => Self::V2,
            0xff00_001d..=0xff00_0020 => Self::Draft29,
            0xff00_0017..=0xff00_001c | 0xface_b002 | 0xface_b00e => Self::Draft23,
            0xff00_0016 | 0xface_b001 => Self::Draft22,
            0xff00_0001..=0xff00_0015 | 0xface_b00d..=0xface_b01f => Self::Other,
            // Q046 has a header of its own.
            0x5130_3530 => Self::GoogleCrypto,
            0x5430_3530 => Self::GoogleT050,
            0x5430_3531 => Self::GoogleT051,
            0x5130_3433..=0x5130_3439 | 0x5430_3438..=0x5430_3439 | 0x5130_3939 => Self::Other,
            _ if number & 0x0f0f_0f0f == 0x0a0a_0a0a => Self::Reserved,
            _ => Self::Unknown,
        }
    }

    /// Returns the salt of the keys of Initial packets, `None` if there are none.
    pub(super) const fn salt(self) -> Option<&'static [u8; 20]> {
        Some(match self {
            // RFC 9001, section 5.2.
            Self::V1 => {
                b"\x38\x76\x2c\xf7\xf5\x59\x34\xb3\x4d\x17\x9a\xe6\xa4\xc8\x0c\xad\xcc\xbb\x7f\x0a"
            }
            // RFC 9369, section 3.3.1.
            Self::V2 => {
                b"\x0d\xed\xe3\xde\xf7\x00\xa6\xdb\x81\x93\x81\xbe\x6e\x26\x9d\xcb\xf9\xbd\x2e\xd9"
            }
            Self::Draft29 => {
                b"\xaf\xbf\xec\x28\x99\x93\xd2\x4c\x9e\x97\x86\xf1\x9c\x61\x11\xe0\x43\x90\xa8\x99"
            }
            Self::Draft23 => {
                b"\xc3\xee\xf7\x12\xc7\x2e\xbb\x5a\x11\xa7\xd2\x43\x2b\xb4\x63\x65\xbe\xf9\xf5\x02"
            }
            Self::Draft22 => {
                b"\x7f\xbc\xdb\x0e\x7c\x66\xbb\xe9\x19\x3a\x96\xcd\x21\x51\x9e\xbd\x7a\x02\x64\x4a"
            }
            Self::GoogleCrypto => {
                b"\x50\x45\x74\xef\xd0\x66\xfe\x2f\x9d\x94\x5c\xfc\xdb\xd3\xa7\xf0\xd3\xb5\x6b\x45"
            }
            Self::GoogleT050 => {
                b"\x7f\xf5\x79\xe5\xac\xd0\x72\x91\x55\x80\x30\x4c\x43\xa2\x36\x7c\x60\x48\x83\x10"
            }
            Self::GoogleT051 => {
                b"\x7a\x4e\xde\xf4\xe7\xcc\xee\x5f\xa4\x50\x6c\x19\x12\x4f\xc8\xcc\xda\x6e\x03\x3d"
            }
            Self::Negotiation | Self::Other | Self::Reserved | Self::Unknown => return None,
        })
    }
}

impl ConnectionId {
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let name = reader.vector8()?;
        let mut bytes = [0; MAX_CONNECTION_ID];
        bytes.get_mut(..name.len())?.copy_from_slice(name);
        Some(Self { bytes, len: u8::try_from(name.len()).ok()? })
    }

    pub(super) fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.len.into()).unwrap_or_default()
    }
}

impl<'a> Long<'a> {
    /// Reads the next packet of a datagram; `None` if it has no long header.
    pub(super) fn read(reader: &mut Reader<'a>) -> Option<Self> {
        let start = reader.0;
        let first = reader.u8().filter(|first| *first >= 0x80)?;
        let number = reader.u32()?;
        let version = Version::new(number);
        let fixed = first & 0x40 != 0;
        let mut packet = Self {
            kind: Kind::Negotiation,
            version,
            number,
            fixed,
            destination: ConnectionId::default(),
            header: start,
            protected: &[],
        };
        if version == Version::Other {
            // Nothing is known of what follows the version.
            packet.kind = Kind::Handshake;
            reader.0 = &[];
            return Some(packet);
        }
        packet.destination = ConnectionId::read(reader)?;
        let _source = ConnectionId::read(reader)?;
        if version == Version::Negotiation {
            packet.protected = std::mem::take(&mut reader.0);
            return Some(packet);
        }
        packet.kind = match (version, first >> 4 & 3) {
            (Version::V2, 0) => Kind::Retry,
            (Version::V2, 1) | (_, 0) => Kind::Initial,
            (Version::V2, 2) | (_, 1) => Kind::ZeroRtt,
            (Version::V2, 3) | (_, 2) => Kind::Handshake,
            _ => Kind::Retry,
        };
        if packet.kind == Kind::Retry {
            reader.0 = &[];
            return Some(packet);
        }
        if packet.kind == Kind::Initial {
            let token = varint(reader)?;
            reader.take(usize::try_from(token).ok()?)?;
        }
        let len = usize::try_from(varint(reader)?).ok()?;
        packet.header = start.get(..start.len() - reader.0.len())?;
        packet.protected = reader.take(len.min(reader.0.len()))?;
        Some(packet)
    }

    /// Returns whether a negotiation lists a version that is known.
    pub(super) fn offers_known_version(&self) -> bool {
        let (versions, rest) = self.protected.as_chunks();
        let version = |bytes: &[u8; 4]| Version::new(u32::from_be_bytes(*bytes));
        let known = |version| {
            !matches!(version, Version::Negotiation | Version::Reserved | Version::Unknown)
        };
        rest.is_empty()
            && versions.len() <= MAX_VERSIONS
            && versions.iter().all(|bytes| version(bytes) != Version::Negotiation)
            && versions.iter().any(|bytes| known(version(bytes)))
    }
}

/// Returns the next number of variable length (RFC 9000, section 16).
pub(super) fn varint(reader: &mut Reader<'_>) -> Option<u64> {
    let first = *reader.0.first()?;
    let len = 1 << (first >> 6);
    let bytes = reader.take(len)?;
    let number = bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte));
    Some(number & (u64::MAX >> (66 - 8 * len)))
}
