//! Declarations of protocols.

use std::fmt::Debug;

use crate::flow::Finding;
use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Progress, Streams, Verdict};

/// A protocol that the crate knows by its bytes, its IP protocol number or its ports.
///
/// Each is a constant in a file of its own, `Protocol::NEW` with what differs.
#[derive(Debug)]
pub struct Protocol {
    /// Number.
    pub id: ProtocolId,
    /// Name, nDPI's where it has one.
    pub name: &'static str,
    /// Kind of application.
    pub category: Category,
    /// Usual TCP ports: hints for flows without recognised bytes.
    pub tcp_ports: &'static [u16],
    /// Usual UDP ports.
    pub udp_ports: &'static [u16],
    /// IP protocol numbers that say it all.
    pub ip_protocols: &'static [u8],
    /// Whether names and addresses in it stand for applications, as those of TLS or HTTP do.
    pub(crate) names_applications: bool,
    /// How it is found in TCP streams.
    pub(crate) stream: Option<StreamRules>,
    /// How it is found in datagrams.
    pub(crate) datagram: Option<DatagramRules>,
}

/// A transport in which a protocol is found.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Transport {
    /// TCP (RFC 9293).
    Tcp,
    /// UDP (RFC 768).
    Udp,
    /// IP itself.
    Ip,
}

