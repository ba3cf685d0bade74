//! Capture files, read one after the other as one capture.

use std::collections::VecDeque;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::mem;
use std::path::{Path, PathBuf};

use nfstream_sys::Mapping;

use super::compression::Compression;
use super::format::{HEAD_LEN, Parser, Unrecognized};
use super::mapped::Mapped;
use super::outcome::{End, Failure};
use super::stop::{StopFlag, Stoppable};
use super::stream::{BUFFER, Input, Stream};
use super::{CaptureError, Corruption, ReadProgress, Source, Warning};
use crate::packet::Chunk;

/// Buffer size for a stream of which only the start is read.
const GLANCE: usize = 4 << 10;

/// Packets of a list of capture files, read as one capture.
#[derive(Debug)]
pub struct FileSource {
    paths: Vec<PathBuf>,
    /// Index of the current file, or of the next one.
    index: usize,
    reader: Option<Reader>,
    /// Bytes of the files read to their end.
    done_bytes: u64,
    total_bytes: Option<u64>,
    warnings: Vec<Warning>,
    has_failed: bool,
    /// Flag that ends pipes and standard input.
    stop: StopFlag,
    /// Inputs that are open, from the current one on; empty if each is opened when it is read.
    held: VecDeque<Held>,
}

/// An input that is open and has not been read.
#[derive(Debug)]
enum Held {
    File(File),
    Stoppable(Stoppable),
}

/// The one file that is open.
#[derive(Debug)]
struct Reader {
    parser: Parser,
    bytes: Bytes,
    /// Whether reading ends some time after the flag is set.
    is_stoppable: bool,
}

#[derive(Debug)]
enum Bytes {
    Mapped(Mapped),
    Stream(Stream),
}

/// Opens capture files to be read as one capture, in the order given.
///
/// Each is pcap or pcapng, possibly compressed (gzip, zstd, xz, bzip2, lz4); its name does not matter. `-` is
/// standard input. The start of every file is checked before the first packet is read, so that an
/// invalid file is reported at once. Named pipes and standard input are not checked, because that
/// would consume their bytes. Only one file is open at a time.
///
/// # Errors
///
/// The error of the first invalid file.
pub fn open(paths: &[PathBuf]) -> Result<FileSource, CaptureError> {
    let mut total_bytes = Some(0_u64);
    for path in paths {
        let len = check(path).map_err(|failure| failure.at(path))?;
        total_bytes = total_bytes.zip(len).map(|(total, len)| total.saturating_add(len));
    }
    Ok(FileSource {
        paths: paths.to_vec(),
        index: 0,
        reader: None,
        done_bytes: 0,
        total_bytes,
        warnings: Vec::new(),
        has_failed: false,
        stop: StopFlag::default(),
        held: VecDeque::new(),
    })
}

impl FileSource {
    /// Returns the file that packets come from; `None` before the first and after the last.
    pub fn current(&self) -> Option<&Path> {
        self.reader.as_ref()?;
        self.paths.get(self.index).map(PathBuf::as_path)
    }

    /// Opens all files now: reading then needs no further access to the system. Each takes a
    /// descriptor until it is read.
    ///
    /// # Errors
    ///
    /// [`CaptureError::Io`].
    pub fn hold(&mut self) -> Result<(), CaptureError> {
        for path in self.paths.iter().skip(self.index) {
            self.held.push_back(Held::open(path).map_err(|failure| failure.at(path))?);
        }
        Ok(())
    }

    /// Reads until packets arrive or no files are left.
    fn advance(&mut self, chunk: &mut Chunk, limit: usize) -> Result<bool, CaptureError> {
        while let Some(path) = self.paths.get(self.index) {
            if self.reader.is_none() {
                let held = self.held.pop_front().map_or_else(|| Held::open(path), Ok);
                match held.and_then(|held| Reader::new(held, &self.stop)) {
                    Ok(reader) => self.reader = Some(reader),
                    Err(failure) if self.stop.is_set() && is_early_end(&failure) => break,
                    Err(failure) => return Err(failure.at(path)),
                }
            }
            let Some(reader) = &mut self.reader else { break };
            let Some(end) = reader.read(chunk, limit).map_err(|failure| failure.at(path))? else {
                return Ok(true);
            };
            if let End::Truncated { offset } = end
                && !self.stop.is_set()
            {
                self.warnings.push(Warning::Truncated { path: path.clone(), offset });
            }
            if let Some(link) = reader.parser.unsupported() {
                return Err(CaptureError::UnsupportedLinkType { path: path.clone(), link });
            }
            self.done_bytes += reader.progress();
            self.reader = None;
            self.index += 1;
        }
        Ok(false)
    }
}

