//! Quality of a TCP connection: windows, lost and reordered segments, the handshake's round trip.

use super::boxed::Boxed;
use super::{Declaration, Declared, Measurement, Plan, Presence, Read, Record, Sample};
use crate::flow::Direction::{self, Dst2Src, Src2Dst};
use crate::flow::{LATE_SYN, Segment, distance};
use crate::packet::TcpFlags;
use crate::time::{Duration, Timestamp};

pub(super) type State = Boxed<TcpQuality>;

pub(super) const GROUP: Declaration = Declaration {
    presence: Presence::Feature,
    shorthand: None,
    about: "From the sequence numbers (RFC 9293) at the point of capture: a segment that fills a \
            gap counts as out of order, whether it was reordered or retransmitted.",
    columns: &[&[
        Declared::bytes(
            "src2dst_initial_window",
            "window in the source's first TCP segment, not scaled",
            Read::U16(|r| of(r, |quality| quality.initial_window(Src2Dst))),
        ),
        Declared::bytes(
            "dst2src_initial_window",
            "window in the destination's first TCP segment, not scaled",
            Read::U16(|r| of(r, |quality| quality.initial_window(Dst2Src))),
        ),
        Declared::packets(
            "src2dst_retransmitted_packets",
            "segments from the source whose data had all been sent before",
            Read::U32(|r| of(r, |quality| quality.retransmitted(Src2Dst))),
        ),
        Declared::packets(
            "dst2src_retransmitted_packets",
            "segments from the destination whose data had all been sent before",
            Read::U32(|r| of(r, |quality| quality.retransmitted(Dst2Src))),
        ),
        Declared::packets(
            "src2dst_out_of_order_packets",
            "segments from the source that came after a later one and fill the gap before it",
            Read::U32(|r| of(r, |quality| quality.out_of_order(Src2Dst))),
        ),
        Declared::packets(
            "dst2src_out_of_order_packets",
            "segments from the destination that came after a later one and fill the gap before it",
            Read::U32(|r| of(r, |quality| quality.out_of_order(Dst2Src))),
        ),
        Declared::packets(
            "src2dst_zero_window_packets",
            "segments in which the source announces a window of 0",
            Read::U32(|r| of(r, |quality| quality.zero_window(Src2Dst))),
        ),
        Declared::packets(
            "dst2src_zero_window_packets",
            "segments in which the destination announces a window of 0",
            Read::U32(|r| of(r, |quality| quality.zero_window(Dst2Src))),
        ),
        Declared::span_in(
            "us",
            "tcp_handshake_us",
            "time from SYN to the segment that answers SYN+ACK, always in microseconds; 0 unless \
             all three were seen",
            Read::U64(|r| of(r, |quality| quality.round_trip().nanos() / 1000)),
        ),
    ]],
};

fn of<T: Default>(record: &Record, read: impl FnOnce(&TcpQuality) -> T) -> T {
    record.measured(|m| match m.tcp_quality.get() {
        Some(quality) => read(quality),
        None => read(&TcpQuality::default()),
    })
}

/// Quality of a connection, by direction.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct TcpQuality {
    ends: [Sender; 2],
    handshake: Handshake,
}

/// Segments of one end.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
struct Sender {
    /// Window of its first segment.
    initial_window: Option<u16>,
    retransmitted: u32,
    out_of_order: u32,
    zero_window: u32,
    /// Sequence number of the first segment.
    first: u32,
    /// Sequence number after the last byte.
    next: Option<u32>,
    /// Missing bytes before that: start and end of the most recent gaps.
    gaps: [(u32, u32); GAPS],
}

/// Gaps remembered in each direction.
const GAPS: usize = 4;

/// Progress of the handshake.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum Handshake {
    /// No SYN has been seen.
    #[default]
    Missing,
    /// SYN seen, in this direction and at this time.
    Asked(Direction, Timestamp),
    /// SYN and its answer seen.
    Answered(Direction, Timestamp),
    /// All three segments seen, with the time from the first to the third.
    Done(Duration),
}

impl TcpQuality {
    fn add_segment(&mut self, direction: Direction, segment: &Segment, time: Timestamp) {
        self.ends[direction.index()].add(segment);
        let (syn, ack) =
            (segment.flags.contains(TcpFlags::SYN), segment.flags.contains(TcpFlags::ACK));
        self.handshake = match self.handshake {
            // The last SYN before the answer counts: earlier ones were lost.
            Handshake::Missing | Handshake::Asked(..) if syn && !ack => {
                Handshake::Asked(direction, time)
            }
            Handshake::Asked(client, asked) if syn && ack && direction != client => {
                Handshake::Answered(client, asked)
            }
            Handshake::Answered(client, asked) if ack && !syn && direction == client => {
                Handshake::Done(time.since(asked))
            }
            other => other,
        };
    }

    /// Returns the window of the first segment of a direction, 0 if it has none.
    fn initial_window(&self, direction: Direction) -> u16 {
        self.ends[direction.index()].initial_window.unwrap_or(0)
    }

    /// Returns the number of segments in a direction that held no new bytes.
    fn retransmitted(&self, direction: Direction) -> u32 {
        self.ends[direction.index()].retransmitted
    }

    /// Returns the number of segments in a direction that arrived after later ones.
    fn out_of_order(&self, direction: Direction) -> u32 {
        self.ends[direction.index()].out_of_order
    }

    /// Returns the segments of a direction that offered no window.
    fn zero_window(&self, direction: Direction) -> u32 {
        self.ends[direction.index()].zero_window
    }

    /// Returns the time from SYN to the segment that acknowledges its answer; zero if not all three
    /// were seen.
    fn round_trip(&self) -> Duration {
        match self.handshake {
            Handshake::Done(duration) => duration,
            _ => Duration::default(),
        }
    }
}

