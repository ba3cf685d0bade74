//! A table in one file, or in a row of files of bounded size.

use std::collections::VecDeque;
use std::fs;
use std::io::ErrorKind;
use std::num::{NonZeroU64, NonZeroUsize};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;

use super::{Existing, ExportError, Format, TableFile};

/// When a table goes on in a new file. Without any limit it is one file.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Rotation {
    /// Rows of a file, at most.
    pub rows: Option<NonZeroU64>,
    /// Bytes of a file, about: it is complete with the first rows behind them.
    pub bytes: Option<NonZeroU64>,
    /// How many files are kept, the newest; all of them if not given.
    pub keep: Option<NonZeroUsize>,
}

/// A table on its way into files.
///
/// Without rotation it is the file that was named. With it the files have numbers, from 0, before
/// the ending of that name: `flows.0.csv`, `flows.1.csv`. Each appears when it is complete; of
/// those that are not to be kept the oldest goes when a new one has appeared. There is always at
/// least one file, if only with a header.
#[derive(Debug)]
pub struct TableFiles {
    path: PathBuf,
    existing: Existing,
    format: Format,
    schema: SchemaRef,
    rotation: Rotation,
    /// What is being written.
    file: Option<TableFile>,
    /// Complete files that have not been removed, the oldest first.
    complete: VecDeque<PathBuf>,
    /// Files begun so far.
    begun: u64,
    rows: u64,
}

/// Rows between two looks at the size of a file.
const LOOK_ROWS: usize = 256;

impl Rotation {
    /// Returns whether there is any limit.
    pub fn is_on(&self) -> bool {
        self.rows.is_some() || self.bytes.is_some()
    }
}

impl TableFiles {
    /// Begins the first file.
    ///
    /// # Errors
    ///
    /// [`ExportError::Exists`] if the file exists and is to be kept, or with rotation any file of
    /// such a name; [`ExportError::Io`].
    pub fn create(
        path: &Path,
        existing: Existing,
        format: Format,
        schema: &SchemaRef,
        rotation: Rotation,
    ) -> Result<Self, ExportError> {
        let mut this = Self {
            path: path.to_path_buf(),
            existing,
            format,
            schema: Arc::clone(schema),
            rotation,
            file: None,
            complete: VecDeque::new(),
            begun: 0,
            rows: 0,
        };
        if rotation.is_on()
            && existing == Existing::Keep
            && let Some((_, path)) = this.numbered()?.into_iter().min()
        {
            return Err(ExportError::Exists { path });
        }
        this.begin()?;
        Ok(this)
    }

    /// Writes a batch, into as many files as it takes.
    ///
    /// # Errors
    ///
    /// Those of [`TableFile`]. Complete files stay.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<(), ExportError> {
        let mut start = 0;
        while start < batch.num_rows() {
            let rows = self.room().min(batch.num_rows() - start);
            let file = match &mut self.file {
                Some(file) => file,
                None => self.begin()?,
            };
            file.write(&batch.slice(start, rows))?;
            start += rows;
            self.rows += u64::try_from(rows).unwrap_or(u64::MAX);
            if self.is_full() {
                self.complete_file()?;
            }
        }
        Ok(())
    }

    /// Completes the last file and returns the rows of all.
    ///
    /// With [`Existing::Replace`] and rotation, files of an earlier and longer row of files are
    /// removed, so that those that are there make one table.
    ///
    /// # Errors
    ///
    /// Those of [`TableFile::finish`].
    pub fn finish(mut self) -> Result<u64, ExportError> {
        if self.file.is_some() {
            self.complete_file()?;
        }
        if self.rotation.is_on() && self.existing == Existing::Replace {
            for (_, path) in self.numbered()? {
                if !self.complete.contains(&path) {
                    remove(&path)?;
                }
            }
        }
        Ok(self.rows)
    }

    /// Returns the rows that may be written before the size of the file is looked at.
    fn room(&self) -> usize {
        let written = self.file.as_ref().map_or(0, TableFile::rows);
        let rows = self.rotation.rows.map_or(u64::MAX, |rows| rows.get() - written);
        let rows = usize::try_from(rows).unwrap_or(usize::MAX);
        if self.rotation.bytes.is_some() { rows.min(LOOK_ROWS) } else { rows }
    }

    fn is_full(&self) -> bool {
        let Some(file) = &self.file else { return false };
        self.rotation.rows.is_some_and(|rows| file.rows() >= rows.get())
            || self.rotation.bytes.is_some_and(|bytes| file.bytes() >= bytes.get())
    }

    fn begin(&mut self) -> Result<&mut TableFile, ExportError> {
        let path = if self.rotation.is_on() { self.name(self.begun) } else { self.path.clone() };
        let file = TableFile::create(&path, self.existing, self.format, &self.schema)?;
        self.begun += 1;
        Ok(self.file.insert(file))
    }

    fn complete_file(&mut self) -> Result<(), ExportError> {
        let Some(file) = self.file.take() else { return Ok(()) };
        let path = file.path().to_path_buf();
        file.finish()?;
        self.complete.push_back(path);
        while let Some(keep) = self.rotation.keep
            && self.complete.len() > keep.get()
            && let Some(oldest) = self.complete.pop_front()
        {
            remove(&oldest)?;
        }
        Ok(())
    }

    /// Returns the path of the file with this number.
    fn name(&self, number: u64) -> PathBuf {
        match self.path.extension() {
            Some(ending) => {
                let mut ending = std::ffi::OsString::from(ending);
                ending = [format!("{number}.").into(), ending].into_iter().collect();
                self.path.with_extension(ending)
            }
            None => self.path.with_extension(number.to_string()),
        }
    }

    /// Returns the files that have the name of one of this table's.
    fn numbered(&self) -> Result<Vec<(u64, PathBuf)>, ExportError> {
        let folder = match self.path.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        };
        // Whatever is wrong shows when a file is made.
        let Ok(entries) = fs::read_dir(folder) else { return Ok(Vec::new()) };
        let mut found = Vec::new();
        for entry in entries {
            let name = entry.map_err(|source| ExportError::io(folder, source))?.file_name();
            let Some(number) = self.number(Path::new(&name)) else { continue };
            found.push((number, self.name(number)));
        }
        Ok(found)
    }

    /// Returns the number in a file's name, if it is one of this table's.
    fn number(&self, name: &Path) -> Option<u64> {
        let stem = match self.path.extension() {
            Some(ending) if name.extension() == Some(ending) => name.file_stem()?,
            Some(_) => return None,
            None => name.as_os_str(),
        };
        let number: u64 = Path::new(stem).extension()?.to_str()?.parse().ok()?;
        // `flows.007.csv` is none of ours.
        (self.name(number).file_name() == Some(name.as_os_str())).then_some(number)
    }
}

