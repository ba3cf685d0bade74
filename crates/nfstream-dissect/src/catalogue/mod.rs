//! Applications by domain name and address, and the rules of a user.
//!
//! The data in `data/` holds numbers, names and categories, the domain suffixes of each application
//! and the networks that owners publish. The build script checks it and writes static tables, so a
//! lookup allocates nothing.
//!
//! ```
//! use nfstream_dissect::catalogue::Catalogue;
//!
//! let catalogue = Catalogue::default();
//! let found = catalogue.by_domain(b"rr3---sn-4g5e6nz7.googlevideo.com").unwrap();
//! assert_eq!(catalogue.name(found), Some("YouTube"));
//! assert_eq!(catalogue.by_domain(b"notyoutube.com"), None);
//! ```

use std::borrow::Cow;
use std::net::IpAddr;

use crate::label::{Category, ProtocolId};

#[allow(dead_code, reason = "the build script uses the rest")]
mod entries;
#[allow(dead_code, reason = "the build script uses the rest")]
mod numbering;
mod public_suffix;
mod ranges;
mod rules;
#[cfg(test)]
mod source;
mod suffixes;

/// Tables that the build script writes.
mod tables {
    use super::suffixes::{Edge, Pattern};

    /// Returns an edge; the name is short because tables repeat it.
    const fn edge(from: u32, to: u32, label: u32, value: u16, len: u8, flags: u8) -> Edge {
        Edge { from, to, label, value, len, flags }
    }

    /// Returns a pattern.
    const fn pattern(from: u32, label: u32, value: u16, before: u8, after: u8) -> Pattern {
        Pattern { from, label, value, before, after }
    }

    include!(concat!(env!("OUT_DIR"), "/catalogue_tables.rs"));
}

pub use rules::{Rules, RulesError, RulesProblem};

use ranges::Ranges;
use suffixes::Suffixes;

/// Version of the data, the day of its last change.
pub const VERSION: &str = tables::VERSION;

/// Domain suffixes of the applications that are built in.
static SUFFIXES: Suffixes<'static> = Suffixes {
    edges: Cow::Borrowed(tables::EDGES),
    labels: Cow::Borrowed(tables::LABELS),
    patterns: Cow::Borrowed(tables::PATTERNS),
    root: tables::ROOT,
};
/// IPv4 addresses of the applications that are built in.
static IPV4: Ranges<'static, u32> = Ranges {
    starts: Cow::Borrowed(tables::IPV4_STARTS),
    values: Cow::Borrowed(tables::IPV4_VALUES),
};
/// IPv6 addresses of the applications that are built in.
static IPV6: Ranges<'static, u128> = Ranges {
    starts: Cow::Borrowed(tables::IPV6_STARTS),
    values: Cow::Borrowed(tables::IPV6_VALUES),
};

/// Numbers, names and categories, with lookups by domain and by address.
///
/// The default holds the built-in data and no rules.
#[derive(Clone, Debug, Default)]
pub struct Catalogue {
    rules: Rules,
}

impl Catalogue {
    /// Catalogue with rules of the user.
    pub const fn with_rules(rules: Rules) -> Self {
        Self { rules }
    }

    /// Returns the rules, which come before everything else.
    pub const fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Returns the application of a domain name, by its longest known suffix.
    ///
    /// Takes any bytes, ignores case and one final dot, and leaves rules aside. A port after the
    /// name, as in an HTTP `Host` field, is for the caller to remove.
    pub fn by_domain(&self, name: &[u8]) -> Option<ProtocolId> {
        SUFFIXES.find(name).map(ProtocolId)
    }

    /// Returns the application of an address, by the narrowest known network.
    ///
    /// Leaves rules aside.
    pub fn by_address(&self, address: IpAddr) -> Option<ProtocolId> {
        match address.to_canonical() {
            IpAddr::V4(address) => IPV4.find(address.to_bits()),
            IpAddr::V6(address) => IPV6.find(address.to_bits()),
        }
        .map(ProtocolId)
    }

    /// Returns the name of a protocol or application.
    pub fn name(&self, id: ProtocolId) -> Option<&str> {
        self.rules.name(id).or_else(|| built_in(id).map(|(name, _)| name))
    }

    /// Returns the category of a protocol or application; a rule can change one that is built in.
    pub fn category(&self, id: ProtocolId) -> Option<Category> {
        self.rules.category(id).or_else(|| built_in(id).map(|(_, category)| category))
    }

    /// Returns the protocol or application called `name`, whatever its case.
    pub fn by_name(&self, name: &str) -> Option<ProtocolId> {
        by_name(name).or_else(|| self.rules.by_name(name))
    }

    /// Returns the name of a category.
    pub fn category_name(&self, category: Category) -> Option<&'static str> {
        category_name(category)
    }

    /// Returns all protocols and applications that have a number, rules' last.
    pub fn names(&self) -> impl Iterator<Item = ProtocolId> + '_ {
        let built_in = tables::NAMES.iter().map(|&(number, _, _)| ProtocolId(number));
        built_in.chain(self.rules.names())
    }

    /// Returns the applications that are known by a domain or an address, without rules.
    pub fn applications(&self) -> impl ExactSizeIterator<Item = ProtocolId> + use<> {
        tables::APPLICATIONS.iter().copied().map(ProtocolId)
    }
}

/// Size of the data.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Size {
    /// Applications with a domain or a network.
    pub applications: usize,
    /// Domain suffixes.
    pub domains: usize,
    /// Networks.
    pub networks: usize,
    /// Bytes of the tables for domains and networks.
    pub bytes: usize,
}

/// Returns the size of the data that is built in.
pub fn size() -> Size {
    Size {
        applications: tables::APPLICATIONS.len(),
        domains: tables::SUFFIX_COUNT,
        networks: tables::NETWORK_COUNT,
        bytes: size_of_val(tables::EDGES)
            + size_of_val(tables::LABELS)
            + size_of_val(tables::PATTERNS)
            + size_of_val(tables::IPV4_STARTS)
            + size_of_val(tables::IPV4_VALUES)
            + size_of_val(tables::IPV6_STARTS)
            + size_of_val(tables::IPV6_VALUES),
    }
}

/// Returns the name and the category that are built in.
fn built_in(id: ProtocolId) -> Option<(&'static str, Category)> {
    let at = tables::NAMES.binary_search_by_key(&id.0, |&(number, _, _)| number).ok()?;
    tables::NAMES.get(at).map(|&(_, name, category)| (name, Category(category)))
}

/// Returns the number of a name that is built in.
fn by_name(name: &str) -> Option<ProtocolId> {
    let name = numbering::fold(name);
    let at = tables::NUMBERS.binary_search_by_key(&name.as_str(), |&(known, _)| known).ok()?;
    tables::NUMBERS.get(at).map(|&(_, number)| ProtocolId(number))
}

/// Returns the name of a category.
fn category_name(category: Category) -> Option<&'static str> {
    let at = tables::CATEGORIES.binary_search_by_key(&category.0, |&(number, _)| number).ok()?;
    tables::CATEGORIES.get(at).map(|&(_, name)| name)
}

#[cfg(test)]
mod tests;
