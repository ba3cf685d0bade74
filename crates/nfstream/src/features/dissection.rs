//! The application of a flow, as deep packet inspection names it.
//!
//! Types alone; [`dissect`](crate::dissect) finds the application.

use std::fmt::Debug;
use std::sync::Arc;

/// Protocol and category numbers in the numbering of the dissector that gave them.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct Label {
    /// The protocol that carries the application, 0 if there is none.
    pub master_protocol: u16,
    /// The application's protocol, 0 if it is unknown.
    pub app_protocol: u16,
    /// Category of the application.
    pub category: u16,
    /// Whether the label comes from ports and addresses alone.
    pub guessed: bool,
    /// Method that found the label, in the dissector's numbering.
    pub confidence: u8,
}

/// Metadata that the dissector read besides the label. Empty text where it read nothing.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Metadata {
    /// Description of the client, or the name of the server that it requests; by protocol.
    pub client_info: Box<str>,
    /// Description of the server; by protocol.
    pub server_info: Box<str>,
    /// JA3 fingerprint of the client's TLS hello.
    pub ja3_client: Box<str>,
    /// JA3S fingerprint of the server's TLS hello.
    pub ja3_server: Box<str>,
    /// Name of the server that the client requests.
    pub requested_server_name: Box<str>,
    /// Fingerprint of the client; by protocol.
    pub client_fingerprint: Box<str>,
    /// Fingerprint of the server; by protocol.
    pub server_fingerprint: Box<str>,
    /// User agent, or class, of the client.
    pub user_agent: Box<str>,
    /// Content type of an HTTP response.
    pub content_type: Box<str>,
    /// Names of risks, separated by commas.
    pub risks: Box<str>,
    /// A TLS handshake.
    pub tls: Option<Box<Tls>>,
}

/// Metadata of a TLS handshake.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Tls {
    /// Version as on the wire, such as `0x0303`; 0 if none was seen.
    pub version: u16,
    /// Versions that the client offers, separated by commas.
    pub supported_versions: Box<str>,
    /// Application protocols that the client offers, separated by commas.
    pub alpn: Box<str>,
    /// Cipher suite that the server chose, 0 if none was seen.
    pub cipher: u16,
    /// Issuer of the server's certificate.
    pub issuer: Box<str>,
    /// Subject of the server's certificate.
    pub subject: Box<str>,
}

/// The application of one flow.
#[derive(Clone, Debug, Default)]
pub struct Application {
    /// Its numbers.
    pub label: Label,
    /// Metadata, `None` if there is none.
    pub metadata: Option<Arc<Metadata>>,
}

/// Names of a dissector's numbers.
pub trait Names: Debug + Send + Sync {
    /// Appends the application's name: `MASTER.APP`, or `APP` alone.
    fn application(&self, master_protocol: u16, app_protocol: u16, name: &mut String);

    /// Appends the category's name.
    fn category(&self, category: u16, name: &mut String);
}

/// The names of a run without a dissector: there are none.
#[derive(Clone, Copy, Debug, Default)]
pub struct Nameless;

impl Names for Nameless {
    fn application(&self, _: u16, _: u16, _: &mut String) {}

    fn category(&self, _: u16, _: &mut String) {}
}
