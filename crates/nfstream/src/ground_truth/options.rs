//! Choices for a file of rules.

use super::Zone;

/// Options for reading a file of rules.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Zone of times without an offset; without it, such times are an error.
    pub zone: Option<Zone>,
    /// Names of columns, each with its heading in the file, for headings that are not recognised.
    pub columns: Vec<(String, String)>,
    /// Labels of a flow that several rules match.
    pub matching: Matching,
    /// Label of flows that no rule matches.
    pub default: String,
}

/// Labels of a flow that several rules match.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Matching {
    /// That of the first rule.
    #[default]
    First,
    /// Those of all rules without repetition, separated by `|`.
    All,
}

impl Matching {
    /// Names of the choices, each with its meaning.
    pub const NAMES: [(&str, Self); 2] = [("first", Self::First), ("all", Self::All)];

    /// Returns the choice with this name.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(known, _)| *known == name).map(|(_, choice)| *choice)
    }
}
