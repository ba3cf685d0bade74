//! Capture files, read as one capture: one after the other, or merged by packet time.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};
use std::io;
use std::mem;
use std::path::PathBuf;
use std::sync::Arc;

use super::content::Content;
use super::error::NotMerged;
use super::merge::{Merged, Open};
use super::outcome::{End, Failure, is_out_of_files};
use super::ranges::FileRange;
use super::reader::{Access, Held, Part as FilePart, Reader};
use super::stop::StopFlag;
use super::stream::{BUFFER, Window};
use super::{CaptureError, Part, ReadProgress, Source, Warning};
use crate::packet::Chunk;
use crate::time::Timestamp;

/// Most files mapped at once; further overlapping files are read through buffers.
const MAPPED: usize = 4;
/// Most merged files that stay open; further ones are opened for each read.
const OPEN: usize = 64;
/// Compressed files that are merged at once: each holds a decompressor with a window of up to
/// 128 MiB.
const COMPRESSED: usize = 32;
/// Total buffer size of the merged files in bytes, unless there are so many that [`SMALLEST`]
/// exceeds it.
const BUFFERS: usize = 64 << 20;
/// Smallest buffer of a file, in bytes.
const SMALLEST: usize = 4 << 10;
/// Fewest consecutive packets of one file that are passed on without copying their bytes.
const RUN: usize = 256;

/// Packets of several capture files, read as one capture.
#[derive(Debug)]
pub struct FileSource {
    /// Files that have not been opened, in order.
    waiting: VecDeque<Waiting>,
    /// Open files by rank, their position among all files: a single file, or those that overlap.
    /// The rank decides between packets with the same time.
    open: BTreeMap<usize, Open>,
    /// Key of the next packet and rank of each open file, except for a file that is read alone.
    heads: BinaryHeap<Reverse<(Timestamp, usize)>>,
    /// Ranks of the open files whose last step returned no packet. Merging waits until their next
    /// packets are known.
    idle: Vec<usize>,
    options: SourceOptions,
    /// Files opened so far.
    opened: usize,
    /// Open files that are compressed.
    compressed: usize,
    /// Compressed files that wait until others are finished.
    postponed: VecDeque<Waiting>,
    /// Whether any file was a capture.
    any_read: bool,
    /// The first file that is no capture, before any that is.
    refusal: Option<(CaptureError, Warning)>,
    /// Error that ended reading, returned after the packets before it.
    failure: Option<CaptureError>,
    has_ended: bool,
    /// Total size of the finished files in bytes.
    done_bytes: u64,
    total_bytes: Option<u64>,
    /// Whether files are on other machines.
    waits_for_servers: bool,
    warnings: Vec<Warning>,
    /// Flag that ends pipes and standard input.
    stop: StopFlag,
    /// Division of the file that is read, if ranges may be returned.
    division: Division,
}

/// Whether long files are divided.
#[derive(Debug)]
enum Division {
    /// Only packets may be returned.
    Whole,
    /// Ranges may be returned.
    Allowed,
    /// The range to return.
    Range(FileRange),
}

/// Options for the files of a source.
#[derive(Clone, Copy, Debug)]
pub(super) struct SourceOptions {
    /// Whether a file that cannot be read completely is an error.
    pub(super) is_strict: bool,
    /// Whether it is an error if no file is a capture.
    pub(super) fails_alone: bool,
    /// Whether it is an error if a file does not exist: another process has found it.
    pub(super) must_exist: bool,
    /// Greatest window of a compressed file.
    pub(super) window: Window,
    /// Bytes of a range of a long file, `None` for a suitable length.
    pub(super) range_len: Option<usize>,
}

/// File that has not been opened.
pub(super) struct Waiting {
    pub(super) path: PathBuf,
    /// Bytes that are in no file; `path` is a name for messages.
    pub(super) content: Option<Arc<dyn Content>>,
    /// Bytes, `None` for pipes.
    pub(super) len: Option<u64>,
    /// Key of the first packet; `None` if the file is read after all before it.
    pub(super) start: Option<Timestamp>,
    /// The file, if it was opened ahead.
    pub(super) held: Option<Held>,
}

impl Waiting {
    /// Returns whether the file is on another machine.
    fn is_remote(&self) -> bool {
        self.content.as_ref().is_some_and(|content| content.address().is_some())
    }

