//! Keyed hashes in place of values, which can be compared but not read.

use std::collections::HashSet;
use std::io;
use std::sync::Arc;

use arrow_array::builder::StringBuilder;
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::{ArrowError, DataType, Field, Schema as ArrowSchema, SchemaRef};
use blake2::Blake2bMac;
use blake2::digest::consts::U32;
use blake2::digest::{FixedOutput, KeyInit, Update};

use super::TableError;
use super::cells::Cells;

/// Replaces the values of some columns by keyed hashes (BLAKE2b, RFC 7693) of their text.
///
/// With the same key, equal values have equal hashes, even in different columns and runs. The hash
/// has 32 bytes, written as 64 hexadecimal digits.
#[derive(Clone)]
pub struct Anonymizer {
    columns: HashSet<String>,
    /// Hash state after the key.
    keyed: Blake2bMac<U32>,
}

/// Columns whose values follow from others, with those others.
const DERIVED: &[(&str, &[&str])] = &[
    ("community_id", &["src_ip", "dst_ip", "src_port", "dst_port", "protocol"]),
    ("raw_packet_bytes", &["src_ip", "dst_ip", "src_port", "dst_port", "protocol"]),
    ("src_oui", &["src_mac"]),
    ("dst_oui", &["dst_mac"]),
    ("src_country", &["src_ip"]),
    ("dst_country", &["dst_ip"]),
    ("src_asn", &["src_ip"]),
    ("dst_asn", &["dst_ip"]),
    ("src_as_name", &["src_ip"]),
    ("dst_as_name", &["dst_ip"]),
];

impl Anonymizer {
    /// Returns an anonymiser of the columns with these names, with `key` or a random one.
    ///
    /// # Errors
    ///
    /// [`TableError::KeyLength`] for a key that is empty or longer than 64 bytes;
    /// [`TableError::Random`] if the system provides no random numbers.
    pub fn new(
        columns: impl IntoIterator<Item = String>,
        key: Option<&[u8]>,
    ) -> Result<Self, TableError> {
        let mut random = [0; 64];
        let key = match key {
            Some(key) => key,
            None => {
                getrandom::fill(&mut random)
                    .map_err(|error| TableError::Random { source: io::Error::from(error) })?;
                &random
            }
        };
        let error = TableError::KeyLength { len: key.len() };
        let keyed = Blake2bMac::new_from_slice(key).ok().filter(|_| !key.is_empty());
        Ok(Self { columns: columns.into_iter().collect(), keyed: keyed.ok_or(error)? })
    }

    /// Returns the anonymiser without the columns that have these names.
    #[must_use]
    pub fn without(mut self, names: &[String]) -> Self {
        self.columns.retain(|column| !names.contains(column));
        self
    }

    /// Returns the anonymiser, extended by the columns of `schema` whose values follow from hidden
    /// ones: a Community ID, for example, is a hash without a key, which lets an attacker verify a
    /// guessed address.
    #[must_use]
    pub(super) fn with_derived(mut self, schema: &ArrowSchema) -> Self {
        for (name, origins) in DERIVED {
            if schema.index_of(name).is_ok()
                && origins.iter().any(|origin| self.columns.contains(*origin))
            {
                self.columns.insert((*name).to_owned());
            }
        }
        self
    }

    /// Returns whether the values of this column are hidden.
    pub(super) fn hides(&self, name: &str) -> bool {
        self.columns.contains(name)
    }

    /// Returns `schema` with text for the anonymised columns.
    ///
    /// # Errors
    ///
    /// [`TableError::UnknownColumn`] if a column is missing.
    pub fn schema(&self, schema: &ArrowSchema) -> Result<ArrowSchema, TableError> {
        let names = || schema.fields().iter().map(|field| field.name().clone());
        let mut unknown: Vec<_> =
            self.columns.iter().filter(|name| schema.index_of(name).is_err()).collect();
        unknown.sort_unstable();
        if let Some(name) = unknown.first() {
            let (name, columns) = ((*name).clone(), names().collect());
            return Err(TableError::UnknownColumn { name, columns });
        }
        let fields = schema.fields().iter().map(|field| {
            if self.columns.contains(field.name()) {
                Arc::new(Field::new(field.name(), DataType::Utf8, field.is_nullable()))
            } else {
                Arc::clone(field)
            }
        });
        Ok(ArrowSchema::new(fields.collect::<Vec<_>>()).with_metadata(schema.metadata().clone()))
    }

