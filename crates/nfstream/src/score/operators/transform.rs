//! Transformation of the sums of trees into scores.

use super::attributes::Attributes;
use tract_onnx::tract_hir::internal::*;

/// Transformation of the sums into scores.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Transform {
    None,
    Logistic,
    Softmax,
}

impl Transform {
    pub(super) fn parse(attributes: Attributes<'_>) -> TractResult<Self> {
        Ok(match attributes.text("post_transform", "NONE") {
            "NONE" => Self::None,
            "LOGISTIC" => Self::Logistic,
            "SOFTMAX" => Self::Softmax,
            other => bail!("the transformation {other} is not supported"),
        })
    }

    pub(super) fn apply(self, scores: &mut [f32]) {
        match self {
            Self::None => {}
            Self::Logistic => scores.iter_mut().for_each(|score| *score = logistic(*score)),
            Self::Softmax => {
                let highest = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                scores.iter_mut().for_each(|score| *score = (*score - highest).exp());
                let sum: f32 = scores.iter().sum();
                scores.iter_mut().for_each(|score| *score /= sum);
            }
        }
    }
}

/// Returns the logistic function of a number.
pub(super) fn logistic(number: f32) -> f32 {
    let part = 1.0 / (1.0 + (-number.abs()).exp());
    if number < 0.0 { 1.0 - part } else { part }
}
