//! Number of distinct values: exact up to [`EXACT`], beyond that by a HyperLogLog sketch.
//!
//! A sorted list holds up to [`EXACT`] values. One more turns it into 1,024 registers of a byte
//! each, eight to a word. The standard error of the sketch is 1.04 / √1024 = 3.3 %.

use super::cell::nearest;

/// Maximum number of distinct values in the list.
pub(super) const EXACT: usize = 256;

/// Words of the registers; fewer than [`EXACT`], so the list never grows again.
const WORDS: usize = 128;

/// Registers of the sketch.
const REGISTERS: u32 = 1024;

/// Adds a value to the list; `is_sketch` is 1 once the list holds the registers.
pub(super) fn add(list: &mut Vec<i64>, is_sketch: &mut i64, value: i64) {
    if *is_sketch == 0 {
        let Err(place) = list.binary_search(&value) else { return };
        if list.len() < EXACT {
            list.insert(place, value);
            return;
        }
        let mut values = [0; EXACT];
        for (to, from) in values.iter_mut().zip(list.iter()) {
            *to = *from;
        }
        list.clear();
        list.resize(WORDS, 0);
        *is_sketch = 1;
        for value in values {
            register(list, value);
        }
    }
    register(list, value);
}

/// Returns the number of distinct values.
pub(super) fn count(list: &[i64], is_sketch: i64) -> i64 {
    if is_sketch == 0 {
        return i64::try_from(list.len()).unwrap_or(i64::MAX);
    }
    let ranks = || list.iter().flat_map(|word| word.to_le_bytes());
    let registers = f64::from(REGISTERS);
    let sum: f64 = ranks().map(|rank| (-f64::from(rank)).exp2()).sum();
    let raw = 0.7213 / (1.0 + 1.079 / registers) * registers * registers / sum;
    let zeros = ranks().filter(|rank| *rank == 0).count();
    let zeros = nearest(i64::try_from(zeros).unwrap_or(i64::MAX));
    let estimate = if raw <= 2.5 * registers && zeros > 0.0 {
        registers * (registers / zeros).ln()
    } else {
        raw
    };
    super::cell::whole(estimate.round())
}

fn register(words: &mut [i64], value: i64) {
    let hash = mixed(value);
    let place = usize::try_from(hash % u64::from(REGISTERS)).unwrap_or(0);
    let rank = u8::try_from((hash >> 10 | 1 << 54).trailing_zeros() + 1).unwrap_or(u8::MAX);
    if let Some(word) = words.get_mut(place / 8) {
        let mut bytes = word.to_le_bytes();
        let byte = &mut bytes[place % 8];
        *byte = rank.max(*byte);
        *word = i64::from_le_bytes(bytes);
    }
}

/// Returns a hash of `value`: the finalizer of SplitMix64.
pub(super) fn mixed(value: i64) -> u64 {
    let mut hash = value.cast_unsigned().wrapping_add(0x9e37_79b9_7f4a_7c15);
    hash = (hash ^ hash >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ hash >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ hash >> 31
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(values: impl Iterator<Item = i64>) -> i64 {
        let (mut list, mut is_sketch) = (Vec::new(), 0);
        values.for_each(|value| add(&mut list, &mut is_sketch, value));
        assert!(list.len() <= EXACT);
        count(&list, is_sketch)
    }

    #[test]
    fn few_values_are_counted_exactly() {
        assert_eq!(counted((0..10_000).map(|number| number % 256 - 100)), 256);
        assert_eq!(counted(std::iter::empty()), 0);
    }

    #[test]
    fn many_values_are_estimated_within_three_standard_errors() {
        for total in [257_i64, 500, 1000, 3000, 10_000, 100_000, 1_000_000] {
            let found = counted((0..2 * total).map(|number| number % total * 40));
            let error = nearest((found - total).abs()) / nearest(total);
            assert!(error < 0.1, "{found} for {total}");
        }
    }
}
