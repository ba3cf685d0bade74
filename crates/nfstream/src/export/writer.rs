//! One writer for all formats.

use std::fmt::{self, Debug, Formatter};
use std::io::{self, Write};

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;

use super::Format;
use super::csv::CsvLine;
use super::ipc::IpcWriter;
use super::json::JsonLine;
use super::parquet::ParquetWriter;
use super::text::TextWriter;

/// Writes batches in one of the formats.
///
/// What is held back is bounded: a row group of Parquet, some kilobytes otherwise. Nothing is
/// complete before [`finish`](Self::finish).
pub struct Writer<W: Write + Send> {
    kind: Kind<Counted<W>>,
    rows: u64,
}

enum Kind<W: Write + Send> {
    Csv(TextWriter<CsvLine, W>),
    Ipc(Box<IpcWriter<W>>),
    JsonLines(TextWriter<JsonLine, W>),
    Parquet(Box<ParquetWriter<W>>),
}

/// An output and the bytes that it has taken.
struct Counted<W> {
    output: W,
    bytes: u64,
}

impl<W: Write + Send> Writer<W> {
    /// Begins a table of batches of `schema`. Its metadata goes where the format has room for it.
    ///
    /// # Errors
    ///
    /// Those of `output`.
    pub fn new(format: Format, output: W, schema: &SchemaRef) -> io::Result<Self> {
        let output = Counted { output, bytes: 0 };
        let kind = match format {
            Format::Arrow => Kind::Ipc(Box::new(IpcWriter::file(output, schema)?)),
            Format::ArrowStream => Kind::Ipc(Box::new(IpcWriter::stream(output, schema)?)),
            Format::Csv => Kind::Csv(TextWriter::new(output, schema)?),
            Format::JsonLines => Kind::JsonLines(TextWriter::new(output, schema)?),
            Format::Parquet => Kind::Parquet(Box::new(ParquetWriter::new(output, schema)?)),
        };
        Ok(Self { kind, rows: 0 })
    }

    /// Writes a batch.
    ///
    /// # Errors
    ///
    /// Those of the output. The table cannot be completed then.
    pub fn write(&mut self, batch: &RecordBatch) -> io::Result<()> {
        match &mut self.kind {
            Kind::Csv(writer) => writer.write(batch)?,
            Kind::Ipc(writer) => writer.write(batch)?,
            Kind::JsonLines(writer) => writer.write(batch)?,
            Kind::Parquet(writer) => writer.write(batch)?,
        }
        self.rows += u64::try_from(batch.num_rows()).unwrap_or(u64::MAX);
        Ok(())
    }

    /// Writes what is held back, as far as the format allows.
    ///
    /// # Errors
    ///
    /// Those of the output.
    pub fn flush(&mut self) -> io::Result<()> {
        match &mut self.kind {
            Kind::Csv(writer) => writer.flush(),
            Kind::Ipc(writer) => writer.flush(),
            Kind::JsonLines(writer) => writer.flush(),
            // A row group is written when it is full: many small ones would make a bad file.
            Kind::Parquet(_) => Ok(()),
        }
    }

    /// Completes the table and returns the output.
    ///
    /// # Errors
    ///
    /// Those of the output.
    pub fn finish(self) -> io::Result<W> {
        let mut output = match self.kind {
            Kind::Csv(writer) => writer.into_inner(),
            Kind::Ipc(writer) => writer.finish()?,
            Kind::JsonLines(writer) => writer.into_inner(),
            Kind::Parquet(writer) => writer.finish()?,
        }
        .output;
        output.flush()?;
        Ok(output)
    }

    /// Returns the rows written so far.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Returns the bytes that the table takes so far, about.
    pub fn bytes(&self) -> u64 {
        match &self.kind {
            Kind::Csv(writer) => writer.get_ref().bytes,
            Kind::Ipc(writer) => {
                let (output, held) = writer.output();
                output.bytes.saturating_add(u64::try_from(held).unwrap_or(u64::MAX))
            }
            Kind::JsonLines(writer) => writer.get_ref().bytes,
            Kind::Parquet(writer) => u64::try_from(writer.bytes()).unwrap_or(u64::MAX),
        }
    }
}

