//! Counts of the matches of rules and flows.

use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicU64};

use super::Matching;
use super::intervals::MOST_HOURS;

/// Counts of the matches of rules and flows.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Report {
    /// Rules in the file.
    pub rules: usize,
    /// Lines of the rules that give no flow its label.
    pub unmatched_rules: Vec<u64>,
    /// Flows that a rule matches.
    pub labelled_flows: u64,
    /// Other flows.
    pub unmatched_flows: u64,
    /// Flows that rules with different labels match.
    pub ambiguous_flows: u64,
    /// Hours that, added to the times of the rules, give many more matches; 0 if the clocks seem to
    /// agree.
    pub clock_difference_hours: i64,
    /// Labels of a flow that several rules match.
    pub matching: Matching,
}

/// Counts while flows are labelled, by several meters.
#[derive(Debug)]
pub(super) struct Tally {
    /// Whether each rule gave a flow its label.
    pub(super) matched: Vec<AtomicBool>,
    pub(super) labelled: AtomicU64,
    pub(super) unmatched: AtomicU64,
    pub(super) ambiguous: AtomicU64,
    /// Flows that a rule with times covers, by the hours added to these times.
    by_hour: [AtomicU64; HOURS],
}

const HOURS: usize = 29;

const _: () = assert!(MOST_HOURS == 14, "the hours from -14 to 14");

impl Tally {
    pub(super) fn new(rules: usize) -> Self {
        Self {
            matched: (0..rules).map(|_| AtomicBool::new(false)).collect(),
            labelled: AtomicU64::new(0),
            unmatched: AtomicU64::new(0),
            ambiguous: AtomicU64::new(0),
            by_hour: std::array::from_fn(|_| AtomicU64::new(0)),
        }
    }

    /// Adds a flow with `labels` different labels: the rules that gave them, and the hours with
    /// which rules cover it, if they are added to their times.
    pub(super) fn add(&self, rules: &[usize], labels: usize, hours: u32) {
        let flows = if labels == 0 { &self.unmatched } else { &self.labelled };
        flows.fetch_add(1, Relaxed);
        if labels > 1 {
            self.ambiguous.fetch_add(1, Relaxed);
        }
        for matched in rules.iter().filter_map(|place| self.matched.get(*place)) {
            matched.store(true, Relaxed);
        }
        for (bit, flows) in self.by_hour.iter().enumerate() {
            if hours & 1 << bit != 0 {
                flows.fetch_add(1, Relaxed);
            }
        }
    }

    /// Returns the hours that, added to the times of the rules, give many more matches, or 0.
    pub(super) fn clock_difference(&self) -> i64 {
        let flows = |hour: &i64| {
            let place = usize::try_from(hour + MOST_HOURS).unwrap_or_default();
            self.by_hour.get(place).map_or(0, |flows| flows.load(Relaxed))
        };
        // The smallest difference among those with the most flows.
        let others = (-MOST_HOURS..=MOST_HOURS).filter(|hour| *hour != 0);
        let best = others.max_by_key(|hour| (flows(hour), -hour.abs())).unwrap_or_default();
        let (here, there) = (flows(&0), flows(&best));
        if there > 2 * here && there > 1 { best } else { 0 }
    }
}

impl Report {
    /// Returns the warning about clocks that differ by whole hours; `file` names the rules.
    pub fn clock_warning(&self, file: &str) -> Option<String> {
        let hours = self.clock_difference_hours;
        (hours != 0).then(|| {
            format!(
                "the clocks of rules and flows seem to differ: with {hours:+} hours added to the \
                 times of {file}, many more flows match; check the time zone of the rules"
            )
        })
    }
}
