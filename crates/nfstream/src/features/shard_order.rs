//! Place of a flow in the table of one pass: for shards, whose tables are sorted or numbered later.

use super::{Declaration, Declared, Presence, Read, Role};

pub(super) type State = ();

pub(super) const GROUP: Declaration = Declaration {
    presence: Presence::Shards,
    shorthand: None,
    about: "Sorted by these columns in this order, the rows of all shards are in the order of one \
            pass; `docs/clusters.md` explains them.",
    columns: &[&[
        Declared::code(
            "order_release",
            Role::Identifier,
            "ticks of the stream's clock until no earlier flow could follow",
            Read::U64(|r| r.release),
        ),
        Declared::code(
            "order_end",
            Role::Time,
            "when the flow ended in the time of the stream, in nanoseconds since the epoch",
            Read::I64(|r| r.ended.nanos()),
        ),
        Declared::code(
            "order_birth",
            Role::Identifier,
            "place of the conversation's first packet: number of its file, then of the packet",
            Read::U64(|r| r.id),
        ),
        Declared::code(
            "order_slice",
            Role::Identifier,
            "number of the slice in its conversation",
            Read::U32(|r| r.flow.slice),
        ),
        Declared::code(
            "order_packets",
            Role::Identifier,
            "packets of the slice up to this record",
            Read::U64(|r| r.volume.total_packets()),
        ),
        Declared::code(
            "order_kind",
            Role::Identifier,
            "position of this kind of record among those of equal packets",
            Read::U32(|r| r.kind.order()),
        ),
    ]],
};
