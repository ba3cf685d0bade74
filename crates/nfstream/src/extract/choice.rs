//! Choice of flows by number, by Community ID, or by the rows of a table.

use std::collections::HashSet;

use super::Rows;
use crate::features::{Column, Record, Schema, Value, columns};
use crate::time::TimeUnit;

/// Column with the Community ID of a flow.
const COMMUNITY_ID: &str = "community_id";

/// Selection of flows. Without restrictions, it includes all flows.
#[derive(Debug, Default)]
pub struct Choice {
    /// Numbers of conversations.
    pub ids: HashSet<u64>,
    /// Community IDs.
    pub community_ids: HashSet<String>,
    /// Rows of a table.
    pub rows: Option<Rows>,
}

impl Choice {
    /// Returns whether all flows are selected.
    pub fn is_all(&self) -> bool {
        self.ids.is_empty() && self.community_ids.is_empty() && self.rows.is_none()
    }

    /// Returns the column that the first run must measure, if there is one.
    pub fn needed(&self) -> Option<&'static Column> {
        if self.community_ids.is_empty() {
            return None;
        }
        columns(TimeUnit::default()).find(|column| column.name == COMMUNITY_ID)
    }

    /// Returns whether a flow is selected.
    pub fn contains(&self, record: &Record, schema: &Schema) -> bool {
        self.is_all()
            || self.ids.contains(&record.id)
            || self.has_community_id(record, schema)
            || self
                .rows
                .as_ref()
                .is_some_and(|rows| rows.contains(record.id, record.flow.first_seen))
    }

    fn has_community_id(&self, record: &Record, schema: &Schema) -> bool {
        match self.needed().map(|column| column.value(record, schema.names())) {
            Some(Value::Text(text)) => self.community_ids.contains(&text),
            _ => false,
        }
    }
}
