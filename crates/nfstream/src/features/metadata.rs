//! Metadata that a dissector reads in addition to the label.

use std::net::IpAddr;

pub use nfstream_dissect::metadata::{Dhcp, Http, Quic, Ssh};

use crate::time::Timestamp;

/// Metadata of a flow. Texts are empty if the dissector read nothing.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Metadata {
    /// Description of the client, or the server name that it requests, depending on the protocol.
    pub client_info: Box<str>,
    /// Description of the server, depending on the protocol.
    pub server_info: Box<str>,
    /// JA3 fingerprint of the client's TLS hello.
    pub ja3_client: Box<str>,
    /// JA3S fingerprint of the server's TLS hello.
    pub ja3_server: Box<str>,
    /// JA4 fingerprint of the client's TLS hello.
    pub ja4: Box<str>,
    /// Name of the server that the client requests.
    pub requested_server_name: Box<str>,
    /// Fingerprint of the client, depending on the protocol.
    pub client_fingerprint: Box<str>,
    /// Fingerprint of the server, depending on the protocol.
    pub server_fingerprint: Box<str>,
    /// User agent, or class, of the client.
    pub user_agent: Box<str>,
    /// Content type of an HTTP response.
    pub content_type: Box<str>,
    /// Names of risks, separated by commas.
    pub risks: Box<str>,
    /// A DHCP message.
    pub dhcp: Option<Box<Dhcp>>,
    /// A DNS exchange.
    pub dns: Option<Box<Dns>>,
    /// An HTTP exchange; its host is [`requested_server_name`](Self::requested_server_name).
    pub http: Option<Box<Http>>,
    /// A QUIC handshake; its hellos are in [`tls`](Self::tls).
    pub quic: Option<Box<Quic>>,
    /// An SSH handshake.
    pub ssh: Option<Box<Ssh>>,
    /// A TLS handshake, including those of DTLS and QUIC.
    pub tls: Option<Box<Tls>>,
}

/// Metadata of a DNS exchange, including mDNS and LLMNR.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Dns {
    /// Name in the question.
    pub query_name: Box<str>,
    /// Type in the question, 0 if there is none.
    pub query_type: u16,
    /// Response code, `None` if no response was seen.
    pub response_code: Option<u8>,
    /// Records in the answer section of the response.
    pub answers: u16,
    /// Addresses in the response.
    pub addresses: Vec<IpAddr>,
}

/// Metadata of a TLS handshake.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Tls {
    /// Version as on the wire, such as `0x0303`; 0 if none was seen.
    pub version: u16,
    /// Name of the server that the client requests.
    pub server_name: Box<str>,
    /// Versions that the client offers, separated by commas.
    pub supported_versions: Box<str>,
    /// Application protocols that the client offers, separated by commas.
    pub alpn: Box<str>,
    /// Application protocol that the server chose.
    pub selected_alpn: Box<str>,
    /// Cipher suite that the server chose, 0 if none was seen.
    pub cipher: u16,
    /// Whether the client's hello contains an encrypted hello, or a decoy.
    pub encrypted_hello: bool,
    /// Whether the server requests another hello from the client.
    pub hello_retry: bool,
    /// Names in the server's certificate, separated by commas.
    pub certificate_names: Box<str>,
    /// Issuer of the server's certificate.
    pub issuer: Box<str>,
    /// Subject of the server's certificate.
    pub subject: Box<str>,
    /// Start of the certificate's validity.
    pub not_before: Option<Timestamp>,
    /// End of the certificate's validity.
    pub not_after: Option<Timestamp>,
    /// SHA-1 of the certificate.
    pub sha1: Option<[u8; 20]>,
    /// SHA-256 of the certificate.
    pub sha256: Option<[u8; 32]>,
}

impl Metadata {
    /// Longest text in bytes, for lists of names in certificates. Other texts have at most 1 KiB.
    pub(crate) const MAX_TEXT: usize = 8 << 10;

    /// Returns the heap bytes that the metadata takes.
    pub(crate) fn memory(&self) -> usize {
        let texts = [
            &self.client_info,
            &self.server_info,
            &self.ja3_client,
            &self.ja3_server,
            &self.ja4,
            &self.requested_server_name,
            &self.client_fingerprint,
            &self.server_fingerprint,
            &self.user_agent,
            &self.content_type,
            &self.risks,
        ];
        let dhcp = self.dhcp.as_deref().map_or(0, |dhcp| {
            size_of::<Dhcp>() + sum([&dhcp.host_name, &dhcp.vendor_class, &dhcp.fingerprint])
        });
        let dns = self.dns.as_deref().map_or(0, |dns| {
            let addresses = dns.addresses.capacity() * size_of::<IpAddr>();
            size_of::<Dns>() + sum([&dns.query_name]) + addresses
        });
        let http = self.http.as_deref().map_or(0, |http| {
            let texts = [
                &http.method,
                &http.url,
                &http.user_agent,
                &http.request_content_type,
                &http.server,
                &http.response_content_type,
            ];
            size_of::<Http>() + sum(texts)
        });
        let quic = self.quic.as_deref();
        let quic = quic.map_or(0, |quic| size_of::<Quic>() + sum([&quic.user_agent]));
        let ssh = self.ssh.as_deref().map_or(0, |ssh| {
            let texts =
                [&ssh.client_version, &ssh.server_version, &ssh.client_hassh, &ssh.server_hassh];
            size_of::<Ssh>() + sum(texts)
        });
        let tls = self.tls.as_deref().map_or(0, |tls| {
            let texts = [
                &tls.server_name,
                &tls.supported_versions,
                &tls.alpn,
                &tls.selected_alpn,
                &tls.certificate_names,
                &tls.issuer,
                &tls.subject,
            ];
            size_of::<Tls>() + sum(texts)
        });
        sum(texts) + dhcp + dns + http + quic + ssh + tls
    }
}

/// Returns the bytes of texts.
#[allow(clippy::borrowed_box, reason = "the fields are boxes")]
fn sum<const N: usize>(texts: [&Box<str>; N]) -> usize {
    texts.iter().map(|text| text.len()).sum()
}
