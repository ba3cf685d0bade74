//! Records as JSON lines (RFC 8259), an object a line.

use std::io::{self, Write};

use arrow_schema::Schema as ArrowSchema;

use super::cells::{Cell, Cells};
use super::text::{Line, RecordWriter};
use crate::features::{Record, Schema};

/// Writes records as lines of JSON.
#[derive(Debug)]
pub struct JsonLinesWriter<'a, W: Write>(RecordWriter<'a, JsonLine, W>);

impl<'a, W: Write> JsonLinesWriter<'a, W> {
    /// Returns a writer; nothing is written before the first record.
    pub fn new(output: W, schema: &'a Schema) -> Self {
        Self(RecordWriter::new(output, schema).expect("JSON lines have no header to write"))
    }

    /// Writes a line for each record, its columns in order.
    ///
    /// # Errors
    ///
    /// Those of the output.
    pub fn write(&mut self, records: &[Record]) -> io::Result<()> {
        self.0.write(records)
    }

    /// Writes what is still held back.
    ///
    /// # Errors
    ///
    /// Those of the output.
    pub fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// A line of JSON.
#[derive(Debug)]
pub(super) struct JsonLine {
    /// What comes before each value: `{"id":`, `,"first_seen":` and so on.
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

    use arrow_array::{RecordBatch, StringArray, UInt64Array};
    use proptest::prelude::*;
    use serde_json::Value as Json;

    use super::super::text::TextWriter;
    use super::*;

    proptest! {
        #[test]
        fn a_reader_finds_every_value_again(rows in proptest::collection::vec((any::<u64>(), ".*"), 0..8)) {
            let (numbers, texts): (Vec<_>, Vec<_>) = rows.iter().cloned().unzip();
            let batch = RecordBatch::try_from_iter([
                ("num\"ber", Arc::new(UInt64Array::from(numbers)) as arrow_array::ArrayRef),
                ("text", Arc::new(StringArray::from(texts)) as _),
            ]).unwrap();
            let mut writer = TextWriter::<JsonLine, _>::new(Vec::new(), &batch.schema()).unwrap();
            writer.write(&batch).unwrap();
            let written = String::from_utf8(writer.into_inner()).unwrap();
            let read: Vec<Json> = written
                .split_terminator('\n')
                .map(|line| serde_json::from_str(line).unwrap())
                .collect();
            prop_assert_eq!(read.len(), rows.len());
            for (json, (number, text)) in read.iter().zip(&rows) {
                prop_assert_eq!(json["num\"ber"].as_u64(), Some(*number));
                prop_assert_eq!(json["text"].as_str(), Some(text.as_str()));
            }
        }
    }
}
