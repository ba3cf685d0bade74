//! SMB over TCP: versions 1 (MS-CIFS), 2 and 3 (MS-SMB2).

use crate::flow::Finding;
use crate::label::{Category, ProtocolId};
use crate::probe::{Streams, Verdict};
use crate::protocol::{Need, Protocol, Start, StreamRules};
use crate::protocols::ntlm;
use crate::read::le16;

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(41),
    name: "SMBv23",
    category: Category(18),
    tcp_ports: &[445],
    stream: Some(StreamRules {
        probe,
        client: Start::Bytes(&[0]),
        server: Start::Bytes(&[0]),
        parse: Some(parse),
    }),
    ..Protocol::NEW
};

/// Version 1, which NetBIOS carries by name even on port 445.
pub(crate) const V1: Protocol =
    Protocol { id: ProtocolId(16), name: "SMBv1", category: Category(18), ..Protocol::NEW };

/// Metadata of an SMB connection.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Smb {
    /// Dialect that the server chose (0x0311 for 3.1.1), 0 for version 1 or before a choice.
    pub dialect: u16,
}

/// Bytes of a direction that are read: negotiation and the first session.
const MAX_BYTES: usize = 8192;

/// Returns the version that the first four bytes of a message show.
pub(crate) fn version(magic: &[u8]) -> Option<ProtocolId> {
    match magic {
        b"\xffSMB" => Some(V1.id),
        // Plain, encrypted and compressed.
        b"\xfeSMB" | b"\xfdSMB" | b"\xfcSMB" => Some(PROTOCOL.id),
        _ => None,
    }
}

fn probe(streams: &Streams<'_>) -> Verdict {
    let stream = if streams.client.is_empty() { streams.server } else { streams.client };
    match stream {
        [0, _, _, _, 0xfc..=0xff, rest @ ..] => crate::read::begins(rest, b"SMB"),
        [] | [0] | [0, _] | [0, _, _] | [0, _, _, _] => Verdict::More,
        _ => Verdict::No,
    }
}

fn parse(streams: &Streams<'_>, finding: &mut Finding) -> Need {
    let first = |stream: &[u8]| stream.get(4..8).and_then(version);
    // A client that offers both versions begins with the older one.
    let chosen = first(streams.server).or_else(|| first(streams.client));
    if chosen == Some(V1.id) {
        finding.set_master(super::netbios::PROTOCOL.id);
        finding.set_application(V1.id);
    } else {
        finding.set_master(PROTOCOL.id);
        finding.set_application(PROTOCOL.id);
    }
    if let Some(dialect) = dialect(streams.server) {
        finding.metadata().smb.get_or_insert_default().dialect = dialect;
    }
    if !finding.personal {
        let answered = streams.server.len() >= 4 + 64 + 6;
        return if answered { Need::Done } else { Need::server(4 + 64 + 6) };
    }
    let done = ntlm::read(streams, finding);
    if done {
        return Need::Done;
    }
    Need::further(streams, MAX_BYTES)
}

/// Returns the dialect of a negotiate response: after a header of 64 bytes, its third field.
fn dialect(stream: &[u8]) -> Option<u16> {
    let message = stream.get(4..).filter(|message| message.starts_with(b"\xfeSMB"))?;
    let negotiate = le16(message, 12) == Some(0) && le16(message, 64) == Some(65);
    le16(message, 68).filter(|_| negotiate)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing;

    fn response() -> Vec<u8> {
        let mut message = b"\0\0\0\x80\xfeSMB\x40\0".to_vec();
        message.resize(4 + 64, 0);
        message.extend_from_slice(&[65, 0, 1, 0, 0x11, 3]);
        message
    }

    #[test]
    fn every_version_matches() {
        testing::assert_streams(&PROTOCOL, 445, b"\0\0\0\x54\xffSMBr", b"");
        testing::assert_streams(&PROTOCOL, 4450, b"\0\0\0\xb2\xfeSMB@", b"");
        assert_eq!(testing::streams(&PROTOCOL, 445, b"\0\0\0\x54\x81SMB", b""), Verdict::No);
    }

    #[test]
    fn the_server_chooses_the_version() {
        let offer = b"\0\0\0\x54\xffSMBr";
        let found = testing::parse_streams(&PROTOCOL, 445, offer, b"", Finding::default());
        assert_eq!(found.application(), Some(V1.id));
        let found = testing::parse_streams(&PROTOCOL, 445, offer, &response(), Finding::default());
        assert_eq!((found.master(), found.application()), (Some(PROTOCOL.id), Some(PROTOCOL.id)));
        assert_eq!(found.found_metadata().unwrap().smb.as_ref().unwrap().dialect, 0x0311);
    }
}
