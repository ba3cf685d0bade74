//! The interpreter of models: tract, with operators of its own for decision trees and the
//! preparation of their values.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use tract_onnx::Onnx;
use tract_onnx::pb::ModelProto;
use tract_onnx::prelude::*;

use super::ModelError;
use super::operators;
use super::signature::{Input, Number};

/// A model that is ready to run on blocks of flows.
#[derive(Debug)]
pub(super) struct Interpreter {
    plan: Arc<TypedSimplePlan>,
    inputs: Vec<Input>,
    rows: usize,
}

/// Results of one output, by flow.
#[derive(Debug)]
pub(super) enum Values {
    Floats(Vec<f64>),
    Texts(Vec<String>),
    Wholes(Vec<i64>),
}

/// Decodes the bytes of a model.
pub(super) fn decode(bytes: &[u8]) -> Result<ModelProto, ModelError> {
    let model = framework().proto_model_for_read(&mut &*bytes);
    model.ok().filter(|model| model.graph.is_some()).ok_or(ModelError::Unreadable)
}

/// Returns the operators of a model that the interpreter lacks, each once.
pub(super) fn missing_operators(model: &ModelProto) -> Vec<String> {
    let known = framework().op_register.0;
    let mut missing = Vec::new();
    for node in model.graph.iter().flat_map(|graph| &graph.node) {
        if !known.contains_key(&node.op_type) && !missing.contains(&node.op_type) {
            missing.push(node.op_type.clone());
        }
    }
    missing
}

impl Interpreter {
    /// Prepares a model for blocks of `rows` flows.
    pub(super) fn new(
        model: &ModelProto,
        inputs: Vec<Input>,
        rows: usize,
    ) -> Result<Self, ModelError> {
        let plan = caught(|| {
            let mut graph = framework().model_for_proto_model(model)?;
            for (place, input) in inputs.iter().enumerate() {
                let shape = input.shape(rows);
                let fact = InferenceFact::dt_shape(input.number.data_type(), shape.as_slice());
                graph = graph.with_input_fact(place, fact)?;
            }
            graph.into_optimized()?.into_runnable()
        });
        let plan = plan.map_err(|message| ModelError::Refused { message })?;
        Ok(Self { plan, inputs, rows })
    }

    /// Returns the outputs for the values of all inputs, flow by flow.
    pub(super) fn run(&self, values: &[f64]) -> Result<Vec<Values>, String> {
        let width: usize = self.inputs.iter().map(|input| input.width).sum();
        let mut first = 0;
        let mut tensors = TVec::new();
        for input in &self.inputs {
            let of_row = |row: &'_ [f64]| row.get(first..first + input.width).map(<[f64]>::to_vec);
            let of_input = values.chunks(width.max(1)).filter_map(of_row).flatten();
            tensors.push(input.tensor(self.rows, of_input).map_err(|error| text(&error))?.into());
            first += input.width;
        }
        let outputs = caught(|| self.plan.run(tensors))?;
        outputs.iter().map(|output| self.values(output).map_err(|error| text(&error))).collect()
    }

    fn values(&self, output: &Tensor) -> TractResult<Values> {
        use tract_onnx::tract_core::internal::anyhow;
        if output.shape().first() != Some(&self.rows) || output.rank() > 2 {
            let shape = output.shape();
            return Err(anyhow!("an output has the shape {shape:?} for {} flows", self.rows));
        }
        let kind = output.datum_type();
        if kind == String::datum_type() {
            return Ok(Values::Texts(output.try_as_plain_ram()?.as_slice::<String>()?.to_vec()));
        }
        if kind.is_float() {
            let output = output.cast_to::<f64>()?;
            return Ok(Values::Floats(output.try_as_plain_ram()?.as_slice::<f64>()?.to_vec()));
        }
        let output = output.cast_to::<i64>()?;
        Ok(Values::Wholes(output.try_as_plain_ram()?.as_slice::<i64>()?.to_vec()))
    }
}

impl Input {
    fn shape(&self, rows: usize) -> Vec<usize> {
        if self.has_axis { vec![rows, self.width] } else { vec![rows] }
    }

    fn tensor(&self, rows: usize, values: impl Iterator<Item = f64>) -> TractResult<Tensor> {
        let shape = self.shape(rows);
        match self.number {
            Number::F32 => {
                Tensor::from_shape::<f32>(&shape, &values.map(single).collect::<Vec<_>>())
            }
            Number::F64 => Tensor::from_shape::<f64>(&shape, &values.collect::<Vec<_>>()),
            Number::I32 => {
                Tensor::from_shape::<i32>(&shape, &values.map(short).collect::<Vec<_>>())
            }
            Number::I64 => {
                Tensor::from_shape::<i64>(&shape, &values.map(whole).collect::<Vec<_>>())
            }
        }
    }
}

impl Number {
    fn data_type(self) -> DatumType {
        match self {
            Self::F32 => f32::datum_type(),
            Self::F64 => f64::datum_type(),
            Self::I32 => i32::datum_type(),
            Self::I64 => i64::datum_type(),
        }
    }
}

fn framework() -> Onnx {
    let mut framework = onnx().with_ignore_value_info(true);
    operators::register(&mut framework.op_register);
    framework
}

#[allow(clippy::as_conversions, clippy::cast_possible_truncation, reason = "the nearest is meant")]
fn single(number: f64) -> f32 {
    number as f32
}

#[allow(clippy::as_conversions, clippy::cast_possible_truncation, reason = "columns are whole")]
fn whole(number: f64) -> i64 {
    number as i64
}

#[allow(clippy::as_conversions, clippy::cast_possible_truncation, reason = "it saturates")]
fn short(number: f64) -> i32 {
    number as i32
}

/// Runs a part of the interpreter; its errors and panics become text.
fn caught<R>(work: impl FnOnce() -> TractResult<R>) -> Result<R, String> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(result) => result.map_err(|error| text(&error)),
        Err(panic) => Err(format!("the interpreter failed: {}", panic_text(&*panic))),
    }
}

fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("no message").to_owned()
}

/// Returns an error of the interpreter and its causes in one line of limited length.
fn text(error: &TractError) -> String {
    const LONGEST: usize = 400;
    let line = format!("{error:#}").split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default()),
        None => line,
    }
}
