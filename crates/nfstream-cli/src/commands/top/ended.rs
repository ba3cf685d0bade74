//! Flows that have ended: their totals, and the latest of them.

use std::cmp::Reverse;
use std::time::{Duration, Instant};

use nfstream::features::{Record, RecordPool};

use super::groups::{Amount, Groups, Rate};

/// Time for which an ended flow stays on the screen.
const LINGER: Duration = Duration::from_secs(30);

/// Ended flows that stay, the largest.
const KEPT: usize = 1000;

/// Flows that have ended.
#[derive(Debug, Default)]
pub(super) struct Ended {
    pub(super) groups: Groups,
    kept: Vec<(Instant, Record)>,
}

impl Ended {
    /// Adds the flows of `records`, which ended at `now`. The memory of the others returns to `pool`.
    pub(super) fn add(&mut self, records: Vec<Record>, now: Instant, pool: &RecordPool) {
        for record in records {
            if !record.kind.is_end() {
                continue;
            }
            self.groups.add_record(&record, &Amount::of(&record.volume, false, Rate::default()));
            self.kept.push((now, record));
        }
        if self.kept.len() > 2 * KEPT {
            self.forget(now);
        }
        if self.kept.len() > 2 * KEPT {
            let bytes = |(_, record): &(_, Record)| Reverse(record.volume.total_bytes());
            self.kept.select_nth_unstable_by_key(KEPT, bytes);
            pool.put_back(self.kept.drain(KEPT..).map(|(_, record)| record));
        }
    }

    /// Forgets the flows that ended long before `now`.
    pub(super) fn forget(&mut self, now: Instant) {
        self.kept.retain(|(ended, _)| now.saturating_duration_since(*ended) < LINGER);
    }

    /// Returns the flows that stay on the screen.
    pub(super) fn kept(&self) -> impl Iterator<Item = &Record> {
        self.kept.iter().map(|(_, record)| record)
    }
}
