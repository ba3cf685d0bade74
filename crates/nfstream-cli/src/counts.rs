//! Packet and flow counts of one run or of several.

use nfstream::Stats;

use crate::error::Error;
use crate::human::count;

/// Counts of one run or of several.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) packets: u64,
    pub(crate) late_packets: u64,
    /// Files that could not be read to their end.
    pub(crate) damaged_files: u64,
    /// Flows evicted to make room for others.
    pub(crate) evicted_flows: u64,
    /// Packets that the kernel or the interface dropped.
    pub(crate) dropped: u64,
    /// Ignored packets by reason.
    ignored: Vec<(&'static str, u64)>,
}

impl Counts {
    /// Adds the counts of a run.
    pub(crate) fn add(&mut self, stats: &Stats) {
        self.packets += stats.packets;
        self.late_packets += stats.late_packets;
        self.damaged_files += stats.damaged_files;
        self.evicted_flows += stats.evicted_flows;
        let reception = stats.reception.unwrap_or_default();
        self.dropped += reception.dropped_by_kernel + reception.dropped_by_interface;
        for (reason, packets) in stats.ignored.reasons() {
            match self.ignored.iter_mut().find(|(known, _)| *known == reason) {
                Some((_, sum)) => *sum += packets,
                None => self.ignored.push((reason, packets)),
            }
        }
    }

    /// Returns an error if some files could not be read to their end.
    pub(crate) fn complete(&self) -> Result<(), Error> {
        match self.damaged_files {
            0 => Ok(()),
            files => Err(Error::Incomplete { files }),
        }
    }

    /// Returns the number of ignored packets with the reasons, or `None` if there are none:
    /// `12 ignored (10 not ip, 2 filtered)`.
    pub(crate) fn ignored(&self) -> Option<String> {
        let total: u64 = self.ignored.iter().map(|(_, packets)| packets).sum();
        let reasons = self.ignored.iter().map(|(reason, n)| (reason.replace('_', " "), count(*n)));
        let reasons = match reasons.collect::<Vec<_>>().as_slice() {
            [] => return None,
            [(reason, _)] => reason.clone(),
            several => {
                let parts = several.iter().map(|(reason, packets)| format!("{packets} {reason}"));
                parts.collect::<Vec<_>>().join(", ")
            }
        };
        Some(format!("{} ignored ({reasons})", count(total)))
    }
}

impl From<&Stats> for Counts {
    fn from(stats: &Stats) -> Self {
        let mut counts = Self::default();
        counts.add(stats);
        counts
    }
}
