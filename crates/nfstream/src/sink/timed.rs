//! Files for spans of time, named by a pattern.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::fs;
use std::num::NonZeroUsize;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;

use super::{Existing, FileSink, Format, NumberedFiles, Sink, SinkError, Written};
use crate::table::Provenance;
use crate::time::{Civil, Duration, Timestamp};

/// A table divided by the times at which flows end, into a file for each span.
///
/// The path may contain `%Y`, `%m`, `%d`, `%H`, `%M`, `%S`, `%F` (`%Y-%m-%d`), `%s` (seconds since
/// the Unix epoch) and `%%`; the start of the span, in UTC, replaces them. Folders are created. A
/// path without any of them gets numbers: `flows.0.csv`. No existing file is replaced: if one has
/// the name, the new file gets the next free number, so a program can be restarted.
#[derive(Debug)]
pub struct TimedFiles {
    pattern: PathBuf,
    format: Format,
    every: Duration,
    keep: Option<NonZeroUsize>,
    table: Option<(SchemaRef, Provenance)>,
    /// Start of the current span.
    period: Timestamp,
    current: Option<(FileSink, PathBuf)>,
    /// Number of the next file, if the path has no conversions.
    number: Option<u64>,
    /// Complete files of this table if only some are kept, the oldest first.
    complete: VecDeque<PathBuf>,
    total: Written,
}

impl TimedFiles {
    /// Returns the files of `pattern`, one for each span of `every`. Only the newest `keep` of the
    /// files that it writes stay.
    pub fn new(
        pattern: &Path,
        format: Format,
        every: Duration,
        keep: Option<NonZeroUsize>,
    ) -> Self {
        Self {
            pattern: pattern.to_path_buf(),
            format,
            every,
            keep,
            table: None,
            period: Timestamp::default(),
            current: None,
            number: None,
            complete: VecDeque::new(),
            total: Written::default(),
        }
    }

    /// Checks that files can be created in the folder that all of them share, and creates it if
    /// necessary.
    fn check(&self) -> Result<(), SinkError> {
        let mut folder = PathBuf::new();
        for part in self.pattern.parent().unwrap_or_else(|| Path::new("")).components() {
            if has_conversion(&part) {
                break;
            }
            folder.push(part);
        }
        if folder.as_os_str().is_empty() {
            folder.push(".");
        }
        let cannot = |source| SinkError::io(&folder, source);
        fs::create_dir_all(&folder).map_err(cannot)?;
        tempfile::tempfile_in(&folder).map(drop).map_err(cannot)
    }

    fn begin(&mut self) -> Result<&mut FileSink, SinkError> {
        let path = self.next_path()?;
        let (schema, provenance) = self.table.as_ref().ok_or(SinkError::NotOpen)?;
        if let Some(folder) = path.parent().filter(|folder| *folder != Path::new("")) {
            fs::create_dir_all(folder).map_err(|source| SinkError::io(folder, source))?;
        }
        let mut file = FileSink::new(&path, Existing::Keep, self.format);
        file.open(schema, provenance)?;
        let (file, _) = self.current.insert((file, path));
        Ok(file)
    }

    /// Returns an unused path.
    fn next_path(&mut self) -> Result<PathBuf, SinkError> {
        let path = expanded(&self.pattern, self.period);
        let is_pattern = self.pattern.components().any(|part| has_conversion(&part));
        if is_pattern && !path.exists() {
            return Ok(path);
        }
        let files = NumberedFiles::new(&path, Existing::Continue, self.format);
        if is_pattern {
            return Ok(files.name(files.next_number()?.max(1)));
        }
        let mut number = match self.number {
            Some(number) => number,
            // The first file: later ones follow without a list of the folder.
            None => files.next_number()?,
        };
        while files.name(number).exists() {
            number = number.wrapping_add(1);
        }
        self.number = Some(number.wrapping_add(1));
        Ok(files.name(number))
    }

    fn complete_file(&mut self) -> Result<(), SinkError> {
        let Some((mut file, path)) = self.current.take() else { return Ok(()) };
        self.total = self.total + file.finish()?;
        if self.keep.is_some() {
            self.complete.push_back(path);
        }
        while let Some(keep) = self.keep
            && self.complete.len() > keep.get()
            && let Some(oldest) = self.complete.pop_front()
        {
            super::numbered::remove(&oldest)?;
        }
        Ok(())
    }
}

impl Sink for TimedFiles {
    fn open(&mut self, schema: &SchemaRef, provenance: &Provenance) -> Result<(), SinkError> {
        self.check()?;
        self.table = Some((Arc::clone(schema), provenance.clone()));
        Ok(())
    }

    fn every(&self) -> Option<Duration> {
        Some(self.every)
    }

    fn begin_period(&mut self, start: Timestamp) -> Result<(), SinkError> {
        if start != self.period {
            self.complete_file()?;
            self.period = start;
        }
        Ok(())
    }

    fn write(&mut self, batch: &RecordBatch) -> Result<(), SinkError> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        match &mut self.current {
            Some((file, _)) => file.write(batch),
            None => self.begin()?.write(batch),
        }
    }

    /// Writes nothing: a file is not visible before it is complete.
    fn flush(&mut self) -> Result<(), SinkError> {
        Ok(())
    }

    fn finish(&mut self) -> Result<Written, SinkError> {
        self.complete_file()?;
        Ok(self.total)
    }

    /// Aborts the current file; complete ones stay.
    fn abort(&mut self) {
        if let Some((mut file, _)) = self.current.take() {
            file.abort();
        }
    }

    fn written(&self) -> Written {
        let current = self.current.as_ref().map(|(file, _)| file.written());
        self.total + current.unwrap_or_default()
    }
}

