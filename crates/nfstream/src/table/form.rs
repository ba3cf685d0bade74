//! Forms of times and text in a table.

/// Form of the instants that every flow has.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum TimeForm {
    /// Integers in the unit of the run.
    #[default]
    Numbers,
    /// Arrow's timestamps in UTC.
    Timestamps,
}

/// Form of text.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum TextForm {
    /// Names from a small set are encoded by a dictionary.
    #[default]
    Compact,
    /// All text in pandas' layout: plain arrays with 64-bit offsets, which a data frame uses
    /// without a copy.
    Frame,
}
