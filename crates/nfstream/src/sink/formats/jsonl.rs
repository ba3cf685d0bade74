//! Tables as JSON lines (RFC 8259), an object a line.

use arrow_schema::Schema as ArrowSchema;

use super::Format;
use super::lines::{Line, LineEncoder};
use crate::table::{Cell, Cells};

pub(super) const FORMAT: Format = Format {
    name: "jsonl",
    extensions: &["jsonl", "ndjson"],
    description: "JSON lines, one object a flow",
    is_binary: false,
    needs: None,
    encoder: |output, schema, _| Ok(Box::new(LineEncoder::<JsonLine, _>::new(output, schema)?)),
};

/// A line of JSON.
#[derive(Debug)]
struct JsonLine {
    /// Text before each value: `{"id":`, `,"first_seen":` and so on.
    names: Vec<Vec<u8>>,
}

impl Line for JsonLine {
    fn new(schema: &ArrowSchema) -> Self {
        let names = schema.fields().iter().enumerate().map(|(place, field)| {
            let mut name = vec![if place == 0 { b'{' } else { b',' }];
            Cell::Text(field.name()).write_json(&mut name);
            name.push(b':');
            name
        });
        Self { names: names.collect() }
    }

    fn write_header(&self, _: &mut Vec<u8>) {}

    fn write_row(&self, cells: &[Cells<'_>], row: usize, out: &mut Vec<u8>) {
        if cells.is_empty() {
            out.push(b'{');
        }
        for (name, cells) in self.names.iter().zip(cells) {
            out.extend_from_slice(name);
            cells.get(row).write_json(out);
        }
        out.extend_from_slice(b"}\n");
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{Int64Array, RecordBatch, StringArray};
    use proptest::prelude::*;
    use serde_json::Value as Json;

    use super::super::lines::lines;
    use super::*;

    proptest! {
        #[test]
        fn a_reader_finds_every_value_again(
            rows in proptest::collection::vec((any::<i64>(), ".*"), 0..8),
        ) {
            let (numbers, texts): (Vec<_>, Vec<_>) = rows.iter().cloned().unzip();
            let batch = RecordBatch::try_from_iter([
                ("num\"ber", Arc::new(Int64Array::from(numbers)) as arrow_array::ArrayRef),
                ("text", Arc::new(StringArray::from(texts)) as _),
            ]).unwrap();
            let written = String::from_utf8(lines::<JsonLine>(&batch)).unwrap();
            let read: Vec<Json> = written
                .split_terminator('\n')
                .map(|line| serde_json::from_str(line).unwrap())
                .collect();
            prop_assert_eq!(read.len(), rows.len());
            for (json, (number, text)) in read.iter().zip(&rows) {
                prop_assert_eq!(json["num\"ber"].as_i64(), Some(*number));
                prop_assert_eq!(json["text"].as_str(), Some(text.as_str()));
            }
        }
    }
}
