//! Detection of changes to a file while it is read.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::identity::{Identity, State, read_at};
use super::outcome::Failure;

/// Bytes at each end of a file, compared after the file has grown.
const EDGE: usize = 4 << 10;

/// Longest time between the two steps of a write: setting the time of the file, and its length.
const WRITE: Duration = Duration::from_millis(20);

/// State of a regular file when it was opened, to compare with its current state.
///
/// A file that only grows is still being written, and is read up to the length it had when it was
/// opened. A file that has shrunk, or was written without growing, was overwritten: its packets may
/// come from two captures.
#[derive(Debug)]
pub(super) struct Changes {
    handle: Handle,
    identity: Option<Identity>,
    opened: State,
    /// State at the last check.
    seen: State,
    edges: Edges,
}

#[derive(Debug)]
enum Handle {
    /// The file is open.
    Open(Arc<File>),
    /// The file is opened for each read.
    Closed(PathBuf),
}

/// First and last bytes of a file.
#[derive(Debug, Eq, PartialEq)]
struct Edges(Vec<u8>, Vec<u8>);

impl Changes {
    /// Watches a file that stays open.
    pub(super) fn of(file: Arc<File>) -> io::Result<Self> {
        Self::new(Handle::Open(Arc::clone(&file)), &file)
    }

    /// Watches the file at `path`, currently `file`.
    pub(super) fn at(path: &Path, file: &File) -> io::Result<Self> {
        Self::new(Handle::Closed(path.to_path_buf()), file)
    }

    fn new(handle: Handle, file: &File) -> io::Result<Self> {
        let opened = State::of(&file.metadata()?);
        let identity = match &handle {
            Handle::Open(_) => None,
            Handle::Closed(path) => Identity::at(path),
        };
        let edges = Edges::of(file, opened.len);
        Ok(Self { handle, identity, opened, seen: opened, edges })
    }

    /// Returns the length of the file when it was opened.
    pub(super) fn len(&self) -> u64 {
        self.opened.len
    }

    /// Checks that the bytes read so far and those still to come belong to the same capture.
    pub(super) fn check(&mut self) -> Result<(), Failure> {
        let mut now = self.now()?;
        if now == self.seen {
            return Ok(());
        }
        if now.modified != self.seen.modified && now.len == self.seen.len {
            thread::sleep(WRITE);
            now = self.now()?;
            if now.len == self.seen.len {
                return Err(Failure::Changed);
            }
        }
        if now.len < self.seen.len || self.edges()? != self.edges {
            return Err(Failure::Changed);
        }
        self.seen = now;
        Ok(())
    }

    fn now(&self) -> Result<State, Failure> {
        match &self.handle {
            Handle::Open(file) => Ok(State::of(&file.metadata()?)),
            Handle::Closed(path) if Identity::at(path) != self.identity => Err(Failure::Changed),
            Handle::Closed(path) => Ok(State::of(&fs::metadata(path)?)),
        }
    }

    fn edges(&self) -> Result<Edges, Failure> {
        Ok(match &self.handle {
            Handle::Open(file) => Edges::of(file, self.opened.len),
            Handle::Closed(path) => Edges::of(&File::open(path)?, self.opened.len),
        })
    }
}

impl Edges {
    /// Returns the edges of the first `len` bytes of a file.
    fn of(file: &File, len: u64) -> Self {
        let size = usize::try_from(len).unwrap_or(EDGE).min(EDGE);
        let read = |position| {
            let mut bytes = vec![0; size];
            if read_at(file, &mut bytes, position) { bytes } else { Vec::new() }
        };
        let last = len.saturating_sub(u64::try_from(size).unwrap_or(len));
        Self(read(0), read(last))
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::fs::OpenOptions;
    use std::io::{Seek, SeekFrom, Write};

    use super::super::samples::Folder;
    use super::*;

    fn both(path: &Path) -> [Changes; 2] {
        let file = File::open(path).unwrap();
        [Changes::at(path, &file).unwrap(), Changes::of(Arc::new(file)).unwrap()]
    }

    /// Sets the times to a moment that no clock reaches during this test.
    fn touch(path: &Path, seconds: u64) {
        let times = std::time::UNIX_EPOCH + Duration::from_secs(seconds);
        OpenOptions::new().write(true).open(path).unwrap().set_modified(times).unwrap();
    }

    fn write(path: &Path, position: u64, bytes: &[u8]) {
        let mut file = OpenOptions::new().write(true).open(path).unwrap();
        file.seek(SeekFrom::Start(position)).unwrap();
        file.write_all(bytes).unwrap();
    }

    #[test]
    fn a_file_that_grows_is_unchanged() {
        let folder = Folder::new();
        let path = folder.write("a", &[1; 10_000]);
        for mut changes in both(&path) {
            for _ in 0..3 {
                let len = fs::metadata(&path).unwrap().len();
                write(&path, len, b"x");
                touch(&path, len);
                assert!(changes.check().is_ok());
            }
            assert_eq!(changes.len(), 10_000);
        }
    }

    #[test]
    fn other_rights_and_names_change_nothing() {
        let folder = Folder::new();
        let path = folder.write("a", &[1; 100]);
        for mut changes in both(&path) {
            let mut rights = fs::metadata(&path).unwrap().permissions();
            std::os::unix::fs::PermissionsExt::set_mode(&mut rights, 0o600);
            fs::set_permissions(&path, rights).unwrap();
            assert!(changes.check().is_ok());
        }
    }

    #[test]
    fn an_overwritten_file_has_changed() {
        let folder = Folder::new();
        let path = folder.path("a");
        type Change<'a> = &'a dyn Fn(&Path);
        let changes: [(&str, Change<'_>); 4] = [
            ("in the middle", &|path| {
                write(path, 5000, b"other");
                touch(path, 1);
            }),
            ("a longer one", &|path| {
                fs::write(path, vec![2; 20_000]).unwrap();
                touch(path, 2);
            }),
            ("a shorter one", &|path| fs::write(path, b"2").unwrap()),
            ("with the time set back", &|path| {
                let before = fs::metadata(path).unwrap().modified().unwrap();
                write(path, 0, b"other");
                File::options().write(true).open(path).unwrap().set_modified(before).unwrap();
            }),
        ];
        for (name, change) in changes {
            for place in 0..2 {
                fs::write(&path, vec![1; 10_000]).unwrap();
                touch(&path, 1000);
                let mut changes = both(&path).into_iter().nth(place).unwrap();
                // The file system's clock may not have advanced since then.
                thread::sleep(WRITE);
                change(&path);
                assert!(matches!(changes.check(), Err(Failure::Changed)), "{name}");
            }
        }
    }

    #[test]
    fn another_file_at_the_path_is_a_change_where_the_file_is_not_open() {
        let folder = Folder::new();
        let path = folder.write("a", b"one");
        let [mut closed, mut open] = both(&path);
        fs::rename(folder.write("b", b"one"), &path).unwrap();
        assert!(closed.check().is_err());
        assert!(open.check().is_ok());
    }
}
