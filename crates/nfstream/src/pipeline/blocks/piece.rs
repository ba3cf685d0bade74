//! Pieces of streams, and the places of blocks in them.

use std::fmt::{self, Display, Formatter};
use std::ops::Range;
use std::path::PathBuf;

use crate::capture::{FileOrder, Listed};
use crate::meter::BIRTHS_PER_PACKET;
use crate::time::{Duration, Timestamp};

/// Maximum number of files of all streams, because their numbers are part of ids.
pub(super) const MAX_FILES: u32 = 1 << 24;
/// Maximum number of packets of a piece, for the same reason.
pub(super) const MAX_PACKETS: u64 = 1 << 32;

/// Consecutive files of a stream that one process reads.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Piece {
    /// Number of the stream.
    pub stream: u32,
    /// Number of the piece in its stream.
    pub number: u32,
    /// Pieces of the stream.
    pub pieces: u32,
    /// Number of its first file among the files of all streams, below 2^24.
    pub file: u32,
    /// Path of its last file.
    pub last: PathBuf,
    /// First file of the next piece and the time of its first packet, if files are in the order of
    /// time: no packet of this piece may be later.
    pub next: Option<(PathBuf, Timestamp)>,
}

/// Division of a stream: the files of a piece, by their indices in the stream.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Cut {
    /// Files of the piece.
    pub files: Range<usize>,
    /// Files before it that may matter to it.
    pub earlier: Range<usize>,
    /// First file with packets after it, if files are in the order of time.
    pub next: Option<usize>,
}

impl Cut {
    /// Divides the files of a stream into pieces of about `bytes`, each at least a file. Files that
    /// end less than `look_back` before a piece matter to it.
    pub fn pieces(
        files: &[Listed],
        bytes: u64,
        look_back: Duration,
        order: FileOrder,
    ) -> Vec<Self> {
        let mut cuts: Vec<Range<usize>> = Vec::new();
        let mut size = 0_u64;
        for (index, file) in files.iter().enumerate() {
            size = size.saturating_add(file.len);
            match cuts.last_mut() {
                Some(cut) if size <= bytes => cut.end = index + 1,
                _ => {
                    size = file.len;
                    cuts.push(index..index + 1);
                }
            }
        }
        let start = |index: usize| files.get(index).and_then(|file| file.start);
        let piece = |files_of_piece: Range<usize>| {
            let (first, end) = (files_of_piece.start, files_of_piece.end);
            let begin = (first..end).find_map(start);
            // A file ends before the next one begins.
            let matters = |index: usize| match (begin, start(index + 1)) {
                (Some(begin), Some(ended)) => begin.since(ended) < look_back,
                (Some(_), None) => true,
                (None, _) => false,
            };
            let earlier = (0..first).rev().take_while(|index| matters(*index)).last();
            let in_time = order == FileOrder::Time;
            Self {
                files: files_of_piece,
                earlier: earlier.unwrap_or(first)..first,
                next: (end..files.len()).find(|index| in_time && start(*index).is_some()),
            }
        };
        cuts.into_iter().map(piece).collect()
    }
}

/// Place of a block among those of its stream.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Place {
    /// Number of the stream.
    pub stream: u32,
    /// Number of the piece in its stream.
    pub piece: u32,
    /// Pieces of the stream.
    pub pieces: u32,
    /// Number of the piece's first file.
    pub file: u32,
    /// Number of the block among those of its piece and shard.
    pub block: u32,
    /// Whether it is the last of its piece and shard.
    pub is_last: bool,
    /// Shard of the packets.
    pub shard: u32,
    /// Number of shards.
    pub shards: u32,
}

impl Place {
    /// Returns the number of the first conversation of a packet after `start` others of the piece.
    pub(super) fn first_birth(&self, start: u64) -> u64 {
        let packets = (u64::from(self.file) * MAX_PACKETS).saturating_add(start);
        packets.saturating_mul(BIRTHS_PER_PACKET)
    }

    /// Returns whether `self` can follow `before`, `None` for the start of the stream.
    pub(super) fn follows(&self, before: Option<&Self>) -> bool {
        let Some(before) = before else { return self.piece == 0 && self.block == 0 };
        let same = |place: &Self| (place.stream, place.pieces, place.shard, place.shards);
        let continues = if before.is_last {
            self.piece == before.piece + 1 && self.block == 0 && self.file > before.file
        } else {
            (self.piece, self.file, self.block) == (before.piece, before.file, before.block + 1)
        };
        same(self) == same(before) && continues
    }

    /// Returns whether the stream ends with this block.
    pub(super) fn ends_stream(&self) -> bool {
        self.is_last && self.piece + 1 == self.pieces
    }

    /// Returns the place after this one, as far as it is known.
    pub(super) fn next(&self) -> Self {
        if self.is_last {
            Self { piece: self.piece + 1, block: 0, is_last: false, ..*self }
        } else {
            Self { block: self.block + 1, ..*self }
        }
    }
}

impl Display for Place {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { stream, piece, pieces, block, shard, shards, .. } = self;
        write!(f, "block {block} of piece {piece} of {pieces}, ")?;
        write!(f, "stream {stream}, shard {shard} of {shards}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(starts: &[i64], bytes: u64) -> Vec<Cut> {
        let file = |start: &i64| Listed {
            path: PathBuf::from("a.pcap"),
            len: 10,
            start: (*start > 0).then(|| Timestamp::from_seconds(*start, 0)),
        };
        let files: Vec<_> = starts.iter().map(file).collect();
        Cut::pieces(&files, bytes, Duration::from_nanos(30_000_000_000), FileOrder::Time)
    }

    #[test]
    fn small_files_share_a_piece() {
        let cuts = cut(&[1, 2, 3, 4, 5], 25);
        let files: Vec<_> = cuts.iter().map(|cut| cut.files.clone()).collect();
        assert_eq!(files, [0..2, 2..4, 4..5]);
        assert_eq!(cut(&[1, 2, 3], 0).len(), 3);
        assert_eq!(cut(&[], 0), []);
    }

    #[test]
    fn files_matter_that_may_end_within_the_time_before() {
        let cuts = cut(&[100, 110, 125, 141, 500], 0);
        let earlier: Vec<_> = cuts.iter().map(|cut| cut.earlier.clone()).collect();
        assert_eq!(earlier, [0..0, 0..1, 0..2, 1..3, 3..4]);
    }

    #[test]
    fn files_without_packets_are_passed_over() {
        let cuts = cut(&[100, 0, 110], 0);
        assert_eq!(cuts[0].next, Some(2));
        assert_eq!(cuts[2].earlier, 0..2);
        assert_eq!(cuts[2].next, None);
    }
}
