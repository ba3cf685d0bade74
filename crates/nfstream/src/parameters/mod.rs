//! Parameters of a run: each is declared once, in [`PARAMETERS`].
//!
//! The keyword arguments in Python, the options of the command, the metadata of files and
//! `docs/parameters.md` are all made from the declarations.
//!
//! ```
//! use nfstream::parameters::{Parameters, Value};
//!
//! let mut parameters = Parameters::default();
//! parameters.set("max_tcp_dissections", Value::Whole(4))?;
//! assert_eq!(parameters.config(None).dissection.map_or(4, |d| d.limits.tcp_packets), 4);
//!
//! let error = parameters.set("accounting_mode", Value::Whole(7)).unwrap_err();
//! assert_eq!(error.to_string(), "accounting_mode must be a whole number from 0 to 3");
//! # Ok::<(), nfstream::parameters::ParameterError>(())
//! ```

mod geoip_files;
mod kind;
mod measures;
mod model_files;
mod rules_file;
mod table;
mod value;

use std::num::{NonZeroU64, NonZeroUsize};
use std::sync::Arc;

use serde_json::{Map, Value as Json};

use crate::capture::{FileOptions, LiveOptions};
use crate::dissect::{Dissection, Limits};
use crate::features::{Column, Group, Measuring, PacketShape, Program, Scorer, columns, nearest};
use crate::flow::Timeouts;
use crate::meter::EarlyRecords;
use crate::pipeline::{Config, Duplicates, suitable_meters};
use crate::score::{Available, Scoring};
use crate::{decode, time};

pub use geoip_files::{GeoIpFileError, GeoIpFiles};
pub use kind::{Kind, ParameterError, Topic};
pub use model_files::{ModelFileError, ModelFiles};
pub use rules_file::{RulesFile, RulesFileError};
pub use table::{PARAMETERS, Parameter, Parameters};
pub use value::Value;
use value::{ALL, Mismatch, optional_groups};

