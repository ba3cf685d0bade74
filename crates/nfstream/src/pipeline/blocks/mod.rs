//! One run in two halves, for machines that share no memory: [`BlockWriter`] reads a piece of a
//! stream and writes its packets into blocks, and [`Run::of_blocks`](super::Run::of_blocks) meters
//! the blocks of one shard.
//!
//! A shard is a meter: with `n` shards, the records of all of them are those of one run with `n`
//! meters. What a meter needs besides the packets of its shard travels in the blocks: the marks of
//! the stream's clock, the clues of all packets, the ports of fragments, the time of the last packet
//! and the place of each packet, which numbers conversations.

mod block;
mod error;
mod piece;
mod reader;
mod writer;

pub use error::BlockError;
pub use piece::{Cut, Piece};
pub use reader::BlockSource;
pub(super) use reader::Reduction;
pub use writer::BlockWriter;
