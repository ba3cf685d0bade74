//! Whole numbers on the command line.

use std::str::FromStr;

/// Parses a whole number of at least `LEAST`.
pub(crate) fn parse_whole<N: FromStr, const LEAST: u64>(text: &str) -> Result<N, String> {
    text.parse().map_err(|_| format!("expected a whole number of at least {LEAST}"))
}

/// Parses a span of time with its unit, longer than 0.
pub(crate) fn parse_span(text: &str) -> Result<nfstream::time::Duration, String> {
    let span = nfstream::time::Duration::parse(text).filter(|span| span.nanos() > 0);
    span.ok_or_else(|| "expected a span such as 90s, 5m or 1h30m".to_owned())
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU64;

    use super::*;

    #[test]
    fn errors_name_the_range() {
        assert_eq!(parse_whole::<u64, 0>("7"), Ok(7));
        let wrong = parse_whole::<u64, 0>("-1").unwrap_err();
        assert_eq!(wrong, "expected a whole number of at least 0");
        let wrong = parse_whole::<NonZeroU64, 1>("0").unwrap_err();
        assert_eq!(wrong, "expected a whole number of at least 1");
    }
}
