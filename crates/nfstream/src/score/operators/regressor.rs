//! `TreeEnsembleRegressor`: numbers from decision trees.

use super::super::signature::MOST_SCORES;
use super::attributes::Attributes;
use super::kernel::{Fact, Kernel, Parsed, floats, parsed, rows_and_width};
use super::listing::trees;
use super::transform::Transform;
use super::trees::Trees;
use tract_onnx::model::ParsingContext;
use tract_onnx::pb::NodeProto;
use tract_onnx::tract_hir::internal::*;

/// Regressor with its trees.
#[derive(Debug)]
struct Regressor {
    trees: Trees,
    targets: usize,
    base: Vec<f32>,
    aggregate: Aggregate,
    transform: Transform,
}

/// Combination of the weights of all trees.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Aggregate {
    Average,
    Max,
    Min,
    Sum,
}

/// Reads a node.
pub(super) fn parse(_: &ParsingContext<'_>, node: &NodeProto) -> Parsed {
    let attributes = Attributes(node);
    attributes.refuse(&["target_weights_as_tensor", "base_values_as_tensor"])?;
    let targets = usize::try_from(attributes.integer("n_targets").unwrap_or(1))?;
    if targets == 0 || targets > MOST_SCORES {
        bail!("TreeEnsembleRegressor has {targets} targets");
    }
    let trees = trees(attributes, "target", targets)?;
    if trees.len() > usize::from(u16::MAX) {
        bail!("TreeEnsembleRegressor has {} trees", trees.len());
    }
    let base = attributes.floats("base_values").to_vec();
    if !base.is_empty() && base.len() != targets {
        bail!("TreeEnsembleRegressor has {} base values for {targets} targets", base.len());
    }
    let aggregate = match attributes.text("aggregate_function", "SUM") {
        "AVERAGE" => Aggregate::Average,
        "MAX" => Aggregate::Max,
        "MIN" => Aggregate::Min,
        "SUM" => Aggregate::Sum,
        other => bail!("the aggregate function {other} is not supported"),
    };
    let transform = Transform::parse(attributes)?;
    parsed(Regressor { trees, targets, base, aggregate, transform })
}

impl Kernel for Regressor {
    const NAME: &'static str = "TreeEnsembleRegressor";
    const INPUTS: usize = 1;
    const OUTPUTS: usize = 1;

    fn facts(&self, inputs: &[Fact]) -> TractResult<Vec<Fact>> {
        let (_, shape) = inputs.first().context("no input")?;
        let (rows, width) = rows_and_width(shape)?;
        self.trees.check_width(width)?;
        Ok(vec![(f32::datum_type(), tvec!(rows, self.targets))])
    }

    fn run(&self, inputs: &[&Tensor]) -> TractResult<Vec<Tensor>> {
        let (rows, width, input) = floats(inputs)?;
        let input = input.try_as_plain_ram()?.as_slice::<f32>()?;
        let mut sums: Vec<Option<f32>> = vec![None; rows * self.targets];
        self.trees.walk(input, width, |row, target, weight| {
            if let Some(sum) = sums.get_mut(row * self.targets + target) {
                *sum = Some(match (*sum, self.aggregate) {
                    (None, _) => weight,
                    (Some(sum), Aggregate::Max) => sum.max(weight),
                    (Some(sum), Aggregate::Min) => sum.min(weight),
                    (Some(sum), Aggregate::Average | Aggregate::Sum) => sum + weight,
                });
            }
        });
        let mut scores: Vec<f32> = sums.into_iter().map(Option::unwrap_or_default).collect();
        if self.aggregate == Aggregate::Average {
            let trees = u16::try_from(self.trees.len()).map_or(f32::MAX, f32::from);
            scores.iter_mut().for_each(|score| *score /= trees);
        }
        for row in scores.chunks_mut(self.targets) {
            row.iter_mut().zip(&self.base).for_each(|(score, base)| *score += base);
            self.transform.apply(row);
        }
        Ok(vec![Tensor::from_shape(&[rows, self.targets], &scores)?])
    }
}
