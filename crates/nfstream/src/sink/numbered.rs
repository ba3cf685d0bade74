//! Numbered files, as the parts of one table.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::compression::{Compression, uncompressed};
use super::draft::folder;
use super::{Existing, FileSink, Format, Parts, Rotating, Rotation, Sink, SinkError};

/// Files of one path with numbers before the extension: `flows.0.csv`, `flows.1.csv`.
///
/// With [`Existing::Keep`], opening fails if any file with such a name exists. With
/// [`Existing::Replace`], leftover files of an earlier, longer table are removed at the end, so
/// that the remaining ones form one table.
#[derive(Debug)]
pub struct NumberedFiles {
    path: PathBuf,
    existing: Existing,
    format: Format,
}

/// Returns the existing files that a table at `path` may replace.
///
/// # Errors
///
/// [`SinkError::Io`] if the folder cannot be listed.
pub fn existing_at(path: &Path, rotation: Rotation) -> Result<Vec<PathBuf>, SinkError> {
    if rotation.is_on() { numbered_at(path) } else { Ok(vec![path.to_path_buf()]) }
}

/// Returns the existing files with numbers that belong to `path`: `flows.0.csv`, `flows.1.csv`.
///
/// # Errors
///
/// [`SinkError::Io`] if the folder cannot be listed.
pub fn numbered_at(path: &Path) -> Result<Vec<PathBuf>, SinkError> {
    let files = NumberedFiles::new(path, Existing::Replace, Format::CSV);
    Ok(files.numbered()?.into_iter().map(|(_, path)| path).collect())
}

/// Returns a sink for the file at `path`, or with rotation for its [`NumberedFiles`].
pub fn files_at(
    path: &Path,
    existing: Existing,
    format: Format,
    rotation: Rotation,
) -> Box<dyn Sink> {
    if rotation.is_on() {
        Box::new(Rotating::new(NumberedFiles::new(path, existing, format), rotation))
    } else {
        Box::new(FileSink::new(path, existing, format))
    }
}

impl NumberedFiles {
    /// Returns the files of `path`.
    pub fn new(path: &Path, existing: Existing, format: Format) -> Self {
        Self { path: path.to_path_buf(), existing, format }
    }

    /// Returns the path of the file with this number.
    pub fn name(&self, number: u64) -> PathBuf {
        match self.extension() {
            Some(extension) => {
                let numbered = [OsString::from(format!("{number}.")), extension];
                uncompressed(&self.path).with_extension(numbered.into_iter().collect::<OsString>())
            }
            None => self.path.with_extension(number.to_string()),
        }
    }

    /// Returns the extension after the number: that of the format, and that of the compression.
    fn extension(&self) -> Option<OsString> {
        let last = self.path.extension()?;
        if Compression::of_file(&self.path).is_none() {
            return Some(last.into());
        }
        let plain = uncompressed(&self.path);
        let mut extension = OsString::new();
        if let Some(first) = plain.extension() {
            extension.push(first);
            extension.push(".");
        }
        extension.push(last);
        Some(extension)
    }

    /// Returns the number after that of the newest file.
    ///
    /// # Errors
    ///
    /// [`SinkError::Io`] if the folder cannot be listed.
    pub(super) fn next_number(&self) -> Result<u64, SinkError> {
        let newest = self.numbered()?.into_iter().map(|(number, _)| number).max();
        Ok(newest.map_or(0, |newest| newest.saturating_add(1)))
    }

    /// Returns the existing files whose names match this table.
    fn numbered(&self) -> Result<Vec<(u64, PathBuf)>, SinkError> {
        let folder = folder(&self.path);
        // Any other problem surfaces when a file is created.
        let Ok(entries) = fs::read_dir(folder) else { return Ok(Vec::new()) };
        let mut found = Vec::new();
        for entry in entries {
            let name = entry.map_err(|source| SinkError::io(folder, source))?.file_name();
            let Some(number) = self.number(Path::new(&name)) else { continue };
            found.push((number, self.name(number)));
        }
        Ok(found)
    }

    /// Returns the number in a file's name, if it matches this table.
    fn number(&self, name: &Path) -> Option<u64> {
        let stem = match self.extension() {
            Some(extension) => {
                let ending = format!(".{}", extension.to_str()?);
                name.to_str()?.strip_suffix(&ending)?
            }
            None => name.to_str()?,
        };
        let number: u64 = Path::new(stem).extension()?.to_str()?.parse().ok()?;
        // `flows.007.csv` does not match.
        (self.name(number).file_name() == Some(name.as_os_str())).then_some(number)
    }
}

