//! Flow records of IPFIX: messages (RFC 7011) with templates for IPv4 and IPv6, for a network or a
//! file (RFC 5655).
//!
//! A flow is two records, one for each direction that has packets, or one biflow (RFC 5103). Columns
//! without an information element in IANA's registry are only sent under the enterprise number that
//! the user gives, and describe themselves (RFC 5610).

mod columns;
mod flow;
mod message;
mod template;

pub(crate) use columns::columns;
pub(crate) use message::Messages;

/// Choices of the records.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Choices {
    /// Whether a flow is one record with counts of both directions.
    pub(crate) is_biflow: bool,
    /// Observation domain.
    pub(crate) domain: u32,
    /// Index of the interface through which packets from the source arrive, 0 if unknown.
    pub(crate) ingress: u32,
    /// Index of the interface through which these packets leave, 0 if unknown.
    pub(crate) egress: u32,
    /// Private enterprise number of the columns that have no information element.
    pub(crate) enterprise: Option<u32>,
}
