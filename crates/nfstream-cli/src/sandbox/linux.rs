//! Sandbox on Linux: Landlock for files, sockets and signals, seccomp for system calls.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::path::Path;

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, PathBeneath, PathFd, RestrictSelfAttr, Ruleset,
    RulesetAttr, RulesetCreated, RulesetCreatedAttr, RulesetError, RulesetStatus, Scope,
    make_bitflags,
};
use nfstream::sink::{Existing, Format, Rotation, Sink, SinkError, StreamSink};

use super::SandboxError;
use super::calls::{self, Open};
use super::clerk::{self, Files};
use super::remote::{self, Link};
use crate::rights::{self, Kept};

const LANDLOCK: &str = "Landlock";
const SECCOMP: &str = "seccomp";

/// Latest supported version of Landlock; older kernels apply the part that they know.
const LATEST: ABI = ABI::V10;

/// The clerk's access to the folder of a table: it creates files under temporary names, renames,
/// counts and rotates them, and opens and syncs the folder.
const KEEP_TABLES: BitFlags<AccessFs> =
    make_bitflags!(AccessFs::{WriteFile | Truncate | MakeReg | RemoveFile | ReadDir});

/// Signals that end the command. The clerk ends with it, after removing an incomplete file.
const ENDINGS: [i32; 3] = [libc::SIGHUP, libc::SIGINT, libc::SIGTERM];

/// A sandbox that this process is about to enter.
#[derive(Debug)]
pub(crate) struct Sandbox {
    /// Descriptors that the process inherited, in addition to the standard streams.
    inherited: Vec<RawFd>,
    open: Open,
}

/// Way out of the sandbox for a table.
#[derive(Clone, Debug)]
pub(crate) struct Outlet {
    files: Files,
    link: Option<Link>,
    /// A pipe or a device, already open.
    special: Option<std::sync::Arc<File>>,
}

impl Sandbox {
    /// Prepares the sandbox. Must run before the process opens anything that it will keep.
    pub(crate) fn prepare() -> Result<Self, SandboxError> {
        let inherited = nfstream_sys::descriptors(3);
        nfstream_sys::raise_descriptor_limit();
        nfstream_sys::settle_time_zone();
        Ok(Self { inherited, open: Open::default() })
    }

    /// Opens the way for a table to `path`: the pipe or device with that name, or a clerk that
    /// writes its files.
    pub(crate) fn outlet(
        &mut self,
        path: &Path,
        existing: Existing,
        format: Format,
        rotation: Rotation,
    ) -> Result<Outlet, SandboxError> {
        let files = Files { path: path.to_path_buf(), existing, format, rotation };
        let is_special =
            fs::metadata(path).is_ok_and(|metadata| !metadata.is_file() && !metadata.is_dir());
        if is_special && !rotation.is_on() {
            let file = OpenOptions::new().write(true).open(path);
            let file = file.map_err(|error| refused("the output", &error))?;
            self.open.written.push(file.as_raw_fd());
            return Ok(Outlet { files, link: None, special: Some(file.into()) });
        }
        let failed = |error: io::Error| refused("a process for the output", &error);
        let (ours, theirs) = UnixStream::pair().map_err(failed)?;
        let (ours, theirs) = (OwnedFd::from(ours), OwnedFd::from(theirs));
        self.open.written.push(ours.as_raw_fd());
        let (link, inherited) = (File::from(ours), &self.inherited);
        nfstream_sys::fork(|| {
            nfstream_sys::close_inherited(inherited);
            nfstream_sys::close_inherited(&[link.as_raw_fd()]);
            u8::from(become_clerk(&files, theirs.into()).is_err())
        })
        .map_err(failed)?;
        Ok(Outlet { files, link: Some(Link::new(link)), special: None })
    }

    /// Enters the sandbox. Everything open stays open, except for inherited descriptors.
    ///
    /// # Errors
    ///
    /// [`SandboxError`]; the process may then be partly restricted and should end.
    pub(crate) fn enter(mut self, is_live: bool) -> Result<(), SandboxError> {
        nfstream_sys::close_inherited(&self.inherited);
        let null = File::open("/dev/null").map_err(|error| refused("/dev/null", &error))?;
        nfstream_sys::replace_standard_stream(libc::STDIN_FILENO, &null.into())
            .map_err(|error| refused("/dev/null", &error))?;
        self.open.is_live = is_live;
        if is_live {
            // The capture's; the link to the clerk is used with `write`, not `send`.
            self.open.sockets = nfstream_sys::descriptors(3);
        }
        rights::give_up(Kept::NONE);
        if nfstream_sys::is_root() {
            let error = io::Error::from(io::ErrorKind::PermissionDenied);
            return Err(refused("to give up root", &error));
        }
        confine_files(None)?;
        let filters = calls::filters(&self.open).map_err(|error| refused(SECCOMP, &error))?;
        for filter in &filters {
            // Includes the threads that are already running.
            seccompiler::apply_filter_all_threads(filter)
                .map_err(|error| refused(SECCOMP, &error))?;
        }
        Ok(())
    }
}

