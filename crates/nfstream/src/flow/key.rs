//! Flow keys: the properties that the packets of one conversation share.

use std::cmp::Ordering;
use std::hash::{BuildHasher, Hasher};

use crate::packet::{Endpoint, NetworkId, Packet};

/// Key of a conversation, the same for both directions.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct FlowKey {
    low_addr: [u8; 16],
    high_addr: [u8; 16],
    low_port: u16,
    high_port: u16,
    /// IP protocol number of the packet.
    pub protocol: u8,
    /// IP version, 4 or 6.
    pub version: u8,
    /// Network of both ends.
    pub network: NetworkId,
}

/// End of a flow key that sent a packet.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Sender {
    /// The end that sorts first.
    #[default]
    Low,
    /// The end that sorts second.
    High,
}

/// Direction of a packet in its flow.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Direction {
    /// From the flow's source to its destination.
    Src2Dst,
    /// From the flow's destination to its source.
    Dst2Src,
}

impl FlowKey {
    /// Returns the key of `packet`, and the end that sent it.
    #[inline]
    pub fn of(packet: &Packet) -> (Self, Sender) {
        let (src, dst) = (&packet.src, &packet.dst);
        let order = u128::from_be_bytes(src.addr)
            .cmp(&u128::from_be_bytes(dst.addr))
            .then(src.port.cmp(&dst.port));
        let (low, high, sender) = match order {
            Ordering::Greater => (dst, src, Sender::High),
            Ordering::Less | Ordering::Equal => (src, dst, Sender::Low),
        };
        let key = Self {
            low_addr: low.addr,
            high_addr: high.addr,
            low_port: low.port,
            high_port: high.port,
            protocol: packet.protocol,
            version: packet.version,
            network: packet.network,
        };
        (key, sender)
    }

    /// Returns the end that is `sender`.
    #[inline]
    pub fn end(&self, sender: Sender) -> Endpoint {
        match sender {
            Sender::Low => Endpoint { addr: self.low_addr, port: self.low_port },
            Sender::High => Endpoint { addr: self.high_addr, port: self.high_port },
        }
    }
}

impl Sender {
    /// Returns the other end.
    #[inline]
    pub fn other(self) -> Self {
        match self {
            Self::Low => Self::High,
            Self::High => Self::Low,
        }
    }
}

impl Direction {
    /// Returns the direction of a packet from `sender` in a flow from `src`.
    #[inline]
    pub fn of(sender: Sender, src: Sender) -> Self {
        if sender == src { Self::Src2Dst } else { Self::Dst2Src }
    }

    /// Returns 0 for source to destination, 1 for destination to source.
    #[inline]
    pub const fn index(self) -> usize {
        match self {
            Self::Src2Dst => 0,
            Self::Dst2Src => 1,
        }
    }
}

/// Hashes keys with secret seeds, so that an attacker cannot choose colliding addresses.
#[derive(Clone, Debug, Default)]
pub struct KeyHasher(foldhash::quality::RandomState);

impl KeyHasher {
    /// Returns the hash of the whole key.
    #[inline]
    pub fn key(&self, key: &FlowKey) -> u64 {
        let words = [
            u128::from_ne_bytes(key.low_addr),
            u128::from_ne_bytes(key.high_addr),
            u128::from(key.low_port)
                | u128::from(key.high_port) << 16
                | u128::from(key.protocol) << 32
                | u128::from(key.version) << 40
                | u128::from(key.network.number()) << 64,
        ];
        // Word by word: the hash of an array is that of its bytes, which is not inlined.
        let mut hasher = self.0.build_hasher();
        words.into_iter().for_each(|word| hasher.write_u128(word));
        hasher.finish()
    }
}

/// Version of the assignment of packets to shards by [`shard`]. It changes with that function:
/// shards of different versions do not fit together.
pub const SHARD_HASH: u8 = 1;

/// Returns the shard of `packet` among `shards`, the same for all packets between two addresses, in
/// every process.
#[inline]
pub fn shard(packet: &Packet, shards: usize) -> usize {
    let shards = u64::try_from(shards).unwrap_or(u64::MAX).max(1);
    usize::try_from(hash_of_addresses(packet) % shards).unwrap_or(0)
}