impl Source for FileSource {
    fn read(&mut self, chunk: &mut Chunk, limit: usize) -> Result<bool, CaptureError> {
        chunk.clear();
        if self.has_failed {
            return Ok(false);
        }
        let result = self.advance(chunk, limit.max(1));
        if result.is_err() {
            self.has_failed = true;
            chunk.records.clear();
        }
        result
    }

    fn stop_with(&mut self, stop: &StopFlag) {
        self.stop = stop.clone();
    }

    /// Ends the list after the current file, of which a pipe may still hold packets.
    fn stop(&mut self) -> bool {
        self.paths.truncate(self.index + 1);
        match (&self.reader, self.held.front(), self.paths.get(self.index)) {
            (Some(reader), ..) => reader.is_stoppable,
            (None, Some(held), Some(_)) => matches!(held, Held::Stoppable(_)),
            (None, None, Some(path)) => is_stdin(path) || !path.is_file(),
            (None, _, None) => false,
        }
    }

    fn may_wait(&self) -> bool {
        // Known if every input is a regular file.
        self.total_bytes.is_none()
    }

    fn progress(&self) -> ReadProgress {
        let current = self.reader.as_ref().map_or(0, Reader::progress);
        ReadProgress { bytes: self.done_bytes + current, total_bytes: self.total_bytes }
    }

    fn take_warnings(&mut self) -> Vec<Warning> {
        mem::take(&mut self.warnings)
    }
}

impl Held {
    fn open(path: &Path) -> Result<Self, Failure> {
        Ok(if is_stdin(path) {
            Self::Stoppable(Stoppable::stdin()?)
        } else if fs::metadata(path)?.is_file() {
            Self::File(File::open(path)?)
        } else {
            Self::Stoppable(Stoppable::open(path)?)
        })
    }
}

impl Reader {
    fn new(held: Held, stop: &StopFlag) -> Result<Self, Failure> {
        let mut file = match held {
            Held::File(file) => file,
            Held::Stoppable(mut input) => {
                input.stop_with(stop);
                return Self::stoppable(input);
            }
        };
        let head = read_head(&mut file)?;
        if Compression::recognize(&head) != Compression::Plain {
            return Self::stream(head, Box::new(file), BUFFER);
        }
        let (parser, position) = Parser::recognize(&head)?;
        let Ok(mapping) = Mapping::new(&file) else {
            // Some file systems cannot map files, and the number of guarded mappings is limited.
            return Self::stream(head, Box::new(file), BUFFER);
        };
        let bytes = Bytes::Mapped(Mapped::new(file, mapping, position));
        Ok(Self { parser, bytes, is_stoppable: false })
    }

    fn stoppable(mut input: Stoppable) -> Result<Self, Failure> {
        let head = read_head(&mut input)?;
        let reader = Self::stream(head, Box::new(input), BUFFER)?;
        Ok(Self { is_stoppable: true, ..reader })
    }

    fn stream(head: Vec<u8>, input: Input, capacity: usize) -> Result<Self, Failure> {
        let mut stream = Stream::new(head, input, capacity)?;
        let (parser, position) = Parser::recognize(stream.peek(HEAD_LEN)?)?;
        stream.consume(position);
        Ok(Self { parser, bytes: Bytes::Stream(stream), is_stoppable: false })
    }

    fn read(&mut self, chunk: &mut Chunk, limit: usize) -> Result<Option<End>, Failure> {
        match &mut self.bytes {
            Bytes::Mapped(mapped) => mapped.read(&mut self.parser, chunk, limit),
            Bytes::Stream(stream) => stream.read(&mut self.parser, chunk, limit),
        }
    }

    fn progress(&self) -> u64 {
        match &self.bytes {
            Bytes::Mapped(mapped) => mapped.progress(),
            Bytes::Stream(stream) => stream.progress(),
        }
    }
}

