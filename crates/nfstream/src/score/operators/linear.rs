//! `LinearClassifier`: classes and their scores from weighted sums.

use super::super::signature::MOST_SCORES;
use super::attributes::Attributes;
use super::kernel::{Fact, Kernel, Parsed, floats, parsed, rows_and_width};
use super::labels::Labels;
use super::transform::{Transform, logistic};
use tract_onnx::model::ParsingContext;
use tract_onnx::pb::NodeProto;
use tract_onnx::tract_hir::internal::*;

/// Classifier with the weights of its sums.
#[derive(Debug)]
struct Linear {
    labels: Labels,
    /// Weights, sum by sum.
    weights: Vec<f32>,
    /// Initial values of the sums, one for each.
    base: Vec<f32>,
    transform: Transform,
}

/// Reads a node.
pub(super) fn parse(_: &ParsingContext<'_>, node: &NodeProto) -> Parsed {
    let attributes = Attributes(node);
    let labels = Labels::parse(attributes, "classlabels_ints");
    let weights = attributes.floats("coefficients").to_vec();
    let classes = labels.len();
    let is_single = classes == 2 && attributes.integer("multi_class").unwrap_or(0) == 0;
    let base = match attributes.floats("intercepts") {
        [] if is_single => vec![0.0],
        [] => vec![0.0; classes],
        base => base.to_vec(),
    };
    let fits = base.len() == classes || base.len() == 1 && is_single;
    if !(2..=MOST_SCORES).contains(&classes) || !fits || weights.len() % base.len() != 0 {
        bail!("LinearClassifier has {} weights for {classes} classes", weights.len());
    }
    let transform = Transform::parse(attributes)?;
    parsed(Linear { labels, weights, base, transform })
}

impl Kernel for Linear {
    const NAME: &'static str = "LinearClassifier";
    const INPUTS: usize = 1;
    const OUTPUTS: usize = 2;

    fn facts(&self, inputs: &[Fact]) -> TractResult<Vec<Fact>> {
        let (_, shape) = inputs.first().context("no input")?;
        let (rows, width) = rows_and_width(shape)?;
        if width * self.base.len() != self.weights.len() {
            bail!("there are {} weights for {width} values", self.weights.len());
        }
        let classes = self.labels.len();
        Ok(vec![(self.labels.data_type(), tvec!(rows)), (f32::datum_type(), tvec!(rows, classes))])
    }

    fn run(&self, inputs: &[&Tensor]) -> TractResult<Vec<Tensor>> {
        let (rows, width, input) = floats(inputs)?;
        let input = input.try_as_plain_ram()?.as_slice::<f32>()?;
        let mut scores = Vec::with_capacity(rows * self.labels.len());
        let mut winners = Vec::with_capacity(rows);
        for row in input.chunks_exact(width.max(1)) {
            let weights = self.weights.chunks_exact(width.max(1)).zip(&self.base);
            let mut sums: Vec<f32> =
                weights.map(|(weights, base)| sum(row, weights, *base)).collect();
            winners.push(self.conclude(&mut sums));
            scores.append(&mut sums);
        }
        let scores = Tensor::from_shape(&[rows, self.labels.len()], &scores)?;
        Ok(vec![self.labels.tensor(&winners), scores])
    }
}

impl Linear {
    /// Turns the sums of one row into scores, and returns the number of its class.
    fn conclude(&self, sums: &mut Vec<f32>) -> usize {
        if let [sum] = **sums {
            *sums = match self.transform {
                Transform::Logistic => vec![logistic(-sum), logistic(sum)],
                Transform::None | Transform::Softmax => vec![-sum, sum],
            };
            if self.transform == Transform::Softmax {
                self.transform.apply(sums);
            }
            return usize::from(sum > 0.0);
        }
        let mut best = (0, f32::NEG_INFINITY);
        for (class, sum) in sums.iter().enumerate() {
            if *sum > best.1 {
                best = (class, *sum);
            }
        }
        self.transform.apply(sums);
        best.0
    }
}

/// Returns a weighted sum, computed in double precision.
#[allow(clippy::as_conversions, clippy::cast_possible_truncation, reason = "the nearest is meant")]
fn sum(row: &[f32], weights: &[f32], base: f32) -> f32 {
    let products =
        row.iter().zip(weights).map(|(value, weight)| f64::from(*value) * f64::from(*weight));
    (products.sum::<f64>() + f64::from(base)) as f32
}
