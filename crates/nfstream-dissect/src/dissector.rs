//! The inspection of flows: candidates, match, parser, label.

use std::sync::LazyLock;

use crate::catalogue::Catalogue;
use crate::flow::{Candidates, Finding, Flow, Found, Possible, Probing, Stage, State, Tcp, Udp};
use crate::label::{Category, Confidence, Label, ProtocolId};
use crate::naming;
use crate::packet::{Direction, Endpoints, Packet, TCP, UDP};
use crate::probe::{Datagram, Progress, Streams, Verdict};
use crate::protocol::{
    DatagramParser, DatagramRules, Need, Protocol, Start, StreamRules, Transport,
};
use crate::protocols::REGISTRY;
use crate::stream::{MAX_BYTES, Prefix};

/// Bytes in a direction that a parser has read to its end and reads again with the other direction:
/// more than the head of an HTTP request and the inspected part of its body.
const ENOUGH_TO_READ_AGAIN: usize = 9 << 10;

/// Settings of a dissector.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// Packets of a flow that are inspected.
    pub limits: Limits,
    /// Fingerprints to compute.
    pub fingerprints: Fingerprints,
    /// Whether certificates of servers are read. They are always read if the client's hello has no
    /// server name.
    pub certificates: bool,
    /// Whether the hashes of certificates are computed.
    pub certificate_hashes: bool,
    /// Names of applications, and the user's rules.
    pub catalogue: Catalogue,
    /// Whether metadata that names a person (user names, cookies, realms, communities) is read.
    pub personal: bool,
    /// Metadata to read in detail.
    pub details: Details,
}

/// Numbers of packets with payload after which a flow keeps its current label.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// Packets of a TCP flow.
    pub tcp_packets: u32,
    /// Packets of a UDP flow.
    pub udp_packets: u32,
}

/// Fingerprints to compute: each takes one or two hashes per handshake.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Fingerprints {
    /// JA3 and JA3S.
    pub ja3: bool,
    /// JA4.
    pub ja4: bool,
    /// HASSH of both ends.
    pub hassh: bool,
}

/// Metadata to read in detail, all by default. Labels do not depend on it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Details {
    /// [`Metadata::dns`](crate::Metadata::dns).
    pub dns: bool,
    /// The texts of [`Metadata::http`](crate::Metadata::http) other than the user agent.
    pub http: bool,
    /// The versions that a client offers in [`Metadata::tls`](crate::Metadata::tls).
    pub tls: bool,
}

/// Protocols and applications that are recognised, shared by all flows of a thread or of several.
#[derive(Debug)]
pub struct Dissector {
    config: Config,
    streams: &'static Table<StreamRules>,
    datagrams: &'static Table<DatagramRules>,
}

/// Protocols in TCP streams.
static STREAMS: LazyLock<Table<StreamRules>> = LazyLock::new(|| {
    Table::new(|protocol| protocol.stream.as_ref(), |rules| [rules.client, rules.server])
});

/// Protocols in datagrams.
static DATAGRAMS: LazyLock<Table<DatagramRules>> = LazyLock::new(|| {
    Table::new(|protocol| protocol.datagram.as_ref(), |rules| [rules.start, rules.start])
});

/// The protocols of one transport, by the first byte with which they may begin.
#[derive(Debug)]
struct Table<R: 'static> {
    protocols: Vec<(&'static Protocol, &'static R)>,
    all: Candidates,
    /// By first byte of the client; of either end for datagrams.
    client: Box<[Candidates; 256]>,
    /// By first byte of the server.
    server: Box<[Candidates; 256]>,
}

impl Default for Limits {
    fn default() -> Self {
        Self { tcp_packets: 10, udp_packets: 16 }
    }
}

impl Default for Details {
    fn default() -> Self {
        Self { dns: true, http: true, tls: true }
    }
}

impl Default for Dissector {
    fn default() -> Self {
        Self::new(Config::default())
    }
}