/// Checks that `path` can be read as a capture, and returns its length if it has one.
fn check(path: &Path) -> Result<Option<u64>, Failure> {
    if is_stdin(path) {
        return Ok(None);
    }
    let metadata = fs::metadata(path)?;
    if metadata.is_dir() {
        return Err(io::Error::from(ErrorKind::IsADirectory).into());
    }
    if !metadata.is_file() {
        return Ok(None);
    }
    let mut file = File::open(path)?;
    let head = read_head(&mut file)?;
    if Compression::recognize(&head) == Compression::Plain {
        Parser::recognize(&head)?;
    } else {
        Reader::stream(head, Box::new(file), GLANCE)?;
    }
    Ok(Some(metadata.len()))
}

/// Returns whether an input ended before its first packet: nothing is wrong with one that was
/// stopped there.
fn is_early_end(failure: &Failure) -> bool {
    let is_cut = |what: &Corruption| matches!(what, Corruption::FileHeader);
    match failure {
        Failure::Corrupt { what, .. } => is_cut(what),
        Failure::Unrecognized(reason) => {
            matches!(reason, Unrecognized::Empty | Unrecognized::HeaderCut)
        }
        Failure::Changed | Failure::Io(_) | Failure::LargeWindow(_) => false,
    }
}

fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == OsStr::new("-")
}

/// Reads the first [`HEAD_LEN`] bytes, or fewer if the input ends.
fn read_head(input: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut head = Vec::with_capacity(HEAD_LEN);
    input.take(HEAD_LEN.try_into().unwrap_or(u64::MAX)).read_to_end(&mut head)?;
    Ok(head)
}

#[cfg(test)]
mod tests {
    use super::super::samples::{
        Folder, Order, Seen, block, enhanced, gzip, interface, pcap, pcapng_start, section, seen,
        zstd,
    };
    use super::*;
    use crate::packet::{ChunkBytes, LinkType};

    fn read(paths: &[PathBuf], limit: usize) -> Result<(Vec<Seen>, Vec<Warning>), CaptureError> {
        let mut source = open(paths)?;
        let mut chunk = Chunk::default();
        let mut packets = Vec::new();
        while source.read(&mut chunk, limit)? {
            assert!((1..=limit).contains(&chunk.records.len()));
            packets.extend(seen(&chunk));
        }
        assert!(chunk.records.is_empty() && source.current().is_none());
        Ok((packets, source.take_warnings()))
    }

    fn frames(paths: &[PathBuf]) -> Vec<Vec<u8>> {
        let (packets, warnings) = read(paths, 100).unwrap();
        assert_eq!(warnings, []);
        packets.into_iter().map(|packet| packet.frame).collect()
    }

    fn error(path: PathBuf) -> String {
        let folder = path.parent().unwrap().display().to_string();
        open(&[path]).unwrap_err().to_string().replace(&format!("{folder}/"), "")
    }

    #[test]
    fn files_of_all_kinds_are_read_as_one() {
        let folder = Folder::new();
        let ng = [pcapng_start(), enhanced(Order::Little, 0, 1, 0, b"three")].concat();
        let paths = [
            folder.write("a", &pcap(&[b"one", b"two"])),
            folder.write("b", &zstd(&ng)),
            folder.write("no packets", &pcap(&[])),
            folder.write("c", &gzip(&pcap(&[b"four"]))),
            folder.write("d", &pcap(&[b"five"])),
        ];
        assert_eq!(frames(&paths), [&b"one"[..], b"two", b"three", b"four", b"five"]);
        assert_eq!(frames(&[]), [b""; 0]);
    }

    #[test]
    fn a_chunk_has_packets_of_one_file() {
        let folder = Folder::new();
        let paths = [
            folder.write("a", &pcap(&[b"one", b"two", b"three"])),
            folder.write("b", &pcap(&[b"four"])),
        ];
        let mut source = open(&paths).unwrap();
        let mut chunk = Chunk::default();
        let mut sizes = Vec::new();
        while source.read(&mut chunk, 2).unwrap() {
            sizes.push((source.current().unwrap().to_path_buf(), chunk.records.len()));
        }
        let [a, b] = paths;
        assert_eq!(sizes, [(a.clone(), 2), (a, 1), (b, 1)]);
    }

