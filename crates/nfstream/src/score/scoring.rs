//! Scores of records: values of columns to a model, and its results to the record.

use std::collections::HashSet;
use std::sync::Arc;

use super::source::{Available, Reader, Source};
use super::{Model, ModelError};
use crate::features::cell::MISSING;
use crate::features::{Column, Record, ScoreError, Scorer};
use crate::time::TimeUnit;

/// A model and its name.
#[derive(Clone, Debug)]
pub struct NamedModel {
    /// Name, with which the names of its columns begin.
    pub name: String,
    /// The model.
    pub model: Arc<Model>,
}

/// The models of a run, whose inputs are matched with columns.
#[derive(Debug)]
pub struct Scoring {
    models: Vec<Matched>,
    /// Columns of the results.
    columns: Vec<&'static Column>,
}

/// A model with the sources of its values.
#[derive(Debug)]
struct Matched {
    name: String,
    model: Arc<Model>,
    /// Sources of the values of all inputs, in order.
    sources: Vec<Source>,
    /// Position of its first result among those of the record.
    first: usize,
    /// Number of its results.
    results: usize,
}

impl Scoring {
    /// Matches the inputs of `models` with columns.
    pub(super) fn new(
        models: &[NamedModel],
        columns: &[&'static Column],
        run: Available<'_>,
        unit: TimeUnit,
        names: &[String],
    ) -> Result<Self, (String, ModelError)> {
        let mut matched = Vec::new();
        let mut first = 0;
        for NamedModel { name, model } in models {
            let sources =
                sources(model, run, unit, names).map_err(|error| (name.clone(), error))?;
            let results = model.outputs().iter().map(|output| output.width()).sum();
            let (name, model) = (name.clone(), Arc::clone(model));
            matched.push(Matched { name, model, sources, first, results });
            first += results;
        }
        Ok(Self { models: matched, columns: columns.to_vec() })
    }

    /// Returns the columns that the models read.
    pub fn read(&self) -> impl Iterator<Item = &'static Column> {
        self.models.iter().flat_map(|one| &one.sources).map(|source| source.column)
    }
}

impl Scorer for Scoring {
    fn columns(&self) -> &[&'static Column] {
        &self.columns
    }

    fn score(&self, records: &mut [Record]) -> Result<(), ScoreError> {
        for record in records.iter_mut() {
            record.scores = Some(vec![MISSING; self.columns.len()].into());
        }
        for one in &self.models {
            one.score(records)?;
        }
        Ok(())
    }
}

impl Matched {
    /// Scores blocks of records, each padded to the same size: the results of a record then do not
    /// depend on the number of records that are scored together.
    fn score(&self, records: &mut [Record]) -> Result<(), ScoreError> {
        let rows = self.model.rows().max(1);
        let mut values = vec![0.0; rows * self.sources.len()];
        let mut reader = Reader::default();
        for block in records.chunks_mut(rows) {
            let mut places = values.iter_mut();
            for record in &*block {
                reader.begin();
                for (source, place) in self.sources.iter().zip(&mut places) {
                    *place = reader.value(source, record);
                }
            }
            places.for_each(|place| *place = 0.0);
            let wrong = |message| ScoreError { model: self.name.clone(), message };
            let cells = self.model.evaluate(&values).map_err(wrong)?;
            for (record, cells) in block.iter_mut().zip(cells.chunks(self.results.max(1))) {
                let scores = record.scores.as_deref_mut().unwrap_or_default();
                let places = scores.iter_mut().skip(self.first);
                places.zip(cells).for_each(|(place, cell)| *place = *cell);
            }
        }
        Ok(())
    }
}

/// Returns the sources of the values of all inputs.
fn sources(
    model: &Model,
    run: Available<'_>,
    unit: TimeUnit,
    names: &[String],
) -> Result<Vec<Source>, ModelError> {
    if let Some(trained) = model.time_unit()
        && trained != unit.symbol()
    {
        let problem = format!(
            "says that the model was trained with time_unit='{trained}', but the run has '{}'",
            unit.symbol()
        );
        return Err(ModelError::Metadata { key: "nfstream_time_unit", problem });
    }
    let inputs = model.inputs();
    let named = if names.is_empty() { model.columns() } else { Some(names) };
    let mut sources = Vec::new();
    match (inputs, named) {
        ([input], Some(names)) => {
            if names.len() != input.width {
                let (input, width) = (input.name.clone(), input.width);
                return Err(ModelError::ColumnCount { input, width, names: names.len() });
            }
            let mut seen = HashSet::new();
            for name in names {
                if !seen.insert(name) {
                    let problem = "is named twice".to_owned();
                    return Err(ModelError::Column { name: name.clone(), problem });
                }
                sources.push(run.source(name, input)?);
            }
        }
        (_, Some(_)) if !names.is_empty() => {
            return Err(ModelError::NamedInputs { inputs: inputs.len() });
        }
        _ => {
            for input in inputs {
                if input.width != 1 {
                    let (input, width) = (input.name.clone(), input.width);
                    return Err(ModelError::NoColumns { input, width });
                }
                sources.push(run.source(&input.name, input)?);
            }
        }
    }
    Ok(sources)
}
