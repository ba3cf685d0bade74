//! First fragments, remembered so that later ones find their flow.

use std::collections::{HashMap, VecDeque};

use crate::decode::FragmentId;
use crate::packet::{Endpoint, Fragment, NetworkId, Packet};
use crate::time::{Duration, Timestamp};

/// Gives later fragments the addresses and ports of their first.
///
/// Holds a bounded number of first fragments, the newest ones, each for
/// [`FragmentTable::LIFETIME`] of packet time.
#[derive(Debug, Default)]
pub struct FragmentTable {
    firsts: HashMap<FragmentId, First, foldhash::quality::RandomState>,
    /// In order of arrival, with their times.
    order: VecDeque<(FragmentId, Timestamp)>,
}

#[derive(Clone, Copy, Debug)]
struct First {
    time: Timestamp,
    src: Endpoint,
    dst: Endpoint,
    protocol: u8,
    version: u8,
    network: NetworkId,
    tunnel_id: u32,
    vlan_id: u16,
}

impl FragmentTable {
    /// Time for which a first fragment is remembered: as long as common systems wait for the rest
    /// (30 s; RFC 1122 recommends 60 to 120 s).
    pub const LIFETIME: Duration = Duration::from_nanos(30_000_000_000);

    /// Most first fragments held.
    pub const CAPACITY: usize = 16_384;

    /// Gives later fragments among `packets` the key of their first fragment, and remembers first
    /// fragments. `ids` identify the fragments, in the same order.
    #[inline]
    pub fn resolve(&mut self, packets: &mut [Packet], ids: &[FragmentId]) {
        if ids.is_empty() {
            return;
        }
        let fragments = packets.iter_mut().filter(|packet| packet.fragment != Fragment::Whole);
        for (packet, id) in fragments.zip(ids) {
            self.resolve_one(packet, *id);
        }
    }

    /// Does the same for one fragment, and returns whether its first one is known.
    pub(crate) fn resolve_one(&mut self, packet: &mut Packet, id: FragmentId) -> bool {
        if packet.fragment == Fragment::Later {
            let first = self.firsts.get(&id);
            let Some(first) = first.filter(|first| packet.time.since(first.time) < Self::LIFETIME)
            else {
                return false;
            };
            (packet.src, packet.dst) = (first.src, first.dst);
            // They differ if the fragments carry a tunnelled packet.
            (packet.protocol, packet.version) = (first.protocol, first.version);
            packet.network = first.network;
            (packet.tunnel_id, packet.vlan_id) = (first.tunnel_id, first.vlan_id);
            return true;
        }
        let first = First {
            time: packet.time,
            src: packet.src,
            dst: packet.dst,
            protocol: packet.protocol,
            version: packet.version,
            network: packet.network,
            tunnel_id: packet.tunnel_id,
            vlan_id: packet.vlan_id,
        };
        self.remember(id, first);
        true
    }

    /// Adds the first fragments of `later`, which continues the stream of this table.
    pub(crate) fn continue_with(&mut self, later: &Self) {
        for (id, time) in &later.order {
            if let Some(first) = later.firsts.get(id).filter(|first| first.time == *time) {
                self.remember(*id, *first);
            }
        }
    }

    fn remember(&mut self, id: FragmentId, first: First) {
        if self.order.len() >= Self::CAPACITY
            && let Some((oldest, time)) = self.order.pop_front()
            // Unless its identification has been reused in the meantime.
            && self.firsts.get(&oldest).is_some_and(|first| first.time == time)
        {
            self.firsts.remove(&oldest);
        }
        self.order.push_back((id, first.time));
        self.firsts.insert(id, first);
    }
}

#[cfg(test)]
mod tests {
    use nfstream_testkit::{Frame, Ipv4};

    use super::*;
    use crate::decode::{Options, decode};
    use crate::packet::{LinkType, RawRecord};

    const A: [u8; 4] = [192, 0, 2, 1];
    const B: [u8; 4] = [192, 0, 2, 2];

