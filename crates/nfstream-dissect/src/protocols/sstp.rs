//! SSTP: Microsoft's tunnel through HTTPS, where TLS is terminated before the capture.

use crate::label::{Category, ProtocolId};
use crate::probe::{Streams, Verdict};
use crate::protocol::{Protocol, Start, StreamRules};
use crate::read::begins;
use crate::shape::by_client;

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(10_109),
    name: "SSTP",
    category: Category(2),
    stream: Some(StreamRules { client: Start::Bytes(b"S"), ..StreamRules::new(probe) }),
    ..Protocol::NEW
};

fn probe(streams: &Streams<'_>) -> Verdict {
    by_client(streams, |stream| begins(stream, b"SSTP_DUPLEX_POST "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::{assert_streams, streams};

    #[test]
    fn its_method_is_decisive() {
        assert_streams(&PROTOCOL, 443, b"SSTP_DUPLEX_POST /sra_{", b"");
        assert_eq!(streams(&PROTOCOL, 443, b"SSH-2.0-x", b""), Verdict::No);
    }
}
