//! Order of files, and of packets from several files.

use std::cmp::Ordering;

use crate::packet::RawRecord;
use crate::time::{Duration, Timestamp};

/// Packets after a doubtful time that decide whether it is wrong.
pub(super) const LOOK_AHEAD: usize = 16;

/// Longest time by which a packet can plausibly precede the one before it: clock corrections are
/// smaller.
const LEAP: Duration = Duration::from_nanos(3_600_000_000_000);

/// Order of the files of one capture.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum FileOrder {
    /// By the times of their packets: files that overlap are merged.
    #[default]
    Time,
    /// As given, one after the other.
    Given,
}

impl FileOrder {
    /// Names and meanings.
    pub const NAMES: &[(&str, &str)] = &[
        ("time", "By the times of their packets; files that overlap are merged"),
        ("given", "As given, one after the other"),
    ];

    /// Returns the order with this name.
    pub fn by_name(name: &str) -> Option<Self> {
        [Self::Time, Self::Given].into_iter().find(|order| order.name() == name)
    }

    /// Returns the name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Time => "time",
            Self::Given => "given",
        }
    }
}

/// Compares names with their numbers by value: `day.pcap2` comes before `day.pcap10`.
pub(super) fn natural(a: &str, b: &str) -> Ordering {
    let (mut left, mut right) = (a, b);
    loop {
        let by_number = match (number(left), number(right)) {
            (Some((digits, left_rest)), Some((other, right_rest))) => {
                (left, right) = (left_rest, right_rest);
                digits.len().cmp(&other.len()).then_with(|| digits.cmp(other))
            }
            _ => {
                let mut letters = (left.chars(), right.chars());
                let order = match (letters.0.next(), letters.1.next()) {
                    (None, None) => return a.cmp(b),
                    (one, other) => one.cmp(&other),
                };
                (left, right) = (letters.0.as_str(), letters.1.as_str());
                order
            }
        };
        if by_number.is_ne() {
            return by_number;
        }
    }
}

/// Returns the digits at the start of `text`, without leading zeros, and the rest.
fn number(text: &str) -> Option<(&str, &str)> {
    let end = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    (end > 0).then(|| (digits.trim_start_matches('0'), rest))
}

/// Sets `keys` to the times that place `records` of one file among packets of others, normally
/// their own times.
///
/// A packet from the far future, the product of damage or a wrong clock, would hold back all
/// packets after it. Its key is therefore the earliest time of the next packets. `next` is the
/// earliest time of the packets after `records`, if known.
pub(super) fn set_keys(records: &[RawRecord], next: Option<Timestamp>, keys: &mut Vec<Timestamp>) {
    keys.clear();
    keys.extend(records.iter().map(|record| record.time));
    let last = keys.last().copied().unwrap_or_default();
    let drops = keys.windows(2).any(|pair| matches!(pair, [one, other] if leaps(*other, *one)));
    if !drops && !next.is_some_and(|next| leaps(next, last)) {
        return;
    }
    for (place, key) in keys.iter_mut().enumerate() {
        let later = records.iter().skip(place + 1).take(LOOK_AHEAD).map(|record| record.time);
        let is_near_the_end = place + LOOK_AHEAD >= records.len();
        let earliest = later.chain(next.filter(|_| is_near_the_end)).min();
        if let Some(earliest) = earliest.filter(|earliest| leaps(*earliest, *key)) {
            *key = earliest;
        }
    }
}

/// Returns the time of the latest of `records`, `None` if there are none; without single packets from
/// the far future, which do not move a file among others.
pub fn latest(records: &[RawRecord]) -> Option<Timestamp> {
    let mut keys = Vec::new();
    set_keys(records, None, &mut keys);
    keys.into_iter().max()
}

/// Returns whether one of the last packets is so much later than its predecessor that only the next
/// packets can show whether its time is right. `before` is the time before `records`.
pub(super) fn ends_in_doubt(records: &[RawRecord], before: Option<Timestamp>) -> bool {
    let first = records.len().saturating_sub(LOOK_AHEAD);
    let times = records.iter().skip(first.saturating_sub(1)).map(|record| record.time);
    let before = before.filter(|_| first == 0);
    let times: Vec<_> = before.into_iter().chain(times).collect();
    times.windows(2).any(|pair| matches!(pair, [one, other] if leaps(*one, *other)))
}

fn leaps(from: Timestamp, to: Timestamp) -> bool {
    to.since(from) > LEAP
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::LinkType;

    fn records(seconds: &[i64]) -> Vec<RawRecord> {
        let record = |second: &i64| RawRecord {
            time: Timestamp::from_seconds(*second, 0),
            offset: 0,
            capture_len: 0,
            wire_len: 0,
            link: LinkType::ETHERNET,
        };
        seconds.iter().map(record).collect()
    }

    fn keys(seconds: &[i64], next: Option<i64>) -> Vec<i64> {
        let mut keys = Vec::new();
        let next = next.map(|second| Timestamp::from_seconds(second, 0));
        set_keys(&records(seconds), next, &mut keys);
        keys.into_iter().map(|key| key.nanos() / 1_000_000_000).collect()
    }

    #[test]
    fn numbers_in_names_are_compared_by_value() {
        let mut names =
            ["a11", "a2", "b", "a", "a1.x", "a01", "a1", "a10", "log.1700000000", "log.999"];
        names.sort_by(|a, b| natural(a, b));
        let sorted =
            ["a", "a01", "a1", "a1.x", "a2", "a10", "a11", "b", "log.999", "log.1700000000"];
        assert_eq!(names, sorted);
    }

    #[test]
    fn names_have_a_total_order() {
        let names =
            ["", "0", "00", "1", "01", "a", "a0", "a00b", "a0b", "ä", "9999999999999999999"];
        for one in names {
            for other in names {
                assert_eq!(natural(one, other), natural(other, one).reverse());
                assert_eq!(natural(one, other).is_eq(), one == other);
            }
        }
    }

    #[test]
    fn keys_are_the_times_of_packets_in_order_or_almost() {
        for seconds in [&[1, 2, 2, 3][..], &[5, 3, 4], &[0, 100_000, 200_000], &[]] {
            assert_eq!(keys(seconds, Some(300_000)), seconds);
        }
    }

    #[test]
    fn packets_from_the_far_future_do_not_hold_back_others() {
        assert_eq!(keys(&[1, 900_000, 2, 3], None), [1, 2, 2, 3]);
        assert_eq!(keys(&[1, 900_000, 800_000, 2], None), [1, 2, 2, 2]);
        assert_eq!(keys(&[1, 900_000], Some(2)), [1, 2]);
        assert_eq!(keys(&[900_000, 1], None), [1, 1]);
    }

    #[test]
    fn a_leap_at_the_end_is_in_doubt() {
        let before = Some(Timestamp::from_seconds(1, 0));
        assert!(ends_in_doubt(&records(&[1, 2, 900_000]), None));
        assert!(ends_in_doubt(&records(&[900_000]), before));
        assert!(!ends_in_doubt(&records(&[900_000]), None));
        assert!(!ends_in_doubt(&records(&[1, 2, 3]), before));
    }
}