impl Outlet {
    /// Returns a sink for the table. There is one at a time.
    pub(crate) fn sink(&self) -> Box<dyn Sink> {
        match (&self.link, &self.special) {
            (Some(link), _) => remote::sink(&self.files, link),
            (None, Some(file)) => {
                Box::new(StreamSink::new(self.files.format, Box::new(std::sync::Arc::clone(file))))
            }
            (None, None) => Box::new(StreamSink::new(self.files.format, Box::new(io::sink()))),
        }
    }
}

/// File outside the sandbox that is not a table.
pub(crate) struct RemoteFile(Destination);

enum Destination {
    Clerk(remote::Bytes),
    /// A pipe or a device.
    Special(std::sync::Arc<File>),
}

impl Outlet {
    /// Creates the file, or takes the pipe or device. There is one at a time.
    ///
    /// # Errors
    ///
    /// [`SinkError`] if the file cannot be created.
    pub(crate) fn file(&self) -> Result<RemoteFile, SinkError> {
        Ok(RemoteFile(match (&self.link, &self.special) {
            (Some(link), _) => Destination::Clerk(remote::Bytes::create(link)?),
            (None, Some(file)) => Destination::Special(std::sync::Arc::clone(file)),
            (None, None) => return Err(SinkError::NotOpen),
        }))
    }
}

impl RemoteFile {
    /// Writes the contents, after which the file has its name.
    ///
    /// # Errors
    ///
    /// [`SinkError`] if the file cannot be written.
    pub(crate) fn write(self, contents: &[u8]) -> Result<(), SinkError> {
        match self.0 {
            Destination::Clerk(bytes) => bytes.write(contents),
            Destination::Special(file) => {
                (&*file).write_all(contents).map_err(|source| SinkError::Stream { source })
            }
        }
    }
}

/// Runs as the clerk until the link closes.
fn become_clerk(files: &Files, link: File) -> Result<(), SandboxError> {
    for signal in ENDINGS {
        nfstream_sys::ignore(signal);
    }
    let null = OpenOptions::new().read(true).write(true).open("/dev/null");
    let null = OwnedFd::from(null.map_err(|error| refused("/dev/null", &error))?);
    for stream in [libc::STDIN_FILENO, libc::STDOUT_FILENO, libc::STDERR_FILENO] {
        nfstream_sys::replace_standard_stream(stream, &null)
            .map_err(|error| refused("/dev/null", &error))?;
    }
    drop(null);
    // Follows a symbolic link to the folder that holds the file.
    let target = fs::canonicalize(&files.path);
    confine_files(Some(folder(target.as_deref().unwrap_or(&files.path))))?;
    clerk::work(files, link);
    Ok(())
}

/// Denies this thread, and the threads it starts, all files, ports, abstract sockets and other
/// processes, except for tables in `folder`.
fn confine_files(folder: Option<&Path>) -> Result<(), SandboxError> {
    let restrict = || {
        let mut rules = Ruleset::default()
            .handle_access(AccessFs::from_all(LATEST))?
            .handle_access(AccessNet::from_all(LATEST))?
            .scope(Scope::from_all(LATEST))?
            .create()?
            .all_threads(true)?;
        if let Some(folder) = folder {
            rules = allow(rules, folder, KEEP_TABLES)?;
        }
        rules.restrict_self()
    };
    match restrict() {
        Ok(status) if status.ruleset == RulesetStatus::NotEnforced => Err(SandboxError::Missing {
            what: LANDLOCK,
            needs: "Linux 5.13 or later, with landlock among its security modules",
        }),
        Ok(_) => Ok(()),
        Err(error) => Err(refused(LANDLOCK, &error)),
    }
}

/// Allows `access` to a folder. A missing folder is reported when a file is created in it.
fn allow(
    rules: RulesetCreated,
    path: &Path,
    access: BitFlags<AccessFs>,
) -> Result<RulesetCreated, RulesetError> {
    match PathFd::new(path) {
        Ok(path) => rules.add_rule(PathBeneath::new(path, access)),
        Err(_) => Ok(rules),
    }
}

fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    }
}

fn refused(what: &'static str, error: &impl std::error::Error) -> SandboxError {
    SandboxError::Refused { what, message: error.to_string() }
}
