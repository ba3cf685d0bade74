//! Decoding of chunks by the decoder of the run.

use nfstream_sys::prefetch_slice;

use super::tally::Tally;
use crate::decode::{self, DecodeError, FragmentId};
use crate::dissect::Clues;
#[cfg(feature = "nfstream6")]
use crate::nfstream6;
use crate::packet::{Packet, RawRecord};

/// Records whose headers are prefetched before decoding.
const LOOK_AHEAD: usize = 8;

/// The decoder of a run.
#[derive(Clone, Copy, Debug)]
pub(super) struct Decoder {
    /// Decoder of the frames.
    pub(super) headers: Headers,
    /// Whether packets are read for clues about other flows.
    pub(super) reads_clues: bool,
}

/// Decoder of the headers of frames.
#[derive(Clone, Copy, Debug)]
pub(super) enum Headers {
    /// By the standards.
    Standard(decode::Options),
    /// By the standards, with the flow key of nfstream 6.
    #[cfg(feature = "nfstream6")]
    StandardForNfstream6(decode::Options),
    /// With the behaviour of nfstream 6.
    #[cfg(feature = "nfstream6")]
    Nfstream6(decode::Options),
}

/// Decoded packets, the identities of the fragments among them, and the packets' clues about future
/// flows, in the same order.
#[derive(Debug, Default)]
pub(super) struct Decoded {
    pub(super) packets: Vec<Packet>,
    pub(super) fragments: Vec<FragmentId>,
    pub(super) clues: Clues,
}

impl Decoded {
    /// Removes the packets and keeps the memory.
    pub(super) fn clear(&mut self) {
        self.packets.clear();
        self.fragments.clear();
        self.clues.clear();
    }
}

impl Decoder {
    /// Decodes `records` of a chunk with the bytes `frames` into `decoded`. Counts ignored packets,
    /// and the packets of a frame after its first.
    #[inline]
    pub(super) fn decode(
        self,
        records: &[RawRecord],
        frames: &[u8],
        decoded: &mut Decoded,
        tally: &mut Tally,
    ) {
        let start = decoded.packets.len();
        decoded.packets.reserve(records.len());
        match self.headers {
            Headers::Standard(options) => {
                let Decoded { packets, fragments, .. } = decoded;
                let usual = |record: &RawRecord, frame: &[u8], fragments: &mut Vec<_>| {
                    decode::decode(record, frame, options, fragments)
                };
                let rare = |record: &RawRecord, frame: &[u8], fragments: &mut Vec<_>| {
                    decode::decode(record, frame, options, fragments)
                };
                each(records, frames, packets, tally, fragments, usual, rare);
            }
            #[cfg(feature = "nfstream6")]
            Headers::StandardForNfstream6(options) => {
                let Decoded { packets, fragments, .. } = decoded;
                let decode = |record: &RawRecord, frame: &[u8], fragments: &mut Vec<_>| {
                    decode::decode(record, frame, options, fragments).map(nfstream6::keyed)
                };
                each(records, frames, packets, tally, fragments, decode, decode);
            }
            #[cfg(feature = "nfstream6")]
            Headers::Nfstream6(options) => {
                let decode = |record: &RawRecord, frame: &[u8], (): &mut ()| {
                    nfstream6::decode(record, frame, options)
                };
                each(records, frames, &mut decoded.packets, tally, &mut (), decode, decode);
            }
        }
        if self.reads_clues {
            let packets = decoded.packets.get(start..).unwrap_or_default();
            decoded.clues.read(start, packets, frames);
        }
    }
}

/// Decodes each of `records`, with `rare` those of aggregated frames. Two functions, so that the
/// compiler inlines `usual`, which has one caller then.
#[inline]
fn each<S>(
    records: &[RawRecord],
    frames: &[u8],
    packets: &mut Vec<Packet>,
    tally: &mut Tally,
    state: &mut S,
    usual: impl Fn(&RawRecord, &[u8], &mut S) -> Result<Packet, DecodeError>,
    rare: impl Fn(&RawRecord, &[u8], &mut S) -> Result<Packet, DecodeError>,
) {
    for (index, record) in records.iter().enumerate() {
        if let Some(ahead) = records.get(index + LOOK_AHEAD) {
            prefetch_headers(frames, ahead);
        }
        match usual(record, record.frame(frames), state) {
            Ok(packet) => packets.push(packet),
            Err(DecodeError::Aggregated) => {
                aggregated(record, frames, packets, tally, |part, frame| rare(part, frame, state));
            }
            Err(reason) => tally.ignored.add(reason),
        }
    }
}

/// Decodes the packets of an aggregated frame.
#[cold]
fn aggregated(
    record: &RawRecord,
    frames: &[u8],
    packets: &mut Vec<Packet>,
    tally: &mut Tally,
    mut decode: impl FnMut(&RawRecord, &[u8]) -> Result<Packet, DecodeError>,
) {
    let mut found = 0_u64;
    for part in decode::split(record, record.frame(frames)) {
        found += 1;
        match decode(&part, part.frame(frames)) {
            Ok(packet) => packets.push(packet),
            Err(reason) => tally.ignored.add(reason),
        }
    }
    match found.checked_sub(1) {
        // The frame itself is counted.
        Some(more) => tally.packets += more,
        None => tally.ignored.add(DecodeError::TruncatedLink),
    }
}

/// Prefetches the headers of a record; up to the transport header they rarely span more than two
/// cache lines.
#[inline]
fn prefetch_headers(frames: &[u8], record: &RawRecord) {
    if let Ok(offset) = usize::try_from(record.offset) {
        prefetch_slice(frames, offset);
        prefetch_slice(frames, offset + 63);
    }
}
