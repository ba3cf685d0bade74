//! The values of a batch as text, one at a time.

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Float64Type, Int32Type, Int64Type, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, TimestampSecondType,
};
use arrow_array::{
    Array, BooleanArray, DictionaryArray, FixedSizeBinaryArray, FixedSizeListArray, Float64Array,
    Int32Array, Int64Array, LargeStringArray, ListArray, RecordBatch, StringArray,
};
use arrow_buffer::NullBuffer;
use arrow_schema::{ArrowError, DataType, TimeUnit};

use crate::host::is_control;
use crate::time::date;

/// A column of a batch, cast to its type once for all values.
pub(crate) enum Cells<'a> {
    Null,
    Bool(&'a BooleanArray),
    I32(&'a Int32Array),
    I64(&'a Int64Array),
    F64(&'a Float64Array),
    Time(&'a [i64], Option<&'a NullBuffer>, TimeUnit),
    Text(&'a StringArray),
    LargeText(&'a LargeStringArray),
    Name(&'a DictionaryArray<Int32Type>, &'a StringArray),
    List(&'a ListArray, Box<Self>),
    FixedList(&'a FixedSizeListArray, Box<Self>),
    Bytes(&'a FixedSizeBinaryArray),
}

/// One value.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Cell<'a, 'b> {
    Null,
    Bool(bool),
    Integer(i64),
    Float(f64),
    /// Units since the epoch.
    Time(i64, TimeUnit),
    Text(&'a str),
    Bytes(&'a [u8]),
    List(List<'a, 'b>),
}

/// The values of a list.
#[derive(Clone, Copy)]
pub(crate) struct List<'a, 'b> {
    cells: &'b Cells<'a>,
    start: usize,
    end: usize,
}

impl<'a> Cells<'a> {
    /// Returns the columns of `batch`.
    ///
    /// # Errors
    ///
    /// [`ArrowError::NotYetImplemented`] for types that no column of a flow table has.
    pub(crate) fn of_batch(batch: &'a RecordBatch) -> Result<Vec<Self>, ArrowError> {
        batch.columns().iter().map(|column| Self::of(column)).collect()
    }

    /// Returns the values of one column.
    pub(crate) fn of(array: &'a dyn Array) -> Result<Self, ArrowError> {
        Ok(match array.data_type() {
            DataType::Null => Self::Null,
            DataType::Boolean => Self::Bool(array.as_boolean()),
            DataType::Int32 => Self::I32(array.as_primitive::<Int32Type>()),
            DataType::Int64 => Self::I64(array.as_primitive::<Int64Type>()),
            DataType::Float64 => Self::F64(array.as_primitive::<Float64Type>()),
            DataType::Timestamp(unit, _) => {
                let values = match unit {
                    TimeUnit::Microsecond => {
                        array.as_primitive::<TimestampMicrosecondType>().values()
                    }
                    TimeUnit::Millisecond => {
                        array.as_primitive::<TimestampMillisecondType>().values()
                    }
                    TimeUnit::Nanosecond => {
                        array.as_primitive::<TimestampNanosecondType>().values()
                    }
                    TimeUnit::Second => array.as_primitive::<TimestampSecondType>().values(),
                };
                Self::Time(values, array.nulls(), *unit)
            }
            DataType::Utf8 => Self::Text(array.as_string()),
            DataType::LargeUtf8 => Self::LargeText(array.as_string()),
            DataType::Dictionary(key, value)
                if **key == DataType::Int32 && **value == DataType::Utf8 =>
            {
                let array = array.as_dictionary::<Int32Type>();
                Self::Name(array, array.values().as_string())
            }
            DataType::List(_) => {
                let array = array.as_list::<i32>();
                Self::List(array, Box::new(Self::of(array.values())?))
            }
            DataType::FixedSizeList(..) => {
                let array = array.as_fixed_size_list();
                Self::FixedList(array, Box::new(Self::of(array.values())?))
            }
            DataType::FixedSizeBinary(_) => Self::Bytes(array.as_fixed_size_binary()),
            other => {
                return Err(ArrowError::NotYetImplemented(format!(
                    "text of values of type {other}"
                )));
            }
        })
    }

    /// Returns the value in `row`.
    pub(crate) fn get<'b>(&'b self, row: usize) -> Cell<'a, 'b> {
        if self.is_null(row) {
            return Cell::Null;
        }
        match self {
            Self::Null => Cell::Null,
            Self::Bool(array) => Cell::Bool(array.value(row)),
            Self::I32(array) => Cell::Integer(array.value(row).into()),
            Self::I64(array) => Cell::Integer(array.value(row)),
            Self::F64(array) => Cell::Float(array.value(row)),
            Self::Time(values, _, unit) => Cell::Time(values[row], *unit),
            Self::Text(array) => Cell::Text(array.value(row)),
            Self::LargeText(array) => Cell::Text(array.value(row)),
            Self::Name(array, names) => match array.key(row) {
                Some(key) => Cell::Text(names.value(key)),
                None => Cell::Null,
            },
            Self::List(array, cells) => {
                let offsets = array.value_offsets();
                let at = |row: usize| usize::try_from(offsets[row]).unwrap_or_default();
                Cell::List(List { cells, start: at(row), end: at(row + 1) })
            }
            Self::FixedList(array, cells) => {
                let length = usize::try_from(array.value_length()).unwrap_or_default();
                Cell::List(List { cells, start: row * length, end: (row + 1) * length })
            }
            Self::Bytes(array) => Cell::Bytes(array.value(row)),
        }
    }

    fn is_null(&self, row: usize) -> bool {
        match self {
            Self::Null => true,
            Self::Bool(array) => array.is_null(row),
            Self::I32(array) => array.is_null(row),
            Self::I64(array) => array.is_null(row),
            Self::F64(array) => array.is_null(row),
            Self::Time(_, nulls, _) => nulls.is_some_and(|nulls| nulls.is_null(row)),
            Self::Text(array) => array.is_null(row),
            Self::LargeText(array) => array.is_null(row),
            Self::Name(array, _) => array.is_null(row),
            Self::List(array, _) => array.is_null(row),
            Self::FixedList(array, _) => array.is_null(row),
            Self::Bytes(array) => array.is_null(row),
        }
    }
}

impl<'a, 'b> List<'a, 'b> {
    pub(crate) fn iter(self) -> impl Iterator<Item = Cell<'a, 'b>> {
        (self.start..self.end).map(move |row| self.cells.get(row))
    }
}

impl std::fmt::Debug for List<'_, '_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl Cell<'_, '_> {
    pub(crate) const fn is_null(self) -> bool {
        matches!(self, Cell::Null)
    }

    /// Appends the value as JSON (RFC 8259). Numbers that JSON lacks become `null`.
    pub(crate) fn write_json(self, out: &mut Vec<u8>) {
        match self {
            Cell::Null => out.extend_from_slice(b"null"),
            Cell::Bool(value) => write_bool(value, out),
            Cell::Integer(value) => write_integer(value, out),
            Cell::Float(value) if value.is_finite() => write_float(value, out),
            Cell::Float(_) => out.extend_from_slice(b"null"),
            Cell::Time(ticks, unit) => {
                out.push(b'"');
                write_time(ticks, unit, out);
                out.push(b'"');
            }
            Cell::Text(text) => write_string(text, out),
            Cell::Bytes(bytes) => {
                out.push(b'"');
                write_hex(bytes, out);
                out.push(b'"');
            }
            Cell::List(list) => {
                out.push(b'[');
                for (place, value) in list.iter().enumerate() {
                    if place > 0 {
                        out.push(b',');
                    }
                    value.write_json(out);
                }
                out.push(b']');
            }
        }
    }

    /// Appends the value as plain text: nothing for null, lists as JSON.
    pub(crate) fn write_text(self, out: &mut Vec<u8>) {
        match self {
            Cell::Null => {}
            Cell::Float(value) if value.is_nan() => out.extend_from_slice(b"nan"),
            Cell::Float(value) if value.is_infinite() => {
                out.extend_from_slice(if value > 0.0 { b"inf" } else { b"-inf" });
            }
            Cell::Time(ticks, unit) => write_time(ticks, unit, out),
            Cell::Text(text) => out.extend_from_slice(text.as_bytes()),
            Cell::Bytes(bytes) => write_hex(bytes, out),
            value => value.write_json(out),
        }
    }
}

/// Appends text as a JSON string, with control characters for terminals escaped.
fn write_string(text: &str, out: &mut Vec<u8>) {
    let start = out.len();
    // Text is always serialisable, and writing to a vector never fails.
    drop(serde_json::to_writer(&mut *out, text));
    // Controls up to U+001F are escaped already.
    if text.bytes().all(|byte| byte < 0x7f) || !text.contains(is_control) {
        return;
    }
    let written = out.split_off(start);
    for character in String::from_utf8_lossy(&written).chars() {
        if is_control(character) {
            // None is above U+FFFF.
            out.extend_from_slice(format!("\\u{:04x}", u32::from(character)).as_bytes());
        } else {
            out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        }
    }
}

/// Appends two hexadecimal digits for each byte.
fn write_hex(bytes: &[u8], out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    out.extend(
        bytes
            .iter()
            .flat_map(|byte| [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]),
    );
}

fn write_bool(value: bool, out: &mut Vec<u8>) {
    out.extend_from_slice(if value { b"true" } else { b"false" });
}

fn write_integer(value: i64, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

fn write_float(value: f64, out: &mut Vec<u8>) {
    // Writing to a vector does not fail, and only finite numbers come here.
    drop(serde_json::to_writer(out, &value));
}

/// Appends a time in the format of RFC 3339, in UTC, with all digits of the unit.
fn write_time(ticks: i64, unit: TimeUnit, out: &mut Vec<u8>) {
    let (per_second, places) = match unit {
        TimeUnit::Second => (1, 0),
        TimeUnit::Millisecond => (1_000, 3),
        TimeUnit::Microsecond => (1_000_000, 6),
        TimeUnit::Nanosecond => (1_000_000_000, 9),
    };
    let seconds = ticks.div_euclid(per_second);
    let (year, month, day) = date(seconds.div_euclid(86_400));
    let in_day = seconds.rem_euclid(86_400);
    let digits = |number: i64, width: usize, out: &mut Vec<u8>| {
        let mut buffer = itoa::Buffer::new();
        let text = buffer.format(number.unsigned_abs()).as_bytes();
        out.extend(std::iter::repeat_n(b'0', width.saturating_sub(text.len())));
        out.extend_from_slice(text);
    };
    if year < 0 {
        out.push(b'-');
    }
    digits(year, 4, out);
    out.push(b'-');
    digits(month.into(), 2, out);
    out.push(b'-');
    digits(day.into(), 2, out);
    out.push(b'T');
    digits(in_day / 3_600, 2, out);
    out.push(b':');
    digits(in_day / 60 % 60, 2, out);
    out.push(b':');
    digits(in_day % 60, 2, out);
    if places > 0 {
        out.push(b'.');
        digits(ticks.rem_euclid(per_second), places, out);
    }
    out.push(b'Z');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(millis: i64) -> String {
        let mut out = Vec::new();
        write_time(millis, TimeUnit::Millisecond, &mut out);
        String::from_utf8(out).expect("ASCII")
    }

    #[test]
    fn times_are_written_as_rfc_3339_writes_them() {
        assert_eq!(time(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(time(-1), "1969-12-31T23:59:59.999Z");
        assert_eq!(time(951_782_400_007), "2000-02-29T00:00:00.007Z");
        assert_eq!(time(1_709_251_199_999), "2024-02-29T23:59:59.999Z");
        assert_eq!(time(4_107_542_400_000), "2100-03-01T00:00:00.000Z");
    }

    #[test]
    fn floats_keep_all_their_digits() {
        for value in [0.1, 1.0, 1e300, -2.5e-9] {
            let mut out = Vec::new();
            Cell::Float(value).write_text(&mut out);
            let text = String::from_utf8(out).expect("ASCII");
            assert_eq!(text.parse(), Ok(value));
            assert!(text.len() < 25, "{text}");
        }
    }

    #[test]
    fn json_escapes_terminal_controls() {
        let mut out = Vec::new();
        let text = "a\u{1b}\u{9b}2J\u{7f}\u{202e}b\"\\ü文";
        Cell::Text(text).write_json(&mut out);
        let json = String::from_utf8(out).unwrap();
        assert_eq!(json, r#""a\u001b\u009b2J\u007f\u202eb\"\\ü文""#);
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
    }

    #[test]
    fn values_that_are_not_numbers_are_null_in_json() {
        let mut out = Vec::new();
        Cell::Float(f64::NAN).write_json(&mut out);
        assert_eq!(out, b"null");
    }
}