/// Returns a hash of the two addresses, without the ports, so that related packets (fragments, the
/// data connection of an FTP session) have the same hash.
///
/// The hash is the same in every run, because nDPI keeps state across the flows of a meter, so
/// flows must be assigned to the same meter each time. Choosing colliding addresses gains an
/// attacker no more than using only two addresses.
#[inline]
pub fn hash_of_addresses(packet: &Packet) -> u64 {
    const HASHER: foldhash::quality::FixedState = foldhash::quality::FixedState::with_seed(0);

    let src = u128::from_le_bytes(packet.src.addr);
    let dst = u128::from_le_bytes(packet.dst.addr);
    HASHER.hash_one([src.min(dst), src.max(dst)])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(src: Endpoint, dst: Endpoint) -> Packet {
        Packet { src, dst, version: 4, protocol: 6, ..Packet::default() }
    }

    #[test]
    fn both_directions_have_one_key() {
        let client = Endpoint::v4([192, 0, 2, 9], 50_000);
        let server = Endpoint::v4([192, 0, 2, 1], 443);
        let (there, from) = FlowKey::of(&packet(client, server));
        let (back, to) = FlowKey::of(&packet(server, client));
        assert_eq!(there, back);
        assert_eq!(from, to.other());
        assert_eq!(there.end(from), client);
        assert_eq!(there.end(to), server);
    }

    #[test]
    fn one_address_is_distinguished_by_port() {
        let (low, high) = (Endpoint::v4([127, 0, 0, 1], 1), Endpoint::v4([127, 0, 0, 1], 2));
        let (key, sender) = FlowKey::of(&packet(high, low));
        assert_eq!(key.end(sender), high);
        assert_eq!(key.end(sender.other()), low);
    }

    #[test]
    fn swapped_ports_are_another_conversation() {
        let (a, b) = ([192, 0, 2, 1], [192, 0, 2, 2]);
        let (one, _) = FlowKey::of(&packet(Endpoint::v4(a, 1), Endpoint::v4(b, 2)));
        let (two, _) = FlowKey::of(&packet(Endpoint::v4(a, 2), Endpoint::v4(b, 1)));
        assert_ne!(one, two);
    }

    #[test]
    fn an_ipv4_address_is_not_the_ipv6_address_of_its_bytes() {
        let addr = Endpoint::v4([192, 0, 2, 1], 0);
        let narrow = packet(addr, addr);
        let wide = Packet { version: 6, ..narrow };
        assert_ne!(FlowKey::of(&narrow).0, FlowKey::of(&wide).0);
    }

    #[test]
    fn hash_of_addresses_is_the_same_for_both_directions_and_all_ports() {
        let (a, b) = ([192, 0, 2, 1], [192, 0, 2, 2]);
        let there = packet(Endpoint::v4(a, 1), Endpoint::v4(b, 2));
        let back = packet(Endpoint::v4(b, 77), Endpoint::v4(a, 1));
        assert_eq!(hash_of_addresses(&there), hash_of_addresses(&back));
    }

    #[test]
    fn hash_of_addresses_is_the_same_in_every_run() {
        let addr = Endpoint::v4([192, 0, 2, 1], 0);
        assert_eq!(hash_of_addresses(&packet(addr, addr)), 3_521_379_200_052_548_826);
    }

    /// A change here needs a new version, [`SHARD_HASH`].
    #[test]
    fn shards_are_those_of_version_1() {
        let server = Endpoint::v4([192, 0, 2, 1], 443);
        let of_client = |host| {
            let client = Endpoint::v4([10, 0, 0, host], 50_000);
            [2, 64, 1000].map(|shards| shard(&packet(client, server), shards))
        };
        assert_eq!(SHARD_HASH, 1);
        assert_eq!([1, 2, 3].map(of_client), [[1, 25, 185], [1, 27, 35], [1, 51, 467]]);
    }
}
