//! Mean and deviation from whole-number sums: exact until the last step.

/// Count, sum and sum of squares of whole numbers, and their extremes.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Moments {
    /// Number of numbers.
    pub count: u64,
    /// Their sum.
    pub sum: u64,
    /// The sum of their squares.
    pub squares: u128,
    /// The least of them, 0 if there are none.
    pub min: u64,
    /// The greatest of them, 0 if there are none.
    pub max: u64,
}

impl Moments {
    /// Adds a number.
    #[inline]
    pub fn add(&mut self, number: u64) {
        self.min = if self.count == 0 { number } else { self.min.min(number) };
        self.max = self.max.max(number);
        self.count += 1;
        self.sum = self.sum.saturating_add(number);
        self.squares = self.squares.saturating_add(u128::from(number) * u128::from(number));
    }

    /// Returns the moments of the numbers of both.
    #[must_use]
    pub fn with(&self, other: &Self) -> Self {
        match (self.count, other.count) {
            (0, _) => *other,
            (_, 0) => *self,
            _ => Self {
                count: self.count + other.count,
                sum: self.sum.saturating_add(other.sum),
                squares: self.squares.saturating_add(other.squares),
                min: self.min.min(other.min),
                max: self.max.max(other.max),
            },
        }
    }

    /// Returns the mean, 0 if there are no numbers.
    pub fn mean(&self) -> f64 {
        if self.count == 0 { 0.0 } else { float(self.sum.into()) / float(self.count.into()) }
    }

    /// Returns the sample standard deviation, with divisor `n - 1`; 0 for fewer than two numbers.
    pub fn deviation(&self) -> f64 {
        self.variance().sqrt()
    }

    /// Returns the sample variance, with divisor `n - 1`; 0 for fewer than two numbers.
    pub fn variance(&self) -> f64 {
        if self.count < 2 {
            return 0.0;
        }
        let (count, sum) = (u128::from(self.count), u128::from(self.sum));
        // n Σx² − (Σx)² is exact in integers, while the difference of two rounded means would lose
        // the small differences in long flows.
        let squares = match u64::try_from(self.squares) {
            Ok(squares) => count * u128::from(squares),
            Err(_) => count.saturating_mul(self.squares),
        };
        let spread = squares.saturating_sub(sum * sum);
        float(spread) / float(count * (count - 1))
    }
}

fn float(number: u128) -> f64 {
    // Nearly all numbers are small, and a single instruction converts those.
    #[allow(clippy::as_conversions, reason = "the nearest float is exact enough")]
    match i64::try_from(number) {
        Ok(number) => number as f64,
        Err(_) => float_of_large(number),
    }
}

// Apart, because the compiler would otherwise calculate both results and choose one.
#[cold]
#[inline(never)]
#[allow(clippy::as_conversions, reason = "the nearest float is exact enough")]
fn float_of_large(number: u128) -> f64 {
    number as f64
}

#[cfg(test)]
impl Moments {
    /// Returns the moments of `numbers`.
    pub(super) fn of(numbers: &[u64]) -> Self {
        Self {
            count: u64::try_from(numbers.len()).unwrap(),
            sum: numbers.iter().sum(),
            squares: numbers.iter().map(|&number| u128::from(number).pow(2)).sum(),
            min: numbers.iter().copied().min().unwrap_or(0),
            max: numbers.iter().copied().max().unwrap_or(0),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn moments_agree_with_two_passes(
            numbers in proptest::collection::vec(0_u64..1 << 32, 0..200),
            base in prop_oneof![Just(0), 0_u64..1 << 48],
        ) {
            let numbers: Vec<_> = numbers.iter().map(|number| base + number).collect();
            let moments = Moments::of(&numbers);
            let (left, right) = numbers.split_at(numbers.len() / 3);
            let mut added = Moments::of(left);
            prop_assert_eq!(added.with(&Moments::of(right)), moments);
            right.iter().for_each(|number| added.add(*number));
            prop_assert_eq!(added, moments);
            #[allow(clippy::as_conversions, clippy::cast_precision_loss, reason = "a model")]
            let floats: Vec<_> = numbers.iter().map(|&n| (n - base) as f64).collect();
            #[allow(clippy::as_conversions, clippy::cast_precision_loss, reason = "a model")]
            let (count, base) = (floats.len() as f64, base as f64);
            let mean = if floats.is_empty() { 0.0 } else { floats.iter().sum::<f64>() / count };
            let deviation = if floats.len() < 2 {
                0.0
            } else {
                (floats.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (count - 1.0)).sqrt()
            };
            let mean = if floats.is_empty() { 0.0 } else { base + mean };
            prop_assert!((moments.mean() - mean).abs() <= 1e-9 * mean.max(1.0));
            prop_assert!((moments.deviation() - deviation).abs() <= 1e-9 * deviation.max(1.0));
        }
    }

    #[test]
    fn no_sum_overflows() {
        let most = Moments {
            count: u64::MAX,
            sum: u64::MAX,
            squares: u128::MAX,
            min: u64::MAX,
            max: u64::MAX,
        };
        assert!(most.mean().is_finite() && most.deviation().is_finite());
    }
}
