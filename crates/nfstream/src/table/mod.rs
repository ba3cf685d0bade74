//! Tables of records: a [`TableSpec`] specifies a table, a [`Table`] is a valid one, and a
//! [`TableBuilder`] builds its batches.
//!
//! Columns are read in one place, so those of the engine, those of plugins and anonymised ones are
//! the same in every format.

mod anonymize;
mod builder;
mod cells;
mod error;
mod form;
mod order;
mod provenance;
mod spec;
mod values;

pub use anonymize::Anonymizer;
pub use builder::{BATCH_ROWS, TableBuilder};
pub(crate) use cells::{Cell, Cells};
pub use error::TableError;
pub use form::{TextForm, TimeForm};
pub use order::{Sort, Sorted, parse_sort};
pub use provenance::{Provenance, SCHEMA_VERSION};
pub use spec::{Table, TableSpec};
