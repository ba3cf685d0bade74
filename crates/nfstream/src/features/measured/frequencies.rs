//! Frequencies of values, for their entropy: exact up to [`DISTINCT`] distinct values.
//!
//! A list holds pairs of a value and its count, in the order of the values. Each further distinct
//! value counts as one of those in the list, chosen by its hash, so the entropy is a lower bound.

use super::cell::{nearest, of_float};
use super::distinct::mixed;

/// Maximum number of distinct values in the list.
pub(super) const DISTINCT: usize = 256;

/// Adds a value to the list of pairs.
pub(super) fn add(list: &mut Vec<i64>, value: i64) {
    let (pairs, _) = list.as_chunks::<2>();
    let place = match pairs.binary_search_by_key(&value, |pair| pair[0]) {
        Ok(place) => place,
        Err(place) if pairs.len() < DISTINCT => {
            list.splice(place * 2..place * 2, [value, 1]);
            return;
        }
        Err(_) => usize::try_from(mixed(value)).unwrap_or(usize::MAX) % DISTINCT,
    };
    if let Some(count) = list.get_mut(place * 2 + 1) {
        *count += 1;
    }
}

/// Returns the Shannon entropy of the values in bits, 0 without values.
pub(super) fn entropy(list: &[i64]) -> i64 {
    let (pairs, _) = list.as_chunks::<2>();
    let total = nearest(pairs.iter().map(|pair| pair[1]).sum());
    let shares = pairs.iter().map(|pair| nearest(pair[1]) / total);
    of_float(shares.map(|share| -share * share.log2()).sum::<f64>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::measured::cell::float;

    fn of(values: impl Iterator<Item = i64>) -> f64 {
        let mut list = Vec::new();
        values.for_each(|value| add(&mut list, value));
        assert!(list.len() <= 2 * DISTINCT);
        float(entropy(&list))
    }

    #[test]
    fn equal_shares_have_the_logarithm_of_their_number() {
        assert!((of((0..256).chain(0..256)) - 8.0).abs() < 1e-12);
        assert!(of(std::iter::repeat_n(7, 100)).abs() < 1e-12);
        assert!(of(std::iter::empty()).abs() < 1e-12);
    }

    #[test]
    fn the_entropy_of_many_values_is_a_lower_bound() {
        let found = of(0..100_000);
        assert!((7.5..=8.0).contains(&found), "{found}");
    }
}
