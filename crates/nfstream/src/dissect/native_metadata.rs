//! Metadata from the dissector in Rust, as the engine's types.

use nfstream_dissect as native;

use super::Wanted;
use super::native_risks::risks;
use crate::features::{Dns, Group, Http, Metadata, Tls};
use crate::time::Timestamp;

/// Returns the requested metadata of a flow; `None` if no column shows any of it. The flow's first
/// packet arrived at `time`.
pub(super) fn metadata_of(
    read: native::Metadata,
    wanted: Wanted,
    time: Timestamp,
) -> Option<Metadata> {
    let risks = if wanted.risks() { risks(&read, time) } else { Box::default() };
    let native::Metadata { host, dhcp, dns, http, http2, quic, ssh, tls, .. } = read;
    let mut metadata = Metadata {
        dhcp: dhcp.filter(|_| wanted.dhcp()),
        dns: dns.filter(|_| wanted.contains(Group::Dns)).map(|dns| Box::new(of_dns(*dns))),
        quic: quic.filter(|_| wanted.quic()),
        ssh,
        risks,
        ..Metadata::default()
    };
    let is_tls = tls.is_some();
    if let Some(tls) = tls {
        add_tls(*tls, &host, wanted, &mut metadata);
    }
    if let Some(http) = http.or_else(|| http2.map(|http| Box::new(of_http2(*http, &host)))) {
        add_http(http, is_tls, wanted, &mut metadata);
    }
    add_summary(is_tls, &mut metadata);
    add_host(host, is_tls, wanted, &mut metadata);
    (metadata != Metadata::default()).then_some(metadata)
}

/// Fills the columns whose content depends on the protocol.
fn add_summary(is_tls: bool, metadata: &mut Metadata) {
    if let Some(ssh) = metadata.ssh.as_deref().filter(|_| !is_tls) {
        metadata.client_info = ssh.client_version.clone();
        metadata.server_info = ssh.server_version.clone();
        metadata.client_fingerprint = ssh.client_hassh.clone();
        metadata.server_fingerprint = ssh.server_hassh.clone();
    }
    if let Some(dhcp) = &metadata.dhcp {
        metadata.client_fingerprint = dhcp.fingerprint.clone();
        metadata.user_agent = dhcp.vendor_class.clone();
    }
    if let Some(quic) = &metadata.quic {
        metadata.user_agent = quic.user_agent.clone();
    }
}

/// Fills the columns that show the requested server.
fn add_host(host: Box<str>, is_tls: bool, wanted: Wanted, metadata: &mut Metadata) {
    let described = if is_tls { &mut metadata.client_info } else { &mut metadata.server_info };
    let is_described = is_tls || metadata.ssh.is_none();
    if !wanted.host() {
        if is_described {
            *described = host;
        }
        return;
    }
    if is_described {
        described.clone_from(&host);
    }
    metadata.requested_server_name = host;
}

fn add_http(http: Box<Http>, is_tls: bool, wanted: Wanted, metadata: &mut Metadata) {
    if !wanted.http() {
        if !is_tls {
            metadata.client_info = http.user_agent;
        }
        return;
    }
    if !is_tls {
        metadata.client_info = http.user_agent.clone();
    }
    metadata.user_agent = http.user_agent.clone();
    metadata.content_type = http.response_content_type.clone();
    metadata.http = Some(http);
}

fn add_tls(tls: native::metadata::Tls, host: &str, wanted: Wanted, metadata: &mut Metadata) {
    metadata.client_fingerprint = tls.ja4_of_ndpi(host).into();
    metadata.ja3_client = tls.ja3;
    let certificate_names =
        |certificate: &mut native::metadata::Certificate| match &mut *certificate.names {
            [] => std::mem::take(&mut certificate.common_name),
            [name] => std::mem::take(name),
            names => join(names),
        };
    if !wanted.tls() {
        metadata.ja3_server = tls.ja3s;
        if let Some(mut certificate) = tls.certificate {
            metadata.server_info = certificate_names(&mut certificate);
        }
        return;
    }
    metadata.server_fingerprint = tls.ja3s.clone();
    metadata.ja3_server = tls.ja3s;
    // For hellos inside SMTP or a proxied connection, the host may come from the outer protocol.
    // JA4 shows whether the hello itself names a server.
    let is_named = tls.ja4.get(3..4) != Some("i");
    let mut cells = Tls {
        version: tls.version.map_or(0, |version| version.0),
        server_name: if is_named { host.into() } else { Box::default() },
        supported_versions: join(tls.offered_versions.iter().map(ToString::to_string)),
        alpn: tls.alpn,
        selected_alpn: tls.selected_alpn,
        cipher: tls.cipher.unwrap_or(0),
        encrypted_hello: tls.ech,
        hello_retry: tls.hello_retry,
        ..Tls::default()
    };
    if let Some(mut certificate) = tls.certificate {
        cells.certificate_names = certificate_names(&mut certificate);
        metadata.server_info = cells.certificate_names.clone();
        cells.issuer = certificate.issuer;
        cells.subject = certificate.subject;
        cells.not_before = Some(Timestamp::from_seconds(certificate.not_before, 0));
        cells.not_after = Some(Timestamp::from_seconds(certificate.not_after, 0));
        cells.sha1 = certificate.sha1;
        cells.sha256 = certificate.sha256;
    }
    metadata.ja4 = tls.ja4;
    metadata.tls = Some(Box::new(cells));
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

fn of_http2(read: native::metadata::Http2, host: &str) -> Http {
    Http {
        method: read.method,
        url: format!("{host}{}", read.path).into(),
        user_agent: read.user_agent,
        request_content_type: read.request_content_type,
        status: read.status,
        server: read.server,
        response_content_type: read.response_content_type,
    }
}

/// Returns as many texts of `items` as fit in [`MAX_TEXT`](Metadata::MAX_TEXT), separated by
/// commas.
fn join(items: impl IntoIterator<Item = impl AsRef<str>>) -> Box<str> {
    let mut text = String::new();
    for item in items {
        let item = item.as_ref();
        let separator = if text.is_empty() { "" } else { "," };
        if text.len() + separator.len() + item.len() > Metadata::MAX_TEXT {
            break;
        }
        text.push_str(separator);
        text.push_str(item);
    }
    text.into()
}
