//! Metadata of flows, copied out of nDPI.

use ndpi_sys as sys;

use crate::flow::Flow;
use crate::text;

/// Names, fingerprints and risks of one flow. Missing texts are empty.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Metadata {
    /// Description of the client or its request.
    ///
    /// TLS, QUIC and DTLS: the requested server name. SSH: the client's version line. HTTP:
    /// the user agent, or else the operating system that nDPI detected. Others: empty.
    pub client_info: Box<str>,
    /// Name of the server.
    ///
    /// TLS, QUIC and DTLS: the names in the server's certificate, comma separated. SSH: the
    /// server's version line. Others: the host name, such as the host of HTTP, the queried name
    /// of DNS, a NetBIOS name, the host name of DHCP or the realm of STUN.
    pub server_info: Box<str>,
    /// Host name, from any protocol.
    pub host: Box<str>,
    /// One bit per risk; [`Names::risk`](crate::Names::risk) has the names.
    pub risks: u64,
    /// HTTP request and response, also for labels such as `HTTP.Facebook`.
    pub http: Http,
    /// Fields of the protocol that was detected.
    pub protocol: Protocol,
}

/// Fields of single protocols.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum Protocol {
    /// DHCP.
    Dhcp(Dhcp),
    /// DNS, mDNS and LLMNR.
    Dns(Dns),
    /// Every other protocol.
    #[default]
    Other,
    /// SSH.
    Ssh(Ssh),
    /// TLS, DTLS, QUIC and mail over TLS.
    Tls(Box<Tls>),
}

/// DHCP client.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Dhcp {
    /// Codes of the requested options, decimal, comma separated.
    pub fingerprint: Box<str>,
    /// Vendor class identifier (RFC 2132, option 60).
    pub class_ident: Box<str>,
}

/// DNS query and its reply.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Dns {
    /// Queried type, 0 without a query.
    pub query_type: u16,
    /// Reply code, also 0 without a reply.
    pub reply_code: u8,
    /// Answers in the reply.
    pub answers: u8,
}

/// First HTTP request and response.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Http {
    /// Request method.
    pub method: Box<str>,
    /// URL, host included.
    pub url: Box<str>,
    /// User agent, also of early QUIC versions.
    pub user_agent: Box<str>,
    /// Operating system that nDPI derives from the user agent.
    pub detected_os: Box<str>,
    /// Content type of the request.
    pub request_content_type: Box<str>,
    /// Content type of the response.
    pub content_type: Box<str>,
    /// Status of the response, 0 if unknown.
    pub status: u16,
}

/// Both sides of an SSH connection.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Ssh {
    /// Client's version line; nDPI 4.2 keeps 47 bytes of it.
    pub client_signature: Box<str>,
    /// Server's version line, with the same limit.
    pub server_signature: Box<str>,
    /// HASSH of the client, hexadecimal.
    pub hassh_client: Box<str>,
    /// HASSH of the server, hexadecimal.
    pub hassh_server: Box<str>,
}

/// TLS handshake.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Tls {
    /// Server name that the client requests; nDPI 4.2 keeps 79 bytes of it.
    pub requested_server_name: Box<str>,
    /// Names in the server's certificate, comma separated.
    pub server_names: Box<str>,
    /// JA3 of the client, hexadecimal. nDPI 4.14 and newer have none.
    pub ja3_client: Box<str>,
    /// JA3S of the server, hexadecimal.
    pub ja3_server: Box<str>,
    /// JA4 of the client. nDPI before 4.10 has none.
    pub ja4_client: Box<str>,
    /// Application protocols that the client offers, comma separated.
    pub alpn: Box<str>,
    /// TLS versions that the client offers, comma separated.
    pub supported_versions: Box<str>,
    /// Issuer of the server's certificate.
    pub issuer: Box<str>,
    /// Subject of the server's certificate.
    pub subject: Box<str>,
    /// Encrypted server name, hexadecimal. nDPI 4.14 and newer have none.
    pub esni: Box<str>,
    /// SHA-1 of the server's certificate, `None` if unknown.
    pub sha1: Option<[u8; 20]>,
    /// Version as on the wire, such as `0x0303`; 0 if unknown.
    pub version: u16,
    /// Cipher suite that the server chose, 0 if unknown.
    pub server_cipher: u16,
}

