//! Selection of flows and columns: conditions, order and limits, as in the command.

use nfstream::condition::Condition;
use nfstream::features::{Column, Group, Record, Schema, nearest};
use nfstream::parameters::Parameters;
use nfstream::table::{Sort, Sorted, parse_sort};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::flow::NFlow;

/// Name of the column and of the attribute with the capture of a flow.
pub(crate) const SOURCE: &str = "source";

/// Selection of flows and columns of a run.
#[pyclass(frozen, module = "nfstream._engine")]
#[derive(Debug)]
pub(crate) struct Query {
    condition: Option<Condition>,
    /// Columns of tables, in order; `None` for those of the chosen features.
    columns: Option<Vec<&'static Column>>,
    /// Position of the column of sources among them.
    pub(crate) source_at: usize,
    sort: Option<Sort>,
    limit: Option<u64>,
    /// Whether each capture is metered separately.
    pub(crate) separate: bool,
    /// Groups of columns that tables have without being named.
    shown: Vec<Group>,
}

/// Flows that a query selects so far.
pub(crate) struct Selector {
    query: Py<Query>,
    sorted: Option<Sorted<Row>>,
    /// Flows left before the limit.
    left: u64,
}

/// Flow, the number of its source, and its object if plugins followed it.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) source: usize,
    pub(crate) record: Record,
    pub(crate) flow: Option<Py<NFlow>>,
}

#[pymethods]
impl Query {
    #[new]
    #[pyo3(signature = (*, r#where, columns, limit, sort, separate, parameters))]
    fn new(
        r#where: Option<&str>,
        columns: Option<Vec<String>>,
        limit: Option<u64>,
        sort: Option<&str>,
        separate: bool,
        parameters: &Bound<'_, pyo3::types::PyDict>,
    ) -> PyResult<Self> {
        let parameters = crate::parameters::from_python(parameters)?.settled();
        let origin = separate.then_some(SOURCE);
        let condition = r#where
            .map(|text| Condition::parse_with_origin(text, parameters.columns(), origin))
            .transpose()
            .map_err(|error| PyValueError::new_err(format!("where: {error}")))?;
        let mut source_at = 0;
        let mut chosen = None;
        if let Some(names) = columns {
            let mut found: Vec<&'static Column> = Vec::new();
            for name in &names {
                if name == SOURCE && separate {
                    source_at = found.len();
                    continue;
                }
                let column = column(name, &parameters, "columns")?;
                if found.iter().any(|other| other.name == column.name) {
                    return Err(PyValueError::new_err(format!("columns: {name} occurs twice")));
                }
                found.push(column);
            }
            chosen = Some(found);
        }
        let sort = sort
            .map(|text| {
                let wrong = |error| PyValueError::new_err(format!("sort: {error}"));
                let (name, is_descending) = parse_sort(text).map_err(wrong)?;
                PyResult::Ok(Sort { column: column(name, &parameters, "sort")?, is_descending })
            })
            .transpose()?;
        let query = Self {
            condition,
            columns: chosen,
            source_at,
            sort,
            limit,
            separate,
            shown: parameters.features.clone(),
        };
        query.check(&parameters)?;
        Ok(query)
    }
}

impl Query {
    /// Returns whether a run can end before its captures do.
    pub(crate) fn ends_early(&self) -> bool {
        self.limit.is_some() && self.sort.is_none()
    }

    /// Checks that a run with `parameters` can provide the named columns.
    fn check(&self, parameters: &Parameters) -> PyResult<()> {
        let is_off = |column: &&Column| column.group.needs_inspection() && !parameters.dissect;
        if let Some(column) = self.named().find(is_off) {
            let message = format!("column {} needs dissect=True", column.name);
            return Err(PyValueError::new_err(message));
        }
        if self.needed().any(|group| group == Group::GroundTruth) {
            let message = "column label: nfstream.label_by adds it to a table";
            return Err(PyValueError::new_err(message));
        }
        Ok(())
    }

    /// Returns the columns that the query names.
    fn named(&self) -> impl Iterator<Item = &'static Column> {
        let condition = self.condition.iter().flat_map(|condition| condition.columns());
        let columns = self.columns.iter().flatten();
        condition.chain(columns).copied().chain(self.sort.map(|sort| sort.column))
    }

    /// Returns the groups of columns that a run must measure.
    pub(crate) fn needed(&self) -> impl Iterator<Item = Group> {
        self.named().map(|column| column.group)
    }

    /// Returns whether the condition holds for a flow from `origin`.
    pub(crate) fn selects(&self, record: &Record, schema: &Schema, origin: &str) -> PyResult<bool> {
        let Some(condition) = &self.condition else { return Ok(true) };
        let matches = condition.matches_of(record, schema.names(), origin);
        matches.map_err(|error| PyValueError::new_err(format!("where: {error}")))
    }

    /// Returns the columns of tables for runs with the columns of `schema`.
    pub(crate) fn shown(&self, schema: &Schema) -> Vec<&'static Column> {
        if let Some(columns) = &self.columns {
            return columns.clone();
        }
        let is_needed = |group| self.needed().any(|needed| needed == group);
        let is_shown =
            |group: Group| !group.is_feature() || self.shown.contains(&group) || !is_needed(group);
        schema.columns().iter().copied().filter(|column| is_shown(column.group)).collect()
    }
}

impl Selector {
    pub(crate) fn new(py: Python<'_>, query: Py<Query>) -> Self {
        let Query { sort, limit, .. } = query.bind(py).get();
        let left = limit.unwrap_or(u64::MAX);
        let sorted = sort.map(|sort| Sorted::new(sort, left));
        Self { query, sorted, left }
    }

    /// Returns the selected ones of `rows`, which come from `origin`; none yet if rows are sorted.
    pub(crate) fn select(
        &mut self,
        py: Python<'_>,
        rows: Vec<Row>,
        schema: &Schema,
        origin: &str,
    ) -> PyResult<Vec<Row>> {
        let query = self.query.bind(py).get();
        let names = schema.names();
        let mut kept = Vec::new();
        for row in rows {
            if !query.selects(&row.record, schema, origin)? {
                continue;
            }
            if let Some(sorted) = &mut self.sorted {
                let Row { source, record, flow } = row;
                sorted.add(record, names, |record| Row { source, record, flow });
            } else if self.left > 0 {
                self.left -= 1;
                kept.push(row);
            }
        }
        Ok(kept)
    }

    /// Returns whether no further row can be selected.
    pub(crate) fn is_full(&self) -> bool {
        self.left == 0 && self.sorted.is_none()
    }

    /// Takes out the sorted rows.
    pub(crate) fn sorted(&mut self) -> Vec<Row> {
        self.sorted.as_mut().map_or_else(Vec::new, |sorted| sorted.take().collect())
    }
}

/// Returns the column called `name`, of all that runs with `parameters` can have.
fn column(name: &str, parameters: &Parameters, argument: &str) -> PyResult<&'static Column> {
    parameters.columns().find(|column| column.name == name).ok_or_else(|| {
        let advice = match nearest(name, parameters.columns().map(|column| column.name)) {
            Some(meant) => format!("did you mean '{meant}'?"),
            None => "docs/columns.md lists them".to_owned(),
        };
        PyValueError::new_err(format!("{argument}: no column '{name}'; {advice}"))
    })
}
