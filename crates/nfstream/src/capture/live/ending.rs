//! The end of a live capture.

use std::time::{Duration, Instant};

/// Longest time that a read waits for packets.
pub(super) const PATIENCE: Duration = Duration::from_millis(100);

/// End condition of a capture.
#[derive(Clone, Copy, Debug)]
pub(super) enum Ending {
    /// When the run is stopped.
    Open,
    /// At this moment.
    At(Instant),
    /// Packets from before the end are still returned; by this moment all have been handed over.
    Draining(Instant),
}