fn remove(path: &Path) -> Result<(), ExportError> {
    match fs::remove_file(path) {
        // Somebody has done it before, or taken the file elsewhere.
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        result => result.map_err(|source| ExportError::io(path, source)),
    }
}

#[cfg(test)]
mod tests {
    use arrow_array::UInt64Array;
    use tempfile::TempDir;

    use super::*;

    fn batch(rows: std::ops::Range<u64>) -> RecordBatch {
        let ids = UInt64Array::from_iter_values(rows);
        RecordBatch::try_from_iter([("id", Arc::new(ids) as _)]).unwrap()
    }

    fn create(
        folder: &TempDir,
        existing: Existing,
        rotation: Rotation,
    ) -> Result<TableFiles, ExportError> {
        let path = folder.path().join("flows.csv");
        TableFiles::create(&path, existing, Format::Csv, &batch(0..0).schema(), rotation)
    }

    fn rows(rows: u64) -> Rotation {
        Rotation { rows: NonZeroU64::new(rows), ..Rotation::default() }
    }

    /// Returns the files and their texts, in the order of their names.
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
        assert_eq!(table.finish().unwrap(), 2);
        assert_eq!(files(&folder), [("flows.csv".into(), "id\n0\n1\n".into())]);
    }

    #[test]
    fn nothing_is_left_of_what_was_given_up() {
        let folder = TempDir::new().unwrap();
        let mut table = create(&folder, Existing::Keep, Rotation::default()).unwrap();
        table.write(&batch(0..2)).unwrap();
        drop(table);
        assert!(files(&folder).is_empty());
    }

    #[test]
    fn a_file_that_appeared_meanwhile_is_kept() {
        let folder = TempDir::new().unwrap();
        let table = create(&folder, Existing::Keep, Rotation::default()).unwrap();
        fs::write(folder.path().join("flows.csv"), "mine").unwrap();
        assert!(matches!(table.finish(), Err(ExportError::Exists { .. })));
        assert_eq!(files(&folder), [("flows.csv".into(), "mine".into())]);
        let again = create(&folder, Existing::Keep, Rotation::default());
        assert!(matches!(again, Err(ExportError::Exists { .. })));
        create(&folder, Existing::Replace, Rotation::default()).unwrap().finish().unwrap();
        assert_eq!(files(&folder), [("flows.csv".into(), "id\n".into())]);
    }

    #[test]
    fn rows_are_spread_over_files() {
        let folder = TempDir::new().unwrap();
        let mut table = create(&folder, Existing::Keep, rows(3)).unwrap();
        table.write(&batch(0..2)).unwrap();
        table.write(&batch(2..7)).unwrap();
        assert_eq!(table.finish().unwrap(), 7);
        let expected = ["id\n0\n1\n2\n", "id\n3\n4\n5\n", "id\n6\n"];
        let expected: Vec<_> = expected.iter().map(ToString::to_string).collect();
        assert_eq!(files(&folder).into_iter().map(|(_, text)| text).collect::<Vec<_>>(), expected);
        assert_eq!(names(&folder), ["flows.0.csv", "flows.1.csv", "flows.2.csv"]);
    }

    #[test]
    fn a_full_last_file_has_no_empty_one_behind_it() {
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
    fn a_longer_row_of_old_files_is_replaced_whole() {
        let folder = TempDir::new().unwrap();
        for name in ["flows.0.csv", "flows.9.csv", "flows.09.csv", "flows.csv", "flows.1.csv.gz"] {
            fs::write(folder.path().join(name), "old").unwrap();
        }
        assert!(matches!(
            create(&folder, Existing::Keep, rows(1)),
            Err(ExportError::Exists { path }) if path.ends_with("flows.0.csv")
        ));
        let mut table = create(&folder, Existing::Replace, rows(1)).unwrap();
        table.write(&batch(0..2)).unwrap();
        table.finish().unwrap();
        let left = ["flows.0.csv", "flows.09.csv", "flows.1.csv", "flows.1.csv.gz", "flows.csv"];
        assert_eq!(names(&folder), left);
    }

    #[test]
    fn bytes_limit_files_too() {
        let folder = TempDir::new().unwrap();
        let rotation = Rotation { bytes: NonZeroU64::new(1000), ..Rotation::default() };
        let mut table = create(&folder, Existing::Keep, rotation).unwrap();
        table.write(&batch(0..2000)).unwrap();
        assert_eq!(table.finish().unwrap(), 2000);
        let files = files(&folder);
        assert!(files.len() > 3);
        assert!(files.iter().all(|(_, text)| text.len() < 3000));
    }
}
