//! The files of one capture: found in folders, checked and sorted.

use std::collections::HashMap;
use std::fs;
use std::io::{self, ErrorKind};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::content::{Content, Place};
use super::error::NotMerged;
use super::file::{FileSource, SourceOptions, Waiting};
use super::identity::Identity;
use super::order::{FileOrder, LOOK_AHEAD, natural, set_keys};
use super::outcome::Failure;
use super::parallel::in_parallel;
use super::patterns::matching;
use super::reader::{Access, Held, Reader, is_stdin};
use super::remote::Servers;
use super::stop::StopFlag;
use super::stream::Window;
use super::url::Url;
use super::url_captures::UrlCaptures;
use super::{CaptureError, Warning};
use crate::packet::Chunk;
use crate::time::Timestamp;

/// Buffer size for reading only the start of a file.
const GLANCE: usize = 4 << 10;
/// Buffer size for reading the first packets of a file.
const FIRST_PACKETS: usize = 16 << 10;
/// Steps after which the search for the first packet of a file ends.
const STEPS: usize = 16;
/// Names of skipped files in one warning.
const NAMES: usize = 10;
/// Extensions of captures, possibly before a number: `day.pcap3`, `log.pcap.1700000000`.
const EXTENSIONS: [&str; 3] = [".pcap", ".pcapng", ".cap"];
/// Extensions of compressed files.
const COMPRESSED: [&str; 5] = [".gz", ".zst", ".xz", ".bz2", ".lz4"];

/// Options for reading several files, and for files that cannot be read completely.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct FileOptions {
    /// Order of the files.
    pub order: FileOrder,
    /// Whether a file that cannot be read completely is an error instead of a warning.
    pub strict: bool,
    /// Whether to decompress files that need more than 128 MiB of memory for it, up to 2 GiB each.
    pub large_windows: bool,
    /// Bytes of the ranges in which several threads read a long file, `None` for a suitable length.
    pub range_bytes: Option<NonZeroUsize>,
}

/// Files of one capture, in the order in which they are read.
#[derive(Clone, Debug, Default)]
pub struct Files {
    files: Vec<Entry>,
    options: FileOptions,
    /// Warnings about the files as a whole.
    warnings: Vec<Warning>,
    /// Whether files are merged by the times of their packets.
    is_merged: bool,
    /// Whether to fail if no file is a capture.
    fails_alone: bool,
    /// Whether to fail if a file does not exist.
    must_exist: bool,
}

/// File of a list that another process opens.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Listed {
    /// Path of the file, or its URL with all secrets in it.
    pub path: PathBuf,
    /// Bytes.
    pub len: u64,
    /// Time of the first packet, `None` if there is none or it cannot be read.
    pub start: Option<Timestamp>,
}

#[derive(Clone)]
struct Entry {
    path: PathBuf,
    /// Bytes that are in no file; `path` is a name for messages.
    content: Option<Arc<dyn Content>>,
    /// Bytes; `None` for pipes.
    len: Option<u64>,
    /// Time of the first packet; `None` if there is none or the order does not depend on it.
    start: Option<Timestamp>,
}

/// File that may be a capture.
struct Candidate {
    path: PathBuf,
    /// Bytes that are in no file; `path` is a name for messages.
    content: Option<Arc<dyn Content>>,
    /// Folder that contains it; `None` for a file that was named explicitly.
    folder: Option<usize>,
}

/// Files in a folder that are skipped.
#[derive(Default)]
struct Skipped {
    folder: PathBuf,
    names: Vec<String>,
    count: usize,
}

impl FileOptions {
    fn window(self) -> Window {
        if self.large_windows { Window::Large } else { Window::Usual }
    }
}

/// Opens capture files to be read as one capture.
///
/// Each is pcap or pcapng, possibly compressed; its name does not matter. `-` is standard input,
/// and a folder stands for the captures in it. [`Files::find`] has more choices.
///
/// # Errors
///
/// Those of [`Files::find`].
pub fn open(paths: &[PathBuf]) -> Result<FileSource, CaptureError> {
    Ok(Files::find(paths, FileOptions::default())?.open())
}