impl Parameter {
    /// Returns the parameter called `name`.
    pub fn by_name(name: &str) -> Option<&'static Self> {
        PARAMETERS.iter().find(|parameter| parameter.name == name)
    }

    /// Returns whether a value can show what a table hides: a filter, an expression, or names of
    /// files.
    pub const fn reveals(&self) -> bool {
        matches!(self.kind, Kind::File | Kind::Files | Kind::Filter | Kind::Measures | Kind::Models)
    }

    /// Returns the value of a run for which nobody chose another.
    pub fn default(&self) -> Value {
        (self.read)(&Parameters::default())
    }

    /// Parses a value as typed in a command. Files are not read.
    ///
    /// # Errors
    ///
    /// [`ParameterError`] if the text is no value of the parameter.
    pub fn parse(&self, text: &str) -> Result<Value, ParameterError> {
        let value = match self.kind {
            Kind::File => return Ok(Value::Text(text.to_owned())),
            Kind::Files => return Ok(Value::Names(vec![text.to_owned()])),
            Kind::Choice(_) | Kind::Filter | Kind::Shape => Value::Text(text.to_owned()),
            Kind::Columns => return Ok(Value::Names(text.split(',').map(str::to_owned).collect())),
            Kind::Models => return Ok(Value::Pairs(vec![named_path(text)])),
            Kind::Features => Value::Names(text.split(',').map(str::to_owned).collect()),
            Kind::Measures => {
                let (name, text) = text.split_once('=').ok_or_else(|| self.unexpected())?;
                return Ok(Value::Pairs(vec![(name.trim().to_owned(), text.to_owned())]));
            }
            Kind::Flag { .. } => match text {
                "true" => Value::Flag(true),
                "false" => Value::Flag(false),
                _ => return Err(self.unexpected()),
            },
            Kind::Seconds { .. } => {
                let seconds = text.parse().ok().and_then(time::Duration::try_from_seconds);
                Value::Seconds(seconds.ok_or_else(|| self.unexpected())?)
            }
            Kind::Whole { .. } => Value::Whole(text.parse().map_err(|_| self.unexpected())?),
        };
        self.check(&value)?;
        (self.write)(&mut Parameters::default(), value.clone()).map_err(|m| self.error(m))?;
        Ok(value)
    }

    /// Returns a value as files record it, `None` if it is of another kind.
    fn recorded(&self, json: &Json) -> Option<Value> {
        Some(match (self.kind, json) {
            (_, Json::Null) => Value::None,
            (Kind::Flag { .. }, Json::Bool(flag)) => Value::Flag(*flag),
            (Kind::Columns | Kind::Features | Kind::Files, Json::Array(names)) => {
                let names = names.iter().map(|name| name.as_str().map(str::to_owned));
                Value::Names(names.collect::<Option<_>>()?)
            }
            (Kind::Measures | Kind::Models, Json::Object(pairs)) => {
                let pair = |(name, text): (&String, &Json)| {
                    Some((name.clone(), text.as_str()?.to_owned()))
                };
                Value::Pairs(pairs.iter().map(pair).collect::<Option<_>>()?)
            }
            (Kind::Seconds { .. }, json) => {
                Value::Seconds(time::Duration::try_from_seconds(json.as_f64()?)?)
            }
            (Kind::Whole { .. }, json) => Value::Whole(json.as_u64()?),
            (Kind::Choice(_) | Kind::File | Kind::Filter | Kind::Shape, Json::String(text)) => {
                Value::Text(text.clone())
            }
            _ => return None,
        })
    }

    /// Returns the values that the parameter takes, in words: "a whole number from 0 to 3".
    pub fn expected(&self) -> String {
        self.kind.expected()
    }

    fn check(&self, value: &Value) -> Result<(), ParameterError> {
        if self.kind.has(value) { Ok(()) } else { Err(self.unexpected()) }
    }

    fn unexpected(&self) -> ParameterError {
        ParameterError::Unexpected { name: self.name, expected: self.expected() }
    }

    fn error(&self, mismatch: Mismatch) -> ParameterError {
        match mismatch {
            Mismatch::Value => self.unexpected(),
            Mismatch::Filter(error) => error.into(),
            Mismatch::GeoIp(error) => ParameterError::GeoIp(error),
            Mismatch::Model(error) => ParameterError::Model(error),
            Mismatch::Measure(message) => ParameterError::Measure { message },
            Mismatch::Rules(error) => ParameterError::Rules(error),
            Mismatch::Feature(group) => {
                let names = || optional_groups().map(Group::name).chain([ALL]);
                let advice = match nearest(&group, names()) {
                    Some(meant) => format!("did you mean {meant:?}?"),
                    None => format!("there are {}", names().collect::<Vec<_>>().join(", ")),
                };
                ParameterError::UnknownFeature { group, advice }
            }
        }
    }
}

impl Parameters {
    /// Sets the parameter called `name`.
    ///
    /// # Errors
    ///
    /// [`ParameterError`] if there is no such parameter, or `value` is none of its values.
    pub fn set(&mut self, name: &str, value: Value) -> Result<(), ParameterError> {
        let unknown = || ParameterError::UnknownParameter { name: name.to_owned() };
        let parameter = Parameter::by_name(name).ok_or_else(unknown)?;
        parameter.check(&value)?;
        (parameter.write)(self, value).map_err(|mismatch| parameter.error(mismatch))
    }

    /// Sets the parameters that a file records, as [`to_json`](Self::to_json) returns them. Names
    /// that are no parameters are left out.
    ///
    /// # Errors
    ///
    /// [`ParameterError`] if a value does not fit: the file is from another version.
    pub fn set_recorded(&mut self, recorded: &Map<String, Json>) -> Result<(), ParameterError> {
        // A table does not choose which files are opened.
        let is_file =
            |kind| matches!(kind, Kind::Columns | Kind::File | Kind::Files | Kind::Models);
        let all = PARAMETERS.iter().filter(|one| one.recorded && !is_file(one.kind));
        for parameter in all {
            if let Some(json) = recorded.get(parameter.name) {
                let value = parameter.recorded(json).ok_or_else(|| parameter.unexpected())?;
                self.set(parameter.name, value)?;
            }
        }
        Ok(())
    }

