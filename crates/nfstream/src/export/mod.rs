//! Records as tables: in memory as Arrow, and in files of four formats.
//!
//! Columns are read in one place, [`BatchBuilder`]; all formats are written from its batches. So a
//! column of plugins, an anonymised one and one of the engine are written alike.

mod anonymize;
mod arrow;
mod background;
mod cells;
mod csv;
mod error;
mod format;
mod ipc;
mod json;
mod parquet;
mod provenance;
mod table_file;
mod table_files;
mod text;
mod writer;

pub use anonymize::Anonymizer;
pub use arrow::{BatchBuilder, arrow_schema, record_batch, with_frame_text, with_timestamps};
pub use background::Background;
pub use csv::CsvWriter;
pub use error::ExportError;
pub use format::Format;
pub use json::JsonLinesWriter;
pub use provenance::{Provenance, SCHEMA_VERSION};
pub use table_file::{Existing, TableFile};
pub use table_files::{Rotation, TableFiles};
pub use writer::Writer;
