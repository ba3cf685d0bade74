//! Values of parameters, and the types in which a run takes them.

use std::path::{Path, PathBuf};

use serde_json::{Value as Json, json};

use super::geoip_files::{GeoIpFileError, GeoIpFiles};
use super::model_files::{ModelFileError, ModelFiles};
use super::rules_file::{RulesFile, RulesFileError};

use super::measures::MeasureSet;
use crate::capture::{CaptureError, FileOrder, Filter};
use crate::dissect::DissectorChoice;
use crate::features::{Accounting, Group, Headings, PacketShape};
use crate::packet::Separation;
use crate::time::{Duration, TimeUnit};

/// Name that stands for all column groups.
pub(super) const ALL: &str = "all";

/// Value of a parameter.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Value {
    /// No value.
    None,
    /// True or false.
    Flag(bool),
    /// Several names.
    Names(Vec<String>),
    /// Names and texts.
    Pairs(Vec<(String, String)>),
    /// Seconds.
    Seconds(Duration),
    /// Text.
    Text(String),
    /// Whole number.
    Whole(u64),
}

/// Marks a value that does not fit into the type of a parameter.
#[derive(Debug)]
pub(super) enum Mismatch {
    /// Another type, or out of range.
    Value,
    /// A packet filter that libpcap does not compile.
    Filter(CaptureError),
    /// A column group that does not exist.
    Feature(String),
    /// A database of addresses that cannot be read.
    GeoIp(Box<GeoIpFileError>),
    /// A mistake in a measure.
    Measure(String),
    /// A model that cannot be read.
    Model(Box<ModelFileError>),
    /// A rules file that cannot be read or has a mistake.
    Rules(Box<RulesFileError>),
}

/// Type of a parameter.
pub(super) trait Typed: Sized {
    fn to_value(&self) -> Value;

    fn from_value(value: Value) -> Result<Self, Mismatch>;
}

impl Value {
    /// Returns the value as files record it.
    pub fn to_json(&self) -> Json {
        match self {
            Self::None => Json::Null,
            Self::Flag(flag) => json!(flag),
            Self::Names(names) => json!(names),
            Self::Pairs(pairs) => {
                let pairs = pairs.iter().map(|(name, text)| (name.clone(), json!(text)));
                Json::Object(pairs.collect())
            }
            Self::Seconds(span) => json!(in_seconds(*span)),
            Self::Text(text) => json!(text),
            Self::Whole(number) => json!(number),
        }
    }
}

/// Writes a value as it is typed in a command.
impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::None => Ok(()),
            Self::Flag(flag) => flag.fmt(f),
            Self::Names(names) => f.write_str(&names.join(",")),
            Self::Pairs(pairs) => {
                let pairs: Vec<_> =
                    pairs.iter().map(|(name, text)| format!("{name}={text}")).collect();
                f.write_str(&pairs.join(" "))
            }
            Self::Seconds(span) => in_seconds(*span).fmt(f),
            Self::Text(text) => f.write_str(text),
            Self::Whole(number) => number.fmt(f),
        }
    }
}

/// Returns a span as a number of seconds.
pub(super) fn in_seconds(span: Duration) -> f64 {
    std::time::Duration::from_nanos(span.nanos()).as_secs_f64()
}

/// Implements [`Typed`] for a type of whole numbers.
macro_rules! whole {
    ($($number:ty),*) => {
        $(impl Typed for $number {
            fn to_value(&self) -> Value {
                u64::try_from(*self).map_or(Value::None, Value::Whole)
            }

            fn from_value(value: Value) -> Result<Self, Mismatch> {
                let Value::Whole(number) = value else { return Err(Mismatch::Value) };
                number.try_into().map_err(|_| Mismatch::Value)
            }
        })*
    };
}

whole!(u8, u16, u32, u64, usize);

impl Typed for bool {
    fn to_value(&self) -> Value {
        Value::Flag(*self)
    }

