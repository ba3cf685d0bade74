//! Types of expressions.

use crate::features::Scalar;

/// Type of an expression.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    List(Scalar),
    Null,
    One(Scalar),
    Packets,
    Payload,
}
