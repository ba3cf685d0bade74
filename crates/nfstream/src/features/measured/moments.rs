//! Sums of values in words: exact for whole numbers, compensated for others.

use super::cell::{MISSING, float, nearest, nearest_wide, of_float};

/// Adds a whole number to a sum of two words, the lower first.
#[inline]
pub(super) fn add_wide([low, high]: &mut [i64; 2], value: i64) {
    let (sum, carry) = low.cast_unsigned().overflowing_add(value.cast_unsigned());
    *low = sum.cast_signed();
    *high = high.wrapping_add(value >> 63).wrapping_add(i64::from(carry));
}

/// Returns a sum of two words.
pub(super) fn wide([low, high]: [i64; 2]) -> i128 {
    i128::from(high) << 64 | i128::from(low.cast_unsigned())
}

/// Adds a floating-point number to a sum with its compensation (Neumaier, 1974).
#[inline]
pub(super) fn add_float([sum, lost]: &mut [i64; 2], value: f64) {
    let before = float(*sum);
    let after = before + value;
    let rest = if before.abs() >= value.abs() {
        (before - after) + value
    } else {
        (value - after) + before
    };
    *sum = of_float(after);
    *lost = of_float(float(*lost) + rest);
}

/// Adds a whole number to count, first value, sum and sum of squares; both sums are of distances to
/// the first value.
#[inline]
pub(super) fn add_squares(words: &mut [i64; 6], value: i64) {
    let [count, first, sum_low, sum_high, low, high] = words;
    if *count == 0 {
        *first = value;
    }
    *count += 1;
    let distance = value.saturating_sub(*first);
    let mut sum = [*sum_low, *sum_high];
    add_wide(&mut sum, distance);
    [*sum_low, *sum_high] = sum;
    let size = distance.unsigned_abs();
    let square = u128::from(size) * u128::from(size);
    let before = u128::from(high.cast_unsigned()) << 64 | u128::from(low.cast_unsigned());
    let after = before.saturating_add(square);
    *low = size_of_low(after).cast_signed();
    *high = u64::try_from(after >> 64).unwrap_or(u64::MAX).cast_signed();
}

/// Returns the sample variance of whole numbers, 0 for fewer than two.
pub(super) fn variance([count, _, sum_low, sum_high, low, high]: [i64; 6]) -> f64 {
    let Some(count) = u128::try_from(count).ok().filter(|count| *count > 1) else { return 0.0 };
    let sum = wide([sum_low, sum_high]).unsigned_abs();
    let squares = u128::from(high.cast_unsigned()) << 64 | u128::from(low.cast_unsigned());
    // Exact in integers; the difference of two rounded means would lose small deviations.
    let spread = count.saturating_mul(squares).saturating_sub(sum.saturating_mul(sum));
    let pairs = count * (count - 1);
    wide_float(spread) / wide_float(pairs)
}

/// Adds a number to count, first value, mean and the sums of the second to fourth powers of the
/// distance to the mean (Pébay, 2008). The mean is that of the distances to the first value.
#[inline]
pub(super) fn add_powers(words: &mut [i64; 6], value: f64) {
    let [count, first, mean, second, third, fourth] = words;
    if *count == 0 {
        *first = of_float(value);
    }
    let before = nearest(*count);
    *count += 1;
    let total = nearest(*count);
    let distance = (value - float(*first)) - float(*mean);
    let step = distance / total;
    let square = step * step;
    let term = distance * step * before;
    let (m2, m3) = (float(*second), float(*third));
    *mean = of_float(float(*mean) + step);
    *fourth = of_float(
        float(*fourth) + term * square * (total * total - 3.0 * total + 3.0) + 6.0 * square * m2
            - 4.0 * step * m3,
    );
    *third = of_float(m3 + term * step * (total - 2.0) - 3.0 * step * m2);
    *second = of_float(m2 + term);
}

/// Returns the sample variance of numbers added with [`add_powers`], 0 for fewer than two.
pub(super) fn variance_of_powers([count, _, _, second, ..]: [i64; 6]) -> f64 {
    if count > 1 { float(second) / nearest(count - 1) } else { 0.0 }
}

/// Returns the skewness, g1; missing if all values are equal.
pub(super) fn skewness([count, _, _, second, third, _]: [i64; 6]) -> i64 {
    let m2 = float(second);
    if m2 > 0.0 { of_float(nearest(count).sqrt() * float(third) / m2.powf(1.5)) } else { MISSING }
}

/// Returns the excess kurtosis, g2; missing if all values are equal.
pub(super) fn kurtosis([count, _, _, second, _, fourth]: [i64; 6]) -> i64 {
    let m2 = float(second);
    if m2 > 0.0 { of_float(nearest(count) * float(fourth) / (m2 * m2) - 3.0) } else { MISSING }
}

/// Returns the lower half of `number`.
#[inline]
fn size_of_low(number: u128) -> u64 {
    u64::try_from(number & u128::from(u64::MAX)).unwrap_or(u64::MAX)
}

fn wide_float(number: u128) -> f64 {
    i128::try_from(number).map_or(f64::MAX, nearest_wide)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn wide_sums_are_exact(values in proptest::collection::vec(any::<i64>(), 0..50)) {
            let mut words = [0; 2];
            values.iter().for_each(|value| add_wide(&mut words, *value));
            prop_assert_eq!(wide(words), values.iter().map(|value| i128::from(*value)).sum::<i128>());
        }

        #[test]
        fn moments_agree_with_two_passes(
            values in proptest::collection::vec(-2000..2000_i32, 2..100),
            base in prop_oneof![Just(0.0), Just(1.7e12)],
        ) {
            let (mut squares, mut powers) = ([0; 6], [0; 6]);
            let numbers: Vec<f64> = values.iter().map(|value| base + f64::from(*value)).collect();
            for number in &numbers {
                add_squares(&mut squares, super::super::cell::whole(*number));
                add_powers(&mut powers, *number);
            }
            let count = nearest(i64::try_from(numbers.len()).unwrap());
            let mean = values.iter().map(|value| f64::from(*value)).sum::<f64>() / count;
            let power = |power| {
                values.iter().map(|value| (f64::from(*value) - mean).powi(power)).sum::<f64>() / count
            };
            let near = |found: f64, expected: f64| {
                (found - expected).abs() <= 1e-9 * expected.abs().max(1.0)
            };
            prop_assert!(near(variance(squares), power(2) * count / (count - 1.0)));
            prop_assert!(near(variance_of_powers(powers), power(2) * count / (count - 1.0)));
            if power(2) > 0.0 {
                prop_assert!(near(float(skewness(powers)), power(3) / power(2).powf(1.5)));
                prop_assert!(near(float(kurtosis(powers)), power(4) / power(2).powi(2) - 3.0));
            }
        }
    }
}
