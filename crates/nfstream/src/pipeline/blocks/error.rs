//! Errors of blocks.

use std::error::Error;
use std::path::PathBuf;

use super::piece::Place;

/// Why packets cannot be written into blocks, or blocks cannot be metered.
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum BlockError {
    /// A block is damaged, or is no block.
    #[error("a block is damaged: {what}")]
    Damaged {
        /// Part that cannot be read.
        what: &'static str,
    },
    /// A block is missing, was passed twice, or belongs elsewhere.
    #[error("expected {expected} but got {found}: pass all blocks of one shard, in their order")]
    Misplaced {
        /// The block that should come next.
        expected: Box<Place>,
        /// The one that came.
        found: Box<Place>,
    },
    /// The blocks end before the stream does.
    #[error("blocks are missing: {expected} and all after it")]
    Missing {
        /// The block that should come next.
        expected: Box<Place>,
    },
    /// A file continues after the next one has begun, and another process reads the next one.
    #[error(
        "{} and {} overlap in time: put them into one task, into different streams, or read the \
         files in the given order", file.display(), next.display()
    )]
    Overlap {
        /// The last file of a piece.
        file: PathBuf,
        /// The first file of the next piece.
        next: PathBuf,
    },
    /// The blocks cannot be fetched.
    #[error("the blocks cannot be read")]
    Source(#[source] Box<dyn Error + Send + Sync>),
    /// Something that needs the whole stream in one process.
    #[error("{what} needs the packets of all shards in one process")]
    Unsupported {
        /// The parameter.
        what: &'static str,
    },
    /// Another version has written a block.
    #[error("the blocks were written by nfstream {found}, this is {}", env!("CARGO_PKG_VERSION"))]
    Version {
        /// Its version.
        found: String,
    },
}
