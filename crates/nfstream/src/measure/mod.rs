//! The user's measures: expressions in the language of conditions, over the packets of a flow and
//! over its columns.
//!
//! [`MeasureSet::parse`] checks all types before the first packet; [`MeasureSet::compile`] turns the
//! measures into a program that runs for each packet.
//!
//! ```
//! use nfstream::measure::MeasureSet;
//!
//! let up_acks = ("up_acks", "pkt.filter(pkt.up && pkt.ack).count()");
//! let rate = ("rate", "up_acks / duration");
//! let measures = MeasureSet::parse([up_acks, rate])?;
//! assert_eq!(measures.columns().map(|column| column.name).collect::<Vec<_>>(), ["duration"]);
//!
//! let error = MeasureSet::parse([("sizes", "pkt.lenght.max()")]).unwrap_err();
//! assert_eq!(
//!     error.to_string().lines().next(),
//!     Some("measure 'sizes': a packet has no field 'lenght'; did you mean 'length'?")
//! );
//! # Ok::<(), nfstream::measure::MeasureError>(())
//! ```

mod aggregation;
mod compile;
mod error;
mod kind;
mod parts;
mod reader;
mod tree;

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, PoisonError};

pub use error::MeasureError;

use crate::features::{Column, Program};
use crate::time::TimeUnit;
use reader::Reader;
use tree::{Part, Tree};

/// Names that have another meaning in expressions.
const RESERVED: [&str; 6] = ["false", "in", "null", "pkt", "source", "true"];

/// Maximum number of measures.
const MOST: usize = 200;

/// Maximum number of different expressions in all measures.
const MOST_EXPRESSIONS: usize = 10_000;

/// Measures of a run, parsed and checked.
#[derive(Clone, Debug, Default)]
pub struct MeasureSet {
    texts: Vec<(String, String)>,
    tree: Tree,
    results: Vec<Part>,
}

impl MeasureSet {
    /// Parses measures, each a name and an expression, which may use the measures before it.
    ///
    /// # Errors
    ///
    /// [`MeasureError`] for the first mistake in a name, in syntax or in types.
    pub fn parse<'a>(
        measures: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, MeasureError> {
        let mut set = Self::default();
        for (name, text) in measures {
            set.check_name(name)?;
            let known = set.texts.iter().map(|(name, _)| name.as_str()).zip(&set.results);
            let known: Vec<_> = known.map(|(name, part)| (name, *part)).collect();
            let result = Reader::read(text, &mut set.tree, &known);
            let result = result.map_err(|error| MeasureError::new(name, error))?;
            set.texts.push((name.to_owned(), text.to_owned()));
            set.results.push(result);
            if set.tree.len() > MOST_EXPRESSIONS {
                let message = "have too many different expressions; use fewer measures";
                return Err(MeasureError::too_large(message.to_owned()));
            }
        }
        compile::check(&set.tree, &set.results).map_err(MeasureError::too_large)?;
        Ok(set)
    }

    /// Returns names and expressions, in order.
    pub fn texts(&self) -> &[(String, String)] {
        &self.texts
    }

    /// Returns the columns of the flow that expressions read, with times in milliseconds.
    pub fn columns(&self) -> impl Iterator<Item = &'static Column> {
        let columns = self.tree.columns();
        columns.map(|name| tree::column(name, TimeUnit::Milliseconds))
    }

    /// Returns the program of the measures for runs with times in `unit`, `None` without measures.
    /// The same measures have the same program.
    pub fn compile(&self, unit: TimeUnit) -> Option<&'static Program> {
        static PROGRAMS: LazyLock<Mutex<HashMap<Key, &'static Program>>> =
            LazyLock::new(Mutex::default);
        if self.texts.is_empty() {
            return None;
        }
        let key = (self.texts.clone(), unit.symbol());
        let mut programs = PROGRAMS.lock().unwrap_or_else(PoisonError::into_inner);
        let make = || &*Box::leak(Box::new(self.program(unit)));
        Some(programs.entry(key).or_insert_with(make))
    }

    fn program(&self, unit: TimeUnit) -> Program {
        compile::program(&self.tree, &self.texts, &self.results, unit)
    }

    fn check_name(&self, name: &str) -> Result<(), MeasureError> {
        let mut letters = name.chars();
        let is_word = letters.next().is_some_and(|first| first.is_ascii_alphabetic())
            && letters.all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
        if !is_word {
            return Err(MeasureError::bad_name(
                name,
                "must be a letter followed by letters, digits and underscores",
            ));
        }
        if RESERVED.contains(&name) {
            return Err(MeasureError::bad_name(name, "is a reserved word"));
        }
        if tree::names().any(|known| known == name) {
            return Err(MeasureError::bad_name(name, "is the name of a column"));
        }
        if self.texts.iter().any(|(known, _)| known == name) {
            return Err(MeasureError::bad_name(name, "is the name of another measure"));
        }
        if self.texts.len() == MOST {
            return Err(MeasureError::bad_name(name, "is one measure too many; 200 are allowed"));
        }
        Ok(())
    }
}

