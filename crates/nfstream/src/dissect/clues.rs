//! Knowledge across flows: names of addresses from DNS answers, and announced ends of flows.
//!
//! [`Clues`] are read during decoding, from each packet on its own. Every meter applies the clues
//! of all packets in stream order, so all meters have the same [`Knowledge`] at a given packet.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use nfstream_dissect::{Clue, Endpoints, Hints, ProtocolId};

use crate::packet::encoding::{Encoded, put, put_bytes, put_signed};
use crate::packet::protocol::TCP;
use crate::packet::{Fragment, Packet, TcpFlags};
use crate::time::{Duration, Timestamp};

/// Most addresses with remembered names.
const MAX_NAMES: usize = 1 << 16;
/// Most announced ends remembered.
const MAX_ENDS: usize = 1 << 14;
/// Longest name in bytes (RFC 1035).
const MAX_NAME: usize = 255;
/// Longest age at which an announcement counts: media and data follow soon.
const MAX_AGE: Duration = Duration::from_nanos(600_000_000_000);
/// Lower ports are usually those of servers.
const FIRST_CLIENT_PORT: u16 = 1024;

/// Facts about future flows that packets reveal, in order, each with the index of its packet.
#[derive(Clone, Debug, Default)]
pub struct Clues(Vec<(usize, Fact)>);

#[derive(Clone, Debug)]
enum Fact {
    Name(IpAddr, Arc<str>),
    End(End, ProtocolId, Timestamp),
}

/// Address, port and transport of one end of a flow.
type End = (IpAddr, u16, u8);

/// Knowledge about future flows from the packets so far; bounded in bytes.
#[derive(Debug)]
pub struct Knowledge {
    names: Recent<IpAddr, Arc<str>>,
    ends: Recent<End, (ProtocolId, Timestamp)>,
    /// Facts from the current packets that no flow has needed yet.
    upcoming: VecDeque<(usize, Fact)>,
}

/// The most recently set entries: between half the limit and the limit.
#[derive(Debug)]
struct Recent<K, V> {
    young: HashMap<K, V, foldhash::quality::RandomState>,
    old: HashMap<K, V, foldhash::quality::RandomState>,
    limit: usize,
}

impl Clues {
    /// Removes all facts and keeps the memory.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Adds the facts in `packets` of a chunk with the bytes `frames`; the first packet has the
    /// index `start`.
    #[inline]
    pub fn read(&mut self, start: usize, packets: &[Packet], frames: &[u8]) {
        for (index, packet) in (start..).zip(packets) {
            if packet.payload_len == 0 || packet.fragment == Fragment::Later {
                continue;
            }
            let payload = packet.payload(frames);
            let ports = [packet.src.port, packet.dst.port];
            if Clue::may_be_in(packet.protocol, ports, payload) {
                self.add(index, packet, payload);
            }
        }
    }

    fn add(&mut self, index: usize, packet: &Packet, payload: &[u8]) {
        let end = |end: &crate::packet::Endpoint| SocketAddr::new(end.ip(packet.version), end.port);
        let endpoints = Endpoints {
            protocol: packet.protocol,
            client: end(&packet.src),
            server: end(&packet.dst),
        };
        let facts = Clue::read(&endpoints, payload).into_iter().filter_map(|clue| match clue {
            Clue::Name { address, name } => {
                (1..=MAX_NAME).contains(&name.len()).then_some(Fact::Name(address, name))
            }
            Clue::End(end) => {
                let key = (end.address, end.port, end.transport);
                Some(Fact::End(key, end.application, packet.time))
            }
        });
        self.0.extend(facts.map(|fact| (index, fact)));
    }
}

/// Fewest bytes of a fact in a block: an index, an address, and a name of one letter with its length.
const LEAST: usize = 8;

/// Writing of facts into blocks, and reading.
impl Clues {
    /// Adds the facts of `other`, whose packets follow `packets` others.
    pub(crate) fn append(&mut self, other: &Self, packets: usize) {
        self.0.extend(other.0.iter().map(|(index, fact)| (packets + index, fact.clone())));
    }

