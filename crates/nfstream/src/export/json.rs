//! Records as JSON lines (RFC 8259), an object a line.

use std::io::{self, Write};

use serde_json::{Map, Value as Json};

use crate::features::{Record, Schema, Value};

/// Writes records as lines of JSON.
#[derive(Debug)]
pub struct JsonLinesWriter<'a, W: Write> {
    schema: &'a Schema,
    output: W,
}

impl<'a, W: Write> JsonLinesWriter<'a, W> {
    /// Returns a writer; nothing is written before the first record.
    pub fn new(output: W, schema: &'a Schema) -> Self {
        Self { schema, output }
    }

    /// Writes a line for each record, its columns in order.
    ///
    /// # Errors
    ///
    /// Those of the output.
    pub fn write(&mut self, records: &[Record]) -> io::Result<()> {
        for record in records {
            let columns = self.schema.columns().iter();
            let object: Map<String, Json> = columns
                .map(|column| {
                    let value = match column.value(record, self.schema.names()) {
                        Value::Unsigned(number) => number.into(),
                        Value::Signed(number) => number.into(),
                        Value::Float(number) => number.into(),
                        Value::Bool(flag) => flag.into(),
                        Value::List(list) => list.into(),
                        Value::Text(text) => text.into(),
                    };
                    (column.name.to_owned(), value)
                })
                .collect();
            serde_json::to_writer(&mut self.output, &object)?;
            self.output.write_all(b"\n")?;
        }
        Ok(())
    }

    /// Writes what is still held back.
    ///
    /// # Errors
    ///
    /// Those of the output.
    pub fn flush(&mut self) -> io::Result<()> {
        self.output.flush()
    }
}