/// Measures and the unit of a run.
type Key = (Vec<(String, String)>, &'static str);

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        let error = MeasureSet::parse([("m", text)]).unwrap_err().to_string();
        error.trim_start_matches("measure 'm': ").to_owned()
    }

    fn first_line(text: &str) -> String {
        error(text).lines().next().unwrap().to_owned()
    }

    fn is_fine(text: &str) {
        if let Err(error) = MeasureSet::parse([("m", text)]) {
            panic!("{error}");
        }
    }

    #[test]
    fn fields_filters_arithmetic_and_aggregations_fit_together() {
        is_fine("pkt.count()");
        is_fine("pkt.filter(pkt.up && pkt.ack || !pkt.syn).filter(pkt.length > 100).iat_ms.max()");
        is_fine("pkt.filter(pkt.iat_ms > 5).iat_ms.mean() / double(duration)");
        is_fine("pkt.filter(pkt.up).filter(pkt.filter(pkt.up).iat_us / 1000.0 > 5).count()");
        is_fine("(pkt.length - pkt.payload_length).std() + 1");
        is_fine("pkt.length.histogram([64, 128, 256.5, 512, 1024])");
        is_fine("pkt.payload_length.first(8)[2] == null ? -1 : pkt.payload_length.first(8)[2]");
        is_fine("pkt.payload[0] .n_unique()");
        is_fine("(pkt.payload[4] == 22).any() && (pkt.ttl > 1).all()");
        is_fine("pkt.payload_entropy.quantile(0.9) > 7 ? 1 : 0");
        is_fine("total_bytes / total_packets * 8 / (duration / 1000)");
        is_fine("src2dst_duration_us + src2dst_duration_ms");
        is_fine("pkt.bursts(1000) + pkt.filter(pkt.down).bursts(0.5)");
        is_fine("abs(-pkt.direction).sum() % 3 + int(sqrt(log(total_bytes)))");
    }

    #[test]
    fn measures_that_repeat_each_other_are_refused() {
        let mut chain = vec![("m0".to_owned(), "pkt.count()".to_owned())];
        for n in 1..100 {
            chain.push((format!("m{n}"), format!("m{0} + m{0}", n - 1)));
        }
        let all = chain.iter().map(|(name, text)| (name.as_str(), text.as_str()));
        let error = MeasureSet::parse(all).unwrap_err().to_string();
        assert!(error.contains("repeat each other too often"), "{error}");
        let sum = ["pkt.count()"; 200].join(" + ");
        is_fine(&sum);
    }

    #[test]
    fn errors_name_the_parts_and_their_types() {
        assert_eq!(
            error("pkt.filter(pkt.length && pkt.up).count()"),
            "'&&' does not take pkt.length, an int, and pkt.up, a bool\n  \
             pkt.filter(pkt.length && pkt.up).count()\n                        ^^"
        );
        assert_eq!(
            first_line("pkt.up + pkt.length.sum()"),
            "mixes values of packets and of the flow; aggregate the packets first: .sum(), .mean()"
        );
        assert_eq!(
            first_line("pkt.filter(pkt.length).count()"),
            "'filter' takes a condition, a bool, and pkt.length is an int"
        );
        assert_eq!(
            first_line("pkt.length"),
            "pkt.length is a value of each packet, not of the flow; end with an aggregation: \
             .max(), .mean(), .first(8)"
        );
        assert_eq!(first_line("pkt.up.max()"), "'max' takes numbers; pkt.up is a bool");
        assert_eq!(first_line("pkt.length.any()"), "'any' takes bools; pkt.length is an int");
        assert_eq!(
            first_line("pkt.max()"),
            "'max' takes values: name a field of the packets first; pkt is packets"
        );
        assert_eq!(
            first_line("pkt.filter(pkt.up).length + pkt.filter(pkt.down).length"),
            "mixes packets of two filters, neither of which is part of the other"
        );
        assert_eq!(
            first_line("application_name == 1"),
            "column application_name is text; measures take numbers and bools"
        );
        assert_eq!(
            first_line("total_bytes.sum()"),
            "'sum' aggregates values of packets, and total_bytes is one value of the flow"
        );
        assert_eq!(
            first_line("pkt.length.first(8) + 1"),
            "'+' does not take pkt.length.first(8), a list, and 1, an int"
        );
    }

    #[test]
    fn slips_are_corrected() {
        assert_eq!(
            first_line("totl_bytes / 2"),
            "no column 'totl_bytes'; did you mean 'total_bytes'?"
        );
        assert_eq!(first_line("length.max()"), "no column 'length'; write pkt.length for packets");
        assert_eq!(first_line("pkt.length.maxx()"), "no aggregation 'maxx'; did you mean 'max'?");
        assert_eq!(first_line("pkt.length.max"), "pkt.length, an int, has no field 'max'");
        assert_eq!(first_line("pkt.count"), "write count() to aggregate");
        assert_eq!(
            first_line("pkt.length.quantile(2)"),
            "'quantile' takes a share from 0 to 1: quantile(0.5)"
        );
        assert!(first_line("pkt.length.histogram([3, 2])").contains("increasing edges"));
        assert!(first_line("pkt.length.first(0)").contains("1 to 65535"));
        assert!(first_line("pkt.length.max(").starts_with("ends too early"));
        assert_eq!(first_line(""), "ends too early");
    }

    fn refused(names: &[&str]) -> String {
        let all = names.iter().map(|name| (*name, "pkt.count()"));
        MeasureSet::parse(all).unwrap_err().to_string()
    }

    #[test]
    fn names_are_words_that_nothing_else_has() {
        assert_eq!(
            refused(&["a", "b", "a"]),
            "name of a measure: 'a' is the name of another measure"
        );
        assert_eq!(
            refused(&["total_bytes"]),
            "name of a measure: 'total_bytes' is the name of a column"
        );
        for name in ["", "1a", "a b", "_a", "é", "pkt", "true", "source", "duration"] {
            assert!(refused(&[name]).starts_with("name of a measure: "), "{name}");
        }
        assert!(MeasureSet::parse([("a", "b"), ("b", "1")]).is_err());
        assert!(MeasureSet::parse([("a", "1"), ("b", "a + 1")]).is_ok());
    }

    #[test]
    fn equal_parts_are_computed_once() {
        let steps = |texts: &[&str]| {
            let names: Vec<_> = (0..texts.len()).map(|place| format!("m{place}")).collect();
            let all = names.iter().map(String::as_str).zip(texts.iter().copied());
            let set = MeasureSet::parse(all).unwrap();
            set.compile(TimeUnit::Milliseconds).unwrap().steps.len()
        };
        let one = steps(&["pkt.filter(pkt.up).length.mean()"]);
        let mean = "pkt.filter(pkt.up).length.mean() * 2";
        assert_eq!(steps(&["pkt.filter(pkt.up).length.mean()", mean]), one);
        assert_eq!(steps(&["pkt.filter(pkt.up).length.mean()", "m0 + 1"]), one);
    }

    #[test]
    fn too_many_measures_are_refused() {
        let texts: Vec<_> = (0..150).map(|offset| format!("pkt.payload[{offset}].max()")).collect();
        let sum = |texts: &[String]| MeasureSet::parse([("m", texts.join(" + ").as_str())]);
        assert!(sum(&texts[..100]).is_ok());
        let many: Vec<_> = (0..20_usize)
            .map(|place| {
                let start = place * 20;
                let range = start..start + 20;
                let texts: Vec<_> =
                    range.map(|offset| format!("pkt.payload[{offset}].max()")).collect();
                (format!("m{place}"), texts.join(" + "))
            })
            .collect();
        let all = many.iter().map(|(name, text)| (name.as_str(), text.as_str()));
        let error = MeasureSet::parse(all).unwrap_err().to_string();
        assert_eq!(error, "measures: need more than 250 values of each packet; use fewer measures");
    }

    mod untrusted {
        use proptest::prelude::*;

        use super::*;

        proptest! {
            #[test]
            fn no_text_panics(text in "[ -~]{0,60}") {
                drop(MeasureSet::parse([("m", text.as_str())]));
            }

            #[test]
            fn no_expression_panics(
                parts in proptest::collection::vec(
                    prop_oneof![
                        Just("pkt"), Just(".filter("), Just(")"), Just("pkt.up"), Just(".iat_ms"),
                        Just(".length"), Just(".max()"), Just(" + "), Just("1"), Just("-"), Just("["),
                        Just("]"), Just("total_bytes"), Just(" ? "), Just(" : "), Just(" && "),
                        Just(".first(3)"), Just("null"), Just(" == "), Just("2.5"), Just("("),
                        Just(".payload"), Just("abs("), Just(".quantile("), Just(".histogram([1, 2])"),
                    ],
                    0..12,
                ),
            ) {
                let text = parts.concat();
                if let Ok(set) = MeasureSet::parse([("m", text.as_str())]) {
                    let program = set.program(TimeUnit::Milliseconds);
                    prop_assert_eq!(program.columns.len(), 1);
                }
            }
        }
    }
}
