//! Mean and deviation from whole-number sums: exact until the last step.

/// Count, sum and sum of squares of whole numbers, and their extremes.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Moments {
    squares: u128,
    sum: u64,
    count: u64,
    min: u64,
    max: u64,
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

    /// Returns the moments of these numbers and those of `other` together.
    pub fn merged(&self, other: &Self) -> Self {
        let min = match (self.count, other.count) {
            (_, 0) => self.min,
            (0, _) => other.min,
            _ => self.min.min(other.min),
        };
        Self {
            squares: self.squares.saturating_add(other.squares),
            sum: self.sum.saturating_add(other.sum),
            count: self.count + other.count,
            min,
            max: self.max.max(other.max),
        }
    }

    /// Returns the least of the numbers, 0 if there are none.
    pub fn min(&self) -> u64 {
        self.min
    }

    /// Returns the greatest of the numbers, 0 if there are none.
    pub fn max(&self) -> u64 {
        self.max
    }

    /// Returns the mean, 0 if there are no numbers.
    pub fn mean(&self) -> f64 {
        if self.count == 0 { 0.0 } else { float(self.sum.into()) / float(self.count.into()) }
    }

    /// Returns the sample standard deviation, that with divisor `n - 1`; 0 for fewer than two
    /// numbers.
    pub fn deviation(&self) -> f64 {
        if self.count < 2 {
            return 0.0;
        }
        let (count, sum) = (u128::from(self.count), u128::from(self.sum));
        // n Σx² − (Σx)² is exact in whole numbers, where the difference of two rounded means
        // would lose what little two long flows differ in.
        let spread = count
            .checked_mul(self.squares)
            .zip(sum.checked_mul(sum))
            .map_or(0, |(squares, square)| squares.saturating_sub(square));
        (float(spread) / float(count * (count - 1))).sqrt()
    }
}

fn float(number: u128) -> f64 {
    #[allow(clippy::as_conversions, reason = "the nearest float is what is wanted")]
    let float = number as f64;
    float
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn moments(numbers: &[u64]) -> Moments {
        let mut moments = Moments::default();
        numbers.iter().for_each(|&number| moments.add(number));
        moments
    }

    proptest! {
        #[test]
        fn moments_agree_with_two_passes(
            numbers in proptest::collection::vec(0_u64..1 << 32, 0..200),
            base in 0_u64..1 << 40,
        ) {
            let numbers: Vec<_> = numbers.iter().map(|number| base + number).collect();
            let moments = moments(&numbers);
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
            prop_assert_eq!(moments.min(), numbers.iter().copied().min().unwrap_or(0));
            prop_assert_eq!(moments.max(), numbers.iter().copied().max().unwrap_or(0));
        }

        #[test]
        fn merging_is_adding_all(
            left in proptest::collection::vec(any::<u32>(), 0..50),
            right in proptest::collection::vec(any::<u32>(), 0..50),
        ) {
            let wide = |numbers: &[u32]| numbers.iter().map(|&n| n.into()).collect::<Vec<u64>>();
            let (left, right) = (wide(&left), wide(&right));
            let both = moments(&[left.clone(), right.clone()].concat());
            prop_assert_eq!(moments(&left).merged(&moments(&right)), both);
        }
    }
}
