//! Round trips and losses of TCP connections.

use crate::features::{Column, Nameless, Record, Schema, Value};

/// Number of steps by which a time doubles; the error of a quantile is half a step.
const STEPS: u32 = 8;
/// Number of doublings: from a microsecond to more than an hour.
const DOUBLINGS: usize = 32;

/// Sums over all flows, and the distribution of handshake times.
#[derive(Debug)]
pub(super) struct Quality {
    handshake: Option<&'static Column>,
    retransmitted: [Option<&'static Column>; 2],
    out_of_order: [Option<&'static Column>; 2],
    zero_window: [Option<&'static Column>; 2],
    pub(super) sums: Sums,
    /// Handshakes by the logarithm of their duration.
    steps: Vec<u64>,
}

/// Sums over all flows.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sums {
    /// TCP flows.
    pub(super) flows: u64,
    /// Packets of these flows.
    pub(super) packets: u64,
    /// Flows with a complete handshake.
    pub(super) handshakes: u64,
    pub(super) retransmitted: u64,
    pub(super) out_of_order: u64,
    pub(super) zero_window: u64,
}

impl Quality {
    pub(super) fn new(schema: &Schema) -> Self {
        let column = |name: &str| schema.columns().iter().copied().find(|one| one.name == name);
        let both = |name| [column(&format!("src2dst_{name}")), column(&format!("dst2src_{name}"))];
        Self {
            handshake: column("tcp_handshake_us"),
            retransmitted: both("retransmitted_packets"),
            out_of_order: both("out_of_order_packets"),
            zero_window: both("zero_window_packets"),
            sums: Sums::default(),
            steps: vec![0; DOUBLINGS * usize::try_from(STEPS).unwrap_or(1)],
        }
    }

    /// Counts a TCP flow.
    pub(super) fn add(&mut self, record: &Record) {
        let number = |column: &Option<&'static Column>| match column
            .map(|column| column.value(record, &Nameless))
        {
            Some(Value::Integer(number)) => u64::try_from(number).unwrap_or(0),
            _ => 0,
        };
        let both = |columns: &[Option<&'static Column>; 2]| columns.iter().map(number).sum::<u64>();
        self.sums.flows += 1;
        self.sums.packets += record.volume.total_packets();
        self.sums.retransmitted += both(&self.retransmitted);
        self.sums.out_of_order += both(&self.out_of_order);
        self.sums.zero_window += both(&self.zero_window);
        let time = number(&self.handshake);
        if time > 0 {
            self.sums.handshakes += 1;
            let place = step(time).min(self.steps.len().saturating_sub(1));
            if let Some(count) = self.steps.get_mut(place) {
                *count += 1;
            }
        }
    }

    /// Returns the time in microseconds that a `share` of the handshakes did not exceed, to within
    /// a tenth; `None` without handshakes.
    pub(super) fn handshake_us(&self, share: f64) -> Option<f64> {
        let all = self.sums.handshakes;
        if all == 0 {
            return None;
        }
        let mut before = 0;
        let place = self.steps.iter().position(|count| {
            before += count;
            float(before) >= share * float(all)
        });
        let place = u32::try_from(place.unwrap_or(self.steps.len())).unwrap_or(u32::MAX);
        Some(2_f64.powf((f64::from(place) + 0.5) / f64::from(STEPS)))
    }
}

/// Returns the logarithm of a time in steps.
fn step(time: u64) -> usize {
    // The whole doublings, and the eighths of the next one.
    let doublings = time.max(1).ilog2();
    let rest = float(time) / 2_f64.powf(f64::from(doublings));
    let eighths = (1..STEPS).filter(|step| rest >= 2_f64.powf(f64::from(*step) / f64::from(STEPS)));
    usize::try_from(doublings * STEPS).unwrap_or(usize::MAX).saturating_add(eighths.count())
}

/// Returns a count as a floating-point number, exact up to 2^53.
#[allow(clippy::as_conversions, reason = "counts beyond 2^53 may be rounded")]
fn float(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_within_a_tenth() {
        let mut quality = Quality::new(&Schema::new(
            &[],
            crate::time::TimeUnit::Milliseconds,
            std::sync::Arc::new(Nameless),
        ));
        assert_eq!(quality.handshake_us(0.5), None);
        for time in 1..=10_000 {
            quality.sums.handshakes += 1;
            quality.steps[step(time)] += 1;
        }
        for (share, expected) in [(0.5, 5_000.0), (0.95, 9_500.0), (0.1, 1_000.0)] {
            let found = quality.handshake_us(share).unwrap();
            assert!((found / expected - 1.0).abs() < 0.1, "{share}: {found}");
        }
        assert_eq!(step(u64::MAX), 511);
    }
}
