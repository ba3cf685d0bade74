//! Settings of a live capture.

use std::time::Duration;

/// Options of a live capture.
#[derive(Clone, Debug)]
pub struct LiveOptions {
    /// Most bytes to capture of each packet.
    pub snaplen: u32,
    /// Whether packets that are not addressed to this machine are captured as well.
    pub promiscuous: bool,
    /// Bytes of the kernel's buffer for packets that have not been read.
    pub buffer_bytes: usize,
    /// Duration of the capture, `None` for no end.
    pub duration: Option<Duration>,
}

impl Default for LiveOptions {
    fn default() -> Self {
        Self { snaplen: 65_535, promiscuous: true, buffer_bytes: 64 << 20, duration: None }
    }
}
