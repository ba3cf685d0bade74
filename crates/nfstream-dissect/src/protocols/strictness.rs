//! Input that no probe may match: random bytes and plain text at a port without a protocol.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::{REGISTRY, testing};
use crate::dissector::Dissector;
use crate::flow::Flow;
use crate::packet::{Direction, Packet, Segment, TCP, UDP};
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

/// Numbers that look random, the same in every run.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        // Marsaglia's xorshift.
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[3]
    }

    fn bytes(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| self.byte()).collect()
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }
}

/// Returns noise in a shape that protocols have as well.
fn noise(numbers: &mut Numbers, shape: &str) -> Vec<u8> {
    let len = usize::try_from(8 + numbers.below(200)).unwrap();
    let body = numbers.bytes(len);
    match shape {
        "random" => body,
        "small numbers" => body.iter().map(|byte| byte & 3).collect(),
        "mostly zeros" => {
            body.iter().map(|byte| if byte & 7 == 0 { byte >> 3 } else { 0 }).collect()
        }
        "16-bit length" => [&u16::try_from(len).unwrap().to_be_bytes()[..], &body].concat(),
        "16-bit length of all" => {
            [&u16::try_from(len + 2).unwrap().to_be_bytes()[..], &body].concat()
        }
        "32-bit length" => [&u32::try_from(len).unwrap().to_be_bytes()[..], &body].concat(),
        "little-endian length" => [&u32::try_from(len).unwrap().to_le_bytes()[..], &body].concat(),
        "kind and length" => {
            let kind = numbers.byte() & 15;
            [&[kind][..], &u16::try_from(len).unwrap().to_be_bytes(), &body].concat()
        }
        "version and kind" => {
            let kind = numbers.byte() & 15;
            let len = u16::try_from(len + 4).unwrap().to_be_bytes();
            [&[1, kind][..], &len, &body].concat()
        }
        "number, then small fields" => {
            let mut all = numbers.bytes(4);
            all.extend(body.iter().map(|byte| byte & 1));
            all
        }
        "hexadecimal" => {
            body.iter().map(|byte| b"0123456789abcdef"[usize::from(byte & 15)]).collect()
        }
        "lines" => {
            let mut text: Vec<u8> = body.iter().map(|byte| b'a' + byte % 26).collect();
            for place in (7..text.len()).step_by(9) {
                text[place] = if numbers.below(4) == 0 { b'\n' } else { b' ' };
            }
            text
        }
        "object" => {
            let text: Vec<u8> = body.iter().map(|byte| b'a' + byte % 26).collect();
            [b"{\"type\":\"", &text[..], b"\",\"id\":7}"].concat()
        }
        _ => panic!("no such shape: {shape}"),
    }
}

#[test]
fn noise_in_the_shape_of_protocols_rarely_has_a_label() {
    const SHAPES: &[&str] = &[
        "random",
        "small numbers",
        "mostly zeros",
        "16-bit length",
        "16-bit length of all",
        "32-bit length",
        "little-endian length",
        "kind and length",
        "version and kind",
        "number, then small fields",
        "hexadecimal",
        "lines",
        "object",
    ];
    const FLOWS: usize = 1000;
    let dissector = Dissector::default();
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    let mut labels = BTreeMap::new();
    for shape in SHAPES {
        for _ in 0..FLOWS {
            let payloads: Vec<_> = (0..4).map(|_| noise(&mut numbers, shape)).collect();
            for protocol in [TCP, UDP] {
                for both in [false, true] {
                    let label = label(&dissector, protocol, both, &payloads);
                    if label != "Unknown" {
                        *labels.entry((*shape, protocol, label)).or_insert(0) += 1;
                    }
                }
            }
        }
    }
    let sum: usize = labels.values().sum();
    assert!(
        sum * 500 <= 4 * FLOWS * SHAPES.len(),
        "{sum} of {}: {labels:#?}",
        4 * FLOWS * SHAPES.len()
    );
}

/// Returns the label of a flow between ports without a protocol, of one direction or of both in
/// turn, without the beginning of the connection.
fn label(dissector: &Dissector, protocol: u8, both: bool, payloads: &[Vec<u8>]) -> String {
    let endpoints = testing::endpoints(protocol, PORT);
    let mut flow = Flow::default();
    let mut sequences = [0_u32; 2];
    for (place, payload) in payloads.iter().enumerate() {
        let direction = match both && place % 2 == 1 {
            true => Direction::FromServer,
            false => Direction::FromClient,
        };
        let sequence = &mut sequences[direction.index()];
        let segment = (protocol == TCP).then_some(Segment {
            sequence: *sequence,
            syn: false,
            ack: true,
            end: false,
        });
        dissector
            .inspect(&mut flow, &Packet { endpoints: &endpoints, direction, segment, payload });
        *sequence += u32::try_from(payload.len()).unwrap();
    }
    dissector.name(dissector.finish(flow, &endpoints).label)
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
