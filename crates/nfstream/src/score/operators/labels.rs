//! Names of the classes of a classifier.

use super::attributes::Attributes;
use tract_onnx::tract_hir::internal::*;

/// Names of classes, texts or whole numbers.
#[derive(Debug)]
pub(super) enum Labels {
    Texts(Vec<String>),
    Wholes(Vec<i64>),
}

impl Labels {
    /// Reads the names; `wholes` is the attribute with whole numbers.
    pub(super) fn parse(attributes: Attributes<'_>, wholes: &str) -> Self {
        match attributes.texts("classlabels_strings") {
            [] => Self::Wholes(attributes.whole(wholes).to_vec()),
            texts => {
                let text = |bytes: &Vec<u8>| String::from_utf8_lossy(bytes).into_owned();
                Self::Texts(texts.iter().map(text).collect())
            }
        }
    }

    /// Returns the number of classes.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Texts(texts) => texts.len(),
            Self::Wholes(numbers) => numbers.len(),
        }
    }

    /// Returns the type of the names.
    pub(super) fn data_type(&self) -> DatumType {
        match self {
            Self::Texts(_) => String::datum_type(),
            Self::Wholes(_) => i64::datum_type(),
        }
    }

    /// Returns the names of classes, given by their numbers.
    pub(super) fn tensor(&self, classes: &[usize]) -> Tensor {
        match self {
            Self::Texts(texts) => {
                let label = |at: &usize| texts.get(*at).cloned().unwrap_or_default();
                tensor1(&classes.iter().map(label).collect::<Vec<_>>())
            }
            Self::Wholes(numbers) => {
                let label = |at: &usize| numbers.get(*at).copied().unwrap_or_default();
                tensor1(&classes.iter().map(label).collect::<Vec<_>>())
            }
        }
    }
}
