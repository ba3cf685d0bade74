//! The columns of one run.

use std::sync::Arc;

use super::{Column, Group, Names, PacketShape, Program, Scorer, columns};
use crate::time::TimeUnit;

/// The ordered columns of a run, and the names of its labels.
#[derive(Clone, Debug)]
pub struct Schema {
    columns: Vec<&'static Column>,
    names: Arc<dyn Names>,
    lengths: Lengths,
}

/// Lengths of the columns with values for the first packets.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Lengths {
    /// Packets in lists.
    pub packets: usize,
    /// Packets and bytes in the columns of bytes.
    pub bytes: PacketShape,
}

impl Schema {
    /// Returns the base columns and those of `groups`, in the order of the table of columns, with
    /// times in `unit`.
    pub fn new(groups: &[Group], unit: TimeUnit, names: Arc<dyn Names>) -> Self {
        let wanted =
            |column: &&Column| column.group == Group::Base || groups.contains(&column.group);
        Self { columns: columns(unit).filter(wanted).collect(), names, lengths: Lengths::default() }
    }

    /// Returns the schema with the columns of measures after the others.
    #[must_use]
    pub fn with_measures(mut self, measures: Option<&'static Program>) -> Self {
        self.columns.extend(measures.into_iter().flat_map(Program::columns));
        self
    }

    /// Returns the schema with columns of these lengths.
    #[must_use]
    pub fn with_lengths(self, lengths: Lengths) -> Self {
        Self { lengths, ..self }
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
        Self { columns: columns.to_vec(), names: Arc::clone(&self.names), lengths: self.lengths }
    }

    /// Returns the lengths of the columns with values for the first packets.
    pub fn lengths(&self) -> Lengths {
        self.lengths
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
