//! A property of every probe of streams: once it has decided, further bytes change nothing.

use std::net::{Ipv4Addr, SocketAddr};

use proptest::prelude::*;

use super::REGISTRY;
use crate::packet::{Endpoints, TCP};
use crate::probe::{Streams, Verdict};

/// First bytes of protocols, to be changed here and there.
const BEGINNINGS: &[&[u8]] = &[
    b"\0\x01\0\0\0\x06\x01\x03\0\x01\0\x01",
    b"\x03\0\0\x16\x11\xe0\0\0\0\x01\0\xc0\x01\x0a\xc1\x02\x01\0\xc2\x02\x01\x02",
    b"\x03\0\0\x13\x0e\xe0\0\0\0\0\0\x01\0\x08\0\x03\0\0\0",
    b"\x03\0\0\0\x01\0\0\0\0random",
    b"\x7e\xa0\x07\x03\x21\x93\x0f\x01\x7e",
    b"\xaa\x41\0\x12\0\xf1\0\0\0\0\0\0\0\0\0\x05\xd7\xd0",
    b"\x20\x01\0\x01\0\0\0\x01\0\x02\x05\x04\x05\x04\0\x01",
    b"\x10\0\xf5\x05\x09localhost\x63\xdd\x02",
    b"\0\x30WORLD OF WARCRAFT CONNECTION - SERVER",
    b"\x68\x0e\0\0\0\0\x64\x01\x06\0\x01\0\0\0\0\x14",
    b"\x16\x03\x01\0\x10\x01\0\0\x0c\x03\x03",
    b"GET / HTTP/1.1\r\nHost: example.org\r\n\r\n",
    b"220 example.org ESMTP\r\n",
    b"SSH-2.0-OpenSSH\r\n",
    b"HELLO 2.8 (2.8.0) 2019\n",
    b"VER 1 MSNP15 CVR0\r\n",
    b"HELF\x38\0\0\0",
];

fn stream() -> impl Strategy<Value = Vec<u8>> {
    let beginning = prop_oneof![
        3 => prop::sample::select(BEGINNINGS).prop_map(<[u8]>::to_vec),
        1 => prop::collection::vec(any::<u8>(), 0..40),
    ];
    let changes = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3);
    (beginning, changes, prop::collection::vec(any::<u8>(), 0..30)).prop_map(
        |(mut bytes, changes, rest)| {
            for (place, byte) in changes {
                if let Some(place) = bytes.len().checked_sub(1).map(|last| place.index(last + 1)) {
                    bytes[place] = byte;
                }
            }
            bytes.extend(rest);
            bytes
        },
    )
}

proptest! {
    #[test]
    fn further_bytes_of_one_end_do_not_change_a_decision(bytes in stream(), port in prop::sample::select(
        &[80_u16, 102, 443, 502, 1935, 4059, 5666, 6653, 18_245][..],
    ), of_server: bool) {
        let endpoints = Endpoints {
            protocol: TCP,
            client: SocketAddr::from((Ipv4Addr::new(192, 0, 2, 1), 50_000)),
            server: SocketAddr::from((Ipv4Addr::new(192, 0, 2, 2), port)),
        };
        for protocol in REGISTRY {
            let Some(rules) = &protocol.stream else { continue };
            let mut before = Verdict::More;
            for len in 1..=bytes.len() {
                let (client, server) =
                    if of_server { (&[][..], &bytes[..len]) } else { (&bytes[..len], &[][..]) };
                let streams = Streams { endpoints: &endpoints, client, server, swapped: false };
                let verdict = (rules.probe)(&streams);
                if before != Verdict::More {
                    prop_assert_eq!(verdict, before, "{} after {} bytes", protocol.name, len);
                }
                before = verdict;
            }
        }
    }
}