    /// Returns the value of `parameter`.
    pub fn get(&self, parameter: &Parameter) -> Value {
        (parameter.read)(self)
    }

    /// Replaces what is short for other parameters: `features` holds the groups of
    /// `statistical_analysis`, `splt_analysis` and `packet_bytes`, and the last two are the lengths
    /// of the columns.
    #[must_use]
    pub fn settled(mut self) -> Self {
        let mut add = |group| {
            if !self.features.contains(&group) {
                self.features.push(group);
            }
        };
        if self.statistical_analysis {
            add(Group::Statistics);
            add(Group::TcpFlags);
        }
        if self.splt_analysis > 0 {
            add(Group::Splt);
        } else if [Group::Splt, Group::SpltTcp].iter().any(|one| self.features.contains(one)) {
            self.splt_analysis = Measuring::SPLT_PACKETS;
        }
        let of_bytes = [Group::PacketBytes, Group::RawPacketBytes];
        let has_bytes = of_bytes.iter().any(|group| self.features.contains(group));
        match self.packet_bytes {
            Some(_) if !has_bytes => self.features.push(Group::PacketBytes),
            None if has_bytes => self.packet_bytes = Some(PacketShape::default()),
            _ => {}
        }
        self
    }

    /// Returns the configuration of a run over an input of `input_bytes`, if that is known.
    pub fn config(&self, input_bytes: Option<u64>) -> Config {
        let settled = self.clone().settled();
        // The command and the Python module have checked that the models fit.
        let scoring = self.scoring().ok().flatten();
        let of_measures = self.measure.columns();
        let of_models = scoring.iter().flat_map(|scoring| scoring.read());
        let hidden = of_measures.chain(of_models).map(|column| column.group).collect();
        Config {
            timeouts: Timeouts { idle: self.idle_timeout, active: self.active_timeout },
            decode: decode::Options { tunnels: self.decode_tunnels, separation: self.key },
            duplicates: self.deduplicate.map(|window| Duplicates { window, are_removed: true }),
            dissection: self.dissection(),
            geoip: (!self.geoip.paths.is_empty()).then(|| Arc::clone(&self.geoip.databases)),
            measuring: Measuring {
                groups: settled.features,
                unit: self.time_unit,
                accounting: self.accounting_mode,
                // Columns of the group may be needed without being among the features.
                splt_packets: match self.splt_analysis {
                    0 => Measuring::SPLT_PACKETS.into(),
                    packets => packets.into(),
                },
                packet_bytes: self.packet_bytes.unwrap_or_default(),
                track_tcp: self.track_tcp,
                hidden,
                measures: self.measures(),
            },
            scorer: scoring.map(|scoring| Arc::new(scoring) as Arc<dyn Scorer>),
            max_flows: NonZeroU64::new(self.max_nflows),
            max_active_flows: NonZeroUsize::new(self.max_active_flows),
            max_active_bytes: NonZeroUsize::new(self.max_active_bytes),
            early: EarlyRecords {
                packets: self.early_packets.into(),
                age: self.early_seconds,
                only: self.early_only,
                every: self.update_every,
            },
            meters: NonZeroUsize::new(self.n_meters)
                .unwrap_or_else(|| suitable_meters(input_bytes)),
            ..Config::default()
        }
    }

    /// Returns the dissector of a run and its limits, `None` for no labels.
    pub fn dissection(&self) -> Option<Dissection> {
        let limits =
            Limits { tcp_packets: self.max_tcp_dissections, udp_packets: self.max_udp_dissections };
        let rules = self.rules.as_ref().map(|file| file.rules.clone()).unwrap_or_default();
        self.dissect.then(|| Dissection { dissector: self.dissector.factory(rules), limits })
    }

