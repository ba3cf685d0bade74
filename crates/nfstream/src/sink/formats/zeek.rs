//! Zeek's connection log, `conn.log`, as a table of fields: tab-separated text.

use std::net::IpAddr;

use arrow_schema::Schema as ArrowSchema;
use sha1::{Digest, Sha1};

use super::lines::{Line, LineEncoder};
use super::mapping::{Mapped, MappedField, Places, Row, columns_of, help, seconds, text_or_absent};
use super::{Format, Needs};
use crate::packet::protocol::{ICMP, ICMP_V6, TCP, UDP};
use crate::table::Cells;

pub(super) const FORMAT: Format = Format {
    name: "zeek",
    extensions: &[],
    description: "Zeek's conn.log, separated by tabs",
    is_binary: false,
    needs: Some(Needs {
        columns: |chosen| columns_of(FIELDS.iter(), chosen.dissects),
        ip_bytes: true,
        fields: || help(FIELDS.iter()),
    }),
    encoder: |output, schema, _| Ok(Box::new(LineEncoder::<Log, _>::new(output, schema)?)),
};

/// Columns from which the state of a connection follows.
const STATE: &[&str] = &[
    "protocol",
    "src2dst_packets",
    "dst2src_packets",
    "src2dst_syn_packets",
    "dst2src_syn_packets",
    "src2dst_fin_packets",
    "dst2src_fin_packets",
    "src2dst_rst_packets",
    "dst2src_rst_packets",
    "history",
];

/// Fields, in the order of the log.
pub(super) const FIELDS: &[MappedField] = &[
    MappedField {
        name: "ts",
        kind: "time",
        columns: &["first_seen"],
        value: |row| Mapped::Decimal(seconds(row.number("first_seen"))),
        about: "",
    },
    MappedField {
        name: "uid",
        kind: "string",
        columns: &["id", "first_seen", "src_ip", "dst_ip", "src_port", "dst_port", "protocol"],
        value: |row| Mapped::Text(uid(row).into()),
        about: "C and 17 letters and digits from a hash of the flow: the same in every run",
    },
    MappedField {
        name: "id.orig_h",
        kind: "addr",
        columns: &["src_ip"],
        value: |row| row.only_text(),
        about: "",
    },
    MappedField {
        name: "id.orig_p",
        kind: "port",
        columns: &["src_port"],
        value: |row| row.only_number(),
        about: "0 for ICMP, where Zeek has the type",
    },
    MappedField {
        name: "id.resp_h",
        kind: "addr",
        columns: &["dst_ip"],
        value: |row| row.only_text(),
        about: "",
    },
    MappedField {
        name: "id.resp_p",
        kind: "port",
        columns: &["dst_port"],
        value: |row| row.only_number(),
        about: "0 for ICMP, where Zeek has the code",
    },
    MappedField {
        name: "proto",
        kind: "enum",
        columns: &["protocol"],
        value: |row| Mapped::Text(proto(row.number("protocol")).into()),
        about: "tcp, udp, icmp or unknown_transport",
    },
    MappedField {
        name: "service",
        kind: "string",
        columns: &["application_name"],
        value: |row| text_or_absent(service(row.text("application_name"))),
        about: "by Zeek's names; absent for protocols that Zeek has no analyzer for",
    },
    MappedField {
        name: "duration",
        kind: "interval",
        columns: &["first_seen", "last_seen", "src2dst_packets", "dst2src_packets"],
        value: |row| match row.number("src2dst_packets") + row.number("dst2src_packets") {
            ..=1 => Mapped::Absent,
            _ => Mapped::Decimal(seconds(row.number("last_seen") - row.number("first_seen"))),
        },
        about: "absent for a single packet",
    },
    MappedField {
        name: "orig_bytes",
        kind: "count",
        columns: &["src2dst_payload_bytes"],
        value: |row| row.only_number(),
        about: "bytes of payload; Zeek has those that the sequence numbers cover",
    },
    MappedField {
        name: "resp_bytes",
        kind: "count",
        columns: &["dst2src_payload_bytes"],
        value: |row| row.only_number(),
        about: "",
    },
    MappedField {
        name: "conn_state",
        kind: "string",
        columns: STATE,
        value: |row| Mapped::Text(state(row).into()),
        about: "",
    },
    MappedField {
        name: "local_orig",
        kind: "bool",
        columns: &["src_ip"],
        value: |row| Mapped::Flag(is_local(row.text("src_ip"))),
        about: "whether the address is private, shared (RFC 6598), link-local or loopback",
    },
    MappedField {
        name: "local_resp",
        kind: "bool",
        columns: &["dst_ip"],
        value: |row| Mapped::Flag(is_local(row.text("dst_ip"))),
        about: "",
    },
    MappedField {
        name: "missed_bytes",
        kind: "count",
        columns: &[],
        value: |_| Mapped::Absent,
        about: "always absent: nfstream does not reassemble streams",
    },
    MappedField {
        name: "history",
        kind: "string",
        columns: &["history"],
        value: |row| row.only_text(),
        about: "without c, g, t, w and ^",
    },
    MappedField {
        name: "orig_pkts",
        kind: "count",
        columns: &["src2dst_packets"],
        value: |row| row.only_number(),
        about: "",
    },
    MappedField {
        name: "orig_ip_bytes",
        kind: "count",
        columns: &["src2dst_bytes"],
        value: |row| row.only_number(),
        about: "",
    },
    MappedField {
        name: "resp_pkts",
        kind: "count",
        columns: &["dst2src_packets"],
        value: |row| row.only_number(),
        about: "",
    },
    MappedField {
        name: "resp_ip_bytes",
        kind: "count",
        columns: &["dst2src_bytes"],
        value: |row| row.only_number(),
        about: "",
    },
    MappedField {
        name: "tunnel_parents",
        kind: "set[string]",
        columns: &[],
        value: |_| Mapped::Absent,
        about: "always absent: flows have no parents",
    },
];