    fn from_value(value: Value) -> Result<Self, Mismatch> {
        if let Value::Flag(flag) = value { Ok(flag) } else { Err(Mismatch::Value) }
    }
}

impl Typed for Duration {
    fn to_value(&self) -> Value {
        Value::Seconds(*self)
    }

    fn from_value(value: Value) -> Result<Self, Mismatch> {
        if let Value::Seconds(span) = value { Ok(span) } else { Err(Mismatch::Value) }
    }
}

impl Typed for Option<Duration> {
    fn to_value(&self) -> Value {
        self.map_or(Value::None, Value::Seconds)
    }

    fn from_value(value: Value) -> Result<Self, Mismatch> {
        match value {
            Value::None => Ok(None),
            value => Duration::from_value(value).map(Some),
        }
    }
}

impl Typed for Option<PacketShape> {
    fn to_value(&self) -> Value {
        self.map_or(Value::None, |shape| Value::Text(shape.to_string()))
    }

    fn from_value(value: Value) -> Result<Self, Mismatch> {
        match value {
            Value::None => Ok(None),
            Value::Text(text) => PacketShape::parse(&text).map(Some).ok_or(Mismatch::Value),
            _ => Err(Mismatch::Value),
        }
    }
}

impl Typed for Option<Filter> {
    fn to_value(&self) -> Value {
        let expression = self.as_ref().map(Filter::expression);
        expression.map_or(Value::None, |text| Value::Text(text.to_owned()))
    }

    fn from_value(value: Value) -> Result<Self, Mismatch> {
        match value {
            Value::None => Ok(None),
            Value::Text(text) => Filter::new(&text).map(Some).map_err(Mismatch::Filter),
            _ => Err(Mismatch::Value),
        }
    }
}

impl Typed for Option<RulesFile> {
    fn to_value(&self) -> Value {
        let path = self.as_ref().map(|file| file.path.to_string_lossy().into_owned());
        path.map_or(Value::None, Value::Text)
    }

    fn from_value(value: Value) -> Result<Self, Mismatch> {
        match value {
            Value::None => Ok(None),
            Value::Text(path) => {
                let read = RulesFile::read(PathBuf::from(path));
                read.map(Some).map_err(|error| Mismatch::Rules(Box::new(error)))
            }
            _ => Err(Mismatch::Value),
        }
    }
}

impl Typed for GeoIpFiles {
    fn to_value(&self) -> Value {
        Value::Names(self.paths.iter().map(|path| path.to_string_lossy().into_owned()).collect())
    }

    fn from_value(value: Value) -> Result<Self, Mismatch> {
        match value {
            Value::None => Ok(Self::default()),
            Value::Names(paths) => {
                let read = Self::read(paths.into_iter().map(PathBuf::from).collect());
                read.map_err(|error| Mismatch::GeoIp(Box::new(error)))
            }
            _ => Err(Mismatch::Value),
        }
    }
}

impl Typed for MeasureSet {
    fn to_value(&self) -> Value {
        match self.texts() {
            [] => Value::None,
            texts => Value::Pairs(texts.to_vec()),
        }
    }

    fn from_value(value: Value) -> Result<Self, Mismatch> {
        let pairs = match value {
            Value::None => return Ok(Self::default()),
            Value::Pairs(pairs) => pairs,
            _ => return Err(Mismatch::Value),
        };
        let pairs = pairs.iter().map(|(name, text)| (name.as_str(), text.as_str()));
        Self::parse(pairs).map_err(|error| Mismatch::Measure(error.to_string()))
    }
}

impl Typed for ModelFiles {
    fn to_value(&self) -> Value {
        let pair =
            |(name, path): (&str, &Path)| (name.to_owned(), path.to_string_lossy().into_owned());
        let pairs: Vec<_> = self.paths().map(pair).collect();
        if pairs.is_empty() { Value::None } else { Value::Pairs(pairs) }
    }

    fn from_value(value: Value) -> Result<Self, Mismatch> {
        match value {
            Value::None => Ok(Self::default()),
            Value::Pairs(pairs) => {
                Self::read(pairs).map_err(|error| Mismatch::Model(Box::new(error)))
            }
            _ => Err(Mismatch::Value),
        }
    }
}

