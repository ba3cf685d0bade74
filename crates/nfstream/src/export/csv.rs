//! Records as CSV (RFC 4180), a header line first.

use std::io::{self, Write};

use crate::features::{Record, Schema, Value};

/// Writes records as lines of CSV.
#[derive(Debug)]
pub struct CsvWriter<'a, W: Write> {
    schema: &'a Schema,
    writer: csv::Writer<W>,
}

impl<'a, W: Write> CsvWriter<'a, W> {
    /// Writes the header line.
    ///
    /// # Errors
    ///
    /// Those of `output`.
    pub fn new(output: W, schema: &'a Schema) -> io::Result<Self> {
        let mut writer = csv::Writer::from_writer(output);
        writer.write_record(schema.columns().iter().map(|column| column.name))?;
        Ok(Self { schema, writer })
    }

    /// Writes a line for each record.
    ///
    /// # Errors
    ///
    /// Those of the output.
    pub fn write(&mut self, records: &[Record]) -> io::Result<()> {
        for record in records {
            for column in self.schema.columns() {
                match column.value(record, self.schema.names()) {
                    Value::Unsigned(number) => self.writer.write_field(number.to_string())?,
                    Value::Signed(number) => self.writer.write_field(number.to_string())?,
                    Value::Float(number) => self.writer.write_field(number.to_string())?,
                    Value::Bool(flag) => self.writer.write_field(flag.to_string())?,
                    Value::List(list) => self.writer.write_field(format!("{list:?}"))?,
                    Value::Text(text) => self.writer.write_field(text)?,
                }
            }
            self.writer.write_record(None::<&[u8]>)?;
        }
        Ok(())
    }

    /// Writes what is still held back.
    ///
    /// # Errors
    ///
    /// Those of the output.
    pub fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}