impl Parts for NumberedFiles {
    type Sink = FileSink;

    fn begin(&mut self) -> Result<(), SinkError> {
        match self.existing {
            Existing::Keep => match self.numbered()?.into_iter().min() {
                Some((_, path)) => Err(SinkError::Exists { path }),
                None => Ok(()),
            },
            Existing::Continue | Existing::Replace => Ok(()),
        }
    }

    fn earlier(&self) -> Vec<u64> {
        if self.existing != Existing::Continue {
            return Vec::new();
        }
        // The check of `begin` found the folder.
        let found = self.numbered().unwrap_or_default();
        let mut numbers: Vec<_> = found.into_iter().map(|(number, _)| number).collect();
        numbers.sort_unstable();
        numbers
    }

    fn part(&mut self, number: u64) -> FileSink {
        FileSink::new(&self.name(number), self.existing, self.format)
    }

    fn remove(&mut self, number: u64) -> Result<(), SinkError> {
        remove(&self.name(number))
    }

    fn end(&mut self, kept: &VecDeque<u64>) -> Result<(), SinkError> {
        if self.existing == Existing::Replace {
            for path in leftover(self.numbered()?, kept) {
                remove(&path)?;
            }
        }
        Ok(())
    }
}

/// Returns the files that are not among the parts `kept`, which are in ascending order.
fn leftover(
    found: Vec<(u64, PathBuf)>,
    kept: &VecDeque<u64>,
) -> impl Iterator<Item = PathBuf> + '_ {
    let is_left = move |(number, _): &(u64, _)| kept.binary_search(number).is_err();
    found.into_iter().filter(is_left).map(|(_, path)| path)
}

pub(super) fn remove(path: &Path) -> Result<(), SinkError> {
    match fs::remove_file(path) {
        // Removed or moved by another program.
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        result => result.map_err(|source| SinkError::io(path, source)),
    }
}

#[cfg(test)]
mod tests {
    use std::num::{NonZeroU64, NonZeroUsize};
    use std::sync::Arc;

    use arrow_array::{Int64Array, RecordBatch};
    use tempfile::TempDir;

    use super::*;
    use crate::table::Provenance;

    fn batch(rows: std::ops::Range<i64>) -> RecordBatch {
        let ids = Int64Array::from_iter_values(rows);
        RecordBatch::try_from_iter([("id", Arc::new(ids) as _)]).unwrap()
    }

    fn create(
        folder: &TempDir,
        existing: Existing,
        rotation: Rotation,
    ) -> Result<Box<dyn Sink>, SinkError> {
        let path = folder.path().join("flows.csv");
        let mut sink = files_at(&path, existing, Format::CSV, rotation);
        sink.open(&batch(0..0).schema(), &Provenance::default())?;
        Ok(sink)
    }

    fn rows(rows: u64) -> Rotation {
        Rotation { rows: NonZeroU64::new(rows), ..Rotation::default() }
    }

