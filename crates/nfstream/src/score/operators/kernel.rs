//! Operators as tract sees them.
//!
//! An operator is a [`Kernel`]; [`Operator`] makes it a part of tract's graphs.

use std::borrow::Cow;
use std::fmt::Debug;
use std::sync::Arc;

use tract_onnx::tract_hir::internal::*;

/// Type and shape of a tensor.
pub(super) type Fact = (DatumType, TVec<usize>);

/// Work of an operator, whose outputs depend on its inputs alone.
pub(super) trait Kernel: Debug + Send + Sync + 'static {
    /// Name of the operator.
    const NAME: &'static str;
    /// Number of inputs, 1 or 2.
    const INPUTS: usize;
    /// Number of outputs.
    const OUTPUTS: usize;

    /// Returns the types and shapes of the outputs for those of the inputs.
    fn facts(&self, inputs: &[Fact]) -> TractResult<Vec<Fact>>;

    /// Returns the outputs.
    fn run(&self, inputs: &[&Tensor]) -> TractResult<Vec<Tensor>>;
}

/// A kernel as an operator of tract.
#[derive(Debug)]
struct Operator<K>(Arc<K>);

/// Result of a parser of nodes.
pub(super) type Parsed = TractResult<(Box<dyn InferenceOp>, Vec<String>)>;

/// Returns a kernel as the operator of a node.
pub(super) fn parsed(kernel: impl Kernel) -> Parsed {
    Ok((expand(Operator(Arc::new(kernel))), Vec::new()))
}

impl<K> Clone for Operator<K> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K> PartialEq for Operator<K> {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl<K> Eq for Operator<K> {}

impl<K: Kernel> Op for Operator<K> {
    fn name(&self) -> StaticName {
        K::NAME.into()
    }

    op_as_typed_op!();
}

impl<K: Kernel> EvalOp for Operator<K> {
    op_out_of_plan!();

    fn eval(&self, _: &EvalContext<'_>, inputs: TVec<TValue>) -> TractResult<TVec<TValue>> {
        let inputs: Vec<&Tensor> = inputs.iter().map(|input| &**input).collect();
        Ok(self.0.run(&inputs)?.into_iter().map(Tensor::into_tvalue).collect())
    }
}

impl<K: Kernel> TypedOp for Operator<K> {
    fn output_facts(&self, inputs: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        let fact = |input: &&TypedFact| {
            let shape = input.shape.as_concrete().context("a shape is not known")?;
            Ok((input.datum_type, shape.into()))
        };
        let inputs = inputs.iter().map(fact).collect::<TractResult<Vec<_>>>()?;
        let outputs = self.0.facts(&inputs)?;
        let fact = |(kind, shape): &Fact| TypedFact::dt_shape(*kind, shape.as_slice());
        Ok(outputs.iter().map(fact).collect())
    }

    as_op!();
}

impl<K: Kernel> Expansion for Operator<K> {
    fn name(&self) -> StaticName {
        K::NAME.into()
    }

    fn nboutputs(&self) -> TractResult<usize> {
        Ok(K::OUTPUTS)
    }

    fn wire(
        &self,
        prefix: &str,
        model: &mut TypedModel,
        inputs: &[OutletId],
    ) -> TractResult<TVec<OutletId>> {
        model.wire_node(prefix, self.clone(), inputs)
    }

    fn rules<'r, 'p: 'r, 's: 'r>(
        &'s self,
        solver: &mut Solver<'r>,
        inputs: &'p [TensorProxy],
        outputs: &'p [TensorProxy],
    ) -> InferenceResult {
        check_input_arity(inputs, K::INPUTS)?;
        check_output_arity(outputs, K::OUTPUTS)?;
        match inputs {
            [first, second] => {
                solver.given_2(&first.datum_type, &first.shape, move |solver, kind, shape| {
                    let known = (kind, shape);
                    solver.given_2(&second.datum_type, &second.shape, move |solver, kind, shape| {
                        self.conclude(solver, outputs, &[known.clone(), (kind, shape)])
                    })
                })
            }
            [first, ..] => {
                solver.given_2(&first.datum_type, &first.shape, move |solver, kind, shape| {
                    self.conclude(solver, outputs, &[(kind, shape)])
                })
            }
            [] => Ok(()),
        }
    }
}

impl<K: Kernel> Operator<K> {
    /// Sets the types and shapes of the outputs.
    fn conclude<'r, 'p: 'r>(
        &self,
        solver: &mut Solver<'r>,
        outputs: &'p [TensorProxy],
        inputs: &[(DatumType, TVec<TDim>)],
    ) -> InferenceResult {
        let fact = |(kind, shape): &(DatumType, TVec<TDim>)| {
            let sizes = shape.iter().map(|size| Ok(size.to_usize()?));
            Ok((*kind, sizes.collect::<TractResult<TVec<usize>>>()?))
        };
        let inputs = inputs.iter().map(fact).collect::<TractResult<Vec<Fact>>>()?;
        for (output, (kind, shape)) in outputs.iter().zip(self.0.facts(&inputs)?) {
            let shape: TVec<TDim> = shape.iter().map(|size| size.to_dim()).collect();
            solver.equals(&output.datum_type, kind)?;
            solver.equals(&output.shape, shape)?;
        }
        Ok(())
    }
}

/// Returns the numbers of rows and of values in each of the only input, and its values.
pub(super) fn floats<'a>(inputs: &[&'a Tensor]) -> TractResult<(usize, usize, Cow<'a, Tensor>)> {
    let input = *inputs.first().context("no input")?;
    let (rows, width) = rows_and_width(input.shape())?;
    Ok((rows, width, input.cast_to::<f32>()?))
}

/// Returns the numbers of rows and of values in each; a tensor with one axis is one row.
pub(super) fn rows_and_width(shape: &[usize]) -> TractResult<(usize, usize)> {
    match *shape {
        [width] => Ok((1, width)),
        [rows, width] => Ok((rows, width)),
        _ => bail!("an input has the shape {shape:?}, not rows of values"),
    }
}
