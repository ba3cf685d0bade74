//! Groups of columns: what their modules declare, and sets of them.

use super::{Declared, Group};

/// A group of columns as its module declares it.
#[derive(Clone, Copy, Debug)]
pub struct Declaration {
    /// When a table has the columns.
    pub presence: Presence,
    /// A parameter that selects the group besides its name.
    pub shorthand: Option<Shorthand>,
    /// Introduction of the columns for readers, in Markdown.
    pub about: &'static str,
    /// The columns, in order.
    pub columns: &'static [&'static [Declared]],
}

/// When a table has the columns of a group.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Presence {
    /// Always.
    Always,
    /// When flows are dissected.
    Dissection,
    /// When the group is selected by name.
    Feature,
    /// When the group is selected by its own name; `all` does not include it.
    NamedFeature,
    /// When the group is selected by name and flows are dissected.
    DissectionFeature,
    /// When a run returns records before the ends of flows.
    EarlyRecords,
    /// When the run has databases of addresses.
    GeoIp,
    /// When the run has rules for labels.
    Labels,
    /// When the run has measures.
    Measures,
    /// When the run has models.
    Models,
    /// When the source attributes flows to processes of this machine.
    Processes,
    /// In the tables of shards.
    Shards,
}

/// A parameter of a run that selects a group.
#[derive(Clone, Copy, Debug)]
pub struct Shorthand {
    /// As it is written in Python.
    pub python: &'static str,
    /// As it is typed on the command line.
    pub command: &'static str,
}

impl Group {
    /// Returns whether the columns are empty without deep packet inspection.
    pub const fn needs_inspection(self) -> bool {
        matches!(self.declaration().presence, Presence::Dissection | Presence::DissectionFeature)
    }

    /// Returns whether users select the group by its name: the others are always present, or come
    /// with parameters of their own.
    pub const fn is_feature(self) -> bool {
        self.is_in_all() || matches!(self.declaration().presence, Presence::NamedFeature)
    }

    /// Returns whether every table has the group, or every table of flows with labels.
    pub const fn is_usual(self) -> bool {
        matches!(self.declaration().presence, Presence::Always | Presence::Dissection)
    }

    /// Returns whether `all` selects the group.
    pub const fn is_in_all(self) -> bool {
        matches!(self.declaration().presence, Presence::Feature | Presence::DissectionFeature)
    }

    /// Returns the group with this name or former name.
    pub fn by_name(name: &str) -> Option<Self> {
        let name = if name == "ndpi" { Self::Dissection.name() } else { name };
        Self::ALL.into_iter().find(|group| group.name() == name)
    }
}

/// A set of groups.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Groups(u64);

const _: () = assert!(Group::ALL.len() <= 64, "a set of groups has 64 bits");

impl Groups {
    pub(crate) const NONE: Self = Self(0);

    pub(crate) const ALL: Self = Self(u64::MAX);

    /// Returns the set with `group` if `is_member`.
    pub(crate) const fn with_if(self, is_member: bool, group: Group) -> Self {
        if is_member { Self(self.0 | Self::bit(group)) } else { self }
    }

    #[inline]
    pub(crate) const fn contains(self, group: Group) -> bool {
        self.0 & Self::bit(group) != 0
    }

    pub(super) const fn intersects(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    pub(super) const fn is_empty(self) -> bool {
        self.0 == 0
    }

    #[allow(clippy::as_conversions, reason = "the number of a variant")]
    const fn bit(group: Group) -> u64 {
        1 << group as u32
    }
}
