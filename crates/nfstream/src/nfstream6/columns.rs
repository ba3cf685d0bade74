//! The columns of nfstream 6: its names and order, for this engine's measurements.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::LazyLock;

use crate::features::{Column, Group, Kind, Read, Record, columns};
use crate::flow::Sender;
use crate::time::TimeUnit;

/// Names in nfstream 6 and in this engine, in the order of nfstream 6. Columns not listed have the
/// same name in both, and lie between the two parts.
const BASE: [(&str, &str); 29] = [
    ("id", "id"),
    ("expiration_id", "expiration_id"),
    ("src_ip", "src_ip"),
    ("src_mac", "src_mac"),
    ("src_oui", "src_oui"),
    ("src_port", "src_port"),
    ("dst_ip", "dst_ip"),
    ("dst_mac", "dst_mac"),
    ("dst_oui", "dst_oui"),
    ("dst_port", "dst_port"),
    ("protocol", "protocol"),
    ("ip_version", "version"),
    ("vlan_id", "vlan_id"),
    ("tunnel_id", "tunnel_id"),
    ("bidirectional_first_seen_ms", "first_seen"),
    ("bidirectional_last_seen_ms", "last_seen"),
    ("bidirectional_duration_ms", "duration"),
    ("bidirectional_packets", "total_packets"),
    ("bidirectional_bytes", "total_bytes"),
    ("src2dst_first_seen_ms", "src2dst_first_seen_ms"),
    ("src2dst_last_seen_ms", "src2dst_last_seen_ms"),
    ("src2dst_duration_ms", "src2dst_duration_ms"),
    ("src2dst_packets", "src2dst_packets"),
    ("src2dst_bytes", "src2dst_bytes"),
    ("dst2src_first_seen_ms", "dst2src_first_seen_ms"),
    ("dst2src_last_seen_ms", "dst2src_last_seen_ms"),
    ("dst2src_duration_ms", "dst2src_duration_ms"),
    ("dst2src_packets", "dst2src_packets"),
    ("dst2src_bytes", "dst2src_bytes"),
];

const INSPECTION: [(&str, &str); 9] = [
    ("application_name", "application_name"),
    ("application_category_name", "category_name"),
    ("application_is_guessed", "application_is_guessed"),
    ("application_confidence", "application_confidence"),
    ("requested_server_name", "requested_server_name"),
    ("client_fingerprint", "client_fingerprint"),
    ("server_fingerprint", "server_fingerprint"),
    ("user_agent", "user_agent"),
    ("content_type", "content_type"),
];

/// Groups whose columns have the same names in both.
const SHARED: [Group; 3] = [Group::Statistics, Group::TcpFlags, Group::Splt];

/// Groups that fill columns of [`BASE`].
const BASE_GROUPS: [Group; 2] = [Group::Directions, Group::Mac];

static COLUMNS: LazyLock<Vec<Column>> = LazyLock::new(|| {
    let shared = |column: &&Column| SHARED.contains(&column.group);
    let shared = columns(TimeUnit::Milliseconds).filter(shared).copied();
    let base = BASE.iter().filter_map(renamed);
    let processes = columns(TimeUnit::Milliseconds);
    let processes = processes.filter(|column| column.group == Group::SystemProcess).copied();
    base.chain(shared).chain(INSPECTION.iter().filter_map(renamed)).chain(processes).collect()
});

/// The columns of a run by the rules of nfstream 6.
#[derive(Clone, Copy, Debug)]
pub struct Nfstream6Columns;

impl Nfstream6Columns {
    /// Returns the base columns and those of `groups`, in the order of nfstream 6.
    pub fn of(groups: &[Group]) -> Vec<&'static Column> {
        let wanted = |column: &&Column| {
            column.group == Group::Base
                || BASE_GROUPS.contains(&column.group)
                || groups.contains(&column.group)
        };
        COLUMNS.iter().filter(wanted).collect()
    }
}

/// Returns a column of this engine under its name in nfstream 6.
fn renamed((name, ours): &(&'static str, &str)) -> Option<Column> {
    let column = columns(TimeUnit::Milliseconds).find(|column| column.name == *ours)?;
    let read = match *ours {
        "src_ip" => Read::Text(|r, text| write_ip(r, r.flow.src, text)),
        "dst_ip" => Read::Text(|r, text| write_ip(r, r.flow.src.other(), text)),
        "application_confidence" => Read::U8(|r| r.application.label.confidence.ndpi_number()),
        "application_is_guessed" => Read::U8(|r| r.application.label.guessed.into()),
        _ => column.read,
    };
    let group = if column.group == Group::Application { Group::Dissection } else { column.group };
    let mut renamed = column.renamed(name);
    (renamed.group, renamed.read) = (group, read);
    if let Read::U8(_) = read
        && column.kind == Kind::Label
    {
        renamed.kind = Kind::Code;
    }
    Some(renamed)
}

/// Appends an end's address in the format of the C library's `inet_ntop`.
fn write_ip(record: &Record, end: Sender, text: &mut String) {
    let key = &record.flow.key;
    text.push_str(&ip_text(key.end(end).ip(key.version)));
}

/// Returns an address in the format of glibc's `inet_ntop`: IPv6 addresses with twelve leading zero
/// bytes also end in dotted decimal (RFC 4291, section 2.5.5.1).
pub fn ip_text(ip: IpAddr) -> String {
    if let IpAddr::V6(wide) = ip
        && let [0, 0, 0, 0, 0, 0, high, low] = wide.segments()
        && high != 0
    {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        return format!("::{}", Ipv4Addr::new(a, b, c, d));
    }
    ip.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_column_is_found() {
        let all = Nfstream6Columns::of(&Group::ALL);
        assert_eq!(all.len(), BASE.len() + 24 + 24 + 3 + INSPECTION.len() + 2);
        assert_eq!(all[11].name, "ip_version");
        assert_eq!(all[all.len() - 3].name, "content_type");
        assert_eq!(all[all.len() - 1].name, "system_process_name");
    }

    #[test]
    fn groups_leave_columns_out() {
        let base = Nfstream6Columns::of(&[Group::Tunnel]);
        assert_eq!(base.len(), BASE.len());
        assert!(Nfstream6Columns::of(&[]).iter().all(|column| column.name != "tunnel_id"));
    }

    #[test]
    fn ipv6_addresses_read_as_the_c_library_writes_them() {
        let text = |text: &str| ip_text(text.parse().unwrap());
        assert_eq!(text("::1.2.3.4"), "::1.2.3.4");
        assert_eq!(text("::ffff:1.2.3.4"), "::ffff:1.2.3.4");
        assert_eq!(text("::1"), "::1");
        assert_eq!(text("64:ff9b::102:304"), "64:ff9b::102:304");
        assert_eq!(text("2001:db8:0:1:1:1:1:1"), "2001:db8:0:1:1:1:1:1");
    }
}