impl Files {
    /// Finds the captures of `names`: files, patterns such as `*.pcap`, `-` for standard input,
    /// folders, and URLs of all of them. In a folder, every file whose content is a capture is read,
    /// whatever its name.
    ///
    /// The start of every file is checked, so that an invalid source is reported before its first
    /// packet. Pipes and standard input are not, because that would consume their bytes.
    ///
    /// # Errors
    ///
    /// The error of a named file that does not exist or must not be read. The first error if no
    /// file is a capture; with `strict`, the error of any file.
    pub fn find(names: &[PathBuf], options: FileOptions) -> Result<Self, CaptureError> {
        let places: Vec<_> = names.iter().map(Place::from).collect();
        Self::of(&places, options)
    }

    /// Finds the captures of `places`, as [`find`](Self::find) does.
    ///
    /// # Errors
    ///
    /// Those of [`find`](Self::find).
    pub fn of(places: &[Place], options: FileOptions) -> Result<Self, CaptureError> {
        let (candidates, mut skipped) = candidates(places)?;
        let needs_times = options.order == FileOrder::Time && candidates.len() > 1;
        let mut entries = Vec::new();
        let (mut refused, mut any_read) = (None, false);
        let probe = |candidate: &Candidate| match &candidate.content {
            Some(content) => {
                Entry::probe_content(&candidate.path, content, needs_times, options.window())
            }
            None => Entry::probe(&candidate.path, needs_times, options.window()),
        };
        let remote: Vec<_> = candidates.iter().filter(|file| is_remote(&file.content)).collect();
        let mut remote = in_parallel(&remote, |candidate| probe(candidate)).into_iter();
        for candidate in candidates {
            let probed = is_remote(&candidate.content).then(|| remote.next()).flatten();
            let probed = probed.unwrap_or_else(|| probe(&candidate));
            let Candidate { path, content, folder } = candidate;
            let (entry, failure) = match probed {
                Ok(entry) => (entry, None),
                Err((len, failure)) => {
                    let entry = Entry { path, content, len, start: None };
                    (entry, Some((failure, len.is_some())))
                }
            };
            let Some((failure, exists)) = failure else {
                any_read = true;
                entries.push(entry);
                continue;
            };
            let folder = folder.and_then(|folder| skipped.get_mut(folder));
            match folder {
                Some(folder) if failure.is_no_capture() && !has_capture_name(&entry.path) => {
                    folder.add(&entry.path);
                    continue;
                }
                _ => {}
            }
            let is_refusal = failure.is_refusal(false);
            let is_fatal = folder.is_none() && (!exists || matches!(failure, Failure::Io(_)));
            if options.strict || is_fatal || failure.ends_all() {
                return Err(failure.at(&entry.path));
            }
            if is_refusal {
                refused.get_or_insert_with(|| failure.at(&entry.path));
            } else {
                any_read = true;
            }
            entries.push(entry);
        }
        if !any_read && let Some(refused) = refused {
            return Err(refused);
        }
        if entries.is_empty()
            && let Some(Skipped { folder, .. }) = skipped.first()
        {
            return Err(CaptureError::NoCaptures { folder: folder.clone() });
        }
        let mut warnings: Vec<_> = skipped.into_iter().filter_map(Skipped::into_warning).collect();
        let mut is_merged = needs_times;
        if needs_times {
            remove_repeated(&mut entries, &mut warnings);
            if let Some(pipe) = entries.iter().find(|entry| entry.len.is_none()) {
                warnings
                    .push(Warning::NotMerged { path: pipe.path.clone(), reason: NotMerged::Pipe });
                is_merged = false;
            } else {
                entries.sort_by(Entry::compare);
            }
        }
        Ok(Self {
            files: entries,
            options,
            warnings,
            is_merged,
            fails_alone: true,
            must_exist: false,
        })
    }

    /// Opens the files as one capture.
    pub fn open(&self) -> FileSource {
        let waiting = |entry: &Entry| Waiting {
            path: entry.path.clone(),
            content: entry.content.clone(),
            len: entry.len,
            start: entry.start.filter(|_| self.is_merged),
            held: None,
        };
        FileSource::new(
            self.files.iter().map(waiting).collect(),
            self.warnings.clone(),
            SourceOptions {
                is_strict: self.options.strict,
                fails_alone: self.fails_alone,
                must_exist: self.must_exist,
                window: self.options.window(),
                range_len: self.options.range_bytes.map(NonZeroUsize::get),
            },
        )
    }

    /// Returns each file as a separate capture. A file that turns out not to be a capture is a
    /// warning, as it is among others.
    pub fn separately(&self) -> Vec<Self> {
        let mut warnings = self.warnings.clone();
        let one = |entry: &Entry| Self {
            files: vec![entry.clone()],
            options: self.options,
            warnings: std::mem::take(&mut warnings),
            is_merged: false,
            fails_alone: false,
            must_exist: self.must_exist,
        };
        self.files.iter().map(one).collect()
    }

