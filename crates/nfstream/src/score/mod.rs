//! Models in the stream: ONNX files whose inputs are columns of a record, and whose outputs are
//! columns too.
//!
//! [`Model`] is the content of a file. A [`ModelSet`] names the models of a run, and
//! `ModelSet::scoring` matches their inputs with columns, before the first packet. The cargo
//! feature `models` adds the interpreter; without it no model can be read.

mod error;
#[cfg(feature = "models")]
mod interpreter;
#[cfg(feature = "models")]
mod model;
#[cfg(not(feature = "models"))]
mod no_model;
#[cfg(feature = "models")]
mod operators;
mod scoring;
mod set;
mod signature;
mod source;

pub use error::ModelError;
#[cfg(feature = "models")]
pub use model::Model;
#[cfg(not(feature = "models"))]
pub use no_model::Model;
pub use scoring::{NamedModel, Scoring};
pub use set::ModelSet;
pub(crate) use source::Available;
