//! Events of the Elastic Common Schema.

use arrow_schema::Schema as ArrowSchema;

use super::eve_values::{record_type, response_code, tls_version};
use super::lines::{Line, LineEncoder};
use super::mapping::{
    Mapped, MappedField, Places, columns_of, help, instant, text_or_absent, write_object,
};
use super::{Format, Needs};
use crate::packet::protocol::{ICMP, ICMP_V6, SCTP, TCP, UDP};
use crate::table::Cells;

pub(super) const FORMAT: Format = Format {
    name: "ecs",
    extensions: &[],
    description: "Elastic Common Schema, one JSON object per flow",
    is_binary: false,
    needs: Some(Needs {
        columns: |chosen| columns_of(FIELDS.iter(), chosen.dissects),
        ip_bytes: false,
        fields: || help(FIELDS.iter()),
    }),
    encoder: |output, schema, _| Ok(Box::new(LineEncoder::<Event, _>::new(output, schema)?)),
};

/// Fields, those of one object together.
pub(super) const FIELDS: &[MappedField] = &[
    MappedField {
        name: "@timestamp",
        kind: "date",
        columns: &["first_seen"],
        value: |row| Mapped::Text(instant(row.number("first_seen")).into()),
        about: "",
    },
    MappedField {
        name: "ecs.version",
        kind: "keyword",
        columns: &[],
        value: |_| Mapped::Text("8.17.0".into()),
        about: "",
    },
    MappedField {
        name: "event.kind",
        kind: "keyword",
        columns: &[],
        value: |_| Mapped::Text("event".into()),
        about: "",
    },
    MappedField {
        name: "event.category",
        kind: "keyword",
        columns: &[],
        value: |_| Mapped::List(vec![Mapped::Text("network".into())]),
        about: "",
    },
    MappedField {
        name: "event.type",
        kind: "keyword",
        columns: &[],
        value: |_| Mapped::List(vec![Mapped::Text("connection".into())]),
        about: "",
    },
    MappedField {
        name: "event.dataset",
        kind: "keyword",
        columns: &[],
        value: |_| Mapped::Text("nfstream.flow".into()),
        about: "",
    },
    MappedField {
        name: "event.start",
        kind: "date",
        columns: &["first_seen"],
        value: |row| Mapped::Text(instant(row.number("first_seen")).into()),
        about: "",
    },
    MappedField {
        name: "event.end",
        kind: "date",
        columns: &["last_seen"],
        value: |row| Mapped::Text(instant(row.number("last_seen")).into()),
        about: "",
    },
    MappedField {
        name: "event.duration",
        kind: "long",
        columns: &["first_seen", "last_seen"],
        value: |row| Mapped::Integer(row.number("last_seen") - row.number("first_seen")),
        about: "nanoseconds",
    },
    MappedField {
        name: "event.reason",
        kind: "keyword",
        columns: &["end_reason"],
        value: |row| row.only_text(),
        about: "the column end_reason",
    },
    MappedField {
        name: "source.ip",
        kind: "ip",
        columns: &["src_ip"],
        value: |row| row.only_text(),
        about: "",
    },
    MappedField {
        name: "source.port",
        kind: "long",
        columns: &["src_port"],
        value: |row| row.only_positive(),
        about: "",
    },
    MappedField {
        name: "source.mac",
        kind: "keyword",
        columns: &["src_mac"],
        value: |row| text_or_absent(&mac(row.text("src_mac"))),
        about: "",
    },
    MappedField {
        name: "source.bytes",
        kind: "long",
        columns: &["src2dst_bytes"],
        value: |row| row.only_number(),
        about: "",
    },
    MappedField {
        name: "source.packets",
        kind: "long",
        columns: &["src2dst_packets"],
        value: |row| row.only_number(),
        about: "",
    },
    MappedField {
        name: "destination.ip",
        kind: "ip",
        columns: &["dst_ip"],
        value: |row| row.only_text(),
        about: "",
    },
    MappedField {
        name: "destination.port",
        kind: "long",
        columns: &["dst_port"],
        value: |row| row.only_positive(),
        about: "",
    },
    MappedField {
        name: "destination.mac",
        kind: "keyword",
        columns: &["dst_mac"],
        value: |row| text_or_absent(&mac(row.text("dst_mac"))),
        about: "",
    },
    MappedField {
        name: "destination.bytes",
        kind: "long",
        columns: &["dst2src_bytes"],
        value: |row| row.only_number(),
        about: "",
    },
    MappedField {
        name: "destination.packets",
        kind: "long",
        columns: &["dst2src_packets"],
        value: |row| row.only_number(),
        about: "",
    },
    MappedField {
        name: "network.type",
        kind: "keyword",
        columns: &["version"],
        value: |row| Mapped::Text(if row.number("version") == 6 { "ipv6" } else { "ipv4" }.into()),
        about: "",
    },
    MappedField {
        name: "network.iana_number",
        kind: "keyword",
        columns: &["protocol"],
        value: |row| Mapped::Text(row.number("protocol").to_string().into()),
        about: "",
    },
    MappedField {
        name: "network.transport",
        kind: "keyword",
        columns: &["protocol"],
        value: |row| text_or_absent(transport(row.number("protocol"))),
        about: "",
    },
    MappedField {
        name: "network.protocol",
        kind: "keyword",
        columns: &["application_name"],
        value: |row| text_or_absent(&carrier(row.text("application_name"))),
        about: "the protocol that carries the application, in lower case",
    },
    MappedField {
        name: "network.application",
        kind: "keyword",
        columns: &["application_name"],
        value: |row| text_or_absent(&application(row.text("application_name"))),
        about: "the application, in lower case",
    },
    MappedField {
        name: "network.bytes",
        kind: "long",
        columns: &["src2dst_bytes", "dst2src_bytes"],
        value: |row| Mapped::Integer(row.number("src2dst_bytes") + row.number("dst2src_bytes")),
        about: "",
    },
    MappedField {
        name: "network.packets",
        kind: "long",
        columns: &["src2dst_packets", "dst2src_packets"],
        value: |row| Mapped::Integer(row.number("src2dst_packets") + row.number("dst2src_packets")),
        about: "",
    },
    MappedField {
        name: "network.community_id",
        kind: "keyword",
        columns: &["community_id"],
        value: |row| row.only_text(),
        about: "",
    },
    MappedField {
        name: "network.vlan.id",
        kind: "keyword",
        columns: &["vlan_id"],
        value: |row| match row.number("vlan_id") {
            0 => Mapped::Absent,
            id => Mapped::Text(id.to_string().into()),
        },
        about: "",
    },
    MappedField {
        name: "tls.client.server_name",
        kind: "keyword",
        columns: &["tls_server_name"],
        value: |row| row.only_text(),
        about: "",
    },
    MappedField {
        name: "tls.client.ja3",
        kind: "keyword",
        columns: &["ja3"],
        value: |row| row.only_text(),
        about: "",
    },
    MappedField {
        name: "tls.server.ja3s",
        kind: "keyword",
        columns: &["ja3s"],
        value: |row| row.only_text(),
        about: "",
    },
    MappedField {
        name: "tls.server.subject",
        kind: "keyword",
        columns: &["tls_subject"],
        value: |row| row.only_text(),
        about: "",
    },
    MappedField {
        name: "tls.server.issuer",
        kind: "keyword",
        columns: &["tls_issuer"],
        value: |row| row.only_text(),
        about: "",
    },
    MappedField {
        name: "tls.server.hash.sha1",
        kind: "keyword",
        columns: &["tls_sha1"],
        value: |row| text_or_absent(&row.text("tls_sha1").to_ascii_uppercase()),
        about: "",
    },
    MappedField {
        name: "tls.server.hash.sha256",
        kind: "keyword",
        columns: &["tls_sha256"],
        value: |row| text_or_absent(&row.text("tls_sha256").to_ascii_uppercase()),
        about: "",
    },
    MappedField {
        name: "tls.version",
        kind: "keyword",
        columns: &["tls_version"],
        value: |row| text_or_absent(tls_version(row.number("tls_version"))),
        about: "",
    },
    MappedField {
        name: "tls.version_protocol",
        kind: "keyword",
        columns: &["tls_version"],
        value: |row| match row.number("tls_version") {
            0 => Mapped::Absent,
            768 => Mapped::Text("ssl".into()),
            _ => Mapped::Text("tls".into()),
        },
        about: "",
    },
    MappedField {
        name: "tls.next_protocol",
        kind: "keyword",
        columns: &["tls_selected_alpn"],
        value: |row| row.only_text(),
        about: "",
    },
    MappedField {
        name: "dns.question.name",
        kind: "keyword",
        columns: &["dns_query_name"],
        value: |row| row.only_text(),
        about: "",
    },
    MappedField {
        name: "dns.question.type",
        kind: "keyword",
        columns: &["dns_query_type", "dns_query_name"],
        value: |row| match row.text("dns_query_name") {
            "" => Mapped::Absent,
            _ => Mapped::Text(record_type(row.number("dns_query_type")).into()),
        },
        about: "",
    },
    MappedField {
        name: "dns.response_code",
        kind: "keyword",
        columns: &["dns_response_code"],
        value: |row| response_code(row.number("dns_response_code")),
        about: "",
    },
    MappedField {
        name: "http.request.method",
        kind: "keyword",
        columns: &["http_method"],
        value: |row| row.only_text(),
        about: "",
    },
    MappedField {
        name: "http.request.mime_type",
        kind: "keyword",
        columns: &["http_request_content_type"],
        value: |row| row.only_text(),
        about: "",
    },
    MappedField {
        name: "http.response.status_code",
        kind: "long",
        columns: &["http_status"],
        value: |row| row.only_positive(),
        about: "",
    },
    MappedField {
        name: "http.response.mime_type",
        kind: "keyword",
        columns: &["http_response_content_type"],
        value: |row| row.only_text(),
        about: "",
    },
    MappedField {
        name: "url.domain",
        kind: "keyword",
        columns: &["http_host"],
        value: |row| row.only_text(),
        about: "",
    },
    MappedField {
        name: "url.original",
        kind: "wildcard",
        columns: &["http_url"],
        value: |row| row.only_text(),
        about: "",
    },
    MappedField {
        name: "user_agent.original",
        kind: "keyword",
        columns: &["http_user_agent"],
        value: |row| row.only_text(),
        about: "",
    },
];

