//! Input that no probe may match: random bytes and plain text at a port without a protocol.

use proptest::prelude::*;

use super::{REGISTRY, testing};
use crate::probe::Verdict;

/// A port that no protocol claims.
const PORT: u16 = 40_001;

/// Returns the protocols that match `bytes`, from the client, the server or in a datagram.
fn matching(bytes: &[u8]) -> Vec<&'static str> {
    let matches = |verdict: Option<Verdict>| verdict == Some(Verdict::Match);
    REGISTRY
        .iter()
        .filter(|protocol| {
            let stream = protocol.stream.as_ref();
            matches(stream.map(|_| testing::streams(protocol, PORT, bytes, b"")))
                || matches(stream.map(|_| testing::streams(protocol, PORT, b"", bytes)))
                || matches(
                    protocol.datagram.as_ref().map(|_| testing::datagram(protocol, PORT, bytes)),
                )
        })
        .map(|protocol| protocol.name)
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn random_bytes_match_nothing(bytes in prop::collection::vec(any::<u8>(), 16..300)) {
        prop_assert_eq!(matching(&bytes), Vec::<&str>::new());
    }

    #[test]
    fn words_match_nothing(text in "[a-z]{2,9}( [a-z]{2,9}){3,30}\r\n") {
        prop_assert_eq!(matching(text.as_bytes()), Vec::<&str>::new());
    }

    #[test]
    fn no_bytes_make_a_probe_panic(
        client in prop::collection::vec(prop_oneof![Just(0_u8), 1..16_u8, any::<u8>()], 0..120),
        server in prop::collection::vec(prop_oneof![Just(0_u8), 1..16_u8, any::<u8>()], 0..120),
    ) {
        for protocol in REGISTRY {
            let ports = [protocol.tcp_ports, protocol.udp_ports, &[PORT]].concat();
            for port in ports {
                if protocol.stream.is_some() {
                    testing::streams(protocol, port, &client, &server);
                }
                if protocol.datagram.is_some() {
                    testing::datagram(protocol, port, &client);
                }
            }
        }
    }
}
