//! Kinds of parameters, and the error of a value that does not fit.

use super::geoip_files::GeoIpFileError;
use super::model_files::ModelFileError;
use super::rules_file::RulesFileError;
use super::value::Value;
use crate::capture::CaptureError;
use crate::features::PacketShape;

/// Part of a run that a parameter belongs to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Topic {
    /// Capture on network interfaces; without effect on files.
    Capture,
    /// Capture files; no effect on network interfaces.
    Files,
    /// Flows and their columns.
    Flows,
}

/// Values that a parameter takes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// One of several words, each with its meaning.
    Choice(&'static [(&'static str, &'static str)]),
    /// Names of columns, or none.
    Columns,
    /// Names of column groups, or `all`.
    Features,
    /// Path of a file, or none. The file is read when the parameter is set.
    File,
    /// Paths of files. They are read when the parameter is set.
    Files,
    /// Filter expression of libpcap, or none.
    Filter,
    /// Measures: names and expressions.
    Measures,
    /// Models: names and paths of files, which are read when the parameter is set.
    Models,
    /// True or false.
    Flag {
        /// Meaning of false, for a parameter that is true by default.
        off: &'static str,
    },
    /// Seconds, with a fraction or without.
    Seconds {
        /// Whether there may be no value.
        optional: bool,
    },
    /// Numbers of packets and bytes, or none.
    Shape,
    /// Whole number.
    Whole {
        /// Least value.
        least: u64,
        /// Greatest value.
        most: u64,
    },
}

/// Value that a parameter does not take.
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum ParameterError {
    /// A packet filter that libpcap does not compile.
    #[error(transparent)]
    Filter(#[from] CaptureError),
    /// A database of addresses that cannot be read.
    #[error(transparent)]
    GeoIp(Box<GeoIpFileError>),
    /// A rules file that cannot be read or has a mistake.
    #[error(transparent)]
    Rules(Box<RulesFileError>),
    /// A value of another type, or out of range.
    #[error("{name} must be {expected}")]
    Unexpected {
        /// Name of the parameter.
        name: &'static str,
        /// Values that it takes, in words.
        expected: String,
    },
    /// A mistake in a measure.
    #[error("{message}")]
    Measure {
        /// The mistake; further lines may show the expression and mark the place.
        message: String,
    },
    /// A model that cannot be read, or that does not fit.
    #[error(transparent)]
    Model(Box<ModelFileError>),
    /// A column group that does not exist.
    #[error("no column group {group:?}; {advice}")]
    UnknownFeature {
        /// Name of the group as given.
        group: String,
        /// The nearest name, or all names.
        advice: String,
    },
    /// A parameter that does not exist.
    #[error("no parameter {name:?}")]
    UnknownParameter {
        /// Name of the parameter as given.
        name: String,
    },
}

impl Kind {
    /// Returns the values in words: "a whole number from 0 to 3".
    pub(super) fn expected(&self) -> String {
        match *self {
            Self::Choice(choices) => {
                let words: Vec<_> = choices.iter().map(|(word, _)| format!("'{word}'")).collect();
                format!("one of {}", words.join(", "))
            }
            Self::Columns => "names of columns".to_owned(),
            Self::Features => "names of column groups".to_owned(),
            Self::File => "the path of a file".to_owned(),
            Self::Files => "paths of files".to_owned(),
            Self::Filter => "a filter of libpcap".to_owned(),
            Self::Measures => "names and expressions of measures".to_owned(),
            Self::Models => "the path of a model, or names and paths".to_owned(),
            Self::Flag { .. } => "True or False".to_owned(),
            Self::Seconds { .. } => "a number of seconds (0 or more)".to_owned(),
            Self::Shape => format!(
                "numbers of packets and bytes such as '8x128', {} bytes in all at most",
                PacketShape::MOST_BYTES
            ),
            Self::Whole { least, most: u64::MAX } => format!("a whole number of at least {least}"),
            Self::Whole { least, most } => format!("a whole number from {least} to {most}"),
        }
    }

    /// Returns whether `value` is of this kind and in range.
    pub(super) fn has(&self, value: &Value) -> bool {
        match (*self, value) {
            (Self::Choice(choices), Value::Text(text)) => {
                choices.iter().any(|(word, _)| word == text)
            }
            (Self::Whole { least, most }, Value::Whole(number)) => (least..=most).contains(number),
            (
                Self::File
                | Self::Files
                | Self::Filter
                | Self::Measures
                | Self::Models
                | Self::Shape
                | Self::Seconds { optional: true },
                Value::None,
            )
            | (Self::File | Self::Filter | Self::Shape, Value::Text(_))
            | (Self::Columns | Self::Features | Self::Files, Value::Names(_))
            | (Self::Measures | Self::Models, Value::Pairs(_))
            | (Self::Flag { .. }, Value::Flag(_))
            | (Self::Seconds { .. }, Value::Seconds(_)) => true,
            _ => false,
        }
    }
}
