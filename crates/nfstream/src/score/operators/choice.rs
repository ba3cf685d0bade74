//! `ArrayFeatureExtractor`: choice of values by their places on the last axis.

use super::kernel::{Fact, Kernel, Parsed, parsed};
use tract_onnx::model::ParsingContext;
use tract_onnx::pb::NodeProto;
use tract_onnx::tract_hir::internal::*;

/// Chooses values of its first input by the places in the second.
#[derive(Debug)]
struct Choice;

/// Reads a node.
pub(super) fn parse(_: &ParsingContext<'_>, _: &NodeProto) -> Parsed {
    parsed(Choice)
}

impl Kernel for Choice {
    const NAME: &'static str = "ArrayFeatureExtractor";
    const INPUTS: usize = 2;
    const OUTPUTS: usize = 1;

    fn facts(&self, inputs: &[Fact]) -> TractResult<Vec<Fact>> {
        let [(kind, values), (_, places)] = inputs else { bail!("it takes two inputs") };
        let chosen = places.iter().product();
        let mut shape: TVec<usize> = values.clone();
        if shape.len() < 2 {
            shape = tvec!(1, 0);
        }
        if let Some(last) = shape.last_mut() {
            *last = chosen;
        }
        Ok(vec![(*kind, shape)])
    }

    fn run(&self, inputs: &[&Tensor]) -> TractResult<Vec<Tensor>> {
        let [values, places] = inputs else { bail!("it takes two inputs") };
        let kinds: [Fact; 2] = [
            (values.datum_type(), values.shape().into()),
            (places.datum_type(), places.shape().into()),
        ];
        let facts = self.facts(&kinds)?;
        let (_, shape) = facts.first().context("no output")?;
        let places = places.cast_to::<i64>()?;
        let places = places.try_as_plain_ram()?.as_slice::<i64>()?;
        let kind = values.datum_type();
        let chosen = if kind == String::datum_type() {
            choose::<String>(values, places)?
        } else if kind == i64::datum_type() {
            choose::<i64>(values, places)?
        } else if kind == i32::datum_type() {
            choose::<i32>(values, places)?
        } else if kind == f32::datum_type() {
            choose::<f32>(values, places)?
        } else {
            bail!("values of type {kind:?} are not supported");
        };
        Ok(vec![chosen.into_shape(shape)?])
    }
}

fn choose<T: Datum>(values: &Tensor, places: &[i64]) -> TractResult<Tensor> {
    let width = values.shape().last().copied().unwrap_or(1).max(1);
    let mut chosen = Vec::new();
    for row in values.try_as_plain_ram()?.as_slice::<T>()?.chunks(width) {
        for place in places {
            let value = usize::try_from(*place).ok().and_then(|place| row.get(place));
            chosen.push(value.context("a place is beyond the values")?.clone());
        }
    }
    Ok(tensor1(&chosen))
}
