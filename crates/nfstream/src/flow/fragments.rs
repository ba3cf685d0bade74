//! First fragments, remembered so that later ones find their flow.

use std::collections::{HashMap, VecDeque};

use crate::decode::{Endpoint, Fragment, FragmentId, Packet};
use crate::time::{Duration, Timestamp};

/// Gives later fragments the addresses and ports of their first.
///
/// Holds a bounded number of first fragments, the newest ones, each for
/// [`FragmentTable::LIFETIME`] of packet time.
#[derive(Debug, Default)]
pub struct FragmentTable {
    firsts: HashMap<FragmentId, First, foldhash::quality::RandomState>,
    /// In the order in which they were seen, with their times.
    order: VecDeque<(FragmentId, Timestamp)>,
}

#[derive(Clone, Copy, Debug)]
struct First {
    time: Timestamp,
    src: Endpoint,
    dst: Endpoint,
    protocol: u8,
    version: u8,
    tunnel_id: u32,
}

impl FragmentTable {
    /// How long a first fragment is remembered: longer than hosts wait for the rest (RFC 1122
    /// asks for 60 to 120 s, common systems wait 30 s).
    pub const LIFETIME: Duration = Duration::from_nanos(30_000_000_000);

    /// First fragments that are held at most.
    pub const CAPACITY: usize = 65_536;

    /// Remembers `packet` if it is a first fragment; gives it its first's key if it is a later
    /// one. `frame` is the packet's.
    pub fn resolve(&mut self, packet: &mut Packet, frame: &[u8]) {
        if packet.fragment == Fragment::Whole {
            return;
        }
        let Some(id) = FragmentId::read(frame, packet.fragment_offset, packet.vlan_id) else {
            return;
        };
        if packet.fragment == Fragment::Later {
            if let Some(first) = self.firsts.get(&id)
                && packet.time.since(first.time) < Self::LIFETIME
            {
                (packet.src, packet.dst) = (first.src, first.dst);
                // They differ where the fragments carry a tunnel's packet.
                (packet.protocol, packet.version) = (first.protocol, first.version);
                packet.tunnel_id = first.tunnel_id;
            }
            return;
        }
        if self.order.len() >= Self::CAPACITY
            && let Some((oldest, time)) = self.order.pop_front()
            // Unless its number was used again since.
            && self.firsts.get(&oldest).is_some_and(|first| first.time == time)
        {
            self.firsts.remove(&oldest);
        }
        let first = First {
            time: packet.time,
            src: packet.src,
            dst: packet.dst,
            protocol: packet.protocol,
            version: packet.version,
            tunnel_id: packet.tunnel_id,
        };
        self.firsts.insert(id, first);
        self.order.push_back((id, packet.time));
    }
}
