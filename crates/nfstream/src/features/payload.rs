//! Bytes of payload in each direction.

use super::{Declaration, Declared, Measurement, Plan, Presence, Read, Record, Sample};
use crate::flow::Direction::{self, Dst2Src, Src2Dst};

pub(super) type State = Payload;

pub(super) const GROUP: Declaration = Declaration {
    presence: Presence::Feature,
    shorthand: None,
    about: "",
    columns: &[&[
        Declared::bytes(
            "src2dst_payload_bytes",
            "bytes after the transport headers, source to destination",
            Read::U64(|r| bytes(r, Src2Dst)),
        ),
        Declared::bytes(
            "dst2src_payload_bytes",
            "bytes after the transport headers, destination to source",
            Read::U64(|r| bytes(r, Dst2Src)),
        ),
    ]],
};

/// Bytes that each direction has carried after its transport headers, on the wire.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Payload([u64; 2]);

impl Measurement for Payload {
    #[inline]
    fn add(&mut self, _: &Plan, sample: &Sample<'_>) {
        self.0[sample.direction.index()] += u64::from(sample.packet.payload_len);
    }
}

fn bytes(record: &Record, direction: Direction) -> u64 {
    record.measured(|m| m.payload.0[direction.index()])
}
