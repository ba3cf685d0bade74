//! Rows of a table of flows: the numbers of the flows in it, and the parameters of its run.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek};
use std::path::{Path, PathBuf};

use arrow_array::cast::AsArray;
use arrow_array::types::TimestampNanosecondType;
use arrow_array::types::{Int64Type, TimestampMicrosecondType, TimestampMillisecondType};
use arrow_array::{Array, RecordBatch};
use arrow_ipc::reader::{FileReader, StreamReader};
use arrow_schema::{ArrowError, DataType, SchemaRef, TimeUnit as ArrowUnit};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::{Map, Value as Json};

use crate::host::visible_path;
use crate::time::{TimeUnit, Timestamp};

/// Key of the metadata with the parameters of the run.
const PARAMETERS: &str = "nfstream.parameters";

/// Maximum number of bytes of a row of text.
const LONGEST_ROW: u64 = 16 << 20;

/// Rows of a table.
#[derive(Clone, Debug, Default)]
pub struct Rows {
    /// Times of the first packets of each conversation's slices; empty for all slices.
    flows: HashMap<u64, HashSet<i64>>,
    /// Unit of these times.
    pub unit: Option<TimeUnit>,
    /// Parameters of the run, `None` for formats that do not record them.
    pub parameters: Option<Map<String, Json>>,
}

/// Reason why a table cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum RowsError {
    /// The file cannot be read.
    #[error("{}: cannot be read", visible_path(path))]
    Io {
        /// Path of the table.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The file is not a table of flows.
    #[error("{}: {what}", visible_path(path))]
    NoTable {
        /// Path of the table.
        path: PathBuf,
        /// Description of the problem.
        what: String,
    },
}

/// Format of a table, recognised by its first bytes.
enum Kind {
    Parquet,
    ArrowFile,
    ArrowStream,
    JsonLines,
    Csv,
}

impl Rows {
    /// Reads the table at `path`: Parquet, Arrow, CSV or JSON lines, as this program writes them.
    ///
    /// # Errors
    ///
    /// [`RowsError`] if the file cannot be read, or has no column `id`.
    pub fn read(path: &Path) -> Result<Self, RowsError> {
        let wrong = |what: String| RowsError::NoTable { path: path.to_path_buf(), what };
        let io = |source| RowsError::Io { path: path.to_path_buf(), source };
        let arrow = |error: ArrowError| wrong(error.to_string());
        let mut file = File::open(path).map_err(io)?;
        let kind = Kind::of(&mut file).map_err(io)?;
        let mut rows = Self::default();
        match kind {
            Kind::Parquet => {
                let builder = ParquetRecordBatchReaderBuilder::try_new(file)
                    .map_err(|error| wrong(error.to_string()))?;
                rows.describe(builder.schema());
                let read = ["id", "first_seen", "source"];
                let read = ProjectionMask::columns(builder.parquet_schema(), read);
                let batches = builder
                    .with_projection(read)
                    .build()
                    .map_err(|error| wrong(error.to_string()))?;
                for batch in batches {
                    rows.add_batch(&batch.map_err(arrow)?).map_err(wrong)?;
                }
            }
            Kind::ArrowFile => {
                let reader = FileReader::try_new(file, None).map_err(arrow)?;
                rows.describe(&reader.schema());
                for batch in reader {
                    rows.add_batch(&batch.map_err(arrow)?).map_err(wrong)?;
                }
            }
            Kind::ArrowStream => {
                let reader = StreamReader::try_new(BufReader::new(file), None).map_err(arrow)?;
                rows.describe(&reader.schema());
                for batch in reader {
                    rows.add_batch(&batch.map_err(arrow)?).map_err(wrong)?;
                }
            }
            Kind::JsonLines => {
                let (mut lines, mut line) = (BufReader::new(file), Vec::new());
                while read_line(&mut lines, &mut line).map_err(io)? {
                    rows.add_json(&String::from_utf8_lossy(&line)).map_err(wrong)?;
                    line.clear();
                }
            }
            Kind::Csv => rows.add_csv(BufReader::new(file)).map_err(io)?.map_err(wrong)?,
        }
        Ok(rows)
    }