    /// Opens the file.
    fn open(&self) -> Result<Held, Failure> {
        match &self.content {
            Some(content) => content.open().map(Held::Content).map_err(Failure::from),
            None => Held::open(&self.path),
        }
    }
}

impl std::fmt::Debug for Waiting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Waiting").field("path", &self.path).finish_non_exhaustive()
    }
}

impl FileSource {
    pub(super) fn new(
        waiting: VecDeque<Waiting>,
        warnings: Vec<Warning>,
        options: SourceOptions,
    ) -> Self {
        Self {
            total_bytes: waiting.iter().map(|file| file.len).sum(),
            waits_for_servers: waiting.iter().any(Waiting::is_remote),
            waiting,
            open: BTreeMap::new(),
            heads: BinaryHeap::new(),
            idle: Vec::new(),
            options,
            opened: 0,
            compressed: 0,
            postponed: VecDeque::new(),
            any_read: false,
            refusal: None,
            failure: None,
            has_ended: false,
            done_bytes: 0,
            warnings,
            stop: StopFlag::default(),
            division: Division::Whole,
        }
    }

    /// Opens all files now, so that reading needs no further access to the system. Each takes a
    /// descriptor until it is read.
    ///
    /// # Errors
    ///
    /// [`CaptureError::Io`] if the system allows no more open files, and with
    /// [`strict`](super::FileOptions::strict) the error of a file that cannot be opened.
    pub fn hold(&mut self) -> Result<(), CaptureError> {
        for mut file in mem::take(&mut self.waiting) {
            match file.open() {
                Ok(held) => {
                    file.held = Some(held);
                    self.waiting.push_back(file);
                }
                Err(failure) => self.reject(file, failure),
            }
            if let Some(error) = self.failure.take() {
                self.has_ended = true;
                return Err(with_all_open(error));
            }
        }
        Ok(())
    }

    /// Reads until packets arrive, a step ends without any, or no files are left.
    fn advance(&mut self, chunk: &mut Chunk, limit: usize) -> Result<bool, CaptureError> {
        while self.failure.is_none() {
            let is_step = if let Some(rank) = self.idle.pop() {
                self.refill(rank, limit);
                self.idle.last() == Some(&rank)
            } else if !self.heads.is_empty() {
                self.merge(chunk, limit)
            } else if !self.open.is_empty() {
                self.read_alone(chunk, limit)
            } else {
                let next = self.waiting.pop_front().or_else(|| self.postponed.pop_front());
                let Some(file) = next else { break };
                self.open(file, limit);
                false
            };
            if is_step {
                return Ok(true);
            }
        }
        self.has_ended = true;
        if let Some((error, warning)) = self.refusal.take() {
            if !self.any_read && self.options.fails_alone && self.failure.is_none() {
                return Err(error);
            }
            self.warnings.push(warning);
        }
        self.failure.take().map_or(Ok(false), Err)
    }

    /// Reads the only open file, which overlaps with no other.
    fn read_alone(&mut self, chunk: &mut Chunk, limit: usize) -> bool {
        let Some((&rank, file)) = self.open.iter_mut().next() else { return false };
        let part = match self.division {
            Division::Whole => {
                let end = file.reader.read(chunk, limit);
                end.map(|end| end.map_or(FilePart::Packets, FilePart::End))
            }
            Division::Allowed | Division::Range(_) => {
                file.reader.read_part(chunk, limit, self.options.range_len)
            }
        };
        match part {
            Ok(FilePart::Packets) => return true,
            Ok(FilePart::Range(range)) => {
                self.division = Division::Range(range);
                return true;
            }
            Ok(FilePart::End(end)) => self.close(rank, end),
            Ok(FilePart::Abandoned) => {
                self.open.clear();
                self.waiting.clear();
                self.postponed.clear();
            }
            Err(failure) => self.fail(rank, failure),
        }
        false
    }