impl Dissector {
    /// Returns a dissector for the protocols of the registry.
    pub fn new(config: Config) -> Self {
        Self { config, streams: &STREAMS, datagrams: &DATAGRAMS }
    }

    /// Returns every protocol that is known by its bytes, its IP protocol number or its ports.
    pub fn protocols() -> impl Iterator<Item = &'static Protocol> {
        REGISTRY.iter().copied()
    }

    /// Looks at the next packet of a flow.
    pub fn inspect(&self, flow: &mut Flow, packet: &Packet<'_>) -> Progress {
        let limit = match packet.endpoints.protocol {
            TCP => self.config.limits.tcp_packets,
            UDP => self.config.limits.udp_packets,
            number => {
                if let Some(protocol) = IP_PROTOCOLS[usize::from(number)] {
                    flow.finding.protocol = Some((protocol, Confidence::Dpi));
                }
                flow.state = State::Done;
                return Progress::Done;
            }
        };
        if let State::New = flow.state {
            flow.finding.fingerprints = self.config.fingerprints;
            flow.finding.certificates = self.config.certificates;
            flow.finding.certificate_hashes = self.config.certificate_hashes;
            flow.finding.personal = self.config.personal;
            flow.finding.details = self.config.details;
            let is_tcp = packet.endpoints.protocol == TCP;
            let all = if is_tcp { self.streams.all } else { self.datagrams.all };
            flow.state = State::new(packet, all);
        }
        let progress = match &mut flow.state {
            State::Tcp(tcp) => self.inspect_segment(tcp, &mut flow.finding, packet),
            State::Udp(udp) => self.inspect_datagram(udp, &mut flow.finding, packet),
            State::New | State::Done => Progress::Done,
        };
        if !packet.payload.is_empty() {
            flow.packets += 1;
        }
        if progress == Progress::Done || flow.packets >= limit {
            self.close(flow, packet.endpoints);
            return Progress::Done;
        }
        Progress::More
    }

    /// Takes what is known of the protocol of a flow that is inspected no further, and frees its
    /// state.
    fn close(&self, flow: &mut Flow, endpoints: &Endpoints) {
        let place = match &mut flow.state {
            State::Tcp(tcp) => {
                let Tcp { stage, prefixes: [client, server], oriented, swapped, .. } = tcp;
                let mut unread = client.skip_gap() | server.skip_gap();
                if let Stage::Parsing(_, need) = stage
                    && *need != Need::Done
                {
                    // No more bytes will arrive: the parser reads those available.
                    *need = Need::MORE;
                    unread = true;
                }
                if unread {
                    let (client, server) = (client.bytes(), server.bytes());
                    let streams = Streams { endpoints, client, server, swapped: false };
                    self.look(stage, *oriented, swapped, &mut flow.finding, &streams);
                }
                let Stage::Probing(probing) = stage else { return flow.state = State::Done };
                if probing.matched.is_none() {
                    let candidates = probing.candidates;
                    let transport = Transport::Tcp;
                    flow.finding.possible = Some(Possible { candidates, transport });
                }
                probing.matched.and_then(|(place, _)| self.streams.protocol(place))
            }
            State::Udp(udp) => {
                let Stage::Probing(probing) = &udp.stage else { return flow.state = State::Done };
                if probing.matched.is_none() {
                    let candidates = probing.candidates;
                    let transport = Transport::Udp;
                    flow.finding.possible = Some(Possible { candidates, transport });
                }
                probing.matched.and_then(|(place, _)| self.datagrams.protocol(place))
            }
            State::New | State::Done => None,
        };
        if let Some(protocol) = place {
            flow.finding.protocol = Some((protocol, Confidence::Weak));
        }
        flow.state = State::Done;
    }

    /// Returns what is known of a flow by now.
    pub fn peek(&self, flow: &Flow, endpoints: &Endpoints) -> Found {
        let metadata = flow.finding.found_metadata().cloned().map(Box::new);
        let label = naming::label(&self.config.catalogue, &flow.finding, endpoints);
        Found { label, metadata, ..Found::default() }
    }

    /// Returns what is known of a flow so far; a flow that no protocol has matched yet gets the
    /// label of its addresses or ports.
    pub fn conclude(&self, flow: &Flow, endpoints: &Endpoints) -> Found {
        let mut found = self.peek(flow, endpoints);
        found.guessed = found.label.is_unknown();
        if found.guessed {
            found.label = naming::guess(&self.config.catalogue, &flow.finding.hints, endpoints);
        }
        found
    }

    /// Returns what is known of a flow that gets no further packets; a flow that no protocol
    /// matched gets the label of its addresses or ports.
    pub fn finish(&self, mut flow: Flow, endpoints: &Endpoints) -> Found {
        self.finish_and_reset(&mut flow, endpoints)
    }

    /// Returns the same, and the flow to its initial state, so that its memory can be reused.
    pub fn finish_and_reset(&self, flow: &mut Flow, endpoints: &Endpoints) -> Found {
        self.close(flow, endpoints);
        let mut label = naming::label(&self.config.catalogue, &flow.finding, endpoints);
        let guessed = label.is_unknown();
        if guessed {
            label = naming::guess(&self.config.catalogue, &flow.finding.hints, endpoints);
        }
        let (metadata, possible) = (flow.finding.take_metadata(), flow.finding.possible);
        *flow = Flow::default();
        Found { label, metadata, possible, guessed }
    }

    /// Returns whether the bytes of a flow rule out a protocol: it has a probe for the flow's
    /// transport, and the probe rejected the bytes.
    pub fn rules_out(&self, possible: &Possible, protocol: ProtocolId) -> bool {
        match possible.transport {
            Transport::Tcp => self.streams.rules_out(possible.candidates, protocol),
            Transport::Udp => self.datagrams.rules_out(possible.candidates, protocol),
            Transport::Ip => false,
        }
    }

    /// Returns the names of protocols, applications and categories.
    pub fn catalogue(&self) -> &Catalogue {
        &self.config.catalogue
    }

    /// Returns the name of a label: `MASTER.APP` or `APP`, `Unknown` if there is none.
    pub fn name(&self, label: Label) -> String {
        let name = |id| self.config.catalogue.name(id).unwrap_or("Unknown");
        if label.master == ProtocolId::UNKNOWN || label.master == label.app {
            return name(label.app).to_owned();
        }
        format!("{}.{}", name(label.master), name(label.app))
    }

    /// Returns the name of a category, empty for a number that there is not.
    pub fn category_name(&self, category: Category) -> &'static str {
        self.config.catalogue.category_name(category).unwrap_or_default()
    }

    fn inspect_segment(
        &self,
        tcp: &mut Tcp,
        finding: &mut Finding,
        packet: &Packet<'_>,
    ) -> Progress {
        let Packet { endpoints, direction, segment, payload } = *packet;
        if let Some(segment) = segment {
            if segment.syn {
                tcp.prefixes[direction.index()].begin_at(segment.sequence.wrapping_add(1));
            }
            tcp.ended[direction.index()] |= segment.end;
        }
        if tcp.is_read(direction) {
            return Progress::More;
        }
        if payload.is_empty() {
            return Progress::More;
        }
        let prefix = &mut tcp.prefixes[direction.index()];
        let before = prefix.bytes().len();
        let mut new = prefix.accept(segment, payload);
        // If the first segment suffices, it is never copied.
        if !new.is_empty() && (before > 0 || prefix.is_waiting()) {
            prefix.keep(new);
            prefix.catch_up();
            new = &[];
        }
        if new.is_empty() && prefix.bytes().len() == before {
            return if prefix.is_full() { Progress::Done } else { Progress::More };
        }
        let bytes = |of: Direction| {
            if of == direction && !new.is_empty() { new } else { tcp.prefixes[of.index()].bytes() }
        };
        let streams = Streams {
            endpoints,
            client: bytes(Direction::FromClient),
            server: bytes(Direction::FromServer),
            swapped: false,
        };
        let progress = self.look(&mut tcp.stage, tcp.oriented, &mut tcp.swapped, finding, &streams);
        if progress == Progress::Done || tcp.prefixes.iter().any(Prefix::is_full) {
            return Progress::Done;
        }
        let room = if tcp.is_read(direction) { ENOUGH_TO_READ_AGAIN } else { MAX_BYTES };
        tcp.prefixes[direction.index()].keep_up_to(room, new);
        Progress::More
    }

    /// Runs probes, and the parser after a match.
    fn look(
        &self,
        stage: &mut Stage<Need>,
        oriented: bool,
        swapped: &mut bool,
        finding: &mut Finding,
        streams: &Streams<'_>,
    ) -> Progress {
        if let Stage::Probing(probing) = stage {
            let starting = self.streams.starting(streams, oriented);
            probing.candidates = probing.candidates.and(starting);
            self.streams.probe(probing, streams, oriented);
            let decided = probing.decided();
            match decided.and_then(|(place, _)| self.streams.protocol(place)) {
                Some(protocol) => {
                    finding.protocol = Some((protocol, Confidence::Dpi));
                    *swapped = decided.is_some_and(|(_, reversed)| reversed);
                    *stage = Stage::Parsing(protocol, Need::MORE);
                }
                None if probing.is_hopeless() => return Progress::Done,
                None => return Progress::More,
            }
        }
        let Stage::Parsing(protocol, need) = stage else { return Progress::More };
        let Some(parse) = protocol.stream.as_ref().and_then(|rules| rules.parse) else {
            return Progress::Done;
        };
        let streams = if *swapped { streams.reverse() } else { *streams };
        if let Need::Bytes { client, server } = *need
            && streams.client.len() < client
            && streams.server.len() < server
        {
            return Progress::More;
        }
        *need = parse(&streams, finding);
        if *need == Need::Done { Progress::Done } else { Progress::More }
    }

    fn inspect_datagram(
        &self,
        udp: &mut Udp,
        finding: &mut Finding,
        packet: &Packet<'_>,
    ) -> Progress {
        let Packet { endpoints, direction, payload, .. } = *packet;
        if payload.is_empty() {
            return Progress::More;
        }
        let datagram = Datagram { endpoints, direction, payload, history: &udp.history };
        if let Stage::Probing(probing) = &mut udp.stage {
            let starting = self.datagrams.beginning_with(payload);
            probing.candidates = probing.candidates.and(starting);
            self.datagrams.probe(probing, &datagram);
            let decided = probing.decided();
            let Some(protocol) = decided.and_then(|(place, _)| self.datagrams.protocol(place))
            else {
                if probing.is_hopeless() {
                    return Progress::Done;
                }
                udp.history.add(direction, payload);
                return Progress::More;
            };
            finding.protocol = Some((protocol, Confidence::Dpi));
            let follow = match protocol.datagram.as_ref().map(|rules| &rules.parse) {
                Some(DatagramParser::Following(make)) => Some(make()),
                _ => None,
            };
            udp.stage = Stage::Parsing(protocol, follow);
        }
        let Stage::Parsing(protocol, follow) = &mut udp.stage else { return Progress::More };
        let progress = match (follow, protocol.datagram.as_ref().map(|rules| &rules.parse)) {
            (Some(follow), _) => follow.add(&datagram, finding),
            (None, Some(DatagramParser::Each(parse))) => parse(&datagram, finding),
            _ => Progress::Done,
        };
        udp.history.add(direction, payload);
        progress
    }
}

