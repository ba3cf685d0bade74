//! Origin of a table, for the metadata of files.

use std::collections::HashMap;

use arrow_schema::Schema as ArrowSchema;

use crate::dissect::{Component, DissectorFactory};

/// Version of the columns: their names, types and meanings. It increases when an existing column
/// changes its type or meaning, but not when columns are added.
pub const SCHEMA_VERSION: u32 = 3;

/// Origin of a table: versions and parameters, written to formats with room for metadata.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Provenance {
    /// Names and values; the names begin with `nfstream.`.
    entries: Vec<(String, String)>,
}

impl Provenance {
    /// Returns the versions of nfstream, of the columns, and of everything that determines labels;
    /// `dissector` is that of the run.
    pub fn new(dissector: Option<&dyn DissectorFactory>) -> Self {
        let mut this = Self::default()
            .with("version", env!("CARGO_PKG_VERSION"))
            .with("schema_version", &SCHEMA_VERSION.to_string());
        let Some(dissector) = dissector else { return this };
        this = this.with("dissector", dissector.name());
        for Component { name, version } in dissector.components() {
            this = this.with(&format!("{}_version", name.to_lowercase()), &version);
        }
        this
    }

    /// Adds a value, such as the parameters of the run as JSON, under `nfstream.` and `name`.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.entries.push((format!("nfstream.{name}"), value.to_owned()));
        self
    }

    /// Returns names and values in order.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &str)> {
        self.entries.iter().map(|(name, value)| (&**name, &**value))
    }

    /// Returns `schema` with these entries as its metadata.
    #[must_use]
    pub fn describe(&self, schema: ArrowSchema) -> ArrowSchema {
        schema.with_metadata(self.entries.iter().cloned().collect::<HashMap<_, _>>())
    }
}
