//! State of one flow while packets can teach something, and what was found.

use crate::clues::Hints;
use crate::dissector::{Details, Fingerprints};
use crate::label::{Confidence, Label, ProtocolId};
use crate::metadata::Metadata;
use crate::packet::{Direction, Packet, Segment, TCP};
use crate::probe::History;
use crate::protocol::{Follow, Need, Protocol, Transport};
use crate::stream::Prefix;

/// Usual upper limit of the bytes in a flow's texts.
const TEXTS: usize = 4 << 10;

/// A flow under inspection.
///
/// On the heap, nothing before the first payload. After it up to two stream prefixes and a parser's
/// state, all bounded; [`Flow::memory`] returns their size. They are freed as soon as packets can
/// teach nothing more; [`Dissector::finish`](crate::Dissector::finish) then frees the rest.
#[derive(Debug, Default)]
pub struct Flow {
    pub(crate) state: State,
    pub(crate) finding: Finding,
    /// Packets with payload so far.
    pub(crate) packets: u32,
}

/// Label and metadata of a flow.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    /// The name in numbers.
    pub label: Label,
    /// Metadata, `None` if parsers read nothing.
    pub metadata: Option<Box<Metadata>>,
    /// Protocols that the bytes of a finished flow without a match may still begin, `None` for all
    /// others: see [`Dissector::rules_out`](crate::Dissector::rules_out).
    pub possible: Option<Possible>,
    /// Whether the bytes of the flow identified nothing, so that the label comes from its
    /// addresses, its ports or other flows.
    pub guessed: bool,
}

#[derive(Debug, Default)]
pub(crate) enum State {
    /// No packet was seen.
    #[default]
    New,
    /// A TCP connection.
    Tcp(Tcp),
    /// Datagrams.
    Udp(Udp),
    /// Packets can teach nothing more.
    Done,
}

/// A TCP connection under inspection.
#[derive(Debug)]
pub(crate) struct Tcp {
    pub(crate) stage: Stage<Need>,
    /// By [`Direction::index`](crate::Direction::index).
    pub(crate) prefixes: [Prefix; 2],
    /// Whether the client is known, since its SYN was seen.
    pub(crate) oriented: bool,
    /// Whether the first packet seen came from the server.
    pub(crate) swapped: bool,
    /// Directions that have ended.
    pub(crate) ended: [bool; 2],
}

/// Datagrams under inspection.
#[derive(Debug)]
pub(crate) struct Udp {
    pub(crate) stage: Stage<Option<Box<dyn Follow>>>,
    pub(crate) history: History,
}

/// Progress of an inspection.
#[derive(Debug)]
pub(crate) enum Stage<P> {
    /// Several protocols are possible.
    Probing(Probing),
    /// The protocol is known and its parser wants more.
    Parsing(&'static Protocol, P),
}

/// Protocols that are possible, and the first that has matched.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Probing {
    /// Protocols whose probes have not answered no.
    pub(crate) candidates: Candidates,
    /// Place of a protocol that has matched while one before it was undecided, and whether client
    /// and server are exchanged.
    pub(crate) matched: Option<(usize, bool)>,
}

/// Protocols of a transport that are still possible, by their place in the registry's list for it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Candidates(pub(crate) [u64; Self::WORDS]);

/// Protocols that the bytes may begin.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Possible {
    pub(crate) candidates: Candidates,
    pub(crate) transport: Transport,
}

/// Findings of probes and parsers.
#[derive(Debug, Default)]
pub(crate) struct Finding {
    /// The protocol, and how it was found.
    pub(crate) protocol: Option<(&'static Protocol, Confidence)>,
    /// The application that a parser knows by more than a name.
    application: Option<ProtocolId>,
    /// Master in place of the protocol, such as a proxy.
    master: Option<ProtocolId>,
    /// Protocols that are possible at the end of an inspection without a match.
    pub(crate) possible: Option<Possible>,
    metadata: Option<Box<Metadata>>,
    /// Knowledge from other flows.
    pub(crate) hints: Hints,
    /// Fingerprints to compute.
    pub(crate) fingerprints: Fingerprints,
    /// Whether certificates are wanted.
    pub(crate) certificates: bool,
    /// Whether certificate hashes are requested.
    pub(crate) certificate_hashes: bool,
    /// Whether metadata that names a person is wanted.
    pub(crate) personal: bool,
    /// Metadata to read in detail.
    pub(crate) details: Details,
    /// Length of the client's stream when its HTTP request was read.
    pub(crate) request_bytes: usize,
}

impl Flow {
    /// Returns whether a protocol has matched.
    pub fn is_matched(&self) -> bool {
        self.finding.protocol.is_some()
    }

    /// Adds knowledge from other flows about this one to what is already known.
    pub fn learn(&mut self, hints: Hints) {
        let Hints { name, announced } = hints;
        let known = &mut self.finding.hints;
        known.name = name.or_else(|| known.name.take());
        known.announced = announced.or(known.announced);
    }

    /// Returns whether a payload was seen.
    pub fn has_begun(&self) -> bool {
        self.packets > 0
    }