impl Tcp {
    /// Returns whether the parser needs nothing more of `direction`.
    fn is_read(&self, direction: Direction) -> bool {
        let Stage::Parsing(_, Need::Bytes { client, server }) = self.stage else { return false };
        let needed = match (direction, self.swapped) {
            (Direction::FromClient, false) | (Direction::FromServer, true) => client,
            _ => server,
        };
        needed == usize::MAX
    }
}

impl<R> Table<R> {
    fn new(
        rules: fn(&'static Protocol) -> Option<&'static R>,
        starts: fn(&R) -> [Start; 2],
    ) -> Self {
        let protocols: Vec<_> = REGISTRY
            .iter()
            .filter_map(|protocol| Some((*protocol, rules(protocol)?)))
            .take(Candidates::MAX)
            .collect();
        let mut all = Candidates::NONE;
        let mut client = Box::new([Candidates::NONE; 256]);
        let mut server = Box::new([Candidates::NONE; 256]);
        for (place, (_, rules)) in protocols.iter().enumerate() {
            all.insert(place);
            let [of_client, of_server] = starts(rules);
            for byte in 0..=u8::MAX {
                if of_client.allows(byte) {
                    client[usize::from(byte)].insert(place);
                }
                if of_server.allows(byte) {
                    server[usize::from(byte)].insert(place);
                }
            }
        }
        Self { protocols, all, client, server }
    }

    /// Returns the protocol at `place`.
    fn protocol(&self, place: usize) -> Option<&'static Protocol> {
        self.protocols.get(place).map(|(protocol, _)| *protocol)
    }

