//! Warnings of a run: those of its source, and those that follow from its counts at the end.

use super::stats::Stats;
use crate::capture;

/// Irregularity that does not end a run, and that its flows do not show.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Warning {
    /// Warning of the source.
    #[error(transparent)]
    Capture(#[from] capture::Warning),
    /// Many packets belong to no flow.
    #[error("{packets} of {of} packets ignored: {reasons}")]
    Ignored {
        /// Packets that belong to no flow and match the filter.
        packets: u64,
        /// Packets that match the filter.
        of: u64,
        /// Reasons for ignoring them, the most frequent first.
        reasons: String,
    },
    /// Many packets are older than others of their flow.
    #[error(
        "{packets} of {of} packets ({}) are late, older than the last one of their flow: times, \
         intervals and ends of flows are doubtful; read captures that are in order of time",
        share(*packets, *of)
    )]
    Late {
        /// Late packets.
        packets: u64,
        /// Packets that belong to flows.
        of: u64,
    },
}

/// Smallest share of ignored packets that is worth a warning: local networks have some that are not
/// IP.
const IGNORED: u64 = 10;
/// Smallest share of late packets that is worth a warning: parallel paths cause some.
const LATE: u64 = 100;

impl Warning {
    /// Returns the warnings that the counts of a run give.
    pub(super) fn of(stats: &Stats) -> Vec<Self> {
        let mut warnings = Vec::new();
        let (packets, of) = (stats.ignored.undecoded(), stats.packets - stats.ignored.filtered());
        if packets > 0 && packets >= of.div_ceil(IGNORED) {
            let reasons = stats.ignored.explanation();
            warnings.push(Self::Ignored { packets, of, reasons });
        }
        let (packets, of) = (stats.late_packets, stats.flow_packets);
        if packets > 0 && packets >= of.div_ceil(LATE) {
            warnings.push(Self::Late { packets, of });
        }
        warnings
    }
}

/// Returns a share in percent, with one decimal.
fn share(part: u64, whole: u64) -> String {
    let tenths = (u128::from(part) * 1000 + u128::from(whole / 2)) / u128::from(whole.max(1));
    format!("{}.{} %", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::DecodeError;
    use crate::packet::LinkType;

    fn warnings(ignored: &[DecodeError], late: u64, packets: u64) -> Vec<String> {
        let mut stats = Stats { packets, late_packets: late, ..Stats::default() };
        for reason in ignored {
            stats.ignored.add(*reason);
        }
        stats.flow_packets = packets - stats.ignored.total();
        Warning::of(&stats).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn ignored_packets_are_explained() {
        let link = [DecodeError::UnsupportedLinkType { link: LinkType(258) }; 12];
        assert_eq!(
            warnings(&link, 0, 24),
            ["12 of 24 packets ignored: link type 258 is not supported"]
        );
        let two = [DecodeError::NotIp, DecodeError::Encrypted, DecodeError::NotIp];
        let expected = "3 of 30 packets ignored: not ip (2), encrypted (1)";
        assert_eq!(warnings(&two, 0, 30), [expected]);
        assert!(warnings(&two, 0, 31).is_empty());
        assert!(warnings(&[], 0, 0).is_empty());
    }

    #[test]
    fn filtered_packets_are_ignored_on_purpose() {
        let mut stats = Stats { packets: 100, ..Stats::default() };
        stats.ignored.add_filtered(100);
        assert_eq!(Warning::of(&stats), []);
        stats.ignored = Default::default();
        stats.ignored.add_filtered(95);
        stats.ignored.add(DecodeError::NotIp);
        assert_eq!(Warning::of(&stats).len(), 1);
    }

    #[test]
    fn late_packets_have_a_share() {
        assert!(warnings(&[], 9, 901)[..] == [] as [&str; 0]);
        let [warning] = warnings(&[], 12, 800).try_into().unwrap();
        assert!(warning.starts_with("12 of 800 packets (1.5 %) are late"), "{warning}");
    }
}
