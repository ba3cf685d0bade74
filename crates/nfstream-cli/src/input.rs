//! Captures and interfaces that a subcommand reads.

use std::io::{IsTerminal, stdin};
use std::path::{Path, PathBuf};
use std::time::Duration;

use glob::MatchOptions;
use nfstream::RunError;
use nfstream::capture::{self, FileOptions, Files, Filter, Listed, LiveOptions, Source, Warning};

use crate::block_files::StoredBlocks;
use crate::error::Error;

/// Arguments that name captures.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct InputArgs {
    /// Captures to read as one, in time order: pcap or pcapng files, optionally compressed with
    /// gzip, zstd, xz, bzip2 or lz4; folders, for all captures in them, whatever their names;
    /// quoted patterns such as '*.pcap'; `-` for standard input
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
    origin: Origin,
    /// Capture settings; `None` for files.
    pub(crate) live: Option<Live>,
}

/// Where the packets of an input come from.
#[derive(Clone, Debug)]
enum Origin {
    /// Captures or interfaces.
    Packets(capture::Input),
    /// Files of the blocks of one shard, in order.
    Blocks(Vec<PathBuf>),
}

/// Packets of an input that was opened.
pub(crate) enum Packets {
    /// From captures or interfaces.
    Source(Box<dyn Source>),
    /// From the blocks of one shard.
    Blocks(StoredBlocks),
}

/// Time at which files are opened.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Opening {
    /// Each one when its packets are read.
    Late,
    /// All of them before the first packet, for a sandbox in which no file can be opened.
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
    /// Resolves folders and patterns to files, or finds the blocks of one shard.
    pub(crate) fn find_captures_or_blocks(&self, options: FileOptions) -> Result<Input, Error> {
        if let [folder] = self.captures.as_slice()
            && let Some(files) = StoredBlocks::find(folder)
        {
            return Ok(Input::of_blocks(folder, files));
        }
        self.find(options)
    }

    /// Resolves folders and patterns to files.
    pub(crate) fn find(&self, options: FileOptions) -> Result<Input, Error> {
        let mut names = Vec::new();
        for path in &self.captures {
            if is_stdin(path) && stdin().is_terminal() {
                return Err(Error::StdinIsTerminal);
            }
            if is_stdin(path) {
                names.push(path.clone());
            } else {
                names.extend(matches(path)?);
            }
        }
        Files::find(&names, options).map(Input::files).map_err(|error| RunError::from(error).into())
    }
}

impl Input {
    fn files(files: Files) -> Self {
        Self {
            paths: files.paths().map(Path::to_path_buf).collect(),
            bytes: files.bytes(),
            origin: Origin::Packets(capture::Input::Files(files)),
            live: None,
        }
    }

    /// Returns the files of blocks of one shard as an input.
    fn of_blocks(folder: &Path, files: Vec<PathBuf>) -> Self {
        Self {
            paths: vec![folder.to_path_buf()],
            bytes: None,
            origin: Origin::Blocks(files),
            live: None,
        }
    }

    /// Returns the files in order, with the times of their first packets, and warnings about them.
    pub(crate) fn listed(&self) -> Result<(Vec<Listed>, Vec<Warning>), Error> {
        match &self.origin {
            Origin::Packets(capture::Input::Files(files)) => {
                Ok(files.listed().map_err(RunError::from)?)
            }
            Origin::Packets(capture::Input::Interfaces(_)) | Origin::Blocks(_) => {
                Ok((Vec::new(), Vec::new()))
            }
        }
    }

    /// Returns whether the packets come in the blocks of one shard.
    pub(crate) fn is_of_blocks(&self) -> bool {
        matches!(self.origin, Origin::Blocks(_))
    }

    /// Returns interfaces as an input.
    pub(crate) fn interfaces(names: &[String], live: Live) -> Self {
        Self {
            paths: names.iter().map(PathBuf::from).collect(),
            bytes: None,
            origin: Origin::Packets(capture::Input::Interfaces(names.to_vec())),
            live: Some(live),
        }
    }

    /// Opens the files as one capture, or the interfaces, for the packets that match `filter`; or
    /// the blocks of a shard, whose packets have been filtered.
    pub(crate) fn open(&self, filter: Option<Filter>, opening: Opening) -> Result<Packets, Error> {
        let source = match &self.origin {
            Origin::Packets(source) => source,
            Origin::Blocks(files) => return Ok(Packets::Blocks(StoredBlocks::new(files.clone()))),
        };
        let options = self.live.as_ref().map(|live| live.options.clone()).unwrap_or_default();
        let source = match opening {
            Opening::Late => source.open(filter, &options),
            Opening::Ahead => source.open_ahead(filter, &options),
        };
        Ok(Packets::Source(source.map_err(RunError::Capture)?))
    }

    /// Returns whether packets arrive in real time, because every input is an interface or a pipe:
    /// an interruption then ends the input, and the table is complete. A list with a file in it
    /// would lose the rest of the file.
    pub(crate) fn is_stream(&self) -> bool {
        matches!(&self.origin, Origin::Packets(source) if source.is_stream())
    }

    /// Returns the names of inputs that are read separately: their paths, with a number appended to
    /// repeated ones.
    pub(crate) fn names(inputs: &[Self]) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for input in inputs {
            let path = input.paths.first().map(|path| path.to_string_lossy().into_owned());
            let path = path.unwrap_or_default();
            let mut name = path.clone();
            for number in 2.. {
                if !names.contains(&name) {
                    break;
                }
                name = format!("{path} ({number})");
            }
            names.push(name);
        }
        names
    }

    /// Returns each file as a separate input.
    pub(crate) fn separately(&self) -> Vec<Self> {
        match &self.origin {
            Origin::Packets(capture::Input::Files(files)) => {
                files.separately().into_iter().map(Self::files).collect()
            }
            Origin::Packets(capture::Input::Interfaces(_)) | Origin::Blocks(_) => {
                vec![self.clone()]
            }
        }
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

fn is_stdin(path: &Path) -> bool {
    path == Path::new("-")
}
