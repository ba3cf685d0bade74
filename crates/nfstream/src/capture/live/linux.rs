//! Live capture on Linux, through a packet socket with a ring that the kernel fills.

use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::time::Duration;

use nfstream_sys::{PacketRing, RingFrame};

use super::ending::{Ending, PATIENCE};
use super::interface::{ANY, Interface, InterfaceState, refused};
use super::kernel_filter::{self, ETHERNETS};
use super::options::LiveOptions;
use super::pool::{CHUNK, Pool};
use super::watch::Watch;
use crate::capture::{CaptureError, Filter, ReadProgress, Reception, Source, Warning};
use crate::host::{monotonic, now};
use crate::packet::{Chunk, ChunkBytes, LinkType, RawRecord};
use crate::time::Timestamp;

/// Source of packets from one interface, several, or all.
#[derive(Debug)]
pub struct LiveSource {
    /// Names of the interfaces, for messages.
    names: Vec<String>,
    ring: PacketRing,
    picking: Picking,
    pool: Pool,
    watch: Watch,
    ending: Ending,
    reception: Reception,
    bytes: u64,
    warnings: Vec<Warning>,
    /// Error that ended reading, returned after the packets before it.
    failure: Option<CaptureError>,
    has_ended: bool,
}

/// Selection of the packets to copy from the ring to chunks.
#[derive(Debug)]
struct Picking {
    filter: Option<Filter>,
    /// Whether the kernel applies the filter where it can.
    in_kernel: bool,
    snaplen: usize,
}

/// Bytes of a block. Blocks are small and numerous: when it times out, a block is used up even if
/// it holds one packet, so the number of blocks limits how long the ring lasts while reading
/// stalls.
const BLOCK: usize = 128 << 10;

/// Approximate time that a block waits to fill; the kernel's timer may take twice as long.
const BLOCK_PATIENCE: Duration = Duration::from_millis(50);

/// Longest time between a packet's timestamp and the moment it can be read.
const SETTLED_AFTER: Duration = Duration::from_millis(150);

/// Most interfaces that the kernel's program can select; its jumps are short.
const MOST_INTERFACES: usize = 250;

/// Hardware types of wireless interfaces in monitor mode (ARPHRD_).
const WIRELESS: u16 = 801;
const WIRELESS_RADIOTAP: u16 = 803;

const IPV4: u16 = 0x0800;
const IPV6: u16 = 0x86dd;

/// Link type of interfaces whose frames are not supported.
const UNKNOWN: LinkType = LinkType(u16::MAX);

