//! Times of rules: local times with or without an offset, and seconds since the epoch.

use std::str::FromStr;

use chrono::offset::LocalResult;
use chrono::{FixedOffset, NaiveDate, NaiveDateTime, TimeZone};
use chrono_tz::Tz;

use crate::time::Timestamp;

/// Zone of local times.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Zone(Offsets);

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Offsets {
    Fixed(FixedOffset),
    /// A zone of the IANA database.
    Named(Tz),
}

/// Text that is not a time zone.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("expected {}", Zone::EXPECTED)]
pub struct ZoneError;

/// Forms of a time of day after the date.
const CLOCKS: [&str; 2] = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M"];

/// Last second of the year 9999; milliseconds since the epoch are greater.
const MOST_SECONDS: i64 = 253_402_300_799;

impl Zone {
    /// Texts that name a zone, in words.
    pub const EXPECTED: &str = "UTC, an offset such as -03:00, or a name such as America/Halifax";

    /// Returns the time of a clock in this zone.
    fn time(self, local: NaiveDateTime, text: &str) -> Result<Timestamp, String> {
        let (found, name) = match self.0 {
            Offsets::Fixed(offset) => {
                (offset.from_local_datetime(&local).map(|time| time.to_utc()), String::new())
            }
            Offsets::Named(zone) => {
                let time = zone.from_local_datetime(&local);
                (time.map(|time| time.to_utc()), zone.name().to_owned())
            }
        };
        match found {
            LocalResult::Single(time) => {
                let nanos = i64::from(time.timestamp_subsec_nanos());
                Ok(Timestamp::from_seconds(time.timestamp(), nanos))
            }
            LocalResult::Ambiguous(..) => Err(format!(
                "'{text}' occurs twice in {name}, where clocks are set back; add an offset"
            )),
            LocalResult::None => {
                Err(format!("'{text}' does not exist in {name}, where clocks skip it"))
            }
        }
    }
}

impl FromStr for Zone {
    type Err = ZoneError;

    fn from_str(text: &str) -> Result<Self, ZoneError> {
        let named = || text.parse().map(Offsets::Named).ok();
        let fixed = if text == "Z" { FixedOffset::east_opt(0) } else { offset(text) };
        fixed.map(Offsets::Fixed).or_else(named).map(Self).ok_or(ZoneError)
    }
}

/// Parses a time: RFC 3339, with or without seconds and offset, or seconds since the epoch.
pub(super) fn time(text: &str, zone: Option<Zone>) -> Result<Timestamp, String> {
    if let Some(time) = of_epoch(text) {
        return Ok(time);
    }
    let (clock, own) = split(text);
    let local = local(&clock).ok_or_else(|| {
        format!("'{text}' is not a time such as 2017-07-05T09:47:00Z, nor seconds since the epoch")
    })?;
    let own = own.map(|offset| Zone(Offsets::Fixed(offset)));
    let zone = own.or(zone).ok_or_else(|| {
        format!(
            "'{text}' has no time zone; add an offset such as Z, or set the time zone of the rules"
        )
    })?;
    zone.time(local, text)
}

/// Parses seconds since the epoch, with a fraction or without.
fn of_epoch(text: &str) -> Option<Timestamp> {
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let is_number =
        |digits: &str| !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
    if !is_number(seconds) || !is_number(fraction) {
        return None;
    }
    let nanos: String = fraction.chars().chain("00000000".chars()).take(9).collect();
    let seconds = seconds.parse().ok().filter(|seconds| *seconds <= MOST_SECONDS)?;
    Some(Timestamp::from_seconds(seconds, nanos.parse().ok()?))
}

/// Returns the local time of a text, and its offset if it has one.
fn split(text: &str) -> (String, Option<FixedOffset>) {
    let clock = |text: &str| text.trim_end().replacen([' ', 't'], "T", 1);
    if let Some(text) = text.strip_suffix(['Z', 'z']) {
        return (clock(text), FixedOffset::east_opt(0));
    }
    // The hyphens of the date come first.
    let sign = text.rfind(['+', '-']).filter(|place| *place > 10);
    if let Some((before, after)) = sign.and_then(|place| text.split_at_checked(place))
        && let Some(offset) = offset(after)
    {
        return (clock(before), Some(offset));
    }
    (clock(text), None)
}

fn local(clock: &str) -> Option<NaiveDateTime> {
    let with_clock = CLOCKS.iter().find_map(|form| NaiveDateTime::parse_from_str(clock, form).ok());
    let date = || NaiveDate::parse_from_str(clock, "%Y-%m-%d").ok()?.and_hms_opt(0, 0, 0);
    with_clock.or_else(date)
}

/// Parses an offset: `-03:00`, `-0300` or `-03`.
fn offset(text: &str) -> Option<FixedOffset> {
    let (sign, digits) = match text.as_bytes().first()? {
        b'+' => (1, text.get(1..)?),
        b'-' => (-1, text.get(1..)?),
        _ => return None,
    };
    let digits = digits.replacen(':', "", 1);
    if !matches!(digits.len(), 2 | 4) || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let hours: i32 = digits.get(..2)?.parse().ok()?;
    let minutes: i32 =
        digits.get(2..).filter(|text| !text.is_empty()).unwrap_or("0").parse().ok()?;
    if minutes > 59 {
        return None;
    }
    FixedOffset::east_opt(sign * (hours * 3600 + minutes * 60))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_many_forms() {
        let expected = Timestamp::from_seconds(1_499_248_020, 0);
        for text in [
            "2017-07-05T09:47:00Z",
            "2017-07-05t09:47:00.000z",
            "2017-07-05 06:47:00-03:00",
            "2017-07-05 06:47:00 -0300",
            "2017-07-05 10:47+01",
            "1499248020",
            "1499248020.0",
        ] {
            assert_eq!(time(text, None), Ok(expected), "{text}");
        }
        let zone = |name: &str| Some(name.parse().unwrap());
        assert_eq!(time("2017-07-05 06:47", zone("America/Halifax")), Ok(expected));
        assert_eq!(time("2017-07-05 06:47", zone("-03:00")), Ok(expected));
        let midnight = Timestamp::from_seconds(1_499_212_800, 0);
        assert_eq!(time("2017-07-05", zone("UTC")), Ok(midnight));
        let nanos = Timestamp::from_seconds(1, 23_000_000);
        assert_eq!(time("1.023", None), Ok(nanos));
        assert_eq!(time("1970-01-01 00:00:01.023", zone("Z")), Ok(nanos));
        for text in ["", "09:47", "05/07/2017 09:47", "2017-13-05", "2017-07-05 25:00Z", "-5", "."]
        {
            assert!(time(text, zone("UTC")).is_err(), "{text}");
        }
    }

    #[test]
    fn other_texts_are_no_zones() {
        for text in ["", "Mars/Olympus", "+25", "+3", "-03:75", "03:00"] {
            assert_eq!(text.parse::<Zone>(), Err(ZoneError), "{text}");
        }
    }
}