    /// Returns the program of the measures, `None` without any.
    pub fn measures(&self) -> Option<&'static Program> {
        self.measure.compile(self.time_unit)
    }

    /// Returns the columns that a table of the run can have: those of the engine, of measures and
    /// of models.
    pub fn columns(&self) -> impl Iterator<Item = &'static Column> {
        self.measured_columns().chain(self.model.models.columns().iter().copied())
    }

    /// Returns the models of the run, matched with its columns; `None` without models.
    ///
    /// # Errors
    ///
    /// [`ParameterError::Model`] if a model does not fit the columns of the run.
    pub fn scoring(&self) -> Result<Option<Scoring>, ParameterError> {
        if self.model.models.is_empty() && self.model_columns.is_empty() {
            return Ok(None);
        }
        let columns: Vec<_> = self.measured_columns().collect();
        let run = Available {
            columns: &columns,
            dissects: self.dissect,
            has_places: !self.geoip.paths.is_empty(),
            splt_packets: usize::from(match self.splt_analysis {
                0 => Measuring::SPLT_PACKETS,
                packets => packets,
            }),
        };
        let scoring = self.model.models.scoring(run, self.time_unit, &self.model_columns);
        scoring.map(Some).map_err(|(name, mistake)| {
            ParameterError::Model(Box::new(self.model.error(&name, mistake)))
        })
    }

    /// Returns the columns of the engine and of measures.
    fn measured_columns(&self) -> impl Iterator<Item = &'static Column> {
        let measures = self.measures().into_iter().flat_map(Program::columns);
        columns(self.time_unit).chain(measures)
    }

    /// Returns a column that a measure reads although the run does not fill it, because flows are
    /// not dissected.
    pub fn unfilled(&self) -> Option<&'static Column> {
        let mut columns = self.measure.columns();
        columns.find(|column| column.group.needs_inspection() && !self.dissect)
    }

    /// Returns the options of capture files.
    pub fn file_options(&self) -> FileOptions {
        FileOptions {
            order: self.order,
            strict: self.strict_files,
            large_windows: self.large_windows,
            range_bytes: None,
        }
    }

    /// Returns the options of a capture on network interfaces.
    pub fn live_options(&self) -> LiveOptions {
        let standard = |span: time::Duration| std::time::Duration::from_nanos(span.nanos());
        LiveOptions {
            snaplen: self.snaplen,
            promiscuous: self.promiscuous_mode,
            buffer_bytes: self.socket_buffer_size,
            rings: NonZeroUsize::new(self.rings).unwrap_or(NonZeroUsize::MIN),
            duration: self.duration.map(standard),
        }
    }

    /// Returns the polling interval of the process table, `None` for no attribution of flows.
    pub fn process_polling(&self) -> Option<std::time::Duration> {
        let interval = std::time::Duration::from_millis(self.system_visibility_poll_ms.into());
        (self.system_visibility_mode == 1).then_some(interval)
    }

    /// Returns the settled values that files record, by name.
    pub fn to_json(&self) -> Map<String, Json> {
        let settled = self.clone().settled();
        let recorded = PARAMETERS.iter().filter(|parameter| parameter.recorded);
        recorded.map(|one| (one.name.to_owned(), settled.get(one).to_json())).collect()
    }
}

