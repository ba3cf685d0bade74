//! Buffers for the chunks of a live capture.

use std::sync::Arc;

/// Bytes of the frames of one chunk, about.
pub(super) const CHUNK: usize = 1 << 20;

/// Buffers for the bytes of chunks: those no longer in use are reused.
#[derive(Debug, Default)]
pub(super) struct Pool(Vec<Arc<Vec<u8>>>);

impl Pool {
    /// Buffers kept, at most: more than a run has under way.
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

    /// Keeps a buffer for later, while it is in use elsewhere.
    pub(super) fn keep(&mut self, buffer: &Arc<Vec<u8>>) {
        if self.0.len() < Self::CAPACITY {
            self.0.push(Arc::clone(buffer));
        }
    }
}
