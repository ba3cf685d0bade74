//! Human-readable numbers, sizes, spans, times and protocols.

use nfstream::time::{Duration, Timestamp, date};

/// Nanoseconds in a millisecond and in a second.
const MILLISECOND: u64 = 1_000_000;
const SECOND: u64 = 1_000 * MILLISECOND;

/// Returns a number with thousands separators: `1,234,567`.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Returns a number of things: `1 flow`, `2,000 flows`.
pub(crate) fn counted(number: u64, thing: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {thing}{plural}", count(number))
}

/// Returns a number of bytes in decimal units: `999 B`, `1.2 kB`, `54.9 MB`.
pub(crate) fn bytes(number: u64) -> String {
    scaled(number, &["B", "kB", "MB", "GB", "TB", "PB", "EB"])
}

/// Returns a rate in decimal units: `35.7 kbit/s`, `0.02 bit/s`.
pub(crate) fn bits_per_second(bytes: u64, span: Duration) -> Option<String> {
    let bits = u128::from(bytes) * 8 * u128::from(SECOND);
    let nanos = u128::from(non_zero(span)?);
    if bits < nanos && bits > 0 {
        // With one non-zero digit.
        let mut digits = 1;
        while digits < 18 && bits * 10_u128.pow(digits) < nanos {
            digits += 1;
        }
        let digit = bits * 10_u128.pow(digits) / nanos;
        let zeros = usize::try_from(digits).unwrap_or(1);
        return Some(format!("0.{digit:0zeros$} bit/s"));
    }
    let rate = u128::from(bytes) * 8 * u128::from(SECOND) / u128::from(non_zero(span)?);
    let units = ["bit/s", "kbit/s", "Mbit/s", "Gbit/s", "Tbit/s", "Pbit/s", "Ebit/s"];
    Some(scaled(u64::try_from(rate).unwrap_or(u64::MAX), &units))
}

/// Returns `part` as a percentage of `whole`: `12.3 %`.
pub(crate) fn share(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "-".to_owned();
    }
    let permille = (u128::from(part) * 1000 + u128::from(whole) / 2) / u128::from(whole);
    format!("{}.{} %", permille / 10, permille % 10)
}

/// Returns a span with about three digits: `0.4 ms`, `812 ms`, `12.3 s`, `5m 03s`, `2h 05m`.
pub(crate) fn span(span: Duration) -> String {
    let nanos = span.nanos();
    match nanos {
        0 => "0 ms".to_owned(),
        _ if nanos < 10 * MILLISECOND => {
            let tenths = nanos / (MILLISECOND / 10);
            format!("{}.{} ms", tenths / 10, tenths % 10)
        }
        _ if nanos < SECOND => format!("{} ms", nanos / MILLISECOND),
        _ if nanos < 60 * SECOND => {
            let tenths = nanos / (SECOND / 10);
            format!("{}.{} s", tenths / 10, tenths % 10)
        }
        _ => {
            let seconds = nanos / SECOND;
            let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
            match (days, hours) {
                (0, 0) => format!("{minutes}m {:02}s", seconds % 60),
                (0, _) => format!("{hours}h {:02}m", minutes % 60),
                _ => format!("{days}d {:02}h", hours % 24),
            }
        }
    }
}

/// Returns the day in UTC: `2026-02-28`.
pub(crate) fn day(time: Timestamp) -> String {
    let (year, month, day) = date(time.millis().div_euclid(86_400_000));
    format!("{year:04}-{month:02}-{day:02}")
}

/// Returns the time of day in UTC: `17:03:59.250`.
pub(crate) fn time_of_day(time: Timestamp) -> String {
    let millis = time.millis().rem_euclid(86_400_000);
    let seconds = millis / 1000;
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    format!("{hours:02}:{minutes:02}:{:02}.{:03}", seconds % 60, millis % 1000)
}

/// Returns a number in the largest of `units` in which it is at least 1. Each unit is 1000 times
/// the one before.
pub(crate) fn scaled(number: u64, units: &[&str]) -> String {
    if number < 1000 {
        return format!("{number} {}", units.first().unwrap_or(&""));
    }
    let mut scale = 1_u128;
    let mut text = String::new();
    for unit in &units[1..] {
        scale *= 1000;
        let tenths = (u128::from(number) * 10 + scale / 2) / scale;
        text = format!("{}.{} {unit}", tenths / 10, tenths % 10);
        // A value that would print as 1000.0 becomes 1.0 of the next unit.
        if tenths < 10_000 {
            break;
        }
    }
    text
}

fn non_zero(span: Duration) -> Option<u64> {
    Some(span.nanos()).filter(|nanos| *nanos > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_separated() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(1_234_567), "1,234,567");
    }

    #[test]
    fn sizes_keep_one_decimal() {
        assert_eq!(bytes(999), "999 B");
        assert_eq!(bytes(1000), "1.0 kB");
        assert_eq!(bytes(1_250), "1.3 kB");
        assert_eq!(bytes(54_900_000), "54.9 MB");
        assert_eq!(bytes(999_999), "1.0 MB");
        assert_eq!(bytes(u64::MAX), "18.4 EB");
    }

    #[test]
    fn slow_rates_are_not_zero() {
        let rate = |bytes, seconds| bits_per_second(bytes, Duration::from_nanos(seconds * SECOND));
        assert_eq!(rate(60, 86_400).as_deref(), Some("0.005 bit/s"));
        assert_eq!(rate(1, 16).as_deref(), Some("0.5 bit/s"));
        assert_eq!(rate(1, 8).as_deref(), Some("1 bit/s"));
        assert_eq!(rate(0, 8).as_deref(), Some("0 bit/s"));
        assert_eq!(rate(1500, 1).as_deref(), Some("12.0 kbit/s"));
        assert_eq!(rate(1, 10_000_000_000).as_deref(), Some("0.0000000008 bit/s"));
        assert_eq!(rate(1, 0), None);
    }

    #[test]
    fn spans_have_about_three_digits() {
        let text = |nanos| span(Duration::from_nanos(nanos));
        assert_eq!(text(0), "0 ms");
        assert_eq!(text(430_000), "0.4 ms");
        assert_eq!(text(812 * MILLISECOND), "812 ms");
        assert_eq!(text(12_345 * MILLISECOND), "12.3 s");
        assert_eq!(text(303 * SECOND), "5m 03s");
        assert_eq!(text(7500 * SECOND), "2h 05m");
        assert_eq!(text(100_000 * SECOND), "1d 03h");
    }

    #[test]
    fn shares_are_rounded() {
        assert_eq!(share(1, 3), "33.3 %");
        assert_eq!(share(2, 3), "66.7 %");
        assert_eq!(share(5, 5), "100.0 %");
        assert_eq!(share(0, 0), "-");
    }

    #[test]
    fn days_know_leap_years() {
        let at = |seconds| Timestamp::from_seconds(seconds, 0);
        assert_eq!(day(at(0)), "1970-01-01");
        assert_eq!(day(at(951_782_400)), "2000-02-29");
        assert_eq!(day(at(1_772_236_800)), "2026-02-28");
        assert_eq!(day(at(-1)), "1969-12-31");
        assert_eq!(time_of_day(Timestamp::from_nanos(-1_000_000)), "23:59:59.999");
    }
}
