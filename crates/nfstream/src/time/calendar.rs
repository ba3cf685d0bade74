//! Dates and times of day in UTC, and their text.

use super::{Duration, Timestamp};

/// Nanoseconds in a second.
const SECOND: i64 = 1_000_000_000;
/// Seconds in a day.
const DAY: i64 = 86_400;
/// Days in 400 years, after which the calendar repeats.
const DAYS_OF_ERA: i64 = 146_097;
/// Days from 0000-03-01 to 1970-01-01.
const DAYS_BEFORE_EPOCH: i64 = 719_468;

/// Units of spans in text, and their nanoseconds.
const UNITS: [(&str, u64); 7] = [
    ("ns", 1),
    ("us", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
    ("d", 86_400_000_000_000),
];

/// Date and time of day in UTC, in the Gregorian calendar.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Civil {
    /// Year.
    pub year: i64,
    /// Month, from 1 to 12.
    pub month: u8,
    /// Day of the month, from 1 to 31.
    pub day: u8,
    /// Hour, from 0 to 23.
    pub hour: u8,
    /// Minute, from 0 to 59.
    pub minute: u8,
    /// Second, from 0 to 59.
    pub second: u8,
    /// Nanoseconds since the start of the second.
    pub nanos: u32,
}

impl Timestamp {
    /// Returns the date and the time of day.
    pub fn civil(self) -> Civil {
        let seconds = self.nanos().div_euclid(SECOND);
        let (year, month, day) = date(seconds.div_euclid(DAY));
        let of_day = seconds.rem_euclid(DAY);
        Civil {
            year,
            month,
            day,
            hour: small(of_day / 3600),
            minute: small(of_day / 60 % 60),
            second: small(of_day % 60),
            nanos: u32::try_from(self.nanos().rem_euclid(SECOND)).unwrap_or(0),
        }
    }

    /// Parses a date, or a date and time of day with its offset (RFC 3339): `2026-11-25`,
    /// `2026-11-25T15:00:00Z`, `2026-11-25T16:00:00.5+01:00`.
    ///
    /// `None` for any other text, and for times that cannot be represented.
    pub fn parse(text: &str) -> Option<Self> {
        let (date, rest) = (text.get(..10)?, text.get(10..)?);
        let mut parts = date.split('-');
        let year = number(parts.next()?, 4)?;
        let month = number(parts.next()?, 2)?;
        let day = number(parts.next()?, 2)?;
        if parts.next().is_some() || !(1..=12).contains(&month) || day < 1 {
            return None;
        }
        let days = days_before(year, month, day);
        // The day exists if the calendar returns it.
        if self::date(days) != (year, small(month), small(day)) {
            return None;
        }
        let (seconds, nanos) = if rest.is_empty() { (0, 0) } else { time_of_day(rest)? };
        let seconds = i128::from(days * DAY + seconds);
        let nanos = seconds * i128::from(SECOND) + i128::from(nanos);
        i64::try_from(nanos).ok().map(Self::from_nanos)
    }

    /// Returns the last multiple of `span` since the epoch that is not after this time.
    #[must_use]
    pub fn start_of(self, span: Duration) -> Self {
        let span = i64::try_from(span.nanos()).unwrap_or(i64::MAX).max(1);
        Self::from_nanos(self.nanos().saturating_sub(self.nanos().rem_euclid(span)))
    }
}

impl Duration {
    /// Parses a span with its units: `90s`, `1h30m`, `1.5ms`, `7d`.
    ///
    /// `None` for any other text.
    pub fn parse(text: &str) -> Option<Self> {
        let mut rest = text;
        let mut total = 0_u64;
        if rest.is_empty() {
            return None;
        }
        while !rest.is_empty() {
            let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
            let (value, tail) = rest.split_at(digits);
            let letters = tail.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(tail.len());
            let (unit, tail) = tail.split_at(letters);
            let (_, nanos) = UNITS.iter().find(|(name, _)| *name == unit)?;
            total = total.checked_add(scaled(value, *nanos)?)?;
            rest = tail;
        }
        Some(Self::from_nanos(total))
    }
}

/// Returns `value`, a decimal number, times `unit`, rounded down.
fn scaled(value: &str, unit: u64) -> Option<u64> {
    let (whole, fraction) = value.split_once('.').unwrap_or((value, ""));
    if whole.is_empty() || fraction.contains('.') {
        return None;
    }
    let mut total = whole.parse::<u64>().ok()?.checked_mul(unit)?;
    let mut place = unit;
    for digit in fraction.bytes() {
        place /= 10;
        total = total.checked_add(place.checked_mul(u64::from(digit.wrapping_sub(b'0')))?)?;
    }
    Some(total)
}

/// Parses `T15:00:00.5Z`, and returns seconds of the day in UTC and nanoseconds.
fn time_of_day(text: &str) -> Option<(i64, i64)> {
    let text = text.strip_prefix(['T', 't', ' '])?;
    let (clock, rest) = (text.get(..8)?, text.get(8..)?);
    let mut parts = clock.split(':');
    let hour = number(parts.next()?, 2).filter(|hour| *hour < 24)?;
    let minute = number(parts.next()?, 2).filter(|minute| *minute < 60)?;
    // A leap second counts as the first of the next minute.
    let second = number(parts.next()?, 2).filter(|second| *second <= 60)?;
    if parts.next().is_some() {
        return None;
    }
    let (nanos, zone) = match rest.strip_prefix('.') {
        Some(rest) => {
            let end = rest.find(|c: char| !c.is_ascii_digit())?;
            let (digits, zone) = rest.split_at(end);
            if digits.is_empty() {
                return None;
            }
            let nanos = scaled(&format!("0.{digits}"), 1_000_000_000)?;
            (i64::try_from(nanos).ok()?, zone)
        }
        None => (0, rest),
    };
    Some((hour * 3600 + minute * 60 + second - offset(zone)?, nanos))
}

