//! TLS inside a connection that began without it.

use crate::flow::Finding;
use crate::label::ProtocolId;
use crate::probe::Streams;
use crate::protocol::Need;

/// Bytes after the upgrade that show whether TLS follows.
const RECORD_HEADER: usize = 5;

/// Reads the TLS handshake that begins at an offset of either direction, after the server has
/// agreed to it. The flow becomes one of `secure`.
pub(crate) fn follow(
    streams: &Streams<'_>,
    [client, server]: [usize; 2],
    secure: ProtocolId,
    finding: &mut Finding,
) -> Need {
    let inner = Streams {
        client: streams.client.get(client..).unwrap_or_default(),
        server: streams.server.get(server..).unwrap_or_default(),
        ..*streams
    };
    let record = if inner.client.is_empty() { inner.server } else { inner.client };
    if record.len() < RECORD_HEADER {
        return Need::Bytes { client: client + RECORD_HEADER, server: server + RECORD_HEADER };
    }
    if let [22, 3, 0..=4, ..] = record {
        finding.set_master(secure);
        return offset(handshake(&inner, finding), client, server);
    }
    Need::Done
}

/// Reads a handshake from the first bytes of `streams`.
fn handshake(_streams: &Streams<'_>, _finding: &mut Finding) -> Need {
    Need::Done
}

fn offset(need: Need, by_client: usize, by_server: usize) -> Need {
    match need {
        Need::Done => Need::Done,
        Need::Bytes { client, server } => Need::Bytes {
            client: client.saturating_add(by_client),
            server: server.saturating_add(by_server),
        },
    }
}
