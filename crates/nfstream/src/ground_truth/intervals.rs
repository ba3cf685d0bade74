//! Clocks of rules and flows that differ by whole hours, such as those of two time zones.

use super::rule::{Rule, Subject};

/// Greatest difference of two zones, in hours.
pub(super) const MOST_HOURS: i64 = 14;

const HOUR: i64 = 3_600_000_000_000;

/// Returns the hours that a rule covers a flow with, if they are added to its times, as bits from
/// -[`MOST_HOURS`] to [`MOST_HOURS`]; none for a rule without times.
pub(super) fn hours(rule: &Rule, flow: &Subject) -> u32 {
    if rule.start.is_none() && rule.end.is_none() {
        return 0;
    }
    let least = rule.end.map_or(-MOST_HOURS, |end| {
        let after = flow.first.nanos().saturating_sub(end.nanos());
        after.saturating_add(HOUR - 1).div_euclid(HOUR)
    });
    let most = rule.start.map_or(MOST_HOURS, |start| {
        flow.last.nanos().saturating_sub(start.nanos()).div_euclid(HOUR)
    });
    let (least, most) = (least.max(-MOST_HOURS), most.min(MOST_HOURS));
    (least..=most).fold(0, |bits, hour| bits | 1 << (hour + MOST_HOURS))
}