    /// Returns the files in order, each with the time of its first packet, and the warnings about
    /// them.
    ///
    /// # Errors
    ///
    /// [`CaptureError::Io`] for a pipe and for bytes of this process, which only one can read.
    pub fn listed(&self) -> Result<(Vec<Listed>, Vec<Warning>), CaptureError> {
        let one = |entry: &Entry| {
            let path = entry.path.clone();
            let refused =
                |what| Err(CaptureError::Io { path: path.clone(), source: io::Error::other(what) });
            let address = match &entry.content {
                None => path.clone(),
                Some(content) => match content.address() {
                    Some(address) => address.to_path_buf(),
                    None => return refused("bytes in memory, which only one process has"),
                },
            };
            let Some(len) = entry.len else {
                return refused("a pipe, which only one process can read");
            };
            let probe = || match &entry.content {
                Some(content) => Entry::probe_content(&path, content, true, self.options.window()),
                None => Entry::probe(&path, true, self.options.window()),
            };
            let start = entry.start.or_else(|| probe().ok().and_then(|entry| entry.start));
            Ok(Listed { path: address, len, start })
        };
        let files = in_parallel(&self.files, one).into_iter().collect::<Result<_, _>>()?;
        Ok((files, self.warnings.clone()))
    }

    /// Returns consecutive files of a list that [`listed`](Self::listed) gave, as one capture. None
    /// of them is opened yet, and a file that is not a capture is a warning.
    ///
    /// # Errors
    ///
    /// [`CaptureError::BadUrl`] for a URL that cannot name captures, and [`CaptureError::Io`] for one
    /// whose server needs other settings.
    pub fn of_list(
        files: impl IntoIterator<Item = Listed>,
        options: FileOptions,
    ) -> Result<Self, CaptureError> {
        let servers = Servers::default();
        let entry = |Listed { path, len, start }| {
            let Some(url) = Url::read(&path).transpose()? else {
                return Ok(Entry { path, content: None, len: Some(len), start });
            };
            let path = url.name();
            match servers.content(&url, Some(len)) {
                Ok(content) => Ok(Entry { path, content: Some(content), len: Some(len), start }),
                Err(source) => Err(CaptureError::Io { path, source }),
            }
        };
        Ok(Self {
            files: files.into_iter().map(entry).collect::<Result<_, _>>()?,
            options,
            warnings: Vec::new(),
            is_merged: options.order == FileOrder::Time,
            fails_alone: false,
            must_exist: true,
        })
    }

    /// Returns each file as a separate capture, with a unique name: its path, with a number appended
    /// where the path is repeated.
    pub fn separately_named(&self) -> Vec<(String, Self)> {
        let mut named: Vec<(String, Self)> = Vec::new();
        for files in self.separately() {
            let path = files.paths().next().map(|path| path.to_string_lossy().into_owned());
            let path = path.unwrap_or_default();
            let mut name = path.clone();
            for number in 2.. {
                if !named.iter().any(|(known, _)| *known == name) {
                    break;
                }
                name = format!("{path} ({number})");
            }
            named.push((name, files));
        }
        named
    }

    /// Returns the files in order; `-` is standard input.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.files.iter().map(|entry| entry.path.as_path())
    }

    /// Returns the first file on another machine.
    pub fn remote(&self) -> Option<&Path> {
        let remote = self.files.iter().find(|entry| is_remote(&entry.content));
        remote.map(|entry| entry.path.as_path())
    }

    /// Returns whether all files are pipes, devices or standard input.
    pub(super) fn are_pipes(&self) -> bool {
        self.files.iter().all(|entry| entry.len.is_none())
    }

    /// Returns the bytes of all files, `None` if one of them is a pipe.
    pub fn bytes(&self) -> Option<u64> {
        self.files.iter().map(|entry| entry.len).sum()
    }
}

