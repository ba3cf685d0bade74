//! Column values as Arrow arrays, and their fields.

use std::collections::HashMap;
use std::iter::once;
use std::sync::Arc;

use arrow_array::builder::{BooleanBuilder, StringBuilder};
use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowTimestampType, Int32Type, Int64Type, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, TimestampSecondType,
};
use arrow_array::{
    ArrayRef, BooleanArray, DictionaryArray, FixedSizeBinaryArray, FixedSizeListArray,
    Float64Array, GenericStringArray, Int32Array, Int64Array, ListArray, OffsetSizeTrait,
    PrimitiveArray,
};
use arrow_buffer::{Buffer, OffsetBuffer};
use arrow_schema::{DataType, Field, TimeUnit};

use super::{TextForm, TimeForm};
use crate::features::cell::{MISSING, float};
use crate::features::{
    self, Column, Lengths, Names, Output, Read, ReadAll, Record, Scalar, Score, Scored,
    instant_ticks, span_ticks,
};
use crate::time::{self, Timestamp};

/// Returns the field of `column` in these forms.
pub(super) fn field(column: &Column, times: TimeForm, text: TextForm, lengths: Lengths) -> Field {
    if times == TimeForm::Timestamps
        && let Some(unit) = time_unit(column)
    {
        // The type carries the unit.
        return Field::new(column.name, DataType::Timestamp(unit, Some("UTC".into())), false)
            .with_metadata([role(column)].into());
    }
    let unit = (!column.unit.is_empty()).then(|| ("unit".to_owned(), column.unit.to_owned()));
    let shape = matches!(column.read, Read::Bytes(_)).then(|| {
        ("shape".to_owned(), format!("[{}, {}]", lengths.bytes.packets(), lengths.bytes.bytes()))
    });
    Field::new(column.name, data_type(column, text, lengths), column.is_nullable())
        .with_metadata(unit.into_iter().chain(shape).chain([role(column)]).collect())
}

/// Returns the metadata of a field with the role of its column.
fn role(column: &Column) -> (String, String) {
    ("role".to_owned(), column.role.name().to_owned())
}

/// Returns the unit of a column that can be shown as timestamps.
fn time_unit(column: &Column) -> Option<TimeUnit> {
    column.is_timestamp().then_some(match column.times() {
        time::TimeUnit::Milliseconds => TimeUnit::Millisecond,
        time::TimeUnit::Microseconds => TimeUnit::Microsecond,
        time::TimeUnit::Nanoseconds => TimeUnit::Nanosecond,
    })
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

fn data_type(column: &Column, text: TextForm, lengths: Lengths) -> DataType {
    let length = |length: usize| i32::try_from(length).unwrap_or(i32::MAX);
    match column.read {
        Read::Packets(_) => {
            let items = Field::new_list_field(integer_type(column), true);
            DataType::FixedSizeList(Arc::new(items), length(lengths.packets.max(1)))
        }
        Read::Bytes(_) => DataType::FixedSizeBinary(length(lengths.bytes.all())),
        Read::F64(_) | Read::OptionF64(_) => DataType::Float64,
        Read::Bool(_) => DataType::Boolean,
        Read::Measured(output) => {
            let scalar = match output.scalar() {
                Scalar::Bool if !output.is_list() => DataType::Boolean,
                Scalar::Float => DataType::Float64,
                _ => DataType::Int64,
            };
            if output.is_list() { DataType::new_list(scalar, true) } else { scalar }
        }
        Read::Scored(score) => match score.scored {
            Scored::Class(_) if text == TextForm::Frame => DataType::LargeUtf8,
            Scored::Class(_) => {
                DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))
            }
            Scored::Float => DataType::Float64,
            Scored::Whole => DataType::Int64,
        },
        Read::List(_) => DataType::new_list(integer_type(column), true),
        Read::Text(_) | Read::Name { .. } if text == TextForm::Frame => DataType::LargeUtf8,
        Read::Text(_) => DataType::Utf8,
        Read::Name { .. } => {
            DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))
        }
        _ => integer_type(column),
    }
}

fn integer_type(column: &Column) -> DataType {
    match column.integers() {
        Some(features::Integers::I32) => DataType::Int32,
        Some(features::Integers::I64) | None => DataType::Int64,
    }
}

/// Values of a column while they are collected.
#[derive(Debug)]
pub(super) struct Values {
    data_type: DataType,
    kind: Kind,
}

