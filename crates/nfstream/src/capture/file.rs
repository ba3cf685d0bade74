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

    /// Opens the file. Bytes of other machines end soon after `stop` is set.
    fn open(&self, stop: &StopFlag) -> Result<Held, Failure> {
        match &self.content {
            Some(content) => content.open(stop).map(Held::Content).map_err(Failure::from),
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
            match file.open(&self.stop) {
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
        let held = mem::replace(&mut file.held, again).map_or_else(|| file.open(&self.stop), Ok);
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
mod tests;
