//! SSH (RFC 4253): the version strings.

use crate::flow::Finding;
use crate::label::{Category, ProtocolId};
use crate::probe::{Streams, Verdict};
use crate::protocol::{Need, Protocol, Start, StreamRules};
use crate::read::{begins, line, text};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(92),
    name: "SSH",
    category: Category(12),
    tcp_ports: &[22],
    stream: Some(StreamRules {
        probe,
        client: Start::Bytes(b"S"),
        server: Start::Bytes(b"S"),
        parse: Some(parse),
    }),
    ..Protocol::NEW
};

/// What an SSH connection shows.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Ssh {
    /// Version string of the client, without the end of its line.
    pub client_version: Box<str>,
    /// Version string of the server.
    pub server_version: Box<str>,
}

/// Longest version string, its line end included (RFC 4253, section 4.2).
const MAX_VERSION: usize = 255;

fn probe(streams: &Streams<'_>) -> Verdict {
    let stream = if streams.client.is_empty() { streams.server } else { streams.client };
    begins(stream, b"SSH-")
}

fn parse(streams: &Streams<'_>, finding: &mut Finding) -> Need {
    let version = |stream| line(stream).filter(|line| line.len() < MAX_VERSION);
    let client = version(streams.client);
    let server = version(streams.server);
    let ssh = finding.metadata().ssh.get_or_insert_default();
    ssh.client_version = client.map(text).unwrap_or_default();
    ssh.server_version = server.map(text).unwrap_or_default();
    match (client, server) {
        (Some(_), Some(_)) => Need::Done,
        (None, Some(_)) => Need::client(streams.client.len() + 1),
        (Some(_), None) => Need::server(streams.server.len() + 1),
        (None, None) => Need::MORE,
    }
}
