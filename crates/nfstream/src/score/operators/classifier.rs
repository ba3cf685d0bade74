//! `TreeEnsembleClassifier`: classes and their scores from decision trees.
//!
//! Scores are sums in single precision, tree by tree. Classes and scores are those of onnxruntime.

use super::super::signature::MOST_SCORES;
use super::attributes::Attributes;
use super::kernel::{Fact, Kernel, Parsed, floats, parsed, rows_and_width};
use super::labels::Labels;
use super::listing::trees;
use super::transform::{Transform, logistic};
use super::trees::Trees;
use tract_onnx::model::ParsingContext;
use tract_onnx::pb::NodeProto;
use tract_onnx::tract_hir::internal::*;

/// Classifier with its trees.
#[derive(Debug)]
struct Classifier {
    trees: Trees,
    labels: Labels,
    /// Initial scores of the classes, empty for zeros.
    base: Vec<f32>,
    transform: Transform,
    layout: Layout,
}

/// Classes that the weights of the trees belong to.
#[derive(Clone, Copy, Debug)]
enum Layout {
    /// Each of the classes.
    Each,
    /// One of two classes, which is the class if the sum exceeds the threshold.
    One {
        /// Number of the class that weights belong to.
        class: usize,
        threshold: f32,
        /// Whether the score of the other class is 1 minus this one, instead of its negative.
        is_share: bool,
    },
}

/// Reads a node.
pub(super) fn parse(_: &ParsingContext<'_>, node: &NodeProto) -> Parsed {
    let attributes = Attributes(node);
    attributes.refuse(&["class_weights_as_tensor", "base_values_as_tensor"])?;
    let labels = Labels::parse(attributes, "classlabels_int64s");
    let classes = labels.len();
    if !(2..=MOST_SCORES).contains(&classes) {
        bail!("TreeEnsembleClassifier has {classes} classes");
    }
    let trees = trees(attributes, "class", classes)?;
    let transform = Transform::parse(attributes)?;
    let base = attributes.floats("base_values").to_vec();
    let first = trees.weights().first().map(|(class, _)| *class);
    let class = first.filter(|first| trees.weights().iter().all(|(class, _)| class == first));
    let layout = match class {
        Some(class) if classes == 2 => {
            let is_share = trees.weights().iter().all(|(_, weight)| *weight >= 0.0);
            Layout::One { class, threshold: if is_share { 0.5 } else { 0.0 }, is_share }
        }
        _ => Layout::Each,
    };
    let fits = match layout {
        Layout::Each => base.is_empty() || base.len() == classes,
        Layout::One { class: 0, .. } => base.len() <= 1,
        Layout::One { .. } => base.is_empty(),
    };
    if !fits {
        bail!("TreeEnsembleClassifier has {} base values for {classes} classes", base.len());
    }
    parsed(Classifier { trees, labels, base, transform, layout })
}

impl Kernel for Classifier {
    const NAME: &'static str = "TreeEnsembleClassifier";
    const INPUTS: usize = 1;
    const OUTPUTS: usize = 2;

    fn facts(&self, inputs: &[Fact]) -> TractResult<Vec<Fact>> {
        let (_, shape) = inputs.first().context("no input")?;
        let (rows, width) = rows_and_width(shape)?;
        self.trees.check_width(width)?;
        Ok(vec![
            (self.labels.data_type(), tvec!(rows)),
            (f32::datum_type(), tvec!(rows, self.labels.len())),
        ])
    }

    fn run(&self, inputs: &[&Tensor]) -> TractResult<Vec<Tensor>> {
        let (rows, width, input) = floats(inputs)?;
        let input = input.try_as_plain_ram()?.as_slice::<f32>()?;
        let classes = self.labels.len();
        let mut sums = vec![0.0_f32; rows * classes];
        let mut reached = vec![!self.base.is_empty(); rows * classes];
        self.trees.walk(input, width, |row, class, weight| {
            let at = row * classes + class;
            if let (Some(sum), Some(reached)) = (sums.get_mut(at), reached.get_mut(at)) {
                *sum += weight;
                *reached = true;
            }
        });
        let mut winners = Vec::with_capacity(rows);
        for (scores, reached) in sums.chunks_mut(classes).zip(reached.chunks(classes)) {
            winners.push(self.conclude(scores, reached));
        }
        Ok(vec![self.labels.tensor(&winners), Tensor::from_shape(&[rows, classes], &sums)?])
    }
}

impl Classifier {
    /// Turns the sums of one row into scores, and returns the number of its class.
    fn conclude(&self, scores: &mut [f32], reached: &[bool]) -> usize {
        match (self.layout, scores) {
            (Layout::One { class: 0, threshold, is_share }, [other, one]) => {
                let sum = *other + self.base.first().copied().unwrap_or(0.0);
                (*other, *one) = match (self.transform, is_share) {
                    (Transform::Logistic, _) => (logistic(-sum), logistic(sum)),
                    (_, true) => (1.0 - sum, sum),
                    (_, false) => (-sum, sum),
                };
                usize::from(sum > threshold)
            }
            (Layout::One { threshold, .. }, scores) => {
                let is_one = scores.last().is_some_and(|sum| *sum > threshold);
                self.transform.apply(scores);
                usize::from(is_one)
            }
            (Layout::Each, scores) => {
                for (score, base) in scores.iter_mut().zip(&self.base) {
                    *score += base;
                }
                let mut best: Option<(usize, f32)> = None;
                for (class, (score, reached)) in scores.iter().zip(reached).enumerate() {
                    if *reached && best.is_none_or(|(_, highest)| *score > highest) {
                        best = Some((class, *score));
                    }
                }
                self.transform.apply(scores);
                best.map_or(0, |(class, _)| class)
            }
        }
    }
}
