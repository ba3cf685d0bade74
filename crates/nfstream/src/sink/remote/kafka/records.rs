//! Messages as batches of records, version 2 of the format.

use std::io;
use std::ops::Range;

use super::wire::Writer;
use crate::sink::remote::rows::gzip;

/// A message: its key and its value.
#[derive(Clone, Debug)]
pub(super) struct Message {
    pub(super) key: Option<Vec<u8>>,
    pub(super) value: Vec<u8>,
    /// Places of the rows that it holds, or holds a part of.
    pub(super) rows: Range<usize>,
}

/// Numbers that a broker gave to this producer, so that it recognizes repeated batches.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Producer {
    pub(super) id: i64,
    pub(super) epoch: i16,
}

/// Records for one partition that are sent together.
#[derive(Clone, Debug)]
pub(super) struct Records {
    pub(super) partition: i32,
    pub(super) count: i32,
    /// Places of the rows in each record.
    pub(super) rows: Vec<Range<usize>>,
    compressed: bool,
    bytes: Vec<u8>,
}

/// Version of the format.
const MAGIC: i8 = 2;

/// Attribute of batches that are compressed with gzip.
const GZIP: i16 = 1;

impl Records {
    /// Encodes messages.
    pub(super) fn new(partition: i32, messages: &[Message], compresses: bool) -> io::Result<Self> {
        let mut records = Writer::default();
        for (place, message) in (0..).zip(messages) {
            let mut record = Writer::default();
            record.i8(0);
            // All have the time of the batch.
            record.variable(0);
            record.variable(place);
            match &message.key {
                Some(key) => {
                    record.variable(len(key));
                    record.0.extend(key);
                }
                None => record.variable(-1),
            }
            record.variable(len(&message.value));
            record.0.extend(&message.value);
            record.variable(0);
            records.variable(len(&record.0));
            records.0.extend(record.0);
        }
        let bytes = if compresses { gzip(&records.0)? } else { records.0 };
        let count = i32::try_from(messages.len()).map_err(io::Error::other)?;
        let rows = messages.iter().map(|message| message.rows.clone()).collect();
        Ok(Self { partition, count, rows, compressed: compresses, bytes })
    }

    /// Returns the batch from a producer, with the number of its first record in the partition.
    /// `now` is in milliseconds since the Unix epoch.
    pub(super) fn batch(&self, producer: Producer, sequence: i32, now: i64) -> Vec<u8> {
        let mut body = Writer::default();
        body.i16(if self.compressed { GZIP } else { 0 });
        body.i32(self.count - 1);
        body.i64(now);
        body.i64(now);
        body.i64(producer.id);
        body.i16(producer.epoch);
        body.i32(sequence);
        body.i32(self.count);
        body.0.extend(&self.bytes);
        let mut batch = Writer::default();
        batch.i64(0);
        // The length counts from the next field on: leader epoch, version, checksum.
        batch.count(body.0.len() + 4 + 1 + 4);
        batch.i32(-1);
        batch.i8(MAGIC);
        batch.0.extend(crc32c(&body.0).to_be_bytes());
        batch.0.extend(body.0);
        batch.0
    }
}

fn len(bytes: &[u8]) -> i64 {
    i64::try_from(bytes.len()).unwrap_or(i64::MAX)
}

/// Remainders of all bytes for the polynomial of Castagnoli, reversed.
const REMAINDERS: [u32; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut remainder = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            let odd = remainder & 1;
            remainder = (remainder >> 1) ^ (odd * 0x82f6_3b78);
            bit += 1;
        }
        table[byte] = remainder;
        byte += 1;
    }
    table
};

/// Returns the checksum CRC-32C (RFC 3720).
fn crc32c(bytes: &[u8]) -> u32 {
    let step = |sum: u32, byte: &u8| {
        let [low, ..] = sum.to_le_bytes();
        (sum >> 8) ^ REMAINDERS.get(usize::from(low ^ byte)).copied().unwrap_or_default()
    };
    !bytes.iter().fold(!0, step)
}

/// Returns the partition for a key that other clients choose as well: by 32 bits of MurmurHash2.
pub(super) fn partition_of(key: &[u8], partitions: usize) -> usize {
    let hash = usize::try_from(murmur2(key) & 0x7fff_ffff).unwrap_or_default();
    hash.checked_rem(partitions).unwrap_or_default()
}

fn murmur2(bytes: &[u8]) -> u32 {
    const SEED: u32 = 0x9747_b28c;
    const FACTOR: u32 = 0x5bd1_e995;
    let len = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    let (words, rest) = bytes.as_chunks::<4>();
    let mut hash = words.iter().fold(SEED ^ len, |hash, word| {
        let word = u32::from_le_bytes(*word).wrapping_mul(FACTOR);
        hash.wrapping_mul(FACTOR) ^ (word ^ (word >> 24)).wrapping_mul(FACTOR)
    });
    if !rest.is_empty() {
        for (place, byte) in rest.iter().enumerate() {
            hash ^= u32::from(*byte) << (8 * place);
        }
        hash = hash.wrapping_mul(FACTOR);
    }
    hash = (hash ^ (hash >> 13)).wrapping_mul(FACTOR);
    hash ^ (hash >> 15)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_and_hashes_have_published_values() {
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
        assert_eq!(crc32c(&[0; 32]), 0x8a91_36aa);
        assert_eq!(murmur2(b"21").cast_signed(), -973_932_308);
        assert_eq!(murmur2(b"foobar").cast_signed(), -790_332_482);
        assert_eq!(murmur2(b"a-little-bit-long-string").cast_signed(), -985_981_536);
    }

    #[test]
    fn numbers_of_variable_length_keep_their_sign() {
        for (number, bytes) in
            [(0, &[0][..]), (-1, &[1]), (1, &[2]), (63, &[126]), (64, &[128, 1]), (-65, &[129, 1])]
        {
            let mut writer = Writer::default();
            writer.variable(number);
            assert_eq!(writer.0, bytes, "{number}");
        }
    }

    #[test]
    fn a_batch_has_its_length_and_checksum() {
        let message = Message { key: Some(b"k".to_vec()), value: b"value".to_vec(), rows: 0..1 };
        let records = Records::new(3, &[message.clone(), message], false).unwrap();
        let batch = records.batch(Producer { id: 7, epoch: 1 }, 40, 1_000);
        assert_eq!(batch[8..12], u32::try_from(batch.len() - 12).unwrap().to_be_bytes());
        assert_eq!(batch[17..21], crc32c(&batch[21..]).to_be_bytes());
        // Offsets 53 and 57: sequence and number of records.
        assert_eq!(batch[53..61], [0, 0, 0, 40, 0, 0, 0, 2]);
        let record = b"\x18\0\0\0\x02k\x0avalue\0";
        assert_eq!(batch[61..74], record[..]);
        assert_eq!(batch.len(), 61 + 2 * record.len());
    }
}
