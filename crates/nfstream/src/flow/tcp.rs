//! TCP connections: the fields of a segment, and when a connection has closed (RFC 9293).

use super::Direction;
use crate::packet::{Packet, TcpFlags, protocol};

/// Fields of a TCP segment's header.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Segment {
    /// Sequence number of the first byte, or of SYN.
    pub sequence: u32,
    /// Next sequence number expected of the other end; meaningless without ACK.
    pub acknowledgment: u32,
    /// Receive window of the sender in bytes, not scaled.
    pub window: u16,
    /// Flags.
    pub flags: TcpFlags,
    /// Bytes of payload on the wire.
    pub len: u32,
}

/// How a connection was closed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Close {
    /// FIN in both directions, each acknowledged.
    Fin,
    /// Reset.
    Rst,
}

/// State of the two ends of a connection until it has closed.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Connection {
    ends: [End; 2],
    close: Option<Close>,
}

/// State of one end, from its own segments.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
struct End {
    /// Sequence number after the last byte sent.
    next: Option<u32>,
    /// Last acknowledgment sent.
    acknowledged: Option<u32>,
    /// Largest window offered, before scaling.
    window: u16,
    /// Sequence number after the FIN sent.
    fin: Option<u32>,
    /// Its initial sequence number.
    initial: Option<Initial>,
}

/// Initial sequence number of an end.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Initial {
    /// Seen in a SYN.
    Known(u32),
    /// Derived from the first segment captured: a SYN with this number or a lower one came before
    /// it.
    Before(u32),
}

/// Most bytes by which a late SYN may lie before the segments captured ahead of it: one unscaled
/// window.
pub const LATE_SYN: i32 = 65_535;

/// SYN segment that may open another connection between the same ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Opener {
    direction: Direction,
    flags: TcpFlags,
    sequence: u32,
    /// Sequence number after the segment, more than one higher if it carries data (RFC 7413).
    end: u32,
    acknowledgment: u32,
}

/// Meaning of a segment for an [`Opener`] before it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Answer {
    /// The opener was sent again, or the other end opens at the same time.
    Again,
    /// Another connection is open, or was refused.
    Opened,
    /// The old connection continues.
    Refuted,
}

/// Largest window scale (RFC 7323), because the negotiated one may not have been captured.
const MAX_WINDOW_SHIFT: u32 = 14;

impl Segment {
    /// Reads the TCP header of `packet`, whose frame is `frame`; `None` unless its fixed part was
    /// captured.
    #[inline]
    pub fn read(packet: &Packet, frame: &[u8]) -> Option<Self> {
        if packet.protocol != protocol::TCP || packet.payload_offset == packet.transport_offset {
            return None;
        }
        let offset = usize::try_from(packet.transport_offset).ok()?;
        let header: &[u8; 16] = frame.get(offset..)?.first_chunk()?;
        let [_, _, _, _, s0, s1, s2, s3, a0, a1, a2, a3, _, _, w0, w1] = *header;
        Some(Self {
            sequence: u32::from_be_bytes([s0, s1, s2, s3]),
            acknowledgment: u32::from_be_bytes([a0, a1, a2, a3]),
            window: u16::from_be_bytes([w0, w1]),
            flags: packet.tcp_flags,
            len: packet.payload_len,
        })
    }

    /// Returns the sequence number after the segment: SYN and FIN count one each.
    pub fn end(&self) -> u32 {
        let flags = u32::from(self.flags.contains(TcpFlags::SYN))
            + u32::from(self.flags.contains(TcpFlags::FIN));
        self.sequence.wrapping_add(self.len).wrapping_add(flags)
    }
}

/// Returns the distance from `earlier` to `later` in sequence space; negative if `later` comes
/// first.
pub fn distance(earlier: u32, later: u32) -> i32 {
    later.wrapping_sub(earlier).cast_signed()
}

