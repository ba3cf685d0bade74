//! A model, read from an ONNX file.

use tract_onnx::pb::tensor_shape_proto::dimension::Value as Dimension;
use tract_onnx::pb::{ModelProto, ValueInfoProto, tensor_proto, type_proto};

use super::ModelError;
use super::interpreter::{Interpreter, Values, decode, missing_operators};
use super::signature::{
    CLASSES_KEY, COLUMNS_KEY, Input, MOST_SCORES, Number, Output, UNIT_KEY, names,
};
use crate::features::cell::{MISSING, of_float, of_whole};

/// Flows of a block, for models that take any number: enough that each tree is read once for many
/// flows, and few enough for a live capture, where a block may hold a single flow.
const ROWS: usize = 64;

/// Maximum number of flows of a block, for models that fix it.
const MOST_ROWS: usize = 8192;

/// Maximum number of values of all inputs together.
const MOST_INPUTS: usize = 1 << 24;

/// A model that scores flows.
#[derive(Debug)]
pub struct Model {
    interpreter: Interpreter,
    inputs: Vec<Input>,
    outputs: Vec<Output>,
    /// Columns of the values of the only input, as the file names them.
    columns: Option<Vec<String>>,
    time_unit: Option<String>,
    rows: usize,
}

impl Model {
    /// Reads the bytes of an ONNX file, and runs the model once.
    ///
    /// # Errors
    ///
    /// [`ModelError`] if the bytes are not a model, or the model cannot score flows.
    pub fn parse(bytes: &[u8]) -> Result<Self, ModelError> {
        let proto = decode(bytes)?;
        let nodes = || proto.graph.iter().flat_map(|graph| &graph.node);
        if nodes().any(|node| node.op_type == "ZipMap") {
            return Err(ModelError::ZipMap);
        }
        let missing = missing_operators(&proto);
        if !missing.is_empty() {
            return Err(ModelError::Operators { names: missing });
        }
        let metadata = |key| {
            let mut entries = proto.metadata_props.iter();
            entries.find(|entry| entry.key == key).map(|entry| entry.value.as_str())
        };
        let columns = metadata(COLUMNS_KEY).map(|text| names(COLUMNS_KEY, text)).transpose()?;
        let classes = metadata(CLASSES_KEY).map(|text| names(CLASSES_KEY, text)).transpose()?;
        let classes = classes.or_else(|| classes_of_operators(&proto));
        let (inputs, rows) = inputs(&proto)?;
        let width: usize = inputs.iter().map(|input| input.width).sum();
        if width.saturating_mul(rows) > MOST_INPUTS {
            let message = format!("its inputs have {rows} rows of {width} values");
            return Err(ModelError::Refused { message });
        }
        let interpreter = Interpreter::new(&proto, inputs.clone(), rows)?;
        let results = interpreter.run(&vec![0.0; rows * width]);
        let results = results.map_err(|message| ModelError::Refused { message })?;
        let graph_outputs = proto.graph.iter().flat_map(|graph| &graph.output);
        let names: Vec<_> = graph_outputs.map(|output| output.name.as_str()).collect();
        let outputs = outputs(&names, &results, classes.as_deref(), rows)?;
        let time_unit = metadata(UNIT_KEY).map(str::to_owned);
        Ok(Self { interpreter, inputs, outputs, columns, time_unit, rows })
    }

    pub(super) fn inputs(&self) -> &[Input] {
        &self.inputs
    }

    pub(super) fn outputs(&self) -> &[Output] {
        &self.outputs
    }

    /// Returns the columns that the file names.
    pub(super) fn columns(&self) -> Option<&[String]> {
        self.columns.as_deref()
    }

    /// Returns the unit of times that the file names.
    pub(super) fn time_unit(&self) -> Option<&str> {
        self.time_unit.as_deref()
    }

    /// Returns the number of flows that are evaluated together.
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// Returns the results for a block of flows, flow by flow.
    pub(super) fn evaluate(&self, values: &[f64]) -> Result<Vec<i64>, String> {
        let results = self.interpreter.run(values)?;
        let width: usize = self.outputs.iter().map(Output::width).sum();
        let mut cells = vec![MISSING; self.rows * width];
        let mut first = 0;
        for (output, values) in self.outputs.iter().zip(&results) {
            let of_output = cells_of(output, values);
            let rows = cells.chunks_mut(width.max(1)).zip(of_output.chunks(output.width()));
            for (row, found) in rows {
                let places = row.iter_mut().skip(first);
                places.zip(found).for_each(|(place, cell)| *place = *cell);
            }
            first += output.width();
        }
        Ok(cells)
    }
}