/// Splits NAME=FILE; a file alone gets the usual name. A name is one word, so `./` before a path with an
/// equals sign keeps it whole.
fn named_path(text: &str) -> (String, String) {
    let is_word = |name: &str| {
        !name.is_empty()
            && name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
    };
    match text.split_once('=') {
        Some((name, path)) if is_word(name) => (name.to_owned(), path.to_owned()),
        _ => (model_files::USUAL_NAME.to_owned(), text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::sync::LazyLock;

    use nfstream_testkit::mmdb::{self, Field};

    use super::*;

    const RULES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/rules.toml");

    #[test]
    fn defaults_are_those_of_the_configuration() {
        let (ours, config) = (Parameters::default().config(Some(0)), Config::default());
        assert_eq!(
            format!("{:?}", ours.measuring.plan()),
            format!("{:?}", config.measuring.plan())
        );
        assert_eq!(ours.timeouts, config.timeouts);
        assert_eq!(ours.max_flows, config.max_flows);
        assert_eq!(ours.early, config.early);
        assert_eq!(ours.max_active_flows, config.max_active_flows);
        assert_eq!(ours.max_active_bytes, config.max_active_bytes);
        assert_eq!(format!("{:?}", ours.dissection), format!("{:?}", config.dissection));
        let live = format!("{:?}", LiveOptions::default());
        assert_eq!(format!("{:?}", Parameters::default().live_options()), live);
    }

    /// Returns the path of a database, which is written once.
    fn database() -> String {
        static FILE: LazyLock<tempfile::NamedTempFile> = LazyLock::new(|| {
            let record = Field::map([("country_code", Field::text("NL"))]);
            let mut file = tempfile::NamedTempFile::new().unwrap();
            file.write_all(&mmdb::database("Test", &[("192.0.2.0/24", record)])).unwrap();
            file
        });
        FILE.path().to_str().unwrap().to_owned()
    }

    /// Returns some values that a parameter takes, the extremes among them.
    fn values(parameter: &Parameter) -> Vec<Value> {
        match parameter.kind {
            Kind::Choice(choices) => {
                choices.iter().map(|(word, _)| Value::Text((*word).to_owned())).collect()
            }
            Kind::Columns => vec![Value::Names(Vec::new()), Value::Names(vec!["id".to_owned()])],
            // A build may have no interpreter.
            Kind::Models => vec![Value::None],
            Kind::Features => {
                vec![Value::Names(Vec::new()), Value::Names(vec!["splt".to_owned()])]
            }
            Kind::File => vec![Value::None, Value::Text(RULES.to_owned())],
            Kind::Files => vec![Value::Names(Vec::new()), Value::Names(vec![database()])],
            Kind::Shape => vec![Value::None, Value::Text("1x1".to_owned())],
            Kind::Filter => vec![Value::None, Value::Text("tcp port 443".to_owned())],
            Kind::Flag { .. } => vec![Value::Flag(false), Value::Flag(true)],
            Kind::Measures => {
                let one = ("sizes".to_owned(), "pkt.length.max()".to_owned());
                vec![Value::None, Value::Pairs(vec![one])]
            }
            Kind::Seconds { .. } => {
                vec![Value::Seconds(time::Duration::default()), Value::Seconds(time::Duration::MAX)]
            }
            Kind::Whole { least, most } => vec![Value::Whole(least), Value::Whole(most)],
        }
    }

    #[test]
    fn recorded_values_are_read_back() {
        for parameter in PARAMETERS.iter().filter(|parameter| parameter.recorded) {
            for value in values(parameter) {
                let mut parameters = Parameters::default();
                parameters.set(parameter.name, value).unwrap();
                let mut read = Parameters::default();
                read.set_recorded(&parameters.to_json()).unwrap();
                // A table does not choose which files are opened.
                let is_file = matches!(parameter.kind, Kind::Columns | Kind::File | Kind::Files);
                let expected = if is_file { Parameters::default() } else { parameters };
                assert_eq!(read.to_json(), expected.to_json(), "{}", parameter.name);
            }
        }
    }

    #[test]
    fn values_are_kept_as_they_are_set() {
        for parameter in PARAMETERS {
            for value in values(parameter) {
                let mut parameters = Parameters::default();
                parameters.set(parameter.name, value.clone()).unwrap();
                assert_eq!(parameters.get(parameter), value, "{}", parameter.name);
                for other in PARAMETERS.iter().filter(|other| other.name != parameter.name) {
                    assert_eq!(parameters.get(other), other.default(), "{}", other.name);
                }
            }
        }
    }

    #[test]
    fn every_value_that_files_record_is_in_the_json() {
        for parameter in PARAMETERS.iter().filter(|parameter| parameter.recorded) {
            let usual = Parameters::default().to_json();
            let differs = |value| {
                let mut parameters = Parameters::default();
                parameters.set(parameter.name, value).unwrap();
                parameters.to_json() != usual
            };
            // Without nDPI there is one dissector, and a build may have no interpreter of models.
            let has_a_choice = values(parameter).len() > 1;
            assert_eq!(
                values(parameter).into_iter().any(differs),
                has_a_choice,
                "{}",
                parameter.name
            );
        }
    }

    #[test]
    fn defaults_can_be_set_and_are_in_range() {
        for parameter in PARAMETERS {
            Parameters::default().set(parameter.name, parameter.default()).unwrap();
            let is_on = parameter.default() == Value::Flag(true);
            let has_off = matches!(parameter.kind, Kind::Flag { off } if !off.is_empty());
            assert_eq!(is_on, has_off, "{}", parameter.name);
        }
    }

    #[test]
    fn rules_reach_the_dissector() {
        let mut parameters = Parameters::default();
        for (name, value) in [("rules", RULES), ("dissector", "native")] {
            parameters.set(name, Value::Text(value.to_owned())).unwrap();
        }
        let factory = format!("{:?}", parameters.dissection().unwrap().dissector);
        assert!(factory.contains("Intranet"), "{factory}");
    }

    fn error(name: &str, value: Value) -> String {
        Parameters::default().set(name, value).unwrap_err().to_string()
    }

    #[test]
    fn values_that_do_not_fit_are_explained() {
        assert_eq!(
            error("accounting_mode", Value::Whole(4)),
            "accounting_mode must be a whole number from 0 to 3"
        );
        assert_eq!(error("snaplen", Value::Flag(true)), error("snaplen", Value::Whole(0)));
        assert_eq!(
            error("idle_timeout", Value::None),
            "idle_timeout must be a number of seconds (0 or more)"
        );
        assert_eq!(
            error("time_unit", Value::Text("s".to_owned())),
            "time_unit must be one of 'ms', 'us', 'ns'"
        );
        assert_eq!(
            error("features", Value::Names(vec!["tcp-flags".to_owned()])),
            r#"no column group "tcp-flags"; did you mean "tcp_flags"?"#
        );
        assert!(error("bpf_filter", Value::Text("tcp prot 80".to_owned())).contains("syntax"));
        assert_eq!(error("idle_time", Value::None), r#"no parameter "idle_time""#);
        assert!(error("rules", Value::Text("/no/rules".to_owned())).starts_with("/no/rules: "));
        let no_rules = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
        let mistake = error("rules", Value::Text(no_rules.to_owned()));
        assert!(mistake.contains("/Cargo.toml: line "), "{mistake}");
        let files = |path: &str| Value::Names(vec![database(), path.to_owned()]);
        assert_eq!(error("geoip", files("/no/geoip")), "/no/geoip: cannot be read");
        let mistake = error("geoip", files(no_rules));
        assert!(mistake.ends_with("/Cargo.toml: not a database in MaxMind's format"), "{mistake}");
    }

    #[test]
    fn text_is_parsed_by_kind() {
        let parse = |name, text| Parameter::by_name(name).unwrap().parse(text);
        assert_eq!(parse("n_meters", "3").unwrap(), Value::Whole(3));
        let half = time::Duration::from_nanos(500_000_000);
        assert_eq!(parse("idle_timeout", "0.5").unwrap(), Value::Seconds(half));
        for (name, text) in [("n_meters", "-1"), ("idle_timeout", "x"), ("features", "nothing")] {
            assert!(parse(name, text).is_err(), "{name}");
        }
    }

    #[test]
    fn short_forms_become_groups() {
        let settled = |name: &str, value| {
            let mut parameters = Parameters::default();
            parameters.set(name, value).unwrap();
            parameters.settled()
        };
        let statistics = settled("statistical_analysis", Value::Flag(true));
        assert_eq!(statistics.features, [Group::Statistics, Group::TcpFlags]);
        let splt = settled("splt_analysis", Value::Whole(3));
        assert_eq!((splt.features, splt.splt_analysis), (vec![Group::Splt], 3));
        let splt = settled("features", Value::Names(vec!["splt".to_owned()]));
        assert_eq!(
            (splt.features, splt.splt_analysis),
            (vec![Group::Splt], Measuring::SPLT_PACKETS)
        );
        let all = settled("features", Value::Names(vec!["all".to_owned()]));
        assert_eq!(all.features.len(), optional_groups().filter(|one| one.is_in_all()).count());
        assert!(!all.features.contains(&Group::Cic));
    }
}