/// An event.
struct Event(Places);

impl Line for Event {
    fn new(schema: &ArrowSchema) -> Self {
        Self(Places::new(FIELDS, schema))
    }

    fn write_header(&self, _: &mut Vec<u8>) {}

    fn write_row(&self, cells: &[Cells<'_>], row: usize, out: &mut Vec<u8>) {
        let values = FIELDS.iter().enumerate();
        let values =
            values.map(|(place, field)| (field.name, self.0.value(place, FIELDS, cells, row)));
        write_object(values, out);
    }
}

fn transport(protocol: i64) -> &'static str {
    match u8::try_from(protocol) {
        Ok(TCP) => "tcp",
        Ok(UDP) => "udp",
        Ok(ICMP) => "icmp",
        Ok(ICMP_V6) => "ipv6-icmp",
        Ok(SCTP) => "sctp",
        _ => "",
    }
}

/// Returns the protocol that carries an application, empty if it is unknown.
fn carrier(application: &str) -> String {
    let carrier = application.split('.').next().unwrap_or_default();
    if carrier == "Unknown" { String::new() } else { carrier.to_lowercase() }
}

/// Returns the application that a protocol carries, empty if there is none.
fn application(name: &str) -> String {
    name.split_once('.').map(|(_, application)| application.to_lowercase()).unwrap_or_default()
}

/// Returns a MAC address in the notation of the schema, empty if it is unknown.
fn mac(address: &str) -> String {
    let is_known = address.bytes().any(|byte| !matches!(byte, b'0' | b':'));
    if is_known { address.to_ascii_uppercase().replace(':', "-") } else { String::new() }
}
