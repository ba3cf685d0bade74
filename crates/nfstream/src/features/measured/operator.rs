//! Operators of measures, on values in one word.

use super::cell::{MISSING, float, nearest, of_float, of_whole, whole};

/// Operator for operands of certain types. A unary operator ignores the second operand.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) enum Operator {
    AbsoluteFloat,
    AbsoluteWhole,
    AddFloat,
    AddWhole,
    And,
    AtMostFloat,
    AtMostWhole,
    DivideFloat,
    EqualFloat,
    EqualWhole,
    IsMissing,
    LessFloat,
    LessWhole,
    Logarithm,
    ModuloWhole,
    MultiplyFloat,
    MultiplyWhole,
    NegateFloat,
    NegateWhole,
    Not,
    Or,
    SquareRoot,
    SubtractFloat,
    SubtractWhole,
    ToFloat,
    ToWhole,
}

impl Operator {
    /// Returns the result for two values. It is missing if it is undefined, as for a division by
    /// zero, or if an operand is missing, unless the other operand decides.
    #[inline]
    pub(crate) fn apply(self, left: i64, right: i64) -> i64 {
        let is_missing = left == MISSING || right == MISSING;
        match self {
            Self::And if left == 0 || right == 0 => return 0,
            Self::Or if left == 1 || right == 1 => return 1,
            Self::IsMissing => return truth(left == MISSING),
            _ if is_missing => return MISSING,
            _ => {}
        }
        match self {
            Self::AbsoluteFloat => of_float(float(left).abs()),
            Self::AbsoluteWhole => left.saturating_abs(),
            Self::AddFloat => of_float(float(left) + float(right)),
            Self::AddWhole => of_whole(left.saturating_add(right)),
            Self::And => 1,
            Self::AtMostFloat => truth(float(left) <= float(right)),
            Self::AtMostWhole => truth(left <= right),
            Self::DivideFloat => of_float(float(left) / float(right)),
            Self::EqualFloat => truth(float(left).total_cmp(&float(right)).is_eq()),
            Self::EqualWhole => truth(left == right),
            Self::LessFloat => truth(float(left) < float(right)),
            Self::LessWhole => truth(left < right),
            Self::Logarithm => of_float(float(left).ln()),
            Self::ModuloWhole => modulo(left, right),
            Self::MultiplyFloat => of_float(float(left) * float(right)),
            Self::MultiplyWhole => of_whole(left.saturating_mul(right)),
            Self::NegateFloat => of_float(-float(left)),
            Self::NegateWhole => left.saturating_neg(),
            Self::Not => 1 - left,
            Self::Or | Self::IsMissing => 0,
            Self::SquareRoot => of_float(float(left).sqrt()),
            Self::SubtractFloat => of_float(float(left) - float(right)),
            Self::SubtractWhole => of_whole(left.saturating_sub(right)),
            Self::ToFloat => of_float(nearest(left)),
            Self::ToWhole => whole(float(left)),
        }
    }
}

#[inline]
pub(crate) fn truth(value: bool) -> i64 {
    i64::from(value)
}

/// Returns the remainder with the sign of the divisor, as in Python.
fn modulo(left: i64, right: i64) -> i64 {
    match left.checked_rem(right) {
        Some(rest) if rest != 0 && (rest < 0) != (right < 0) => rest + right,
        Some(rest) => rest,
        None => MISSING,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn undefined_results_are_missing() {
        let (one, zero) = (of_float(1.0), of_float(0.0));
        assert_eq!(Operator::DivideFloat.apply(one, zero), MISSING);
        assert_eq!(Operator::Logarithm.apply(zero, 0), MISSING);
        assert_eq!(Operator::ModuloWhole.apply(5, 0), MISSING);
        assert_eq!(Operator::ToWhole.apply(of_float(1e300), 0), MISSING);
        assert_eq!(Operator::LessWhole.apply(1, MISSING), MISSING);
    }

    #[test]
    fn a_known_operand_may_decide() {
        assert_eq!(Operator::And.apply(MISSING, 0), 0);
        assert_eq!(Operator::And.apply(MISSING, 1), MISSING);
        assert_eq!(Operator::Or.apply(1, MISSING), 1);
        assert_eq!(Operator::Or.apply(MISSING, 0), MISSING);
        assert_eq!(Operator::IsMissing.apply(MISSING, 0), 1);
    }

    #[test]
    fn whole_numbers_never_become_missing_by_overflow() {
        let least = MISSING + 1;
        assert_eq!(Operator::SubtractWhole.apply(least, 5), least);
        assert_eq!(Operator::MultiplyWhole.apply(least, 5), least);
        assert_eq!(Operator::AddWhole.apply(i64::MAX, 5), i64::MAX);
    }

    #[test]
    fn remainders_have_the_sign_of_the_divisor() {
        let rest = |left, right| Operator::ModuloWhole.apply(left, right);
        assert_eq!((rest(7, 3), rest(-7, 3), rest(7, -3), rest(-7, -3)), (1, 2, -2, -1));
    }
}