impl Connection {
    /// Adds the next segment.
    pub fn add(&mut self, direction: Direction, segment: &Segment) {
        if self.close.is_some() {
            return;
        }
        let [sender, receiver] = match direction {
            Direction::Src2Dst => [0, 1],
            Direction::Dst2Src => [1, 0],
        };
        if segment.flags.contains(TcpFlags::RST) {
            if self.is_valid_reset(sender, receiver, segment) {
                self.close = Some(Close::Rst);
            }
            return;
        }
        // It was not answered, so it does not belong to this connection's sequence numbers (RFC
        // 5961).
        if self.opener(direction, segment).is_some() {
            return;
        }
        self.note_initial(sender, receiver, segment);
        let end = &mut self.ends[sender];
        if end.next.is_none_or(|next| distance(next, segment.end()) > 0) {
            end.next = Some(segment.end());
        }
        end.window = end.window.max(segment.window);
        if segment.flags.contains(TcpFlags::FIN) {
            end.fin = Some(segment.end());
        }
        if segment.flags.contains(TcpFlags::ACK)
            && end.acknowledged.is_none_or(|last| distance(last, segment.acknowledgment) > 0)
        {
            end.acknowledged = Some(segment.acknowledgment);
        }
        if self.is_finished(0, 1) && self.is_finished(1, 0) {
            self.close = Some(Close::Fin);
        }
    }

    /// Returns how the connection was closed, `None` while it is open.
    pub fn close(&self) -> Option<Close> {
        self.close
    }

    /// Returns the segment as an opener if it may open another connection: it has SYN, and a
    /// sequence number other than that of its sender's SYN in this connection.
    pub fn opener(&self, direction: Direction, segment: &Segment) -> Option<Opener> {
        let Segment { sequence, acknowledgment, flags, .. } = *segment;
        if !flags.contains(TcpFlags::SYN) || flags.contains(TcpFlags::RST) {
            return None;
        }
        let has_ack = flags.contains(TcpFlags::ACK);
        let receiver = self.ends[1 - direction.index()].initial;
        let is_own = match self.ends[direction.index()].initial {
            // An answer to this connection's SYN, whatever its own number.
            _ if has_ack && receiver == Some(Initial::Known(acknowledgment.wrapping_sub(1))) => {
                true
            }
            // Nothing is known of an end that has been silent so far.
            None => has_ack || self.close.is_none(),
            Some(Initial::Known(initial)) => sequence == initial,
            Some(Initial::Before(first)) => (0..=LATE_SYN).contains(&distance(sequence, first)),
        };
        let end = segment.end();
        (!is_own).then_some(Opener { direction, flags, sequence, end, acknowledgment })
    }

    /// Records what `segment` reveals about the initial sequence numbers of its sender and
    /// receiver.
    fn note_initial(&mut self, sender: usize, receiver: usize, segment: &Segment) {
        let has = |flags| segment.flags.contains(flags);
        if has(TcpFlags::SYN) {
            self.ends[sender].initial = Some(Initial::Known(segment.sequence));
        } else {
            let before = segment.sequence.wrapping_sub(1);
            let initial = self.ends[sender].initial.get_or_insert(Initial::Before(before));
            // A segment that arrived late.
            if let Initial::Before(first) = initial
                && (1..=LATE_SYN).contains(&distance(before, *first))
            {
                *first = before;
            }
        }
        if has(TcpFlags::ACK) && self.ends[receiver].initial.is_none() {
            let before = segment.acknowledgment.wrapping_sub(1);
            self.ends[receiver].initial = Some(Initial::Before(before));
        }
    }

    /// Returns whether `sender` has sent a FIN that `receiver` has acknowledged.
    fn is_finished(&self, sender: usize, receiver: usize) -> bool {
        self.ends[sender]
            .fin
            .zip(self.ends[receiver].acknowledged)
            .is_some_and(|(fin, acknowledged)| distance(fin, acknowledged) >= 0)
    }

