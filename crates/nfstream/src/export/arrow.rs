//! Records as Arrow record batches, column by column.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::builder::{
    GenericStringBuilder, Int32Builder, Int64Builder, ListBuilder, StringBuilder,
};
use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowTimestampType, Int32Type, Int64Type, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, TimestampSecondType,
};
use arrow_array::{
    ArrayRef, BooleanArray, DictionaryArray, Float64Array, Int32Array, Int64Array, OffsetSizeTrait,
    PrimitiveArray, RecordBatch, UInt8Array, UInt16Array, UInt32Array, UInt64Array,
};
use arrow_schema::{DataType, Field, Schema as ArrowSchema, TimeUnit};

use crate::features::{Column, Names, Read, Record, Schema};

/// Returns the Arrow schema of `schema`: no column holds nulls.
pub fn arrow_schema(schema: &Schema) -> ArrowSchema {
    let fields = schema.columns().iter().map(|column| {
        let field = Field::new(column.name, data_type(column), false);
        field.with_metadata(metadata(column))
    });
    ArrowSchema::new(fields.collect::<Vec<_>>())
}

/// Returns `arrow_schema`, a form of `schema`, with `first_seen` and `last_seen` as points in time
/// (UTC) instead of integers.
pub fn with_timestamps(schema: &Schema, arrow_schema: &ArrowSchema) -> ArrowSchema {
    let fields = schema.columns().iter().zip(arrow_schema.fields()).map(|(column, field)| {
        let Some(unit) = time_unit(column) else { return Arc::clone(field) };
        let time = DataType::Timestamp(unit, Some("UTC".into()));
        // The type says which unit it is.
        Arc::new(Field::new(field.name(), time, field.is_nullable()))
    });
    ArrowSchema::new(fields.collect::<Vec<_>>())
}

/// Returns `arrow_schema` with all text, names included, as frames of pandas hold it: values of
/// their own in arrays with 64-bit offsets, so that a frame takes them as they are.
pub fn with_frame_text(arrow_schema: &ArrowSchema) -> ArrowSchema {
    let fields = arrow_schema.fields().iter().map(|field| match field.data_type() {
        DataType::Utf8 | DataType::Dictionary(..) => {
            Arc::new(field.as_ref().clone().with_data_type(DataType::LargeUtf8))
        }
        _ => Arc::clone(field),
    });
    ArrowSchema::new(fields.collect::<Vec<_>>())
}

/// Returns `records` as a batch of `arrow_schema`, one of the Arrow forms of `schema`.
///
/// # Panics
///
/// Panics if `arrow_schema` was made from another schema.
pub fn record_batch(
    schema: &Schema,
    arrow_schema: &Arc<ArrowSchema>,
    records: &[Record],
) -> RecordBatch {
    let columns = schema.columns().iter().zip(arrow_schema.fields());
    let arrays = columns.map(|(column, field)| {
        let data_type = field.data_type();
        let array = array(column, data_type, schema.names(), records);
        match data_type {
            DataType::Timestamp(unit, _) => as_times(&array, *unit),
            _ => array,
        }
    });
    RecordBatch::try_new(Arc::clone(arrow_schema), arrays.collect())
        .expect("arrays and fields are made from the same columns")
}

/// Returns the unit of a column that is a point in time.
fn time_unit(column: &Column) -> Option<TimeUnit> {
    let unit = match column.unit {
        "ms" => TimeUnit::Millisecond,
        "us" => TimeUnit::Microsecond,
        "ns" => TimeUnit::Nanosecond,
        _ => return None,
    };
    ["first_seen", "last_seen"].contains(&column.name).then_some(unit)
}

fn as_times(array: &ArrayRef, unit: TimeUnit) -> ArrayRef {
    let ticks = array.as_primitive::<Int64Type>();
    match unit {
        TimeUnit::Second => Arc::new(times::<TimestampSecondType>(ticks)),
        TimeUnit::Millisecond => Arc::new(times::<TimestampMillisecondType>(ticks)),
        TimeUnit::Microsecond => Arc::new(times::<TimestampMicrosecondType>(ticks)),
        TimeUnit::Nanosecond => Arc::new(times::<TimestampNanosecondType>(ticks)),
    }
}

