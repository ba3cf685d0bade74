//! Formats of other programs, as tables of fields: each has a name and a value made of columns.

use std::borrow::Cow;

use arrow_schema::Schema as ArrowSchema;

use super::FormatField;
use crate::features::{Column, columns};
use crate::table::{Cell, Cells};
use crate::time::TimeUnit;

/// A field of a format.
#[derive(Clone, Copy, Debug)]
pub(super) struct MappedField {
    /// Name; a dot separates the names of nested objects.
    pub(super) name: &'static str,
    /// Type, in the words of the format.
    pub(super) kind: &'static str,
    /// Columns that the value is made of, with instants in nanoseconds.
    pub(super) columns: &'static [&'static str],
    /// Returns the value for those columns.
    pub(super) value: fn(&Row<'_, '_>) -> Mapped<'static>,
    /// Meaning where the name does not give it.
    pub(super) about: &'static str,
}

/// A value of a field.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Mapped<'a> {
    /// The flow has none.
    Absent,
    Flag(bool),
    Integer(i64),
    List(Vec<Self>),
    /// A number with a fraction, in decimal.
    Decimal(String),
    Text(Cow<'a, str>),
}

/// Columns of one row that a field is made of, by name.
pub(super) struct Row<'a, 'b> {
    pub(super) names: &'static [&'static str],
    pub(super) cells: &'b [Option<&'b Cells<'a>>],
    pub(super) row: usize,
}

/// Places of the columns of some fields in a schema.
#[derive(Debug)]
pub(super) struct Places(Vec<Vec<Option<usize>>>);

impl Places {
    pub(super) fn new(fields: &'static [MappedField], schema: &ArrowSchema) -> Self {
        let place = |name: &&str| schema.index_of(name).ok();
        Self(fields.iter().map(|field| field.columns.iter().map(place).collect()).collect())
    }

    /// Returns the value of a field in a row.
    pub(super) fn value(
        &self,
        field: usize,
        fields: &'static [MappedField],
        cells: &[Cells<'_>],
        row: usize,
    ) -> Mapped<'static> {
        let (Some(field), Some(places)) = (fields.get(field), self.0.get(field)) else {
            return Mapped::Absent;
        };
        let cells: Vec<_> =
            places.iter().map(|place| place.and_then(|place| cells.get(place))).collect();
        (field.value)(&Row { names: field.columns, cells: &cells, row })
    }
}

impl Row<'_, '_> {
    fn cell(&self, name: &str) -> Cell<'_, '_> {
        let place = self.names.iter().position(|known| *known == name);
        let cells = place.and_then(|place| self.cells.get(place)).copied().flatten();
        cells.map_or(Cell::Null, |cells| cells.get(self.row))
    }

    /// Returns whether the run has a column.
    pub(super) fn has(&self, name: &str) -> bool {
        !self.cell(name).is_null()
    }

    /// Returns a number, 0 without the column.
    pub(super) fn number(&self, name: &str) -> i64 {
        match self.cell(name) {
            Cell::Integer(number) | Cell::Time(number, _) => number,
            Cell::Bool(flag) => flag.into(),
            _ => 0,
        }
    }

    /// Returns text, empty without the column.
    pub(super) fn text(&self, name: &str) -> &str {
        match self.cell(name) {
            Cell::Text(text) => text,
            _ => "",
        }
    }

    /// Returns the only column as text, absent if it is empty.
    pub(super) fn only_text(&self) -> Mapped<'static> {
        text_or_absent(self.text(self.names.first().copied().unwrap_or_default()))
    }

    /// Returns the only column as a number.
    pub(super) fn only_number(&self) -> Mapped<'static> {
        let name = self.names.first().copied().unwrap_or_default();
        if self.has(name) { Mapped::Integer(self.number(name)) } else { Mapped::Absent }
    }

    /// Returns the only column as a number, absent if it is not positive.
    pub(super) fn only_positive(&self) -> Mapped<'static> {
        match self.only_number() {
            Mapped::Integer(..=0) => Mapped::Absent,
            value => value,
        }
    }
}