    #[test]
    fn a_step_skips_some_blocks_of_a_mapped_file() {
        let folder = Folder::new();
        let skipped = block(Order::Little, 77, &vec![0; 40 << 20]);
        let packet = enhanced(Order::Little, 0, 1, 0, b"x");
        let path = folder.write("a", &[pcapng_start(), skipped, packet].concat());
        let mut source = open(&[path]).unwrap();
        let mut chunk = Chunk::default();
        let mut steps = 0;
        while chunk.records.is_empty() {
            assert!(source.read(&mut chunk, 9).unwrap());
            steps += 1;
        }
        assert_eq!((steps, chunk.records.len()), (3, 1));
    }

    #[test]
    fn held_files_are_read_after_they_are_gone() {
        let folder = Folder::new();
        let paths =
            [folder.write("a", &pcap(&[b"one"])), folder.write("b", &gzip(&pcap(&[b"two"])))];
        let mut source = open(&paths).unwrap();
        source.hold().unwrap();
        paths.iter().for_each(|path| fs::remove_file(path).unwrap());
        let mut chunk = Chunk::default();
        let mut frames = Vec::new();
        while source.read(&mut chunk, 9).unwrap() {
            frames.extend(seen(&chunk).map(|packet| packet.frame));
        }
        assert_eq!(frames, [b"one", b"two"]);
    }

    #[test]
    fn progress_ends_at_the_total() {
        let folder = Folder::new();
        let capture = pcap(&[b"one", b"two"]);
        let compressed = gzip(&capture);
        let total = u64::try_from(capture.len() + compressed.len()).unwrap();
        let mut source =
            open(&[folder.write("a", &capture), folder.write("b", &compressed)]).unwrap();
        assert_eq!(source.progress(), ReadProgress { bytes: 0, total_bytes: Some(total) });
        let mut chunk = Chunk::default();
        assert!(source.read(&mut chunk, 1).unwrap());
        assert_eq!(source.progress().bytes, 24 + 16 + 3);
        while source.read(&mut chunk, 1).unwrap() {}
        assert_eq!(source.progress(), ReadProgress { bytes: total, total_bytes: Some(total) });
    }

    #[test]
    fn one_bad_file_in_a_list_is_found_before_any_packet() {
        let folder = Folder::new();
        let good = folder.write("good", &pcap(&[b"one"]));
        let missing = folder.path("missing");
        let error = open(&[good.clone(), missing.clone(), good.clone()]).unwrap_err();
        let CaptureError::Io { path, source } = error else { panic!("{error}") };
        assert_eq!((path, source.kind()), (missing, ErrorKind::NotFound));
        let error = open(&[good, folder.path("")]).unwrap_err();
        let CaptureError::Io { source, .. } = error else { panic!("{error}") };
        assert_eq!(source.kind(), ErrorKind::IsADirectory);
    }

    #[test]
    fn invalid_files_have_different_errors() {
        let folder = Folder::new();
        let text = b"Dear diary, today I captured some packets";
        let mut radio = pcap(&[]);
        radio[20] = 147;
        let mut old = pcap(&[]);
        old[6] = 9;
        for (name, bytes, expected) in [
            ("0", &b""[..], "0: empty, not even a file header"),
            ("1", &gzip(b""), "1: empty, not even a file header"),
            (
                "2",
                text,
                "2: not a capture file (expected pcap, pcapng, or one of them compressed with \
                 gzip, zstd, xz, bzip2 or lz4)",
            ),
            (
                "3",
                &zstd(text),
                "3: not a capture file (expected pcap, pcapng, or one of them compressed with \
                 gzip, zstd, xz, bzip2 or lz4)",
            ),
            ("4", &radio, "4: packets of link type 147 are not supported"),
            ("5", &old, "5: version 2.9 of this capture format is not supported"),
            ("6", &pcap(&[])[..20], "6: corrupt at byte 0: the file header is cut short"),
            ("7", &gzip(&pcap(&[]))[..9], "7: corrupt at byte 0: the file header is cut short"),
        ] {
            assert_eq!(error(folder.write(name, bytes)), expected);
        }
    }

    #[test]
    fn a_cut_file_is_a_warning_and_the_next_is_read() {
        let folder = Folder::new();
        let capture = pcap(&[b"one", b"two"]);
        let cut = folder.write("cut", &capture[..capture.len() - 1]);
        let (packets, warnings) = read(&[cut.clone(), folder.write("b", &capture)], 9).unwrap();
        assert_eq!(packets.len(), 3);
        assert_eq!(warnings, [Warning::Truncated { path: cut, offset: 43 }]);
    }

