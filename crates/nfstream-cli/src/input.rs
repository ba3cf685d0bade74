//! Captures and interfaces that a subcommand reads.

use std::io::{ErrorKind, IsTerminal, stdin};
use std::path::{Path, PathBuf};
use std::time::Duration;

use nfstream::RunError;
use nfstream::capture::{
    self, CaptureError, FileOptions, Files, Filter, Listed, LiveOptions, Source, Warning,
};

use crate::arguments::is_interface;
use crate::block_files;
use crate::error::Error;

/// Arguments that name captures.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct InputArgs {
    /// Captures to read as one, in time order: pcap or pcapng files, optionally compressed with
    /// gzip, zstd, xz, bzip2 or lz4; folders, for all captures in them, whatever their names;
    /// quoted patterns such as '*.pcap'; URLs of files, folders and patterns in object stores
    /// (s3://, gs://, az://), and of files on web servers (http://, https://); `-` for standard
    /// input
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
    source: capture::Input,
    /// Files of the blocks of one shard, in order, in place of captures.
    pub(crate) blocks: Option<Vec<PathBuf>>,
    /// Capture settings; `None` for files.
    pub(crate) live: Option<Live>,
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
    /// Returns the arguments for `captures`.
    #[cfg(feature = "top")]
    pub(crate) fn of(captures: Vec<PathBuf>) -> Self {
        Self { captures }
    }

    /// Resolves folders and patterns to files, or finds the blocks of one shard.
    pub(crate) fn find_captures_or_blocks(&self, options: FileOptions) -> Result<Input, Error> {
        if let [folder] = self.captures.as_slice()
            && let Some(files) = block_files::of_shard(folder)
        {
            return Ok(Input::blocks(folder, files));
        }
        let is_several = |path: &&PathBuf| {
            block_files::has_shards(path) || block_files::of_shard(path).is_some()
        };
        if let Some(path) = self.captures.iter().find(is_several) {
            return Err(Error::SeveralShards { path: path.clone() });
        }
        self.find(options)
    }

    /// Resolves folders and patterns to files.
    pub(crate) fn find(&self, options: FileOptions) -> Result<Input, Error> {
        if self.captures.iter().any(|path| is_stdin(path)) && stdin().is_terminal() {
            return Err(Error::StdinIsTerminal);
        }
        Files::find(&self.captures, options).map(Input::files).map_err(|error| match error {
            CaptureError::Io { path, source }
                if source.kind() == ErrorKind::NotFound
                    && path.to_str().is_some_and(is_interface) =>
            {
                Error::InterfaceAsFile { path }
            }
            error => RunError::from(error).into(),
        })
    }
}

impl Input {
    fn files(files: Files) -> Self {
        Self {
            paths: files.paths().map(Path::to_path_buf).collect(),
            bytes: files.bytes(),
            source: capture::Input::Files(files),
            blocks: None,
            live: None,
        }
    }

    /// Returns the files of the blocks of one shard as an input.
    fn blocks(folder: &Path, files: Vec<PathBuf>) -> Self {
        Self {
            paths: vec![folder.to_path_buf()],
            bytes: None,
            source: capture::Input::Files(Files::default()),
            blocks: Some(files),
            live: None,
        }
    }

    /// Returns the files in order, with the times of their first packets, and warnings about them.
    pub(crate) fn listed(&self) -> Result<(Vec<Listed>, Vec<Warning>), Error> {
        match &self.source {
            capture::Input::Files(files) => Ok(files.listed().map_err(RunError::from)?),
            capture::Input::Interfaces(_) => Ok((Vec::new(), Vec::new())),
        }
    }

    /// Returns whether captures are on other machines.
    pub(crate) fn is_remote(&self) -> bool {
        matches!(&self.source, capture::Input::Files(files) if files.remote().is_some())
    }

    /// Returns interfaces as an input.
    pub(crate) fn interfaces(names: &[String], live: Live) -> Self {
        Self {
            paths: names.iter().map(PathBuf::from).collect(),
            bytes: None,
            source: capture::Input::Interfaces(names.to_vec()),
            blocks: None,
            live: Some(live),
        }
    }

    /// Opens the files as one capture, or the interfaces, for the packets that match `filter`.
    pub(crate) fn open(
        &self,
        filter: Option<Filter>,
        opening: Opening,
    ) -> Result<Box<dyn Source>, Error> {
        let options = self.live.as_ref().map(|live| live.options.clone()).unwrap_or_default();
        let source = match opening {
            Opening::Late => self.source.open(filter, &options),
            Opening::Ahead => self.source.open_ahead(filter, &options),
        };
        Ok(source.map_err(RunError::Capture)?)
    }

    /// Returns whether packets arrive in real time, because every input is an interface or a pipe:
    /// an interruption then ends the input, and the table is complete. A list with a file in it
    /// would lose the rest of the file.
    pub(crate) fn is_stream(&self) -> bool {
        self.blocks.is_none() && self.source.is_stream()
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
        match &self.source {
            capture::Input::Files(files) if self.blocks.is_none() => {
                files.separately().into_iter().map(Self::files).collect()
            }
            capture::Input::Files(_) | capture::Input::Interfaces(_) => vec![self.clone()],
        }
    }
}

fn is_stdin(path: &Path) -> bool {
    path == Path::new("-")
}