    /// Returns the heap bytes that the flow holds, its findings included; an estimate for texts.
    pub fn memory(&self) -> usize {
        let state = match &self.state {
            State::New | State::Done => 0,
            State::Tcp(tcp) => tcp.prefixes.iter().map(Prefix::memory).sum(),
            State::Udp(Udp { stage: Stage::Parsing(_, Some(follow)), .. }) => follow.memory(),
            State::Udp(_) => 0,
        };
        // Texts are copies of bytes, and at most as long; those of a datagram are short.
        let texts = (size_of::<State>() + state).min(TEXTS);
        let metadata = self.finding.metadata.as_ref();
        state + metadata.map_or(0, |_| size_of::<Metadata>() + texts)
    }
}

impl State {
    /// Returns the state of a flow that begins with `packet`.
    pub(crate) fn new(packet: &Packet<'_>, candidates: Candidates) -> Self {
        if packet.endpoints.protocol != TCP {
            let stage = Stage::Probing(Probing::new(candidates));
            return Self::Udp(Udp { stage, history: History::default() });
        }
        let opens = |segment: Segment| segment.syn && !segment.ack;
        let oriented =
            packet.segment.is_none_or(opens) && packet.direction == Direction::FromClient;
        Self::Tcp(Tcp {
            stage: Stage::Probing(Probing::new(candidates)),
            prefixes: [Prefix::default(), Prefix::default()],
            oriented,
            swapped: false,
            ended: [false; 2],
        })
    }
}

impl Probing {
    /// Returns the beginning, with all `candidates` possible.
    pub(crate) const fn new(candidates: Candidates) -> Self {
        Self { candidates, matched: None }
    }

    /// Returns the protocol that has matched, once no protocol before it is possible.
    pub(crate) fn decided(&self) -> Option<(usize, bool)> {
        let (place, _) = self.matched?;
        self.matched.filter(|_| self.candidates.first().is_none_or(|first| first >= place))
    }

    /// Notes that the protocol at `place` has matched.
    pub(crate) fn note(&mut self, place: usize, reversed: bool) {
        if self.matched.is_none_or(|(before, _)| place < before) {
            self.matched = Some((place, reversed));
        }
    }

    /// Returns whether nothing is possible any more.
    pub(crate) fn is_hopeless(&self) -> bool {
        self.candidates.is_empty() && self.matched.is_none()
    }
}

impl Finding {
    /// Returns the metadata, to be filled in.
    pub(crate) fn metadata(&mut self) -> &mut Metadata {
        self.metadata.get_or_insert_default()
    }

    /// Returns the metadata found so far.
    pub(crate) fn found_metadata(&self) -> Option<&Metadata> {
        self.metadata.as_deref()
    }

    pub(crate) fn take_metadata(&mut self) -> Option<Box<Metadata>> {
        self.metadata.take()
    }

    /// Names the application that the protocol carries.
    pub(crate) fn set_application(&mut self, application: ProtocolId) {
        self.application = Some(application);
    }

    /// Names what carries the application in place of the protocol that matched.
    pub(crate) fn set_master(&mut self, master: ProtocolId) {
        self.master = Some(master);
    }

    pub(crate) fn application(&self) -> Option<ProtocolId> {
        self.application
    }

    pub(crate) fn master(&self) -> Option<ProtocolId> {
        self.master
    }
}

impl Candidates {
    const WORDS: usize = 4;
    /// Protocols of one transport, at most.
    pub(crate) const MAX: usize = Self::WORDS * 64;

    pub(crate) const NONE: Self = Self([0; Self::WORDS]);

    pub(crate) fn insert(&mut self, place: usize) {
        if let Some(word) = self.0.get_mut(place / 64) {
            *word |= 1 << (place % 64);
        }
    }

    pub(crate) fn remove(&mut self, place: usize) {
        if let Some(word) = self.0.get_mut(place / 64) {
            *word &= !(1 << (place % 64));
        }
    }

    pub(crate) fn contains(&self, place: usize) -> bool {
        self.0.get(place / 64).is_some_and(|word| word >> (place % 64) & 1 == 1)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0 == [0; Self::WORDS]
    }

    pub(crate) fn and(self, other: Self) -> Self {
        Self(std::array::from_fn(|word| self.0[word] & other.0[word]))
    }

    pub(crate) fn or(self, other: Self) -> Self {
        Self(std::array::from_fn(|word| self.0[word] | other.0[word]))
    }

    /// Returns the first place.
    pub(crate) fn first(&self) -> Option<usize> {
        self.next_from(0)
    }

    /// Returns the first place that is at least `place`.
    #[inline]
    pub(crate) fn next_from(&self, place: usize) -> Option<usize> {
        let mut word = place / 64;
        let mut bits = self.0.get(word)? & (u64::MAX << (place % 64));
        while bits == 0 {
            word += 1;
            bits = *self.0.get(word)?;
        }
        let bit = usize::try_from(bits.trailing_zeros()).ok()?;
        Some(word * 64 + bit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn candidates_come_in_order() {
        let mut candidates = Candidates::NONE;
        for place in [200, 3, 64, 255, 0] {
            candidates.insert(place);
        }
        candidates.remove(3);
        let mut places = Vec::new();
        let mut from = 0;
        while let Some(place) = candidates.next_from(from) {
            places.push(place);
            from = place + 1;
        }
        assert_eq!(places, [0, 64, 200, 255]);
        assert!(candidates.contains(200) && !candidates.contains(3));
    }
}