    /// Appends the facts to `out`.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        put(out, u64::try_from(self.0.len()).unwrap_or(u64::MAX));
        for (index, fact) in &self.0 {
            put(out, u64::try_from(*index).unwrap_or(u64::MAX));
            match fact {
                Fact::Name(address, name) => {
                    put_address(out, *address);
                    put_bytes(out, name.as_bytes());
                }
                Fact::End((address, port, transport), ProtocolId(application), time) => {
                    // No name is empty.
                    put_address(out, *address);
                    put_bytes(out, &[]);
                    for number in [*port, u16::from(*transport), *application] {
                        put(out, number.into());
                    }
                    put_signed(out, time.nanos());
                }
            }
        }
    }

    /// Reads what [`write`](Self::write) has written, `None` if `encoded` holds something else.
    pub(crate) fn read_from(encoded: &mut Encoded<'_>) -> Option<Self> {
        let facts = encoded.items(LEAST)?;
        let mut clues = Vec::new();
        for _ in 0..facts {
            let index = encoded.narrow()?;
            let address = read_address(encoded)?;
            let name = std::str::from_utf8(encoded.bytes()?).ok()?;
            if name.len() > MAX_NAME {
                return None;
            }
            let fact = if name.is_empty() {
                let end = (address, encoded.narrow()?, encoded.narrow()?);
                let application = ProtocolId(encoded.narrow()?);
                Fact::End(end, application, Timestamp::from_nanos(encoded.signed()?))
            } else {
                Fact::Name(address, name.into())
            };
            clues.push((index, fact));
        }
        Some(Self(clues))
    }
}

fn put_address(out: &mut Vec<u8>, address: IpAddr) {
    match address {
        IpAddr::V4(address) => put_bytes(out, &address.octets()),
        IpAddr::V6(address) => put_bytes(out, &address.octets()),
    }
}

fn read_address(encoded: &mut Encoded<'_>) -> Option<IpAddr> {
    let bytes = encoded.bytes()?;
    match bytes.len() {
        4 => <[u8; 4]>::try_from(bytes).ok().map(IpAddr::from),
        _ => <[u8; 16]>::try_from(bytes).ok().map(IpAddr::from),
    }
}

impl Default for Knowledge {
    fn default() -> Self {
        Self {
            names: Recent::new(MAX_NAMES),
            ends: Recent::new(MAX_ENDS),
            upcoming: VecDeque::new(),
        }
    }
}

impl Knowledge {
    /// Takes the facts of the next packets; all earlier packets have been processed.
    #[inline]
    pub fn note(&mut self, clues: &Clues) {
        while let Some((_, fact)) = self.upcoming.pop_front() {
            self.apply(fact);
        }
        self.upcoming.extend(clues.0.iter().cloned());
    }

    /// Returns the knowledge, from packets before the one at `index`, about the flow that begins
    /// with it.
    pub fn hints(&mut self, index: usize, packet: &Packet) -> Hints {
        self.catch_up(index);
        let (src, dst) = (packet.src.ip(packet.version), packet.dst.ip(packet.version));
        let (src_port, dst_port) = (packet.src.port, packet.dst.port);
        let answers = packet.protocol == TCP
            && packet.tcp_flags.contains(TcpFlags::SYN)
            && packet.tcp_flags.contains(TcpFlags::ACK);
        let from_server = answers || src_port < FIRST_CLIENT_PORT && dst_port >= FIRST_CLIENT_PORT;
        let server = if from_server { src } else { dst };
        Hints { name: self.names.get(&server).cloned(), announced: self.of_ends(packet) }
    }

    /// Returns the application that packets before the one at `index` announced for its flow.
    #[inline]
    pub fn announced(&mut self, index: usize, packet: &Packet) -> Option<ProtocolId> {
        if self.ends.is_empty() && self.upcoming.is_empty() {
            return None;
        }
        self.catch_up(index);
        self.of_ends(packet)
    }

    /// Applies the facts of packets before the one at `index`.
    fn catch_up(&mut self, index: usize) {
        while self.upcoming.front().is_some_and(|(of, _)| *of < index) {
            let Some((_, fact)) = self.upcoming.pop_front() else { return };
            self.apply(fact);
        }
    }

    fn of_ends(&self, packet: &Packet) -> Option<ProtocolId> {
        if self.ends.is_empty() {
            return None;
        }
        [packet.dst, packet.src].into_iter().find_map(|end| {
            let key = (end.ip(packet.version), end.port, packet.protocol);
            let (application, time) = self.ends.get(&key)?;
            (packet.time.since(*time) <= MAX_AGE).then_some(*application)
        })
    }

    fn apply(&mut self, fact: Fact) {
        match fact {
            Fact::Name(address, name) => self.names.set(address, name),
            Fact::End(end, application, time) => self.ends.set(end, (application, time)),
        }
    }
}

impl<K: Eq + Hash, V> Recent<K, V> {
    fn new(limit: usize) -> Self {
        Self { young: HashMap::default(), old: HashMap::default(), limit }
    }

    fn set(&mut self, key: K, value: V) {
        if self.young.len() >= self.limit / 2 && !self.young.contains_key(&key) {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, value);
    }

    fn is_empty(&self) -> bool {
        self.young.is_empty() && self.old.is_empty()
    }