impl<W: Write + Send> Debug for Writer<W> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").field("rows", &self.rows).finish_non_exhaustive()
    }
}

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.output.write(bytes)?;
        self.bytes += u64::try_from(written).unwrap_or(u64::MAX);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.output.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use ::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
    use arrow_array::cast::AsArray;
    use arrow_array::types::Int32Type;
    use arrow_array::{ArrayRef, DictionaryArray, UInt64Array};
    use arrow_ipc::reader::{FileReader, StreamReader};
    use arrow_schema::{ArrowError, Schema as ArrowSchema};

    use super::*;

    /// Batches whose dictionaries contradict each other.
    fn batches() -> Vec<RecordBatch> {
        let batch = |start: u64, names: [&str; 3]| {
            let names: DictionaryArray<Int32Type> = names.into_iter().collect();
            let ids = UInt64Array::from_iter_values(start..start + 3);
            RecordBatch::try_from_iter([
                ("id", Arc::new(ids) as ArrayRef),
                ("name", Arc::new(names) as ArrayRef),
            ])
            .unwrap()
        };
        vec![batch(0, ["TLS", "DNS", "TLS"]), batch(3, ["DNS", "HTTP", "TLS"])]
    }

    fn schema() -> SchemaRef {
        let fields = batches()[0].schema().fields().clone();
        let metadata = [("nfstream.version".to_owned(), "1".to_owned())];
        Arc::new(ArrowSchema::new(fields).with_metadata(metadata.into()))
    }

    fn written(format: Format) -> Vec<u8> {
        let mut writer = Writer::new(format, Vec::new(), &schema()).unwrap();
        for batch in batches() {
            let batch = RecordBatch::try_new(schema(), batch.columns().to_vec()).unwrap();
            writer.write(&batch).unwrap();
        }
        assert_eq!(writer.rows(), 6);
        let about = writer.bytes();
        let bytes = writer.finish().unwrap();
        assert!(about > 0 && about <= u64::try_from(bytes.len()).unwrap());
        bytes
    }

    fn names(batches: impl Iterator<Item = Result<RecordBatch, ArrowError>>) -> Vec<String> {
        let mut names = Vec::new();
        for batch in batches {
            let batch = batch.unwrap();
            let column = batch.column(1).as_dictionary::<Int32Type>();
            let column = column.downcast_dict::<arrow_array::StringArray>().unwrap();
            names.extend(column.into_iter().map(|name| name.unwrap().to_owned()));
        }
        names
    }

    const NAMES: [&str; 6] = ["TLS", "DNS", "TLS", "DNS", "HTTP", "TLS"];

    #[test]
    fn arrow_files_keep_names_and_metadata() {
        let reader = FileReader::try_new(io::Cursor::new(written(Format::Arrow)), None).unwrap();
        assert_eq!(reader.schema(), schema());
        assert_eq!(names(reader), NAMES);
    }

    #[test]
    fn arrow_streams_keep_names_and_metadata() {
        let bytes = written(Format::ArrowStream);
        let reader = StreamReader::try_new(bytes.as_slice(), None).unwrap();
        assert_eq!(reader.schema(), schema());
        assert_eq!(names(reader), NAMES);
    }

    #[test]
    fn parquet_keeps_names_and_metadata() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&written(Format::Parquet)).unwrap();
        let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
        let metadata = reader.metadata().file_metadata();
        assert!(metadata.created_by().is_some_and(|by| by.starts_with("nfstream version ")));
        let entries = metadata.key_value_metadata().unwrap();
        assert!(entries.iter().any(|entry| entry.key == "nfstream.version"));
        assert_eq!(names(reader.build().unwrap()), NAMES);
    }

    #[test]
    fn text_has_a_line_for_each_row() {
        let csv = String::from_utf8(written(Format::Csv)).unwrap();
        assert_eq!(csv, "id,name\n0,TLS\n1,DNS\n2,TLS\n3,DNS\n4,HTTP\n5,TLS\n");
        let json = String::from_utf8(written(Format::JsonLines)).unwrap();
        assert_eq!(json.lines().last(), Some(r#"{"id":5,"name":"TLS"}"#));
    }

    /// An output that is full at once.
    #[derive(Debug)]
    struct Full;

    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn errors_of_the_output_come_through_as_they_are() {
        for (_, format) in Format::ENDINGS {
            let result = Writer::new(format, Full, &schema()).and_then(|mut writer| {
                let columns = batches()[0].columns().to_vec();
                writer.write(&RecordBatch::try_new(schema(), columns).unwrap())?;
                writer.finish()
            });
            let error = result.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::StorageFull, "{format:?}: {error:?}");
        }
    }
}
