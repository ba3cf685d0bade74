//! Messages from the front of the pipeline to the meters and the merge.

use std::sync::{Arc, PoisonError};

use super::decoder::Decoded;
use super::outcome::Outcome;
use super::sync::{Mutex, Sender};
use super::tally::Tally;
use crate::flow::{Sharding, Tick, shard};
use crate::packet::{ChunkBytes, Packet};
use crate::time::Timestamp;

/// A chunk whose packets have been decoded.
#[derive(Debug)]
pub(super) struct FedChunk {
    pub(super) bytes: ChunkBytes,
    pub(super) content: Packets,
    /// Ticks of the clock, at indices of decoded packets.
    pub(super) ticks: Vec<Tick>,
    pub(super) tally: Tally,
    /// Returns the memory of the packets to the decoders.
    pub(super) home: Sender<Packets>,
}

/// The packets of a chunk.
#[derive(Debug, Default)]
pub(super) struct Packets {
    pub(super) decoded: Decoded,
    /// Indices of each meter's packets in ascending order; empty if there is one meter.
    pub(super) shares: Vec<Vec<u32>>,
}

/// Messages to every consumer, in the order of the source.
#[derive(Clone, Debug)]
pub(super) enum Feed {
    Chunk(Arc<FedChunk>),
    End(Arc<End>),
}

/// The end of the source.
#[derive(Debug)]
pub(super) struct End {
    /// Time of the last packet.
    pub(super) time: Timestamp,
    pub(super) tally: Tally,
    outcome: Mutex<Outcome>,
}

impl Packets {
    /// Removes the packets and keeps the memory.
    pub(super) fn clear(&mut self) {
        self.decoded.clear();
        self.shares.iter_mut().for_each(Vec::clear);
    }

    /// Divides the packets among the meters.
    pub(super) fn share(&mut self, sharding: &mut Sharding) {
        if sharding.shards() == 1 {
            return;
        }
        self.shares.resize_with(sharding.shards(), Vec::new);
        self.shares.iter_mut().for_each(Vec::clear);
        for (place, packet) in (0..).zip(&self.decoded.packets) {
            if let Some(share) = self.shares.get_mut(sharding.of(packet)) {
                share.push(place);
            }
        }
    }

    /// Gives the packet at `place`, which was `before`, to the meter of its present addresses.
    pub(super) fn share_again(&mut self, place: usize, before: &Packet) {
        let shards = self.shares.len();
        let (Ok(number), Some(packet)) = (u32::try_from(place), self.decoded.packets.get(place))
        else {
            return;
        };
        let [from, to] = [before, packet].map(|packet| shard(packet, shards.max(1)));
        if from == to {
            return;
        }
        if let Some(share) = self.shares.get_mut(from)
            && let Ok(at) = share.binary_search(&number)
        {
            share.remove(at);
        }
        if let Some(share) = self.shares.get_mut(to)
            && let Err(at) = share.binary_search(&number)
        {
            share.insert(at, number);
        }
    }
}

impl Drop for FedChunk {
    fn drop(&mut self) {
        // Dropped if the queue is full or no decoder is left.
        drop(self.home.try_send(std::mem::take(&mut self.content)));
    }
}

impl End {
    pub(super) fn new(time: Timestamp, tally: Tally, outcome: Outcome) -> Self {
        Self { time, tally, outcome: Mutex::new(outcome) }
    }

    /// Takes the outcome of the source, for the one consumer that reports it.
    pub(super) fn take_outcome(&self) -> Outcome {
        std::mem::take(&mut self.outcome.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