impl Metadata {
    pub(crate) fn of(flow: &Flow) -> Self {
        let mut raw = std::mem::MaybeUninit::<sys::Metadata>::uninit();
        // SAFETY: the flow is alive and borrowed, and the shim fills all of `raw`.
        let raw = unsafe {
            sys::ndpi_shim_flow_metadata(flow.as_ptr(), raw.as_mut_ptr());
            raw.assume_init()
        };
        // SAFETY: the texts point into `flow`, which stays borrowed to the end of this
        // function, and all of them are copied.
        let copy = |text| unsafe { text::copy(text) };

        let host = copy(raw.host);
        let http = Http {
            method: copy(raw.http_method),
            url: copy(raw.http_url),
            user_agent: copy(raw.http_user_agent),
            detected_os: copy(raw.http_detected_os),
            request_content_type: copy(raw.http_request_content_type),
            content_type: copy(raw.http_content_type),
            status: raw.http_status,
        };
        let protocol = match raw.family {
            sys::FAMILY_TLS => Protocol::Tls(Box::new(Tls {
                requested_server_name: host.clone(),
                server_names: copy(raw.tls_server_names),
                ja3_client: copy(raw.tls_ja3_client),
                ja3_server: copy(raw.tls_ja3_server),
                ja4_client: copy(raw.tls_ja4_client),
                alpn: copy(raw.tls_alpn),
                supported_versions: copy(raw.tls_supported_versions),
                issuer: copy(raw.tls_issuer),
                subject: copy(raw.tls_subject),
                esni: copy(raw.tls_esni),
                // SAFETY: as for `copy` above.
                sha1: unsafe { text::bytes(raw.tls_sha1) }.try_into().ok(),
                version: raw.tls_version,
                server_cipher: raw.tls_server_cipher,
            })),
            sys::FAMILY_DNS => Protocol::Dns(Dns {
                query_type: raw.dns_query_type,
                reply_code: raw.dns_reply_code,
                answers: raw.dns_answers,
            }),
            sys::FAMILY_SSH => Protocol::Ssh(Ssh {
                client_signature: copy(raw.ssh_client_signature),
                server_signature: copy(raw.ssh_server_signature),
                hassh_client: copy(raw.ssh_hassh_client),
                hassh_server: copy(raw.ssh_hassh_server),
            }),
            sys::FAMILY_DHCP => Protocol::Dhcp(Dhcp {
                fingerprint: copy(raw.dhcp_fingerprint),
                class_ident: copy(raw.dhcp_class_ident),
            }),
            _ => Protocol::Other,
        };
        let (client_info, server_info) = infos(&host, &http, &protocol);
        Self { client_info, server_info, host, risks: raw.risk, http, protocol }
    }

    /// Returns the client's JA3, empty if there is none.
    pub fn ja3_client(&self) -> &str {
        self.tls().map_or("", |tls| &tls.ja3_client)
    }

    /// Returns the server's JA3S, empty if there is none.
    pub fn ja3_server(&self) -> &str {
        self.tls().map_or("", |tls| &tls.ja3_server)
    }

    /// Returns the TLS fields, if the flow is TLS, DTLS, QUIC or mail over TLS.
    pub fn tls(&self) -> Option<&Tls> {
        match &self.protocol {
            Protocol::Tls(tls) => Some(tls),
            _ => None,
        }
    }
}

/// Returns the texts about client and server.
fn infos(host: &str, http: &Http, protocol: &Protocol) -> (Box<str>, Box<str>) {
    match protocol {
        Protocol::Tls(tls) => (tls.requested_server_name.clone(), tls.server_names.clone()),
        Protocol::Ssh(ssh) => (ssh.client_signature.clone(), ssh.server_signature.clone()),
        Protocol::Dns(_) => (Box::default(), host.into()),
        Protocol::Dhcp(_) | Protocol::Other => {
            let client =
                if http.user_agent.is_empty() { &http.detected_os } else { &http.user_agent };
            (client.clone(), host.into())
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::packets;
    use crate::{Flow, Module, Protocol};

    fn metadata_of(packets: &[Vec<u8>]) -> crate::Metadata {
        let mut module = Module::new().unwrap();
        let mut flow = Flow::new();
        for packet in packets {
            module.inspect(&mut flow, packet, 0);
        }
        flow.metadata()
    }

    #[test]
    fn dns_names_the_query_as_the_server() {
        let metadata = metadata_of(&[packets::dns_query("example.com")]);
        assert_eq!((&*metadata.client_info, &*metadata.server_info), ("", "example.com"));
        let Protocol::Dns(dns) = metadata.protocol else { panic!("not DNS") };
        assert_eq!((dns.query_type, dns.answers), (1, 0));
    }

    #[test]
    fn tls_names_the_requested_server_as_the_client() {
        let metadata = metadata_of(&[packets::client_hello("www.instagram.com")]);
        assert_eq!((&*metadata.client_info, &*metadata.server_info), ("www.instagram.com", ""));
        assert_eq!(metadata.ja3_server(), "");
        let tls = metadata.tls().unwrap();
        assert_eq!(&*tls.requested_server_name, "www.instagram.com");
        assert_eq!(tls.sha1, None);
        if !crate::version().unwrap().starts_with('5') {
            // JA3 of version 771, cipher 49195, extension 0 (server name), nothing else.
            assert_eq!(metadata.ja3_client(), packets::CLIENT_HELLO_JA3);
        }
    }

    #[test]
    fn http_names_the_agent_and_the_host() {
        let request = b"GET /a HTTP/1.1\r\nHost: example.com\r\nUser-Agent: curl/8.0\r\n\r\n";
        let metadata = metadata_of(&[packets::tcp(80, request)]);
        assert_eq!((&*metadata.client_info, &*metadata.server_info), ("curl/8.0", "example.com"));
        assert_eq!(&*metadata.http.method, "GET");
        assert_eq!(&*metadata.http.url, "example.com/a");
    }

    #[test]
    fn ssh_names_both_versions() {
        let metadata = metadata_of(&[
            packets::tcp(22, b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"),
            packets::tcp_answer(22, b"SSH-2.0-OpenSSH_8.4\r\n"),
        ]);
        let infos = (&*metadata.client_info, &*metadata.server_info);
        assert_eq!(infos, ("SSH-2.0-OpenSSH_9.2p1 Debian-2", "SSH-2.0-OpenSSH_8.4"));
    }

    #[test]
    fn text_that_is_not_utf_8_is_replaced() {
        let request = b"GET / HTTP/1.1\r\nHost: example.com\r\nUser-Agent: a\xffb agent\r\n\r\n";
        let metadata = metadata_of(&[packets::tcp(80, request)]);
        assert_eq!(&*metadata.client_info, "a\u{fffd}b agent");
    }

    #[test]
    fn an_unused_flow_has_no_metadata() {
        assert_eq!(Flow::new().metadata(), crate::Metadata::default());
    }
}
