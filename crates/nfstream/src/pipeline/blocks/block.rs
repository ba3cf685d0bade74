//! A block: consecutive packets of one shard, and what its meter must know of all others.

use super::error::BlockError;
use super::piece::{MAX_FILES, MAX_PACKETS, Place};
use crate::decode;
use crate::dissect::Clues;
use crate::flow::Mark;
use crate::packet::encoding::{Encoded, put, put_bytes, put_signed};
use crate::packet::{Endpoint, LinkType, NetworkId, Packet, RawRecord, Separation};
use crate::pipeline::stats::Ignored;
use crate::time::Timestamp;

/// Start of every block.
const MAGIC: [u8; 4] = *b"NFB1";
const VERSION: &str = env!("CARGO_PKG_VERSION");
/// Level of zstd: faster than the network.
const LEVEL: i32 = 1;
/// Bytes of the largest block before compression.
const LARGEST: usize = 1 << 28;
/// Packets that are read at once: usual ones fit into a block several times.
pub(super) const CHUNK_PACKETS: usize = 512;
/// Marks of the clock after which a block is complete.
pub(super) const STRETCH_MARKS: usize = 1 << 20;

/// The packets of a shard in a stretch of a piece. Numbers of packets count those of all shards,
/// from the start of the stretch.
#[derive(Clone, Debug)]
pub(in crate::pipeline) struct Block {
    /// Options by which its packets were decoded, and are decoded again.
    pub(super) options: decode::Options,
    /// Packets of the piece before the stretch.
    pub(super) start: u64,
    /// Bytes of the frames.
    pub(super) frames: Vec<u8>,
    pub(super) records: Vec<RawRecord>,
    /// Number of each packet.
    pub(super) numbers: Vec<u32>,
    /// Ends of later fragments, by the index of their record.
    pub(super) joined: Vec<(usize, Joined)>,
    /// Clues in the packets of all shards.
    pub(super) clues: Clues,
    /// Marks of the stream's clock.
    pub(super) marks: Vec<Mark>,
    /// Earliest time after the last mark.
    pub(super) open: Timestamp,
    /// Time of the last packet that was read, if any was.
    pub(super) end: Option<Timestamp>,
    /// Counts of the piece that belong to no shard; they travel with the first one.
    pub(super) counts: Counts,
}

/// Counts of packets and files that belong to no shard.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Counts {
    pub(super) ignored: Ignored,
    pub(super) duplicates: u64,
    pub(super) damaged: u64,
}

/// Properties of a later fragment that come from its first one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Joined {
    src: Endpoint,
    dst: Endpoint,
    protocol: u8,
    version: u8,
    network: NetworkId,
    tunnel_id: u32,
    vlan_id: u16,
}

impl Default for Block {
    fn default() -> Self {
        Self {
            options: decode::Options::default(),
            start: 0,
            frames: Vec::new(),
            records: Vec::new(),
            numbers: Vec::new(),
            joined: Vec::new(),
            clues: Clues::default(),
            marks: Vec::new(),
            open: Timestamp::MAX,
            end: None,
            counts: Counts::default(),
        }
    }
}

impl Joined {
    pub(super) fn of(packet: &Packet) -> Self {
        Self {
            src: packet.src,
            dst: packet.dst,
            protocol: packet.protocol,
            version: packet.version,
            network: packet.network,
            tunnel_id: packet.tunnel_id,
            vlan_id: packet.vlan_id,
        }
    }

    pub(super) fn give(&self, packet: &mut Packet) {
        (packet.src, packet.dst) = (self.src, self.dst);
        (packet.protocol, packet.version) = (self.protocol, self.version);
        packet.network = self.network;
        (packet.tunnel_id, packet.vlan_id) = (self.tunnel_id, self.vlan_id);
    }

    fn write(&self, out: &mut Vec<u8>) {
        for end in [&self.src, &self.dst] {
            out.extend(end.addr);
            put(out, end.port.into());
        }
        out.extend([self.protocol, self.version]);
        put(out, self.network.number());
        put(out, self.tunnel_id.into());
        put(out, self.vlan_id.into());
    }

    fn read_from(encoded: &mut Encoded<'_>) -> Option<Self> {
        let mut end = || Some(Endpoint { addr: encoded.array()?, port: encoded.narrow()? });
        let (src, dst) = (end()?, end()?);
        let [protocol, version] = encoded.array()?;
        if !matches!(version, 4 | 6) {
            return None;
        }
        let network = NetworkId::numbered(encoded.number()?);
        let (tunnel_id, vlan_id) = (encoded.narrow()?, encoded.narrow()?);
        Some(Self { src, dst, protocol, version, network, tunnel_id, vlan_id })
    }
}

