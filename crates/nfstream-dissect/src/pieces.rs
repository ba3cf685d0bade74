//! Bytes that arrive in pieces, in any order.

/// The beginning of a sequence of bytes, put together from pieces with offsets.
#[derive(Debug, Default)]
pub(crate) struct Pieces {
    bytes: Vec<u8>,
    /// Ranges of `bytes` that have arrived: sorted, with gaps between them.
    filled: Vec<(usize, usize)>,
}

impl Pieces {
    /// Bytes that are kept at most.
    pub(crate) const MAX_BYTES: usize = 16 << 10;
    /// Ranges with gaps between them that are kept at most.
    const MAX_RANGES: usize = 64;

    /// Adds a piece; ignores what lies after the bounds.
    pub(crate) fn insert(&mut self, offset: usize, piece: &[u8]) {
        let end = offset.saturating_add(piece.len());
        if end > Self::MAX_BYTES || piece.is_empty() {
            return;
        }
        let place = self.filled.partition_point(|(start, _)| *start < offset);
        let joins = |range: Option<&(usize, usize)>| {
            range.is_some_and(|(start, stop)| *start <= end && offset <= *stop)
        };
        let before = place.checked_sub(1).and_then(|place| self.filled.get(place));
        if !joins(before) && !joins(self.filled.get(place)) && self.filled.len() >= Self::MAX_RANGES
        {
            return;
        }
        if self.bytes.len() < end {
            self.bytes.resize(end, 0);
        }
        if let Some(target) = self.bytes.get_mut(offset..end) {
            target.copy_from_slice(piece);
        }
        self.filled.insert(place, (offset, end));
        self.filled.dedup_by(|next, range| {
            let touches = next.0 <= range.1;
            if touches {
                range.1 = range.1.max(next.1);
            }
            touches
        });
    }

    /// Returns the bytes before the first gap.
    pub(crate) fn prefix(&self) -> &[u8] {
        match self.filled.first() {
            Some((0, end)) => self.bytes.get(..*end).unwrap_or_default(),
            _ => &[],
        }
    }

    /// Returns the heap bytes held.
    pub(crate) fn memory(&self) -> usize {
        self.bytes.capacity() + self.filled.capacity() * size_of::<(usize, usize)>()
    }

    /// Frees the bytes.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_piece_after_the_bounds_allocates_nothing() {
        let mut pieces = Pieces::default();
        pieces.insert(Pieces::MAX_BYTES, b"x");
        pieces.insert(usize::MAX, b"x");
        assert_eq!(pieces.bytes.capacity(), 0);
    }

    #[test]
    fn ranges_are_bounded() {
        let mut pieces = Pieces::default();
        for offset in 1..1000 {
            pieces.insert(offset * 2, b"x");
        }
        assert_eq!(pieces.filled.len(), Pieces::MAX_RANGES);
        pieces.insert(0, b"abc");
        assert_eq!(pieces.prefix(), b"abc");
    }

    proptest! {
        #[test]
        fn order_and_overlap_do_not_matter(
            bytes in prop::collection::vec(any::<u8>(), 1..300),
            cuts in prop::collection::vec((0_usize..300, 1_usize..60), 0..40),
        ) {
            let mut pieces = Pieces::default();
            let mut arrived = vec![false; bytes.len()];
            for (start, len) in cuts {
                let start = start.min(bytes.len());
                let end = (start + len).min(bytes.len());
                pieces.insert(start, &bytes[start..end]);
                arrived[start..end].fill(true);
            }
            let expected = arrived.iter().take_while(|arrived| **arrived).count();
            prop_assert_eq!(pieces.prefix(), &bytes[..expected]);
        }
    }
}
