//! Specification of a table, and its validation against the columns of a run.

use std::collections::HashSet;
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{DataType, Field, FieldRef, Schema as ArrowSchema, SchemaRef};

use super::values::field;
use super::{Anonymizer, Provenance, TableError, TextForm, TimeForm};
use crate::features::{Column, Group, Headings, Read, Role, Schema};

/// Specification of a table.
#[derive(Clone, Debug, Default)]
pub struct TableSpec {
    /// The engine's columns, in order; `None` for all of the run.
    pub columns: Option<Vec<&'static Column>>,
    /// Form of points in time.
    pub times: TimeForm,
    /// Form of text.
    pub text: TextForm,
    /// Headings of the columns. Everything else here has the names of the engine.
    pub headings: Headings,
    /// Name of a column with the origin of each record, such as its capture; `None` for no such
    /// column.
    pub origin: Option<String>,
    /// Position of that column among the engine's columns.
    pub origin_at: usize,
    /// Columns after the engine's, such as those of plugins. [`Table::complete`] adds their values.
    pub extra: Vec<FieldRef>,
    /// Anonymiser of some columns, `None` to keep all values.
    pub anonymizer: Option<Anonymizer>,
    /// Metadata of the table.
    pub provenance: Provenance,
}

/// A table that a run can fill: its columns are known and valid.
#[derive(Clone, Debug)]
pub struct Table {
    /// The engine's columns.
    schema: Schema,
    /// The columns of batches as built: the origin's and the engine's.
    built: SchemaRef,
    /// All columns before anonymisation, with the metadata.
    full: SchemaRef,
    /// All columns as readers see them.
    shown: SchemaRef,
    /// Position of the column of origins, `None` without one.
    origin_at: Option<usize>,
    anonymizer: Option<Anonymizer>,
    /// Columns that can reveal a value that the anonymiser hides in another.
    revealing: Vec<String>,
    provenance: Provenance,
}

impl Table {
    /// Returns the table of `spec` for runs with the columns of `schema`.
    ///
    /// # Errors
    ///
    /// [`TableError::DuplicateColumn`]; [`TableError::UnknownColumn`] if a column to anonymise is
    /// missing.
    pub fn new(schema: &Schema, spec: &TableSpec) -> Result<Self, TableError> {
        let TableSpec {
            columns,
            times,
            text,
            headings,
            origin,
            origin_at,
            extra,
            anonymizer,
            provenance,
        } = spec;
        let schema = columns.as_ref().map_or_else(|| schema.clone(), |only| schema.select(only));
        let field = |column: &&Column| Arc::new(field(column, *times, *text, schema.lengths()));
        let engine = schema.columns().iter().map(field);
        let mut fields: Vec<FieldRef> = engine.collect();
        let origin_at = (*origin_at).min(fields.len());
        if let Some(name) = origin {
            let names = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
            fields.insert(origin_at, Arc::new(Field::new(name, names, false)));
        }
        let built = Arc::new(ArrowSchema::new(fields.clone()));
        fields.extend(extra.iter().cloned());
        let full = Arc::new(provenance.describe(ArrowSchema::new(fields)));
        let anonymizer = anonymizer.clone().map(|anonymizer| anonymizer.with_derived(&full));
        let shown = match &anonymizer {
            Some(anonymizer) => Arc::new(anonymizer.schema(&full)?),
            None => Arc::clone(&full),
        };
        let shown = with_headings(shown, *headings);
        let mut names = HashSet::new();
        if let Some(field) = shown.fields().iter().find(|field| !names.insert(field.name())) {
            return Err(TableError::DuplicateColumn { name: field.name().clone() });
        }
        let provenance = provenance.clone();
        let own = schema.columns().iter().filter(|column| can_reveal(column));
        let own = own.map(|column| column.name);
        let all = origin.as_deref().into_iter().chain(own);
        let all = all.chain(extra.iter().map(|field| field.name().as_str()));
        let revealing = match &anonymizer {
            Some(anonymizer) => {
                all.filter(|name| !anonymizer.hides(name)).map(str::to_owned).collect()
            }
            None => Vec::new(),
        };
        Ok(Self {
            schema,
            built,
            full,
            shown,
            origin_at: origin.as_ref().map(|_| origin_at),
            anonymizer,
            revealing,
            provenance,
        })
    }

    /// Returns a built batch with the values of the extra columns, in its final form.
    ///
    /// # Errors
    ///
    /// [`TableError::Batch`] if `extra` does not match the declaration.
    pub fn complete(
        &self,
        built: &RecordBatch,
        extra: &[ArrayRef],
    ) -> Result<RecordBatch, TableError> {
        let columns = built.columns().iter().chain(extra).cloned().collect();
        match &self.anonymizer {
            Some(anonymizer) => {
                let batch = RecordBatch::try_new(Arc::clone(&self.full), columns)?;
                Ok(anonymizer.batch(&batch, &self.shown)?)
            }
            None => Ok(RecordBatch::try_new(Arc::clone(&self.shown), columns)?),
        }
    }

    /// Returns the columns that can reveal a value anonymised in another column: text sent by
    /// hosts, such as host names and DNS answers, the name of the origin, and extra columns.
    pub fn revealing(&self) -> &[String] {
        &self.revealing
    }

    /// Returns the columns as readers see them, with the metadata.
    pub fn schema(&self) -> &SchemaRef {
        &self.shown
    }

    /// Returns the metadata.
    pub fn provenance(&self) -> &Provenance {
        &self.provenance
    }

    /// Returns whether batches lack columns until they are [completed](Self::complete).
    pub(super) fn has_extra(&self) -> bool {
        self.built.fields().len() < self.full.fields().len()
    }

    /// Returns the position of the column of origins, `None` without one.
    pub(super) fn origin_at(&self) -> Option<usize> {
        self.origin_at
    }

    /// Returns the engine's columns and the names of labels.
    pub(super) fn engine(&self) -> &Schema {
        &self.schema
    }

    pub(super) fn built(&self) -> &SchemaRef {
        &self.built
    }
}

/// Returns `schema` with other headings.
fn with_headings(schema: SchemaRef, headings: Headings) -> SchemaRef {
    let renamed = |field: &FieldRef| match headings.heading(field.name()) {
        same if same == field.name() => Arc::clone(field),
        heading => Arc::new(Field::clone(field).with_name(heading)),
    };
    let fields: Vec<_> = schema.fields().iter().map(renamed).collect();
    Arc::new(ArrowSchema::new_with_metadata(fields, schema.metadata().clone()))
}

/// Returns whether a column can hold the value of another one: text that identifies hosts, bytes
/// of packets, and what measures, models and rules of labels make of any column.
fn can_reveal(column: &Column) -> bool {
    let is_text = matches!(column.read, Read::Text(_))
        && column.role == Role::Identifier
        && column.group.needs_inspection();
    is_text
        || column.group == Group::GroundTruth
        || matches!(column.read, Read::Bytes(_) | Read::Measured(_) | Read::Scored(_))
}
