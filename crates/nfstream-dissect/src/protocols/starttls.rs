//! TLS inside a connection that began without it.

use crate::flow::Finding;
use crate::label::ProtocolId;
use crate::probe::{Streams, Verdict};
use crate::protocol::Need;
use crate::protocols::tls;

/// Bytes after the upgrade that show whether TLS follows: headers of a record and a hello.
const HEADERS: usize = 11;

/// Reads the TLS handshake that begins at an offset of either direction, after the server has
/// agreed to it. The flow becomes one of `secure`.
pub(crate) fn follow(
    streams: &Streams<'_>,
    [client, server]: [usize; 2],
    secure: ProtocolId,
    finding: &mut Finding,
) -> Need {
    let after = |stream: &[u8], offset: usize| tls::begins_tls(stream.get(offset..).unwrap_or(&[]));
    match (after(streams.client, client), after(streams.server, server)) {
        (Verdict::Match, _) | (_, Verdict::Match) => {
            finding.set_master(secure);
            tls::parse_after(streams, client, server, finding)
        }
        (Verdict::More, _) | (_, Verdict::More) => {
            Need::Bytes { client: client + HEADERS, server: server + HEADERS }
        }
        _ => Need::Done,
    }
}
