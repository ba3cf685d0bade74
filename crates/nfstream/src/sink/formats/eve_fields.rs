//! Fields of Suricata's events.

use super::eve_values::{
    app_proto, date, flags, flow_id, has_flag, offset, proto, reason, record_type, response_code,
    state, tls_version, with_colons,
};
use super::mapping::{Mapped, MappedField, text_or_absent};

/// Fields of every event.
pub(super) const HEAD: &[MappedField] = &[
    MappedField {
        name: "timestamp",
        kind: "time",
        columns: &["last_seen"],
        value: |row| Mapped::Text(offset(row.number("last_seen")).into()),
        about: "end of the flow",
    },
    MappedField {
        name: "flow_id",
        kind: "integer",
        columns: &["id", "first_seen"],
        value: |row| Mapped::Integer(flow_id(row)),
        about: "a hash of the flow's number and start",
    },
    MappedField {
        name: "event_type",
        kind: "string",
        columns: &[],
        value: |_| Mapped::Absent,
        about: "flow, tls, dns or http",
    },
    MappedField {
        name: "vlan",
        kind: "array",
        columns: &["vlan_id"],
        value: |row| match row.number("vlan_id") {
            0 => Mapped::Absent,
            id => Mapped::List(vec![Mapped::Integer(id)]),
        },
        about: "",
    },
    MappedField {
        name: "src_ip",
        kind: "string",
        columns: &["src_ip"],
        value: |row| row.only_text(),
        about: "",
    },
    MappedField {
        name: "src_port",
        kind: "integer",
        columns: &["src_port"],
        value: |row| row.only_positive(),
        about: "",
    },
    MappedField {
        name: "dest_ip",
        kind: "string",
        columns: &["dst_ip"],
        value: |row| row.only_text(),
        about: "",
    },
    MappedField {
        name: "dest_port",
        kind: "integer",
        columns: &["dst_port"],
        value: |row| row.only_positive(),
        about: "",
    },
    MappedField {
        name: "proto",
        kind: "string",
        columns: &["protocol"],
        value: |row| Mapped::Text(proto(row.number("protocol")).into()),
        about: "TCP, UDP, ICMP, IPv6-ICMP, SCTP or the number",
    },
    MappedField {
        name: "app_proto",
        kind: "string",
        columns: &["application_name"],
        value: |row| text_or_absent(app_proto(row.text("application_name"))),
        about: "by Suricata's names",
    },
    MappedField {
        name: "community_id",
        kind: "string",
        columns: &["community_id"],
        value: |row| row.only_text(),
        about: "",
    },
];

