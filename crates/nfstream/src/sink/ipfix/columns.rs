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

/// Columns of the group splt, which are lists of elements; gaps have the run's unit.
const LISTS: &[&str] =
    &["splt_direction", "splt_ps", "splt_piat_ms", "splt_piat_us", "splt_piat_ns"];

/// Returns the columns for records of a run. `shows` says whether the user chose a group, and
/// `dissects` whether flows have labels; `unit` is that of the run, and `numbers` adds all further
/// columns of chosen groups.
pub(crate) fn columns(
    shows: impl Fn(Group) -> bool,
    dissects: bool,
    unit: TimeUnit,
    numbers: bool,
) -> Vec<&'static Column> {
    let is_possible = |column: &&Column| dissects || !column.group.needs_inspection();
    let is_needed = |column: &&Column| NEEDED.contains(&column.name);
    // An instant in another unit is the same one again.
    let in_nanoseconds = |name: &str| match name.strip_suffix(unit.symbol()) {
        Some(bare) => NEEDED.contains(&format!("{bare}ns").as_str()),
        None => NEEDED.contains(&name),
    };
    let is_further = |column: &&Column| {
        let is_list = LISTS.contains(&column.name);
        shows(column.group) && (is_list || (numbers && !in_nanoseconds(column.name)))
    };
    let needed = all_columns(TimeUnit::Nanoseconds).filter(is_needed);
    needed.chain(all_columns(unit).filter(is_further)).filter(is_possible).collect()
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
        for name in NEEDED {
            assert!(known.contains(name), "{name}");
        }
        assert_eq!(columns(|_| false, true, TimeUnit::Milliseconds, false).len(), NEEDED.len());
    }

    #[test]
    fn lists_have_the_unit_of_the_run_and_no_column_comes_twice() {
        for unit in TimeUnit::ALL {
            let few: Vec<_> =
                columns(|_| true, true, unit, false).iter().map(|column| column.name).collect();
            let gaps = format!("splt_piat_{}", unit.symbol());
            assert_eq!(few.iter().filter(|name| name.starts_with("splt")).count(), 3);
            assert!(few.contains(&gaps.as_str()));
            let mut all: Vec<_> =
                columns(|_| true, true, unit, true).iter().map(|column| column.name).collect();
            assert!(!all.contains(&"src2dst_first_seen_ms"));
            all.sort_unstable();
            assert!(all.windows(2).all(|pair| pair[0] != pair[1]));
        }
    }
}