    /// Fills `chunk` with the earliest packets of the open files, and returns whether there are
    /// any.
    fn merge(&mut self, chunk: &mut Chunk, limit: usize) -> bool {
        let mut merged = Merged::new(chunk, limit);
        while self.failure.is_none()
            && self.idle.is_empty()
            && let Some(&Reverse((key, rank))) = self.heads.peek()
        {
            let start = self.next_start();
            if start.is_some_and(|start| start < key)
                && let Some(file) = self.waiting.pop_front()
            {
                self.open(file, limit);
                continue;
            }
            self.heads.pop();
            let other = self.heads.peek().map(|Reverse(head)| *head);
            let waiting = start.map(|start| (start, usize::MAX));
            let bound = [other, waiting].into_iter().flatten().min();
            let Some(file) = self.open.get_mut(&rank) else { continue };
            let run = file.run(rank, bound, merged.room());
            if run < RUN {
                let is_full = merged.copy(file, run);
                self.refill(rank, limit);
                if is_full {
                    break;
                }
            } else if merged.is_empty() {
                merged.pass(file, run);
                self.refill(rank, limit);
                return true;
            } else {
                // The next call passes them on.
                self.heads.push(Reverse((key, rank)));
                break;
            }
        }
        merged.finish()
    }

    /// Opens a file, and reads its first packets if it overlaps with others.
    fn open(&mut self, mut file: Waiting, limit: usize) {
        let files = self.open.len() + self.waiting.len() + 1;
        let capacity = (BUFFERS / files).clamp(SMALLEST, BUFFER);
        let access = match self.open.len() {
            ..MAPPED => Access::Mapped,
            MAPPED..OPEN => Access::Buffer(capacity),
            _ if file.held.is_some() => Access::Buffer(capacity),
            _ => Access::Reopened(capacity),
        };
        // A compressed file may have to wait.
        let again = file.held.as_ref().and_then(Held::again);
        let held = mem::replace(&mut file.held, again).map_or_else(|| file.open(), Ok);
        let reader = held.and_then(|held| {
            Reader::new(held, &file.path, access, self.options.window, &self.stop)
        });
        let reader = match reader {
            Ok(reader) => reader,
            Err(failure) if self.stop.is_set() && failure.is_early_end() => {
                self.any_read = true;
                self.waiting.clear();
                return;
            }
            Err(failure) => return self.reject(file, failure),
        };
        if reader.is_compressed() && self.compressed >= COMPRESSED && file.start.is_some() {
            let reason = NotMerged::TooMany { most: COMPRESSED };
            self.warnings.push(Warning::NotMerged { path: file.path.clone(), reason });
            self.postponed.push_back(Waiting { start: None, ..file });
            return;
        }
        self.compressed += usize::from(reader.is_compressed());
        let rank = self.opened;
        self.opened += 1;
        self.open.insert(rank, Open::new(file.path, file.len, reader));
        self.refill(rank, limit);
    }

    /// Records the key of a file's next packet, unless the file is read alone.
    fn refill(&mut self, rank: usize, limit: usize) {
        let is_alone = self.open.len() == 1 && self.next_start().is_none();
        let Some(file) = self.open.get_mut(&rank) else { return };
        if file.is_drained() {
            if is_alone && !file.is_read_ahead() {
                return;
            }
            match file.fill(limit) {
                Ok(None) => {}
                Ok(Some(end)) => return self.close(rank, end),
                Err(failure) => return self.fail(rank, failure),
            }
        }
        if let Some(key) = file.next_key() {
            self.heads.push(Reverse((key, rank)));
        } else {
            self.idle.push(rank);
        }
    }

    /// Finishes a file that was read to its end.
    fn close(&mut self, rank: usize, end: End) {
        let Some(file) = self.open.remove(&rank) else { return };
        self.finish(&file);
        self.any_read = true;
        if let End::Truncated { offset } = end
            && !self.stop.is_set()
        {
            let path = file.path;
            if self.options.is_strict {
                self.failure = Some(CaptureError::Truncated { path, offset });
            } else {
                self.warnings.push(Warning::Truncated { path, offset });
            }
        }
    }

    /// Finishes a file that cannot be read any further.
    fn fail(&mut self, rank: usize, failure: Failure) {
        let Some(file) = self.open.remove(&rank) else { return };
        self.finish(&file);
        if self.options.is_strict || failure.ends_all() {
            self.failure = Some(failure.at(&file.path));
            return;
        }
        let unread = file.reader.unread();
        self.miss(file.path, failure, unread, true);
    }