/// Fields of the event of a flow.
pub(super) const FLOW: &[MappedField] = &[
    MappedField {
        name: "flow.pkts_toserver",
        kind: "integer",
        columns: &["src2dst_packets"],
        value: |row| row.only_number(),
        about: "",
    },
    MappedField {
        name: "flow.pkts_toclient",
        kind: "integer",
        columns: &["dst2src_packets"],
        value: |row| row.only_number(),
        about: "",
    },
    MappedField {
        name: "flow.bytes_toserver",
        kind: "integer",
        columns: &["src2dst_bytes"],
        value: |row| row.only_number(),
        about: "bytes of frames",
    },
    MappedField {
        name: "flow.bytes_toclient",
        kind: "integer",
        columns: &["dst2src_bytes"],
        value: |row| row.only_number(),
        about: "",
    },
    MappedField {
        name: "flow.start",
        kind: "time",
        columns: &["first_seen"],
        value: |row| Mapped::Text(offset(row.number("first_seen")).into()),
        about: "",
    },
    MappedField {
        name: "flow.end",
        kind: "time",
        columns: &["last_seen"],
        value: |row| Mapped::Text(offset(row.number("last_seen")).into()),
        about: "",
    },
    MappedField {
        name: "flow.age",
        kind: "integer",
        columns: &["first_seen", "last_seen"],
        value: |row| {
            let age = row.number("last_seen") - row.number("first_seen");
            Mapped::Integer(age / 1_000_000_000)
        },
        about: "whole seconds",
    },
    MappedField {
        name: "flow.state",
        kind: "string",
        columns: &[
            "protocol",
            "dst2src_packets",
            "src2dst_syn_packets",
            "dst2src_syn_packets",
            "src2dst_fin_packets",
            "dst2src_fin_packets",
            "src2dst_rst_packets",
            "dst2src_rst_packets",
        ],
        value: |row| Mapped::Text(state(row).into()),
        about: "new, established or closed",
    },
    MappedField {
        name: "flow.reason",
        kind: "string",
        columns: &["end_reason"],
        value: |row| Mapped::Text(reason(row.text("end_reason")).into()),
        about: "timeout, forced or shutdown",
    },
    MappedField {
        name: "flow.alerted",
        kind: "boolean",
        columns: &[],
        value: |_| Mapped::Flag(false),
        about: "nfstream has no alerts",
    },
    MappedField {
        name: "tcp.tcp_flags",
        kind: "string",
        columns: &[
            "protocol",
            "bidirectional_syn_packets",
            "bidirectional_fin_packets",
            "bidirectional_rst_packets",
            "bidirectional_psh_packets",
            "bidirectional_ack_packets",
            "bidirectional_ece_packets",
            "bidirectional_cwr_packets",
            "bidirectional_urg_packets",
        ],
        value: |row| flags(row, "bidirectional"),
        about: "in hexadecimal",
    },
    MappedField {
        name: "tcp.tcp_flags_ts",
        kind: "string",
        columns: &[
            "protocol",
            "src2dst_syn_packets",
            "src2dst_fin_packets",
            "src2dst_rst_packets",
            "src2dst_psh_packets",
            "src2dst_ack_packets",
            "src2dst_ece_packets",
            "src2dst_cwr_packets",
            "src2dst_urg_packets",
        ],
        value: |row| flags(row, "src2dst"),
        about: "",
    },
    MappedField {
        name: "tcp.tcp_flags_tc",
        kind: "string",
        columns: &[
            "protocol",
            "dst2src_syn_packets",
            "dst2src_fin_packets",
            "dst2src_rst_packets",
            "dst2src_psh_packets",
            "dst2src_ack_packets",
            "dst2src_ece_packets",
            "dst2src_cwr_packets",
            "dst2src_urg_packets",
        ],
        value: |row| flags(row, "dst2src"),
        about: "",
    },
    MappedField {
        name: "tcp.syn",
        kind: "boolean",
        columns: &["protocol", "bidirectional_syn_packets"],
        value: |row| has_flag(row, "bidirectional_syn_packets"),
        about: "only if it was seen",
    },
    MappedField {
        name: "tcp.fin",
        kind: "boolean",
        columns: &["protocol", "bidirectional_fin_packets"],
        value: |row| has_flag(row, "bidirectional_fin_packets"),
        about: "only if it was seen",
    },
    MappedField {
        name: "tcp.rst",
        kind: "boolean",
        columns: &["protocol", "bidirectional_rst_packets"],
        value: |row| has_flag(row, "bidirectional_rst_packets"),
        about: "only if it was seen",
    },
    MappedField {
        name: "tcp.psh",
        kind: "boolean",
        columns: &["protocol", "bidirectional_psh_packets"],
        value: |row| has_flag(row, "bidirectional_psh_packets"),
        about: "only if it was seen",
    },
    MappedField {
        name: "tcp.ack",
        kind: "boolean",
        columns: &["protocol", "bidirectional_ack_packets"],
        value: |row| has_flag(row, "bidirectional_ack_packets"),
        about: "only if it was seen",
    },
    MappedField {
        name: "tcp.ecn",
        kind: "boolean",
        columns: &["protocol", "bidirectional_ece_packets"],
        value: |row| has_flag(row, "bidirectional_ece_packets"),
        about: "only if it was seen",
    },
    MappedField {
        name: "tcp.cwr",
        kind: "boolean",
        columns: &["protocol", "bidirectional_cwr_packets"],
        value: |row| has_flag(row, "bidirectional_cwr_packets"),
        about: "only if it was seen",
    },
    MappedField {
        name: "tcp.urg",
        kind: "boolean",
        columns: &["protocol", "bidirectional_urg_packets"],
        value: |row| has_flag(row, "bidirectional_urg_packets"),
        about: "only if it was seen",
    },
];

