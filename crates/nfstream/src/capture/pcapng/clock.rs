//! Timestamp units of an interface.

use pcap_parser::{OptionCode, PcapNGOption};

use crate::time::Timestamp;

/// Converts the ticks of one interface to timestamps.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Clock {
    unit: Unit,
    /// Seconds to add (`if_tsoffset`).
    offset: i64,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Unit {
    /// Nanoseconds per tick.
    Nanoseconds(u64),
    /// Ticks per nanosecond.
    PerNanosecond(u64),
    /// Ticks per second, as a power of two.
    PowerOfTwo(u8),
}

impl Clock {
    /// Reads `if_tsresol` and `if_tsoffset`.
    ///
    /// Parsed here because `pcap_parser` reads the offset as little-endian in any section and does
    /// not support resolutions that are powers of two.
    pub(super) fn new(options: &[PcapNGOption<'_>], big_endian: bool) -> Self {
        let mut clock = Self { unit: Unit::Nanoseconds(1000), offset: 0 };
        for option in options.iter().take_while(|option| option.code != OptionCode::EndOfOpt) {
            match (option.code, option.as_bytes()) {
                (OptionCode::IfTsresol, Ok(&[resolution])) => clock.unit = Unit::new(resolution),
                (OptionCode::IfTsoffset, Ok(value)) => {
                    let Ok(value) = <[u8; 8]>::try_from(value) else { continue };
                    clock.offset = if big_endian {
                        i64::from_be_bytes(value)
                    } else {
                        i64::from_le_bytes(value)
                    };
                }
                _ => {}
            }
        }
        clock
    }

    /// Returns the time of a packet, rounded down and clamped to the range of a timestamp.
    #[inline]
    pub(super) fn time(self, ticks: u64) -> Timestamp {
        let since_offset = match self.unit {
            Unit::Nanoseconds(factor) => u128::from(ticks) * u128::from(factor),
            Unit::PerNanosecond(divisor) => u128::from(ticks / divisor),
            Unit::PowerOfTwo(power) => (u128::from(ticks) * 1_000_000_000) >> power,
        };
        if let (0, Ok(nanoseconds)) = (self.offset, i64::try_from(since_offset)) {
            return Timestamp::from_nanos(nanoseconds);
        }
        // Less than 2^94 and 2^93: the sum always fits.
        let since_offset = i128::try_from(since_offset).unwrap_or(i128::MAX >> 1);
        let nanoseconds = i128::from(self.offset) * 1_000_000_000 + since_offset;
        let nearest = if nanoseconds < 0 { i64::MIN } else { i64::MAX };
        Timestamp::from_nanos(i64::try_from(nanoseconds).unwrap_or(nearest))
    }
}

impl Unit {
    /// Parses `if_tsresol`: a negative power of two if the highest bit is set, otherwise of ten.
    fn new(resolution: u8) -> Self {
        let exponent = resolution & 0x7f;
        if resolution != exponent {
            return Self::PowerOfTwo(exponent);
        }
        let exponent = u32::from(exponent);
        if exponent <= 9 {
            return Self::Nanoseconds(10_u64.pow(9 - exponent));
        }
        // A clock so fine that no count of ticks reaches a nanosecond stands still.
        10_u64.checked_pow(exponent - 9).map_or(Self::Nanoseconds(0), Self::PerNanosecond)
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;

    fn option(code: OptionCode, value: &[u8]) -> PcapNGOption<'_> {
        let len = u16::try_from(value.len()).unwrap();
        PcapNGOption { code, len, value: Cow::Borrowed(value) }
    }

    fn nanos(resolution: u8, ticks: u64) -> i64 {
        Clock::new(&[option(OptionCode::IfTsresol, &[resolution])], false).time(ticks).nanos()
    }

    #[test]
    fn ticks_are_microseconds_by_default() {
        assert_eq!(Clock::new(&[], false).time(1_700_000_000_123_456).nanos(), {
            1_700_000_000_123_456_000
        });
    }

    #[test]
    fn powers_of_ten_are_exact() {
        assert_eq!(nanos(0, 7), 7_000_000_000);
        assert_eq!(nanos(3, 1_700_000_000_123), 1_700_000_000_123_000_000);
        assert_eq!(nanos(9, 1_700_000_000_123_456_789), 1_700_000_000_123_456_789);
    }

    #[test]
    fn finer_ticks_are_rounded_down() {
        assert_eq!(nanos(12, 1_999), 1);
        assert_eq!(nanos(10, 19), 1);
        assert_eq!(nanos(0x7f, u64::MAX), 0);
    }

    #[test]
    fn powers_of_two_are_exact() {
        assert_eq!(nanos(0x80, 3), 3_000_000_000);
        assert_eq!(nanos(0x80 | 1, 3), 1_500_000_000);
        assert_eq!(nanos(0x80 | 30, (5 << 30) + 1), 5_000_000_000);
        assert_eq!(nanos(0x80 | 32, 1 << 31), 500_000_000);
        assert_eq!(nanos(0xff, u64::MAX), 0);
    }

    #[test]
    fn offset_is_read_in_the_order_of_the_section() {
        let (little, big) = ((-5_i64).to_le_bytes(), (-5_i64).to_be_bytes());
        let expected = Timestamp::from_nanos(-4_999_999_000);
        let clock = Clock::new(&[option(OptionCode::IfTsoffset, &little)], false);
        assert_eq!(clock.time(1), expected);
        let clock = Clock::new(&[option(OptionCode::IfTsoffset, &big)], true);
        assert_eq!(clock.time(1), expected);
    }

    #[test]
    fn times_out_of_range_are_clamped() {
        assert_eq!(nanos(0, u64::MAX), i64::MAX);
        for (offset, expected) in [(i64::MAX, i64::MAX), (i64::MIN, i64::MIN)] {
            let offset = offset.to_le_bytes();
            let clock = Clock::new(&[option(OptionCode::IfTsoffset, &offset)], false);
            assert_eq!(clock.time(1).nanos(), expected);
        }
    }

    #[test]
    fn options_after_the_end_or_of_odd_length_are_ignored() {
        let options = [
            option(OptionCode::IfTsresol, &[9, 9]),
            option(OptionCode::IfTsoffset, &[1]),
            option(OptionCode::EndOfOpt, &[]),
            option(OptionCode::IfTsresol, &[9]),
        ];
        assert_eq!(Clock::new(&options, false), Clock::new(&[], false));
    }
}
