//! Counts of one chunk.

use super::stats::Ignored;
use crate::capture::{ReadProgress, Reception, Source, Warning};
use crate::packet::Chunk;

/// Counts of a chunk.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    pub(super) packets: u64,
    pub(super) ignored: Ignored,
    /// Exact duplicates, ignored or not.
    pub(super) duplicates: u64,
    /// Damaged files, in addition to those in the warnings.
    pub(super) damaged: u64,
    pub(super) progress: ReadProgress,
    pub(super) reception: Option<Reception>,
    pub(super) warnings: Vec<Warning>,
}

impl Tally {
    /// Returns the counts of `chunk`, which has just been read from `source`.
    pub(super) fn of(source: &mut dyn Source, chunk: &Chunk) -> Self {
        let mut ignored = Ignored::default();
        ignored.add_filtered(chunk.filtered);
        ignored.add_duplicates(chunk.removed_duplicates);
        let left = u64::try_from(chunk.records.len()).unwrap_or(u64::MAX);
        Self {
            packets: left + chunk.filtered + chunk.removed_duplicates,
            ignored,
            duplicates: chunk.duplicates,
            damaged: 0,
            progress: source.progress(),
            reception: source.reception(),
            warnings: source.take_warnings(),
        }
    }

    /// Returns the counts of `chunk`, packets of a range of a file with these counts.
    pub(super) fn of_part(&self, chunk: &Chunk) -> Self {
        let packets = u64::try_from(chunk.records.len()).unwrap_or(u64::MAX);
        Self { packets, progress: self.progress.clone(), ..Self::default() }
    }
}