/// How a protocol is found in TCP streams.
#[derive(Debug)]
pub(crate) struct StreamRules {
    /// Decides whether streams belong to the protocol. Its answer depends only on the bytes, never
    /// on how segments cut them: `More` for every beginning of a matching stream.
    pub(crate) probe: fn(&Streams<'_>) -> Verdict,
    /// First byte of the client, so that other flows cost nothing.
    pub(crate) client: Start,
    /// First byte of the server.
    pub(crate) server: Start,
    /// Reads metadata, starting from the first bytes on each call.
    pub(crate) parse: Option<fn(&Streams<'_>, &mut Finding) -> Need>,
}

/// How a protocol is found in datagrams.
#[derive(Debug)]
pub(crate) struct DatagramRules {
    /// Decides whether a datagram, and those before it, belong to the protocol.
    pub(crate) probe: fn(&Datagram<'_>) -> Verdict,
    /// First byte of every datagram up to the match, of either direction.
    pub(crate) start: Start,
    /// Reads metadata.
    pub(crate) parse: DatagramParser,
}

/// How metadata is read from datagrams.
#[derive(Debug)]
pub(crate) enum DatagramParser {
    /// There is none.
    Nothing,
    /// From each datagram by itself.
    Each(fn(&Datagram<'_>, &mut Finding) -> Progress),
    /// From datagrams that need each other, by a parser with state.
    Following(fn() -> Box<dyn Follow>),
}

/// A parser of datagrams with state of its own, bounded in bytes.
pub(crate) trait Follow: Debug + Send + Sync {
    /// Reads the next datagram.
    fn add(&mut self, datagram: &Datagram<'_>, finding: &mut Finding) -> Progress;

    /// Returns the bytes that the parser holds, itself included.
    fn memory(&self) -> usize {
        size_of_val(self)
    }
}

/// First bytes with which a protocol may begin.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Start {
    /// Any byte.
    Any,
    /// One of these bytes.
    Bytes(&'static [u8]),
    /// A byte from the first to the last, both included.
    Range(u8, u8),
}

/// When a parser of streams wants to be called again.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Need {
    /// Never: it has read all.
    Done,
    /// Once the client's stream has this many bytes, or the server's has that many;
    /// `usize::MAX` for a direction that is of no interest any more: the bytes so far stay, none
    /// are added.
    Bytes {
        /// Bytes of the client's stream.
        client: usize,
        /// Bytes of the server's stream.
        server: usize,
    },
}

impl Protocol {
    /// A protocol without a name: what the constants of protocols begin with.
    pub(crate) const NEW: Self = Self {
        id: ProtocolId::UNKNOWN,
        name: "",
        category: Category(0),
        tcp_ports: &[],
        udp_ports: &[],
        ip_protocols: &[],
        names_applications: false,
        stream: None,
        datagram: None,
    };

    /// Returns whether metadata is read.
    pub fn has_metadata(&self) -> bool {
        let of_streams = self.stream.as_ref().is_some_and(|rules| rules.parse.is_some());
        let of_datagrams = self
            .datagram
            .as_ref()
            .is_some_and(|rules| !matches!(rules.parse, DatagramParser::Nothing));
        of_streams || of_datagrams
    }

    /// Returns whether the protocol has a probe.
    pub const fn is_found_by_bytes(&self) -> bool {
        self.stream.is_some() || self.datagram.is_some()
    }

    /// Returns whether the protocol is found by its bytes in `transport`, or by its number in IP.
    pub fn is_found_in(&self, transport: Transport) -> bool {
        match transport {
            Transport::Tcp => self.stream.is_some(),
            Transport::Udp => self.datagram.is_some(),
            Transport::Ip => !self.ip_protocols.is_empty(),
        }
    }
}

impl StreamRules {
    /// Returns the answer of the probe, no if the first bytes do not fit.
    pub(crate) fn decide(&self, streams: &Streams<'_>) -> Verdict {
        let fits = |start: Start, stream: &[u8]| stream.first().is_none_or(|b| start.allows(*b));
        if fits(self.client, streams.client) && fits(self.server, streams.server) {
            (self.probe)(streams)
        } else {
            Verdict::No
        }
    }

    /// Rules of a protocol that may begin with any byte and has no metadata.
    pub(crate) const fn new(probe: fn(&Streams<'_>) -> Verdict) -> Self {
        Self { probe, client: Start::Any, server: Start::Any, parse: None }
    }

    /// Rules of a protocol whose two directions begin alike, and that has no metadata.
    pub(crate) const fn either(start: Start, probe: fn(&Streams<'_>) -> Verdict) -> Self {
        Self { client: start, server: start, ..Self::new(probe) }
    }
}

impl DatagramRules {
    /// Rules of a protocol that may begin with any byte and has no metadata.
    pub(crate) const fn new(probe: fn(&Datagram<'_>) -> Verdict) -> Self {
        Self { probe, start: Start::Any, parse: DatagramParser::Nothing }
    }
}

impl Start {
    /// Returns whether a protocol may begin with `byte`.
    pub(crate) fn allows(self, byte: u8) -> bool {
        match self {
            Self::Any => true,
            Self::Bytes(bytes) => bytes.contains(&byte),
            Self::Range(first, last) => (first..=last).contains(&byte),
        }
    }
}

impl Need {
    /// More of either direction.
    pub(crate) const MORE: Self = Self::Bytes { client: 0, server: 0 };

    /// Returns the need of `bytes` bytes of the client's stream in all.
    pub(crate) const fn client(bytes: usize) -> Self {
        Self::Bytes { client: bytes, server: usize::MAX }
    }

    /// Returns the need of `bytes` bytes of the server's stream in all.
    pub(crate) const fn server(bytes: usize) -> Self {
        Self::Bytes { client: usize::MAX, server: bytes }
    }

    /// Returns the need for another byte of either stream, until one has `limit` bytes.
    pub(crate) fn further(streams: &Streams<'_>, limit: usize) -> Self {
        let (client, server) = (streams.client.len(), streams.server.len());
        if client.max(server) >= limit {
            return Self::Done;
        }
        Self::Bytes { client: client + 1, server: server + 1 }
    }

    /// Returns the same need with client and server exchanged.
    pub(crate) const fn reverse(self) -> Self {
        match self {
            Self::Done => Self::Done,
            Self::Bytes { client, server } => Self::Bytes { client: server, server: client },
        }
    }
}
