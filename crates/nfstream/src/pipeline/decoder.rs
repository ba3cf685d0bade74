//! Decoding of chunks, and what has to be done to packets in their order.

use nfstream_sys::prefetch_slice;

use super::Ignored;
use crate::decode::{self, DecodeError};
use crate::packet::{Packet, RawRecord};

/// Records whose headers are asked for ahead of decoding.
const LOOK_AHEAD: usize = 8;

/// Decodes `records` of a chunk with the bytes `frames` into `packets`; counts the others.
#[inline]
pub(super) fn decode_all(
    records: &[RawRecord],
    frames: &[u8],
    options: decode::Options,
    packets: &mut Vec<Packet>,
    ignored: &mut Ignored,
) {
    for (index, record) in records.iter().enumerate() {
        if let Some(ahead) = records.get(index + LOOK_AHEAD) {
            prefetch_headers(frames, ahead);
        }
        match decode_one(record, frames, options) {
            Ok(packet) => packets.push(packet),
            Err(reason) => ignored.add(reason),
        }
    }
}

#[inline]
fn decode_one(
    record: &RawRecord,
    frames: &[u8],
    options: decode::Options,
) -> Result<Packet, DecodeError> {
    decode::decode(record, record.frame(frames), options)
}

/// Asks for the headers of a record: up to transport they rarely leave two cache lines.
#[inline]
fn prefetch_headers(frames: &[u8], record: &RawRecord) {
    if let Ok(offset) = usize::try_from(record.offset) {
        prefetch_slice(frames, offset);
        prefetch_slice(frames, offset + 63);
    }
}