fn times<T: ArrowTimestampType>(ticks: &Int64Array) -> PrimitiveArray<T> {
    ticks.reinterpret_cast::<T>().with_timezone("UTC")
}

fn data_type(column: &Column) -> DataType {
    match column.read {
        Read::U8(_) => DataType::UInt8,
        Read::U16(_) => DataType::UInt16,
        Read::I32(_) => DataType::Int32,
        Read::I64(_) => DataType::Int64,
        Read::U32(_) => DataType::UInt32,
        Read::U64(_) => DataType::UInt64,
        Read::F64(_) => DataType::Float64,
        Read::Bool(_) => DataType::Boolean,
        Read::List(_) => DataType::new_list(DataType::Int64, true),
        Read::Text(_) => DataType::Utf8,
        Read::Name { .. } => {
            DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))
        }
    }
}

fn metadata(column: &Column) -> HashMap<String, String> {
    let unit = (!column.unit.is_empty()).then(|| ("unit".to_owned(), column.unit.to_owned()));
    unit.into_iter().collect()
}

fn array(column: &Column, data_type: &DataType, names: &dyn Names, records: &[Record]) -> ArrayRef {
    match column.read {
        Read::U8(read) => Arc::new(UInt8Array::from_iter_values(records.iter().map(read))),
        Read::U16(read) => Arc::new(UInt16Array::from_iter_values(records.iter().map(read))),
        Read::I32(read) => Arc::new(Int32Array::from_iter_values(records.iter().map(read))),
        Read::I64(read) => Arc::new(Int64Array::from_iter_values(records.iter().map(read))),
        Read::U32(read) => Arc::new(UInt32Array::from_iter_values(records.iter().map(read))),
        Read::U64(read) => Arc::new(UInt64Array::from_iter_values(records.iter().map(read))),
        Read::F64(read) => Arc::new(Float64Array::from_iter_values(records.iter().map(read))),
        Read::Bool(read) => {
            Arc::new(BooleanArray::from(records.iter().map(read).collect::<Vec<_>>()))
        }
        Read::List(read) => {
            let mut builder = ListBuilder::new(Int64Builder::new());
            let mut list = Vec::new();
            for record in records {
                list.clear();
                read(record, &mut list);
                builder.values().append_slice(&list);
                builder.append(true);
            }
            Arc::new(builder.finish())
        }
        Read::Text(read) => match data_type {
            DataType::LargeUtf8 => text::<i64>(records, read),
            _ => text::<i32>(records, read),
        },
        Read::Name { code, name } => match data_type {
            DataType::LargeUtf8 => {
                text::<i64>(records, |record, text| name(names, code(record), text))
            }
            _ => dictionary(records, code, |code, text| name(names, code, text)),
        },
    }
}

fn text<Offset: OffsetSizeTrait>(
    records: &[Record],
    read: impl Fn(&Record, &mut String),
) -> ArrayRef {
    let mut builder =
        GenericStringBuilder::<Offset>::with_capacity(records.len(), records.len() * 8);
    let mut text = String::new();
    for record in records {
        text.clear();
        read(record, &mut text);
        builder.append_value(&text);
    }
    Arc::new(builder.finish())
}

/// Numbers a batch's names in the order in which they come.
fn dictionary(
    records: &[Record],
    code: fn(&Record) -> u32,
    name: impl Fn(u32, &mut String),
) -> ArrayRef {
    let mut places = HashMap::<u32, i32, foldhash::fast::FixedState>::default();
    let mut keys = Int32Builder::with_capacity(records.len());
    let mut values = StringBuilder::new();
    let mut text = String::new();
    for record in records {
        let code = code(record);
        let next = i32::try_from(places.len()).unwrap_or(i32::MAX);
        let place = *places.entry(code).or_insert_with(|| {
            text.clear();
            name(code, &mut text);
            values.append_value(&text);
            next
        });
        keys.append_value(place);
    }
    let array = DictionaryArray::<Int32Type>::try_new(keys.finish(), Arc::new(values.finish()));
    Arc::new(array.expect("every key was given to a value"))
}
