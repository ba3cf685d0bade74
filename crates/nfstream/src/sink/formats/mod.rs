//! Formats of tables, one file each, and their registry.

mod eve_fields;
mod eve_values;
mod ipc;
mod lines;
mod mapping;

use std::io::{self, Write};
use std::path::Path;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;

use super::compression::Compression;
use crate::features::{Column, Group};
use crate::table::Provenance;
use crate::time::TimeUnit;

/// Declares the formats: a constant of [`Format`] and the module that holds it as `FORMAT`.
macro_rules! registry {
    ($($name:ident: $module:ident,)*) => {
        $(mod $module;)*

        impl Format {
            $(
                #[doc = concat!("The format `", stringify!($module), "`.")]
                pub const $name: Self = $module::FORMAT;
            )*

            /// Every format.
            pub const ALL: [Self; [$(stringify!($name)),*].len()] = [$(Self::$name),*];
        }
    };
}

registry! {
    CSV: csv,
    JSON_LINES: jsonl,
    PARQUET: parquet,
    ARROW: arrow,
    ARROW_STREAM: arrows,
    IPFIX: ipfix,
    IPFIX_BIFLOW: ipfix_biflow,
    ZEEK: zeek,
    ZEEK_JSON: zeek_json,
    EVE: eve,
    ECS: ecs,
}

pub use self::csv::write_csv_text;

impl Format {
    /// Formats of a JSON object a line.
    pub(crate) const JSON_FORMATS: &[Self] =
        &[Self::JSON_LINES, Self::ECS, Self::EVE, Self::ZEEK_JSON];
}

/// Format of a table as bytes.
#[derive(Clone, Copy, Debug)]
pub struct Format {
    /// Name under which users select it.
    pub name: &'static str,
    /// File extensions, without the dot.
    pub extensions: &'static [&'static str],
    /// Description, in a few words.
    pub description: &'static str,
    /// Whether a terminal cannot show it.
    pub is_binary: bool,
    /// Columns that it is made of, `None` if it takes any.
    needs: Option<Needs>,
    /// Begins a table, with the columns of a schema, in an output.
    encoder: fn(Output, &SchemaRef, &Provenance) -> io::Result<Box<dyn Encoder>>,
}

/// Choices of a run on which the columns of a format depend.
#[derive(Clone, Copy)]
struct Chosen<'a> {
    /// Returns whether the user chose a group.
    shows: &'a dyn Fn(Group) -> bool,
    /// Whether flows have labels.
    dissects: bool,
    unit: TimeUnit,
}

/// Needs of a format that is made of certain columns.
#[derive(Clone, Copy, Debug)]
struct Needs {
    /// Returns the columns.
    columns: fn(Chosen<'_>) -> Vec<&'static Column>,
    /// Whether the bytes of IP packets count, not those of frames.
    ip_bytes: bool,
    /// Returns the fields for the reference, none for binary formats.
    fields: fn() -> Vec<FormatField>,
}

/// A field of a format that is made of certain columns.
#[derive(Clone, Copy, Debug)]
pub struct FormatField {
    /// Name; a dot separates the names of nested objects.
    pub name: &'static str,
    /// Type, in the words of the format.
    pub kind: &'static str,
    /// Columns that the value is made of, with instants in nanoseconds.
    pub columns: &'static [&'static str],
    /// Meaning where the name does not give it.
    pub about: &'static str,
}

/// An output of bytes.
pub type Output = Box<dyn Write + Send>;

/// Writes the batches of one table in one format.
pub trait Encoder: Send {
    /// Writes a batch.
    ///
    /// # Errors
    ///
    /// Errors of the output. The table cannot be completed after an error.
    fn write(&mut self, batch: &RecordBatch) -> io::Result<()>;

    /// Writes buffered rows, if the format allows.
    ///
    /// # Errors
    ///
    /// Those of the output.
    fn flush(&mut self) -> io::Result<()>;

    /// Completes the table.
    ///
    /// # Errors
    ///
    /// Those of the output.
    fn finish(self: Box<Self>) -> io::Result<()>;

    /// Returns the approximate bytes of the table so far.
    fn bytes(&self) -> u64;
}

impl Format {
    /// Starts a table with batches of `schema` in `output`. The metadata is written if the format
    /// has room for it.
    ///
    /// # Errors
    ///
    /// Those of `output`.
    pub fn encoder(
        &self,
        output: Output,
        schema: &SchemaRef,
        provenance: &Provenance,
    ) -> io::Result<Box<dyn Encoder>> {
        (self.encoder)(output, schema, provenance)
    }

    /// Returns the fields of a format that maps columns to names of its own, in order.
    pub fn fields(&self) -> Vec<FormatField> {
        self.needs.map(|needs| (needs.fields)()).unwrap_or_default()
    }

    /// Returns whether the format counts the bytes of IP packets, not of frames.
    pub fn counts_ip_bytes(&self) -> bool {
        self.needs.is_some_and(|needs| needs.ip_bytes)
    }

