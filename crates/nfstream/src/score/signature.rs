//! Inputs and outputs of a model.

#[cfg(feature = "models")]
use super::ModelError;

/// Key of the metadata that names the columns of an input tensor.
#[cfg(feature = "models")]
pub(super) const COLUMNS_KEY: &str = "nfstream_columns";

/// Key of the metadata that names the classes, if no operator does.
#[cfg(feature = "models")]
pub(super) const CLASSES_KEY: &str = "nfstream_classes";

/// Key of the metadata with the unit of times that the model was trained with.
#[cfg(feature = "models")]
pub(super) const UNIT_KEY: &str = "nfstream_time_unit";

/// Maximum number of scores of a flow.
#[cfg(feature = "models")]
pub(super) const MOST_SCORES: usize = 1000;

/// Type of the numbers of an input.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[cfg_attr(not(feature = "models"), allow(dead_code, reason = "no model is ever read"))]
pub(super) enum Number {
    F32,
    F64,
    I32,
    I64,
}

/// An input of a model.
#[derive(Clone, Debug)]
pub(super) struct Input {
    pub(super) name: String,
    pub(super) number: Number,
    /// Values for each flow.
    pub(super) width: usize,
    /// Whether its tensor has an axis of values after that of flows.
    #[cfg_attr(not(feature = "models"), allow(dead_code, reason = "no model is ever read"))]
    pub(super) has_axis: bool,
}

/// An output of a model.
#[derive(Clone, Debug)]
#[cfg_attr(not(feature = "models"), allow(dead_code, reason = "no model is ever read"))]
pub(super) enum Output {
    /// The class of each flow, one of several texts.
    Class(Vec<String>),
    /// The class of each flow, a whole number.
    Number,
    /// The score of each flow, or one for each class; the names follow those of the column.
    Scores(Vec<String>),
}

impl Number {
    /// Returns whether a null can be passed to the model, as NaN.
    pub(super) const fn has_nan(self) -> bool {
        matches!(self, Self::F32 | Self::F64)
    }
}

impl Output {
    /// Returns the number of columns.
    pub(super) fn width(&self) -> usize {
        match self {
            Self::Class(_) | Self::Number => 1,
            Self::Scores(names) => names.len(),
        }
    }
}

/// Splits a list of names: a JSON array of texts, or names separated by commas.
#[cfg(feature = "models")]
pub(super) fn names(key: &'static str, text: &str) -> Result<Vec<String>, ModelError> {
    let names: Vec<String> = if text.trim_start().starts_with('[') {
        let problem = "is neither a JSON array of texts nor names separated by commas".to_owned();
        serde_json::from_str(text).map_err(|_| ModelError::Metadata { key, problem })?
    } else {
        text.split(',').map(|name| name.trim().to_owned()).collect()
    };
    if names.iter().any(String::is_empty) {
        return Err(ModelError::Metadata { key, problem: "has an empty name".to_owned() });
    }
    Ok(names)
}
