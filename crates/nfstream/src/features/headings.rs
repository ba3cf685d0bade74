//! Headings of columns in tables.

/// Names of the columns in a table.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Headings {
    /// The names of this project.
    #[default]
    Nfstream,
    /// The headings of CICFlowMeter, where it has the column.
    Cic,
}

/// Headings of CICFlowMeter for columns that every table has.
const BASE: &[(&str, &str)] = &[
    ("id", "Flow ID"),
    ("src_ip", "Src IP"),
    ("src_port", "Src Port"),
    ("dst_ip", "Dst IP"),
    ("dst_port", "Dst Port"),
    ("protocol", "Protocol"),
    ("first_seen", "Timestamp"),
    ("label", "Label"),
];

/// Headings of CICFlowMeter for its features, in its order. The column's name is `cic_` and the
/// heading in lower case, with `_` between words.
pub(super) const FEATURES: &[&str] = &[
    "Flow Duration",
    "Total Fwd Packet",
    "Total Bwd packets",
    "Total Length of Fwd Packet",
    "Total Length of Bwd Packet",
    "Fwd Packet Length Max",
    "Fwd Packet Length Min",
    "Fwd Packet Length Mean",
    "Fwd Packet Length Std",
    "Bwd Packet Length Max",
    "Bwd Packet Length Min",
    "Bwd Packet Length Mean",
    "Bwd Packet Length Std",
    "Flow Bytes/s",
    "Flow Packets/s",
    "Flow IAT Mean",
    "Flow IAT Std",
    "Flow IAT Max",
    "Flow IAT Min",
    "Fwd IAT Total",
    "Fwd IAT Mean",
    "Fwd IAT Std",
    "Fwd IAT Max",
    "Fwd IAT Min",
    "Bwd IAT Total",
    "Bwd IAT Mean",
    "Bwd IAT Std",
    "Bwd IAT Max",
    "Bwd IAT Min",
    "Fwd PSH Flags",
    "Bwd PSH Flags",
    "Fwd URG Flags",
    "Bwd URG Flags",
    "Fwd RST Flags",
    "Bwd RST Flags",
    "Fwd Header Length",
    "Bwd Header Length",
    "Fwd Packets/s",
    "Bwd Packets/s",
    "Packet Length Min",
    "Packet Length Max",
    "Packet Length Mean",
    "Packet Length Std",
    "Packet Length Variance",
    "FIN Flag Count",
    "SYN Flag Count",
    "RST Flag Count",
    "PSH Flag Count",
    "ACK Flag Count",
    "URG Flag Count",
    "CWR Flag Count",
    "ECE Flag Count",
    "Down/Up Ratio",
    "Average Packet Size",
    "Fwd Segment Size Avg",
    "Bwd Segment Size Avg",
    "Fwd Bytes/Bulk Avg",
    "Fwd Packet/Bulk Avg",
    "Fwd Bulk Rate Avg",
    "Bwd Bytes/Bulk Avg",
    "Bwd Packet/Bulk Avg",
    "Bwd Bulk Rate Avg",
    "Subflow Fwd Packets",
    "Subflow Fwd Bytes",
    "Subflow Bwd Packets",
    "Subflow Bwd Bytes",
    "FWD Init Win Bytes",
    "Bwd Init Win Bytes",
    "Fwd Act Data Pkts",
    "Bwd Act Data Pkts",
    "Fwd Seg Size Min",
    "Bwd Seg Size Min",
    "Active Mean",
    "Active Std",
    "Active Max",
    "Active Min",
    "Idle Mean",
    "Idle Std",
    "Idle Max",
    "Idle Min",
    "ICMP Code",
    "ICMP Type",
    "Fwd TCP Retrans. Count",
    "Bwd TCP Retrans. Count",
    "Total TCP Retrans. Count",
    "Total Connection Flow Time",
];

impl Headings {
    /// The choices and their meanings.
    pub const NAMES: &'static [(&'static str, &'static str)] = &[
        ("nfstream", "The names of `nfstream columns`"),
        ("cic", "The headings of CICFlowMeter for the columns that it has"),
    ];

    /// Returns the choice as a word.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Nfstream => "nfstream",
            Self::Cic => "cic",
        }
    }

    /// Returns the choice with this name.
    pub fn by_name(name: &str) -> Option<Self> {
        [Self::Nfstream, Self::Cic].into_iter().find(|one| one.name() == name)
    }

    /// Returns the heading of a column.
    pub fn heading(self, column: &str) -> &str {
        if self == Self::Nfstream {
            return column;
        }
        if let Some((_, heading)) = BASE.iter().find(|(name, _)| *name == column) {
            return heading;
        }
        let Some(feature) = column.strip_prefix("cic_") else { return column };
        FEATURES.iter().find(|heading| is_name(feature, heading)).map_or(column, |heading| heading)
    }
}

/// Returns whether a column's name corresponds to a heading.
fn is_name(name: &str, heading: &str) -> bool {
    let words = heading.split(|letter: char| !letter.is_ascii_alphanumeric());
    let words = words.filter(|word| !word.is_empty());
    name.split('_').count() == words.clone().count()
        && name.split('_').zip(words).all(|(one, word)| word.eq_ignore_ascii_case(one))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::{Group, columns};
    use crate::time::TimeUnit;

    #[test]
    fn columns_are_those_of_the_headings_in_order() {
        let columns = columns(TimeUnit::Milliseconds).filter(|column| column.group == Group::Cic);
        let headings: Vec<_> = columns.map(|column| Headings::Cic.heading(column.name)).collect();
        assert_eq!(headings, FEATURES);
    }

    #[test]
    fn other_columns_keep_their_names() {
        assert_eq!(Headings::Cic.heading("src_ip"), "Src IP");
        assert_eq!(Headings::Cic.heading("application_name"), "application_name");
        assert_eq!(Headings::Cic.heading("cic_unknown"), "cic_unknown");
        assert_eq!(Headings::Nfstream.heading("src_ip"), "src_ip");
    }
}
