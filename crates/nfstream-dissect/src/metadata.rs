//! What parsers read besides the name of a protocol.
//!
//! A protocol with fields of its own adds one boxed struct here, so that a flow without them pays
//! a pointer.

use crate::protocols;

/// Text and numbers read from the packets of a flow; empty where nothing was read.
///
/// Text is valid UTF-8 without control characters and at most [`Metadata::MAX_TEXT`] bytes long.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Metadata {
    /// Host that the client wants: TLS and QUIC server name, HTTP host, DNS query name, DHCP host
    /// name; by protocol.
    pub host: Box<str>,
    /// An SSH handshake.
    pub ssh: Option<Box<protocols::ssh::Ssh>>,
}

impl Metadata {
    /// Longest text in bytes.
    pub const MAX_TEXT: usize = 1024;
}
