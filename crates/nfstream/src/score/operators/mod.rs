//! Operators of `ai.onnx.ml` that tract lacks, or that it evaluates differently from onnxruntime.

mod attributes;
mod choice;
mod classifier;
mod kernel;
mod labels;
mod linear;
mod listing;
mod preparation;
mod regressor;
mod transform;
mod trees;

use tract_onnx::model::OnnxOpRegister;

/// Adds the operators to those of tract, and replaces some.
pub(super) fn register(register: &mut OnnxOpRegister) {
    register.insert("ArrayFeatureExtractor", choice::parse);
    register.insert("FeatureVectorizer", preparation::joiner);
    register.insert("Imputer", preparation::imputer);
    register.insert("LinearClassifier", linear::parse);
    register.insert("Scaler", preparation::scaler);
    register.insert("TreeEnsembleClassifier", classifier::parse);
    register.insert("TreeEnsembleRegressor", regressor::parse);
}
