//! Lines of counts and rates during a live run, for `--performance-report`.

use std::time::{Duration, Instant};

use nfstream::host::monotonic;
use nfstream::{Monitor, Stats};

use crate::human::count;

/// Periodic report.
pub(crate) struct PerformanceReport {
    /// Time between two lines, `None` for no report.
    period: Option<Duration>,
    start: Instant,
    last: Instant,
    before: Stats,
}

impl PerformanceReport {
    /// Returns a report with a line every `period`.
    pub(crate) fn every(period: Option<Duration>) -> Self {
        let start = monotonic();
        Self { period, start, last: start, before: Stats::default() }
    }

    /// Returns the next line once it is due.
    pub(crate) fn due(&mut self, monitor: &Monitor) -> Option<String> {
        let period = self.period?;
        let now = monotonic();
        let elapsed = now.duration_since(self.last);
        if elapsed < period {
            return None;
        }
        let stats = monitor.stats();
        let line = self.line(&stats, now.duration_since(self.start), elapsed);
        (self.last, self.before) = (now, stats);
        Some(line)
    }

    fn line(&self, stats: &Stats, total: Duration, elapsed: Duration) -> String {
        let rate = |now: u64, before: u64| {
            let events = u128::from(now.saturating_sub(before)) * 1000;
            let rate = events / elapsed.as_millis().max(1);
            count(u64::try_from(rate).unwrap_or(u64::MAX))
        };
        let reception = stats.reception.unwrap_or_default();
        let before = self.before.reception.unwrap_or_default();
        format!(
            "{:.1} s: {} packets ({}/s), {} ignored, {} flows ({}/s), {} active, {} dropped by \
             kernel ({}/s), {} dropped by interface",
            total.as_secs_f64(),
            count(stats.packets),
            rate(stats.packets, self.before.packets),
            count(stats.ignored.total()),
            count(stats.flows),
            rate(stats.flows, self.before.flows),
            count(stats.active_flows),
            count(reception.dropped_by_kernel),
            rate(reception.dropped_by_kernel, before.dropped_by_kernel),
            count(reception.dropped_by_interface),
        )
    }
}
