//! Quantiles: exact up to [`EXACT`] values, beyond that by a sketch of bounded size.
//!
//! The first [`EXACT`] places of a list hold the newest values. When they are full, they become a
//! sorted run. Two runs of the same weight merge into one of twice the weight, which keeps every
//! second value, in turn the even and the odd ones (Munro and Paterson, 1980). A merge shifts ranks
//! by at most the weight of its runs, so the rank error of a quantile is at most log2(n / 64) / 512
//! of n values, and usually far less.
//!
//! The list has one place for a run of each weight 2^l. The run exists if bit l of the number of
//! full runs is 1.

use super::cell::{MISSING, float, nearest, of_float};

/// Maximum number of values for exact quantiles.
pub(super) const EXACT: usize = 256;

/// [`EXACT`], as a count.
const ROOM: i64 = 256;

/// Adds a value to the list, after `count` others.
pub(super) fn add(list: &mut Vec<i64>, count: &mut i64, value: i64) {
    let place = usize::try_from(*count % ROOM).unwrap_or(0);
    if place == 0 && *count > 0 {
        carry(list, runs(*count));
    }
    *count += 1;
    match list.get_mut(place) {
        Some(at) => *at = value,
        None => list.push(value),
    }
}

/// Returns the quantile `share`, from 0 to 1, of `count` values; missing without values. It is
/// interpolated between two neighbours while all values are kept.
pub(super) fn quantile(list: &[i64], count: i64, share: f64) -> i64 {
    let runs = runs(count);
    let newest = usize::try_from(count - runs * ROOM).unwrap_or(0);
    let mut chunks = list.chunks(EXACT);
    let first = chunks.next().unwrap_or_default();
    let mut weighted: Vec<_> =
        first.iter().take(newest).map(|cell| (float(*cell), 1_i64)).collect();
    for (level, run) in chunks.enumerate().filter(|(level, _)| runs >> level & 1 == 1) {
        weighted.extend(run.iter().map(|cell| (float(*cell), 1 << level)));
    }
    weighted.sort_by(|a, b| a.0.total_cmp(&b.0));
    let rank = share * nearest(count - 1);
    let mut before = 0;
    for (place, (value, weight)) in weighted.iter().enumerate() {
        before += weight;
        if nearest(before) > rank {
            let next = weighted.get(place + 1).map_or(*value, |(next, _)| *next);
            let fraction = if runs == 0 { rank - rank.floor() } else { 0.0 };
            return of_float(value + (next - value) * fraction);
        }
    }
    weighted.last().map_or(MISSING, |(value, _)| of_float(*value))
}

/// Returns the number of runs that `count` values have filled.
const fn runs(count: i64) -> i64 {
    if count == 0 { 0 } else { (count - 1) / ROOM }
}

/// Makes a run of the newest values, and merges it with those of the same weight. There are `runs`
/// so far.
fn carry(list: &mut Vec<i64>, runs: i64) {
    let mut run = [0; EXACT];
    run.iter_mut().zip(list.iter()).for_each(|(to, from)| *to = *from);
    sort(&mut run);
    let mut level = 0;
    while runs >> level & 1 == 1 {
        let mut both = [0; 2 * EXACT];
        let stored = list.iter().skip((level + 1) * EXACT);
        both.iter_mut().zip(run.iter().chain(stored)).for_each(|(to, from)| *to = *from);
        sort(&mut both);
        let odd = usize::from(runs >> (level + 1) & 1 == 1);
        let kept = both.iter().skip(odd).step_by(2);
        run.iter_mut().zip(kept).for_each(|(to, from)| *to = *from);
        level += 1;
    }
    let start = (level + 1) * EXACT;
    if list.len() < start + EXACT {
        list.resize(start + EXACT, 0);
    }
    list.iter_mut().skip(start).zip(run).for_each(|(to, from)| *to = from);
}

fn sort(cells: &mut [i64]) {
    cells.sort_unstable_by(|a, b| float(*a).total_cmp(&float(*b)));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn filled(values: &[f64]) -> (Vec<i64>, i64) {
        let (mut list, mut count) = (Vec::new(), 0);
        values.iter().for_each(|value| add(&mut list, &mut count, of_float(*value)));
        (list, count)
    }

    proptest! {
        #[test]
        fn quantiles_of_few_values_are_exact(
            values in proptest::collection::vec(-1e6..1e6_f64, 1..=256),
            share in 0.0..=1.0_f64,
        ) {
            let (list, count) = filled(&values);
            let mut sorted = values;
            sorted.sort_by(f64::total_cmp);
            let rank = share * nearest(count - 1);
            let at = |rank: f64| sorted[usize::try_from(super::super::cell::whole(rank)).unwrap()];
            let expected = at(rank.floor()) + (at(rank.ceil()) - at(rank.floor())) * rank.fract();
            let found = float(quantile(&list, count, share));
            prop_assert!((found - expected).abs() <= 1e-9 * expected.abs().max(1.0));
        }

        #[test]
        fn the_rank_error_of_many_values_is_bounded(
            seed: u64,
            total in 257..200_000_i64,
            share in 0.0..=1.0_f64,
            order in 0..3,
        ) {
            // A permutation of 0..total, so that each value is its rank.
            let step = (0..).map(|more| total / 3 + more).find(|step| gcd(*step, total) == 1);
            let step = i128::from(step.unwrap());
            let start = i128::from(seed % 1000);
            let values = (0..i128::from(total)).map(|place| match order {
                0 => place,
                1 => i128::from(total) - 1 - place,
                _ => (start + place * step) % i128::from(total),
            });
            let values: Vec<_> = values.map(super::super::cell::nearest_wide).collect();
            let (list, count) = filled(&values);
            let bound = (nearest(total) / 64.0).log2() / 512.0 * nearest(total) + 2.0;
            let error = (float(quantile(&list, count, share)) - share * nearest(total - 1)).abs();
            prop_assert!(error <= bound, "{} of {}, bound {}", error, total, bound);
            prop_assert!(list.len() <= EXACT * 13);
        }
    }

    fn gcd(a: i64, b: i64) -> i64 {
        if b == 0 { a } else { gcd(b, a % b) }
    }
}