    /// Returns whether a flow is one of the rows.
    pub fn contains(&self, id: u64, first_seen: Timestamp) -> bool {
        let unit = self.unit.unwrap_or_default();
        self.flows
            .get(&id)
            .is_some_and(|starts| starts.is_empty() || starts.contains(&first_seen.ticks(unit)))
    }

    /// Returns the number of conversations.
    pub fn conversations(&self) -> usize {
        self.flows.len()
    }

    fn add(&mut self, id: i64, first_seen: Option<i64>) {
        let Ok(id) = u64::try_from(id) else { return };
        let starts = self.flows.entry(id).or_default();
        starts.extend(first_seen);
    }

    fn describe(&mut self, schema: &SchemaRef) {
        let text = schema.metadata().get(PARAMETERS);
        self.parameters = text.and_then(|text| serde_json::from_str(text).ok());
        let unit = self.parameters.as_ref().and_then(|all| all.get("time_unit")?.as_str());
        self.unit = TimeUnit::ALL.into_iter().find(|known| Some(known.symbol()) == unit);
    }

    fn add_batch(&mut self, batch: &RecordBatch) -> Result<(), String> {
        if batch.column_by_name("source").is_some() {
            return Err(
                "holds flows of separate captures; extract from one at a time with --where \
                        or --id"
                    .to_owned(),
            );
        }
        let ids = batch.column_by_name("id").ok_or_else(no_id)?;
        let ids = ids.as_primitive_opt::<Int64Type>().ok_or_else(no_id)?;
        let starts = batch.column_by_name("first_seen");
        if let Some(DataType::Timestamp(unit, _)) = starts.map(|starts| starts.data_type()) {
            self.unit = Some(match unit {
                ArrowUnit::Microsecond => TimeUnit::Microseconds,
                ArrowUnit::Nanosecond => TimeUnit::Nanoseconds,
                ArrowUnit::Millisecond | ArrowUnit::Second => TimeUnit::Milliseconds,
            });
        }
        for row in 0..batch.num_rows() {
            self.add(ids.value(row), starts.and_then(|starts| ticks(starts, row)));
        }
        Ok(())
    }

    fn add_json(&mut self, line: &str) -> Result<(), String> {
        if line.trim().is_empty() {
            return Ok(());
        }
        let row: Json = serde_json::from_str(line).map_err(|error| error.to_string())?;
        let id = row.get("id").and_then(Json::as_i64).ok_or_else(no_id)?;
        let start = row.get("first_seen");
        let start = start.and_then(|start| self.start(start.as_i64(), start.as_str()));
        self.add(id, start);
        Ok(())
    }

    fn add_csv(&mut self, mut lines: impl BufRead) -> io::Result<Result<(), String>> {
        let mut line = Vec::new();
        let mut places: Option<(usize, Option<usize>)> = None;
        loop {
            line.clear();
            if !read_row(&mut lines, &mut line)? {
                return Ok(if places.is_some() { Ok(()) } else { Err(no_id()) });
            }
            let fields = fields(&String::from_utf8_lossy(&line));
            let Some((id, start)) = places else {
                let place = |name: &str| fields.iter().position(|field| field == name);
                let Some(id) = place("id") else { return Ok(Err(no_id())) };
                places = Some((id, place("first_seen")));
                continue;
            };
            let field = |place: usize| fields.get(place).map_or("", String::as_str);
            let Ok(id) = field(id).parse() else { continue };
            let start = start.map(field);
            let start = start.and_then(|text| self.start(text.parse().ok(), Some(text)));
            self.add(id, start);
        }
    }

    /// Returns the time of a first packet as a number in the unit of the table.
    fn start(&mut self, number: Option<i64>, text: Option<&str>) -> Option<i64> {
        if number.is_some() {
            return number;
        }
        let text = text?;
        let time = Timestamp::parse(text)?;
        let digits = text.split_once('.').map_or(0, |(_, rest)| rest.trim_end_matches('Z').len());
        let unit = match digits {
            ..=3 => TimeUnit::Milliseconds,
            4..=6 => TimeUnit::Microseconds,
            _ => TimeUnit::Nanoseconds,
        };
        self.unit = Some(unit);
        Some(time.ticks(unit))
    }
}