impl Block {
    /// Removes the packets and keeps the memory.
    pub(super) fn clear(&mut self) {
        self.frames.clear();
        self.records.clear();
        self.numbers.clear();
        self.joined.clear();
    }

    /// Adds a packet whose number is `number`, from a chunk with the bytes `frames`.
    pub(super) fn add(&mut self, number: u32, packet: &Packet, frames: &[u8]) {
        let offset = u32::try_from(self.frames.len()).unwrap_or(u32::MAX);
        self.frames.extend_from_slice(packet.frame(frames));
        self.records.push(RawRecord {
            time: packet.time,
            offset,
            capture_len: packet.capture_len,
            wire_len: packet.wire_len,
            link: packet.link,
        });
        self.numbers.push(number);
    }

    /// Returns the block as bytes. The facts of the whole stretch come from `shared`, its counts
    /// only `with_counts`.
    pub(super) fn encode(
        &self,
        place: &Place,
        shared: &Self,
        with_counts: bool,
    ) -> std::io::Result<Vec<u8>> {
        let mut body = Vec::with_capacity(self.frames.len() + 12 * self.records.len() + 64);
        put(&mut body, shared.options.tunnels.into());
        put_bytes(&mut body, shared.options.separation.name().as_bytes());
        put(&mut body, shared.start);
        put(&mut body, count(self.records.len()));
        let mut before = 0;
        for number in &self.numbers {
            put(&mut body, u64::from(*number) - before);
            before = u64::from(*number);
        }
        let mut before = 0;
        for record in &self.records {
            put_signed(&mut body, record.time.nanos().wrapping_sub(before));
            before = record.time.nanos();
        }
        for record in &self.records {
            put(&mut body, record.capture_len.into());
        }
        for record in &self.records {
            put_signed(&mut body, i64::from(record.wire_len) - i64::from(record.capture_len));
        }
        for record in &self.records {
            put(&mut body, record.link.0.into());
        }
        put(&mut body, count(self.joined.len()));
        for (index, joined) in &self.joined {
            put(&mut body, count(*index));
            joined.write(&mut body);
        }
        shared.clues.write(&mut body);
        put(&mut body, count(shared.marks.len()));
        for mark in &shared.marks {
            put(&mut body, count(mark.index));
            put_signed(&mut body, mark.earliest.nanos());
        }
        put_signed(&mut body, shared.open.nanos());
        put(&mut body, shared.end.is_some().into());
        put_signed(&mut body, shared.end.unwrap_or_default().nanos());
        put(&mut body, with_counts.into());
        if with_counts {
            shared.counts.ignored.write(&mut body);
            put(&mut body, shared.counts.duplicates);
            put(&mut body, shared.counts.damaged);
        }
        put_bytes(&mut body, &self.frames);
        if body.len() > LARGEST {
            return Err(std::io::Error::other("a block is too large"));
        }
        let mut out = MAGIC.to_vec();
        put_bytes(&mut out, VERSION.as_bytes());
        let Place { stream, piece, pieces, file, block, is_last, shard, shards } = *place;
        for number in [stream, piece, pieces, file, block, is_last.into(), shard, shards] {
            put(&mut out, number.into());
        }
        put(&mut out, count(body.len()));
        out.extend(zstd::bulk::compress(&body, LEVEL)?);
        Ok(out)
    }

    /// Reads the bytes of a block, and its place.
    pub(super) fn decode(bytes: &[u8]) -> Result<(Place, Self), BlockError> {
        let damaged = |what| move || BlockError::Damaged { what };
        let mut encoded = Encoded(bytes);
        if encoded.array() != Some(MAGIC) {
            return Err(damaged("it is no block")());
        }
        let version = encoded.bytes().ok_or_else(damaged("its header"))?;
        if version != VERSION.as_bytes() {
            return Err(BlockError::Version { found: String::from_utf8_lossy(version).into() });
        }
        let place = read_place(&mut encoded).ok_or_else(damaged("its header"))?;
        let len: usize = encoded.narrow().ok_or_else(damaged("its header"))?;
        if len > LARGEST {
            return Err(damaged("its length")());
        }
        let body = zstd::bulk::decompress(encoded.0, len);
        let body = body.map_err(|_| damaged("its compressed content")())?;
        let block = (body.len() == len).then(|| Self::read_from(Encoded(&body))).flatten();
        Ok((place, block.ok_or_else(damaged("its content"))?))
    }

