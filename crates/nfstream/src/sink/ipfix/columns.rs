//! Columns that IPFIX records are made of.

use crate::features::{Column, Group, columns as all_columns};
use crate::time::TimeUnit;

/// Columns with an information element, with instants in nanoseconds.
const NEEDED: &[&str] = &[
    "id",
    "first_seen",
    "last_seen",
    "src_ip",
    "dst_ip",
    "src_port",
    "dst_port",
    "protocol",
    "vlan_id",
    "src2dst_packets",
    "src2dst_bytes",
    "dst2src_packets",
    "dst2src_bytes",
    "app_protocol",
    "application_name",
    "src2dst_first_seen_ns",
    "src2dst_last_seen_ns",
    "dst2src_first_seen_ns",
    "dst2src_last_seen_ns",
    "src2dst_syn_packets",
    "src2dst_cwr_packets",
    "src2dst_ece_packets",
    "src2dst_urg_packets",
    "src2dst_ack_packets",
    "src2dst_psh_packets",
    "src2dst_rst_packets",
    "src2dst_fin_packets",
    "dst2src_syn_packets",
    "dst2src_cwr_packets",
    "dst2src_ece_packets",
    "dst2src_urg_packets",
    "dst2src_ack_packets",
    "dst2src_psh_packets",
    "dst2src_rst_packets",
    "dst2src_fin_packets",
    "end_reason",
];

/// Columns of the group splt, which are lists of elements.
const LISTS: &[&str] = &["splt_direction", "splt_ps", "splt_piat_ns"];

/// Returns the columns for records of a run. `shows` says whether the user chose a group, and
/// `dissects` whether flows have labels; `numbers` adds all further columns of chosen groups.
pub(crate) fn columns(
    shows: impl Fn(Group) -> bool,
    dissects: bool,
    numbers: bool,
) -> Vec<&'static Column> {
    let is_chosen = |column: &&Column| {
        let is_possible = dissects || !column.group.needs_inspection();
        let is_needed = NEEDED.contains(&column.name);
        let is_list = LISTS.contains(&column.name) && shows(column.group);
        is_possible && (is_needed || is_list || (numbers && shows(column.group)))
    };
    all_columns(TimeUnit::Nanoseconds).filter(is_chosen).collect()
}

/// Returns whether a column has an information element of its own.
pub(super) fn has_element(name: &str) -> bool {
    NEEDED.contains(&name) || LISTS.contains(&name)
}

/// Returns the number of a column under an enterprise number: its place among all columns of this
/// version, from 1. `None` for columns of plugins.
pub(super) fn number(name: &str) -> Option<u16> {
    let place = TimeUnit::ALL
        .into_iter()
        .find_map(|unit| all_columns(unit).position(|column| column.name == name))?;
    u16::try_from(place + 1).ok().filter(|number| *number < 0x8000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn needed_columns_exist() {
        let known: Vec<_> = all_columns(TimeUnit::Nanoseconds).map(|column| column.name).collect();
        for name in NEEDED.iter().chain(LISTS) {
            assert!(known.contains(name), "{name}");
        }
        assert_eq!(columns(|_| false, true, false).len(), NEEDED.len());
    }
}