impl Typed for Vec<String> {
    fn to_value(&self) -> Value {
        Value::Names(self.clone())
    }

    fn from_value(value: Value) -> Result<Self, Mismatch> {
        if let Value::Names(names) = value { Ok(names) } else { Err(Mismatch::Value) }
    }
}

impl Typed for DissectorChoice {
    fn to_value(&self) -> Value {
        Value::Text(self.name().to_owned())
    }

    fn from_value(value: Value) -> Result<Self, Mismatch> {
        let Value::Text(name) = value else { return Err(Mismatch::Value) };
        Self::by_name(&name).ok_or(Mismatch::Value)
    }
}

impl Typed for Headings {
    fn to_value(&self) -> Value {
        Value::Text(self.name().to_owned())
    }

    fn from_value(value: Value) -> Result<Self, Mismatch> {
        let Value::Text(name) = value else { return Err(Mismatch::Value) };
        Self::by_name(&name).ok_or(Mismatch::Value)
    }
}

impl Typed for FileOrder {
    fn to_value(&self) -> Value {
        Value::Text(self.name().to_owned())
    }

    fn from_value(value: Value) -> Result<Self, Mismatch> {
        let Value::Text(name) = value else { return Err(Mismatch::Value) };
        Self::by_name(&name).ok_or(Mismatch::Value)
    }
}

impl Typed for Vec<Group> {
    fn to_value(&self) -> Value {
        Value::Names(self.iter().map(|group| group.name().to_owned()).collect())
    }

    fn from_value(value: Value) -> Result<Self, Mismatch> {
        let Value::Names(names) = value else { return Err(Mismatch::Value) };
        let mut groups = Self::new();
        for name in names {
            if name == ALL {
                return Ok(optional_groups().filter(|group| group.is_in_all()).collect());
            }
            let group = Group::by_name(&name).filter(|group| group.is_feature());
            let group = group.ok_or(Mismatch::Feature(name))?;
            if !groups.contains(&group) {
                groups.push(group);
            }
        }
        Ok(groups)
    }
}

impl Typed for Accounting {
    fn to_value(&self) -> Value {
        Value::Whole(match self {
            Self::Frame => 0,
            Self::Ip => 1,
            Self::Transport => 2,
            Self::Payload => 3,
        })
    }

    fn from_value(value: Value) -> Result<Self, Mismatch> {
        match value {
            Value::Whole(0) => Ok(Self::Frame),
            Value::Whole(1) => Ok(Self::Ip),
            Value::Whole(2) => Ok(Self::Transport),
            Value::Whole(3) => Ok(Self::Payload),
            _ => Err(Mismatch::Value),
        }
    }
}

impl Typed for Separation {
    fn to_value(&self) -> Value {
        Value::Text(self.name().to_owned())
    }

    fn from_value(value: Value) -> Result<Self, Mismatch> {
        let Value::Text(word) = value else { return Err(Mismatch::Value) };
        Self::by_name(&word).ok_or(Mismatch::Value)
    }
}

impl Typed for TimeUnit {
    fn to_value(&self) -> Value {
        let word = match self {
            Self::Milliseconds => "ms",
            Self::Microseconds => "us",
            Self::Nanoseconds => "ns",
        };
        Value::Text(word.to_owned())
    }

    fn from_value(value: Value) -> Result<Self, Mismatch> {
        let Value::Text(word) = value else { return Err(Mismatch::Value) };
        match word.as_str() {
            "ms" => Ok(Self::Milliseconds),
            "us" => Ok(Self::Microseconds),
            "ns" => Ok(Self::Nanoseconds),
            _ => Err(Mismatch::Value),
        }
    }
}

/// Returns the column groups that are in a table only on request.
pub(super) fn optional_groups() -> impl Iterator<Item = Group> {
    Group::ALL.into_iter().filter(|group| group.is_feature())
}
