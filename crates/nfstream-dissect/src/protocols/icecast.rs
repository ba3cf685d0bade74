//! Icecast and SHOUTcast: radio over HTTP's relatives.

use crate::label::{Category, ProtocolId};
use crate::probe::{Streams, Verdict};
use crate::protocol::{Protocol, Start, StreamRules};
use crate::read::begins;

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(52),
    name: "IceCast",
    category: Category(1),
    stream: Some(StreamRules {
        probe,
        client: Start::Bytes(b"S"),
        server: Start::Bytes(b"I"),
        parse: None,
    }),
    ..Protocol::NEW
};

fn probe(streams: &Streams<'_>) -> Verdict {
    match (streams.client, streams.server) {
        // A listener sends HTTP: only the answer of the station is decisive.
        ([], server) => begins(server, b"ICY 200 OK"),
        (client, _) => begins(client, b"SOURCE /"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing;

    #[test]
    fn sources_and_stations_match() {
        testing::assert_streams(&PROTOCOL, 8000, b"SOURCE /live ICE/1.0\r\n", b"");
        testing::assert_streams(&PROTOCOL, 8000, b"", b"ICY 200 OK\r\n");
        assert_eq!(testing::streams(&PROTOCOL, 8000, b"PUT / ", b""), Verdict::No);
    }
}