    /// Returns the files and their texts, sorted by name.
    fn files(folder: &TempDir) -> Vec<(String, String)> {
        let mut files: Vec<_> = fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| {
                let path = entry.unwrap().path();
                let name = path.file_name().unwrap().to_string_lossy().into_owned();
                (name, fs::read_to_string(path).unwrap())
            })
            .collect();
        files.sort();
        files
    }

    fn names(folder: &TempDir) -> Vec<String> {
        files(folder).into_iter().map(|(name, _)| name).collect()
    }

    #[test]
    fn a_file_appears_when_it_is_complete() {
        let folder = TempDir::new().unwrap();
        let mut table = create(&folder, Existing::Keep, Rotation::default()).unwrap();
        table.write(&batch(0..2)).unwrap();
        assert!(names(&folder)[0].starts_with(".flows.csv."));
        assert_eq!(table.finish().unwrap().rows, 2);
        assert_eq!(files(&folder), [("flows.csv".into(), "id\n0\n1\n".into())]);
    }

    #[test]
    fn nothing_is_left_of_an_aborted_table() {
        let folder = TempDir::new().unwrap();
        let mut table = create(&folder, Existing::Keep, Rotation::default()).unwrap();
        table.write(&batch(0..2)).unwrap();
        drop(table);
        assert!(files(&folder).is_empty());
    }

    #[test]
    fn a_file_that_appeared_meanwhile_is_kept() {
        let folder = TempDir::new().unwrap();
        let mut table = create(&folder, Existing::Keep, Rotation::default()).unwrap();
        fs::write(folder.path().join("flows.csv"), "mine").unwrap();
        assert!(matches!(table.finish(), Err(SinkError::Exists { .. })));
        assert_eq!(files(&folder), [("flows.csv".into(), "mine".into())]);
        let again = create(&folder, Existing::Keep, Rotation::default());
        assert!(matches!(again, Err(SinkError::Exists { .. })));
        create(&folder, Existing::Replace, Rotation::default()).unwrap().finish().unwrap();
        assert_eq!(files(&folder), [("flows.csv".into(), "id\n".into())]);
    }

    #[test]
    fn rows_are_divided_over_files() {
        let folder = TempDir::new().unwrap();
        let mut table = create(&folder, Existing::Keep, rows(3)).unwrap();
        table.write(&batch(0..2)).unwrap();
        table.write(&batch(2..7)).unwrap();
        assert_eq!(table.finish().unwrap().rows, 7);
        let expected = ["id\n0\n1\n2\n", "id\n3\n4\n5\n", "id\n6\n"];
        let expected: Vec<_> = expected.iter().map(ToString::to_string).collect();
        assert_eq!(files(&folder).into_iter().map(|(_, text)| text).collect::<Vec<_>>(), expected);
        assert_eq!(names(&folder), ["flows.0.csv", "flows.1.csv", "flows.2.csv"]);
    }

    #[test]
    fn a_full_last_file_has_no_empty_one_after_it() {
        let folder = TempDir::new().unwrap();
        let mut table = create(&folder, Existing::Keep, rows(3)).unwrap();
        table.write(&batch(0..6)).unwrap();
        table.finish().unwrap();
        assert_eq!(names(&folder), ["flows.0.csv", "flows.1.csv"]);
    }

    #[test]
    fn the_newest_files_are_kept() {
        let folder = TempDir::new().unwrap();
        let rotation = Rotation { keep: NonZeroUsize::new(2), ..rows(1) };
        let mut table = create(&folder, Existing::Keep, rotation).unwrap();
        table.write(&batch(0..12)).unwrap();
        table.finish().unwrap();
        assert_eq!(names(&folder), ["flows.10.csv", "flows.11.csv"]);
    }

    #[test]
    fn a_series_continues_with_the_next_number_and_its_limit() {
        let folder = TempDir::new().unwrap();
        for name in ["flows.0.csv", "flows.7.csv"] {
            fs::write(folder.path().join(name), "old").unwrap();
        }
        let rotation = Rotation { keep: NonZeroUsize::new(3), ..rows(1) };
        let mut table = create(&folder, Existing::Continue, rotation).unwrap();
        table.write(&batch(0..2)).unwrap();
        table.finish().unwrap();
        assert_eq!(names(&folder), ["flows.7.csv", "flows.8.csv", "flows.9.csv"]);
    }

    #[test]
    fn a_longer_series_of_old_files_is_replaced_completely() {
        let folder = TempDir::new().unwrap();
        for name in ["flows.0.csv", "flows.9.csv", "flows.09.csv", "flows.csv", "flows.1.csv.gz"] {
            fs::write(folder.path().join(name), "old").unwrap();
        }
        assert!(matches!(
            create(&folder, Existing::Keep, rows(1)),
            Err(SinkError::Exists { path }) if path.ends_with("flows.0.csv")
        ));
        let mut table = create(&folder, Existing::Replace, rows(1)).unwrap();
        table.write(&batch(0..2)).unwrap();
        table.finish().unwrap();
        let left = ["flows.0.csv", "flows.09.csv", "flows.1.csv", "flows.1.csv.gz", "flows.csv"];
        assert_eq!(names(&folder), left);
    }

    #[test]
    #[allow(clippy::disallowed_methods, reason = "the subject is time")]
    fn many_parts_cost_no_more_each_than_few() {
        let parts = 400_000;
        let found = (0..parts).map(|number| (number, PathBuf::from("part"))).collect();
        let kept: VecDeque<_> = (parts / 2..parts).collect();
        let begin = std::time::Instant::now();
        assert_eq!(u64::try_from(leftover(found, &kept).count()).unwrap(), parts / 2);
        // Comparing every pair takes minutes.
        assert!(begin.elapsed() < std::time::Duration::from_secs(10));
    }

    #[test]
    fn bytes_limit_files_too() {
        let folder = TempDir::new().unwrap();
        let rotation = Rotation { bytes: NonZeroU64::new(1000), ..Rotation::default() };
        let mut table = create(&folder, Existing::Keep, rotation).unwrap();
        table.write(&batch(0..2000)).unwrap();
        assert_eq!(table.finish().unwrap().rows, 2000);
        let files = files(&folder);
        assert!(files.len() > 3);
        assert!(files.iter().all(|(_, text)| text.len() < 3000));
    }
}
