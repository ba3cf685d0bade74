//! Settings of a live capture.

use std::time::Duration;

/// How packets are captured.
#[derive(Clone, Debug)]
pub struct LiveOptions {
    /// Bytes captured of each packet, at most.
    pub snaplen: u32,
    /// Whether packets that are not for this machine are captured as well.
    pub promiscuous: bool,
    /// Bytes in which the system keeps packets until they are read.
    pub buffer_bytes: usize,
    /// How long packets are captured, `None` for no end.
    pub duration: Option<Duration>,
}

impl Default for LiveOptions {
    fn default() -> Self {
        Self { snaplen: 65_535, promiscuous: true, buffer_bytes: 64 << 20, duration: None }
    }
}