/// Names of services that differ from those of the application.
const SERVICES: [(&str, &str); 24] = [
    ("TLS", "ssl"),
    ("DNS", "dns"),
    ("HTTP", "http"),
    ("SSH", "ssh"),
    ("QUIC", "quic"),
    ("FTP_CONTROL", "ftp"),
    ("FTP_DATA", "ftp-data"),
    ("SMTP", "smtp"),
    ("IMAP", "imap"),
    ("POP3", "pop3"),
    ("DHCP", "dhcp"),
    ("NTP", "ntp"),
    ("SNMP", "snmp"),
    ("SIP", "sip"),
    ("RDP", "rdp"),
    ("SMBv1", "smb"),
    ("SMBv23", "smb"),
    ("Kerberos", "krb"),
    ("LDAP", "ldap"),
    ("MySQL", "mysql"),
    ("PostgreSQL", "postgresql"),
    ("MQTT", "mqtt"),
    ("Redis", "redis"),
    ("Syslog", "syslog"),
];

/// A line of the log.
struct Log(Places);

impl Line for Log {
    fn new(schema: &ArrowSchema) -> Self {
        Self(Places::new(FIELDS, schema))
    }

    fn write_header(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(
            b"#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n\
              #path\tconn\n#fields",
        );
        let write = |part: fn(&MappedField) -> &'static str, out: &mut Vec<u8>| {
            for field in FIELDS {
                out.push(b'\t');
                out.extend_from_slice(part(field).as_bytes());
            }
        };
        write(|field| field.name, out);
        out.extend_from_slice(b"\n#types");
        write(|field| field.kind, out);
        out.push(b'\n');
    }

    fn write_row(&self, cells: &[Cells<'_>], row: usize, out: &mut Vec<u8>) {
        for place in 0..FIELDS.len() {
            if place > 0 {
                out.push(b'\t');
            }
            match self.0.value(place, FIELDS, cells, row) {
                Mapped::Absent => out.push(b'-'),
                Mapped::Flag(flag) => out.push(if flag { b'T' } else { b'F' }),
                Mapped::Text(text) => write_text(&text, out),
                value => value.write_json(out),
            }
        }
        out.push(b'\n');
    }
}