    fn read_from(mut encoded: Encoded<'_>) -> Option<Self> {
        let tunnels = encoded.number()? == 1;
        let separation = Separation::by_name(std::str::from_utf8(encoded.bytes()?).ok()?)?;
        let options = decode::Options { tunnels, separation };
        let mut block = Self { options, start: encoded.number()?, ..Self::default() };
        if block.start > MAX_PACKETS {
            return None;
        }
        // Five numbers, and an IP header in the frames.
        let packets = encoded.items(5 + 20)?;
        let mut before = 0_u32;
        for _ in 0..packets {
            before = before.checked_add(encoded.narrow()?)?;
            block.numbers.push(before);
        }
        let mut before = 0_i64;
        for _ in 0..packets {
            before = before.wrapping_add(encoded.signed()?);
            let time = Timestamp::from_nanos(before);
            let link = LinkType::ETHERNET;
            block.records.push(RawRecord { time, offset: 0, capture_len: 0, wire_len: 0, link });
        }
        let mut offset = 0_u32;
        for record in &mut block.records {
            (record.offset, record.capture_len) = (offset, encoded.narrow()?);
            offset = offset.checked_add(record.capture_len)?;
        }
        for record in &mut block.records {
            let wire_len = i64::from(record.capture_len).checked_add(encoded.signed()?)?;
            record.wire_len = u32::try_from(wire_len).ok()?;
        }
        for record in &mut block.records {
            record.link = LinkType(encoded.narrow()?);
        }
        // Two addresses with ports, and seven numbers and bytes.
        for _ in 0..encoded.items(2 * 17 + 6)? {
            block.joined.push((encoded.narrow()?, Joined::read_from(&mut encoded)?));
        }
        block.clues = Clues::read_from(&mut encoded)?;
        let marks = encoded.items(2)?;
        if marks > STRETCH_MARKS + CHUNK_PACKETS {
            return None;
        }
        for _ in 0..marks {
            let index: usize = encoded.narrow()?;
            // A clock does not return to earlier packets.
            if block.marks.last().is_some_and(|last| last.index > index) {
                return None;
            }
            let earliest = Timestamp::from_nanos(encoded.signed()?);
            block.marks.push(Mark { index, earliest });
        }
        block.open = Timestamp::from_nanos(encoded.signed()?);
        let has_end = encoded.number()? == 1;
        let end = Timestamp::from_nanos(encoded.signed()?);
        block.end = has_end.then_some(end);
        if encoded.number()? == 1 {
            block.counts = Counts {
                ignored: Ignored::read_from(&mut encoded)?,
                duplicates: encoded.number()?,
                damaged: encoded.number()?,
            };
        }
        block.frames = encoded.bytes()?.to_vec();
        let is_complete = u32::try_from(block.frames.len()) == Ok(offset) && encoded.is_empty();
        is_complete.then_some(block)
    }
}

fn read_place(encoded: &mut Encoded<'_>) -> Option<Place> {
    let mut next = || encoded.narrow::<u32>();
    let place = Place {
        stream: next()?,
        piece: next()?,
        pieces: next()?,
        file: next()?,
        block: next()?,
        is_last: next()? == 1,
        shard: next()?,
        shards: next()?,
    };
    (place.shard < place.shards && place.file < MAX_FILES).then_some(place)
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(block: &Block) -> Result<(Place, Block), BlockError> {
        let place = Place {
            stream: 0,
            piece: 0,
            pieces: 1,
            file: 0,
            block: 0,
            is_last: true,
            shard: 0,
            shards: 1,
        };
        Block::decode(&block.encode(&place, block, true).unwrap())
    }

    fn with_marks(indices: &[usize]) -> Block {
        let mark = |index| Mark { index, earliest: Timestamp::MIN };
        Block { marks: indices.iter().copied().map(mark).collect(), ..Block::default() }
    }

    #[test]
    fn marks_do_not_go_back() {
        assert_eq!(read(&with_marks(&[0, 3, 3, 5])).unwrap().1.marks.len(), 4);
        assert!(matches!(read(&with_marks(&[5, 3])), Err(BlockError::Damaged { .. })));
    }

    #[test]
    fn counts_beyond_the_bytes_are_damage() {
        let mut body = vec![0];
        put_bytes(&mut body, Separation::default().name().as_bytes());
        put(&mut body, 0);
        put(&mut body, 1 << 20);
        // A byte for each packet, but not its frame.
        body.resize(body.len() + (1 << 20), 0);
        assert!(Block::read_from(Encoded(&body)).is_none());
        let far = Block { start: 1 << 41, ..Block::default() };
        assert!(read(&far).is_err());
    }
}
