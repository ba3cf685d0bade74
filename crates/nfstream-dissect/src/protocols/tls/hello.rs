//! ClientHello and ServerHello (RFC 8446, RFC 5246, RFC 9147), as TLS, DTLS and QUIC carry them.

use crate::read::Reader;

/// `server_name` (RFC 6066).
pub(super) const SERVER_NAME: u16 = 0;
/// `supported_groups` (RFC 8422).
const SUPPORTED_GROUPS: u16 = 10;
/// `ec_point_formats` (RFC 8422).
const POINT_FORMATS: u16 = 11;
/// `signature_algorithms` (RFC 8446).
const SIGNATURE_ALGORITHMS: u16 = 13;
/// `application_layer_protocol_negotiation` (RFC 7301).
pub(super) const ALPN: u16 = 16;
/// `supported_versions` (RFC 8446).
const SUPPORTED_VERSIONS: u16 = 43;
/// `quic_transport_parameters` (RFC 9001).
const QUIC_PARAMETERS: u16 = 57;
/// The same in drafts of QUIC.
const QUIC_PARAMETERS_DRAFT: u16 = 0xffa5;
/// `encrypted_client_hello` (RFC 9849).
const ECH: u16 = 0xfe0d;
/// `encrypted_server_name`, from an early draft of ECH.
const ESNI: u16 = 0xffce;

/// The random value that makes a ServerHello a HelloRetryRequest (RFC 8446, section 4.1.3).
pub(super) const RETRY_RANDOM: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
    0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

/// A client's hello, as far as it was read.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct ClientHello<'a> {
    /// Version field; the highest version only up to TLS 1.2.
    pub(crate) version: u16,
    /// Numbers of cipher suites.
    pub(crate) ciphers: &'a [u8],
    /// Extensions with their headers.
    pub(crate) extensions: &'a [u8],
    /// First host name.
    pub(crate) server_name: Option<&'a [u8]>,
    /// Application protocols, each after its length.
    pub(crate) alpn: &'a [u8],
    /// Numbers of supported versions.
    pub(crate) versions: &'a [u8],
    /// Numbers of elliptic curves and other groups.
    pub(crate) groups: &'a [u8],
    /// Formats of points on elliptic curves.
    pub(crate) point_formats: &'a [u8],
    /// Numbers of signature algorithms.
    pub(crate) signature_algorithms: &'a [u8],
    /// QUIC transport parameters.
    pub(crate) quic_parameters: &'a [u8],
    /// Whether there is an encrypted hello, or a decoy of one.
    pub(crate) ech: bool,
}

/// A server's hello.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct ServerHello<'a> {
    /// Version field.
    pub(crate) legacy_version: u16,
    /// Version that the connection uses.
    pub(crate) version: u16,
    /// Number of the cipher suite.
    pub(crate) cipher: u16,
    /// Extensions with their headers.
    pub(crate) extensions: &'a [u8],
    /// Application protocols after their lengths: one, where the server chose it.
    pub(crate) alpn: &'a [u8],
    /// Whether it is a HelloRetryRequest.
    pub(crate) retry: bool,
}

/// Extensions of a hello: number and body.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Extensions<'a>(Reader<'a>);

impl<'a> ClientHello<'a> {
    /// Reads the body of a handshake message, which may be cut; `None` if not even the version is
    /// there.
    pub(crate) fn read(body: &'a [u8], cookie: Cookie) -> Option<Self> {
        let mut reader = Reader(body);
        let mut hello = Self { version: reader.u16()?, ..Self::default() };
        let _ = hello.read_rest(reader, cookie);
        Some(hello)
    }

    fn read_rest(&mut self, mut reader: Reader<'a>, cookie: Cookie) -> Option<()> {
        let _random = reader.take(32)?;
        let _session = reader.vector8()?;
        if cookie == Cookie::Present {
            reader.vector8()?;
        }
        self.ciphers = reader.vector16()?;
        let _compression = reader.vector8()?;
        let len = reader.u16()?;
        self.extensions = available(reader.0, len);
        for (number, body) in extensions(self.extensions) {
            let mut body = Reader(body);
            match number {
                // The first counts, so that what a cut hello shows stays true.
                SERVER_NAME => self.server_name = self.server_name.or_else(|| server_name(body)),
                SUPPORTED_GROUPS => self.groups = body.vector16().unwrap_or_default(),
                POINT_FORMATS => self.point_formats = body.vector8().unwrap_or_default(),
                SIGNATURE_ALGORITHMS => {
                    self.signature_algorithms = body.vector16().unwrap_or_default();
                }
                ALPN => self.alpn = body.vector16().unwrap_or_default(),
                SUPPORTED_VERSIONS => self.versions = body.vector8().unwrap_or_default(),
                QUIC_PARAMETERS | QUIC_PARAMETERS_DRAFT => self.quic_parameters = body.0,
                ECH | ESNI => self.ech = true,
                _ => {}
            }
        }
        Some(())
    }
}

/// Whether a ClientHello has the field that DTLS adds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Cookie {
    /// In TLS and QUIC.
    Absent,
    /// In DTLS.
    Present,
}

impl<'a> ServerHello<'a> {
    /// Reads the body of a handshake message.
    pub(crate) fn read(body: &'a [u8]) -> Option<Self> {
        let mut reader = Reader(body);
        let version = reader.u16()?;
        let random = reader.take(32)?;
        // The drafts of TLS 1.3 up to 21 have no session.
        if !(0x7f00..=0x7f15).contains(&version) {
            let _session = reader.vector8()?;
        }
        let cipher = reader.u16()?;
        let mut hello = Self {
            legacy_version: version,
            version,
            cipher,
            retry: random == RETRY_RANDOM,
            ..Self::default()
        };
        if !(0x7f00..=0x7f15).contains(&version) {
            let _compression = reader.u8();
        }
        let len = reader.u16().unwrap_or_default();
        hello.extensions = available(reader.0, len);
        for (number, body) in extensions(hello.extensions) {
            let mut body = Reader(body);
            match number {
                SUPPORTED_VERSIONS => hello.version = body.u16().unwrap_or(version),
                ALPN => hello.alpn = body.vector16().unwrap_or_default(),
                _ => {}
            }
        }
        Some(hello)
    }
}

impl<'a> Iterator for Extensions<'a> {
    type Item = (u16, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        Some((self.0.u16()?, self.0.vector16()?))
    }
}

/// Returns the extensions in `bytes`; stops at one that is cut.
pub(crate) fn extensions(bytes: &[u8]) -> Extensions<'_> {
    Extensions(Reader(bytes))
}

/// Returns the names in a list of ALPN.
pub(crate) fn protocols(list: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut list = Reader(list);
    std::iter::from_fn(move || list.vector8())
}

/// Returns the numbers in a list of two bytes each.
pub(crate) fn numbers(list: &[u8]) -> impl Iterator<Item = u16> + Clone {
    list.as_chunks().0.iter().map(|bytes| u16::from_be_bytes(*bytes))
}

/// Returns whether a number is a decoy (RFC 8701).
pub(crate) const fn is_grease(number: u16) -> bool {
    number & 0x0f0f == 0x0a0a && number >> 8 == number & 0xff
}

fn available(bytes: &[u8], len: u16) -> &[u8] {
    bytes.get(..len.into()).unwrap_or(bytes)
}

fn server_name(mut body: Reader<'_>) -> Option<&[u8]> {
    let mut list = Reader(body.vector16()?);
    let kind = list.u8()?;
    list.vector16().filter(|name| kind == 0 && !name.is_empty())
}
