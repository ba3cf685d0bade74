//! The end of a live capture.

use std::time::{Duration, Instant};

/// How long a read waits for packets, at most.
pub(super) const PATIENCE: Duration = Duration::from_millis(100);

/// When a capture is to end.
#[derive(Clone, Copy, Debug)]
pub(super) enum Ending {
    /// At the stop of the run.
    Open,
    /// At this moment.
    At(Instant),
    /// What came before is still to be given; all of it has been handed over at this moment.
    Draining(Instant),
}