/// Reader of a column, and the values read so far.
#[derive(Debug)]
enum Kind {
    U8(fn(&Record) -> u8, Integers),
    U16(fn(&Record) -> u16, Integers),
    I32(fn(&Record) -> i32, Integers),
    I64(fn(&Record) -> i64, Integers),
    Instant(fn(&Record) -> Option<Timestamp>, time::TimeUnit, Vec<i64>),
    Span(fn(&Record) -> Option<(Timestamp, Timestamp)>, time::TimeUnit, Vec<i64>),
    U32(fn(&Record) -> u32, Integers),
    U64(fn(&Record) -> u64, Integers),
    F64(fn(&Record) -> f64, Vec<f64>),
    AllIntegers(fn(&[Record], &mut Vec<i64>), Vec<i64>),
    AllFloats(fn(&[Record], &mut Vec<f64>), Vec<f64>),
    AllLists(fn(&[Record], usize, &mut Vec<i64>), Vec<i64>, usize),
    AllShortLists(fn(&[Record], usize, &mut Vec<i32>), Vec<i32>, usize),
    OptionF64(fn(&Record) -> Option<f64>, Vec<Option<f64>>),
    OptionI64(fn(&Record) -> Option<i64>, Vec<Option<i64>>),
    Measured(&'static Output, Measured),
    Class(&'static Score, Dictionary),
    ClassAsText(&'static Score, Texts),
    Score(&'static Score, Vec<Option<f64>>),
    WholeScore(&'static Score, Vec<Option<i64>>),
    Bool(fn(&Record) -> bool, BooleanBuilder),
    List(fn(&Record, &mut Vec<i64>), Lists),
    Packets(fn(&Record, &mut Vec<i64>), OfPackets),
    Bytes(fn(&Record, &mut Vec<u8>), Bytes),
    Text(fn(&Record, &mut String), Texts),
    Names(fn(&Record) -> u32, Name, Dictionary),
    NamesAsText(fn(&Record) -> u32, Name, Texts),
}

/// Appends the name for a number.
type Name = fn(&dyn Names, u32, &mut String);

impl Values {
    /// Returns an empty column that becomes an array of the type of `field`.
    pub(super) fn new(column: &Column, field: &Field) -> Self {
        let data_type = field.data_type().clone();
        let kind = Kind::new(column, &data_type);
        Self { data_type, kind }
    }

    /// Reserves room for the numbers of `rows` records.
    pub(super) fn reserve(&mut self, rows: usize) {
        self.kind.reserve(rows);
    }

    /// Appends the values of `records`.
    pub(super) fn append(&mut self, records: &[Record], names: &dyn Names) {
        self.kind.append(records, names);
    }

    /// Returns the bytes of text and lists.
    pub(super) fn bytes(&self) -> usize {
        match &self.kind {
            Kind::List(_, lists) => lists.bytes(),
            Kind::AllLists(_, values, _) => size_of_val(values.as_slice()),
            Kind::AllShortLists(_, values, _) => size_of_val(values.as_slice()),
            Kind::Packets(_, lists) => lists.values.bytes(),
            Kind::Bytes(_, bytes) => bytes.values.len(),
            Kind::Measured(_, values) => values.bytes(),
            Kind::Text(_, texts) | Kind::NamesAsText(_, _, texts) | Kind::ClassAsText(_, texts) => {
                texts.text.len()
            }
            _ => 0,
        }
    }

    /// Returns the values as an array, and starts a new one.
    ///
    /// # Panics
    ///
    /// Panics if a column without 64-bit offsets has more than 2 GiB of text; a builder ends
    /// batches long before that.
    pub(super) fn finish(&mut self) -> ArrayRef {
        let array = self.kind.finish(&self.data_type);
        match &self.data_type {
            DataType::Timestamp(unit, _) => as_times(&array, *unit),
            _ => array,
        }
    }
}

impl Kind {
    fn new(column: &Column, data_type: &DataType) -> Self {
        let integers = || Integers::new(column);
        match column.read_all {
            Some(ReadAll::Integers(read)) => return Self::AllIntegers(read, Vec::new()),
            Some(ReadAll::Floats(read)) => return Self::AllFloats(read, Vec::new()),
            Some(ReadAll::Lists(read)) => {
                return Self::AllLists(read, Vec::new(), list_length(data_type));
            }
            Some(ReadAll::ShortLists(read)) => {
                return Self::AllShortLists(read, Vec::new(), list_length(data_type));
            }
            None => {}
        }
        match column.read {
            Read::U8(read) => Self::U8(read, integers()),
            Read::U16(read) => Self::U16(read, integers()),
            Read::I32(read) => Self::I32(read, integers()),
            Read::I64(read) => Self::I64(read, integers()),
            Read::Instant(read) => Self::Instant(read, column.times(), Vec::new()),
            Read::Span(read) => Self::Span(read, column.times(), Vec::new()),
            Read::U32(read) => Self::U32(read, integers()),
            Read::U64(read) => Self::U64(read, integers()),
            Read::F64(read) => Self::F64(read, Vec::new()),
            Read::OptionF64(read) => Self::OptionF64(read, Vec::new()),
            Read::OptionI64(read) => Self::OptionI64(read, Vec::new()),
            Read::Measured(output) => Self::Measured(output, Measured::new(output)),
            Read::Scored(score) => match score.scored {
                Scored::Class(_) if *data_type == DataType::LargeUtf8 => {
                    Self::ClassAsText(score, Texts::default())
                }
                Scored::Class(_) => Self::Class(score, Dictionary::default()),
                Scored::Float => Self::Score(score, Vec::new()),
                Scored::Whole => Self::WholeScore(score, Vec::new()),
            },
            Read::Bool(read) => Self::Bool(read, BooleanBuilder::new()),
            Read::List(read) => Self::List(read, Lists::new(integers())),
            Read::Packets(read) => Self::Packets(read, OfPackets::new(integers(), data_type)),
            Read::Bytes(read) => Self::Bytes(read, Bytes::new(data_type)),
            Read::Text(read) => Self::Text(read, Texts::default()),
            Read::Name { code, name } if *data_type == DataType::LargeUtf8 => {
                Self::NamesAsText(code, name, Texts::default())
            }
            Read::Name { code, name } => Self::Names(code, name, Dictionary::default()),
        }
    }

    fn reserve(&mut self, rows: usize) {
        match self {
            Self::U8(_, values)
            | Self::U16(_, values)
            | Self::I32(_, values)
            | Self::I64(_, values)
            | Self::U32(_, values)
            | Self::U64(_, values) => values.reserve(rows),
            Self::Instant(_, _, values)
            | Self::Span(_, _, values)
            | Self::AllIntegers(_, values) => values.reserve(rows),
            Self::F64(_, values) | Self::AllFloats(_, values) => values.reserve(rows),
            Self::AllLists(_, values, length) => values.reserve(items(rows, *length)),
            Self::AllShortLists(_, values, length) => values.reserve(items(rows, *length)),
            // The others are few, or of unknown lengths.
            _ => {}
        }
    }

    fn append(&mut self, records: &[Record], names: &dyn Names) {
        match self {
            Self::U8(read, values) => values.extend(records.iter().map(*read)),
            Self::U16(read, values) => values.extend(records.iter().map(*read)),
            Self::I32(read, values) => values.extend(records.iter().map(*read)),
            Self::I64(read, values) => values.extend(records.iter().map(*read)),
            Self::Instant(read, unit, values) => {
                values.extend(records.iter().map(|record| instant_ticks(read(record), *unit)));
            }
            Self::Span(read, unit, values) => {
                values.extend(records.iter().map(|record| span_ticks(read(record), *unit)));
            }
            Self::U32(read, values) => values.extend(records.iter().map(*read)),
            Self::U64(read, values) => values.extend(records.iter().map(*read)),
            Self::F64(read, values) => values.extend(records.iter().map(*read)),
            Self::AllIntegers(read, values) => read(records, values),
            Self::AllFloats(read, values) => read(records, values),
            Self::AllLists(read, values, length) => read(records, *length, values),
            Self::AllShortLists(read, values, length) => read(records, *length, values),
            Self::OptionF64(read, values) => values.extend(records.iter().map(*read)),
            Self::OptionI64(read, values) => values.extend(records.iter().map(*read)),
            Self::Measured(output, values) => {
                records.iter().for_each(|record| values.append(output, record));
            }
            Self::Class(score, dictionary) => {
                for record in records {
                    dictionary.append(score.code(record), |code, text| {
                        score.write_class(code, text);
                    });
                }
            }
            Self::ClassAsText(score, texts) => {
                for record in records {
                    texts.append(|text| score.write_class(score.code(record), text));
                }
            }
            Self::Score(score, values) => {
                values.extend(records.iter().map(|record| score.cell(record).map(float)));
            }
            Self::WholeScore(score, values) => {
                values.extend(records.iter().map(|record| score.cell(record)));
            }
            Self::Bool(read, values) => {
                records.iter().for_each(|record| values.append_value(read(record)));
            }
            Self::List(read, lists) => {
                records.iter().for_each(|record| lists.append(|list| read(record, list)));
            }
            Self::Packets(read, lists) => {
                records.iter().for_each(|record| lists.append(|list| read(record, list)));
            }
            Self::Bytes(read, bytes) => {
                records.iter().for_each(|record| bytes.append(|list| read(record, list)));
            }
            Self::Text(read, texts) => {
                records.iter().for_each(|record| texts.append(|text| read(record, text)));
            }
            Self::Names(code, name, dictionary) => {
                for record in records {
                    dictionary.append(code(record), |code, text| name(names, code, text));
                }
            }
            Self::NamesAsText(code, name, texts) => {
                for record in records {
                    texts.append(|text| name(names, code(record), text));
                }
            }
        }
    }

    fn finish(&mut self, data_type: &DataType) -> ArrayRef {
        match self {
            Self::U8(_, values)
            | Self::U16(_, values)
            | Self::I32(_, values)
            | Self::I64(_, values)
            | Self::U32(_, values)
            | Self::U64(_, values) => values.finish(),
            Self::Instant(_, _, values)
            | Self::Span(_, _, values)
            | Self::AllIntegers(_, values) => Arc::new(Int64Array::from(take(values))),
            Self::F64(_, values) | Self::AllFloats(_, values) => {
                Arc::new(Float64Array::from(take(values)))
            }
            Self::OptionF64(_, values) => Arc::new(Float64Array::from(take(values))),
            Self::OptionI64(_, values) if *data_type == DataType::Int32 => {
                let narrow = |value: i64| value.try_into().unwrap_or(i32::MAX);
                Arc::new(
                    take(values).into_iter().map(|value| value.map(narrow)).collect::<Int32Array>(),
                )
            }
            Self::OptionI64(_, values) => Arc::new(Int64Array::from(take(values))),
            Self::Measured(_, values) => values.finish(),
            Self::Score(_, values) => Arc::new(Float64Array::from(take(values))),
            Self::WholeScore(_, values) => Arc::new(Int64Array::from(take(values))),
            Self::ClassAsText(_, texts) => texts.finish(data_type),
            Self::Class(_, dictionary) => Arc::new(dictionary.finish()),
            Self::Bool(_, values) => Arc::new(values.finish()),
            Self::List(_, lists) => Arc::new(lists.finish()),
            Self::AllLists(_, values, length) => {
                Arc::new(lists_of(Arc::new(Int64Array::from(take(values))), *length))
            }
            Self::AllShortLists(_, values, length) => {
                Arc::new(lists_of(Arc::new(Int32Array::from(take(values))), *length))
            }
            Self::Packets(_, lists) => Arc::new(lists.finish()),
            Self::Bytes(_, bytes) => Arc::new(bytes.finish()),
            Self::Text(_, texts) | Self::NamesAsText(_, _, texts) => texts.finish(data_type),
            Self::Names(_, _, dictionary) => Arc::new(dictionary.finish()),
        }
    }
}

/// Takes the collected values, and reserves room for slightly more: consecutive batches have
/// similar lengths.
fn take<T>(values: &mut Vec<T>) -> Vec<T> {
    let next = Vec::with_capacity(values.len() + values.len() / 8);
    std::mem::replace(values, next)
}

/// Integers of a column, converted to their type outside the engine.
#[derive(Debug)]
enum Integers {
    I32(Vec<i32>),
    I64(Vec<i64>),
}

impl Integers {
    fn new(column: &Column) -> Self {
        match column.integers() {
            Some(features::Integers::I32) => Self::I32(Vec::new()),
            Some(features::Integers::I64) | None => Self::I64(Vec::new()),
        }
    }

    /// Appends `values`; those above the range become its maximum.
    fn extend<T>(&mut self, values: impl Iterator<Item = T>)
    where
        T: TryInto<i32> + TryInto<i64>,
    {
        match self {
            Self::I32(all) => all.extend(values.map(|value| value.try_into().unwrap_or(i32::MAX))),
            Self::I64(all) => all.extend(values.map(|value| value.try_into().unwrap_or(i64::MAX))),
        }
    }

    fn reserve(&mut self, more: usize) {
        match self {
            Self::I32(values) => values.reserve(more),
            Self::I64(values) => values.reserve(more),
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Self::I32(values) => size_of_val(values.as_slice()),
            Self::I64(values) => size_of_val(values.as_slice()),
        }
    }

    fn finish(&mut self) -> ArrayRef {
        match self {
            Self::I32(values) => Arc::new(Int32Array::from(take(values))),
            Self::I64(values) => Arc::new(Int64Array::from(take(values))),
        }
    }
}

/// Values of a measure.
#[derive(Debug)]
enum Measured {
    Bool(Vec<Option<bool>>),
    Float(Vec<Option<f64>>),
    Floats(Vec<f64>, Vec<usize>),
    Whole(Vec<Option<i64>>),
    Wholes(Vec<i64>, Vec<usize>),
}

impl Measured {
    fn new(output: &Output) -> Self {
        match (output.is_list(), output.scalar()) {
            (true, Scalar::Float) => Self::Floats(Vec::new(), Vec::new()),
            (true, _) => Self::Wholes(Vec::new(), Vec::new()),
            (false, Scalar::Bool) => Self::Bool(Vec::new()),
            (false, Scalar::Float) => Self::Float(Vec::new()),
            (false, Scalar::Whole) => Self::Whole(Vec::new()),
        }
    }

    fn append(&mut self, output: &Output, record: &Record) {
        let one = || Some(output.cell(record)).filter(|cell| *cell != MISSING);
        match self {
            Self::Bool(values) => values.push(one().map(|cell| cell == 1)),
            Self::Float(values) => values.push(one().map(float)),
            Self::Whole(values) => values.push(one()),
            Self::Floats(values, lengths) => {
                let items = output.items(record);
                values.extend(items.iter().map(|cell| float(*cell)));
                lengths.push(items.len());
            }
            Self::Wholes(values, lengths) => {
                let items = output.items(record);
                values.extend_from_slice(items);
                lengths.push(items.len());
            }
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Self::Floats(values, _) => size_of_val(values.as_slice()),
            Self::Wholes(values, _) => size_of_val(values.as_slice()),
            _ => 0,
        }
    }

    fn finish(&mut self) -> ArrayRef {
        let (values, lengths): (ArrayRef, _) = match self {
            Self::Bool(values) => return Arc::new(BooleanArray::from(take(values))),
            Self::Float(values) => return Arc::new(Float64Array::from(take(values))),
            Self::Whole(values) => return Arc::new(Int64Array::from(take(values))),
            Self::Floats(values, lengths) => (Arc::new(Float64Array::from(take(values))), lengths),
            Self::Wholes(values, lengths) => (Arc::new(Int64Array::from(take(values))), lengths),
        };
        Arc::new(list_of(values, lengths))
    }
}

/// Returns the lists of these lengths in `values`.
fn list_of(values: ArrayRef, lengths: &mut Vec<usize>) -> ListArray {
    let offsets = OffsetBuffer::from_lengths(lengths.drain(..));
    let field = Field::new_list_field(values.data_type().clone(), true);
    ListArray::new(Arc::new(field), offsets, values, None)
}

/// Concatenated values of a column of lists.
#[derive(Debug)]
struct Lists {
    list: Vec<i64>,
    lengths: Vec<usize>,
    values: Integers,
}

impl Lists {
    fn new(values: Integers) -> Self {
        Self { list: Vec::new(), lengths: Vec::new(), values }
    }

    fn append(&mut self, write: impl FnOnce(&mut Vec<i64>)) {
        self.list.clear();
        write(&mut self.list);
        self.lengths.push(self.list.len());
        self.values.extend(self.list.iter().copied());
    }

    fn bytes(&self) -> usize {
        self.values.bytes()
    }

    fn finish(&mut self) -> ListArray {
        list_of(self.values.finish(), &mut self.lengths)
    }
}

/// Concatenated values of a column of lists of one length.
#[derive(Debug)]
struct OfPackets {
    /// Values of one list before they are converted.
    list: Vec<i64>,
    values: Integers,
    /// Items of each list.
    length: usize,
}

impl OfPackets {
    fn new(values: Integers, data_type: &DataType) -> Self {
        Self { list: Vec::new(), values, length: list_length(data_type) }
    }

    fn append(&mut self, write: impl FnOnce(&mut Vec<i64>)) {
        match &mut self.values {
            Integers::I64(values) => {
                let end = values.len() + self.length;
                write(values);
                values.resize(end, NO_PACKET);
            }
            values @ Integers::I32(_) => {
                self.list.clear();
                write(&mut self.list);
                self.list.resize(self.length, NO_PACKET);
                values.extend(self.list.iter().copied());
            }
        }
    }

    fn finish(&mut self) -> FixedSizeListArray {
        lists_of(self.values.finish(), self.length)
    }
}

/// Returns the items of each list of a type with lists of one length.
fn list_length(data_type: &DataType) -> usize {
    match data_type {
        DataType::FixedSizeList(_, length) => usize::try_from(*length).unwrap_or(1),
        _ => 1,
    }
}

/// Returns the items of `rows` lists for which room is reserved.
fn items(rows: usize, length: usize) -> usize {
    rows.saturating_mul(length).min(MOST_RESERVED)
}

/// Returns the lists of `length` items each in `values`.
fn lists_of(values: ArrayRef, length: usize) -> FixedSizeListArray {
    let field = Field::new_list_field(values.data_type().clone(), true);
    let length = i32::try_from(length).unwrap_or(i32::MAX);
    FixedSizeListArray::new(Arc::new(field), length, values, None)
}

/// Concatenated values of a column of bytes of one length.
#[derive(Debug)]
struct Bytes {
    values: Vec<u8>,
    /// Bytes of each value.
    length: usize,
}

impl Bytes {
    fn new(data_type: &DataType) -> Self {
        let length = match data_type {
            DataType::FixedSizeBinary(length) => usize::try_from(*length).unwrap_or_default(),
            _ => 0,
        };
        Self { values: Vec::new(), length }
    }

    fn append(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        let end = self.values.len() + self.length;
        write(&mut self.values);
        self.values.resize(end, 0);
    }

    fn finish(&mut self) -> FixedSizeBinaryArray {
        let length = i32::try_from(self.length).unwrap_or(i32::MAX);
        FixedSizeBinaryArray::new(length, Buffer::from_vec(take(&mut self.values)), None)
    }
}

/// Most items of lists for which room is reserved before they are read.
const MOST_RESERVED: usize = 1 << 20;

/// Item of a list at a place without a packet.
const NO_PACKET: i64 = -1;

/// Concatenated values of a column of text.
#[derive(Debug, Default)]
struct Texts {
    text: String,
    ends: Vec<usize>,
}

impl Texts {
    fn append(&mut self, write: impl FnOnce(&mut String)) {
        write(&mut self.text);
        self.ends.push(self.text.len());
    }

    fn finish(&mut self, data_type: &DataType) -> ArrayRef {
        match data_type {
            DataType::LargeUtf8 => Arc::new(self.array::<i64>()),
            _ => Arc::new(self.array::<i32>()),
        }
    }

    fn array<Offset: OffsetSizeTrait>(&mut self) -> GenericStringArray<Offset> {
        let offset =
            |end: &usize| Offset::from_usize(*end).expect("a batch has less text than 2 GiB");
        let offsets: Vec<_> = once(&0).chain(&self.ends).map(offset).collect();
        let text = Buffer::from_vec(self.text.as_bytes().to_vec());
        self.text.clear();
        self.ends.clear();
        GenericStringArray::new(OffsetBuffer::new(offsets.into()), text, None)
    }
}

/// Names for numbers, numbered in the order in which they appear.
#[derive(Debug, Default)]
struct Dictionary {
    places: HashMap<u32, i32, foldhash::fast::FixedState>,
    keys: Vec<i32>,
    values: StringBuilder,
}

impl Dictionary {
    fn append(&mut self, code: u32, name: impl Fn(u32, &mut String)) {
        let next = i32::try_from(self.places.len()).unwrap_or(i32::MAX);
        let place = *self.places.entry(code).or_insert_with(|| {
            let mut text = String::new();
            name(code, &mut text);
            self.values.append_value(&text);
            next
        });
        self.keys.push(place);
    }

    fn finish(&mut self) -> DictionaryArray<Int32Type> {
        self.places.clear();
        let keys = Int32Array::from(take(&mut self.keys));
        DictionaryArray::try_new(keys, Arc::new(self.values.finish()))
            .expect("every key was given to a value")
    }
}