/// Parses an offset from UTC and returns its seconds: `Z`, `+01:00`.
fn offset(text: &str) -> Option<i64> {
    if matches!(text, "Z" | "z") {
        return Some(0);
    }
    let sign = match text.get(..1)? {
        "+" => 1,
        "-" => -1,
        _ => return None,
    };
    let (hours, minutes) = text.get(1..)?.split_once(':')?;
    let hours = number(hours, 2).filter(|hours| *hours < 24)?;
    let minutes = number(minutes, 2).filter(|minutes| *minutes < 60)?;
    Some(sign * (hours * 3600 + minutes * 60))
}

/// Parses a number of exactly `digits` digits.
fn number(text: &str, digits: usize) -> Option<i64> {
    let is_number = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_number { text.parse().ok() } else { None }
}

/// Returns year, month and day of a day counted from 1970-01-01, in the Gregorian calendar.
///
/// Years begin in March, so that the leap day comes last, and are grouped into eras of 400 years.
pub fn date(days: i64) -> (i64, u8, u8) {
    let days = days + DAYS_BEFORE_EPOCH;
    let era = days.div_euclid(DAYS_OF_ERA);
    let day_of_era = days.rem_euclid(DAYS_OF_ERA);
    let leap_days = day_of_era / 1460 - day_of_era / 36_524 + day_of_era / 146_096;
    let year = (day_of_era - leap_days) / 365;
    let day_of_year = day_of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year + 400 * era + i64::from(month <= 2), small(month), small(day))
}

/// Returns the days from 1970-01-01 to a date: the inverse of [`date`].
fn days_before(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * month + 2) / 5 + day - 1;
    let day_of_era = 365 * year_of_era + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * DAYS_OF_ERA + day_of_era - DAYS_BEFORE_EPOCH
}

fn small(number: i64) -> u8 {
    u8::try_from(number).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn dates_know_leap_years() {
        let date = |seconds| {
            let civil = Timestamp::from_seconds(seconds, 0).civil();
            (civil.year, civil.month, civil.day)
        };
        assert_eq!(date(0), (1970, 1, 1));
        assert_eq!(date(951_782_400), (2000, 2, 29));
        assert_eq!(date(1_772_236_800), (2026, 2, 28));
        assert_eq!(date(-1), (1969, 12, 31));
    }

    #[test]
    fn times_are_parsed_with_their_offset() {
        let seconds = |text| Timestamp::parse(text).map(|time| time.nanos() / SECOND);
        assert_eq!(seconds("1970-01-01"), Some(0));
        assert_eq!(seconds("2026-02-28T00:00:00Z"), Some(1_772_236_800));
        assert_eq!(seconds("2026-02-28T02:30:00+02:30"), Some(1_772_236_800));
        assert_eq!(seconds("2026-02-27 19:00:00.9-05:00"), Some(1_772_236_800));
        assert_eq!(Timestamp::parse("1970-01-01T00:00:00.25Z").unwrap().millis(), 250);
        let wrong = [
            "",
            "2026",
            "2026-02-30",
            "2026-13-01",
            "2026-02-28T",
            "2026-02-28T24:00:00Z",
            "2026-02-28T10:00:00",
            "2026-02-28T10:00Z",
            "2026-02-28T10:00:00.Z",
            "9999-01-01",
            "2026-02-28T10:00:00+1:00",
            "ä026-02-28",
            "2026-02-2ä",
        ];
        for text in wrong {
            assert_eq!(Timestamp::parse(text), None, "{text}");
        }
    }

    #[test]
    fn spans_are_sums_of_numbers_with_units() {
        let nanos = |text| Duration::parse(text).map(Duration::nanos);
        assert_eq!(nanos("90s"), Some(90_000_000_000));
        assert_eq!(nanos("1h30m"), Some(5_400_000_000_000));
        assert_eq!(nanos("1.5ms"), Some(1_500_000));
        assert_eq!(nanos("7d"), Some(604_800_000_000_000));
        for text in ["", "5", "s", "5 s", "-5s", "1.2.3s", "5x", "99999999999d", ".5s"] {
            assert_eq!(nanos(text), None, "{text}");
        }
    }

    #[test]
    fn buckets_begin_at_multiples_since_the_epoch() {
        let minute = Duration::parse("1m").unwrap();
        let at = |seconds| Timestamp::from_seconds(seconds, 5).start_of(minute);
        assert_eq!(at(61), Timestamp::from_seconds(60, 0));
        assert_eq!(at(-1), Timestamp::from_seconds(-60, 0));
    }

    proptest! {
        #[test]
        fn text_of_a_time_is_read_back(nanos: i64) {
            let civil = Timestamp::from_nanos(nanos).civil();
            let Civil { year, month, day, hour, minute, second, nanos: rest } = civil;
            let text = format!(
                "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{rest:09}Z"
            );
            prop_assert_eq!(Timestamp::parse(&text), Some(Timestamp::from_nanos(nanos)));
        }

        #[test]
        fn no_text_panics(text: String) {
            Timestamp::parse(&text);
            Duration::parse(&text);
        }
    }
}
