//! Options of ground truth.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use nfstream::ground_truth::{GroundTruth, GroundTruthError, Matching, Options, Zone};
use nfstream::host::visible_path;

use crate::error::{Error, WARNING};
use crate::human::{count, counted};
use crate::io::Io;

/// Maximum number of lines of a report's list.
const MOST_LINES: usize = 10;

const HEADING: &str = "Labels";

/// Options of ground truth.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
pub(crate) struct LabelArgs {
    /// Add the column `label`: the label of the first rule in FILE that matches a flow. FILE is CSV
    /// with a header that names src_ip, src_port, dst_ip, dst_port, protocol, start, end and label;
    /// a rule matches in either direction, and an empty cell matches everything
    #[arg(long, value_name = "FILE", help_heading = HEADING)]
    label_by: Option<PathBuf>,

    /// Zone of times in FILE without an offset: UTC, an offset such as -03:00, or a name such as
    /// America/Halifax
    #[arg(long, value_name = "ZONE", help_heading = HEADING)]
    #[arg(requires = "label_by", allow_hyphen_values = true)]
    label_time_zone: Option<Zone>,

    /// Heading in FILE of a column whose heading is not recognised, such as src_ip=Attacker
    #[arg(long, value_name = "NAME=HEADING", help_heading = HEADING)]
    #[arg(requires = "label_by", value_parser = pair)]
    label_column: Vec<(String, String)>,

    /// Labels of a flow that several rules match: first, or all, separated by | (default: first)
    #[arg(long, value_name = "MATCH", help_heading = HEADING, requires = "label_by")]
    #[arg(value_parser = matching(), hide_possible_values = true)]
    label_match: Option<Matching>,

    /// Label of flows that no rule matches; default: none
    #[arg(long, value_name = "LABEL", help_heading = HEADING, requires = "label_by")]
    label_default: Option<String>,
}

/// Rules of a file, and its path.
#[derive(Clone, Debug)]
pub(crate) struct Labels {
    path: PathBuf,
    pub(crate) rules: Arc<GroundTruth>,
}

impl LabelArgs {
    /// Returns the path of the rules, `None` without any.
    pub(crate) fn path(&self) -> Option<&PathBuf> {
        self.label_by.as_ref()
    }

    /// Reads the rules, `None` without any.
    pub(crate) fn read(&self) -> Result<Option<Labels>, Error> {
        let Some(path) = self.label_by.clone() else { return Ok(None) };
        let options = Options {
            zone: self.label_time_zone,
            columns: self.label_column.clone(),
            matching: self.label_match.unwrap_or_default(),
            default: self.label_default.clone().unwrap_or_default(),
        };
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(source) if source.kind() == io::ErrorKind::InvalidData => {
                return Err(Error::Labels { path, mistake: "is not text in UTF-8".to_owned() });
            }
            Err(source) => return Err(Error::Path { path, action: "cannot be read", source }),
        };
        match GroundTruth::parse(&text, &options) {
            Ok(rules) => Ok(Some(Labels { path, rules: Arc::new(rules) })),
            Err(error @ GroundTruthError::Column { .. }) => {
                Err(Error::LabelColumn { mistake: error.to_string() })
            }
            Err(error) => Err(Error::Labels { path, mistake: error.to_string() }),
        }
    }
}

impl Labels {
    /// Prints the counts of rules and flows that match.
    pub(crate) fn report(&self, io: &mut Io<'_>) {
        let report = self.rules.report();
        let file = visible_path(&self.path);
        let flows = report.labelled_flows + report.unmatched_flows;
        let flows = counted(flows, "flow");
        io.stderr.say(format!("{file}: {} of {flows} labelled", count(report.labelled_flows)));
        let mut warn = |text: String| io.stderr.say_as(WARNING, "warning:", text);
        if let Some(text) = report.clock_warning(&file) {
            warn(text);
        }
        if report.ambiguous_flows > 0 && report.matching == Matching::First {
            let flows = counted(report.ambiguous_flows, "flow");
            warn(format!(
                "{file}: rules with different labels match {flows}; the first rule counts"
            ));
        }
        if !report.unmatched_rules.is_empty() {
            let some = report.unmatched_rules.iter().take(MOST_LINES).map(u64::to_string);
            let mut lines = some.collect::<Vec<_>>().join(", ");
            if report.unmatched_rules.len() > MOST_LINES {
                lines.push_str(", …");
            }
            let (verb, place) = if report.unmatched_rules.len() == 1 {
                ("labels", "line")
            } else {
                ("label", "lines")
            };
            let unmatched = count(whole(report.unmatched_rules.len()));
            let rules = counted(whole(report.rules), "rule");
            warn(format!("{file}: {unmatched} of {rules} {verb} no flow: {place} {lines}"));
        }
    }
}

fn whole(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, heading) = text.split_once('=').ok_or("expected NAME=HEADING")?;
    Ok((name.trim().to_owned(), heading.to_owned()))
}

fn matching() -> impl TypedValueParser<Value = Matching> {
    PossibleValuesParser::new(Matching::NAMES.map(|(name, _)| name))
        .map(|name| Matching::by_name(&name).unwrap_or_default())
}
