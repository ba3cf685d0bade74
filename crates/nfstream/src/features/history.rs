//! Events of a flow in the order in which each direction first had them, as letters.

use super::{Declaration, Declared, Measurement, Plan, Presence, Role, Sample};
use crate::flow::Direction;
use crate::packet::TcpFlags;
use crate::packet::protocol::TCP;

pub(super) type State = History;

pub(super) const GROUP: Declaration = Declaration {
    presence: Presence::Feature,
    shorthand: None,
    about: "The letters are those of Zeek. Each appears once for each direction, in the order of \
            the packets.",
    columns: &[&[Declared::text(
        "history",
        Role::Behaviour,
        "events of the flow, upper case from the source and lower case from the destination: S a \
         SYN, H a SYN with ACK, A an ACK without data, D data, F a FIN, R an RST, I a FIN with \
         RST, Q a SYN with FIN or RST",
        |r, text| r.measured(|m| m.history.write(text)),
    )]],
};

/// Letters of the events of the source.
const LETTERS: [u8; 8] = *b"SHADFRIQ";

/// Events so far.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct History {
    /// Letters in order.
    letters: [u8; 2 * LETTERS.len()],
    len: u8,
    /// Letters that are in use, those of the source first.
    seen: u16,
}

impl History {
    fn push(&mut self, event: usize, direction: Direction) {
        let (Some(letter), Some(place)) =
            (LETTERS.get(event), self.letters.get_mut(usize::from(self.len)))
        else {
            return;
        };
        let bit = 1_u16 << (event + direction.index() * LETTERS.len());
        if self.seen & bit == 0 {
            self.seen |= bit;
            *place = match direction {
                Direction::Src2Dst => *letter,
                Direction::Dst2Src => letter.to_ascii_lowercase(),
            };
            self.len += 1;
        }
    }

    fn write(&self, text: &mut String) {
        let letters = self.letters.iter().take(self.len.into());
        text.extend(letters.map(|letter| char::from(*letter)));
    }
}

impl Measurement for History {
    #[inline]
    fn add(&mut self, _: &Plan, sample: &Sample<'_>) {
        let Sample { packet, direction, .. } = *sample;
        let has_data = packet.payload_len > 0;
        if packet.protocol == TCP {
            let has = |flag: TcpFlags| packet.tcp_flags.0 & flag.0 != 0;
            let (syn, fin, rst) = (has(TcpFlags::SYN), has(TcpFlags::FIN), has(TcpFlags::RST));
            match (syn, fin, rst) {
                (true, true, _) | (true, _, true) => self.push(7, direction),
                (true, ..) => self.push(usize::from(has(TcpFlags::ACK)), direction),
                (_, false, false) if has(TcpFlags::ACK) && !has_data => self.push(2, direction),
                _ => {}
            }
            if has_data {
                self.push(3, direction);
            }
            match (syn, fin, rst) {
                (true, ..) | (_, false, false) => {}
                (_, true, true) => self.push(6, direction),
                (_, true, _) => self.push(4, direction),
                (.., true) => self.push(5, direction),
            }
        } else if has_data {
            self.push(3, direction);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_letter_appears_once_for_each_direction() {
        let mut history = History::default();
        for _ in 0..3 {
            for event in 0..LETTERS.len() + 2 {
                history.push(event, Direction::Src2Dst);
                history.push(event, Direction::Dst2Src);
            }
        }
        let mut text = String::new();
        history.write(&mut text);
        assert_eq!(text, "SsHhAaDdFfRrIiQq");
    }
}
