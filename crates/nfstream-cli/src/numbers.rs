//! Whole numbers on the command line.

use std::str::FromStr;

/// Parses a whole number of at least `LEAST`.
pub(crate) fn parse_whole<N: FromStr, const LEAST: u64>(text: &str) -> Result<N, String> {
    text.parse().map_err(|_| format!("expected a whole number of at least {LEAST}"))
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
