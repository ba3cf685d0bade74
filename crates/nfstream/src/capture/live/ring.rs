//! One ring of packets, read into chunks.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use nfstream_sys::{PacketRing, RingCounts, RingFrame};

use super::ending::PATIENCE;
use super::kernel_filter::{self, ETHERNETS};
use super::pool::{CHUNK, Pool};
use crate::capture::{CaptureError, Filter};
use crate::host::now;
use crate::packet::{Chunk, ChunkBytes, LinkType, RawRecord};
use crate::time::Timestamp;

/// Bytes of a block. Blocks are small and numerous: when it times out, a block is used up even if
/// it holds one packet, so the number of blocks limits how long the ring lasts while reading
/// stalls.
pub(super) const BLOCK: usize = 128 << 10;

/// Approximate time that a block waits to fill; the kernel's timer may take twice as long.
pub(super) const BLOCK_PATIENCE: Duration = Duration::from_millis(50);

/// Longest time between a packet's timestamp and the moment it can be read.
const SETTLED_AFTER: Duration = Duration::from_millis(150);

/// Hardware types of wireless interfaces in monitor mode (ARPHRD_).
const WIRELESS: u16 = 801;
const WIRELESS_RADIOTAP: u16 = 803;

const IPV4: u16 = 0x0800;
const IPV6: u16 = 0x86dd;

/// Link type of interfaces whose frames are not supported.
const UNKNOWN: LinkType = LinkType(u16::MAX);

/// Ring of an interface, and memory for the chunks into which its packets are copied.
#[derive(Debug)]
pub(super) struct RingReader {
    ring: PacketRing,
    picking: Picking,
    pool: Pool,
}

/// Selection of the packets to copy from the ring into chunks.
#[derive(Clone, Debug)]
pub(super) struct Picking {
    pub(super) filter: Option<Filter>,
    /// Whether the kernel applies the filter where it can.
    pub(super) in_kernel: bool,
    pub(super) snaplen: usize,
}

/// Reason why a ring cannot be read.
#[derive(Debug)]
pub(super) enum RingFailure {
    /// The filter is invalid for a link type.
    Filter(CaptureError),
    /// The system's error.
    System(io::Error),
}

impl RingReader {
    pub(super) fn new(ring: PacketRing, picking: Picking) -> Self {
        Self { ring, picking, pool: Pool::default() }
    }

    /// Takes up to `limit` packets from the ring.
    pub(super) fn take(&mut self, chunk: &mut Chunk, limit: usize) -> Result<(), RingFailure> {
        if !self.ring.is_ready() {
            return Ok(());
        }
        let mut buffer = self.pool.take();
        let Some(bytes) = Arc::get_mut(&mut buffer) else { return Ok(()) };
        bytes.reserve(CHUNK + BLOCK);
        let (mut last, mut picked) = (None, Ok(()));
        while chunk.records.len() < limit && bytes.len() < CHUNK && picked.is_ok() {
            let Some(frame) = self.ring.next_frame() else { break };
            last = Some(time_of(&frame));
            picked = self.picking.pick(&frame, bytes, chunk);
        }
        self.pool.keep(&buffer);
        chunk.bytes = ChunkBytes::Owned(buffer);
        chunk.settled = last.map(before);
        picked.map_err(RingFailure::Filter)
    }

    /// Waits a while for packets, then takes them.
    pub(super) fn wait(&mut self, chunk: &mut Chunk, limit: usize) -> Result<(), RingFailure> {
        let waited = self.ring.wait(PATIENCE);
        // In this order: a packet that is not ready by now was captured after that time.
        let time = now();
        if self.ring.is_ready() {
            self.take(chunk, limit)?;
        } else {
            chunk.settled = Some(before(time));
        }
        waited.map_err(RingFailure::System)
    }

    /// Lets no further packet enter the ring. Earlier ones are handed over within twice
    /// [`BLOCK_PATIENCE`].
    pub(super) fn close(&self) {
        let _ = self.ring.set_filter(&kernel_filter::nothing());
    }

    /// Returns the kernel's counts since the previous call.
    pub(super) fn take_counts(&self) -> RingCounts {
        self.ring.take_counts().unwrap_or_default()
    }
}

impl Picking {
    /// Copies `frame` to `chunk`, whose bytes are `bytes`, if it matches.
    fn pick(
        &mut self,
        frame: &RingFrame<'_>,
        bytes: &mut Vec<u8>,
        chunk: &mut Chunk,
    ) -> Result<(), CaptureError> {
        let start = bytes.len();
        let mut wire_len = frame.wire_len;
        let link = match (link_type(frame.hardware_type), frame.protocol) {
            (LinkType::RAW, IPV4 | IPV6) => LinkType::RAW,
            (LinkType::RAW, _) => UNKNOWN,
            (link, _) => link,
        };
        match (link, frame.vlan_tag, frame.bytes.split_at_checked(12)) {
            (LinkType::ETHERNET, Some((ether_type, tag)), Some((addresses, rest))) => {
                bytes.extend_from_slice(addresses);
                bytes.extend_from_slice(&ether_type.to_be_bytes());
                bytes.extend_from_slice(&tag.to_be_bytes());
                bytes.extend_from_slice(rest);
                bytes.truncate(start.saturating_add(self.snaplen));
                wire_len += 4;
            }
            (LinkType::RAW, ..) => {
                let (header, packet) = frame.bytes.split_at(frame.network_offset);
                bytes.extend_from_slice(packet);
                wire_len -= u32::try_from(header.len()).unwrap_or(0).min(wire_len);
            }
            _ => bytes.extend_from_slice(frame.bytes),
        }
        let has_been_filtered =
            self.in_kernel && link == LinkType::ETHERNET && frame.vlan_tag.is_none();
        let captured = bytes.get(start..).unwrap_or_default();
        let capture_len = u32::try_from(captured.len()).unwrap_or(u32::MAX);
        if let Some(filter) = &mut self.filter
            && !has_been_filtered
            && !filter.matches(link, captured, wire_len)?
        {
            bytes.truncate(start);
            chunk.filtered += 1;
            return Ok(());
        }
        chunk.records.push(RawRecord {
            time: time_of(frame),
            offset: u32::try_from(start).unwrap_or(u32::MAX),
            capture_len,
            wire_len: wire_len.max(capture_len),
            link,
        });
        Ok(())
    }
}

/// Returns the link type for a hardware type.
pub(super) const fn link_type(hardware_type: u16) -> LinkType {
    let [ethernet, loopback] = ETHERNETS;
    match hardware_type {
        WIRELESS => LinkType::IEEE802_11,
        WIRELESS_RADIOTAP => LinkType::RADIOTAP,
        kind if kind == ethernet || kind == loopback => LinkType::ETHERNET,
        // Point-to-point links and tunnels differ only in the bytes before the packet.
        _ => LinkType::RAW,
    }
}

fn time_of(frame: &RingFrame<'_>) -> Timestamp {
    Timestamp::from_seconds(frame.seconds.into(), frame.nanoseconds.into())
}

/// Returns a time before which all packets have been read once a packet of `time` has.
fn before(time: Timestamp) -> Timestamp {
    let margin = i64::try_from(SETTLED_AFTER.as_nanos()).unwrap_or(i64::MAX);
    Timestamp::from_nanos(time.nanos().saturating_sub(margin))
}