impl LiveSource {
    /// Starts capturing the packets that match `filter` from the interfaces `names`; `any` stands
    /// for all.
    ///
    /// # Errors
    ///
    /// [`CaptureError::NoSource`] if there is no such interface, [`CaptureError::NoRight`] if this
    /// process may not capture, [`CaptureError::BadFilter`] and [`CaptureError::Interface`].
    pub fn open(
        names: &[String],
        mut filter: Option<Filter>,
        options: &LiveOptions,
    ) -> Result<Self, CaptureError> {
        let present = nfstream_sys::interfaces().map_err(|error| refused(names, error))?;
        let all = names.iter().any(|name| name == ANY);
        let chosen = if all { present } else { choose(names, &present)? };
        let refused = |error| refused(names, error);
        let blocks = (options.buffer_bytes / BLOCK).max(4);
        let ring = PacketRing::new(BLOCK, blocks, BLOCK_PATIENCE).map_err(refused)?;

        let program = filter.as_mut().map(|filter| filter.program(LinkType::ETHERNET));
        // A filter that is invalid for Ethernet may be valid for other link types.
        let program = program.and_then(Result::ok);
        // A socket sees one interface or all; the kernel's program selects the chosen ones of all.
        let indices: Vec<_> = chosen.iter().map(|interface| interface.index).collect();
        let picked = if all || indices.len() == 1 { &[][..] } else { &indices };
        let set =
            |program| ring.set_filter(&kernel_filter::assemble(picked, program, options.snaplen));
        let in_kernel = match (program, set(program)) {
            // The kernel does not accept every program: `protochain` jumps backwards.
            (Some(_), Err(_)) => set(None).map(|()| false),
            (program, result) => result.map(|()| program.is_some()),
        };
        let in_kernel = in_kernel.map_err(refused)?;
        ring.bind(if all || indices.len() > 1 { None } else { indices.first().copied() })
            .map_err(refused)?;
        if options.promiscuous && !all {
            for index in indices {
                ring.be_promiscuous(index).map_err(refused)?;
            }
        }
        let start = monotonic();
        let mut warnings = Vec::new();
        for interface in chosen.iter().filter(|interface| !interface.is_up && !all) {
            warnings.push(Warning::InterfaceDown { interface: interface.name.clone() });
        }
        Ok(Self {
            names: names.to_vec(),
            ring,
            picking: Picking {
                filter,
                in_kernel,
                snaplen: crate::packet::to_usize(options.snaplen),
            },
            pool: Pool::default(),
            watch: Watch::new(chosen, all, start),
            ending: options.duration.map_or(Ending::Open, |span| Ending::At(start + span)),
            reception: Reception::default(),
            bytes: 0,
            warnings,
            failure: None,
            has_ended: false,
        })
    }

    /// Takes up to `limit` packets from the ring.
    fn take(&mut self, chunk: &mut Chunk, limit: usize) {
        if !self.ring.is_ready() {
            return;
        }
        let mut buffer = self.pool.take();
        let Some(bytes) = Arc::get_mut(&mut buffer) else { return };
        bytes.reserve(CHUNK + BLOCK);
        let mut last = None;
        while chunk.records.len() < limit && bytes.len() < CHUNK {
            let Some(frame) = self.ring.next_frame() else { break };
            last = Some(time_of(&frame));
            if let Err(error) = self.picking.pick(&frame, bytes, chunk) {
                self.failure = Some(error);
                break;
            }
        }
        self.bytes += u64::try_from(bytes.len()).unwrap_or(0);
        self.pool.keep(&buffer);
        chunk.bytes = ChunkBytes::Owned(buffer);
        chunk.settled = last.map(before);
    }

    /// Waits a while for packets, then takes them.
    fn wait(&mut self, chunk: &mut Chunk, limit: usize) {
        if let Err(error) = self.ring.wait(PATIENCE) {
            match error.kind() {
                // The watch determines which interface went down.
                ErrorKind::NetworkDown => self.watch.look_soon(monotonic()),
                _ => self.failure = Some(refused(&self.names, error)),
            }
        }
        // In this order: a packet that is not ready by now was captured after that time.
        let time = now();
        if self.ring.is_ready() {
            self.take(chunk, limit);
        } else {
            chunk.settled = Some(before(time));
        }
    }

    fn count(&mut self) {
        if let Ok(counts) = self.ring.take_counts() {
            self.reception.received += u64::from(counts.packets);
            self.reception.dropped_by_kernel += u64::from(counts.drops);
        }
        self.reception.dropped_by_interface = self.watch.dropped();
    }
}

impl Source for LiveSource {
    fn read(&mut self, chunk: &mut Chunk, limit: usize) -> Result<bool, CaptureError> {
        chunk.clear();
        if self.has_ended {
            return Ok(false);
        }
        let moment = monotonic();
        if let Ending::At(end) = self.ending
            && moment >= end
        {
            self.stop();
        }
        if self.failure.is_none()
            && let Err(error) = self.watch.look(moment, &mut self.warnings)
        {
            self.failure = Some(error);
        }
        if self.failure.is_some() {
            // Returned after all earlier packets have been handed over.
            self.stop();
        }
        self.take(chunk, limit.max(1));
        let is_empty = chunk.records.is_empty() && chunk.filtered == 0;
        if is_empty {
            if matches!(self.ending, Ending::Draining(end) if moment >= end) {
                self.has_ended = true;
                self.count();
                return self.failure.take().map_or(Ok(false), Err);
            }
            self.wait(chunk, limit.max(1));
        }
        self.count();
        Ok(true)
    }

