//! Options generated from the engine's declarations of parameters.

use clap::builder::{PossibleValuesParser, TypedValueParser, ValueParser};
use clap::{Arg, ArgAction, ArgMatches, Command};
use nfstream::capture::CaptureError;
use nfstream::parameters::{Kind, PARAMETERS, Parameter, ParameterError, Parameters, Topic, Value};

use crate::error::with_causes;
use crate::feature_argument::{FeatureParser, Features};

/// Names of the parameters that select or change packets before they are added to flows.
const OF_PACKETS: [&str; 4] = ["bpf_filter", "decode_tunnels", "deduplicate", "key"];

/// Adds an option for each of `chosen`, under `heading`.
pub(crate) fn augment(
    command: Command,
    chosen: impl Iterator<Item = &'static Parameter>,
    heading: &'static str,
) -> Command {
    chosen.fold(command, |command, parameter| command.arg(option(parameter).help_heading(heading)))
}

/// Sets those of `parameters` that are `chosen` to the values of `matches`.
pub(crate) fn update(
    parameters: &mut Parameters,
    matches: &ArgMatches,
    chosen: impl Iterator<Item = &'static Parameter>,
) -> Result<(), clap::Error> {
    for parameter in chosen {
        let id = parameter.name;
        let value = match parameter.kind {
            Kind::Flag { off } => Some(Value::Flag(matches.get_flag(id) == off.is_empty())),
            Kind::Features => matches.get_many::<Features>(id).map(|all| {
                let groups = all.flat_map(|features| features.groups());
                Value::Names(groups.map(|group| group.name().to_owned()).collect())
            }),
            Kind::Columns | Kind::Files => matches.get_many::<Value>(id).map(|all| {
                let names = all.flat_map(|value| match value {
                    Value::Names(names) => names.as_slice(),
                    _ => &[],
                });
                Value::Names(names.cloned().collect())
            }),
            Kind::Measures | Kind::Models => matches.get_many::<Value>(id).map(|all| {
                let pairs = all.filter_map(|value| match value {
                    Value::Pairs(pairs) => Some(pairs.clone()),
                    _ => None,
                });
                Value::Pairs(pairs.flatten().collect())
            }),
            _ => matches.get_one::<Value>(id).cloned(),
        };
        if let Some(value) = value {
            // The option's parser has checked the value; a file is only read now.
            parameters.set(id, value).map_err(|error| {
                let text = format!("{}\n", with_causes(&error));
                clap::Error::raw(clap::error::ErrorKind::ValueValidation, text)
            })?;
        }
    }
    Ok(())
}

/// Returns the parameters of `topic`.
pub(crate) fn of(topic: Topic) -> impl Iterator<Item = &'static Parameter> {
    PARAMETERS.iter().filter(move |parameter| parameter.topic == topic)
}

/// Returns the parameters of packets.
pub(crate) fn of_packets() -> impl Iterator<Item = &'static Parameter> {
    PARAMETERS.iter().filter(|parameter| OF_PACKETS.contains(&parameter.name))
}

/// Returns the name of the option for a parameter, without dashes before it.
pub(crate) fn option_name(parameter: &Parameter) -> String {
    let name = parameter.name.replace('_', "-");
    match parameter.kind {
        Kind::Flag { off } if !off.is_empty() => format!("no-{name}"),
        _ => name,
    }
}