impl Mapped<'_> {
    /// Appends the value as JSON.
    pub(super) fn write_json(&self, out: &mut Vec<u8>) {
        match self {
            Mapped::Absent => out.extend_from_slice(b"null"),
            Mapped::Flag(flag) => Cell::Bool(*flag).write_json(out),
            Mapped::Integer(number) => Cell::Integer(*number).write_json(out),
            Mapped::Decimal(number) => out.extend_from_slice(number.as_bytes()),
            Mapped::Text(text) => Cell::Text(text).write_json(out),
            Mapped::List(list) => {
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
}

/// Returns the columns of some fields, with instants in nanoseconds. `dissects` says whether flows
/// have labels.
pub(super) fn columns_of<'a>(
    fields: impl Iterator<Item = &'a MappedField>,
    dissects: bool,
) -> Vec<&'static Column> {
    let names: Vec<_> = fields.flat_map(|field| field.columns).collect();
    columns(TimeUnit::Nanoseconds)
        .filter(|column| names.contains(&&column.name))
        .filter(|column| dissects || !column.group.needs_inspection())
        .collect()
}

/// Returns the description of fields.
pub(super) fn help<'a>(fields: impl Iterator<Item = &'a MappedField>) -> Vec<FormatField> {
    let help = |field: &MappedField| {
        let MappedField { name, kind, columns, about, .. } = *field;
        FormatField { name, kind, columns, about }
    };
    fields.map(help).collect()
}

/// Returns text as a value, absent if it is empty.
pub(super) fn text_or_absent(text: &str) -> Mapped<'static> {
    if text.is_empty() { Mapped::Absent } else { Mapped::Text(text.to_owned().into()) }
}

/// Returns a time in nanoseconds in the format of RFC 3339, with all digits.
pub(super) fn instant(nanoseconds: i64) -> String {
    let mut text = Vec::new();
    Cell::Time(nanoseconds, arrow_schema::TimeUnit::Nanosecond).write_text(&mut text);
    String::from_utf8_lossy(&text).into_owned()
}

/// Returns nanoseconds as seconds with six digits after the point.
pub(super) fn seconds(nanoseconds: i64) -> String {
    let sign = if nanoseconds < 0 { "-" } else { "" };
    let microseconds = nanoseconds.unsigned_abs() / 1_000;
    format!("{sign}{}.{:06}", microseconds / 1_000_000, microseconds % 1_000_000)
}

/// Appends an object of fields whose dotted names nest. Fields without a value are left out;
/// fields of one object follow each other.
pub(super) fn write_object<'a>(
    values: impl Iterator<Item = (&'a str, Mapped<'a>)>,
    out: &mut Vec<u8>,
) {
    let mut open: Vec<&str> = Vec::new();
    out.push(b'{');
    for (name, value) in values.filter(|(_, value)| *value != Mapped::Absent) {
        let mut objects: Vec<_> = name.split('.').collect();
        let Some(key) = objects.pop() else { continue };
        let shared = open.iter().zip(&objects).take_while(|(a, b)| a == b).count();
        out.extend(std::iter::repeat_n(b'}', open.len() - shared));
        open.truncate(shared);
        for object in objects.iter().skip(shared) {
            write_key(object, out);
            out.push(b'{');
            open.push(object);
        }
        write_key(key, out);
        value.write_json(out);
    }
    out.extend(std::iter::repeat_n(b'}', open.len()));
    out.extend_from_slice(b"}\n");
}

/// Appends the name of a member, after a comma unless it is the first.
fn write_key(key: &str, out: &mut Vec<u8>) {
    if out.last().is_some_and(|last| *last != b'{') {
        out.push(b',');
    }
    Cell::Text(key).write_json(out);
    out.push(b':');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dotted_names_nest() {
        let values = [
            ("a", Mapped::Integer(1)),
            ("b.c.d", Mapped::Flag(true)),
            ("b.c.e", Mapped::Absent),
            ("b.f", Mapped::Text("{".into())),
            ("g.h", Mapped::List(vec![Mapped::Integer(2), Mapped::Decimal("3.5".into())])),
            ("i.j", Mapped::Absent),
        ];
        let mut out = Vec::new();
        write_object(values.into_iter(), &mut out);
        let text = String::from_utf8(out).unwrap();
        assert_eq!(
            text,
            "{\"a\":1,\"b\":{\"c\":{\"d\":true},\"f\":\"{\"},\"g\":{\"h\":[2,3.5]}}\n"
        );
        let mut out = Vec::new();
        write_object(std::iter::empty(), &mut out);
        assert_eq!(out, b"{}\n");
    }

    #[test]
    fn seconds_have_six_digits() {
        assert_eq!(seconds(1_500_000_000_123_456_789), "1500000000.123456");
        assert_eq!(seconds(1_000), "0.000001");
    }
}
