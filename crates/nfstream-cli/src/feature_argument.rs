//! Names of column groups on the command line.

use std::ffi::OsStr;

use clap::Arg;
use clap::builder::{PossibleValue, TypedValueParser};
use nfstream::features::{Group, nearest};

/// Name that selects all groups.
const ALL: &str = "all";

/// Column groups selected by name.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Features {
    All,
    One(Group),
}

/// Parser of a group's name.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FeatureParser;

impl Features {
    /// Returns the named group, `None` for all.
    pub(crate) fn named(self) -> Option<Group> {
        match self {
            Self::All => None,
            Self::One(group) => Some(group),
        }
    }

    /// Returns the groups.
    pub(crate) fn groups(self) -> impl Iterator<Item = Group> {
        optional().filter(move |group| match self {
            Self::All => group.is_in_all(),
            Self::One(one) => one == *group,
        })
    }
}

impl TypedValueParser for FeatureParser {
    type Value = Features;

    fn parse_ref(
        &self,
        command: &clap::Command,
        arg: Option<&Arg>,
        value: &OsStr,
    ) -> Result<Self::Value, clap::Error> {
        TypedValueParser::parse_ref(&find, command, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(names().map(PossibleValue::new)))
    }
}

/// Returns the groups that `--features` can add.
pub(crate) fn optional() -> impl Iterator<Item = Group> {
    Group::ALL.into_iter().filter(|group| group.is_feature())
}

fn names() -> impl Iterator<Item = &'static str> {
    optional().map(Group::name).chain([ALL])
}

fn find(name: &str) -> Result<Features, String> {
    if name == ALL {
        return Ok(Features::All);
    }
    if let Some(group) = Group::by_name(name).filter(|group| group.is_feature()) {
        return Ok(Features::One(group));
    }
    Err(match nearest(name, names()) {
        Some(meant) => format!("no such column group; did you mean '{meant}'?"),
        None => format!(
            "no such column group; the groups are {}",
            names().collect::<Vec<_>>().join(", ")
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_have_names() {
        assert_eq!(find("splt"), Ok(Features::One(Group::Splt)));
        assert_eq!(find("all"), Ok(Features::All));
        assert!(Features::All.groups().eq(optional().filter(|group| group.is_in_all())));
        assert!(optional().all(Group::is_feature) && optional().count() < Group::ALL.len());
        assert_eq!(
            find("tcp-flags"),
            Err("no such column group; did you mean 'tcp_flags'?".into())
        );
        assert!(find("base").is_err());
    }
}