    /// Records that a file cannot be opened.
    fn reject(&mut self, file: Waiting, failure: Failure) {
        self.opened += 1;
        self.done_bytes = self.done_bytes.saturating_add(file.len.unwrap_or(0));
        let is_lost = self.options.must_exist && failure.is_not_found();
        if self.options.is_strict || is_lost || failure.ends_all() {
            self.failure = Some(failure.at(&file.path));
            return;
        }
        self.miss(file.path, failure, file.len.map(|len| (len, len)), false);
    }

    /// Warns about the part of a file that is missing.
    fn miss(
        &mut self,
        path: PathBuf,
        failure: Failure,
        unread: Option<(u64, u64)>,
        was_open: bool,
    ) {
        let is_refusal = failure.is_refusal(was_open);
        let unread = if failure.is_empty() { Some((0, 0)) } else { unread };
        let error = failure.at(&path);
        let warning = Warning::Unread { path, reason: error.with_cause(), unread };
        if is_refusal && !self.any_read && self.refusal.is_none() {
            self.refusal = Some((error, warning));
        } else {
            self.any_read |= !is_refusal;
            self.warnings.push(warning);
        }
    }

    fn finish(&mut self, file: &Open) {
        self.compressed -= usize::from(file.reader.is_compressed());
        let bytes = file.len.unwrap_or_else(|| file.reader.progress());
        self.done_bytes = self.done_bytes.saturating_add(bytes);
    }

    /// Returns the key of the first packet of the next file, if files are merged.
    fn next_start(&self) -> Option<Timestamp> {
        self.waiting.front().and_then(|file| file.start)
    }
}

/// Adds the reason for the many open files to an error about their number.
fn with_all_open(error: CaptureError) -> CaptureError {
    match error {
        CaptureError::Io { path, source } if is_out_of_files(&source) => {
            let message = format!("{source}: all files have to be open at once");
            CaptureError::Io { path, source: io::Error::other(message) }
        }
        error => error,
    }
}

impl Source for FileSource {
    fn read(&mut self, chunk: &mut Chunk, limit: usize) -> Result<bool, CaptureError> {
        chunk.clear();
        if self.has_ended {
            return Ok(false);
        }
        self.advance(chunk, limit.max(1))
    }

    fn read_part(&mut self, chunk: &mut Chunk, limit: usize) -> Result<Part, CaptureError> {
        self.division = Division::Allowed;
        let more = self.read(chunk, limit);
        Ok(match (mem::replace(&mut self.division, Division::Whole), more?) {
            (_, false) => Part::End,
            (Division::Range(range), true) => Part::Range(range),
            (_, true) => Part::Packets,
        })
    }

    fn stop_with(&mut self, stop: &StopFlag) {
        self.stop = stop.clone();
    }

    /// Ends the list after the current file. If that is a pipe, it may still hold packets.
    fn stop(&mut self) -> bool {
        self.postponed.clear();
        self.waiting.truncate(usize::from(self.open.is_empty()));
        let open = self.open.values().map(|file| file.len);
        open.chain(self.waiting.iter().map(|file| file.len)).any(|len| len.is_none())
    }

    fn may_wait(&self) -> bool {
        // Known if every input is a regular file.
        self.total_bytes.is_none() || self.waits_for_servers
    }

    fn progress(&self) -> ReadProgress {
        let current: u64 = self.open.values().map(|file| file.reader.progress()).sum();
        let bytes = self.done_bytes.saturating_add(current);
        ReadProgress { bytes, total_bytes: self.total_bytes }
    }

    fn take_warnings(&mut self) -> Vec<Warning> {
        mem::take(&mut self.warnings)
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};
    use std::io::ErrorKind;

    use super::super::files::{FileOptions, Files, open};
    use super::super::order::FileOrder;
    use super::super::samples::{
        Folder, MICROSECONDS, Order, Seen, block, enhanced, gzip, interface, pcap, pcap_header,
        pcap_record, pcapng_start, section, seen, zstd,
    };
    use super::*;
    use crate::packet::{ChunkBytes, LinkType};

