//! Dissection: names the application behind a flow from its packets.
//!
//! A [`DissectorFactory`] is what a run is configured with: it has a name and versions, and makes
//! one [`Dissector`] for each meter. The engine knows no product; nDPI is an adapter behind the
//! cargo feature `ndpi`, and any crate can bring a dissector of its own:
//!
//! ```
//! use std::sync::Arc;
//!
//! use nfstream::Config;
//! use nfstream::dissect::{Dissection, DissectorFactory, Limits};
//!
//! fn config(dissector: Arc<dyn DissectorFactory>) -> Config {
//!     let dissection = Dissection { dissector, limits: Limits::default() };
//!     Config { dissection: Some(dissection), ..Config::default() }
//! }
//! ```

#[cfg(feature = "ndpi")]
mod auto;
mod clues;
mod dissector;
mod native;
mod native_metadata;
mod native_risks;
#[cfg(feature = "ndpi")]
mod ndpi;

use std::sync::Arc;

pub use self::clues::{Clues, Knowledge};
pub use self::dissector::{
    Component, DissectError, Dissection, Dissector, DissectorFactory, Inspection, Limits, Wanted,
};
pub use self::native::NativeFactory;
#[cfg(feature = "ndpi")]
pub use self::{auto::AutoFactory, ndpi::NdpiFactory};
pub use nfstream_dissect::Hints;
pub use nfstream_dissect::catalogue::{Rules, RulesError};

/// Dissector that a run is to use.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum DissectorChoice {
    /// The dissector in Rust, and nDPI for the flows that it does not know.
    #[cfg(feature = "ndpi")]
    Auto,
    /// The dissector in Rust alone.
    Native,
    /// nDPI alone.
    #[cfg(feature = "ndpi")]
    Ndpi,
}

impl DissectorChoice {
    /// Names and meanings of the dissectors that this build has.
    pub const NAMES: &[(&str, &str)] = &[
        #[cfg(feature = "ndpi")]
        ("auto", "The dissector in Rust first, nDPI for the flows that it does not know"),
        ("native", "The dissector in Rust, without any C"),
        #[cfg(feature = "ndpi")]
        ("ndpi", "The system's libndpi"),
    ];

    const ALL: &[Self] = &[
        #[cfg(feature = "ndpi")]
        Self::Auto,
        Self::Native,
        #[cfg(feature = "ndpi")]
        Self::Ndpi,
    ];

    /// Returns the dissector called `name`.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|choice| choice.name() == name)
    }

    /// Returns the name under which users choose the dissector.
    pub fn name(self) -> &'static str {
        self.factory(Rules::default()).name()
    }

    fn components(self) -> Vec<Component> {
        self.factory(Rules::default()).components()
    }

    /// Returns the factory of the dissector with a user's rules.
    pub fn factory(self, rules: Rules) -> Arc<dyn DissectorFactory> {
        match self {
            #[cfg(feature = "ndpi")]
            Self::Auto => Arc::new(AutoFactory { native: NativeFactory { rules } }),
            Self::Native => Arc::new(NativeFactory { rules }),
            #[cfg(feature = "ndpi")]
            Self::Ndpi => Arc::new(NdpiFactory { rules }),
        }
    }
}

/// Returns the versions of everything that the labels of this build depend on.
pub fn component_versions() -> Vec<Component> {
    let mut components: Vec<Component> = Vec::new();
    for component in DissectorChoice::ALL.iter().flat_map(|choice| choice.components()) {
        if !components.contains(&component) {
            components.push(component);
        }
    }
    components
}

/// Dissector of a run without an explicit choice: both in turn if the engine is linked with nDPI. A
/// loaded nDPI must be chosen explicitly, so that labels do not depend on what else is installed.
impl Default for DissectorChoice {
    fn default() -> Self {
        #[cfg(feature = "ndpi")]
        if !NdpiFactory::IS_LOADED {
            return Self::Auto;
        }
        Self::Native
    }
}

impl Default for Dissection {
    fn default() -> Self {
        Self {
            dissector: DissectorChoice::default().factory(Rules::default()),
            limits: Limits::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_dissector_has_its_name() {
        let names = DissectorChoice::ALL.iter().map(|choice| choice.name());
        assert!(names.eq(DissectorChoice::NAMES.iter().map(|(name, _)| *name)));
    }
}
