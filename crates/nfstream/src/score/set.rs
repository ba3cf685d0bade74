//! The models of a run, by name.

use std::collections::HashSet;

use super::error::ModelError;
use super::scoring::{NamedModel, Scoring};
use super::signature::Output;
use super::source::Available;
use crate::features::{Column, Scored, columns};
use crate::time::TimeUnit;

/// Models of a run, and the columns of their results.
#[derive(Clone, Debug, Default)]
pub struct ModelSet {
    models: Vec<NamedModel>,
    columns: Vec<&'static Column>,
}

impl ModelSet {
    /// Names the columns of models: `<name>_label` for the class, and `<name>_score` or
    /// `<name>_score_<class>` for scores.
    ///
    /// # Errors
    ///
    /// [`ModelError::Name`] for a name that a model cannot have, or that two columns would have.
    pub fn new(models: Vec<NamedModel>) -> Result<Self, ModelError> {
        let mut set = Self { models: Vec::new(), columns: Vec::new() };
        for one in models {
            check_name(&one.name)?;
            set.add_columns(&one)?;
            set.models.push(one);
        }
        Ok(set)
    }

    /// Returns the columns of the results.
    pub fn columns(&self) -> &[&'static Column] {
        &self.columns
    }

    /// Returns whether there are no models.
    pub fn is_empty(&self) -> bool {
        self.models.is_empty()
    }

    /// Matches the inputs of the models with `columns`, which have times in `unit`. `names` are
    /// those of the values of an input tensor, in place of the names in the file.
    ///
    /// # Errors
    ///
    /// [`ModelError`] for an input that no column fits, or a column of results whose name is
    /// taken, with the name of the model.
    pub(crate) fn scoring(
        &self,
        run: Available<'_>,
        unit: TimeUnit,
        names: &[String],
    ) -> Result<Scoring, (String, ModelError)> {
        if !names.is_empty() && self.models.len() != 1 {
            let models = self.models.len();
            return Err(("model_columns".to_owned(), ModelError::NotOneModel { models }));
        }
        let taken = self.columns.iter().find(|column| {
            let is_same = |other: &Column| other.name == column.name;
            run.columns.iter().any(|other| is_same(other))
                || TimeUnit::ALL.into_iter().flat_map(columns).any(is_same)
        });
        if let Some(column) = taken {
            let problem = "is the name of another column; name the model differently".to_owned();
            let error = ModelError::Name { name: column.name.to_owned(), problem };
            return Err((column.name.to_owned(), error));
        }
        Scoring::new(&self.models, &self.columns, run, unit, names)
    }

    fn add_columns(&mut self, named: &NamedModel) -> Result<(), ModelError> {
        let name = &named.name;
        for output in named.model.outputs() {
            let columns = match output {
                Output::Class(classes) => {
                    vec![(format!("{name}_label"), Scored::Class(classes.clone()))]
                }
                Output::Number => vec![(format!("{name}_label"), Scored::Whole)],
                Output::Scores(classes) => {
                    let words: Vec<_> = classes.iter().map(|class| as_word(class)).collect();
                    let differ = words.iter().collect::<HashSet<_>>().len() == words.len();
                    let column = |(place, word): (usize, &String)| match word.as_str() {
                        "" => format!("{name}_score"),
                        word if differ => format!("{name}_score_{word}"),
                        _ => format!("{name}_score_{place}"),
                    };
                    let columns = words.iter().enumerate().map(column);
                    columns.map(|column| (column, Scored::Float)).collect()
                }
            };
            for (column, scored) in columns {
                if self.columns.iter().any(|other| other.name == column) {
                    let problem = "would be the name of two columns of results".to_owned();
                    return Err(ModelError::Name { name: column, problem });
                }
                let place = self.columns.len();
                self.columns.push(Column::scored(&column, scored, place));
            }
        }
        Ok(())
    }
}

/// Checks the name of a model, with which conditions name its columns.
fn check_name(name: &str) -> Result<(), ModelError> {
    let mut letters = name.chars();
    let is_word = letters.next().is_some_and(|first| first.is_ascii_alphabetic())
        && letters.all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
    if is_word {
        return Ok(());
    }
    let problem = "is no name of a model: it must be a letter followed by letters, digits and \
                   underscores";
    Err(ModelError::Name { name: name.to_owned(), problem: problem.to_owned() })
}

/// Replaces all but letters and digits with underscores, so that conditions can name the column.
fn as_word(class: &str) -> String {
    let word = |letter: char| if letter.is_ascii_alphanumeric() { letter } else { '_' };
    class.chars().map(word).collect()
}
