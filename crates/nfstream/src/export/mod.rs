//! Records as tables: loops over the columns of a schema.

mod arrow;
mod csv;
mod json;

pub use self::arrow::{arrow_schema, record_batch};
pub use self::csv::CsvWriter;
pub use self::json::JsonLinesWriter;
