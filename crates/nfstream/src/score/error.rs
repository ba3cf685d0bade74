//! Mistakes in models.

/// Why a model cannot score flows.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ModelError {
    /// The number of names differs from the number of values that the model takes.
    #[error("input '{input}' takes {width} values for each flow, but {names} columns are named")]
    ColumnCount {
        /// Name of the input.
        input: String,
        /// Values of the input for each flow.
        width: usize,
        /// Number of names.
        names: usize,
    },
    /// A column that the run does not have, or that holds no numbers.
    #[error("column '{name}' {problem}")]
    Column {
        /// Name of the column.
        name: String,
        /// The problem, and what to do.
        problem: String,
    },
    /// A value in the metadata of the model.
    #[error("the metadata '{key}' {problem}")]
    Metadata {
        /// Key of the value.
        key: &'static str,
        /// The problem.
        problem: String,
    },
    /// A name that a model or a column of its results cannot have.
    #[error("'{name}' {problem}")]
    Name {
        /// The name.
        name: String,
        /// The problem.
        problem: String,
    },
    /// Names of columns for a model whose inputs are columns.
    #[error("has {inputs} inputs, each named like its column; leave out model_columns")]
    NamedInputs {
        /// Number of inputs.
        inputs: usize,
    },
    /// An input without known columns.
    #[error(
        "input '{input}' takes {width} values for each flow, and nothing names their columns: add \
         them to the file under the key 'nfstream_columns' or use the parameter model_columns"
    )]
    NoColumns {
        /// Name of the input.
        input: String,
        /// Values of the input for each flow.
        width: usize,
    },
    /// Names of columns without a single model that they belong to.
    #[error("model_columns belongs to one model, but there are {models}")]
    NotOneModel {
        /// Number of models.
        models: usize,
    },
    /// The build has no interpreter of models.
    #[error(
        "this build cannot read models: build nfstream with the cargo feature 'models', see \
         docs/models.md"
    )]
    NotBuilt,
    /// Operators that the interpreter lacks.
    #[error("the operators {} are not supported; docs/models.md lists those that are", names.join(", "))]
    Operators {
        /// Their names.
        names: Vec<String>,
    },
    /// An input or output of another type or shape.
    #[error("{kind} '{name}' {problem}")]
    Place {
        /// The word input or output.
        kind: &'static str,
        /// Its name.
        name: String,
        /// The problem, and what to do.
        problem: String,
    },
    /// The interpreter refuses the model.
    #[error("{message}")]
    Refused {
        /// The message of the interpreter.
        message: String,
    },
    /// The bytes are not a model.
    #[error("not an ONNX model")]
    Unreadable,
    /// The model returns maps instead of tensors.
    #[error(
        "returns maps of probabilities (the operator ZipMap), not a tensor; convert it again: \
         with skl2onnx options={{\"zipmap\": False}}, with onnxmltools' LightGBM zipmap=False"
    )]
    ZipMap,
}
