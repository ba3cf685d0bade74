//! Live capture on Linux, through a packet socket with a ring that the kernel fills.

use std::io::{self, ErrorKind};

use nfstream_sys::PacketRing;

use super::ending::Ending;
use super::interface::{ANY, Interface, InterfaceState, refused};
use super::kernel_filter;
use super::options::LiveOptions;
use super::ring::{BLOCK, BLOCK_PATIENCE, Picking, RingFailure, RingReader, link_type};
use super::rings::Rings;
use super::watch::Watch;
use crate::capture::{CaptureError, Filter, ReadProgress, Reception, Source, Warning};
use crate::host::monotonic;
use crate::packet::{Chunk, LinkType};

/// Source of packets from one interface, several, or all.
#[derive(Debug)]
pub struct LiveSource {
    /// Names of the interfaces, for messages.
    names: Vec<String>,
    input: RingInput,
    watch: Watch,
    ending: Ending,
    reception: Reception,
    bytes: u64,
    warnings: Vec<Warning>,
    /// Error that ended reading, returned after the packets before it.
    failure: Option<CaptureError>,
    has_ended: bool,
}

/// The rings of a capture.
#[derive(Debug)]
enum RingInput {
    /// One ring, read by the caller.
    One(Box<RingReader>),
    /// Several rings, each read by a thread.
    Several(Rings),
}

/// Most interfaces that the kernel's program can select; its jumps are short.
const MOST_INTERFACES: usize = 250;

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
        let rings = options.rings.get();
        let blocks = (options.buffer_bytes / BLOCK / rings).max(4);

        let program = filter.as_mut().map(|filter| filter.program(LinkType::ETHERNET));
        // A filter that is invalid for Ethernet may be valid for other link types.
        let program = program.and_then(Result::ok);
        // A socket sees one interface or all; the kernel's program selects the chosen ones of all.
        let indices: Vec<_> = chosen.iter().map(|interface| interface.index).collect();
        let picked = if all || indices.len() == 1 { &[][..] } else { &indices };
        let assemble = |program| kernel_filter::assemble(picked, program, options.snaplen);
        let bound = if all || indices.len() > 1 { None } else { indices.first().copied() };
        let (mut opened, mut in_kernel, mut group) = (Vec::new(), program.is_some(), None);
        for _ in 0..rings {
            let ring = PacketRing::new(BLOCK, blocks, BLOCK_PATIENCE).map_err(refused)?;
            if rings > 1 {
                // Before it joins the group, a ring gets all packets.
                ring.set_filter(&kernel_filter::nothing()).map_err(refused)?;
                ring.bind(bound).map_err(refused)?;
                group = Some(ring.join(group).map_err(refused)?);
            }
            opened.push(ring);
        }
        for ring in &opened {
            // The kernel does not accept every program: `protochain` jumps backwards.
            if in_kernel && ring.set_filter(&assemble(program)).is_ok() {
                continue;
            }
            in_kernel = false;
            ring.set_filter(&assemble(None)).map_err(refused)?;
        }
        if let [ring] = opened.as_slice() {
            ring.bind(bound).map_err(refused)?;
        }
        if let Some(ring) = opened.first().filter(|_| options.promiscuous && !all) {
            for index in indices {
                ring.be_promiscuous(index).map_err(refused)?;
            }
        }
        let snaplen = crate::packet::to_usize(options.snaplen);
        let picking = Picking { filter, in_kernel, snaplen };
        let read = |ring| RingReader::new(ring, picking.clone());
        let mut readers: Vec<_> = opened.into_iter().map(read).collect();
        let input = match (readers.pop(), readers.is_empty()) {
            (Some(reader), true) => RingInput::One(Box::new(reader)),
            (last, _) => RingInput::Several(Rings::new(readers.into_iter().chain(last).collect())),
        };
        let start = monotonic();
        let mut warnings = Vec::new();
        for interface in chosen.iter().filter(|interface| !interface.is_up && !all) {
            warnings.push(Warning::InterfaceDown { interface: interface.name.clone() });
        }
        Ok(Self {
            names: names.to_vec(),
            input,
            watch: Watch::new(chosen, all, start),
            ending: options.duration.map_or(Ending::Open, |span| Ending::At(start + span)),
            reception: Reception::default(),
            bytes: 0,
            warnings,
            failure: None,
            has_ended: false,
        })
    }

    /// Takes up to `limit` packets, or waits a while for them. Returns whether there may be more.
    fn take(&mut self, chunk: &mut Chunk, limit: usize) -> bool {
        let has_ended = match self.ending {
            Ending::Draining(end) => monotonic() >= end,
            _ => false,
        };
        let (more, counts, failure) = match &mut self.input {
            RingInput::One(ring) => {
                let mut taken = ring.take(chunk, limit);
                let is_empty = chunk.records.is_empty() && chunk.filtered == 0 && taken.is_ok();
                if is_empty && !has_ended {
                    taken = ring.wait(chunk, limit);
                }
                (!(is_empty && has_ended), ring.take_counts(), taken.err())
            }
            RingInput::Several(rings) => rings.take(chunk, limit),
        };
        match failure {
            // The watch determines which interface went down.
            Some(RingFailure::System(error)) if error.kind() == ErrorKind::NetworkDown => {
                self.watch.look_soon(monotonic());
            }
            Some(RingFailure::System(error)) => self.failure = Some(refused(&self.names, error)),
            Some(RingFailure::Filter(error)) => self.failure = Some(error),
            None => {}
        }
        self.bytes += chunk.records.iter().map(|record| u64::from(record.capture_len)).sum::<u64>();
        self.reception.received += u64::from(counts.packets);
        self.reception.dropped_by_kernel += u64::from(counts.drops);
        self.reception.dropped_by_interface = self.watch.dropped();
        more
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
        if !self.take(chunk, limit.max(1)) {
            self.has_ended = true;
            return self.failure.take().map_or(Ok(false), Err);
        }
        Ok(true)
    }

    fn stop(&mut self) -> bool {
        if !matches!(self.ending, Ending::Draining(_)) {
            // From here on no packet enters the rings; earlier ones are handed over soon.
            match &self.input {
                RingInput::One(ring) => ring.close(),
                RingInput::Several(rings) => rings.close(),
            }
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
