//! Shards of packets, remembered for recent pairs of addresses.

use super::key::shard;
use crate::packet::Packet;

/// Assigns packets to shards as [`shard`] does. Hashing the addresses takes half as long as decoding
/// a packet, so the shards of recent pairs are remembered.
#[derive(Clone, Debug)]
pub struct Sharding {
    shards: usize,
    /// One pair for each value of a quick hash.
    recent: Vec<Option<Pair>>,
}

/// Two addresses, in the order of one of their packets.
#[derive(Clone, Copy, Debug)]
struct Pair {
    src: u128,
    dst: u128,
    shard: usize,
}

impl Sharding {
    /// Logarithm of the number of pairs remembered.
    const BITS: u32 = 10;

    /// Returns the assignment to `shards` shards.
    pub fn new(shards: usize) -> Self {
        Self { shards, recent: vec![None; 1 << Self::BITS] }
    }

    /// Returns the number of shards.
    pub fn shards(&self) -> usize {
        self.shards
    }

    /// Returns the shard of `packet`.
    #[inline]
    pub fn of(&mut self, packet: &Packet) -> usize {
        let src = u128::from_le_bytes(packet.src.addr);
        let dst = u128::from_le_bytes(packet.dst.addr);
        let Some(recent) = self.recent.get_mut(place(src ^ dst)) else {
            return shard(packet, self.shards);
        };
        if let Some(pair) = recent
            && ((pair.src, pair.dst) == (src, dst) || (pair.src, pair.dst) == (dst, src))
        {
            return pair.shard;
        }
        let shard = shard(packet, self.shards);
        *recent = Some(Pair { src, dst, shard });
        shard
    }
}

/// Returns a quick hash of a pair, the same for both directions.
#[inline]
fn place(both: u128) -> usize {
    const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
    let [low, high] = [both, both >> 64].map(|word| {
        let [a, b, c, d, e, f, g, h, ..] = word.to_le_bytes();
        u64::from_le_bytes([a, b, c, d, e, f, g, h])
    });
    let hash = (low ^ high).wrapping_mul(ODD) >> (u64::BITS - Sharding::BITS);
    usize::try_from(hash).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::Endpoint;

    #[test]
    fn shards_are_those_of_the_hash_for_remembered_pairs_too() {
        let mut sharding = Sharding::new(7);
        // More pairs than are remembered, so some replace others.
        for round in 0..3_u16 {
            for number in 0..3000_u16 {
                let [high, low] = number.to_be_bytes();
                let ends = [
                    Endpoint::v4([10, 0, high, low], 1000 + round),
                    Endpoint::v4([10, 0, low, high], 53),
                ];
                let [src, dst] = if round == 1 { [ends[1], ends[0]] } else { ends };
                let packet = Packet { src, dst, version: 4, ..Packet::default() };
                assert_eq!(sharding.of(&packet), shard(&packet, 7));
                assert_eq!(sharding.of(&packet), shard(&packet, 7));
            }
        }
    }
}