impl Entry {
    /// Checks the start of a file, up to its first packets if their time is needed. A failure
    /// includes the file's bytes, if the file exists.
    #[allow(clippy::result_large_err, reason = "once for each file")]
    fn probe(
        path: &Path,
        needs_time: bool,
        window: Window,
    ) -> Result<Self, (Option<u64>, Failure)> {
        let entry = |len| Self { path: path.to_path_buf(), content: None, len, start: None };
        if is_stdin(path) {
            return Ok(entry(None));
        }
        let metadata = fs::metadata(path).map_err(|error| (None, error.into()))?;
        if metadata.is_dir() {
            let error = io::Error::from(ErrorKind::IsADirectory);
            return Err((Some(metadata.len()), error.into()));
        }
        if !metadata.is_file() {
            return Ok(entry(None));
        }
        let len = Some(metadata.len());
        let mut reader =
            Reader::open(path, glance(needs_time), window).map_err(|failure| (len, failure))?;
        let start = if needs_time { first_time(&mut reader) } else { None };
        Ok(Self { start, ..entry(len) })
    }

    /// Checks the start of bytes that are in no file.
    #[allow(clippy::result_large_err, reason = "once for each file")]
    fn probe_content(
        path: &Path,
        content: &Arc<dyn Content>,
        needs_time: bool,
        window: Window,
    ) -> Result<Self, (Option<u64>, Failure)> {
        let len = content.size().map_err(|error| (None, error.into()))?;
        let content = Some(Arc::clone(content));
        let mut entry = Self { path: path.to_path_buf(), content, len, start: None };
        if let (Some(content), Some(_)) = (&entry.content, len) {
            let stop = StopFlag::default();
            let held = content.open(&stop).map(Held::Content).map_err(Failure::from);
            let reader =
                held.and_then(|held| Reader::new(held, path, glance(needs_time), window, &stop));
            let mut reader = reader.map_err(|failure| (len, failure))?;
            if needs_time {
                entry.start = first_time(&mut reader);
            }
        }
        Ok(entry)
    }

    /// Compares files by the time of their first packets, then by name; those without packets come
    /// last.
    fn compare(&self, other: &Self) -> std::cmp::Ordering {
        let name = |entry: &Self| entry.path.to_string_lossy().into_owned();
        (self.start.is_none(), self.start)
            .cmp(&(other.start.is_none(), other.start))
            .then_with(|| natural(&name(self), &name(other)))
    }
}

impl std::fmt::Debug for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { path, content, len, start } = self;
        f.debug_struct("Entry")
            .field("path", path)
            .field("is_content", &content.is_some())
            .field("len", len)
            .field("start", start)
            .finish()
    }
}

/// Returns the access that suits the first bytes of a file, or its first packets.
const fn glance(needs_time: bool) -> Access {
    Access::Buffer(if needs_time { FIRST_PACKETS } else { GLANCE })
}

/// Returns the time of the first packet.
fn first_time(reader: &mut Reader) -> Option<Timestamp> {
    let mut chunk = Chunk::default();
    // Damage is reported when the file is read.
    for _ in 0..STEPS {
        if !matches!(reader.read(&mut chunk, LOOK_AHEAD + 1), Ok(None)) {
            break;
        }
        let mut keys = Vec::new();
        set_keys(&chunk.records, None, &mut keys);
        if let Some(first) = keys.first() {
            return Some(*first);
        }
    }
    None
}

impl Skipped {
    fn add(&mut self, path: &Path) {
        if self.names.len() < NAMES {
            self.names.push(path.file_name().unwrap_or_default().to_string_lossy().into_owned());
        }
        self.count += 1;
    }

    fn into_warning(self) -> Option<Warning> {
        let Self { folder, names, count } = self;
        (count > 0).then_some(Warning::Skipped { folder, names, count })
    }
}

/// Returns the files of `places`, with patterns and folders replaced by the files that they stand
/// for, and the skipped files of each folder.
fn candidates(places: &[Place]) -> Result<(Vec<Candidate>, Vec<Skipped>), CaptureError> {
    let (mut found, mut skipped) = (Vec::new(), Vec::new());
    let url = |place: &Place| match place {
        Place::Path(path) => Url::read(path).transpose(),
        Place::Content(..) => Ok(None),
    };
    let urls: Vec<_> = places.iter().map(url).collect::<Result<_, _>>()?;
    let servers = Servers::default();
    let on_servers: Vec<_> = urls.iter().flatten().collect();
    let mut on_servers = in_parallel(&on_servers, |url| servers.find(url)).into_iter();
    for (place, url) in places.iter().zip(&urls) {
        match (place, url) {
            (_, Some(_)) => {
                if let Some(of_url) = on_servers.next().transpose()? {
                    add_remote(of_url, &mut found, &mut skipped);
                }
            }
            (Place::Path(path), None) => {
                for path in matching(path)? {
                    add_local(path, &mut found, &mut skipped)?;
                }
            }
            (Place::Content(name, content), None) => {
                let content = Some(Arc::clone(content));
                found.push(Candidate { path: name.clone(), content, folder: None });
            }
        }
    }
    Ok((found, skipped))
}

