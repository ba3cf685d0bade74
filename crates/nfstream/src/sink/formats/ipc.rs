//! Encoder of Arrow files and streams.

use std::collections::HashMap;
use std::io::{self, BufWriter, Write};
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int32Type;
use arrow_array::{Array, ArrayRef, DictionaryArray, RecordBatch, StringArray};
use arrow_ipc::writer::{DictionaryHandling, FileWriter, IpcWriteOptions, StreamWriter};
use arrow_schema::{ArrowError, DataType, Schema as ArrowSchema};

use super::{Counted, Encoder};
use crate::table::Provenance;

/// Writes batches to an Arrow file or stream.
pub(super) struct IpcEncoder<W: Write> {
    kind: Kind<Counted<W>>,
    /// For each dictionary-encoded column, the names used so far.
    dictionaries: Vec<Option<Dictionary>>,
    /// Entries of a file's footer.
    provenance: Provenance,
}

enum Kind<W: Write> {
    File(Box<FileWriter<BufWriter<W>>>),
    Stream(Box<StreamWriter<BufWriter<W>>>),
}

/// Dictionary that only grows: an Arrow file must not redefine names.
#[derive(Default)]
struct Dictionary {
    places: HashMap<String, i32>,
    names: Vec<String>,
    /// The names as last written.
    values: Option<Arc<StringArray>>,
}

impl<W: Write> IpcEncoder<W> {
    /// Returns a writer of a file.
    pub(super) fn file(
        output: W,
        schema: &ArrowSchema,
        provenance: &Provenance,
    ) -> io::Result<Self> {
        let options =
            IpcWriteOptions::default().with_dictionary_handling(DictionaryHandling::Delta);
        let writer =
            FileWriter::try_new_with_options(buffered(Counted::new(output)), schema, options);
        let kind = Kind::File(Box::new(writer.map_err(io_error)?));
        Self::new(schema, kind, provenance.clone())
    }

    /// Returns a writer of a stream.
    pub(super) fn stream(output: W, schema: &ArrowSchema) -> io::Result<Self> {
        let options =
            IpcWriteOptions::default().with_dictionary_handling(DictionaryHandling::Delta);
        let writer =
            StreamWriter::try_new_with_options(buffered(Counted::new(output)), schema, options);
        let kind = Kind::Stream(Box::new(writer.map_err(io_error)?));
        // Its metadata comes first.
        Self::new(schema, kind, Provenance::default())
    }

    fn new(
        schema: &ArrowSchema,
        kind: Kind<Counted<W>>,
        provenance: Provenance,
    ) -> io::Result<Self> {
        let is_dictionary = |data_type: &DataType| matches!(data_type, DataType::Dictionary(..));
        let dictionaries = schema.fields().iter();
        let dictionaries = dictionaries
            .map(|field| is_dictionary(field.data_type()).then(Dictionary::default))
            .collect();
        Ok(Self { kind, dictionaries, provenance })
    }
}

impl<W: Write + Send> Encoder for IpcEncoder<W> {
    fn write(&mut self, batch: &RecordBatch) -> io::Result<()> {
        let columns = batch.columns().iter().zip(&mut self.dictionaries);
        let columns = columns.map(|(array, dictionary)| match dictionary {
            Some(dictionary) => dictionary.encode(array),
            None => Ok(Arc::clone(array)),
        });
        let columns = columns.collect::<Result<Vec<_>, _>>().map_err(io_error)?;
        let batch = RecordBatch::try_new(batch.schema(), columns).map_err(io_error)?;
        let result = match &mut self.kind {
            Kind::File(writer) => writer.write(&batch),
            Kind::Stream(writer) => writer.write(&batch),
        };
        result.map_err(io_error)
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.kind {
            Kind::File(writer) => writer.get_mut().flush(),
            Kind::Stream(writer) => writer.get_mut().flush(),
        }
    }

    /// Writes the remaining bytes, and the footer of a file.
    fn finish(self: Box<Self>) -> io::Result<()> {
        let buffer = match self.kind {
            Kind::File(mut writer) => {
                for (name, value) in self.provenance.later() {
                    writer.write_metadata(&name, &value);
                }
                writer.into_inner().map_err(io_error)?
            }
            Kind::Stream(writer) => writer.into_inner().map_err(io_error)?,
        };
        buffer.into_inner().map_err(io::IntoInnerError::into_error)?.flush()
    }

    fn bytes(&self) -> u64 {
        let buffer = match &self.kind {
            Kind::File(writer) => writer.get_ref(),
            Kind::Stream(writer) => writer.get_ref(),
        };
        let held = u64::try_from(buffer.buffer().len()).unwrap_or(u64::MAX);
        buffer.get_ref().bytes.saturating_add(held)
    }
}

impl Dictionary {
    /// Returns `array` encoded by this dictionary, extended by the new names.
    fn encode(&mut self, array: &ArrayRef) -> Result<ArrayRef, ArrowError> {
        let array = array.as_dictionary::<Int32Type>();
        let given = array.values().as_string::<i32>();
        let mut places = Vec::with_capacity(given.len());
        for name in given.iter().map(Option::unwrap_or_default) {
            let place = match self.places.get(name) {
                Some(place) => *place,
                None => {
                    let place = i32::try_from(self.names.len()).unwrap_or(i32::MAX);
                    self.names.push(name.to_owned());
                    self.places.insert(name.to_owned(), place);
                    self.values = None;
                    place
                }
            };
            places.push(place);
        }
        let names = &self.names;
        let values =
            self.values.get_or_insert_with(|| Arc::new(StringArray::from_iter_values(names)));
        let place = |key: i32| usize::try_from(key).ok().and_then(|key| places.get(key)).copied();
        let keys = array.keys().iter().map(|key| key.and_then(place)).collect();
        Ok(Arc::new(DictionaryArray::<Int32Type>::try_new(keys, Arc::clone(values) as ArrayRef)?))
    }
}

pub(super) fn io_error(error: ArrowError) -> io::Error {
    match error {
        ArrowError::IoError(_, source) => source,
        error => io::Error::other(error),
    }
}

fn buffered<W: Write>(output: W) -> BufWriter<W> {
    BufWriter::with_capacity(128 * 1024, output)
}