    /// Returns whether a protocol is in the table and not among the candidates.
    fn rules_out(&self, candidates: Candidates, id: ProtocolId) -> bool {
        let places = (0..).zip(&self.protocols).filter(|(_, (protocol, _))| protocol.id == id);
        let mut places = places.map(|(place, _)| place).peekable();
        places.peek().is_some() && places.all(|place| !candidates.contains(place))
    }

    /// Returns the protocols that may begin with the first byte of `payload`.
    fn beginning_with(&self, payload: &[u8]) -> Candidates {
        payload.first().map_or(self.all, |byte| self.client[usize::from(*byte)])
    }
}

impl Table<StreamRules> {
    /// Returns the protocols that may begin with the first bytes of `streams`.
    fn starting(&self, streams: &Streams<'_>, oriented: bool) -> Candidates {
        let of = |table: &[Candidates; 256], stream: &[u8]| {
            stream.first().map_or(self.all, |byte| table[usize::from(*byte)])
        };
        let straight = of(&self.client, streams.client).and(of(&self.server, streams.server));
        if oriented {
            return straight;
        }
        straight.or(of(&self.client, streams.server).and(of(&self.server, streams.client)))
    }

    /// Runs the probes of the protocols that are possible, up to the first match.
    fn probe(&self, probing: &mut Probing, streams: &Streams<'_>, oriented: bool) {
        let mut from = 0;
        while let Some(place) = probing.candidates.next_from(from) {
            from = place + 1;
            let Some((_, rules)) = self.protocols.get(place) else { return };
            let straight = if oriented { (rules.probe)(streams) } else { rules.decide(streams) };
            let reversed = if oriented || straight == Verdict::Match {
                Verdict::No
            } else {
                rules.decide(&streams.reverse())
            };
            match (straight, reversed) {
                (Verdict::No, Verdict::No) => probing.candidates.remove(place),
                (Verdict::Match, _) | (_, Verdict::Match) => {
                    return probing.note(place, straight != Verdict::Match);
                }
                _ => {}
            }
        }
    }
}

impl Table<DatagramRules> {
    /// Runs the probes of the protocols that are possible, up to the first match.
    fn probe(&self, probing: &mut Probing, datagram: &Datagram<'_>) {
        let mut from = 0;
        while let Some(place) = probing.candidates.next_from(from) {
            from = place + 1;
            let Some((_, rules)) = self.protocols.get(place) else { return };
            match (rules.probe)(datagram) {
                Verdict::No => probing.candidates.remove(place),
                Verdict::Match => return probing.note(place, false),
                Verdict::More => {}
            }
        }
    }
}

/// Protocols by IP protocol number, the first in the registry.
static IP_PROTOCOLS: LazyLock<[Option<&Protocol>; 256]> = LazyLock::new(|| {
    let mut protocols = [None; 256];
    for protocol in REGISTRY {
        for number in protocol.ip_protocols {
            protocols[usize::from(*number)].get_or_insert(*protocol);
        }
    }
    protocols
});