    fn read(paths: &[PathBuf], limit: usize) -> Result<(Vec<Seen>, Vec<Warning>), CaptureError> {
        let mut source = open(paths)?;
        let mut chunk = Chunk::default();
        let mut packets = Vec::new();
        while source.read(&mut chunk, limit)? {
            assert!(chunk.records.len() <= limit);
            packets.extend(seen(&chunk));
        }
        assert!(chunk.records.is_empty());
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
        assert_eq!(frames(&paths), [&b"three"[..], b"one", b"four", b"five", b"two"]);
        assert_eq!(frames(&[]), [b""; 0]);
    }

    /// Returns a capture with one packet at each of these seconds; every frame is `name`.
    fn at(name: &str, seconds: &[u32]) -> Vec<u8> {
        let mut bytes = pcap_header(Order::Little, MICROSECONDS, 65535, 1);
        for second in seconds {
            bytes.extend(pcap_record(Order::Little, (*second, 0), 0, name.as_bytes()));
        }
        bytes
    }

    /// Returns the frames and seconds of the packets, and the warnings.
    fn timeline(paths: &[PathBuf], limit: usize) -> (Vec<(String, i64)>, Vec<Warning>) {
        let (packets, warnings) = read(paths, limit).unwrap();
        let name =
            |packet: Seen| (String::from_utf8(packet.frame).unwrap(), packet.nanos / 1_000_000_000);
        (packets.into_iter().map(name).collect(), warnings)
    }

    #[test]
    fn files_that_overlap_are_merged_by_time() {
        let folder = Folder::new();
        let paths = [
            folder.write("b", &at("b", &[2, 4, 4, 9])),
            folder.write("a", &gzip(&at("a", &[1, 4, 5, 10]))),
            folder.write("c", &at("c", &[9, 9, 11])),
            folder.write("d", &at("d", &[20])),
        ];
        let expected = [
            ("a", 1),
            ("b", 2),
            ("a", 4),
            ("b", 4),
            ("b", 4),
            ("a", 5),
            ("b", 9),
            ("c", 9),
            ("c", 9),
            ("a", 10),
            ("c", 11),
            ("d", 20),
        ]
        .map(|(name, second)| (name.to_owned(), second));
        for limit in [1, 2, 3, 100] {
            assert_eq!(timeline(&paths, limit), (expected.to_vec(), vec![]), "limit {limit}");
        }
    }

    #[test]
    fn packets_of_one_file_keep_their_order() {
        let folder = Folder::new();
        let paths =
            [folder.write("a", &at("a", &[1, 5, 3, 6])), folder.write("b", &at("b", &[2, 4, 7]))];
        let order = [("a", 1), ("b", 2), ("b", 4), ("a", 5), ("a", 3), ("a", 6), ("b", 7)];
        let order = order.map(|(name, second)| (name.to_owned(), second));
        assert_eq!(timeline(&paths, 100).0, order);
    }

    #[test]
    fn a_wrong_time_does_not_hold_back_the_packets_after_it() {
        let folder = Folder::new();
        let paths = [
            folder.write("a", &at("a", &[1, 4_000_000_000, 3, 5])),
            folder.write("b", &at("b", &[2, 4, 6])),
        ];
        let order =
            [("a", 1), ("b", 2), ("a", 4_000_000_000), ("a", 3), ("b", 4), ("a", 5), ("b", 6)];
        let order = order.map(|(name, second)| (name.to_owned(), second));
        for limit in [1, 2, 100] {
            assert_eq!(timeline(&paths, limit).0, order, "limit {limit}");
        }
    }

    #[test]
    fn files_without_overlap_are_read_in_order_and_not_copied() {
        let folder = Folder::new();
        let seconds: Vec<_> = (0..600).collect();
        let paths = [
            folder.write("2", &at("b", &seconds.iter().map(|s| s + 600).collect::<Vec<_>>())),
            folder.write("1", &at("a", &seconds)),
        ];
        let mut source = open(&paths).unwrap();
        let mut chunk = Chunk::default();
        let mut names = Vec::new();
        while source.read(&mut chunk, 1000).unwrap() {
            assert!(matches!(chunk.bytes, ChunkBytes::Mapped(..)));
            names.push((chunk.frame(&chunk.records[0]).to_vec(), chunk.records.len()));
        }
        assert_eq!(names, [(b"a".to_vec(), 600), (b"b".to_vec(), 600)]);
    }

