//! The columns of one run.

use std::sync::Arc;

use super::{Column, Group, Names, Program, Scorer, columns};
use crate::time::TimeUnit;

/// The ordered columns of a run, and the names of its labels.
#[derive(Clone, Debug)]
pub struct Schema {
    columns: Vec<&'static Column>,
    names: Arc<dyn Names>,
}

impl Schema {
    /// Returns the base columns and those of `groups`, in the order of the table of columns, with
    /// times in `unit`.
    pub fn new(groups: &[Group], unit: TimeUnit, names: Arc<dyn Names>) -> Self {
        let wanted =
            |column: &&Column| column.group == Group::Base || groups.contains(&column.group);
        Self { columns: columns(unit).filter(wanted).collect(), names }
    }

    /// Returns the schema with the columns of measures after the others.
    #[must_use]
    pub fn with_measures(mut self, measures: Option<&'static Program>) -> Self {
        self.columns.extend(measures.into_iter().flat_map(Program::columns));
        self
    }

    /// Returns the schema with the columns of models after the others.
    #[must_use]
    pub fn with_scores(mut self, scorer: Option<&dyn Scorer>) -> Self {
        self.columns.extend(scorer.into_iter().flat_map(Scorer::columns));
        self
    }

    /// Returns a schema of `columns` alone, in their order, with the same names of labels.
    #[must_use]
    pub fn select(&self, columns: &[&'static Column]) -> Self {
        Self { columns: columns.to_vec(), names: Arc::clone(&self.names) }
    }

    /// Returns the columns in order.
    pub fn columns(&self) -> &[&'static Column] {
        &self.columns
    }

    /// Returns the names of the labels.
    pub fn names(&self) -> &dyn Names {
        &*self.names
    }
}
