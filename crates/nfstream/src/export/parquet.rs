//! Tables as Parquet files.

use std::io::{self, Write};
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{ArrowError, DataType, Field, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::schema::types::ColumnPath;

/// Rows of a row group, at most. They are in memory until the group is full.
const GROUP_ROWS: usize = 65_536;
/// Bytes of a row group, about; only long text makes one that large.
const GROUP_BYTES: usize = 32 << 20;

/// Writes batches as row groups, compressed with zstd.
pub(super) struct ParquetWriter<W: Write + Send>(ArrowWriter<Slot<W>>);

/// An output that can be taken back. The writer's own way to give it back makes a text of what the
/// system says.
struct Slot<W>(Option<W>);

impl<W: Write + Send> ParquetWriter<W> {
    /// Returns a writer of batches of `schema`, whose metadata goes into the file's own.
    pub(super) fn new(output: W, schema: &SchemaRef) -> io::Result<Self> {
        let entries = schema.metadata().iter();
        let mut entries: Vec<_> =
            entries.map(|(name, value)| KeyValue::new(name.clone(), value.clone())).collect();
        entries.sort_by(|a, b| a.key.cmp(&b.key));
        let mut properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_created_by(concat!("nfstream version ", env!("CARGO_PKG_VERSION")).to_owned())
            .set_key_value_metadata(Some(entries))
            .set_max_row_group_row_count(Some(GROUP_ROWS))
            .set_max_row_group_bytes(Some(GROUP_BYTES));
        for field in schema.fields().iter().filter(|field| grows(field)) {
            let path = ColumnPath::from(field.name().as_str());
            properties = properties
                .set_column_dictionary_enabled(path.clone(), false)
                .set_column_encoding(path, Encoding::DELTA_BINARY_PACKED);
        }
        let properties = Some(properties.build());
        let writer = ArrowWriter::try_new(Slot(Some(output)), Arc::clone(schema), properties);
        writer.map(Self).map_err(io_error)
    }

    pub(super) fn write(&mut self, batch: &RecordBatch) -> io::Result<()> {
        self.0.write(batch).map_err(io_error)
    }

    /// Writes what is left, and the footer.
    pub(super) fn finish(mut self) -> io::Result<W> {
        self.0.finish().map_err(io_error)?;
        self.0.sync()?;
        Ok(self.0.inner_mut().0.take().expect("it is taken only here, at the end"))
    }

    /// Returns the bytes of the file so far, about.
    pub(super) fn bytes(&self) -> usize {
        self.0.bytes_written() + self.0.in_progress_size()
    }
}

impl<W: Write> Write for Slot<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.as_mut().map_or(Ok(0), |output| output.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.as_mut().map_or(Ok(()), Write::flush)
    }
}

/// Returns whether the numbers of a column grow from row to row, more or less: all differ, so a
/// dictionary would be of no use, but their differences are small.
fn grows(field: &Field) -> bool {
    use DataType::{Int64, Timestamp, UInt64};
    matches!(field.data_type(), Int64 | Timestamp(..) | UInt64)
        && ["id", "first_seen", "last_seen"].contains(&field.name().as_str())
}

fn io_error(error: ParquetError) -> io::Error {
    let ParquetError::External(source) = error else { return io::Error::other(error) };
    match source.downcast::<io::Error>() {
        Ok(source) => *source,
        Err(source) => match source.downcast::<ArrowError>() {
            Ok(source) => super::ipc::io_error(*source),
            Err(source) => io::Error::other(source),
        },
    }
}