/// Returns whether a part of a path contains a conversion.
fn has_conversion(part: &Component<'_>) -> bool {
    part.as_os_str().to_string_lossy().contains('%')
}

/// Replaces the conversions in `pattern` with the parts of `time`.
fn expanded(pattern: &Path, time: Timestamp) -> PathBuf {
    let Some(text) = pattern.to_str() else { return pattern.to_path_buf() };
    let Civil { year, month, day, hour, minute, second, .. } = time.civil();
    let mut path = String::with_capacity(text.len() + 16);
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        if letter != '%' {
            path.push(letter);
            continue;
        }
        // Writing to a string does not fail.
        let _written = match letters.next() {
            Some('Y') => write!(path, "{year:04}"),
            Some('m') => write!(path, "{month:02}"),
            Some('d') => write!(path, "{day:02}"),
            Some('H') => write!(path, "{hour:02}"),
            Some('M') => write!(path, "{minute:02}"),
            Some('S') => write!(path, "{second:02}"),
            Some('F') => write!(path, "{year:04}-{month:02}-{day:02}"),
            Some('s') => write!(path, "{}", time.nanos().div_euclid(1_000_000_000)),
            Some('%') | None => write!(path, "%"),
            Some(other) => write!(path, "%{other}"),
        };
    }
    path.into()
}

#[cfg(test)]
mod tests {
    use arrow_array::Int64Array;
    use tempfile::TempDir;

    use super::*;

    fn batch(row: i64) -> RecordBatch {
        let ids = Int64Array::from_iter_values([row]);
        RecordBatch::try_from_iter([("id", Arc::new(ids) as _)]).unwrap()
    }

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    /// Writes a row at each of `times`.
    fn write(pattern: &Path, keep: usize, times: &[&str]) {
        let hour = Duration::parse("1h").unwrap();
        let mut files = TimedFiles::new(pattern, Format::CSV, hour, NonZeroUsize::new(keep));
        files.open(&batch(0).schema(), &Provenance::default()).unwrap();
        for time in times {
            files.begin_period(at(time).start_of(hour)).unwrap();
            files.write(&batch(1)).unwrap();
        }
        assert_eq!(files.finish().unwrap().rows, u64::try_from(times.len()).unwrap());
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names = Vec::new();
        let mut folders = vec![folder.to_path_buf()];
        while let Some(next) = folders.pop() {
            for entry in fs::read_dir(next).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    names.push(path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned());
                }
            }
        }
        names.sort();
        names
    }

    #[test]
    fn names_come_from_the_start_of_the_span() {
        let time = at("2026-11-25T15:04:05Z");
        let path = |pattern: &str| expanded(Path::new(pattern), time).display().to_string();
        assert_eq!(path("flows/day=%F/%H.parquet"), "flows/day=2026-11-25/15.parquet");
        assert_eq!(path("%Y%m%d-%H%M%S-%s-%%-%q%"), "20261125-150405-1795619045-%-%q%");
    }

    #[test]
    fn each_span_has_a_file_and_a_later_run_continues() {
        let folder = TempDir::new().unwrap();
        let pattern = folder.path().join("day=%F/%H.csv");
        let times = ["2026-11-25T22:10:00Z", "2026-11-25T22:50:00Z", "2026-11-26T00:00:00Z"];
        write(&pattern, 0, &times);
        assert_eq!(names(folder.path()), ["day=2026-11-25/22.csv", "day=2026-11-26/00.csv"]);
        let first = fs::read_to_string(folder.path().join("day=2026-11-25/22.csv")).unwrap();
        assert_eq!(first, "id\n1\n1\n");
        write(&pattern, 0, &["2026-11-26T00:30:00Z"]);
        write(&pattern, 0, &["2026-11-26T00:40:00Z"]);
        let of_day = names(&folder.path().join("day=2026-11-26"));
        assert_eq!(of_day, ["00.1.csv", "00.2.csv", "00.csv"]);
    }

    #[test]
    fn a_path_without_conversions_gets_numbers() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("flows.csv.gz");
        write(&path, 0, &["2026-11-25T22:10:00Z", "2026-11-25T23:10:00Z"]);
        write(&path, 1, &["2026-11-26T01:10:00Z", "2026-11-26T02:10:00Z"]);
        let all = ["flows.0.csv.gz", "flows.1.csv.gz", "flows.3.csv.gz"];
        assert_eq!(names(folder.path()), all);
        let bytes = fs::read(folder.path().join("flows.0.csv.gz")).unwrap();
        let mut text = String::new();
        let mut reader = flate2::read::GzDecoder::new(bytes.as_slice());
        std::io::Read::read_to_string(&mut reader, &mut text).unwrap();
        assert_eq!(text, "id\n1\n");
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_an_error_before_the_first_row() {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        let hour = Duration::parse("1h").unwrap();
        let mut files = TimedFiles::new(&file.join("x/%H.csv"), Format::CSV, hour, None);
        assert!(files.open(&batch(0).schema(), &Provenance::default()).is_err());
    }
}
