//! Tables as CSV (RFC 4180), a header line first.

use std::borrow::Cow;

use arrow_schema::Schema as ArrowSchema;

use super::Format;
use super::lines::{Line, LineEncoder};
use crate::table::{Cell, Cells};

pub(super) const FORMAT: Format = Format {
    name: "csv",
    extensions: &["csv"],
    description: "Comma-separated values, a header line first",
    is_binary: false,
    needs: None,
    encoder: |output, schema, _| Ok(Box::new(LineEncoder::<CsvLine, _>::new(output, schema)?)),
};

impl Format {
    /// CSV with an apostrophe before text that a spreadsheet may interpret as a formula: text that
    /// begins, or continues after `;` or a tab, with `=`, `+`, `-`, `@`, a tab or a line break. Other
    /// text is written as in [`CSV`](Self::CSV).
    pub const SAFE_CSV: Self = Self {
        encoder: |output, schema, _| Ok(Box::new(LineEncoder::<SafeLine, _>::new(output, schema)?)),
        ..FORMAT
    };
}

/// A line of CSV.
type CsvLine = TextLine<false>;

/// A line of CSV with an apostrophe before text that begins like a formula.
type SafeLine = TextLine<true>;

/// A line of CSV.
///
/// Lines end in a bare `\n`, as Unix tools expect. Fields that contain a comma, a quote or a line
/// break are quoted.
#[derive(Debug)]
struct TextLine<const SAFE: bool> {
    header: Vec<u8>,
}

impl<const SAFE: bool> Line for TextLine<SAFE> {
    fn new(schema: &ArrowSchema) -> Self {
        let mut header = Vec::new();
        for (place, field) in schema.fields().iter().enumerate() {
            if place > 0 {
                header.push(b',');
            }
            write_csv_text(field.name(), &mut header);
        }
        header.push(b'\n');
        Self { header }
    }

    fn write_header(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.header);
    }

    fn write_row(&self, cells: &[Cells<'_>], row: usize, out: &mut Vec<u8>) {
        for (place, cells) in cells.iter().enumerate() {
            if place > 0 {
                out.push(b',');
            }
            match cells.get(row) {
                Cell::Text(text) if SAFE => write_csv_text(&guarded(text), out),
                Cell::Text(text) => write_csv_text(text, out),
                list @ Cell::List(_) => {
                    let start = out.len();
                    list.write_text(out);
                    quote_from(start, out);
                }
                value => value.write_text(out),
            }
        }
        // Readers would skip an empty line.
        if let [only] = cells
            && out.last().is_none_or(|last| *last == b'\n')
            && matches!(only.get(row), Cell::Null | Cell::Text(""))
        {
            out.extend_from_slice(b"\"\"");
        }
        out.push(b'\n');
    }
}

/// Returns text with an apostrophe before each part that a spreadsheet may take for a formula. In
/// some languages they separate cells at `;`.
fn guarded(text: &str) -> Cow<'_, str> {
    let parts = text.split_inclusive([';', '\t']);
    if !parts.clone().any(is_like_a_formula) {
        return text.into();
    }
    let mut safe = String::new();
    for part in parts {
        if is_like_a_formula(part) {
            safe.push('\'');
        }
        safe.push_str(part);
    }
    safe.into()
}

/// Returns whether a spreadsheet may interpret text as a formula.
fn is_like_a_formula(text: &str) -> bool {
    text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'])
}

/// Appends text as a field of CSV (RFC 4180), quoted if necessary.
pub fn write_csv_text(text: &str, out: &mut Vec<u8>) {
    let start = out.len();
    out.extend_from_slice(text.as_bytes());
    quote_from(start, out);
}

