//! Statistics of NetTiSA (Koumar et al., Computer Networks 240, 2024) over the payload sizes of a flow
//! and their times.

use crate::time::Timestamp;

/// Sums over the packets of a flow. Times are nanoseconds.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct NetTiSa {
    count: u64,
    min: u32,
    max: u32,
    /// Sums of the sizes to the powers 1 to 4.
    powers: [u128; 4],
    /// Sum of the distances from the mean of the packets up to each.
    dispersion: f64,
    switches: u64,
    last_size: u32,
    times: Option<(Timestamp, Timestamp)>,
    /// Sum of the times since the first packet.
    relative: u128,
    least_gap: u64,
    greatest_gap: u64,
    /// Sum of the distances of gaps from the mean of the gaps up to each.
    gap_dispersion: f64,
    from_source: u64,
}

impl NetTiSa {
    #[inline]
    pub(super) fn add(&mut self, size: u32, time: Timestamp, is_from_source: bool) {
        let (first, last) = self.times.unwrap_or((time, time));
        let gap = time.since(last).nanos();
        if self.count == 0 {
            (self.min, self.least_gap) = (size, u64::MAX);
        } else {
            self.switches += u64::from(size != self.last_size);
            self.least_gap = self.least_gap.min(gap);
            self.greatest_gap = self.greatest_gap.max(gap);
        }
        self.count += 1;
        self.from_source += u64::from(is_from_source);
        self.times = Some((first, time));
        self.last_size = size;
        (self.min, self.max) = (self.min.min(size), self.max.max(size));
        let mut power = 1_u128;
        for sum in &mut self.powers {
            power = power.saturating_mul(size.into());
            *sum = sum.saturating_add(power);
        }
        self.relative = self.relative.saturating_add(time.since(first).nanos().into());
        self.dispersion += (f64::from(size) - self.mean().unwrap_or(0.0)).abs();
        if let Some(mean) = self.mean_gap() {
            self.gap_dispersion += (wide(gap.into()) - mean).abs();
        }
    }

    pub(super) fn mean(&self) -> Option<f64> {
        self.each(wide(self.powers[0]))
    }

    pub(super) fn min(&self) -> u32 {
        self.min
    }

    pub(super) fn max(&self) -> u32 {
        self.max
    }

    /// Returns the variance of the population.
    pub(super) fn variance(&self) -> Option<f64> {
        let (count, [sum, squares, ..]) = (u128::from(self.count), self.powers);
        let spread = count.saturating_mul(squares).saturating_sub(sum.saturating_mul(sum));
        (count > 0).then(|| wide(spread) / (wide(count) * wide(count)))
    }

    pub(super) fn deviation(&self) -> Option<f64> {
        self.variance().map(f64::sqrt)
    }

    pub(super) fn root_mean_square(&self) -> Option<f64> {
        self.each(wide(self.powers[1])).map(f64::sqrt)
    }

    pub(super) fn average_dispersion(&self) -> Option<f64> {
        self.each(self.dispersion)
    }

    /// Returns the kurtosis, `None` if all sizes are equal.
    pub(super) fn kurtosis(&self) -> Option<f64> {
        let fourth = match self.fourth_moment() {
            Some(fourth) => fourth,
            None => {
                let mean = self.mean()?;
                let [sum, squares, cubes, fourths] = self.powers.map(wide);
                let moment = fourths - 4.0 * mean * cubes + 6.0 * mean.powi(2) * squares
                    - 3.0 * mean.powi(3) * sum;
                self.each(moment)?.max(0.0)
            }
        };
        quotient(fourth, self.variance()?.powi(2))
    }

