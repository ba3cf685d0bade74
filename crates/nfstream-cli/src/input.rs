//! Captures and interfaces that a subcommand reads.

use std::fs;
use std::io::{IsTerminal, stdin};
use std::path::{Path, PathBuf};
use std::time::Duration;

use glob::MatchOptions;
use nfstream::RunError;
use nfstream::capture::{self, Filter, Filtered, LiveOptions, LiveSource, Source};

use crate::error::Error;

/// Extensions of captures, possibly followed by one of a compressed file.
const EXTENSIONS: [&str; 3] = ["pcap", "pcapng", "cap"];
const COMPRESSED: [&str; 5] = [".gz", ".zst", ".xz", ".bz2", ".lz4"];

/// Arguments that name captures.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct InputArgs {
    /// Captures to read as one: pcap or pcapng files, also compressed with gzip, zstd, xz, bzip2 or
    /// lz4; folders, for all captures in them by name; quoted patterns such as '*.pcap'; `-` for
    /// standard input
    #[arg(required = true, value_name = "CAPTURE")]
    captures: Vec<PathBuf>,
}

/// Captures or interfaces to read.
#[derive(Clone, Debug)]
pub(crate) struct Input {
    /// Files in order, with folders replaced by the captures in them; or interfaces.
    pub(crate) paths: Vec<PathBuf>,
    /// Bytes of all files, `None` if one of them is a pipe.
    pub(crate) bytes: Option<u64>,
    /// Capture settings; `None` for files.
    pub(crate) live: Option<Live>,
}

/// Moment at which files are opened.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Opening {
    /// Each when its packets are read.
    Late,
    /// All before the first packet, for a sandbox in which none can be opened.
    Ahead,
}

/// Settings of a live capture.
#[derive(Clone, Debug)]
pub(crate) struct Live {
    pub(crate) options: LiveOptions,
    /// Polling interval of the process table, `None` for no attribution of flows.
    pub(crate) processes: Option<Duration>,
    /// Time between two report lines, `None` for no report.
    pub(crate) report: Option<Duration>,
}

impl InputArgs {
    /// Resolves folders and patterns to files.
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

    /// Opens the files as one capture, or the interfaces, for the packets that match `filter`.
    pub(crate) fn open(
        &self,
        filter: Option<Filter>,
        opening: Opening,
    ) -> Result<Box<dyn Source>, Error> {
        if let Some(Live { options, .. }) = &self.live {
            let names: Vec<_> =
                self.paths.iter().map(|name| name.to_string_lossy().into_owned()).collect();
            let source = LiveSource::open(&names, filter, options).map_err(RunError::Capture)?;
            return Ok(Box::new(source));
        }
        let mut source = capture::open(&self.paths).map_err(RunError::Capture)?;
        if opening == Opening::Ahead {
            source.hold().map_err(RunError::Capture)?;
        }
        Ok(match filter {
            Some(filter) => Box::new(Filtered::new(source, filter)),
            None => Box::new(source),
        })
    }

    /// Returns whether packets arrive as they come, from interfaces or pipes alone: an interruption
    /// ends the input, and the table is complete. A list with a file in it would lose the file's
    /// rest.
    pub(crate) fn is_stream(&self) -> bool {
        let is_pipe = |path: &PathBuf| is_stdin(path) || (path.exists() && !path.is_file());
        self.live.is_some() || self.paths.iter().all(is_pipe)
    }

    /// Returns the name of the input as given on the command line.
    pub(crate) fn name(&self) -> String {
        self.paths.first().map(|path| path.display().to_string()).unwrap_or_default()
    }

    /// Returns each file as an input of its own, after checking that all can be opened.
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

/// Returns the path itself, or, for a pattern, the sorted paths that match it.
fn matches(path: &Path) -> Result<Vec<PathBuf>, Error> {
    let Some(pattern) = path.to_str().filter(|text| text.contains(['*', '?', '['])) else {
        return Ok(vec![path.to_path_buf()]);
    };
    // A file may have such a name, even one that is not a valid pattern.
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

/// Returns the files in a folder that have the extension of a capture, sorted.
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
        let extensions = format!(".{}", EXTENSIONS.join(", ."));
        return Err(Error::NoCaptures { path: folder.to_path_buf(), extensions });
    }
    paths.sort();
    Ok(paths)
}

fn has_capture_name(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    let name =
        COMPRESSED.iter().find_map(|extension| name.strip_suffix(extension)).unwrap_or(&name);
    name.rsplit_once('.').is_some_and(|(_, extension)| EXTENSIONS.contains(&extension))
}

/// Returns the size of a regular file. Errors surface when the file is opened.
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
    fn captures_are_recognised_by_their_extension() {
        for name in ["a.pcap", "b.PCAPNG", "c.cap", "d.pcap.gz", "e.x.pcapng.zst"] {
            assert!(has_capture_name(Path::new(name)), "{name}");
        }
        for name in ["pcap", "a.txt", "b.gz", "c.pcap.bak", "d.csv.gz"] {
            assert!(!has_capture_name(Path::new(name)), "{name}");
        }
    }
}