impl Measurement for TcpQuality {
    #[inline]
    fn add(&mut self, _: &Plan, sample: &Sample<'_>) {
        if let Some(segment) = sample.segment() {
            self.add_segment(sample.direction, &segment, sample.time);
        }
    }
}

impl Sender {
    fn add(&mut self, segment: &Segment) {
        self.initial_window.get_or_insert(segment.window);
        if segment.flags.contains(TcpFlags::RST) {
            return;
        }
        let syn_or_fin =
            segment.flags.contains(TcpFlags::SYN) || segment.flags.contains(TcpFlags::FIN);
        if segment.window == 0 && !syn_or_fin {
            self.zero_window = self.zero_window.saturating_add(1);
        }
        let (begin, end) = (segment.sequence, segment.end());
        if begin == end {
            return;
        }
        let Some(next) = self.next else {
            (self.first, self.next) = (begin, Some(end));
            return;
        };
        // From another connection, or a guess (RFC 5961): it does not belong to these sequence
        // numbers.
        let is_own = || (0..=LATE_SYN).contains(&distance(begin, self.first));
        if segment.flags.contains(TcpFlags::SYN) && !is_own() {
            return;
        }
        if distance(next, end) > 0 {
            if distance(next, begin) > 0 {
                self.gaps.rotate_right(1);
                self.gaps[0] = (next, begin);
            }
            self.next = Some(end);
        } else if self.fill(begin, end) {
            self.out_of_order = self.out_of_order.saturating_add(1);
        } else if !(segment.len <= 1 && !syn_or_fin && distance(begin, next) == 1) {
            // Keep-alives begin one byte before the next byte (RFC 9293, section 3.8.4).
            self.retransmitted = self.retransmitted.saturating_add(1);
        }
    }

    /// Removes the bytes of a segment from the gaps; returns whether it filled any of them.
    fn fill(&mut self, begin: u32, end: u32) -> bool {
        let mut filled = false;
        for (from, to) in &mut self.gaps {
            if from == to || distance(*from, end) <= 0 || distance(begin, *to) <= 0 {
                continue;
            }
            filled = true;
            if distance(begin, *from) >= 0 {
                *from = if distance(end, *to) >= 0 { end } else { *to };
            } else {
                // The gap after the segment is forgotten: bytes that fill it count as
                // retransmitted.
                *to = begin;
            }
        }
        filled
    }
}

#[cfg(test)]
mod tests {
    use super::Direction::{Dst2Src, Src2Dst};
    use super::*;

    fn data(sequence: u32, len: u32) -> Segment {
        Segment { sequence, acknowledgment: 0, window: 100, flags: TcpFlags::ACK, len }
    }

    fn quality(segments: &[Segment]) -> TcpQuality {
        let mut quality = TcpQuality::default();
        for segment in segments {
            quality.add_segment(Src2Dst, segment, Timestamp::default());
        }
        quality
    }

    #[test]
    fn a_repeated_segment_is_retransmitted() {
        let quality = quality(&[data(0, 10), data(10, 10), data(0, 10), data(20, 10)]);
        assert_eq!((quality.retransmitted(Src2Dst), quality.out_of_order(Src2Dst)), (1, 0));
    }

    #[test]
    fn a_syn_of_another_connection_is_neither() {
        let syn = |sequence| Segment { flags: TcpFlags::SYN, ..data(sequence, 0) };
        let segments = [syn(99), data(100, 10), syn(70_000_000), syn(3_000_000_000), data(110, 10)];
        let quality = quality(&segments);
        assert_eq!((quality.retransmitted(Src2Dst), quality.out_of_order(Src2Dst)), (0, 0));
    }

    #[test]
    fn a_segment_that_fills_a_gap_is_out_of_order() {
        let quality = quality(&[data(0, 10), data(20, 10), data(10, 10), data(10, 10)]);
        assert_eq!((quality.retransmitted(Src2Dst), quality.out_of_order(Src2Dst)), (1, 1));
    }

    #[test]
    fn keep_alives_and_bare_acknowledgments_are_neither() {
        let quality = quality(&[data(0, 10), data(9, 1), data(9, 0), data(10, 0), data(10, 0)]);
        assert_eq!((quality.retransmitted(Src2Dst), quality.out_of_order(Src2Dst)), (0, 0));
    }

    #[test]
    fn windows_are_those_of_each_direction() {
        let mut quality = TcpQuality::default();
        for (direction, window) in [(Src2Dst, 7), (Dst2Src, 9), (Src2Dst, 0)] {
            let segment = Segment { window, ..data(0, 0) };
            quality.add_segment(direction, &segment, Timestamp::default());
        }
        assert_eq!((quality.initial_window(Src2Dst), quality.initial_window(Dst2Src)), (7, 9));
        assert_eq!((quality.zero_window(Src2Dst), quality.zero_window(Dst2Src)), (1, 0));
    }

    #[test]
    fn the_handshake_is_timed_from_the_last_syn_to_the_third_segment() {
        let mut quality = TcpQuality::default();
        let syn = Segment { flags: TcpFlags::SYN, ..data(0, 0) };
        let answer = Segment { flags: TcpFlags(TcpFlags::SYN.0 | TcpFlags::ACK.0), ..data(0, 0) };
        for (direction, segment, time) in [
            (Src2Dst, syn, 0),
            (Src2Dst, syn, 10),
            (Dst2Src, answer, 14),
            (Src2Dst, data(1, 0), 17),
        ] {
            quality.add_segment(direction, &segment, Timestamp::from_nanos(time));
        }
        assert_eq!(quality.round_trip(), Duration::from_nanos(7));
    }
}
