//! Values of measures in one word: whole numbers, the bits of floating-point numbers, and truth as
//! 0 or 1.

/// Marker of a missing value. No whole number of a packet is that small, and its bits are those of
/// -0.0, which [`of_float`] never returns.
pub(crate) const MISSING: i64 = i64::MIN;

/// Returns the floating-point number in `cell`.
#[inline]
pub(crate) const fn float(cell: i64) -> f64 {
    f64::from_bits(cell.cast_unsigned())
}

/// Returns the cell of `number`, missing unless it is finite.
#[inline]
pub(crate) fn of_float(number: f64) -> i64 {
    // The sum turns -0.0 into 0.0.
    if number.is_finite() { (number + 0.0).to_bits().cast_signed() } else { MISSING }
}

/// Returns the cell of a whole number; the smallest one becomes the next larger one.
#[inline]
pub(crate) const fn of_whole(number: i64) -> i64 {
    if number == MISSING { MISSING + 1 } else { number }
}

/// Returns the floating-point number that is nearest to a whole number.
#[inline]
#[allow(clippy::as_conversions, clippy::cast_precision_loss, reason = "the nearest is meant")]
pub(crate) const fn nearest(number: i64) -> f64 {
    number as f64
}

/// Returns the floating-point number that is nearest to a wide whole number.
#[inline]
#[allow(clippy::as_conversions, clippy::cast_precision_loss, reason = "the nearest is meant")]
pub(crate) const fn nearest_wide(number: i128) -> f64 {
    number as f64
}

/// Returns `number` without its fraction, missing beyond 64 bits.
pub(crate) fn whole(number: f64) -> i64 {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    if !(-LIMIT < number && number < LIMIT) {
        return MISSING;
    }
    #[allow(clippy::as_conversions, clippy::cast_possible_truncation, reason = "in range")]
    let whole = number as i64;
    whole
}