    fn stop(&mut self) -> bool {
        if !matches!(self.ending, Ending::Draining(_)) {
            // From here on no packet enters the ring; earlier ones are handed over soon.
            let _ = self.ring.set_filter(&kernel_filter::nothing());
            self.ending = Ending::Draining(monotonic() + 2 * BLOCK_PATIENCE);
        }
        !self.has_ended
    }

    fn may_wait(&self) -> bool {
        true
    }

    fn progress(&self) -> ReadProgress {
        ReadProgress { bytes: self.bytes, total_bytes: None }
    }

    fn reception(&self) -> Option<Reception> {
        Some(self.reception)
    }

    fn take_warnings(&mut self) -> Vec<Warning> {
        std::mem::take(&mut self.warnings)
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

/// Checks that this process may capture.
pub(in crate::capture) fn check(names: &[String]) -> Result<(), CaptureError> {
    PacketRing::check().map_err(|error| refused(names, error))
}

/// Returns the names of all interfaces, and the one that stands for all.
pub(in crate::capture) fn interface_names() -> Vec<String> {
    let present = nfstream_sys::interfaces().unwrap_or_default();
    present.into_iter().map(|interface| interface.name).chain([ANY.to_owned()]).collect()
}

/// Returns the interfaces of the current network namespace.
///
/// # Errors
///
/// The system's error.
pub fn interfaces() -> io::Result<Vec<Interface>> {
    let listed = nfstream_sys::interfaces()?.into_iter().map(|interface| Interface {
        state: match (interface.is_up, interface.is_running) {
            (false, _) => InterfaceState::Down,
            (true, false) => InterfaceState::NoCarrier,
            (true, true) => InterfaceState::Up,
        },
        link: link_type(interface.hardware_type),
        name: interface.name,
        addresses: interface.addresses,
    });
    Ok(listed.collect())
}

/// Returns the link type for a hardware type.
const fn link_type(hardware_type: u16) -> LinkType {
    let [ethernet, loopback] = ETHERNETS;
    match hardware_type {
        WIRELESS => LinkType::IEEE802_11,
        WIRELESS_RADIOTAP => LinkType::RADIOTAP,
        kind if kind == ethernet || kind == loopback => LinkType::ETHERNET,
        // Point-to-point links and tunnels differ only in the bytes before the packet.
        _ => LinkType::RAW,
    }
}

fn choose(
    names: &[String],
    present: &[nfstream_sys::InterfaceInfo],
) -> Result<Vec<nfstream_sys::InterfaceInfo>, CaptureError> {
    let find = |name: &String| {
        let found = present.iter().find(|interface| interface.name == *name).cloned();
        found.ok_or_else(|| CaptureError::NoSource {
            name: name.into(),
            interfaces: interface_names(),
        })
    };
    if !(1..=MOST_INTERFACES).contains(&names.len()) {
        let what = format!("from 1 to {MOST_INTERFACES} interfaces can be named");
        return Err(refused(names, io::Error::new(ErrorKind::InvalidInput, what)));
    }
    names.iter().map(find).collect()
}

fn time_of(frame: &RingFrame<'_>) -> Timestamp {
    Timestamp::from_seconds(frame.seconds.into(), frame.nanoseconds.into())
}

/// Returns a time before which all packets have been read once a packet of `time` has.
fn before(time: Timestamp) -> Timestamp {
    let margin = i64::try_from(SETTLED_AFTER.as_nanos()).unwrap_or(i64::MAX);
    Timestamp::from_nanos(time.nanos().saturating_sub(margin))
}
