//! Options of metering: parameters of the engine, `--where`, and rules for labels.

use std::marker::PhantomData;
use std::sync::Arc;

use clap::{Arg, ArgMatches, Args, Command, FromArgMatches};
use nfstream::Config;
use nfstream::capture::Filter;
use nfstream::condition::Condition;
use nfstream::dissect::Dissection;
use nfstream::features::{Accounting, Column, Group};
use nfstream::parameters::{PARAMETERS, Parameter, Parameters, Topic};
use nfstream::pipeline::{Duplicates, suitable_meters};
use serde_json::Value;

use crate::error::Error;
use crate::feature_argument::Features;
use crate::input::Input;
use crate::io::Io;
use crate::label_arguments::{LabelArgs, Labels};
use crate::parameter_arguments::{self, of, of_packets};

const HEADING: &str = "Flows";

/// Options of metering.
#[derive(Clone, Debug)]
pub(crate) struct FlowRules {
    parameters: Parameters,
    /// Column groups named individually, not as `all`.
    named: Vec<Group>,
    condition: Option<String>,
    labels: LabelArgs,
}

/// Options of metering, and those of one kind of source.
#[derive(Clone, Debug)]
pub(crate) struct SourceRules<K> {
    rules: FlowRules,
    kind: PhantomData<K>,
}

/// Kind of source.
pub(crate) trait SourceKind {
    /// Its parameters, under headings.
    const TOPICS: &[(Topic, &str)];
    /// Parameters without an option.
    const WITHOUT: &[&str] = &[];
}

/// Capture files.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OfFiles;

impl SourceKind for OfFiles {
    const TOPICS: &[(Topic, &str)] = &[(Topic::Files, "Files")];
}

/// Network interfaces.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OfInterfaces;

impl SourceKind for OfInterfaces {
    const TOPICS: &[(Topic, &str)] = &[(Topic::Capture, "Capture")];
}

/// Capture files or network interfaces.
#[cfg(feature = "top")]
#[derive(Clone, Copy, Debug)]
pub(crate) struct OfBoth;

#[cfg(feature = "top")]
impl SourceKind for OfBoth {
    const TOPICS: &[(Topic, &str)] = &[(Topic::Capture, "Capture"), (Topic::Files, "Files")];
    // The screen is a report itself.
    const WITHOUT: &[&str] = &["performance_report"];
}

/// Metering job.
#[derive(Debug)]
pub(crate) struct Job {
    parameters: Parameters,
    /// Column groups that options such as `--where` and `--sort` need, in addition to those
    /// selected.
    needed: Vec<Group>,
    /// Condition that selects flows, `None` for all flows.
    pub(crate) condition: Option<Condition>,
    /// Rules for labels, `None` without any.
    pub(crate) labels: Option<Labels>,
    /// Whether exact duplicates are counted if they are not removed.
    counts_duplicates: bool,
}

impl Args for FlowRules {
    fn augment_args(command: Command) -> Command {
        let condition = Arg::new("where")
            .long("where")
            .value_name("EXPR")
            .allow_hyphen_values(true)
            .help_heading(HEADING)
            .help(
                "Keep only the flows for which EXPR is true, a Common Expression Language (CEL) \
                 expression over columns, such as 'dst_port == 443 && total_bytes > 1000'",
            );
        let command = parameter_arguments::augment(command, of(Topic::Flows), HEADING);
        LabelArgs::augment_args(command.arg(condition))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for FlowRules {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut rules = Self {
            parameters: Parameters::default(),
            named: Vec::new(),
            condition: None,
            labels: LabelArgs::from_arg_matches(matches)?,
        };
        rules.update_from_arg_matches(matches)?;
        Ok(rules)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        parameter_arguments::update(&mut self.parameters, matches, of(Topic::Flows))?;
        let features = matches.get_many::<Features>("features").into_iter().flatten();
        self.named = features.filter_map(|features| features.named()).collect();
        self.condition = matches.get_one("where").cloned();
        self.labels = LabelArgs::from_arg_matches(matches)?;
        Ok(())
    }
}

impl<K: SourceKind> SourceRules<K> {
    /// Returns the parameters of `topic` that have an option.
    fn chosen(topic: Topic) -> impl Iterator<Item = &'static Parameter> {
        of(topic).filter(|parameter| !K::WITHOUT.contains(&parameter.name))
    }