/// Returns the cells of an output, flow by flow.
fn cells_of(output: &Output, values: &Values) -> Vec<i64> {
    match (output, values) {
        (Output::Class(classes), Values::Texts(texts)) => {
            let place = |text| classes.iter().position(|class| class == text);
            let code = |text| place(text).and_then(|place| i64::try_from(place).ok());
            texts.iter().map(|text| code(text).unwrap_or(MISSING)).collect()
        }
        (_, Values::Floats(numbers)) => numbers.iter().map(|number| of_float(*number)).collect(),
        (_, Values::Wholes(numbers)) => numbers.iter().map(|number| of_whole(*number)).collect(),
        (_, Values::Texts(texts)) => vec![MISSING; texts.len()],
    }
}

/// Returns the inputs, and the number of flows that they take at once.
fn inputs(proto: &ModelProto) -> Result<(Vec<Input>, usize), ModelError> {
    let Some(graph) = &proto.graph else { return Err(ModelError::Unreadable) };
    let is_constant = |name: &str| graph.initializer.iter().any(|one| one.name == name);
    let mut inputs: Vec<Input> = Vec::new();
    let mut rows = None;
    for info in graph.input.iter().filter(|info| !is_constant(&info.name)) {
        let (input, fixed) = input(info)?;
        let wrong = |problem: &str| place("input", &input.name, problem);
        match (rows, fixed) {
            (Some(known), Some(fixed)) if known != fixed => {
                return Err(wrong("takes another number of flows than the inputs before it"));
            }
            _ => rows = rows.or(fixed),
        }
        if inputs.iter().any(|other| other.name == input.name) {
            return Err(wrong("exists twice"));
        }
        inputs.push(input);
    }
    if inputs.is_empty() {
        return Err(ModelError::Refused { message: "the model has no inputs".to_owned() });
    }
    Ok((inputs, rows.unwrap_or(ROWS)))
}

/// Returns an input, and the number of flows that it takes if that is fixed.
fn input(info: &ValueInfoProto) -> Result<(Input, Option<usize>), ModelError> {
    const MOST_VALUES: usize = 100_000;
    let wrong = |problem: String| place("input", &info.name, problem);
    let tensor = info.r#type.as_ref().and_then(|one| one.value.as_ref());
    let Some(type_proto::Value::TensorType(tensor)) = tensor else {
        return Err(wrong("is not a tensor".to_owned()));
    };
    use tensor_proto::DataType;
    let number = match DataType::try_from(tensor.elem_type) {
        Ok(DataType::Float) => Number::F32,
        Ok(DataType::Double) => Number::F64,
        Ok(DataType::Int32) => Number::I32,
        Ok(DataType::Int64) => Number::I64,
        Ok(other) => {
            let kind = format!("{other:?}").to_lowercase();
            return Err(wrong(format!(
                "takes values of type {kind}; flows supply float, double, int32 and int64"
            )));
        }
        Err(_) => return Err(wrong("takes values of an unknown type".to_owned())),
    };
    let dimensions = tensor.shape.as_ref().map_or(&[][..], |shape| &shape.dim);
    let size = |place: usize| match dimensions.get(place)?.value {
        Some(Dimension::DimValue(size)) => usize::try_from(size).ok().filter(|size| *size > 0),
        _ => None,
    };
    let (has_axis, width) = match (dimensions.len(), size(1)) {
        (1, _) => (false, 1),
        (2, Some(width @ ..=MOST_VALUES)) => (true, width),
        (2, _) => {
            return Err(wrong(
                "has no fixed number of values for each flow; convert the model with their \
                 number, such as FloatTensorType([None, 20])"
                    .to_owned(),
            ));
        }
        (axes, _) => {
            return Err(wrong(format!("has {axes} axes; it must have flows and their values")));
        }
    };
    let rows = size(0);
    if rows.is_some_and(|rows| rows > MOST_ROWS) {
        return Err(wrong(format!("takes more than {MOST_ROWS} flows at once")));
    }
    Ok((Input { name: info.name.clone(), number, width, has_axis }, rows))
}

