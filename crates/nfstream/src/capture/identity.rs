//! Identity and state of files.

use std::collections::HashSet;
use std::fs::{self, File, Metadata};
use std::path::{Path, PathBuf};

/// Identity of a file, the same under all its names.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(super) enum Identity {
    /// Device and number of the file.
    #[cfg(unix)]
    Number(u64, u64),
    /// Path with all links resolved.
    #[cfg(not(unix))]
    Path(PathBuf),
}

/// Length and timestamps of a file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct State {
    /// Bytes.
    pub(super) len: u64,
    /// Time of the last change to the content, in seconds and nanoseconds.
    pub(super) modified: (i64, i64),
    /// Time of the last change to the content, name, permissions or timestamps.
    pub(super) changed: (i64, i64),
}

impl Identity {
    /// Returns the identity of the file at `path`, `None` if there is none.
    pub(super) fn at(path: &Path) -> Option<Self> {
        #[cfg(unix)]
        return fs::metadata(path).ok().as_ref().map(Self::of);
        #[cfg(not(unix))]
        return fs::canonicalize(path).ok().map(Self::Path);
    }

    /// Returns the identity of a file.
    #[cfg(unix)]
    pub(super) fn of(metadata: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;

        Self::Number(metadata.dev(), metadata.ino())
    }
}

impl State {
    #[cfg(unix)]
    pub(super) fn of(metadata: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;

        Self {
            len: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }

    #[cfg(not(unix))]
    pub(super) fn of(metadata: &Metadata) -> Self {
        let since = |time: std::time::SystemTime| {
            let since = time.duration_since(std::time::SystemTime::UNIX_EPOCH).unwrap_or_default();
            (i64::try_from(since.as_secs()).unwrap_or(i64::MAX), since.subsec_nanos().into())
        };
        let modified = metadata.modified().map(since).unwrap_or_default();
        Self { len: metadata.len(), modified, changed: modified }
    }
}

/// Returns the first of `inputs` that is also one of the files `outputs`, under any name: hard and
/// symbolic links are followed. `-` is standard input among the inputs, and standard output among
/// the outputs. Pipes and devices do not count as files.
pub fn overwritten<'a>(inputs: &'a [PathBuf], outputs: &[PathBuf]) -> Option<&'a Path> {
    let outputs: HashSet<_> =
        outputs.iter().filter_map(|path| regular(path, "/dev/stdout")).collect();
    if outputs.is_empty() {
        return None;
    }
    let is_output = |input: &&PathBuf| {
        regular(input, "/dev/stdin").is_some_and(|input| outputs.contains(&input))
    };
    inputs.iter().find(is_output).map(PathBuf::as_path)
}

/// Returns the identity of a regular file; `-` stands for `stream`.
fn regular(path: &Path, stream: &str) -> Option<Identity> {
    let path = if path == Path::new("-") { Path::new(stream) } else { path };
    fs::metadata(path).ok().filter(Metadata::is_file)?;
    Identity::at(path)
}

/// Reads the bytes of `file` at `position` into `buffer`, without moving its cursor. Returns
/// whether all of them were there.
#[cfg(unix)]
pub(super) fn read_at(file: &File, buffer: &mut [u8], position: u64) -> bool {
    std::os::unix::fs::FileExt::read_exact_at(file, buffer, position).is_ok()
}

#[cfg(not(unix))]
pub(super) fn read_at(_: &File, _: &mut [u8], _: u64) -> bool {
    false
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::super::samples::Folder;
    use super::*;

    #[test]
    fn a_file_is_the_same_under_all_of_its_names() {
        let folder = Folder::new();
        let file = folder.write("a", b"1");
        let (hard, soft) = (folder.path("hard"), folder.path("soft"));
        fs::hard_link(&file, &hard).unwrap();
        std::os::unix::fs::symlink(&hard, &soft).unwrap();
        let other = folder.write("b", b"1");
        let inputs = [other.clone(), file.clone()];
        for output in [file.clone(), hard, soft] {
            assert_eq!(overwritten(&inputs, &[output]), Some(file.as_path()));
        }
        assert_eq!(overwritten(&inputs, &[folder.path("new"), "/dev/null".into()]), None);
        assert_eq!(overwritten(&[other], &[file]), None);
    }
}
