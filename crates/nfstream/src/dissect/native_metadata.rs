//! Metadata of the dissector in Rust in the engine's types.

use std::fmt::{Display, Write as _};

use nfstream_dissect as native;

use crate::features::{Dhcp, Dns, Http, Metadata, Quic, Ssh, Tls};
use crate::time::Timestamp;

/// Returns the metadata of a flow; `None` where no column shows any of it.
pub(super) fn metadata_of(read: native::Metadata) -> Option<Metadata> {
    let native::Metadata { host, dhcp, dns, http, http2, quic, ssh, tls, .. } = read;
    let mut metadata = Metadata {
        dhcp: dhcp.map(|dhcp| Box::new(of_dhcp(*dhcp))),
        dns: dns.map(|dns| Box::new(of_dns(*dns))),
        http: http
            .map(|http| of_http(*http, &host))
            .or_else(|| http2.map(|http| of_http2(*http, &host)))
            .map(Box::new),
        quic: quic.map(|quic| Box::new(of_quic(*quic))),
        ssh: ssh.map(|ssh| Box::new(of_ssh(*ssh))),
        requested_server_name: host,
        ..Metadata::default()
    };
    if let Some(tls) = tls {
        add_tls(*tls, &mut metadata);
    }
    add_summary(&mut metadata);
    (metadata != Metadata::default()).then_some(metadata)
}

/// Fills in the columns that hold something else for each protocol.
fn add_summary(metadata: &mut Metadata) {
    let host = &metadata.requested_server_name;
    if let Some(tls) = &metadata.tls {
        metadata.client_info = host.clone();
        metadata.server_info = tls.certificate_names.clone();
    } else if let Some(ssh) = &metadata.ssh {
        metadata.client_info = ssh.client_version.clone();
        metadata.server_info = ssh.server_version.clone();
        metadata.client_fingerprint = ssh.client_hassh.clone();
        metadata.server_fingerprint = ssh.server_hassh.clone();
    } else {
        metadata.server_info = host.clone();
    }
    if let Some(dhcp) = &metadata.dhcp {
        metadata.client_fingerprint = dhcp.fingerprint.clone();
        metadata.user_agent = dhcp.vendor_class.clone();
    }
    if let Some(quic) = &metadata.quic {
        metadata.user_agent = quic.user_agent.clone();
    }
    if let Some(http) = &metadata.http {
        if metadata.tls.is_none() {
            metadata.client_info = http.user_agent.clone();
        }
        metadata.user_agent = http.user_agent.clone();
        metadata.content_type = http.response_content_type.clone();
    }
}

fn add_tls(tls: native::metadata::Tls, metadata: &mut Metadata) {
    let host = &metadata.requested_server_name;
    metadata.client_fingerprint = tls.ja4_of_ndpi(host).into();
    metadata.server_fingerprint = tls.ja3s.clone();
    // Hellos inside SMTP or a proxied connection may leave the host to what is around them: JA4
    // shows whether they name a server.
    let is_named = tls.ja4.get(3..4) != Some("i");
    let mut cells = Tls {
        version: tls.version.map_or(0, |version| version.0),
        server_name: if is_named { host.clone() } else { Box::default() },
        supported_versions: join(tls.offered_versions.iter()),
        alpn: tls.alpn,
        selected_alpn: tls.selected_alpn,
        cipher: tls.cipher.unwrap_or(0),
        encrypted_hello: tls.ech,
        hello_retry: tls.hello_retry,
        ..Tls::default()
    };
    if let Some(certificate) = tls.certificate {
        cells.certificate_names = match &*certificate.names {
            [] => certificate.common_name,
            names => join(names.iter()),
        };
        cells.issuer = certificate.issuer;
        cells.subject = certificate.subject;
        cells.not_before = Some(Timestamp::from_seconds(certificate.not_before, 0));
        cells.not_after = Some(Timestamp::from_seconds(certificate.not_after, 0));
        cells.sha1 = certificate.sha1;
        cells.sha256 = certificate.sha256;
    }
    metadata.ja3_client = tls.ja3;
    metadata.ja3_server = tls.ja3s;
    metadata.ja4 = tls.ja4;
    metadata.tls = Some(Box::new(cells));
}

fn of_dhcp(read: native::metadata::Dhcp) -> Dhcp {
    let native::metadata::Dhcp { message_type, host_name, vendor_class, fingerprint } = read;
    Dhcp { message_type, host_name, vendor_class, fingerprint }
}

fn of_dns(read: native::metadata::Dns) -> Dns {
    Dns {
        query_name: read.query_name,
        query_type: read.query_type,
        response_code: read.response_code,
        answers: read.answer_records,
        addresses: read.answers.iter().map(|answer| answer.address).collect(),
    }
}

fn of_http(read: native::metadata::Http, host: &str) -> Http {
    Http {
        method: read.method,
        host: host.into(),
        url: read.url,
        user_agent: read.user_agent,
        request_content_type: read.request_content_type,
        status: read.status,
        server: read.server,
        response_content_type: read.response_content_type,
    }
}

fn of_http2(read: native::metadata::Http2, host: &str) -> Http {
    Http {
        method: read.method,
        host: host.into(),
        url: format!("{host}{}", read.path).into(),
        user_agent: read.user_agent,
        request_content_type: read.request_content_type,
        status: read.status,
        server: read.server,
        response_content_type: read.response_content_type,
    }
}

fn of_quic(read: native::metadata::Quic) -> Quic {
    let native::metadata::Quic { version, user_agent, version_negotiation, retry, early_data } =
        read;
    Quic { version, user_agent, version_negotiation, retry, early_data }
}

fn of_ssh(read: native::metadata::Ssh) -> Ssh {
    let native::metadata::Ssh { client_version, server_version, client_hassh, server_hassh } = read;
    Ssh { client_version, server_version, client_hassh, server_hassh }
}

/// Returns the texts of `items`, separated by commas: as many as fit in
/// [`MAX_TEXT`](Metadata::MAX_TEXT).
fn join(items: impl Iterator<Item = impl Display>) -> Box<str> {
    let mut text = String::new();
    for item in items {
        let before = text.len();
        let separator = if before == 0 { "" } else { "," };
        // Writing to a string does not fail.
        let _ = write!(text, "{separator}{item}");
        if text.len() > Metadata::MAX_TEXT {
            text.truncate(before);
            break;
        }
    }
    text.into()
}