    /// Returns the fourth central moment, exact until the division; `None` where the sums do not
    /// fit into integers.
    fn fourth_moment(&self) -> Option<f64> {
        let whole = |number: u128| i128::try_from(number).ok();
        let n = i128::from(self.count);
        let [sum, squares, cubes, fourths] = self.powers.map(whole);
        let (sum, squares) = (sum?, squares?);
        // n^4 times the moment: n^3 S4 - 4 n^2 S1 S3 + 6 n S1^2 S2 - 3 S1^4.
        let terms = [
            n.checked_pow(3)?.checked_mul(fourths?)?,
            n.checked_pow(2)?.checked_mul(sum)?.checked_mul(cubes?)?.checked_mul(-4)?,
            n.checked_mul(sum.checked_pow(2)?)?.checked_mul(squares)?.checked_mul(6)?,
            sum.checked_pow(4)?.checked_mul(-3)?,
        ];
        let total = terms.into_iter().try_fold(0_i128, i128::checked_add)?;
        Some(wide(total.unsigned_abs()) / wide(self.count.into()).powi(4))
    }

    pub(super) fn mean_relative_time(&self) -> Option<f64> {
        self.each(wide(self.relative))
    }

    pub(super) fn mean_gap(&self) -> Option<f64> {
        quotient(wide(self.duration().into()), wide(self.count.saturating_sub(1).into()))
    }

    /// Returns the shortest and the longest gap, `None` for one packet.
    pub(super) fn gaps(&self) -> Option<(u64, u64)> {
        (self.count > 1).then_some((self.least_gap, self.greatest_gap))
    }

    /// Returns the mean distance of the gaps from their mean, relative to half their range.
    pub(super) fn time_distribution(&self) -> Option<f64> {
        let (least, greatest) = self.gaps()?;
        let distance = self.gap_dispersion / wide(u128::from(self.count) - 1);
        quotient(distance, wide((greatest - least).into()) / 2.0)
    }

    /// Returns the changes of size relative to half the number of gaps.
    pub(super) fn switching_ratio(&self) -> Option<f64> {
        let gaps = wide(self.count.saturating_sub(1).into());
        quotient(wide(self.switches.into()), gaps / 2.0)
    }

    pub(super) fn percent_deviation(&self) -> Option<f64> {
        quotient(self.average_dispersion()?, self.mean()?)
    }

    pub(super) fn burstiness(&self) -> Option<f64> {
        let (mean, deviation) = (self.mean()?, self.deviation()?);
        quotient(deviation - mean, deviation + mean)
    }

    pub(super) fn coefficient_of_variation(&self) -> Option<f64> {
        quotient(self.deviation()?, self.mean()?)
    }

    /// Returns the part of the packets that come from the source.
    pub(super) fn directions(&self) -> Option<f64> {
        self.each(wide(self.from_source.into()))
    }

    pub(super) fn duration(&self) -> u64 {
        self.times.map_or(0, |(first, last)| last.since(first).nanos())
    }

    /// Returns a sum for each packet, `None` without packets.
    fn each(&self, sum: f64) -> Option<f64> {
        quotient(sum, wide(self.count.into()))
    }
}

fn quotient(number: f64, of: f64) -> Option<f64> {
    (of != 0.0).then(|| number / of)
}

#[allow(clippy::as_conversions, reason = "the nearest float is exact enough")]
fn wide(number: u128) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statistics_are_those_of_the_formulas() {
        let mut series = NetTiSa::default();
        for (size, millis) in [(10, 0), (30, 100), (30, 400), (50, 500)] {
            series.add(size, Timestamp::from_nanos(millis * 1_000_000), size < 50);
        }
        let close = |found: Option<f64>, value: f64| (found.unwrap() - value).abs() < 1e-9 * value;
        assert!(close(series.mean(), 30.0) && close(series.variance(), 200.0));
        assert!(close(series.root_mean_square(), 1100.0_f64.sqrt()));
        assert!(close(series.kurtosis(), 2.0) && close(series.directions(), 0.75));
        assert!(close(series.mean_relative_time(), 250e6));
        assert!(close(series.switching_ratio(), 2.0 / 1.5));
        assert_eq!(series.gaps(), Some((100_000_000, 300_000_000)));
    }

    #[test]
    fn one_packet_has_no_gaps() {
        let mut series = NetTiSa::default();
        series.add(0, Timestamp::default(), true);
        let undefined = [
            series.kurtosis(),
            series.mean_gap(),
            series.time_distribution(),
            series.switching_ratio(),
            series.percent_deviation(),
            series.burstiness(),
            series.coefficient_of_variation(),
        ];
        assert_eq!(undefined, [None; 7]);
    }
}