    fn first(identification: u16) -> Frame {
        let header = Ipv4::new(A, B).fragment(identification, 0, true);
        Frame::raw().ip(header).udp(1000, 53).payload_len(16)
    }

    fn later(identification: u16) -> Frame {
        let header = Ipv4::new(A, B).fragment(identification, 24, false);
        Frame::raw().ip(header).opaque(17).payload_len(16)
    }

    /// Decodes a frame and resolves its fragment.
    fn resolve(table: &mut FragmentTable, nanoseconds: u64, frame: &Frame) -> Packet {
        let bytes = frame.build();
        let len = u32::try_from(bytes.len()).unwrap();
        let record = RawRecord {
            time: Timestamp::default().plus(Duration::from_nanos(nanoseconds)),
            offset: 0,
            capture_len: len,
            wire_len: len,
            link: LinkType::RAW,
        };
        let mut ids = Vec::new();
        let packet = decode(&record, &bytes, Options::default(), &mut ids).unwrap();
        let mut packets = [packet];
        table.resolve(&mut packets, &ids);
        packets[0]
    }

    fn ports(packet: &Packet) -> (u16, u16) {
        (packet.src.port, packet.dst.port)
    }

    #[test]
    fn a_later_fragment_gets_the_ports_of_its_first() {
        let mut table = FragmentTable::default();
        resolve(&mut table, 0, &first(7));
        assert_eq!(ports(&resolve(&mut table, 0, &later(7))), (1000, 53));
    }

    #[test]
    fn fragments_of_different_packets_do_not_mix() {
        let mut table = FragmentTable::default();
        resolve(&mut table, 0, &first(7));
        assert_eq!(ports(&resolve(&mut table, 0, &later(8))), (0, 0));
    }

    #[test]
    fn a_first_fragment_is_forgotten_after_its_lifetime() {
        let mut table = FragmentTable::default();
        let lifetime = FragmentTable::LIFETIME.nanos();
        resolve(&mut table, 0, &first(7));
        assert_eq!(ports(&resolve(&mut table, lifetime - 1, &later(7))), (1000, 53));
        assert_eq!(ports(&resolve(&mut table, lifetime, &later(7))), (0, 0));
    }

    #[test]
    fn a_reused_number_belongs_to_the_newest_packet() {
        let mut table = FragmentTable::default();
        resolve(&mut table, 0, &first(7));
        let header = Ipv4::new(A, B).fragment(7, 0, true);
        resolve(&mut table, 1, &Frame::raw().ip(header).udp(2000, 53).payload_len(16));
        assert_eq!(ports(&resolve(&mut table, 2, &later(7))), (2000, 53));
    }

    #[test]
    fn a_whole_packet_stays_as_it_is() {
        let mut table = FragmentTable::default();
        resolve(&mut table, 0, &first(7));
        let whole = Frame::raw().ipv4(A, B).udp(1, 2);
        assert_eq!(ports(&resolve(&mut table, 0, &whole)), (1, 2));
    }

    #[test]
    fn only_the_newest_are_held() {
        let mut table = FragmentTable::default();
        let source = |number: usize| {
            let [.., a, b] = number.to_be_bytes();
            let src = [10, u8::from(number > 0xffff), a, b];
            let header = Ipv4::new(src, B);
            let first = Frame::raw().ip(header.clone().fragment(7, 0, true)).udp(1000, 53);
            let later = Frame::raw().ip(header.fragment(7, 24, false)).opaque(17).payload_len(16);
            (first.payload_len(16), later)
        };
        for number in 0..=FragmentTable::CAPACITY {
            resolve(&mut table, 0, &source(number).0);
        }
        assert_eq!(table.firsts.len(), FragmentTable::CAPACITY);
        assert_eq!(table.order.len(), FragmentTable::CAPACITY);
        assert_eq!(ports(&resolve(&mut table, 0, &source(0).1)), (0, 0));
        assert_eq!(ports(&resolve(&mut table, 0, &source(1).1)), (1000, 53));
        assert_eq!(ports(&resolve(&mut table, 0, &source(FragmentTable::CAPACITY).1)), (1000, 53));
    }
}