/// Adds the captures of a URL.
fn add_remote(of_url: UrlCaptures, found: &mut Vec<Candidate>, skipped: &mut Vec<Skipped>) {
    let (objects, folder) = match of_url {
        UrlCaptures::Folder { name, objects, others } => {
            let mut folder = Skipped { folder: name, ..Skipped::default() };
            others.iter().for_each(|other| folder.add(other));
            skipped.push(folder);
            (objects, Some(skipped.len() - 1))
        }
        UrlCaptures::Named(objects) => (objects, None),
    };
    let candidate = |(path, content)| Candidate { path, content: Some(content), folder };
    found.extend(objects.into_iter().map(candidate));
}

/// Adds a file, or those of a folder.
fn add_local(
    name: PathBuf,
    found: &mut Vec<Candidate>,
    skipped: &mut Vec<Skipped>,
) -> Result<(), CaptureError> {
    if is_stdin(&name) || !name.is_dir() {
        found.push(Candidate { path: name, content: None, folder: None });
        return Ok(());
    }
    let mut folder = Skipped { folder: name.clone(), ..Skipped::default() };
    let list = || fs::read_dir(&name)?.map(|entry| Ok(entry?.path())).collect();
    let listed: io::Result<Vec<_>> = list();
    let mut paths = listed.map_err(|source| CaptureError::Io { path: name, source })?;
    paths.sort_by(|a, b| natural(&a.to_string_lossy(), &b.to_string_lossy()));
    for path in paths {
        // Programs give hidden names to files that they are still writing.
        let is_hidden =
            path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if is_hidden || !path.is_file() {
            folder.add(&path);
        } else {
            found.push(Candidate { path, content: None, folder: Some(skipped.len()) });
        }
    }
    skipped.push(folder);
    Ok(())
}

/// Returns whether bytes are on another machine.
fn is_remote(content: &Option<Arc<dyn Content>>) -> bool {
    content.as_ref().is_some_and(|content| content.address().is_some())
}

/// Removes files that occur earlier in the list under another name. A name that is given several
/// times is read that many times.
fn remove_repeated(entries: &mut Vec<Entry>, warnings: &mut Vec<Warning>) {
    let mut known: HashMap<Identity, PathBuf> = HashMap::new();
    entries.retain(|Entry { path, content, len, .. }| {
        if content.is_some() {
            return true;
        }
        let Some(identity) = len.and_then(|_| Identity::at(path)) else { return true };
        if let Some(other) = known.get(&identity)
            && other != path
        {
            warnings.push(Warning::Repeated { path: path.clone(), other: other.clone() });
            return false;
        }
        known.insert(identity, path.clone());
        true
    });
}

/// Returns whether a name is that of a capture, possibly numbered or compressed.
fn has_capture_name(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    let is_compressed = |extension: &&&str| name.ends_with(**extension);
    let compressed = COMPRESSED.iter().find(is_compressed).map_or(0, |extension| extension.len());
    let name = name.get(..name.len() - compressed).unwrap_or_default();
    EXTENSIONS.iter().any(|extension| {
        name.rsplit_once(extension)
            .is_some_and(|(_, rest)| !rest.contains(|letter: char| letter.is_alphabetic()))
    })
}

#[cfg(test)]
mod tests {
    use super::super::samples::{Folder, MICROSECONDS, Order, gzip, pcap_header, pcap_record};
    use super::*;

    /// Returns a capture with one packet at each of these seconds.
    fn at(seconds: &[u32]) -> Vec<u8> {
        let mut bytes = pcap_header(Order::Little, MICROSECONDS, 65535, 1);
        for second in seconds {
            bytes.extend(pcap_record(Order::Little, (*second, 0), 0, b"frame"));
        }
        bytes
    }

    fn find(names: &[PathBuf]) -> Files {
        Files::find(names, FileOptions::default()).unwrap()
    }

    fn names(files: &Files) -> Vec<String> {
        let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
        files.paths().map(name).collect()
    }

