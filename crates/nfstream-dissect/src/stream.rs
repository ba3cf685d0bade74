//! The beginning of one direction of a TCP connection, in order and without gaps.

use crate::packet::Segment;

/// Bytes of a direction that are kept at most.
pub(crate) const MAX_BYTES: usize = 24 << 10;
/// Segments that may wait for one before them. The network rarely delays one by more than this
/// (RFC 5681 takes three for a loss), and captures miss packets.
const MAX_WAITING: usize = 4;

/// The beginning of a stream.
#[derive(Debug, Default)]
pub(crate) struct Prefix {
    /// Bytes in order.
    bytes: Vec<u8>,
    /// Sequence number of the next byte, `None` before the first segment.
    next: Option<u32>,
    /// Segments after a gap, by sequence number.
    waiting: Vec<(u32, Box<[u8]>)>,
    /// Whether a gap will stay.
    broken: bool,
}

impl Prefix {
    /// Notes the sequence number of the first byte, as a SYN gives it.
    pub(crate) fn begin_at(&mut self, sequence: u32) {
        if self.next.is_none() {
            self.next = Some(sequence);
        }
    }

    /// Returns the bytes of `payload` that are next in order; keeps it for later if one before it
    /// is missing.
    pub(crate) fn accept<'a>(&mut self, segment: Option<Segment>, payload: &'a [u8]) -> &'a [u8] {
        let Some(segment) = segment else { return payload };
        let sequence = segment.sequence.wrapping_add(u32::from(segment.syn));
        let next = *self.next.get_or_insert(sequence);
        let ahead = sequence.wrapping_sub(next);
        if ahead == 0 {
            self.next = Some(next.wrapping_add(u32::try_from(payload.len()).unwrap_or(u32::MAX)));
            return payload;
        }
        if ahead < 1 << 31 {
            self.wait(sequence, payload);
            return &[];
        }
        // Sent again: only what lies after the bytes that came before is new.
        let known = usize::try_from(next.wrapping_sub(sequence)).unwrap_or(usize::MAX);
        let new = payload.get(known..).unwrap_or_default();
        self.next = Some(next.wrapping_add(u32::try_from(new.len()).unwrap_or(u32::MAX)));
        new
    }

    fn wait(&mut self, sequence: u32, payload: &[u8]) {
        if self.broken || self.waiting.iter().any(|(other, _)| *other == sequence) {
            return;
        }
        let bytes: usize = self.waiting.iter().map(|(_, bytes)| bytes.len()).sum();
        if bytes + payload.len() > MAX_BYTES {
            self.give_up();
            return;
        }
        self.waiting.push((sequence, payload.into()));
        if self.waiting.len() > MAX_WAITING && !self.skip_gap() {
            self.give_up();
        }
    }

    fn give_up(&mut self) {
        self.broken = true;
        self.waiting = Vec::new();
    }

    /// Begins with the first segment that waits, if nothing came before the gap; returns whether
    /// there are bytes now.
    pub(crate) fn skip_gap(&mut self) -> bool {
        if !self.bytes.is_empty() {
            return false;
        }
        let Some(next) = self.next else { return false };
        let first = self.waiting.iter().map(|(sequence, _)| *sequence);
        let Some(first) = first.min_by_key(|sequence| sequence.wrapping_sub(next)) else {
            return false;
        };
        self.next = Some(first);
        self.catch_up()
    }

    /// Appends bytes that [`accept`](Self::accept) returned.
    pub(crate) fn keep(&mut self, bytes: &[u8]) {
        self.keep_up_to(MAX_BYTES, bytes);
    }

    /// Appends the same bytes, up to a total length.
    pub(crate) fn keep_up_to(&mut self, len: usize, bytes: &[u8]) {
        let room = len.saturating_sub(self.bytes.len());
        self.bytes.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    /// Appends the segments that waited for the bytes before them; returns whether there were any.
    pub(crate) fn catch_up(&mut self) -> bool {
        let mut found = false;
        while let Some(next) = self.next
            && let Some(place) =
                self.waiting.iter().position(|(sequence, _)| next.wrapping_sub(*sequence) < 1 << 31)
        {
            let (sequence, bytes) = self.waiting.swap_remove(place);
            let known = usize::try_from(next.wrapping_sub(sequence)).unwrap_or(usize::MAX);
            let new = bytes.get(known..).unwrap_or_default();
            self.next = Some(next.wrapping_add(u32::try_from(new.len()).unwrap_or(u32::MAX)));
            self.keep(new);
            found |= !new.is_empty();
        }
        found
    }

    /// Returns the bytes kept so far.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns whether segments wait for one that is missing.
    pub(crate) fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Returns whether no further byte can be kept.
    pub(crate) fn is_full(&self) -> bool {
        self.broken || self.bytes.len() >= MAX_BYTES
    }

    /// Returns the heap bytes held.
    pub(crate) fn memory(&self) -> usize {
        let waiting: usize = self.waiting.iter().map(|(_, bytes)| bytes.len()).sum();
        self.bytes.capacity() + waiting + self.waiting.capacity() * size_of::<(u32, Box<[u8]>)>()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn segment(sequence: u32) -> Option<Segment> {
        Some(Segment { sequence, syn: false, ack: true, end: false })
    }

    fn add(prefix: &mut Prefix, sequence: u32, payload: &[u8]) {
        let new = prefix.accept(segment(sequence), payload);
        prefix.keep(new);
        prefix.catch_up();
    }

    #[test]
    fn overlapping_bytes_count_once() {
        let mut prefix = Prefix::default();
        prefix.begin_at(u32::MAX - 1);
        add(&mut prefix, u32::MAX - 1, b"abcd");
        add(&mut prefix, 0, b"cdef");
        assert_eq!(prefix.bytes(), b"abcdef");
    }

    proptest! {
        #[test]
        fn order_and_size_of_segments_do_not_matter(
            bytes in prop::collection::vec(any::<u8>(), 1..200),
            cuts in prop::collection::vec(1_usize..40, 1..4),
            start: u32,
            seed: u64,
        ) {
            let mut rest = &bytes[..];
            let mut segments = Vec::new();
            let mut sequence = start;
            for cut in cuts {
                let (head, tail) = rest.split_at(cut.min(rest.len()));
                segments.push((sequence, head));
                sequence = sequence.wrapping_add(u32::try_from(head.len()).unwrap());
                rest = tail;
            }
            segments.push((sequence, rest));
            let count = segments.len();
            for place in 0..count {
                let other = usize::try_from(seed.rotate_left(u32::try_from(place).unwrap() * 7) % 64);
                segments.swap(place, other.unwrap() % count);
            }
            let mut prefix = Prefix::default();
            prefix.begin_at(start);
            for (sequence, payload) in segments {
                add(&mut prefix, sequence, payload);
            }
            prop_assert_eq!(prefix.bytes(), &bytes[..]);
        }
    }
}
