//! What is measured of a flow, one measurement a file, and the table of columns.

mod application;
mod columns;
mod record;
mod schema;
mod volume;

pub use application::{Application, Label, Metadata, Nameless, Names};
pub use columns::{COLUMNS, Column, Group, Read, Value};
pub use record::Record;
pub use schema::Schema;
pub use volume::Volume;
