//! The captures that a command reads.

use std::fs;
use std::io::{IsTerminal, stdin};
use std::path::{Path, PathBuf};

use glob::MatchOptions;
use nfstream::RunError;
use nfstream::capture::{self, FileSource};

use crate::error::Error;

/// How the names of captures end, alone or before the ending of a compressed file.
const ENDINGS: [&str; 3] = ["pcap", "pcapng", "cap"];
const COMPRESSED: [&str; 2] = [".gz", ".zst"];

/// The captures to be read.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct InputArgs {
    /// Captures to read as one: pcap or pcapng, also compressed with gzip or zstd; all captures of
    /// a folder, by name; those that a quoted pattern such as '*.pcap' matches; `-`: standard input
    #[arg(required = true, value_name = "CAPTURE")]
    captures: Vec<PathBuf>,
}

/// Captures that can be read.
#[derive(Clone, Debug)]
pub(crate) struct Input {
    /// Files, in order; folders have been replaced by the captures in them.
    pub(crate) paths: Vec<PathBuf>,
    /// Bytes of all files, `None` if one of them is a pipe.
    pub(crate) bytes: Option<u64>,
}

impl InputArgs {
    /// Finds the files.
    pub(crate) fn find(&self) -> Result<Input, Error> {
        let mut paths = Vec::new();
        for path in &self.captures {
            if is_stdin(path) && stdin().is_terminal() {
                return Err(Error::StdinIsTerminal);
            }
            if is_stdin(path) {
                paths.push(path.clone());
                continue;
            }
            for path in matches(path)? {
                if path.is_dir() {
                    paths.extend(captures_in(&path)?);
                } else {
                    paths.push(path);
                }
            }
        }
        let bytes = paths.iter().map(|path| file_bytes(path)).sum();
        Ok(Input { paths, bytes })
    }
}

impl Input {
    /// Opens the files to be read as one capture.
    pub(crate) fn open(&self) -> Result<FileSource, Error> {
        Ok(capture::open(&self.paths).map_err(RunError::Capture)?)
    }

    /// Returns the name of the input, as it was given.
    pub(crate) fn name(&self) -> String {
        self.paths.first().map(|path| path.display().to_string()).unwrap_or_default()
    }

    /// Returns each file as an input of its own, once it is known that all can be opened.
    pub(crate) fn separately(&self) -> Result<Vec<Self>, Error> {
        let is_file = |path: &&PathBuf| !is_stdin(path) && path.is_file();
        let files: Vec<_> = self.paths.iter().filter(is_file).cloned().collect();
        if !files.is_empty() {
            drop(capture::open(&files).map_err(RunError::Capture)?);
        }
        let one = |path: &PathBuf| Self { paths: vec![path.clone()], bytes: file_bytes(path) };
        Ok(self.paths.iter().map(one).collect())
    }
}

/// Returns what a path stands for: itself, or what matches it where it is a pattern, sorted.
fn matches(path: &Path) -> Result<Vec<PathBuf>, Error> {
    let Some(pattern) = path.to_str().filter(|text| text.contains(['*', '?', '['])) else {
        return Ok(vec![path.to_path_buf()]);
    };
    // Files may have such names, and not all of them are good patterns.
    if path.exists() {
        return Ok(vec![path.to_path_buf()]);
    }
    let options = MatchOptions {
        require_literal_separator: true,
        require_literal_leading_dot: true,
        ..MatchOptions::new()
    };
    let found = glob::glob_with(pattern, options).into_iter().flatten().flatten();
    let found: Vec<_> = found.collect();
    if found.is_empty() {
        return Err(Error::NoMatch { path: path.to_path_buf() });
    }
    Ok(found)
}

/// Returns the files of a folder that have names of captures, sorted.
fn captures_in(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let list = || {
        let entries = fs::read_dir(folder)?;
        entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>, std::io::Error>>()
    };
    let mut paths = list().map_err(|source| Error::Path {
        path: folder.to_path_buf(),
        action: "cannot be listed",
        source,
    })?;
    paths.retain(|path| has_capture_name(path) && path.is_file());
    if paths.is_empty() {
        let endings = format!("{}, also with {}", ENDINGS.join(", "), COMPRESSED.join(" or "));
        return Err(Error::NoCaptures { path: folder.to_path_buf(), endings });
    }
    paths.sort();
    Ok(paths)
}

fn has_capture_name(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    let name = COMPRESSED.iter().find_map(|ending| name.strip_suffix(ending)).unwrap_or(&name);
    name.rsplit_once('.').is_some_and(|(_, ending)| ENDINGS.contains(&ending))
}

/// Returns the bytes of a regular file. What is wrong with a file is found when it is opened.
fn file_bytes(path: &Path) -> Option<u64> {
    let metadata = fs::metadata(path).ok().filter(|_| !is_stdin(path))?;
    metadata.is_file().then_some(metadata.len())
}

fn is_stdin(path: &Path) -> bool {
    path == Path::new("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn captures_are_known_by_their_endings() {
        for name in ["a.pcap", "b.PCAPNG", "c.cap", "d.pcap.gz", "e.x.pcapng.zst"] {
            assert!(has_capture_name(Path::new(name)), "{name}");
        }
        for name in ["pcap", "a.txt", "b.gz", "c.pcap.bak", "d.csv.gz"] {
            assert!(!has_capture_name(Path::new(name)), "{name}");
        }
    }
}
