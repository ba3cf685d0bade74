//! Diameter (RFC 6733).

use crate::flow::Finding;
use crate::label::{Category, ProtocolId};
use crate::probe::{Streams, Verdict};
use crate::protocol::{Need, Protocol, Start, StreamRules};
use crate::read::{Reader, text};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(237),
    name: "Diameter",
    category: Category(14),
    tcp_ports: &[3868],
    stream: Some(StreamRules {
        probe,
        client: Start::Bytes(&[1]),
        server: Start::Bytes(&[1]),
        parse: Some(parse),
    }),
    ..Protocol::NEW
};

/// Metadata of the first message of a Diameter connection.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Diameter {
    /// Command (257 for an exchange of capabilities).
    pub command: u32,
    /// Host that sent the message.
    pub origin_host: Box<str>,
    /// Product of the sender.
    pub product: Box<str>,
    /// Realm of the sender; only if personal data is wanted.
    pub origin_realm: Box<str>,
}

const HEADER: usize = 20;

fn probe(streams: &Streams<'_>) -> Verdict {
    let stream = if streams.client.is_empty() { streams.server } else { streams.client };
    match stream {
        // Version, length, flags, command: those of the base protocol and its applications, or
        // those of 3GPP.
        [1, 0, high, low, flags, 0, 1, command, ..]
        | [1, 0, high, low, flags, 0x80, 0, command, ..] => {
            let len = usize::from(u16::from_be_bytes([*high, *low]));
            let application = stream[5] == 0x80;
            let Some(applications) = stream.get(8..12) else { return Verdict::More };
            // Applications are small numbers or those of vendors.
            let known = matches!(applications, [0 | 1 | 0xff, 0 | 0xff, _, _]);
            Verdict::from_match(
                len >= HEADER
                    && len % 4 == 0
                    && flags & 0x0f == 0
                    && known
                    && (application || *command <= 0x4a),
            )
        }
        [] | [1] | [1, 0] | [1, 0, _] | [1, 0, _, _] | [1, 0, _, _, _] => Verdict::More,
        [1, 0, _, _, _, 0 | 0x80] | [1, 0, _, _, _, 0, 1] | [1, 0, _, _, _, 0x80, 0] => {
            Verdict::More
        }
        _ => Verdict::No,
    }
}

fn parse(streams: &Streams<'_>, finding: &mut Finding) -> Need {
    let client = !streams.client.is_empty();
    let stream = if client { streams.client } else { streams.server };
    let mut reader = Reader(stream);
    let (Some(_), Some(len)) = (reader.u8(), reader.u24()) else { return Need::MORE };
    let len = usize::try_from(len).unwrap_or(usize::MAX).min(8192);
    let Some(message) = stream.get(..len) else {
        return if client { Need::client(len) } else { Need::server(len) };
    };
    read(message, finding);
    Need::Done
}

fn read(message: &[u8], finding: &mut Finding) -> Option<()> {
    let mut reader = Reader(message);
    reader.take(5)?;
    let command = reader.u24()?;
    reader.take(12)?;
    let personal = finding.personal;
    let metadata = finding.metadata();
    let diameter = metadata.diameter.get_or_insert_default();
    diameter.command = command;
    loop {
        let code = reader.u32()?;
        let flags = reader.u8()?;
        let len = usize::try_from(reader.u24()?).ok()?;
        let vendor = if flags & 0x80 != 0 { 4 } else { 0 };
        reader.take(vendor)?;
        let value = reader.take(len.checked_sub(8 + vendor)?)?;
        match code {
            264 => {
                diameter.origin_host = text(value);
                metadata.host = diameter.origin_host.clone();
            }
            269 => diameter.product = text(value),
            296 if personal => diameter.origin_realm = text(value),
            _ => {}
        }
        reader.take(value.len().wrapping_neg() % 4)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing;

    const CAPABILITIES: &[u8] = b"\x01\0\0\x34\x80\0\x01\x01\0\0\0\0aaaabbbb\
        \0\0\x01\x08\x40\0\0\x0fa.b.org\0\0\0\x01\x0d\0\0\0\x0bfoo\0\0\0\0\0";

    #[test]
    fn messages_match() {
        testing::assert_streams(&PROTOCOL, 3869, CAPABILITIES, b"");
        let mut flags = CAPABILITIES.to_vec();
        flags[4] = 0x81;
        assert_eq!(testing::streams(&PROTOCOL, 3868, &flags, b""), Verdict::No);
        flags[..4].copy_from_slice(&[1, 0, 0, 18]);
        assert_eq!(testing::streams(&PROTOCOL, 3868, &flags, b""), Verdict::No);
    }

    #[test]
    fn the_sender_is_read() {
        let found = testing::parse_streams(&PROTOCOL, 3868, CAPABILITIES, b"", Finding::default());
        let metadata = found.found_metadata().unwrap();
        assert_eq!(&*metadata.host, "a.b.org");
        let diameter = metadata.diameter.as_ref().unwrap();
        assert_eq!((diameter.command, &*diameter.product), (257, "foo"));
    }
}
