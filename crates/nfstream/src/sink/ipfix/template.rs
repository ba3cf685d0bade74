//! Templates: information elements of IANA's registry and the values that they carry.

use arrow_schema::{DataType, Schema};

use super::Choices;
use super::columns::{has_element, number};

/// Length of elements whose values differ in length.
pub(super) const VARIABLE: u16 = 0xffff;

/// Enterprise number of the elements of the reverse direction (RFC 5103).
const REVERSE: u32 = 29_305;

/// An element of a template.
#[derive(Clone, Copy, Debug)]
pub(super) struct Element {
    pub(super) id: u16,
    /// Private enterprise number, 0 for IANA's elements.
    pub(super) enterprise: u32,
    /// Bytes of its values, or [`VARIABLE`].
    pub(super) len: u16,
    pub(super) value: Value,
}

/// Value of an element.
#[derive(Clone, Copy, Debug)]
pub(super) enum Value {
    Address(usize),
    ApplicationId,
    ApplicationName,
    Bytes(usize),
    /// A column of the table, by its place.
    Column(usize),
    Constant(u32),
    /// Packets of the list that a column holds.
    Directions(usize),
    EndMilliseconds(usize),
    EndNanoseconds(usize),
    EndReason,
    Flags(usize),
    FlowId,
    Packets(usize),
    Port(usize),
    Protocol,
    Sizes(usize),
    StartMilliseconds(usize),
    StartNanoseconds(usize),
    /// Times of the list of gaps that a column holds, and nanoseconds of a gap's unit.
    Times(usize, i64),
    Version,
    Vlan,
}

/// A further column under the user's enterprise number.
#[derive(Clone, Debug)]
pub(super) struct Described {
    pub(super) id: u16,
    /// Code of its type (RFC 5610).
    pub(super) data_type: u8,
    /// Code of its semantics (RFC 5610).
    pub(super) semantics: u8,
    pub(super) name: String,
}

/// Elements of the records of one IP version. Directions are relative: 0 is the sender of a record.
pub(super) fn elements(schema: &Schema, choices: &Choices, is_v6: bool) -> Vec<Element> {
    let mut elements = Vec::new();
    let mut add = |id, len, value| elements.push(Element { id, enterprise: 0, len, value });
    let ([src, dst], len) = if is_v6 { ([27, 28], 16) } else { ([8, 12], 4) };
    add(152, 8, Value::StartMilliseconds(0));
    add(153, 8, Value::EndMilliseconds(0));
    add(156, 8, Value::StartNanoseconds(0));
    add(157, 8, Value::EndNanoseconds(0));
    add(src, len, Value::Address(0));
    add(dst, len, Value::Address(1));
    add(7, 2, Value::Port(0));
    add(11, 2, Value::Port(1));
    add(4, 1, Value::Protocol);
    add(60, 1, Value::Version);
    add(2, 8, Value::Packets(0));
    add(1, 8, Value::Bytes(0));
    // The reduced length of RFC 7125: the upper byte would be 0.
    add(6, 1, Value::Flags(0));
    add(136, 1, Value::EndReason);
    add(10, 4, Value::Constant(choices.ingress));
    add(14, 4, Value::Constant(choices.egress));
    add(58, 2, Value::Vlan);
    add(148, 8, Value::FlowId);
    if schema.index_of("app_protocol").is_ok() {
        add(95, 4, Value::ApplicationId);
        add(96, VARIABLE, Value::ApplicationName);
    }
    if choices.is_biflow {
        // The source opened the flow.
        add(239, 1, Value::Constant(1));
        let mut reverse =
            |id, len, value| elements.push(Element { id, enterprise: REVERSE, len, value });
        reverse(152, 8, Value::StartMilliseconds(1));
        reverse(153, 8, Value::EndMilliseconds(1));
        reverse(156, 8, Value::StartNanoseconds(1));
        reverse(157, 8, Value::EndNanoseconds(1));
        reverse(2, 8, Value::Packets(1));
        reverse(1, 8, Value::Bytes(1));
        reverse(6, 1, Value::Flags(1));
    }
    elements.extend(lists(schema));
    elements.extend(further(schema, choices).map(|(place, described)| Element {
        id: described.id,
        enterprise: choices.enterprise.unwrap_or_default(),
        len: len_of(schema.field(place).data_type()),
        value: Value::Column(place),
    }));
    elements
}

/// Returns the lists of the first packets, as basic lists (RFC 6313).
fn lists(schema: &Schema) -> impl Iterator<Item = Element> {
    let fields = schema.fields().iter().enumerate();
    fields.filter_map(|(place, field)| {
        let value = match field.name().as_str() {
            "splt_direction" => Value::Directions(place),
            "splt_ps" => Value::Sizes(place),
            "splt_piat_ns" => Value::Times(place, 1),
            "splt_piat_us" => Value::Times(place, 1_000),
            "splt_piat_ms" => Value::Times(place, 1_000_000),
            _ => return None,
        };
        Some(Element { id: 291, enterprise: 0, len: VARIABLE, value })
    })
}

/// Returns the columns without an element of their own, if the user gave an enterprise number.
pub(super) fn further(
    schema: &Schema,
    choices: &Choices,
) -> impl Iterator<Item = (usize, Described)> {
    let has_number = choices.enterprise.is_some();
    let fields = schema.fields().iter().enumerate().filter(move |_| has_number);
    fields.filter(|(_, field)| !has_element(field.name())).filter_map(|(place, field)| {
        let id = number(field.name())?;
        let data_type = match field.data_type() {
            DataType::Boolean => 11,
            DataType::Int32 => 7,
            DataType::Int64 | DataType::Timestamp(..) => 8,
            DataType::Float64 => 10,
            _ => 13,
        };
        let semantics = u8::from(field.metadata().contains_key("unit"));
        Some((place, Described { id, data_type, semantics, name: field.name().clone() }))
    })
}

fn len_of(data_type: &DataType) -> u16 {
    match data_type {
        DataType::Boolean => 1,
        DataType::Int32 => 4,
        DataType::Int64 | DataType::Timestamp(..) | DataType::Float64 => 8,
        _ => VARIABLE,
    }
}