    fn get(&self, key: &K) -> Option<&V> {
        self.young.get(key).or_else(|| self.old.get(key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::Endpoint;
    use crate::packet::protocol::UDP;

    /// Returns a packet from port 40,000 to `port` of the address `dst`.
    fn packet(dst: [u8; 4], port: u16, seconds: i64) -> Packet {
        Packet {
            version: 4,
            protocol: UDP,
            src: Endpoint::v4([192, 0, 2, 1], 40_000),
            dst: Endpoint::v4(dst, port),
            time: Timestamp::from_seconds(seconds, 0),
            ..Packet::default()
        }
    }

    fn name(address: [u8; 4], name: &str) -> Fact {
        Fact::Name(address.into(), name.into())
    }

    fn name_at(knowledge: &mut Knowledge, index: usize, dst: [u8; 4]) -> Option<Arc<str>> {
        knowledge.hints(index, &packet(dst, 443, 0)).name
    }

    #[test]
    fn answers_count_for_later_packets() {
        let mut knowledge = Knowledge::default();
        let first = name([192, 0, 2, 7], "a.example");
        let second = name([192, 0, 2, 7], "b.example");
        knowledge.note(&Clues(vec![(3, first), (5, second)]));
        assert_eq!(name_at(&mut knowledge, 3, [192, 0, 2, 7]), None);
        assert_eq!(name_at(&mut knowledge, 4, [192, 0, 2, 7]).as_deref(), Some("a.example"));
        assert_eq!(name_at(&mut knowledge, 6, [192, 0, 2, 7]).as_deref(), Some("b.example"));
        assert_eq!(name_at(&mut knowledge, 6, [192, 0, 2, 8]), None);
    }

    #[test]
    fn answers_of_a_chunk_count_in_the_next() {
        let mut knowledge = Knowledge::default();
        knowledge.note(&Clues(vec![(9, name([192, 0, 2, 7], "a.example"))]));
        knowledge.note(&Clues::default());
        assert_eq!(name_at(&mut knowledge, 0, [192, 0, 2, 7]).as_deref(), Some("a.example"));
    }

    #[test]
    fn a_flow_that_the_server_begins_gets_the_name_of_its_source() {
        let mut knowledge = Knowledge::default();
        knowledge.note(&Clues(vec![(0, name([192, 0, 2, 7], "a.example"))]));
        let mut answer = packet([192, 0, 2, 7], 443, 0);
        std::mem::swap(&mut answer.src, &mut answer.dst);
        assert_eq!(knowledge.hints(1, &answer).name.as_deref(), Some("a.example"));
        answer.src.port = 8443;
        assert_eq!(knowledge.hints(1, &answer).name, None);
        answer.protocol = TCP;
        answer.tcp_flags = TcpFlags(0x12);
        assert_eq!(knowledge.hints(1, &answer).name.as_deref(), Some("a.example"));
    }

    #[test]
    fn announcements_count_for_ten_minutes() {
        let mut knowledge = Knowledge::default();
        let end = ([192, 0, 2, 7].into(), 4000, UDP);
        let time = Timestamp::from_seconds(1000, 0);
        knowledge.note(&Clues(vec![(0, Fact::End(end, ProtocolId(87), time))]));
        let mut announced =
            |port, seconds| knowledge.hints(1, &packet([192, 0, 2, 7], port, seconds)).announced;
        assert_eq!(announced(4000, 1600), Some(ProtocolId(87)));
        assert_eq!(announced(4000, 1601), None);
        assert_eq!(announced(4001, 1001), None);
        assert_eq!(announced(4000, 999), Some(ProtocolId(87)));
    }

    #[test]
    fn facts_are_read_as_written() {
        let v6 = [0x20; 16].into();
        let end = ([192, 0, 2, 7].into(), 4000, UDP);
        let time = Timestamp::from_seconds(-1, 7);
        let facts = vec![
            (3, name([192, 0, 2, 7], "a.example")),
            (3, Fact::Name(v6, "b.example".into())),
            (900, Fact::End(end, ProtocolId(87), time)),
        ];
        let (mut written, clues) = (Vec::new(), Clues(facts));
        clues.write(&mut written);
        let read = Clues::read_from(&mut Encoded(&written)).unwrap();
        assert_eq!(format!("{read:?}"), format!("{clues:?}"));
        for len in 0..written.len() {
            assert!(Clues::read_from(&mut Encoded(&written[..len])).is_none(), "{len}");
        }
    }

    #[test]
    fn the_latest_names_stay() {
        let mut recent = Recent::new(100);
        for number in 0..1000 {
            recent.set(number, number);
        }
        assert!(recent.young.len() + recent.old.len() <= 100);
        assert!((950..1000).all(|number| recent.get(&number) == Some(&number)));
        assert_eq!(recent.get(&0), None);
    }
}
