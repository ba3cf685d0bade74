//! Counts of flows in tables for people: their columns and cells, and the line below the rows.

use nfstream::report::Count;

use crate::human::{bytes, count, share};
use crate::io::Io;
use crate::table::{Cell, Column, QUIET};

/// Columns of a count.
pub(super) const COLUMNS: [Column; 4] = [
    Column::number("flows").rank(2),
    Column::number("packets").rank(3),
    Column::number("bytes").rank(1),
    Column::number("share").rank(1),
];

/// Returns the cells of a count, with its share of the bytes of `total`.
pub(super) fn cells(part: Count, total: Count) -> [Cell; 4] {
    [
        count(part.flows).into(),
        count(part.packets).into(),
        bytes(part.bytes).into(),
        share(part.bytes, total.bytes).into(),
    ]
}

/// Writes the number of rows that are left out, if there are any.
pub(super) fn write_others(others: usize, is_exact: bool, io: &Io<'_>, text: &mut Vec<u8>) {
    let note = match (others, is_exact) {
        (0, true) => return,
        (_, true) => format!("… and {} more", count(u64::try_from(others).unwrap_or(u64::MAX))),
        (_, false) => "… and more, too many to count exactly".to_owned(),
    };
    text.extend_from_slice(io.stdout.paint(QUIET, &note).as_bytes());
    text.push(b'\n');
}