/// Fields of the event of a TLS handshake.
pub(super) const TLS: &[MappedField] = &[
    MappedField {
        name: "tls.subject",
        kind: "string",
        columns: &["tls_subject"],
        value: |row| row.only_text(),
        about: "",
    },
    MappedField {
        name: "tls.issuerdn",
        kind: "string",
        columns: &["tls_issuer"],
        value: |row| row.only_text(),
        about: "",
    },
    MappedField {
        name: "tls.fingerprint",
        kind: "string",
        columns: &["tls_sha1"],
        value: |row| text_or_absent(&with_colons(row.text("tls_sha1"))),
        about: "SHA-1 of the certificate",
    },
    MappedField {
        name: "tls.sni",
        kind: "string",
        columns: &["tls_server_name"],
        value: |row| row.only_text(),
        about: "",
    },
    MappedField {
        name: "tls.version",
        kind: "string",
        columns: &["tls_version"],
        value: |row| text_or_absent(tls_version(row.number("tls_version"))),
        about: "",
    },
    MappedField {
        name: "tls.notbefore",
        kind: "string",
        columns: &["tls_not_before_ns"],
        value: |row| date(row.number("tls_not_before_ns")),
        about: "",
    },
    MappedField {
        name: "tls.notafter",
        kind: "string",
        columns: &["tls_not_after_ns"],
        value: |row| date(row.number("tls_not_after_ns")),
        about: "",
    },
    MappedField {
        name: "tls.ja3.hash",
        kind: "string",
        columns: &["ja3"],
        value: |row| row.only_text(),
        about: "",
    },
    MappedField {
        name: "tls.ja3s.hash",
        kind: "string",
        columns: &["ja3s"],
        value: |row| row.only_text(),
        about: "",
    },
    MappedField {
        name: "tls.ja4",
        kind: "string",
        columns: &["ja4"],
        value: |row| row.only_text(),
        about: "",
    },
];

/// Fields of the event of a DNS exchange.
pub(super) const DNS: &[MappedField] = &[
    MappedField {
        name: "dns.type",
        kind: "string",
        columns: &["dns_response_code"],
        value: |row| {
            let is_answered = row.number("dns_response_code") >= 0;
            Mapped::Text(if is_answered { "answer" } else { "query" }.into())
        },
        about: "the first exchange of a flow",
    },
    MappedField {
        name: "dns.rrname",
        kind: "string",
        columns: &["dns_query_name"],
        value: |row| row.only_text(),
        about: "",
    },
    MappedField {
        name: "dns.rrtype",
        kind: "string",
        columns: &["dns_query_type"],
        value: |row| Mapped::Text(record_type(row.number("dns_query_type")).into()),
        about: "",
    },
    MappedField {
        name: "dns.rcode",
        kind: "string",
        columns: &["dns_response_code"],
        value: |row| response_code(row.number("dns_response_code")),
        about: "",
    },
];

/// Fields of the event of an HTTP exchange.
pub(super) const HTTP: &[MappedField] = &[
    MappedField {
        name: "http.hostname",
        kind: "string",
        columns: &["http_host"],
        value: |row| row.only_text(),
        about: "",
    },
    MappedField {
        name: "http.url",
        kind: "string",
        columns: &["http_url", "http_host"],
        value: |row| {
            let (url, host) = (row.text("http_url"), row.text("http_host"));
            text_or_absent(url.strip_prefix(host).unwrap_or(url))
        },
        about: "the first exchange of a flow",
    },
    MappedField {
        name: "http.http_user_agent",
        kind: "string",
        columns: &["http_user_agent"],
        value: |row| row.only_text(),
        about: "",
    },
    MappedField {
        name: "http.http_content_type",
        kind: "string",
        columns: &["http_response_content_type"],
        value: |row| row.only_text(),
        about: "",
    },
    MappedField {
        name: "http.http_method",
        kind: "string",
        columns: &["http_method"],
        value: |row| row.only_text(),
        about: "",
    },
    MappedField {
        name: "http.status",
        kind: "integer",
        columns: &["http_status"],
        value: |row| row.only_positive(),
        about: "",
    },
];