impl Kind {
    fn of(file: &mut File) -> io::Result<Self> {
        let mut head = Vec::new();
        Read::take(&mut *file, 8).read_to_end(&mut head)?;
        file.rewind()?;
        Ok(match head.as_slice() {
            [b'P', b'A', b'R', b'1', ..] => Self::Parquet,
            [b'A', b'R', b'R', b'O', b'W', b'1', ..] => Self::ArrowFile,
            [0xff, 0xff, 0xff, 0xff, ..] => Self::ArrowStream,
            [b'{', ..] => Self::JsonLines,
            _ => Self::Csv,
        })
    }
}

/// Returns the number in row `row` of a column of times.
fn ticks(starts: &dyn Array, row: usize) -> Option<i64> {
    if starts.is_null(row) {
        return None;
    }
    match starts.data_type() {
        DataType::Int64 => Some(starts.as_primitive_opt::<Int64Type>()?.value(row)),
        DataType::Timestamp(ArrowUnit::Millisecond, _) => {
            Some(starts.as_primitive_opt::<TimestampMillisecondType>()?.value(row))
        }
        DataType::Timestamp(ArrowUnit::Microsecond, _) => {
            Some(starts.as_primitive_opt::<TimestampMicrosecondType>()?.value(row))
        }
        DataType::Timestamp(ArrowUnit::Nanosecond, _) => {
            Some(starts.as_primitive_opt::<TimestampNanosecondType>()?.value(row))
        }
        _ => None,
    }
}

/// Appends the next row of CSV, whose quoted fields may hold line breaks; returns whether there was
/// one.
fn read_row(lines: &mut impl BufRead, row: &mut Vec<u8>) -> io::Result<bool> {
    let mut is_quoted = false;
    loop {
        let before = row.len();
        if !read_line(lines, row)? {
            return Ok(!row.is_empty());
        }
        let added = row.get(before..).unwrap_or_default();
        let quotes = added.iter().filter(|byte| **byte == b'"').count();
        is_quoted ^= !quotes.is_multiple_of(2);
        if !is_quoted {
            return Ok(true);
        }
    }
}

/// Appends the next line to `row`, which has at most [`LONGEST_ROW`] bytes then; returns whether
/// there was one.
fn read_line(lines: &mut impl BufRead, row: &mut Vec<u8>) -> io::Result<bool> {
    let before = row.len();
    let room = LONGEST_ROW.saturating_sub(u64::try_from(before).unwrap_or(u64::MAX));
    lines.by_ref().take(room).read_until(b'\n', row)?;
    if row.len() > before && (row.ends_with(b"\n") || lines.fill_buf()?.is_empty()) {
        return Ok(true);
    }
    match lines.fill_buf()?.is_empty() {
        true => Ok(false),
        false => Err(io::Error::other("a row has more than 16 MiB")),
    }
}

/// Returns the fields of a row of CSV (RFC 4180).
fn fields(row: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut is_quoted = false;
    for character in row.trim_end_matches(['\n', '\r']).chars() {
        match character {
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => fields.push(String::new()),
            _ => {
                if let Some(field) = fields.last_mut() {
                    field.push(character);
                }
            }
        }
    }
    fields
}

fn no_id() -> String {
    "not a table of flows: it has no column 'id'".to_owned()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn rows(name: &str, text: &str) -> Result<Rows, RowsError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        Rows::read(&path)
    }

    #[test]
    fn fields_in_quotes_may_hold_line_breaks() {
        let read = rows("flows.csv", "id,\"a\n\"\"b\"\n3,\"x\n\ny\"\n4,z").unwrap();
        assert!(read.contains(3, Timestamp::default()) && read.contains(4, Timestamp::default()));
        assert_eq!(read.conversations(), 2);
    }

    #[test]
    fn a_row_without_end_is_an_error() {
        let fields = "x,".repeat(9 << 20);
        for text in [format!("id\n1,{fields}\n"), format!("id\n\"{}\n", "x\n".repeat(9 << 20))] {
            let error = rows("flows.csv", &text).unwrap_err();
            assert!(format!("{error:?}").contains("16 MiB"), "{error:?}");
        }
        let line = format!("{{\"id\": 1, \"a\": \"{fields}\"}}\n");
        assert!(rows("flows.jsonl", &line).is_err());
    }
}
