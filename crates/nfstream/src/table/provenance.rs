//! Origin of a table, for the metadata of files.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow_schema::Schema as ArrowSchema;
use serde_json::{Value as Json, json};

use crate::capture::Digest;
use crate::dissect::{Component, DissectorFactory};

/// Version of the columns: their names, types and meanings. It increases when an existing column
/// changes its type or meaning, but not when columns are added.
pub const SCHEMA_VERSION: u32 = 4;

/// Origin of a table: versions and parameters, written to formats with room for metadata.
///
/// Copies share the entries that are [added later](Self::add).
#[derive(Clone, Debug, Default)]
pub struct Provenance {
    /// Names and values; the names begin with `nfstream.`.
    entries: Vec<(String, String)>,
    /// Entries that became known while the table was written.
    later: Arc<Mutex<Vec<(String, String)>>>,
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

    /// Adds the names and hashes of the models of the run, if there are any.
    #[must_use]
    pub fn with_models(self, hashes: &Json) -> Self {
        match hashes.as_array() {
            Some(all) if !all.is_empty() => self.with("models", &hashes.to_string()),
            _ => self,
        }
    }

    /// Adds a value that is known only at the end, such as the counts of the run, as
    /// [`with`](Self::with) does. It is in the files that are complete later, in formats whose
    /// metadata comes last: Parquet and Arrow files.
    pub fn add(&self, name: &str, value: &str) {
        self.lock().push((format!("nfstream.{name}"), value.to_owned()));
    }

    /// Adds the account of packets of the runs, and the hashes of their captures.
    pub fn conclude(&self, account: &Json, captures: &[Digest]) {
        self.add("account", &account.to_string());
        let captures: Vec<_> = captures
            .iter()
            .map(|one| json!({"bytes": one.bytes, "blake2b_256": one.blake2b_256}))
            .collect();
        self.add("captures", &Json::Array(captures).to_string());
    }

    /// Returns the entries that were [added](Self::add).
    pub fn later(&self) -> Vec<(String, String)> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(String, String)>> {
        self.later.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns names and values in order, without those that were added later.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &str)> {
        self.entries.iter().map(|(name, value)| (&**name, &**value))
    }

    /// Returns `schema` with these entries as its metadata.
    #[must_use]
    pub fn describe(&self, schema: ArrowSchema) -> ArrowSchema {
        schema.with_metadata(self.entries.iter().cloned().collect::<HashMap<_, _>>())
    }
}

/// Compares the entries from the beginning.
impl PartialEq for Provenance {
    fn eq(&self, other: &Self) -> bool {
        self.entries == other.entries
    }
}

impl Eq for Provenance {}