    /// More files than a process may open, all of which overlap.
    #[test]
    fn thousands_of_files_are_merged() {
        let folder = Folder::new();
        let files: u32 = 1500;
        let paths: Vec<_> = (0..files)
            .map(|n| {
                let bytes = at(&n.to_string(), &[n, 10_000 + n, 20_000 + n]);
                let bytes = if n % 100 == 0 { gzip(&bytes) } else { bytes };
                folder.write(&format!("day.pcap{n}"), &bytes)
            })
            .collect();
        let expected: Vec<_> = (0..3)
            .flat_map(|k| (0..files).map(move |n| (n.to_string(), i64::from(k * 10_000 + n))))
            .collect();
        assert!(timeline(&paths, 8192) == (expected, vec![]));
    }

    #[test]
    fn too_many_compressed_files_are_read_after_the_others() {
        let folder = Folder::new();
        let paths: Vec<_> = (0..34_u32)
            .map(|n| folder.write(&format!("{n}"), &gzip(&at(&n.to_string(), &[n, 1000 + n]))))
            .collect();
        let (packets, warnings) = timeline(&paths, 100);
        assert_eq!(packets.len(), 68);
        assert_eq!(packets[64..66], [("32".to_owned(), 32), ("32".to_owned(), 1032)]);
        assert!(warnings[0].to_string().contains("more than 32 compressed files overlap"));
        assert_eq!(warnings.len(), 2);
    }

    #[test]
    fn pipes_are_read_in_the_order_given_with_a_warning() {
        let folder = Folder::new();
        let paths =
            [folder.write("b", &at("b", &[2])), folder.write("a", &at("a", &[1])), "-".into()];
        let source = open(&paths).unwrap();
        assert!(source.may_wait());
        assert!(source.warnings[0].to_string().starts_with("standard input: not merged"));
        assert_eq!(source.waiting[0].path, paths[0]);
    }

