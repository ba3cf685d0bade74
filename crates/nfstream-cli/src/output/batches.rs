//! Flows as Arrow batches, with the columns that are not the engine's.

use std::sync::Arc;

use arrow_array::types::Int32Type;
use arrow_array::{ArrayRef, DictionaryArray, RecordBatch};
use arrow_schema::{Field, Schema as ArrowSchema, SchemaRef};
use nfstream::export::{self, Anonymizer, ExportError, Provenance};
use nfstream::features::{Record, Schema};

/// Name of the column that says which capture a flow is from.
pub(crate) const SOURCE: &str = "source";

/// Makes batches of records.
#[derive(Debug)]
pub(super) struct Batches {
    schema: Arc<Schema>,
    /// The engine's columns.
    engine: SchemaRef,
    /// All columns.
    all: SchemaRef,
    /// The same as they are written.
    written: SchemaRef,
    has_source: bool,
    anonymizer: Option<Anonymizer>,
}

impl Batches {
    /// Returns a maker of batches of `schema`, with points in time as such if `timestamps`, and
    /// with a first column for the source if `has_source`, and with hashes where `anonymizer` puts
    /// them.
    ///
    /// # Errors
    ///
    /// [`ExportError::UnknownColumn`] if there is no such column to put them.
    pub(super) fn new(
        schema: Arc<Schema>,
        timestamps: bool,
        has_source: bool,
        anonymizer: Option<&Anonymizer>,
        provenance: &Provenance,
    ) -> Result<Self, ExportError> {
        let mut engine = export::arrow_schema(&schema);
        if timestamps {
            engine = export::with_timestamps(&schema, &engine);
        }
        let mut fields = engine.fields().to_vec();
        if has_source {
            let names: ArrayRef = Arc::new(names(std::iter::empty()));
            fields.insert(0, Arc::new(Field::new(SOURCE, names.data_type().clone(), false)));
        }
        let all = Arc::new(provenance.describe(ArrowSchema::new(fields)));
        let written = match anonymizer {
            Some(anonymizer) => Arc::new(anonymizer.schema(&all)?),
            None => Arc::clone(&all),
        };
        let anonymizer = anonymizer.cloned();
        Ok(Self { schema, engine: Arc::new(engine), all, written, has_source, anonymizer })
    }

    /// Returns the columns.
    pub(super) fn schema(&self) -> &SchemaRef {
        &self.written
    }

    /// Returns `records` as a batch; `sources` has the name of each one's source.
    pub(super) fn make<'a>(
        &self,
        records: &[Record],
        sources: impl Iterator<Item = &'a str>,
    ) -> RecordBatch {
        let batch = export::record_batch(&self.schema, &self.engine, records);
        let mut columns = batch.columns().to_vec();
        if self.has_source {
            columns.insert(0, Arc::new(names(sources)));
        }
        let batch = RecordBatch::try_new(Arc::clone(&self.all), columns);
        let batch = match &self.anonymizer {
            Some(anonymizer) => batch.and_then(|batch| anonymizer.batch(&batch, &self.written)),
            None => batch,
        };
        batch.expect("arrays and fields are made from the same columns")
    }
}

fn names<'a>(names: impl Iterator<Item = &'a str>) -> DictionaryArray<Int32Type> {
    names.collect()
}