    /// Returns whether a reset comes from the sender rather than from a third party's guess: its
    /// number lies in the receiver's window, or it acknowledges bytes that the receiver has sent.
    fn is_valid_reset(&self, sender: usize, receiver: usize, segment: &Segment) -> bool {
        let (sender, receiver) = (&self.ends[sender], &self.ends[receiver]);
        let Some(expected) = receiver.acknowledged.or(sender.next) else {
            // Nothing is known of the sender: a refusal acknowledges just the SYN, and a capture
            // that begins here has nothing to check against.
            return receiver.next.is_none_or(|next| {
                segment.flags.contains(TcpFlags::ACK) && segment.acknowledgment == next
            });
        };
        let window = u32::from(receiver.window) << MAX_WINDOW_SHIFT;
        sender.next == Some(segment.sequence) || segment.sequence.wrapping_sub(expected) <= window
    }
}

impl Opener {
    /// Returns what the conversation's next segment reveals about the opener.
    pub fn answer(&self, direction: Direction, segment: &Segment) -> Answer {
        let has = |flags| segment.flags.contains(flags);
        let is_next =
            |number| distance(self.sequence, number) > 0 && distance(number, self.end) >= 0;
        let is_answer = has(TcpFlags::ACK) && is_next(segment.acknowledgment);
        if direction == self.direction {
            let is_same = has(TcpFlags::SYN) && segment.sequence == self.sequence;
            // The third segment of the handshake, if the answer was not captured.
            let is_third = !has(TcpFlags::SYN) && !has(TcpFlags::RST) && is_next(segment.sequence);
            match (is_same, is_third) {
                (true, _) => Answer::Again,
                (_, true) => Answer::Opened,
                _ => Answer::Refuted,
            }
        } else if is_answer {
            Answer::Opened
        } else if has(TcpFlags::SYN) && !has(TcpFlags::ACK) {
            // Both ends open at once (RFC 9293), or the SYN that this one answers was captured
            // late.
            let is_unrelated = self.flags.contains(TcpFlags::ACK)
                && segment.sequence.wrapping_add(1) != self.acknowledgment;
            if is_unrelated { Answer::Refuted } else { Answer::Again }
        } else {
            Answer::Refuted
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Direction::{Dst2Src, Src2Dst};
    use super::*;

    const SYN: TcpFlags = TcpFlags::SYN;
    const ACK: TcpFlags = TcpFlags::ACK;
    const SYN_ACK: TcpFlags = TcpFlags(SYN.0 | ACK.0);
    const FIN_ACK: TcpFlags = TcpFlags(TcpFlags::FIN.0 | ACK.0);
    const RST_ACK: TcpFlags = TcpFlags(TcpFlags::RST.0 | ACK.0);

    fn segment(flags: TcpFlags, sequence: u32, acknowledgment: u32, len: u32) -> Segment {
        Segment { sequence, acknowledgment, window: 1000, flags, len }
    }

    fn close(segments: &[(Direction, Segment)]) -> Option<Close> {
        let mut connection = Connection::default();
        for (direction, segment) in segments {
            connection.add(*direction, segment);
        }
        connection.close()
    }

    fn handshake() -> Vec<(Direction, Segment)> {
        vec![
            (Src2Dst, segment(SYN, 99, 0, 0)),
            (Dst2Src, segment(SYN_ACK, 499, 100, 0)),
            (Src2Dst, segment(ACK, 100, 500, 0)),
        ]
    }

    #[test]
    fn one_fin_does_not_close() {
        let mut segments = handshake();
        segments.push((Src2Dst, segment(FIN_ACK, 100, 500, 0)));
        segments.push((Dst2Src, segment(ACK, 500, 101, 0)));
        segments.push((Dst2Src, segment(ACK, 500, 101, 10)));
        assert_eq!(close(&segments), None);
    }

    #[test]
    fn the_ack_of_the_second_fin_closes() {
        let mut segments = handshake();
        segments.push((Src2Dst, segment(FIN_ACK, 100, 500, 0)));
        segments.push((Dst2Src, segment(FIN_ACK, 500, 101, 0)));
        assert_eq!(close(&segments), None);
        segments.push((Src2Dst, segment(ACK, 101, 501, 0)));
        assert_eq!(close(&segments), Some(Close::Fin));
    }

    #[test]
    fn sequence_numbers_wrap() {
        let mut segments = vec![
            (Src2Dst, segment(FIN_ACK, u32::MAX, 500, 0)),
            (Dst2Src, segment(FIN_ACK, 500, 0, 0)),
        ];
        assert_eq!(close(&segments), None);
        segments.push((Src2Dst, segment(ACK, 0, 501, 0)));
        assert_eq!(close(&segments), Some(Close::Fin));
    }

    #[test]
    fn a_refused_connection_is_reset() {
        let refused = [(Src2Dst, segment(SYN, 99, 0, 0)), (Dst2Src, segment(RST_ACK, 0, 100, 0))];
        assert_eq!(close(&refused), Some(Close::Rst));
    }

    /// Returns the connection after `segments`.
    fn after(segments: &[(Direction, Segment)]) -> Connection {
        let mut connection = Connection::default();
        for (direction, segment) in segments {
            connection.add(*direction, segment);
        }
        connection
    }

    #[test]
    fn a_syn_with_another_number_may_open_another_connection() {
        let connection = after(&handshake());
        let syn = segment(SYN, 70_000, 0, 0);
        let opener = connection.opener(Src2Dst, &syn).unwrap();
        let answer = |direction, segment| opener.answer(direction, &segment);
        assert_eq!(answer(Dst2Src, segment(SYN_ACK, 9, 70_001, 0)), Answer::Opened);
        assert_eq!(answer(Dst2Src, segment(RST_ACK, 0, 70_001, 0)), Answer::Opened);
        assert_eq!(answer(Src2Dst, segment(ACK, 70_001, 10, 0)), Answer::Opened);
        assert_eq!(answer(Src2Dst, syn), Answer::Again);
        assert_eq!(answer(Dst2Src, segment(SYN, 9, 0, 0)), Answer::Again);
        // A challenge, and the old connection.
        assert_eq!(answer(Dst2Src, segment(ACK, 500, 100, 0)), Answer::Refuted);
        assert_eq!(answer(Src2Dst, segment(ACK, 100, 500, 5)), Answer::Refuted);
    }

    #[test]
    fn the_connections_own_syn_opens_nothing() {
        let own = segment(SYN, 99, 0, 0);
        let whole = handshake();
        assert_eq!(after(&whole).opener(Src2Dst, &own), None);
        assert_eq!(after(&whole[1..]).opener(Src2Dst, &own), None);
        assert_eq!(after(&whole[2..]).opener(Src2Dst, &own), None);
        assert_eq!(after(&whole).opener(Dst2Src, &whole[1].1), None);
        assert_eq!(after(&whole[2..]).opener(Dst2Src, &whole[1].1), None);
    }

    #[test]
    fn a_syn_that_was_not_answered_leaves_the_numbers_alone() {
        let mut segments = handshake();
        segments.push((Src2Dst, segment(SYN, 70_000, 0, 0)));
        segments.push((Src2Dst, segment(FIN_ACK, 100, 500, 0)));
        segments.push((Dst2Src, segment(FIN_ACK, 500, 101, 0)));
        segments.push((Src2Dst, segment(ACK, 101, 501, 0)));
        assert_eq!(close(&segments), Some(Close::Fin));
        assert_eq!(after(&segments[..4]), after(&segments[..3]));
    }

    #[test]
    fn a_reset_outside_the_window_is_ignored() {
        let mut segments = handshake();
        segments.push((Dst2Src, segment(TcpFlags::RST, 0x8000_0000, 0, 0)));
        assert_eq!(close(&segments), None);
        segments.push((Dst2Src, segment(TcpFlags::RST, 500, 0, 0)));
        assert_eq!(close(&segments), Some(Close::Rst));
    }
}
