//! `FeatureVectorizer`, `Imputer` and `Scaler`: preparation of values.

use super::attributes::Attributes;
use super::kernel::{Fact, Kernel, Parsed, parsed, rows_and_width};
use tract_onnx::model::ParsingContext;
use tract_onnx::pb::NodeProto;
use tract_onnx::tract_hir::internal::*;

/// Subtracts an offset from each value, and multiplies the result by a scale.
#[derive(Debug)]
struct Scaler {
    offsets: Vec<f32>,
    scales: Vec<f32>,
}

/// Replaces missing values.
#[derive(Debug)]
struct Imputer {
    replaced: f32,
    values: Vec<f32>,
}

/// Reads a node of the operator `Scaler`.
pub(super) fn scaler(_: &ParsingContext<'_>, node: &NodeProto) -> Parsed {
    let attributes = Attributes(node);
    let offsets = attributes.floats("offset").to_vec();
    let scales = attributes.floats("scale").to_vec();
    parsed(Scaler { offsets, scales })
}

/// Reads a node of the operator `Imputer`.
pub(super) fn imputer(_: &ParsingContext<'_>, node: &NodeProto) -> Parsed {
    let attributes = Attributes(node);
    attributes.refuse(&["imputed_value_int64s", "replaced_value_int64"])?;
    let replaced = attributes.float("replaced_value_float").unwrap_or(0.0);
    parsed(Imputer { replaced, values: attributes.floats("imputed_value_floats").to_vec() })
}

/// Reads a node of the operator `FeatureVectorizer`, which joins the values of several inputs.
pub(super) fn joiner(_: &ParsingContext<'_>, _: &NodeProto) -> Parsed {
    Ok((expand(tract_onnx::tract_hir::ops::array::Concat::new(1)), Vec::new()))
}

impl Kernel for Scaler {
    const NAME: &'static str = "Scaler";
    const INPUTS: usize = 1;
    const OUTPUTS: usize = 1;

    fn facts(&self, inputs: &[Fact]) -> TractResult<Vec<Fact>> {
        let fact = same_shape(inputs, f32::datum_type())?;
        check_len("offsets", &self.offsets, &fact)?;
        check_len("scales", &self.scales, &fact)?;
        Ok(vec![fact])
    }

    fn run(&self, inputs: &[&Tensor]) -> TractResult<Vec<Tensor>> {
        map(inputs, |place, value| {
            let offset = of_place(&self.offsets, place).unwrap_or(0.0);
            (value - offset) * of_place(&self.scales, place).unwrap_or(1.0)
        })
    }
}

impl Kernel for Imputer {
    const NAME: &'static str = "Imputer";
    const INPUTS: usize = 1;
    const OUTPUTS: usize = 1;

    fn facts(&self, inputs: &[Fact]) -> TractResult<Vec<Fact>> {
        let fact = same_shape(inputs, f32::datum_type())?;
        check_len("imputed values", &self.values, &fact)?;
        Ok(vec![fact])
    }

    #[allow(clippy::float_cmp, reason = "the value of the model, exactly")]
    fn run(&self, inputs: &[&Tensor]) -> TractResult<Vec<Tensor>> {
        map(inputs, |place, value| {
            let is_missing =
                if self.replaced.is_nan() { value.is_nan() } else { value == self.replaced };
            if is_missing { of_place(&self.values, place).unwrap_or(value) } else { value }
        })
    }
}

/// Returns the value for a place in a row: there is one for each, or one for all.
fn of_place(values: &[f32], place: usize) -> Option<f32> {
    if let [only] = values { Some(*only) } else { values.get(place).copied() }
}

fn check_len(what: &str, values: &[f32], (_, shape): &Fact) -> TractResult<()> {
    let (_, width) = rows_and_width(shape)?;
    if values.len() > 1 && values.len() != width {
        bail!("there are {} {what} for {width} values", values.len());
    }
    Ok(())
}

fn same_shape(inputs: &[Fact], kind: DatumType) -> TractResult<Fact> {
    let (_, shape) = inputs.first().context("no input")?;
    rows_and_width(shape)?;
    Ok((kind, shape.clone()))
}

/// Returns the input with each value changed by its place in the row.
fn map(inputs: &[&Tensor], change: impl Fn(usize, f32) -> f32) -> TractResult<Vec<Tensor>> {
    let input = inputs.first().context("no input")?;
    let (_, width) = rows_and_width(input.shape())?;
    let values = input.cast_to::<f32>()?;
    let values = values.try_as_plain_ram()?.as_slice::<f32>()?;
    let places = (0..width).cycle();
    let values: Vec<_> =
        values.iter().zip(places).map(|(value, place)| change(place, *value)).collect();
    Ok(vec![Tensor::from_shape(input.shape(), &values)?])
}
