//! Records as tables: a [`TableSpec`] says what a table holds, a [`Table`] is what is possible of
//! it, and a [`TableBuilder`] makes its batches.
//!
//! Columns are read in one place, so those of the engine, those of plugins and anonymised ones are
//! the same in every format.

mod anonymize;
mod builder;
mod cells;
mod error;
mod form;
mod provenance;
mod spec;
mod values;

pub use anonymize::Anonymizer;
pub use builder::{BATCH_ROWS, TableBuilder};
pub(crate) use cells::{Cell, Cells};
pub use error::TableError;
pub use form::{TextForm, TimeForm};
pub use provenance::{Provenance, SCHEMA_VERSION};
pub use spec::{Table, TableSpec};
