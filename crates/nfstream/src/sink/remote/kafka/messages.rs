//! Rows as messages: a line of JSON each, or many rows as a stream of Arrow.

use arrow_array::RecordBatch;

use super::records::Message;
use crate::sink::Format;
use crate::sink::remote::receiver::Failure;
use crate::sink::remote::rows::{encode, lines};
use crate::table::Cells;

/// Columns of the ends of a flow, and its protocol.
const KEY: [[&str; 2]; 2] = [["src_ip", "src_port"], ["dst_ip", "dst_port"]];
const PROTOCOL: &str = "protocol";

/// Returns the messages for a batch. Lines of JSON have the key of their flow; a stream of Arrow has
/// none, and at most `most_bytes` unless one row is longer.
pub(super) fn messages(
    format: Format,
    batch: &RecordBatch,
    most_bytes: usize,
) -> Result<Vec<Message>, Failure> {
    if format.is_binary {
        return streams(format, batch, 0, most_bytes);
    }
    let keys = keys(batch)?;
    let message = |(row, value): (usize, Vec<u8>)| {
        // Without the columns of a key, messages have none.
        let key = keys.get(row).filter(|key| !key.is_empty()).cloned();
        Message { key, value, rows: row..row + 1 }
    };
    Ok(lines(format, batch)?.into_iter().map(message).collect())
}

/// Returns the messages for the rows of `batch`, the first of which is at `place`.
fn streams(
    format: Format,
    batch: &RecordBatch,
    place: usize,
    most_bytes: usize,
) -> Result<Vec<Message>, Failure> {
    let value = encode(format, batch)?;
    let rows = batch.num_rows();
    if value.len() <= most_bytes || rows < 2 {
        return Ok(vec![Message { key: None, value, rows: place..place + rows }]);
    }
    let half = rows / 2;
    let mut messages = streams(format, &batch.slice(0, half), place, most_bytes)?;
    let rest = batch.slice(half, rows - half);
    messages.extend(streams(format, &rest, place + half, most_bytes)?);
    Ok(messages)
}

/// Returns a key for each row, equal for both directions of a conversation, so that its flows are in
/// one partition; empty if the table lacks a column.
fn keys(batch: &RecordBatch) -> Result<Vec<Vec<u8>>, Failure> {
    let cells = |name: &str| match batch.column_by_name(name) {
        Some(column) => Cells::of(column).map(Some).map_err(Failure::permanent),
        None => Ok(None),
    };
    let mut ends = Vec::new();
    for [address, port] in KEY {
        let (Some(address), Some(port)) = (cells(address)?, cells(port)?) else {
            return Ok(vec![Vec::new(); batch.num_rows()]);
        };
        ends.push((address, port));
    }
    let protocol = cells(PROTOCOL)?;
    let key = |row: usize| {
        let mut ends: Vec<_> = ends
            .iter()
            .map(|(address, port)| {
                let mut text = Vec::new();
                address.get(row).write_text(&mut text);
                text.push(b' ');
                port.get(row).write_text(&mut text);
                text
            })
            .collect();
        ends.sort_unstable();
        let mut key = ends.join(&b' ');
        if let Some(protocol) = &protocol {
            key.push(b' ');
            protocol.get(row).write_text(&mut key);
        }
        key
    };
    Ok((0..batch.num_rows()).map(key).collect())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, Int32Array, StringArray};

    use super::*;

    fn batch() -> RecordBatch {
        let text =
            |values: [&'static str; 2]| Arc::new(StringArray::from(values.to_vec())) as ArrayRef;
        let number = |values: [i32; 2]| Arc::new(Int32Array::from(values.to_vec())) as ArrayRef;
        RecordBatch::try_from_iter([
            ("src_ip", text(["10.0.0.1", "10.0.0.2"])),
            ("src_port", number([1024, 53])),
            ("dst_ip", text(["10.0.0.2", "10.0.0.1"])),
            ("dst_port", number([53, 1024])),
            ("protocol", number([17, 17])),
        ])
        .unwrap()
    }

    #[test]
    fn both_directions_have_one_key() {
        let messages = messages(Format::JSON_LINES, &batch(), 1_000).unwrap();
        assert_eq!(messages.len(), 2);
        let key = b"10.0.0.1 1024 10.0.0.2 53 17";
        assert!(messages.iter().all(|message| message.key.as_deref() == Some(&key[..])));
        assert!(messages[0].value.starts_with(b"{\"src_ip\":\"10.0.0.1\""));
        let few = batch().project(&[0, 4]).unwrap();
        let messages = super::messages(Format::JSON_LINES, &few, 1_000).unwrap();
        assert!(messages.iter().all(|message| message.key.is_none()));
    }

    #[test]
    fn long_streams_are_divided() {
        assert_eq!(messages(Format::ARROW_STREAM, &batch(), 1 << 20).unwrap().len(), 1);
        let divided = messages(Format::ARROW_STREAM, &batch(), 10).unwrap();
        let rows: Vec<_> = divided.iter().map(|message| message.rows.clone()).collect();
        assert_eq!(rows, [0..1, 1..2]);
    }
}