    /// Returns the columns that the format is made of, `None` if it takes any. `shows` says whether
    /// the user chose a group, `dissects` whether flows have labels; `unit` is that of the run.
    pub fn columns(
        &self,
        shows: impl Fn(Group) -> bool,
        dissects: bool,
        unit: TimeUnit,
    ) -> Option<Vec<&'static Column>> {
        self.needs.map(|needs| (needs.columns)(Chosen { shows: &shows, dissects, unit }))
    }

    /// Returns whether files end with metadata, and so can hold what is known only at the end.
    pub fn has_footer(&self) -> bool {
        *self == Self::PARQUET || *self == Self::ARROW
    }

    /// Returns the format called `name`.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name == name)
    }

    /// Returns the format that the extension of a file's name selects. The extension of a
    /// compression, `.gz` or `.zst`, may follow that of a text format.
    pub fn of_file(path: &Path) -> Option<Self> {
        if Compression::of_file(path).is_some() {
            return Self::of_file(&path.with_extension("")).filter(|format| !format.is_binary);
        }
        let extension = path.extension()?.to_str()?;
        let is_its = |known: &&str| known.eq_ignore_ascii_case(extension);
        Self::ALL.into_iter().find(|format| format.extensions.iter().any(is_its))
    }

    /// Returns the extensions of all formats, in alphabetical order.
    pub fn extensions() -> Vec<&'static str> {
        let mut all: Vec<_> =
            Self::ALL.iter().flat_map(|format| format.extensions).copied().collect();
        all.sort_unstable();
        all
    }
}

impl PartialEq for Format {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Format {}

/// An output and the number of bytes written to it.
struct Counted<W> {
    output: W,
    bytes: u64,
}

impl<W> Counted<W> {
    fn new(output: W) -> Self {
        Self { output, bytes: 0 }
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
    use std::sync::{Arc, Mutex};

    use ::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
    use arrow_array::cast::AsArray;
    use arrow_array::types::Int32Type;
    use arrow_array::{ArrayRef, DictionaryArray, Int64Array};
    use arrow_ipc::reader::{FileReader, StreamReader};
    use arrow_schema::{ArrowError, Schema as ArrowSchema};

    use super::*;

    /// Batches with contradicting dictionaries.
    fn batches() -> Vec<RecordBatch> {
        let batch = |start: i64, names: [&str; 3]| {
            let names: DictionaryArray<Int32Type> = names.into_iter().collect();
            let ids = Int64Array::from_iter_values(start..start + 3);
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
        Arc::new(provenance().describe(ArrowSchema::new(fields)))
    }

    fn provenance() -> Provenance {
        Provenance::default().with("version", "1")
    }

    /// Buffer shared by the output and the test.
    #[derive(Clone, Default)]
    struct Memory(Arc<Mutex<Vec<u8>>>);

    impl Write for Memory {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn written(format: Format) -> Vec<u8> {
        let memory = Memory::default();
        let output = Box::new(memory.clone());
        let mut encoder = format.encoder(output, &schema(), &provenance()).unwrap();
        for batch in batches() {
            let batch = RecordBatch::try_new(schema(), batch.columns().to_vec()).unwrap();
            encoder.write(&batch).unwrap();
        }
        let about = encoder.bytes();
        encoder.finish().unwrap();
        let bytes = std::mem::take(&mut *memory.0.lock().unwrap());
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
        let reader = FileReader::try_new(io::Cursor::new(written(Format::ARROW)), None).unwrap();
        assert_eq!(reader.schema(), schema());
        assert_eq!(names(reader), NAMES);
    }

    #[test]
    fn arrow_streams_keep_names_and_metadata() {
        let bytes = written(Format::ARROW_STREAM);
        let reader = StreamReader::try_new(bytes.as_slice(), None).unwrap();
        assert_eq!(reader.schema(), schema());
        assert_eq!(names(reader), NAMES);
    }

    #[test]
    fn parquet_keeps_names_and_metadata() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&written(Format::PARQUET)).unwrap();
        let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
        let metadata = reader.metadata().file_metadata();
        assert!(metadata.created_by().is_some_and(|by| by.starts_with("nfstream version ")));
        let entries = metadata.key_value_metadata().unwrap();
        assert!(entries.iter().any(|entry| entry.key == "nfstream.version"));
        assert_eq!(names(reader.build().unwrap()), NAMES);
    }

    #[test]
    fn extensions_select_one_format_each() {
        let extensions = Format::extensions();
        for extension in &extensions {
            let path = Path::new("flows").with_extension(extension.to_uppercase());
            assert!(Format::of_file(&path).is_some_and(|f| f.extensions.contains(extension)));
        }
        let mut unique = extensions.clone();
        unique.dedup();
        assert_eq!(unique, extensions);
    }

    #[test]
    fn text_has_a_line_for_each_row() {
        let csv = String::from_utf8(written(Format::CSV)).unwrap();
        assert_eq!(csv, "id,name\n0,TLS\n1,DNS\n2,TLS\n3,DNS\n4,HTTP\n5,TLS\n");
        let json = String::from_utf8(written(Format::JSON_LINES)).unwrap();
        assert_eq!(json.lines().last(), Some(r#"{"id":5,"name":"TLS"}"#));
    }

    /// An output that is always full.
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
    fn errors_of_the_output_are_returned_unchanged() {
        for format in Format::ALL {
            let encoder = format.encoder(Box::new(Full), &schema(), &provenance());
            let result = encoder.and_then(|mut encoder| {
                let columns = batches()[0].columns().to_vec();
                encoder.write(&RecordBatch::try_new(schema(), columns).unwrap())?;
                encoder.finish()
            });
            let error = result.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::StorageFull, "{format:?}: {error:?}");
        }
    }
}
