//! Ground truth: labels of flows from rules on addresses, ports, protocol and time.
//!
//! Rules come from a CSV file, which other modules read; this one gets its text. The first rule
//! that matches a flow gives its label, or all of them do.

mod error;
mod headings;
mod index;
mod intervals;
mod options;
mod read;
mod report;
mod rule;
mod zone;

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

pub use error::GroundTruthError;
pub use headings::HEADINGS;
use index::Index;
use intervals::hours;
pub use options::{Matching, Options};
pub use report::Report;
use report::Tally;
use rule::Rule;
pub use rule::Subject;
pub use zone::{Zone, ZoneError};

/// Rules of a file, and the counts of their matches so far.
#[derive(Debug)]
pub struct GroundTruth {
    rules: Vec<Rule>,
    index: Index,
    matching: Matching,
    default: Option<Arc<str>>,
    tally: Tally,
}

impl GroundTruth {
    /// Returns the rules in `text`, a CSV file with a header.
    ///
    /// # Errors
    ///
    /// [`GroundTruthError`] at the first mistake, with its line and column.
    pub fn parse(text: &str, options: &Options) -> Result<Self, GroundTruthError> {
        let rules = read::rules(text, options)?;
        Ok(Self {
            index: Index::new(&rules),
            tally: Tally::new(rules.len()),
            rules,
            matching: options.matching,
            default: (!options.default.is_empty()).then(|| options.default.as_str().into()),
        })
    }

    /// Returns the label of a flow, `None` for the empty one; `is_counted` adds the flow to the
    /// report.
    pub fn label(&self, flow: &Subject, is_counted: bool) -> Option<Arc<str>> {
        let mut hits = Vec::new();
        let mut shifts = 0;
        for place in self.index.near(flow) {
            let Some(rule) = self.rules.get(place) else { continue };
            if !rule.fits(flow) {
                continue;
            }
            shifts |= hours(rule, flow);
            if rule.covers(flow) {
                hits.push(place);
            }
        }
        hits.sort_unstable();
        let mut seen = HashSet::new();
        let found = hits.iter().filter_map(|place| self.rules.get(*place)).map(|rule| &rule.label);
        let labels: Vec<&Arc<str>> = found.filter(|label| seen.insert(Arc::clone(label))).collect();
        if is_counted {
            let counted = match self.matching {
                Matching::First => hits.get(..1).unwrap_or_default(),
                Matching::All => &hits,
            };
            self.tally.add(counted, labels.len(), shifts);
        }
        match (labels.as_slice(), self.matching) {
            ([], _) => self.default.clone(),
            ([first], _) | ([first, ..], Matching::First) => Some(Arc::clone(first)),
            (all, Matching::All) => {
                let all: Vec<_> = all.iter().map(|label| &***label).collect();
                Some(all.join("|").into())
            }
        }
    }

