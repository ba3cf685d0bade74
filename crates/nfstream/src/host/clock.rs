//! Clocks of this machine.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::time::Timestamp;

/// Returns the current time, by the clock of packet timestamps.
#[allow(clippy::disallowed_methods, reason = "the one module that reads the clock")]
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let seconds = i64::try_from(since.as_secs()).unwrap_or(i64::MAX);
    Timestamp::from_seconds(seconds, i64::from(since.subsec_nanos()))
}

/// Returns the time of a clock that never goes backwards.
#[allow(clippy::disallowed_methods, reason = "the one module that reads the clock")]
pub fn monotonic() -> Instant {
    Instant::now()
}

/// Waits for `time`.
pub(crate) fn sleep(time: Duration) {
    std::thread::sleep(time);
}