    #[test]
    fn bad_files_are_warnings_and_the_rest_is_read() {
        let folder = Folder::new();
        let mut damaged = at("damaged", &[1, 4]);
        let len = damaged.len();
        damaged.extend([0xff; 40]);
        let paths = [
            folder.write("damaged", &damaged),
            folder.write("empty", b""),
            folder.write("good", &at("good", &[2, 3, 5])),
            folder.write("text", b"Dear diary, today I captured some packets"),
            folder.write("cut", &at("cut", &[6, 7])[..60]),
        ];
        let (packets, warnings) = timeline(&paths, 100);
        let names: Vec<_> = packets.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["damaged", "good", "good", "damaged", "good", "cut"]);
        let prefix = format!("{}/", folder.path("").display()).replace("//", "/");
        let messages: Vec<_> =
            warnings.iter().map(|warning| warning.to_string().replace(&prefix, "")).collect();
        assert_eq!(
            messages[0],
            format!(
                "damaged: corrupt at byte {len}: a packet cannot have 4294967295 captured bytes here; \
             40 of its {} bytes were not read",
                damaged.len(),
            )
        );
        assert_eq!(messages[1], "cut: cut short in the packet or block at byte 43");
        assert_eq!(messages[2], "empty: empty, not even a file header");
        assert!(messages[3].starts_with("text: not a capture file"), "{messages:?}");
        assert!(messages[3].ends_with("; none of its 41 bytes were read"), "{messages:?}");
        let damage: Vec<_> = warnings.iter().map(Warning::is_damage).collect();
        assert_eq!(damage, [true, false, true, true]);
    }

    #[test]
    fn strict_sources_end_with_the_error_of_the_first_bad_file() {
        let folder = Folder::new();
        let mut damaged = at("a", &[1, 2]);
        damaged.extend([0xff; 40]);
        let whole = at("a", &[1, 2]);
        for bytes in [&damaged[..], &whole[..whole.len() - 1]] {
            let options = FileOptions { strict: true, ..FileOptions::default() };
            let paths = [folder.write("bad", bytes), folder.write("b", &at("b", &[3]))];
            let mut source = Files::find(&paths, options).unwrap().open();
            let mut chunk = Chunk::default();
            let error = loop {
                match source.read(&mut chunk, 1) {
                    Ok(true) => assert_eq!(chunk.frame(&chunk.records[0]), b"a"),
                    Ok(false) => panic!("no error"),
                    Err(error) => break error,
                }
            };
            let is_damage =
                matches!(error, CaptureError::Corrupt { .. } | CaptureError::Truncated { .. });
            assert!(is_damage, "{error}");
            assert!(!source.read(&mut chunk, 9).unwrap());
        }
    }

    #[test]
    fn a_file_that_only_looks_like_a_capture_is_an_error_alone() {
        let folder = Folder::new();
        let path = folder.path("pipe");
        let made = std::process::Command::new("mkfifo").arg(&path).status().unwrap();
        assert!(made.success());
        let mut source = open(std::slice::from_ref(&path)).unwrap();
        let writer = std::thread::spawn(move || fs::write(path, b"x").unwrap());
        let error = source.read(&mut Chunk::default(), 9).unwrap_err();
        assert!(matches!(error, CaptureError::NotACapture { .. }), "{error}");
        writer.join().unwrap();
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
    fn merging_waits_for_a_file_whose_next_packet_is_far() {
        let folder = Folder::new();
        let skipped = block(Order::Little, 77, &vec![0; 40 << 20]);
        let late = enhanced(Order::Little, 0, 2_000_000, 0, b"2");
        let first = enhanced(Order::Little, 0, 0, 0, b"0");
        let ng = [pcapng_start(), first, skipped, late].concat();
        let paths = [folder.write("a", &ng), folder.write("b", &at("b", &[1, 3]))];
        assert_eq!(frames(&paths), [&b"0"[..], b"b", b"2", b"b"]);
    }

    #[test]
    fn held_files_are_merged_after_they_are_gone() {
        let folder = Folder::new();
        let paths = [
            folder.write("a", &at("a", &[1, 4])),
            folder.write("b", &gzip(&at("b", &[2, 5]))),
            folder.write("c", &at("c", &[3, 6])),
        ];
        let mut source = open(&paths).unwrap();
        source.hold().unwrap();
        paths.iter().for_each(|path| fs::remove_file(path).unwrap());
        let mut chunk = Chunk::default();
        let mut frames = Vec::new();
        while source.read(&mut chunk, 9).unwrap() {
            frames.extend(seen(&chunk).map(|packet| packet.frame));
        }
        assert_eq!(frames, [b"a", b"b", b"c", b"a", b"b", b"c"]);
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
        // The next packet of the file was read as well: its time decides the order.
        assert_eq!(source.progress().bytes, 24 + 2 * (16 + 3));
        while source.read(&mut chunk, 1).unwrap() {}
        assert_eq!(source.progress(), ReadProgress { bytes: total, total_bytes: Some(total) });
    }

    #[test]
    fn a_missing_file_in_a_list_is_found_before_any_packet() {
        let folder = Folder::new();
        let good = folder.write("good", &pcap(&[b"one"]));
        let missing = folder.path("missing");
        let error = open(&[good.clone(), missing.clone(), good]).unwrap_err();
        let CaptureError::Io { path, source } = error else { panic!("{error}") };
        assert_eq!((path, source.kind()), (missing, ErrorKind::NotFound));
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
            (
                "2",
                &text[..],
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
        assert!(!warnings[0].is_damage());
        assert_eq!(warnings, [Warning::Truncated { path: cut, offset: 43 }]);
    }

    #[test]
    fn damage_comes_after_the_packets_before_it() {
        let folder = Folder::new();
        let mut capture = pcap(&[b"one", b"two"]);
        capture[24 + 19 + 11] = 0xff;
        for bytes in [capture.clone(), gzip(&capture)] {
            let (packets, warnings) = read(&[folder.write("a", &bytes)], 9).unwrap();
            assert_eq!(packets.len(), 1);
            let [warning] = warnings.as_slice() else { panic!("{warnings:?}") };
            assert!(warning.to_string().contains("corrupt at byte 43"), "{warning}");
            assert!(warning.is_damage());
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
        let given = FileOptions { order: FileOrder::Given, ..FileOptions::default() };
        let mut source = Files::find(&paths, given).unwrap().open();
        let mut chunk = Chunk::default();
        let mut packets = 0;
        while source.read(&mut chunk, 9).unwrap() {
            packets += chunk.records.len();
        }
        assert_eq!(packets, 3000);
    }
}
