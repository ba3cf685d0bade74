//! Flows as text.

use std::cell::RefCell;
use std::io::{self, Write};
use std::rc::Rc;

use nfstream::export::{CsvWriter, JsonLinesWriter};
use nfstream::features::{Record, Schema};

use super::flow_table::{FlowTable, Selection};
use super::{Format, Look};

/// Writes flows into memory, whole lines at a time.
///
/// The formats' own writers know nothing of pipes that close and disks that are full; here they
/// cannot fail.
pub(crate) struct Encoder<'a> {
    writer: Writer<'a>,
    text: Text,
}

enum Writer<'a> {
    Csv(Box<CsvWriter<'a, Text>>),
    JsonLines(JsonLinesWriter<'a, Text>),
    Table(Box<FlowTable<'a>>),
}

/// Memory that both a writer and its owner have.
#[derive(Clone, Debug, Default)]
struct Text(Rc<RefCell<Vec<u8>>>);

impl<'a> Encoder<'a> {
    /// Returns an encoder for the columns of `schema`.
    ///
    /// A table shows what is worth seeing, unless `selection` says that the columns were chosen.
    pub(crate) fn new(
        format: Format,
        schema: &'a Schema,
        selection: Selection,
        look: Look,
    ) -> io::Result<Self> {
        let text = Text::default();
        let writer = match format {
            Format::Csv => Writer::Csv(Box::new(CsvWriter::new(text.clone(), schema)?)),
            Format::Jsonl => Writer::JsonLines(JsonLinesWriter::new(text.clone(), schema)),
            Format::Table => Writer::Table(Box::new(FlowTable::new(schema, selection, look))),
        };
        Ok(Self { writer, text })
    }

    /// Takes records. Some may stay with the encoder for now.
    pub(crate) fn encode(&mut self, records: &[Record]) -> io::Result<()> {
        match &mut self.writer {
            Writer::Csv(csv) => csv.write(records),
            Writer::JsonLines(json) => json.write(records),
            Writer::Table(table) => {
                table.write(records, &mut self.text.0.borrow_mut());
                Ok(())
            }
        }
    }

    /// Returns the bytes that are ready, to be taken away.
    pub(crate) fn ready(&self) -> usize {
        self.text.0.borrow().len()
    }

    /// Takes everything there is as whole lines.
    pub(crate) fn take(&mut self) -> io::Result<Vec<u8>> {
        match &mut self.writer {
            Writer::Csv(csv) => csv.flush()?,
            Writer::JsonLines(json) => json.flush()?,
            Writer::Table(table) => table.flush(&mut self.text.0.borrow_mut()),
        }
        Ok(self.text.0.take())
    }
}

impl Write for Text {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