    /// Returns the options of both.
    pub(crate) fn into_inner(self) -> FlowRules {
        self.rules
    }
}

impl<K: SourceKind> Args for SourceRules<K> {
    fn augment_args(command: Command) -> Command {
        let augment = |command, (topic, heading): &(Topic, &'static str)| {
            parameter_arguments::augment(command, Self::chosen(*topic), heading)
        };
        FlowRules::augment_args(K::TOPICS.iter().fold(command, augment))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl<K: SourceKind> FromArgMatches for SourceRules<K> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut rules = FlowRules::from_arg_matches(matches)?;
        for (topic, _) in K::TOPICS {
            parameter_arguments::update(&mut rules.parameters, matches, Self::chosen(*topic))?;
        }
        Ok(Self { rules, kind: PhantomData })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl FlowRules {
    /// Returns the parameters of the engine.
    pub(crate) const fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// Counts the bytes of IP packets instead of frames, unless other bytes were chosen.
    pub(crate) fn count_ip_bytes(&mut self) {
        if self.parameters.accounting_mode == Accounting::Frame {
            self.parameters.accounting_mode = Accounting::Ip;
        }
    }

    /// Returns whether the user chose a group of columns, or a table always has it.
    pub(crate) fn shows(&self, group: Group) -> bool {
        match group {
            Group::SystemProcess => self.parameters.process_polling().is_some(),
            group if group.is_feature() => {
                self.parameters.clone().settled().features.contains(&group)
            }
            group => group.is_usual(),
        }
    }

    /// Sets the parameters that a table records.
    pub(crate) fn set_recorded(
        &mut self,
        recorded: &serde_json::Map<String, Value>,
    ) -> Result<(), nfstream::parameters::ParameterError> {
        self.parameters.set_recorded(recorded)
    }

    /// Returns whether there is a condition on flows.
    pub(crate) const fn has_condition(&self) -> bool {
        self.condition.is_some()
    }

    /// Returns the name of an option in `self` that only adds columns, `None` if there is none.
    pub(crate) fn adds_columns(&self) -> Option<&'static str> {
        let Parameters {
            features, statistical_analysis, splt_analysis, packet_bytes, measure, ..
        } = &self.parameters;
        if !measure.texts().is_empty() {
            return Some("measure");
        }
        if packet_bytes.is_some() {
            return Some("packet-bytes");
        }
        match (features.is_empty(), statistical_analysis, splt_analysis) {
            (false, ..) => Some("features"),
            (_, true, _) => Some("statistical-analysis"),
            (.., 1..) => Some("splt-analysis"),
            _ => None,
        }
    }

    /// Parses a condition on flows.
    #[cfg(feature = "top")]
    pub(crate) fn condition(
        &self,
        text: &str,
    ) -> Result<Condition, nfstream::condition::ConditionError> {
        Condition::parse(text, self.parameters.columns())
    }

    /// Returns the job, which also measures the columns in `needed`. `origin` is the name of the
    /// column for the source of a flow, if tables have one.
    pub(crate) fn job(
        &self,
        needed: &[&'static Column],
        origin: Option<&'static str>,
    ) -> Result<Job, Error> {
        let condition = self.condition.as_deref();
        let parse = |text| Condition::parse_with_origin(text, self.parameters.columns(), origin);
        let condition = condition.map(parse).transpose()?;
        let is_off = |group: Group| group.needs_inspection() && !self.parameters.dissect;
        if let Some(group) = self.named.iter().find(|group| is_off(**group)) {
            return Err(Error::FeatureOff { group: group.name() });
        }
        if let Some(column) = self.parameters.unfilled() {
            return Err(Error::ColumnOff { column: column.name });
        }
        self.parameters.scoring().map_err(Error::Model)?;
        let named = condition.iter().flat_map(|condition| condition.columns());
        let needed: Vec<_> = named.chain(needed).copied().collect();
        if let Some(column) = needed.iter().find(|column| is_off(column.group)) {
            return Err(Error::ColumnOff { column: column.name });
        }
        let needed = needed.iter().map(|column| column.group).collect();
        let parameters = self.parameters.clone().settled();
        let labels = self.labels.read()?;
        Ok(Job { parameters, needed, condition, labels, counts_duplicates: false })
    }

    /// Returns the parameters as recorded in files.
    pub(crate) fn to_json(&self, input: &Input) -> Value {
        let paths = input.paths.iter().map(|path| path.to_string_lossy().into_owned());
        let mut values = self.parameters.to_json();
        values.insert("source".to_owned(), paths.collect());
        values.insert("where".to_owned(), self.condition.clone().into());
        if let Some(path) = self.labels.path() {
            values.insert("label_by".to_owned(), path.to_string_lossy().into());
        }
        values.into()
    }

    /// Returns the parameters to record in files that hide the columns `hidden`: without those that
    /// can reveal their values, such as filters and file names.
    pub(crate) fn to_json_without(&self, hidden: &[String]) -> Value {
        let mut values = self.parameters.to_json();
        for parameter in PARAMETERS.iter().filter(|parameter| parameter.reveals()) {
            values.remove(parameter.name);
        }
        values.insert("columns_to_anonymize".to_owned(), hidden.into());
        values.into()
    }
}

impl Job {
    /// Returns the job that also measures the columns of `groups`.
    pub(crate) fn measuring(mut self, groups: impl Iterator<Item = Group>) -> Self {
        self.needed.extend(groups);
        self
    }

    /// Returns the job that counts exact duplicates where it does not remove them.
    pub(crate) fn counting_duplicates(self) -> Self {
        Self { counts_duplicates: true, ..self }
    }

    /// Returns the engine's configuration for an input of `input_bytes`, if known.
    pub(crate) fn config(&self, input_bytes: Option<u64>) -> Config {
        let mut config = self.parameters.config(input_bytes);
        config.measuring.groups.extend(&self.needed);
        config.ground_truth = self.labels.as_ref().map(|labels| Arc::clone(&labels.rules));
        if self.counts_duplicates {
            config.duplicates = config.duplicates.or(Some(Duplicates::COUNTED));
        }
        config
    }

    /// Prints the counts of rules and flows that match, if there are rules for labels.
    pub(crate) fn report_labels(&self, io: &mut Io<'_>) {
        if let Some(labels) = &self.labels {
            labels.report(io);
        }
    }

    /// Returns the packet filter, `None` for all packets.
    pub(crate) fn filter(&self) -> Option<Filter> {
        self.parameters.bpf_filter.clone()
    }

    /// Returns the dissection of the run, `None` for no labels.
    pub(crate) fn dissection(&self) -> Option<Dissection> {
        self.parameters.dissection()
    }

    /// Determines the number of meters for an input of `input_bytes` ahead of the sandbox, which
    /// hides the number of processors.
    pub(crate) fn settle_meters(&mut self, input_bytes: Option<u64>) {
        if self.parameters.n_meters == 0 {
            self.parameters.n_meters = suitable_meters(input_bytes).get();
        }
    }

    /// Loads the dissector's library before the sandbox, in which no file can be opened.
    pub(crate) fn load_dissector(&self) {
        if let Some(Dissection { dissector, .. }) = self.dissection() {
            dissector.components();
        }
    }

    /// Returns whether a table has the columns of `group` without `--columns`.
    pub(crate) fn shows(&self, group: Group) -> bool {
        !group.is_feature() || self.parameters.features.contains(&group)
    }

    /// Returns the name of an option for files or packets, `None` if there is none.
    fn packet_option(&self) -> Option<String> {
        let (given, usual) = (self.parameters.to_json(), Parameters::default().to_json());
        let mut options = of(Topic::Files).chain(of_packets());
        let changed = options.find(|one| given.get(one.name) != usual.get(one.name));
        changed.map(parameter_arguments::option_name)
    }

    /// Checks that `input` can provide the needed columns and follow the options.
    pub(crate) fn check(&self, input: &Input) -> Result<(), Error> {
        if input.blocks.is_some()
            && let Some(option) = self.packet_option()
        {
            return Err(Error::OptionOfPackets { option });
        }
        let has_processes = input.live.as_ref().is_some_and(|live| live.processes.is_some());
        if self.needed.contains(&Group::SystemProcess) && !has_processes {
            return Err(Error::ProcessesOff);
        }
        if self.needed.contains(&Group::ShardOrder) && input.blocks.is_none() {
            return Err(Error::BlocksOff);
        }
        if self.needed.contains(&Group::GroundTruth) && self.labels.is_none() {
            return Err(Error::LabelsOff);
        }
        if self.needed.contains(&Group::GeoIp) && self.parameters.geoip.paths.is_empty() {
            return Err(Error::GeoIpOff);
        }
        Ok(())
    }
}