    /// Returns `batch` with hashes, as a batch of `schema`, the result of
    /// [`schema`](Self::schema) for its own.
    ///
    /// # Errors
    ///
    /// [`ArrowError`] if the batch has another schema.
    pub fn batch(
        &self,
        batch: &RecordBatch,
        schema: &SchemaRef,
    ) -> Result<RecordBatch, ArrowError> {
        let fields = batch.schema();
        let arrays = fields.fields().iter().zip(batch.columns()).map(|(field, array)| {
            if self.columns.contains(field.name()) {
                self.array(array)
            } else {
                Ok(Arc::clone(array))
            }
        });
        RecordBatch::try_new(Arc::clone(schema), arrays.collect::<Result<_, _>>()?)
    }

    fn array(&self, array: &ArrayRef) -> Result<ArrayRef, ArrowError> {
        let cells = Cells::of(array)?;
        let mut hashes = StringBuilder::with_capacity(array.len(), array.len() * 64);
        let mut text = Vec::new();
        for row in 0..array.len() {
            let cell = cells.get(row);
            if cell.is_null() {
                hashes.append_null();
                continue;
            }
            text.clear();
            cell.write_text(&mut text);
            let hex = self.hash(&text);
            hashes.append_value(std::str::from_utf8(&hex).unwrap_or_default());
        }
        Ok(Arc::new(hashes.finish()))
    }

    /// Returns the hash of `text` as hexadecimal digits.
    fn hash(&self, text: &[u8]) -> [u8; 64] {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut state = self.keyed.clone();
        state.update(text);
        let hash = state.finalize_fixed();
        let mut hex = [0; 64];
        for (digits, byte) in hex.chunks_exact_mut(2).zip(hash) {
            digits[0] = DIGITS[usize::from(byte >> 4)];
            digits[1] = DIGITS[usize::from(byte & 15)];
        }
        hex
    }
}

impl std::fmt::Debug for Anonymizer {
    /// Omits the key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Anonymizer").field("columns", &self.columns).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use arrow_array::cast::AsArray;
    use arrow_array::{Int32Array, StringArray};

    use super::*;

    fn hashes(key: Option<&[u8]>) -> (String, String) {
        let batch = RecordBatch::try_from_iter([
            ("port", Arc::new(Int32Array::from(vec![443])) as ArrayRef),
            ("text", Arc::new(StringArray::from(vec!["443"])) as _),
            ("other", Arc::new(StringArray::from(vec!["443"])) as _),
        ])
        .unwrap();
        let anonymizer = Anonymizer::new(["port".into(), "text".into()], key).unwrap();
        let schema = Arc::new(anonymizer.schema(&batch.schema()).unwrap());
        let batch = anonymizer.batch(&batch, &schema).unwrap();
        let text = |column: usize| batch.column(column).as_string::<i32>().value(0).to_owned();
        assert_eq!(text(2), "443");
        (text(0), text(1))
    }

    #[test]
    fn hashes_are_those_of_rfc_7693() {
        // hashlib.blake2b(b"443", key=b"key", digest_size=32).hexdigest()
        let expected = "0ef81beb1b1570296540c3e65454572f6a987e81d49e8c0faa661ea5bec6623b";
        assert_eq!(hashes(Some(b"key")), (expected.into(), expected.into()));
    }

    #[test]
    fn a_random_key_is_another_one_each_time() {
        let (first, second) = (hashes(None), hashes(None));
        assert_eq!(first.0, first.1);
        assert_ne!(first.0, second.0);
    }

    #[test]
    fn keys_have_1_to_64_bytes() {
        for len in [0, 65] {
            let result = Anonymizer::new([], Some(&vec![0; len]));
            assert!(matches!(result, Err(TableError::KeyLength { len: found }) if found == len));
        }
        assert!(Anonymizer::new([], Some(&[0; 64])).is_ok());
    }

    #[test]
    fn derived_columns_exist() {
        let all: Vec<_> = crate::features::columns(crate::time::TimeUnit::default()).collect();
        for (name, origins) in DERIVED {
            for name in origins.iter().chain([name]) {
                assert!(all.iter().any(|column| column.name == *name), "{name}");
            }
        }
    }

    #[test]
    fn a_missing_column_is_named() {
        let anonymizer = Anonymizer::new(["src_ib".into()], None).unwrap();
        let schema = ArrowSchema::new(vec![Field::new("src_ip", DataType::Utf8, false)]);
        let error = anonymizer.schema(&schema).unwrap_err().to_string();
        assert_eq!(error, "no column 'src_ib'; there are src_ip");
    }
}