fn option(parameter: &'static Parameter) -> Arg {
    let name = option_name(parameter);
    let arg = Arg::new(parameter.name).help(parameter.meaning);
    let value = move |placeholder: String| {
        let parser = ValueParser::new(move |text: &str| {
            parameter.parse(text).map_err(|error| message(parameter, error))
        });
        Arg::new(parameter.name)
            .help(parameter.meaning)
            .long(option_name(parameter))
            .value_name(placeholder)
            .value_parser(parser)
    };
    let default = parameter.default();
    match parameter.kind {
        Kind::Flag { off: "" } => arg.long(name).action(ArgAction::SetTrue),
        Kind::Flag { off } => arg.long(name).help(off).action(ArgAction::SetTrue),
        Kind::Features => arg
            .long(name)
            .value_name("NAME,…")
            .action(ArgAction::Append)
            .value_delimiter(',')
            .value_parser(FeatureParser)
            .hide_possible_values(true),
        Kind::Choice(choices) => {
            let words = choices
                .iter()
                .map(|&(word, meaning)| clap::builder::PossibleValue::new(word).help(meaning));
            arg.long(name)
                .value_name(placeholder_of(parameter.name))
                .value_parser(PossibleValuesParser::new(words).map(Value::Text))
                .hide_possible_values(true)
                .default_value(default.to_string())
        }
        Kind::File => value("FILE".to_owned()),
        Kind::Files => value("FILE".to_owned()).action(ArgAction::Append),
        Kind::Columns => value("NAME,…".to_owned()).action(ArgAction::Append),
        Kind::Models => value("[NAME=]FILE".to_owned()).action(ArgAction::Append),
        Kind::Measures => {
            value("NAME=EXPR".to_owned()).action(ArgAction::Append).allow_hyphen_values(true)
        }
        Kind::Filter => value("EXPR".to_owned()),
        Kind::Shape => value("NxM".to_owned()),
        Kind::Seconds { optional } => {
            let arg = value("S".to_owned()).allow_hyphen_values(true);
            if optional { arg } else { arg.default_value(default.to_string()) }
        }
        Kind::Whole { least, most } => {
            let placeholder = match parameter.unit {
                "" if most < 10 => format!("{least}-{most}"),
                "bytes" => "BYTES".to_owned(),
                "ms" => "MS".to_owned(),
                _ => "N".to_owned(),
            };
            value(placeholder).allow_negative_numbers(true).default_value(default.to_string())
        }
    }
}

/// Returns the last word of a name: `UNIT` for `time_unit`.
fn placeholder_of(name: &str) -> String {
    name.rsplit('_').next().unwrap_or(name).to_uppercase()
}

/// Returns the message of an error without the name of the option, which clap adds.
fn message(parameter: &Parameter, error: ParameterError) -> String {
    match error {
        ParameterError::Filter(CaptureError::BadFilter { message, .. }) => message,
        ParameterError::Unexpected { .. } => format!("expected {}", parameter.expected()),
        error => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use nfstream::parameters::{PARAMETERS, Topic};

    use crate::arguments;

    /// Covers parameters that are added later, too.
    #[test]
    fn every_parameter_has_an_option() {
        let command = arguments::command();
        for parameter in PARAMETERS {
            let name = if parameter.topic == Topic::Files { "flows" } else { "live" };
            let subcommand = command.find_subcommand(name).unwrap();
            let argument = subcommand.get_arguments().find(|arg| arg.get_id() == parameter.name);
            let name = parameter.name.replace('_', "-");
            let long = argument.and_then(clap::Arg::get_long).unwrap_or_default();
            assert_eq!(long.trim_start_matches("no-"), name, "there is no option for {name}");
        }
    }

    #[test]
    fn options_set_parameters() {
        use clap::Args as _;

        use crate::flow_rules::FlowRules;

        let command = FlowRules::augment_args(clap::Command::new("flows"));
        let typed = ["flows", "--no-dissect", "--idle-timeout", "0.5", "--features", "mac,splt"];
        let matches = command.try_get_matches_from(typed).unwrap();
        let parameters = <FlowRules as clap::FromArgMatches>::from_arg_matches(&matches).unwrap();
        let json = parameters.parameters().to_json();
        assert_eq!(json["dissect"], false);
        assert_eq!(json["decode_tunnels"], true);
        assert_eq!(json["idle_timeout"], 0.5);
        assert_eq!(json["features"], serde_json::json!(["mac", "splt"]));
        assert_eq!(json["splt_analysis"], 10);
    }
}