/// Quotes the field that begins at `start`, if necessary.
fn quote_from(start: usize, out: &mut Vec<u8>) {
    // The most common bytes come first: nearly every field takes one comparison per byte.
    let is_special = |byte: &u8| *byte <= b',' && matches!(byte, b'"' | b',' | b'\n' | b'\r');
    let Some(field) = out.get(start..).filter(|field| field.iter().any(is_special)) else {
        return;
    };
    let field = field.to_vec();
    out.truncate(start);
    out.push(b'"');
    for byte in field {
        if byte == b'"' {
            out.push(b'"');
        }
        out.push(byte);
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::types::Int32Type;
    use arrow_array::{Float64Array, ListArray, RecordBatch, StringArray};
    use arrow_schema::{DataType, Field};
    use proptest::prelude::*;

    use super::super::lines::lines;
    use super::*;

    fn csv(batch: &RecordBatch) -> Vec<u8> {
        lines::<CsvLine>(batch)
    }

    fn texts(columns: &[Vec<String>]) -> RecordBatch {
        let fields: Vec<_> = (0..columns.len())
            .map(|place| Field::new(format!("c{place}"), DataType::Utf8, false))
            .collect();
        let arrays = columns.iter().map(|c| Arc::new(StringArray::from_iter_values(c)) as _);
        RecordBatch::try_new(Arc::new(ArrowSchema::new(fields)), arrays.collect()).unwrap()
    }

    #[test]
    fn fields_are_quoted_when_they_must_be() {
        let batch =
            texts(&[vec!["a,b".into(), "say \"hi\"".into()], vec!["c\nd".into(), "e".into()]]);
        let text = String::from_utf8(csv(&batch)).unwrap();
        assert_eq!(text, "c0,c1\n\"a,b\",\"c\nd\"\n\"say \"\"hi\"\"\",e\n");
    }

    #[test]
    fn safe_text_is_no_formula() {
        let given = ["=1+1", "+1", "-1", "@A1", "\tx", "\rx", "＝1", "a=1", "'=1", ""];
        let batch = texts(&[given.map(str::to_owned).to_vec()]);
        let text = String::from_utf8(lines::<SafeLine>(&batch)).unwrap();
        let shown =
            ["'=1+1", "'+1", "'-1", "'@A1", "'\tx", "\"'\rx\"", "'＝1", "a=1", "'=1", "\"\""];
        assert_eq!(text.split_terminator('\n').skip(1).collect::<Vec<_>>(), shown);
        let batch = texts(&[["x;=1;y", "a; b"].map(str::to_owned).to_vec()]);
        assert_eq!(lines::<SafeLine>(&batch), b"c0\nx;'=1;y\na; b\n");
        let batch = texts(&[given.map(str::to_owned).to_vec()]);
        let same = String::from_utf8(csv(&batch)).unwrap();
        assert!(same.starts_with("c0\n=1+1\n+1\n"), "{same}");
    }

    #[test]
    fn lists_are_json_in_one_field_and_missing_values_are_empty() {
        let list = ListArray::from_iter_primitive::<Int32Type, _, _>([
            Some(vec![Some(1), None, Some(3)]),
            None,
            Some(vec![Some(7)]),
        ]);
        let numbers = Float64Array::from(vec![Some(0.5), None, Some(f64::INFINITY)]);
        let batch = RecordBatch::try_from_iter([
            ("list", Arc::new(list) as arrow_array::ArrayRef),
            ("number", Arc::new(numbers) as _),
        ]);
        let text = String::from_utf8(csv(&batch.unwrap())).unwrap();
        assert_eq!(text, "list,number\n\"[1,null,3]\",0.5\n,\n[7],inf\n");
    }

    proptest! {
        #[test]
        fn a_reader_finds_every_text_again(
            rows in proptest::collection::vec(("[a\",\r\n ü]{0,6}", "[a\",\r\n ü]{0,6}"), 0..8),
            one in any::<bool>(),
        ) {
            let (first, second): (Vec<_>, Vec<_>) = rows.iter().cloned().unzip();
            let columns = if one { vec![first] } else { vec![first, second] };
            let written = csv(&texts(&columns));
            let mut reader = csv::Reader::from_reader(written.as_slice());
            let read: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
            prop_assert_eq!(read.len(), rows.len());
            for (row, record) in read.iter().enumerate() {
                let wanted: Vec<_> = columns.iter().map(|column| column[row].as_str()).collect();
                prop_assert_eq!(record.iter().collect::<Vec<_>>(), wanted);
            }
        }
    }
}
