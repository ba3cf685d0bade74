//! Settings of a live capture.

use std::num::NonZeroUsize;
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
    /// Rings among which the kernel divides the packets, each read by a thread (Linux).
    pub rings: NonZeroUsize,
    /// Duration of the capture, `None` for no end.
    pub duration: Option<Duration>,
}

impl Default for LiveOptions {
    fn default() -> Self {
        Self {
            snaplen: 65_535,
            promiscuous: true,
            buffer_bytes: 64 << 20,
            rings: NonZeroUsize::MIN,
            duration: None,
        }
    }
}
