//! Input of probes and parsers, and their answers.

use std::net::IpAddr;

use crate::packet::{Direction, Endpoints};

/// Answer of a probe.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Verdict {
    /// The bytes are this protocol's.
    Match,
    /// The bytes cannot be this protocol's.
    No,
    /// The bytes so far fit; more will tell.
    More,
}

/// Whether further packets of a flow can teach anything.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Progress {
    /// The next packet is wanted.
    More,
    /// Everything is known.
    Done,
}

/// The two directions of a TCP connection from their first bytes on, in order and without gaps.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Streams<'a> {
    /// Ports and addresses.
    pub(crate) endpoints: &'a Endpoints,
    /// Bytes of the end that opened the connection.
    pub(crate) client: &'a [u8],
    /// Bytes of the end that accepted it.
    pub(crate) server: &'a [u8],
    /// Whether the roles of [`endpoints`](Self::endpoints) are exchanged: the first packet seen
    /// came from the server.
    pub(crate) swapped: bool,
}

/// A datagram and what is remembered of those before it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Datagram<'a> {
    /// Ports and addresses.
    pub(crate) endpoints: &'a Endpoints,
    /// Its direction.
    pub(crate) direction: Direction,
    /// Its payload.
    pub(crate) payload: &'a [u8],
    /// The flow's datagrams before this one.
    pub(crate) history: &'a History,
}

/// Heads of the first datagrams of a flow.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct History {
    /// The first datagram with payload of each direction, by [`Direction::index`].
    first: [Head; 2],
    /// The latest datagram with payload of each direction.
    last: [Head; 2],
    /// Datagrams with payload of each direction.
    count: [u8; 2],
}

/// The beginning of a datagram.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Head {
    bytes: [u8; Self::LEN],
    len: u16,
}

impl Verdict {
    /// Returns [`Match`](Self::Match) or [`No`](Self::No).
    pub(crate) const fn from_match(matches: bool) -> Self {
        if matches { Self::Match } else { Self::No }
    }

    /// Returns [`Match`](Self::Match) or [`No`](Self::No), [`More`](Self::More) for `None`: the
    /// bytes ended before the answer was known.
    pub(crate) fn from_prefix(matches: Option<bool>) -> Self {
        matches.map_or(Self::More, Self::from_match)
    }

    /// Returns [`More`](Self::More) or [`No`](Self::No).
    pub(crate) const fn from_more(possible: bool) -> Self {
        if possible { Self::More } else { Self::No }
    }

    /// Returns the verdict on bytes that may be either of two things.
    pub(crate) fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Match, _) | (_, Self::Match) => Self::Match,
            (Self::More, _) | (_, Self::More) => Self::More,
            (Self::No, Self::No) => Self::No,
        }
    }
}

impl Head {
    /// Bytes that are kept.
    pub(crate) const LEN: usize = 20;

    fn new(payload: &[u8]) -> Self {
        let mut bytes = [0; Self::LEN];
        let kept = payload.len().min(Self::LEN);
        bytes[..kept].copy_from_slice(&payload[..kept]);
        Self { bytes, len: u16::try_from(payload.len()).unwrap_or(u16::MAX) }
    }

    /// Returns the bytes kept, at most [`Self::LEN`].
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes[..self.len().min(Self::LEN)]
    }

    /// Returns the length of the whole payload in bytes.
    pub(crate) fn len(&self) -> usize {
        self.len.into()
    }
}

impl History {
    /// Adds a datagram.
    pub(crate) fn add(&mut self, direction: Direction, payload: &[u8]) {
        let index = direction.index();
        let head = Head::new(payload);
        if self.count[index] == 0 {
            self.first[index] = head;
        }
        self.last[index] = head;
        self.count[index] = self.count[index].saturating_add(1);
    }

    /// Returns how many datagrams with payload came before in `direction`; stops at 255.
    pub(crate) fn count(&self, direction: Direction) -> usize {
        self.count[direction.index()].into()
    }

    /// Returns the first datagram of `direction`.
    pub(crate) fn first(&self, direction: Direction) -> Option<&Head> {
        (self.count(direction) > 0).then(|| &self.first[direction.index()])
    }

    /// Returns the datagram before this one in `direction`.
    pub(crate) fn last(&self, direction: Direction) -> Option<&Head> {
        (self.count(direction) > 0).then(|| &self.last[direction.index()])
    }
}

impl<'a> Datagram<'a> {
    /// Returns how many datagrams with payload came before this one, of both directions.
    pub(crate) fn before(&self) -> usize {
        self.history.count(Direction::FromClient) + self.history.count(Direction::FromServer)
    }

    /// Returns the first datagram of the other end, if it has answered.
    pub(crate) fn answered(&self) -> Option<&'a Head> {
        self.history.first(self.direction.reverse())
    }

    /// Returns whether one of the ends has `port`.
    pub(crate) fn has_port(&self, port: u16) -> bool {
        self.endpoints.has_port(port)
    }

    /// Returns whether one of the ends has a port from `first` to `last`, both included.
    pub(crate) fn has_port_in(&self, first: u16, last: u16) -> bool {
        let ports = first..=last;
        ports.contains(&self.endpoints.client.port())
            || ports.contains(&self.endpoints.server.port())
    }
}

impl Streams<'_> {
    /// Returns the same streams with client and server exchanged.
    pub(crate) fn reverse(self) -> Self {
        let Self { endpoints, client, server, swapped } = self;
        Self { endpoints, client: server, server: client, swapped: !swapped }
    }

    /// Returns the verdict of `message` on both directions: true if the bytes begin a message of a
    /// protocol that both ends speak in the same form, `None` if there are too few.
    pub(crate) fn either(&self, message: impl Fn(&[u8]) -> Option<bool>) -> Verdict {
        match (message(self.client), message(self.server)) {
            (Some(false), _) | (_, Some(false)) => Verdict::No,
            (Some(true), _) | (_, Some(true)) => Verdict::Match,
            (None, None) => Verdict::More,
        }
    }

    /// Returns the verdict of `message` on the client's stream, for a protocol in which the client
    /// sends first: `No` if only the server has sent.
    pub(crate) fn client_first(&self, message: impl Fn(&[u8]) -> Option<bool>) -> Verdict {
        if self.client.is_empty() && !self.server.is_empty() {
            return Verdict::No;
        }
        Verdict::from_prefix(message(self.client))
    }

    /// Returns the verdict of `message` on the server's stream, for a protocol in which the server
    /// sends first: `No` if only the client has sent.
    pub(crate) fn server_first(&self, message: impl Fn(&[u8]) -> Option<bool>) -> Verdict {
        if self.server.is_empty() && !self.client.is_empty() {
            return Verdict::No;
        }
        Verdict::from_prefix(message(self.server))
    }

    /// Returns the port of the server.
    pub(crate) fn server_port(&self) -> u16 {
        if self.swapped { self.endpoints.client.port() } else { self.endpoints.server.port() }
    }

    /// Returns the address of the server.
    pub(crate) fn server_address(&self) -> IpAddr {
        if self.swapped { self.endpoints.client.ip() } else { self.endpoints.server.ip() }
    }

    /// Returns whether one of the ends has `port`.
    pub(crate) fn has_port(&self, port: u16) -> bool {
        self.endpoints.has_port(port)
    }
}
