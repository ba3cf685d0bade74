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

use super::{Encoder, Format};
use crate::features::columns;
use crate::table::Provenance;
use crate::time::TimeUnit;

/// Most rows in a row group, which stays in memory until it is full.
const GROUP_ROWS: usize = 65_536;
/// Approximate limit on the bytes in a row group; only long texts make a group that large.
const GROUP_BYTES: usize = 32 << 20;

pub(super) const FORMAT: Format = Format {
    name: "parquet",
    extensions: &["parquet"],
    description: "Apache Parquet",
    is_binary: true,
    needs: None,
    encoder: |output, schema, provenance| {
        Ok(Box::new(ParquetEncoder::new(output, schema, provenance)?))
    },
};

/// Writes batches as row groups, compressed with zstd.
struct ParquetEncoder<W: Write + Send> {
    writer: ArrowWriter<W>,
    provenance: Provenance,
}

impl<W: Write + Send> ParquetEncoder<W> {
    /// Returns an encoder of batches of `schema`; `provenance` goes into the metadata of the file.
    fn new(output: W, schema: &SchemaRef, provenance: &Provenance) -> io::Result<Self> {
        let entries = provenance.entries();
        let mut entries: Vec<_> =
            entries.map(|(name, value)| KeyValue::new(name.to_owned(), value.to_owned())).collect();
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
        let writer = ArrowWriter::try_new(output, Arc::clone(schema), properties);
        let provenance = provenance.clone();
        writer.map(|writer| Self { writer, provenance }).map_err(io_error)
    }
}

impl<W: Write + Send> Encoder for ParquetEncoder<W> {
    fn write(&mut self, batch: &RecordBatch) -> io::Result<()> {
        self.writer.write(batch).map_err(io_error)
    }

    /// Writes nothing: a row group is written when it is full, because many small groups make a
    /// poor file.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }

    /// Writes the remaining rows, and the footer.
    fn finish(mut self: Box<Self>) -> io::Result<()> {
        for (name, value) in self.provenance.later() {
            self.writer.append_key_value_metadata(KeyValue::new(name, value));
        }
        self.writer.finish().map_err(io_error)?;
        self.writer.sync()
    }

    fn bytes(&self) -> u64 {
        u64::try_from(self.writer.bytes_written() + self.writer.in_progress_size())
            .unwrap_or(u64::MAX)
    }
}

/// Returns whether the numbers in a column mostly grow from row to row: all are different, so a
/// dictionary would be useless, but the steps are small.
fn grows(field: &Field) -> bool {
    matches!(field.data_type(), DataType::Int64 | DataType::Timestamp(..))
        && columns(TimeUnit::default()).any(|column| column.ascends && column.name == field.name())
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
