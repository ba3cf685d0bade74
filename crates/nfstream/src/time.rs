//! Points in time and spans, in nanoseconds.
//!
//! Only [`host`](crate::host) reads clocks: packets carry their time, and all other code receives
//! the time as an argument.

mod calendar;

pub use calendar::{Civil, date};

/// A point in time: nanoseconds since the Unix epoch, UTC.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Timestamp(i64);

/// A span of time: nanoseconds, never negative.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Duration(u64);

/// The unit of times in a table.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum TimeUnit {
    /// Thousandths of a second.
    #[default]
    Milliseconds,
    /// Millionths of a second.
    Microseconds,
    /// Thousandths of a microsecond.
    Nanoseconds,
}

impl TimeUnit {
    /// All units, the longest first.
    pub const ALL: [Self; 3] = [Self::Milliseconds, Self::Microseconds, Self::Nanoseconds];

    /// Returns the unit's symbol: `ms`, `us` or `ns`.
    pub const fn symbol(self) -> &'static str {
        match self {
            Self::Milliseconds => "ms",
            Self::Microseconds => "us",
            Self::Nanoseconds => "ns",
        }
    }
}

impl Timestamp {
    /// The latest representable time, in the year 2262.
    pub const MAX: Self = Self(i64::MAX);

    /// The earliest representable time.
    pub const MIN: Self = Self(i64::MIN);

    /// Returns the time `nanoseconds` after the epoch.
    pub const fn from_nanos(nanoseconds: i64) -> Self {
        Self(nanoseconds)
    }

    /// Returns the time `seconds` and `nanoseconds` after the epoch.
    ///
    /// A time beyond the year 2262 in an untrusted file becomes the latest representable time.
    pub const fn from_seconds(seconds: i64, nanoseconds: i64) -> Self {
        Self(seconds.saturating_mul(1_000_000_000).saturating_add(nanoseconds))
    }

    /// Returns nanoseconds since the epoch.
    pub const fn nanos(self) -> i64 {
        self.0
    }

    /// Returns whole milliseconds since the epoch, rounded down.
    pub const fn millis(self) -> i64 {
        whole(self.0, 1_000_000)
    }

    /// Returns the time at the start of its millisecond.
    pub const fn whole_millis(self) -> Self {
        Self(self.0 - self.0.rem_euclid(1_000_000))
    }

    /// Returns whole units since the epoch, rounded down.
    #[inline]
    pub const fn ticks(self, unit: TimeUnit) -> i64 {
        match unit {
            TimeUnit::Milliseconds => self.millis(),
            TimeUnit::Microseconds => whole(self.0, 1_000),
            TimeUnit::Nanoseconds => self.0,
        }
    }

    /// Returns the time from `earlier` to `self`, zero if `earlier` is later.
    pub const fn since(self, earlier: Self) -> Duration {
        if self.0 <= earlier.0 {
            return Duration(0);
        }
        Duration(self.0.abs_diff(earlier.0))
    }

    /// Returns the time `span` after `self`, or the latest representable time.
    pub const fn plus(self, span: Duration) -> Self {
        Self(self.0.saturating_add_unsigned(span.0))
    }
}

/// Divides and rounds down. The division of numbers that are not negative is quicker.
#[inline]
const fn whole(number: i64, divisor: i64) -> i64 {
    if number >= 0 { number / divisor } else { number.div_euclid(divisor) }
}

impl Duration {
    /// The longest representable span, about 584 years.
    pub const MAX: Self = Self(u64::MAX);

    /// Returns a span of `nanoseconds`.
    pub const fn from_nanos(nanoseconds: u64) -> Self {
        Self(nanoseconds)
    }

    /// Returns a span of `seconds`, or `None` if it is negative or not a number.
    pub fn try_from_seconds(seconds: f64) -> Option<Self> {
        (seconds >= 0.0).then(|| {
            let nanoseconds = (seconds * 1e9).round();
            // Float-to-integer casts saturate, so infinity becomes the longest span.
            #[allow(clippy::as_conversions, reason = "saturates by definition")]
            Self(nanoseconds as u64)
        })
    }

    /// Returns nanoseconds.
    pub const fn nanos(self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn millis_rounds_down_before_the_epoch_too() {
        assert_eq!(Timestamp::from_nanos(1_999_999).millis(), 1);
        assert_eq!(Timestamp::from_nanos(-1).millis(), -1);
    }

    #[test]
    fn since_is_never_negative() {
        let (early, late) = (Timestamp::from_nanos(5), Timestamp::from_nanos(9));
        assert_eq!(late.since(early), Duration::from_nanos(4));
        assert_eq!(early.since(late), Duration::from_nanos(0));
        assert_eq!(Timestamp::from_nanos(i64::MAX).since(Timestamp::MIN), Duration::MAX);
    }

    #[test]
    fn seconds_must_be_a_number_from_zero() {
        assert_eq!(Duration::try_from_seconds(0.5), Some(Duration::from_nanos(500_000_000)));
        assert_eq!(Duration::try_from_seconds(f64::INFINITY), Some(Duration::MAX));
        assert_eq!(Duration::try_from_seconds(-1.0), None);
        assert_eq!(Duration::try_from_seconds(f64::NAN), None);
    }
}
