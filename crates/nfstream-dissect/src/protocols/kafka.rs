//! Kafka: the header of requests.

use crate::label::{Category, ProtocolId};
use crate::probe::{Streams, Verdict};
use crate::protocol::{Protocol, Start, StreamRules};
use crate::shape::{by_client, check, is_printable};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(377),
    name: "Kafka",
    category: Category(16),
    tcp_ports: &[9092],
    stream: Some(StreamRules { client: Start::Bytes(&[0]), ..StreamRules::new(probe) }),
    ..Protocol::NEW
};

const MAX_LEN: u32 = 1 << 24;
/// Keys of requests in use end before this.
const KEYS: u16 = 96;
const VERSIONS: u16 = 20;
const MAX_CLIENT_ID: u16 = 255;
/// Length of a client name that is absent.
const ABSENT: u16 = u16::MAX;

fn probe(streams: &Streams<'_>) -> Verdict {
    by_client(streams, |stream| {
        check(stream, |reader| {
            let len = reader.u32()?;
            if !(10..MAX_LEN).contains(&len) || reader.u16()? >= KEYS || reader.u16()? >= VERSIONS {
                return Some(false);
            }
            reader.u32()?;
            let client_id = reader.u16()?;
            if client_id == ABSENT {
                return Some(streams.has_port(9092));
            }
            let fits = (1..=MAX_CLIENT_ID).contains(&client_id) && u32::from(client_id) + 10 <= len;
            Some(fits && is_printable(reader.take(client_id.into())?))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::{assert_streams, streams};

    #[test]
    fn requests_name_their_client() {
        assert_streams(
            &PROTOCOL,
            9093,
            b"\0\0\0\x15\0\x12\0\0\0\0\0\x81\0\x07rdkafka\0\0\0\0",
            b"",
        );
        assert_streams(&PROTOCOL, 9092, b"\0\0\0\x15\0\x12\0\0\0\0\0\x81\xff\xff", b"");
        assert_eq!(streams(&PROTOCOL, 9093, b"\0\0\0\x15\x01\x12", b""), Verdict::No);
        let unprintable = b"\0\0\0\x15\0\x12\0\0\0\0\0\x81\0\x02\x01\x02";
        assert_eq!(streams(&PROTOCOL, 9093, unprintable, b""), Verdict::No);
    }
}
