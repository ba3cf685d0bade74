//! Values of Suricata's events.

use super::mapping::{Mapped, Row, instant};
use crate::packet::protocol::{ICMP, ICMP_V6, SCTP, TCP, UDP};

/// Returns a time with microseconds and an offset, as Suricata writes it.
pub(super) fn offset(nanoseconds: i64) -> String {
    let text = instant(nanoseconds);
    format!("{}+0000", text.get(..text.len().saturating_sub(4)).unwrap_or_default())
}

/// Returns a day and a time of day, absent if there is none.
pub(super) fn date(nanoseconds: i64) -> Mapped<'static> {
    match nanoseconds {
        0 => Mapped::Absent,
        time => Mapped::Text(instant(time).get(..19).unwrap_or_default().to_owned().into()),
    }
}

/// Returns a number for a flow, which JavaScript can represent.
pub(super) fn flow_id(row: &Row<'_, '_>) -> i64 {
    let mixed = row.number("id").wrapping_mul(0x9e37_79b9_7f4a_7c15_u64.cast_signed())
        ^ row.number("first_seen");
    mixed & ((1 << 53) - 1)
}

pub(super) fn proto(protocol: i64) -> String {
    match u8::try_from(protocol) {
        Ok(TCP) => "TCP".to_owned(),
        Ok(UDP) => "UDP".to_owned(),
        Ok(ICMP) => "ICMP".to_owned(),
        Ok(ICMP_V6) => "IPv6-ICMP".to_owned(),
        Ok(SCTP) => "SCTP".to_owned(),
        _ => format!("{protocol:03}"),
    }
}

/// Returns Suricata's name of the protocol that carries an application, empty if it has none.
pub(super) fn app_proto(application: &str) -> &'static str {
    match application.split('.').next().unwrap_or_default() {
        "TLS" => "tls",
        "DNS" => "dns",
        "HTTP" => "http",
        "SSH" => "ssh",
        "QUIC" => "quic",
        "FTP_CONTROL" => "ftp",
        "FTP_DATA" => "ftp-data",
        "SMTP" => "smtp",
        "IMAP" => "imap",
        "DHCP" => "dhcp",
        "NTP" => "ntp",
        "SNMP" => "snmp",
        "SIP" => "sip",
        "RDP" => "rdp",
        "SMBv1" | "SMBv23" => "smb",
        "Kerberos" => "krb5",
        "MQTT" => "mqtt",
        "PostgreSQL" => "pgsql",
        "" | "Unknown" => "",
        _ => "failed",
    }
}

pub(super) fn state(row: &Row<'_, '_>) -> &'static str {
    let has = |name: &str| row.number(name) > 0;
    let is_tcp = row.number("protocol") == i64::from(TCP);
    let is_closed = (has("src2dst_fin_packets") && has("dst2src_fin_packets"))
        || has("src2dst_rst_packets")
        || has("dst2src_rst_packets");
    match is_tcp {
        true if is_closed => "closed",
        true if has("src2dst_syn_packets") && !has("dst2src_syn_packets") => "new",
        _ if !has("dst2src_packets") => "new",
        _ => "established",
    }
}

pub(super) fn reason(end: &str) -> &'static str {
    match end {
        "idle" | "active" | "tcp_fin" | "tcp_rst" | "tcp_reopened" => "timeout",
        "evicted" => "forced",
        _ => "shutdown",
    }
}

/// Returns the flags of the packets of `scope` in hexadecimal, absent outside TCP.
pub(super) fn flags(row: &Row<'_, '_>, scope: &str) -> Mapped<'static> {
    if row.number("protocol") != i64::from(TCP) {
        return Mapped::Absent;
    }
    let bits = [
        ("fin", 1),
        ("syn", 2),
        ("rst", 4),
        ("psh", 8),
        ("ack", 16),
        ("urg", 32),
        ("ece", 64),
        ("cwr", 128),
    ];
    let seen = bits.iter().filter(|(flag, _)| row.number(&format!("{scope}_{flag}_packets")) > 0);
    let all = seen.fold(0_u8, |all, (_, bit)| all | bit);
    Mapped::Text(format!("{all:02x}").into())
}

/// Returns true if packets with a flag were seen, otherwise nothing.
pub(super) fn has_flag(row: &Row<'_, '_>, column: &str) -> Mapped<'static> {
    let is_seen = row.number("protocol") == i64::from(TCP) && row.number(column) > 0;
    if is_seen { Mapped::Flag(true) } else { Mapped::Absent }
}

/// Returns a hash in hexadecimal with colons between its bytes.
pub(super) fn with_colons(hash: &str) -> String {
    let pairs = hash.as_bytes().chunks(2).map(|pair| String::from_utf8_lossy(pair).into_owned());
    pairs.collect::<Vec<_>>().join(":")
}

/// Returns the name of a version, empty if there is none.
pub(super) fn tls_version(version: i64) -> &'static str {
    match version {
        0 => "",
        768 => "SSLv3",
        769 => "TLSv1",
        770 => "TLS 1.1",
        771 => "TLS 1.2",
        772 => "TLS 1.3",
        65_279 => "DTLS 1.0",
        65_277 => "DTLS 1.2",
        65_276 => "DTLS 1.3",
        _ => "UNDETERMINED",
    }
}

/// Returns the name of a type of DNS records.
pub(super) fn record_type(number: i64) -> String {
    let name = match number {
        1 => "A",
        2 => "NS",
        5 => "CNAME",
        6 => "SOA",
        12 => "PTR",
        15 => "MX",
        16 => "TXT",
        28 => "AAAA",
        33 => "SRV",
        35 => "NAPTR",
        43 => "DS",
        46 => "RRSIG",
        47 => "NSEC",
        48 => "DNSKEY",
        64 => "SVCB",
        65 => "HTTPS",
        255 => "ANY",
        _ => return format!("TYPE{number}"),
    };
    name.to_owned()
}

/// Returns the name of a code of DNS responses, absent without a response.
pub(super) fn response_code(number: i64) -> Mapped<'static> {
    let name = match number {
        ..0 => return Mapped::Absent,
        0 => "NOERROR",
        1 => "FORMERR",
        2 => "SERVFAIL",
        3 => "NXDOMAIN",
        4 => "NOTIMP",
        5 => "REFUSED",
        number => return Mapped::Text(format!("RCODE{number}").into()),
    };
    Mapped::Text(name.into())
}