/// Returns the outputs: at most one class, and at most one tensor of scores.
fn outputs(
    names: &[&str],
    results: &[Values],
    classes: Option<&[String]>,
    rows: usize,
) -> Result<Vec<Output>, ModelError> {
    let mut outputs: Vec<Output> = Vec::new();
    for (name, values) in names.iter().zip(results) {
        let wrong = |problem: &str| place("output", name, problem);
        let width = values.len() / rows.max(1);
        let is_score = matches!(values, Values::Floats(_));
        if outputs.iter().any(|other| matches!(other, Output::Scores(_)) == is_score) {
            return Err(wrong("is one too many; a model returns a class, scores, or both"));
        }
        if !is_score && width != 1 {
            return Err(wrong("has several classes for each flow"));
        }
        outputs.push(match (values, classes) {
            (Values::Wholes(_), _) => Output::Number,
            (Values::Texts(_), Some(classes)) => Output::Class(classes.to_vec()),
            (Values::Texts(_), None) => {
                return Err(wrong(
                    "is text, and nothing names the classes: add them to the file under the key \
                     'nfstream_classes'",
                ));
            }
            (Values::Floats(_), _) if width == 1 => Output::Scores(vec![String::new()]),
            (Values::Floats(_), _) if width == 0 || width > MOST_SCORES => {
                return Err(wrong("has no scores, or too many"));
            }
            (Values::Floats(_), Some(classes)) if classes.len() == width => {
                Output::Scores(classes.to_vec())
            }
            (Values::Floats(_), _) => {
                Output::Scores((0..width).map(|place| place.to_string()).collect())
            }
        });
    }
    Ok(outputs)
}

/// Returns the classes of a classifier, if all operators that name classes name the same ones.
fn classes_of_operators(proto: &ModelProto) -> Option<Vec<String>> {
    let nodes = proto.graph.iter().flat_map(|graph| &graph.node);
    let mut chosen = nodes.clone().filter(|node| node.op_type == "ArrayFeatureExtractor");
    if let Some(classes) = chosen.find_map(|node| constant(proto, node.input.first()?)) {
        return Some(classes);
    }
    let mut all =
        nodes.flat_map(|node| &node.attribute).filter_map(|one| match one.name.as_str() {
            "classlabels_int64s" | "classlabels_ints" if !one.ints.is_empty() => {
                Some(one.ints.iter().map(ToString::to_string).collect::<Vec<_>>())
            }
            "classlabels_strings" if !one.strings.is_empty() => {
                let text = |bytes: &Vec<u8>| String::from_utf8_lossy(bytes).into_owned();
                Some(one.strings.iter().map(text).collect())
            }
            _ => None,
        });
    let first = all.next()?;
    all.all(|other| other == first).then_some(first)
}

/// Returns the texts or whole numbers of a constant, by which an operator chooses the class.
fn constant(proto: &ModelProto, name: &str) -> Option<Vec<String>> {
    use tensor_proto::DataType;
    let graph = proto.graph.as_ref()?;
    let tensor = graph.initializer.iter().find(|one| one.name == name)?;
    let text = |bytes: &Vec<u8>| String::from_utf8_lossy(bytes).into_owned();
    let classes: Vec<String> = match DataType::try_from(tensor.data_type).ok()? {
        DataType::String => tensor.string_data.iter().map(text).collect(),
        DataType::Int32 if !tensor.int32_data.is_empty() => {
            tensor.int32_data.iter().map(ToString::to_string).collect()
        }
        DataType::Int32 => {
            let (numbers, _) = tensor.raw_data.as_chunks::<4>();
            numbers.iter().map(|bytes| i32::from_le_bytes(*bytes).to_string()).collect()
        }
        DataType::Int64 if !tensor.int64_data.is_empty() => {
            tensor.int64_data.iter().map(ToString::to_string).collect()
        }
        DataType::Int64 => {
            let (numbers, _) = tensor.raw_data.as_chunks::<8>();
            numbers.iter().map(|bytes| i64::from_le_bytes(*bytes).to_string()).collect()
        }
        _ => return None,
    };
    (!classes.is_empty()).then_some(classes)
}

fn place(kind: &'static str, name: &str, problem: impl Into<String>) -> ModelError {
    ModelError::Place { kind, name: name.to_owned(), problem: problem.into() }
}

impl Values {
    fn len(&self) -> usize {
        match self {
            Self::Floats(values) => values.len(),
            Self::Texts(values) => values.len(),
            Self::Wholes(values) => values.len(),
        }
    }
}
