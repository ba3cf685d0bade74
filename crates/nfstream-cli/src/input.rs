//! The captures that a command reads.

use std::fs;
use std::io::{IsTerminal, stdin};
use std::path::{Path, PathBuf};
use std::time::Duration;

use glob::MatchOptions;
use nfstream::RunError;
use nfstream::capture::{self, Filter, Filtered, LiveOptions, LiveSource, Source};

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

/// Captures that can be read, or interfaces.
#[derive(Clone, Debug)]
pub(crate) struct Input {
    /// Files, in order; folders have been replaced by the captures in them. Or interfaces.
    pub(crate) paths: Vec<PathBuf>,
    /// Bytes of all files, `None` if one of them is a pipe.
    pub(crate) bytes: Option<u64>,
    /// How packets are captured; `None` for files.
    pub(crate) live: Option<Live>,
}

/// How packets of interfaces are captured.
#[derive(Clone, Debug)]
pub(crate) struct Live {
    pub(crate) options: LiveOptions,
    /// Polling interval of the process table, `None` for no attribution of flows.
    pub(crate) processes: Option<Duration>,
    /// Time between two lines that tell what was counted, `None` for no such lines.
    pub(crate) report: Option<Duration>,
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
        Ok(Input { paths, bytes, live: None })
    }
}

impl Input {
    /// Returns interfaces as an input.
    pub(crate) fn interfaces(names: &[String], live: Live) -> Self {
        Self { paths: names.iter().map(PathBuf::from).collect(), bytes: None, live: Some(live) }
    }

    /// Opens the files to be read as one capture, or the interfaces, for what `filter` matches.
    pub(crate) fn open(&self, filter: Option<Filter>) -> Result<Box<dyn Source>, Error> {
        if let Some(Live { options, .. }) = &self.live {
            let names: Vec<_> =
                self.paths.iter().map(|name| name.to_string_lossy().into_owned()).collect();
            let source = LiveSource::open(&names, filter, options).map_err(RunError::Capture)?;
            return Ok(Box::new(source));
        }
        let source = capture::open(&self.paths).map_err(RunError::Capture)?;
        Ok(match filter {
            Some(filter) => Box::new(Filtered::new(source, filter)),
            None => Box::new(source),
        })
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
        let one = |path: &PathBuf| Self {
            paths: vec![path.clone()],
            bytes: file_bytes(path),
            live: None,
        };
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