/// Appends text without separators: Zeek writes such bytes in hexadecimal.
fn write_text(text: &str, out: &mut Vec<u8>) {
    for byte in text.bytes() {
        if byte == b'\t' || byte == b'\\' || byte < b' ' || byte == 0x7f {
            out.extend_from_slice(format!("\\x{byte:02x}").as_bytes());
        } else {
            out.push(byte);
        }
    }
}

/// Returns a name for a flow that is the same in every run.
fn uid(row: &Row<'_, '_>) -> String {
    /// Digits of the name, in base 62.
    const DIGITS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let mut hash = Sha1::new();
    for name in ["id", "first_seen", "src_port", "dst_port", "protocol"] {
        hash.update(row.number(name).to_be_bytes());
    }
    hash.update(row.text("src_ip"));
    hash.update(b" ");
    hash.update(row.text("dst_ip"));
    let mut number =
        hash.finalize().iter().take(16).fold(0_u128, |all, byte| (all << 8) | u128::from(*byte));
    let mut name = String::from("C");
    for _ in 0..17 {
        let digit = usize::try_from(number % 62).unwrap_or_default();
        name.push(char::from(DIGITS.get(digit).copied().unwrap_or(b'A')));
        number /= 62;
    }
    name
}

fn proto(protocol: i64) -> &'static str {
    match u8::try_from(protocol) {
        Ok(TCP) => "tcp",
        Ok(UDP) => "udp",
        Ok(ICMP | ICMP_V6) => "icmp",
        _ => "unknown_transport",
    }
}

fn service(application: &str) -> &'static str {
    let carrier = application.split('.').next().unwrap_or_default();
    SERVICES.iter().find(|(known, _)| *known == carrier).map_or("", |(_, service)| service)
}

/// Returns the state of a connection, by the rules of Zeek's documentation.
fn state(row: &Row<'_, '_>) -> &'static str {
    let has = |name: &str| row.number(name) > 0;
    let (orig, resp) = (has("src2dst_packets"), has("dst2src_packets"));
    match u8::try_from(row.number("protocol")) {
        Ok(TCP) => {}
        Ok(UDP) => {
            return match (orig, resp) {
                (true, true) => "SF",
                (true, false) => "S0",
                _ => "SHR",
            };
        }
        _ => return "OTH",
    }
    let history = row.text("history");
    let at = |letter: char| history.find(letter);
    let (orig_fin, resp_fin) = (has("src2dst_fin_packets"), has("dst2src_fin_packets"));
    let (orig_rst, resp_rst) = (has("src2dst_rst_packets"), has("dst2src_rst_packets"));
    match (has("src2dst_syn_packets"), has("dst2src_syn_packets")) {
        (true, false) if resp_rst => "REJ",
        (true, false) if orig_rst => "RSTOS0",
        (true, false) if orig_fin => "SH",
        (true, false) => "S0",
        (false, true) if resp_rst => "RSTRH",
        (false, true) if resp_fin => "SHR",
        (false, false) | (false, true) => "OTH",
        // A connection that was closed stays closed.
        (true, true) if orig_fin && resp_fin => "SF",
        (true, true) => match (orig_rst, resp_rst) {
            (true, true) if at('r') < at('R') => "RSTR",
            (true, _) => "RSTO",
            (_, true) => "RSTR",
            _ if orig_fin => "S2",
            _ if resp_fin => "S3",
            _ => "S1",
        },
    }
}

fn is_local(address: &str) -> bool {
    match address.parse() {
        Ok(IpAddr::V4(address)) => {
            let [first, second, ..] = address.octets();
            address.is_private()
                || address.is_loopback()
                || address.is_link_local()
                || (first == 100 && (64..128).contains(&second))
        }
        Ok(IpAddr::V6(address)) => {
            address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local()
        }
        Err(_) => false,
    }
}