    #[test]
    fn damage_comes_after_the_packets_before_it() {
        let folder = Folder::new();
        let mut capture = pcap(&[b"one", b"two"]);
        capture[24 + 19 + 11] = 0xff;
        for bytes in [capture.clone(), gzip(&capture)] {
            let mut source = open(&[folder.write("a", &bytes)]).unwrap();
            let mut chunk = Chunk::default();
            assert!(source.read(&mut chunk, 9).unwrap());
            assert_eq!(chunk.records.len(), 1);
            let error = source.read(&mut chunk, 9).unwrap_err();
            assert!(matches!(error, CaptureError::Corrupt { offset: 43, .. }), "{error}");
            assert!(!source.read(&mut chunk, 9).unwrap());
        }
    }

    #[test]
    fn packets_of_unknown_links_are_returned_but_not_alone() {
        let folder = Folder::new();
        let bluetooth = [
            section(Order::Little),
            interface(Order::Little, 201, 0, &[]),
            enhanced(Order::Little, 0, 1, 0, b"one"),
        ]
        .concat();
        let mixed = [
            &bluetooth[..],
            &interface(Order::Little, 1, 0, &[]),
            &enhanced(Order::Little, 1, 1, 0, b"two"),
        ]
        .concat();
        assert_eq!(frames(&[folder.write("mixed", &mixed)]), [b"one", b"two"]);
        let mut source = open(&[folder.write("bluetooth", &bluetooth)]).unwrap();
        let mut chunk = Chunk::default();
        assert!(source.read(&mut chunk, 9).unwrap());
        let error = source.read(&mut chunk, 9).unwrap_err();
        let CaptureError::UnsupportedLinkType { link, .. } = error else { panic!("{error}") };
        assert_eq!(link, LinkType(201));
    }

    #[test]
    fn a_file_that_shrinks_is_an_error_before_its_packets() {
        let folder = Folder::new();
        let frame = vec![7; 10_000];
        let path = folder.write("a", &pcap(&[&frame[..]; 20]));
        // Cuts at a page boundary, and within a page, where only the length reveals it.
        for len in [50_000, 200_300] {
            folder.write("a", &pcap(&[&frame[..]; 20]));
            let mut source = open(std::slice::from_ref(&path)).unwrap();
            let mut chunk = Chunk::default();
            assert!(source.read(&mut chunk, 2).unwrap());
            assert!(matches!(chunk.bytes, ChunkBytes::Mapped(..)));
            File::options().write(true).open(&path).unwrap().set_len(len).unwrap();
            let error = source.read(&mut chunk, 100).unwrap_err();
            assert!(matches!(error, CaptureError::Changed { .. }), "{error}");
            assert!(chunk.records.is_empty());
        }
    }

    #[test]
    fn chunks_outlive_the_source() {
        let folder = Folder::new();
        let mut chunk = Chunk::default();
        let path = folder.write("a", &pcap(&[b"one"]));
        assert!(open(&[path]).unwrap().read(&mut chunk, 9).unwrap());
        assert_eq!(chunk.frame(&chunk.records[0]), b"one");
    }

    #[cfg(unix)]
    #[test]
    fn the_check_does_not_consume_a_named_pipe() {
        let folder = Folder::new();
        let path = folder.path("pipe");
        let made = std::process::Command::new("mkfifo").arg(&path).status().unwrap();
        assert!(made.success());
        let mut source = open(std::slice::from_ref(&path)).unwrap();
        assert_eq!(source.progress().total_bytes, None);
        let writer = std::thread::spawn(move || fs::write(path, gzip(&pcap(&[b"one"]))).unwrap());
        let mut chunk = Chunk::default();
        assert!(source.read(&mut chunk, 9).unwrap());
        assert_eq!(chunk.frame(&chunk.records[0]), b"one");
        assert!(!source.read(&mut chunk, 9).unwrap());
        writer.join().unwrap();
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn long_lists_keep_no_files_open() {
        let folder = Folder::new();
        let paths = vec![folder.write("a", &pcap(&[b"one"])); 3000];
        assert_eq!(frames(&paths).len(), 3000);
    }
}
