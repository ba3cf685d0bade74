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

mod dissector;
#[cfg(feature = "ndpi")]
mod ndpi;

use std::sync::Arc;

pub use self::dissector::{
    Component, DissectError, Dissection, Dissector, DissectorFactory, Inspection, Limits,
};
#[cfg(feature = "ndpi")]
pub use self::ndpi::NdpiFactory;

impl Dissection {
    /// Returns the dissection of a run for which nobody chose a dissector: nDPI with the default
    /// limits; `None` if the engine is built without nDPI.
    pub fn default_choice() -> Option<Self> {
        Some(Self { dissector: default_dissector()?, limits: Limits::default() })
    }
}

/// Returns the dissector of a run for which nobody chose one: nDPI, or `None` if the engine is
/// built without it.
pub fn default_dissector() -> Option<Arc<dyn DissectorFactory>> {
    #[cfg(feature = "ndpi")]
    return Some(Arc::new(NdpiFactory));
    #[cfg(not(feature = "ndpi"))]
    None
}