    /// Returns the counts so far.
    pub fn report(&self) -> Report {
        let is_matched = |place: &usize| {
            self.tally.matched.get(*place).is_some_and(|matched| matched.load(Relaxed))
        };
        let unmatched = (0..self.rules.len()).filter(|place| !is_matched(place));
        Report {
            rules: self.rules.len(),
            unmatched_rules: unmatched
                .filter_map(|place| self.rules.get(place))
                .map(|rule| rule.line)
                .collect(),
            labelled_flows: self.tally.labelled.load(Relaxed),
            unmatched_flows: self.tally.unmatched.load(Relaxed),
            ambiguous_flows: self.tally.ambiguous.load(Relaxed),
            clock_difference_hours: self.tally.clock_difference(),
            matching: self.matching,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use crate::time::Timestamp;

    use super::*;

    const HEADER: &str = "src_ip,src_port,dst_ip,dst_port,protocol,start,end,label\n";

    fn parse(rules: &str, options: &Options) -> Result<GroundTruth, GroundTruthError> {
        GroundTruth::parse(&format!("{HEADER}{rules}"), options)
    }

    fn flow(src: &str, dst: &str, first_s: i64, last_s: i64) -> Subject {
        let end = |text: &str| -> (IpAddr, u16) {
            let (address, port) = text.rsplit_once(' ').unwrap();
            (address.parse().unwrap(), port.parse().unwrap())
        };
        let time = |seconds| Timestamp::from_seconds(seconds, 0);
        Subject {
            ends: [end(src), end(dst)],
            protocol: 6,
            first: time(first_s),
            last: time(last_s),
        }
    }

    fn labels(truth: &GroundTruth, flow: &Subject) -> String {
        truth.label(flow, true).unwrap_or_default().to_string()
    }

    #[test]
    fn rules_of_every_form_match_in_either_direction() {
        let there = flow("192.0.2.1 50000", "198.51.100.1 80", 0, 9);
        let back = flow("198.51.100.1 80", "192.0.2.1 50000", 0, 9);
        for (rule, matches) in [
            ("192.0.2.1,50000,198.51.100.1,80,6,,,x", true),
            ("192.0.2.1,80,198.51.100.1,50000,6,,,x", false),
            ("192.0.2.1,,198.51.100.1,,tcp,,,x", true),
            ("192.0.2.1,,198.51.100.1,,udp,,,x", false),
            (",,198.51.100.1,80,,,,x", true),
            (",,198.51.100.1,50000,,,,x", false),
            ("192.0.2.0/24,,,,,,,x", true),
            ("2001:db8::/32,,,,,,,x", false),
            (",,,,,,,x", true),
            (",,,,,9,,x", true),
            (",,,,,10,,x", false),
            (",,,,,,0,x", true),
        ] {
            let truth = parse(rule, &Options::default()).unwrap();
            for flow in [&there, &back] {
                assert_eq!(labels(&truth, flow) == "x", matches, "{rule}");
            }
        }
    }

    #[test]
    fn the_first_rule_counts_or_all() {
        let rules = ",,198.51.100.1,,,,,b\n192.0.2.1,,198.51.100.1,,,,,a\n,,,,,,,b\n,,,81,,,,c\n";
        let flow = flow("192.0.2.1 50000", "198.51.100.1 80", 0, 9);
        let first = parse(rules, &Options::default()).unwrap();
        assert_eq!(labels(&first, &flow), "b");
        let report = first.report();
        assert_eq!((report.unmatched_rules, report.ambiguous_flows), (vec![3, 4, 5], 1));
        let options = Options { matching: Matching::All, ..Options::default() };
        let all = parse(rules, &options).unwrap();
        assert_eq!(labels(&all, &flow), "b|a");
        assert_eq!(all.report().unmatched_rules, [5]);
    }

    #[test]
    fn flows_without_a_rule_have_the_default() {
        let options = Options { default: "benign".to_owned(), ..Options::default() };
        let truth = parse(",,,81,,,,c\n", &options).unwrap();
        let flow = flow("192.0.2.1 50000", "198.51.100.1 80", 0, 9);
        assert_eq!(labels(&truth, &flow), "benign");
        // Looks at flows that continue are not counted.
        truth.label(&flow, false);
        let report = truth.report();
        assert_eq!((report.labelled_flows, report.unmatched_flows), (0, 1));
    }

    #[test]
    fn clocks_that_differ_by_hours_are_noticed() {
        let rules = ",,,80,,2023-11-14 19:13:20,2023-11-14 19:14:20,x\n,,,443,,,,y\n";
        let flows: Vec<_> = (0..3)
            .map(|n| 1_700_000_000 + 10 * n)
            .map(|time| flow("192.0.2.1 50000", "198.51.100.1 80", time, time + 1))
            .collect();
        for (zone, hours, labelled) in [("UTC", 3, 0), ("-03:00", 0, 3), ("Europe/Paris", 4, 0)] {
            let zone = Some(zone.parse().unwrap());
            let truth = parse(rules, &Options { zone, ..Options::default() }).unwrap();
            for flow in &flows {
                labels(&truth, flow);
            }
            let report = truth.report();
            assert_eq!((report.clock_difference_hours, report.labelled_flows), (hours, labelled));
        }
    }

    #[test]
    fn mistakes_name_their_line_and_column() {
        let zone = Some("America/Halifax".parse().unwrap());
        for (rule, message) in [
            ("x,,,,,,,a", "line 2, column 'src_ip': 'x' is neither an address nor a network"),
            ("1.2.3.0/33,,,,,,,a", "line 2, column 'src_ip': '1.2.3.0/33' is neither an address"),
            (",,,70000,,,,a", "line 2, column 'dst_port': '70000' is not a port (0 to 65535)"),
            (",,,,tpc,,,a", "line 2, column 'protocol': 'tpc' is neither a protocol's name nor"),
            (",,,,,noon,,a", "line 2, column 'start': 'noon' is not a time such as"),
            (",,,,,1700000000000,,a", "line 2, column 'start': '1700000000000' is not a time"),
            (",,,,,20,10,a", "line 2, column 'end': the interval ends before it starts"),
            ("1.2.3.4,,,,,,,", "line 2, column 'label': the label is missing"),
            (",,a", "line 2: has 3 cells, the header 8"),
            (
                ",,,,,2017-03-12 02:30,,a",
                "line 2, column 'start': '2017-03-12 02:30' does not exist",
            ),
            (",,,,,2017-11-05 01:30,,a", "line 2, column 'start': '2017-11-05 01:30' occurs twice"),
        ] {
            let options = Options { zone, ..Options::default() };
            let error = parse(rule, &options).unwrap_err().to_string();
            assert!(error.starts_with(message), "{rule}: {error}");
        }
        let error = parse(",,,,,2017-07-05 09:47,,a", &Options::default()).unwrap_err();
        assert!(error.to_string().contains("'2017-07-05 09:47' has no time zone"), "{error}");
    }
}
