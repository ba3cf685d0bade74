//! Buffers for the chunks of a live capture.

use std::sync::Arc;

/// Approximate bytes of frames in one chunk.
pub(super) const CHUNK: usize = 1 << 20;

/// Pool of buffers for the bytes of chunks.
#[derive(Debug, Default)]
pub(super) struct Pool(Vec<Arc<Vec<u8>>>);

impl Pool {
    /// Most buffers kept, more than a run has in flight.
    const CAPACITY: usize = 16;

    /// Returns an empty buffer.
    pub(super) fn take(&mut self) -> Arc<Vec<u8>> {
        let free = self.0.iter().position(|buffer| Arc::strong_count(buffer) == 1);
        let mut buffer = free.map(|place| self.0.swap_remove(place)).unwrap_or_default();
        match Arc::get_mut(&mut buffer) {
            Some(bytes) => {
                bytes.clear();
                buffer
            }
            None => Arc::default(),
        }
    }

    /// Keeps a buffer that is still in use elsewhere for later reuse.
    pub(super) fn keep(&mut self, buffer: &Arc<Vec<u8>>) {
        if self.0.len() < Self::CAPACITY {
            self.0.push(Arc::clone(buffer));
        }
    }
}
