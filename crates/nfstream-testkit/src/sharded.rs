//! Runs in two halves: pieces of a stream into blocks, and the blocks of each shard into records.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use nfstream::features::Record;
use nfstream::pipeline::{BlockWriter, Piece};
use nfstream::{Config, Run, RunError, Stats};

use crate::{Captured, MemorySource, records};

/// Records of all shards in the order of one run, with the ids of one run, and their counts.
#[derive(Debug)]
pub struct Sharded {
    /// Records in order.
    pub records: Vec<Record>,
    /// Sums of the counts of all shards.
    pub stats: Stats,
    /// Bytes of all blocks.
    pub bytes: usize,
}

/// Returns the blocks of each shard of `packets`, which are cut before the packets at `cuts`, in
/// ascending order.
///
/// # Errors
///
/// Returns the errors of writing blocks.
pub fn blocks(
    packets: &[Captured],
    cuts: &[usize],
    shards: NonZeroUsize,
    config: &Config,
) -> Result<Vec<Vec<Vec<u8>>>, RunError> {
    let bounds: Vec<usize> =
        [0].into_iter().chain(cuts.iter().copied()).chain([packets.len()]).collect();
    let pieces = u32::try_from(bounds.len() - 1).expect("tests have few pieces");
    let mut blocks = vec![Vec::new(); shards.get()];
    for (number, range) in (0..).zip(bounds.windows(2)) {
        let source = MemorySource::new(&packets[range[0]..range[1]]).boxed();
        let earlier = (range[0] > 0).then(|| MemorySource::new(&packets[..range[0]]).boxed());
        let piece = Piece { number, pieces, file: number, ..Piece::default() };
        let mut writer = BlockWriter::new(source, earlier, piece, shards, config)?;
        while let Some(next) = writer.next_blocks()? {
            for (shard, block) in blocks.iter_mut().zip(next) {
                shard.push(block);
            }
        }
    }
    Ok(blocks)
}

/// Runs over `packets` in pieces that begin at `cuts`, and in `shards` shards.
///
/// # Errors
///
/// Returns the errors of both halves.
pub fn sharded(
    packets: &[Captured],
    cuts: &[usize],
    shards: NonZeroUsize,
    config: &Config,
) -> Result<Sharded, RunError> {
    let blocks = blocks(packets, cuts, shards, config)?;
    let bytes = blocks.iter().flatten().map(Vec::len).sum();
    let (mut all, mut stats) = (Vec::new(), Stats::default());
    for blocks in blocks {
        let mut run = Run::of_blocks(Box::new(blocks.into_iter()), config)?;
        all.extend(records(&mut run)?);
        stats.add(&run.monitor().stats());
    }
    all.sort_by_key(|record| {
        let Record { release, ended, id, flow, volume, kind, .. } = record;
        (*release, *ended, *id, flow.slice, volume.total_packets(), *kind)
    });
    let ids: BTreeMap<u64, ()> = all.iter().map(|record| (record.id, ())).collect();
    let ids: BTreeMap<u64, u64> = ids.into_keys().zip(0..).collect();
    for record in &mut all {
        record.id = *ids.get(&record.id).unwrap_or(&u64::MAX);
    }
    Ok(Sharded { records: all, stats, bytes })
}
