//! State of a flow for the bytes of its first packets.

use super::masking::mask;
use super::{Measurement, Plan, Sample};
use crate::flow::Direction;

/// Capacity in bytes that is reused for another flow.
const REUSED: usize = 4096;

/// The first bytes of the first packets, without host identifiers if `MASKED`.
#[derive(Clone, Debug, Default)]
pub(super) struct FirstBytes<const MASKED: bool>(Option<Box<Packets>>);

#[derive(Clone, Debug, Default)]
struct Packets {
    /// Bytes of each packet so far, padded with zeros.
    bytes: Vec<u8>,
    /// Bytes of all packets, including those still to come.
    all: usize,
}

impl<const MASKED: bool> FirstBytes<MASKED> {
    /// Appends the bytes of all packets, with zeros for those that did not arrive.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        if let Some(packets) = &self.0 {
            let end = out.len() + packets.all;
            out.extend_from_slice(&packets.bytes);
            out.resize(end, 0);
        }
    }
}

impl<const MASKED: bool> Measurement for FirstBytes<MASKED> {
    fn grows(_: &Plan) -> bool {
        true
    }

    fn memory(&self) -> usize {
        // A list grows by doubling. Its capacity would depend on the flows before.
        self.0.as_ref().map_or(0, |packets| packets.bytes.len().next_power_of_two())
    }

    fn add(&mut self, plan: &Plan, sample: &Sample<'_>) {
        let shape = plan.packet_bytes;
        let packets = self.0.get_or_insert_default();
        packets.all = shape.all();
        if packets.bytes.len() >= packets.all {
            return;
        }
        let start = packets.bytes.len();
        packets.bytes.extend_from_slice(ip_bytes(sample, shape.bytes()));
        if MASKED && let Some(added) = packets.bytes.get_mut(start..) {
            mask(added, sample.packet);
        }
        packets.bytes.resize(start + shape.bytes(), 0);
    }

    fn clear(&mut self) {
        if let Some(packets) = &mut self.0 {
            packets.all = 0;
            packets.bytes.clear();
            packets.bytes.shrink_to(REUSED);
        }
    }

    #[inline]
    fn prefetch(&self, _: &Plan, _: Direction, _: u64) {}
}

/// Returns the first captured bytes of the innermost IP packet, `most` at most.
fn ip_bytes<'a>(sample: &Sample<'a>, most: usize) -> &'a [u8] {
    let [start, len] = [sample.packet.ip_offset, sample.packet.ip_len]
        .map(|number| usize::try_from(number).unwrap_or(usize::MAX));
    let bytes = sample.frame().get(start..).unwrap_or_default();
    bytes.get(..len.min(most)).unwrap_or(bytes)
}