    #[test]
    fn captures_are_recognised_by_their_name_where_the_content_is_damaged() {
        for name in ["a.pcap", "b.PCAPNG", "c.cap", "d.pcap.gz", "e.x.pcapng.zst", "f.pcap12"] {
            assert!(has_capture_name(Path::new(name)), "{name}");
        }
        for name in ["log.pcap.1700000000", "day.pcap_2026-11-25.gz"] {
            assert!(has_capture_name(Path::new(name)), "{name}");
        }
        for name in ["pcap", "a.txt", "b.gz", "c.pcap.csv", "d.csv.gz", "in.pcap.csv", "x.capture"]
        {
            assert!(!has_capture_name(Path::new(name)), "{name}");
        }
    }

    #[test]
    fn folders_are_searched_by_content_and_skipped_files_are_named() {
        let folder = Folder::new();
        folder.write("day.pcap10", &at(&[30]));
        folder.write("day.pcap", &at(&[10]));
        folder.write("day.pcap2", &gzip(&at(&[20])));
        folder.write("no extension", &at(&[40]));
        folder.write("notes.txt", b"Dear diary, today I captured some packets");
        folder.write("flows.csv.gz", &gzip(b"id,first_seen"));
        folder.write("empty.log", b"");
        folder.write(".day.pcap.part", &at(&[50]));
        fs::create_dir(folder.path("older")).unwrap();
        let files = find(&[folder.path("")]);
        assert_eq!(names(&files), ["day.pcap", "day.pcap2", "day.pcap10", "no extension"]);
        let [Warning::Skipped { names, count, .. }] = files.warnings.as_slice() else {
            panic!("{:?}", files.warnings);
        };
        let skipped = [".day.pcap.part", "older", "empty.log", "flows.csv.gz", "notes.txt"];
        assert_eq!((names.as_slice(), *count), (skipped.map(str::to_owned).as_slice(), 5));
    }

    #[test]
    fn files_are_in_order_of_their_first_packets_then_of_their_names() {
        let folder = Folder::new();
        let paths = [
            folder.write("b2", &at(&[5, 1])),
            folder.write("b10", &at(&[5])),
            folder.write("b1", &at(&[5])),
            folder.write("z", &at(&[2, 9])),
            folder.write("nothing", &at(&[])),
            // A damaged time, as the following packets show.
            folder.write("wild", &at(&[4_000_000_000, 3, 4])),
        ];
        assert_eq!(names(&find(&paths)), ["z", "wild", "b1", "b2", "b10", "nothing"]);
        let given = FileOptions { order: FileOrder::Given, ..FileOptions::default() };
        let files = Files::find(&paths, given).unwrap();
        assert_eq!(names(&files), ["b2", "b10", "b1", "z", "nothing", "wild"]);
    }

    #[test]
    fn a_file_is_read_once_under_all_of_its_names() {
        let folder = Folder::new();
        let path = folder.write("a.pcap", &at(&[1]));
        fs::hard_link(&path, folder.path("latest.pcap")).unwrap();
        let files = find(&[folder.path("")]);
        assert_eq!(names(&files), ["a.pcap"]);
        let [warning] = files.warnings.as_slice() else { panic!("{:?}", files.warnings) };
        assert!(warning.to_string().ends_with("a.pcap, which is read once"), "{warning}");
    }

    #[test]
    fn a_bad_file_is_refused_alone_and_on_request() {
        let folder = Folder::new();
        let good = folder.write("good.pcap", &at(&[1]));
        let text = folder.write("text.pcap", b"Dear diary, today I captured some packets");
        let empty = folder.write("empty.pcap", b"");
        assert_eq!(find(&[good.clone(), text.clone(), empty.clone()]).paths().count(), 3);
        assert_eq!(find(std::slice::from_ref(&empty)).paths().count(), 1);
        let alone = Files::find(std::slice::from_ref(&text), FileOptions::default()).unwrap_err();
        assert!(matches!(alone, CaptureError::NotACapture { .. }), "{alone}");
        let strict = FileOptions { strict: true, ..FileOptions::default() };
        for bad in [text, empty] {
            Files::find(&[good.clone(), bad], strict).unwrap_err();
        }
        let missing = Files::find(&[good, folder.path("missing")], FileOptions::default());
        assert!(matches!(missing, Err(CaptureError::Io { .. })));
    }

    #[test]
    fn folders_without_captures_are_refused() {
        let folder = Folder::new();
        folder.write("notes.txt", b"Dear diary, today I captured some packets");
        let error = Files::find(&[folder.path("")], FileOptions::default()).unwrap_err();
        assert!(matches!(error, CaptureError::NoCaptures { .. }), "{error}");
    }
}
