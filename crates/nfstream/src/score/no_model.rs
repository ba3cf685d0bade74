//! Stand-in for models in a build without an interpreter: there are none.

use super::ModelError;
use super::signature::{Input, Output};

/// A model; none can be read in this build.
#[derive(Debug)]
pub enum Model {}

impl Model {
    /// Refuses any bytes.
    ///
    /// # Errors
    ///
    /// [`ModelError::NotBuilt`].
    pub fn parse(_: &[u8]) -> Result<Self, ModelError> {
        Err(ModelError::NotBuilt)
    }

    pub(super) fn inputs(&self) -> &[Input] {
        match *self {}
    }

    pub(super) fn outputs(&self) -> &[Output] {
        match *self {}
    }

    pub(super) fn columns(&self) -> Option<&[String]> {
        match *self {}
    }

    pub(super) fn time_unit(&self) -> Option<&str> {
        match *self {}
    }

    pub(super) fn rows(&self) -> usize {
        match *self {}
    }

    pub(super) fn evaluate(&self, _: &[f64]) -> Result<Vec<i64>, String> {
        match *self {}
    }
}
