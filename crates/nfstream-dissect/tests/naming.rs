//! Labels by owners of addresses and by usual ports.

use std::net::SocketAddr;

use nfstream_dissect::{Confidence, Direction, Dissector, Endpoints, Flow, Packet};

fn endpoints(protocol: u8, server: &str) -> Endpoints {
    let server: SocketAddr = server.parse().expect("an address with a port");
    Endpoints { protocol, client: SocketAddr::from(([192, 0, 2, 1], 50_000)), server }
}

/// Returns the label of a flow with one payload, and its confidence.
fn label(protocol: u8, server: &str, payload: &[u8]) -> (String, Confidence) {
    let dissector = Dissector::default();
    let endpoints = endpoints(protocol, server);
    let mut flow = Flow::default();
    let (direction, segment) = (Direction::FromClient, None);
    dissector.inspect(&mut flow, &Packet { endpoints: &endpoints, direction, segment, payload });
    let label = dissector.finish(flow, &endpoints).label;
    (dissector.name(label), label.confidence)
}

#[test]
fn servers_for_calls_name_their_application() {
    let binding = b"\0\x01\0\0\x21\x12\xa4\x42abcdefghijkl";
    let of = |server| label(17, server, binding).0;
    assert_eq!(of("91.108.9.35:1400"), "STUN.TelegramVoip");
    assert_eq!(of("142.250.82.76:3478"), "STUN.GoogleCall");
    // Anyone may use this one.
    assert_eq!(of("172.253.121.127:19302"), "STUN");
}

#[test]
fn unknown_bytes_get_the_label_of_address_and_port() {
    let bytes = [0xee; 40];
    let of = |protocol, server| label(protocol, server, &bytes);
    assert_eq!(of(6, "192.0.2.2:443"), ("TLS".to_owned(), Confidence::Port));
    assert_eq!(of(17, "192.0.2.2:443"), ("QUIC".to_owned(), Confidence::Port));
    assert_eq!(of(6, "91.108.9.35:443"), ("TLS.Telegram".to_owned(), Confidence::Address));
    assert_eq!(of(6, "91.108.9.35:40001"), ("Telegram".to_owned(), Confidence::Address));
    assert_eq!(of(6, "192.0.2.2:40001"), ("Unknown".to_owned(), Confidence::None));
    // Their services have taken over ports of XMPP.
    assert_eq!(of(6, "157.240.20.53:5222"), ("WhatsApp".to_owned(), Confidence::Address));
    assert_eq!(of(6, "17.242.60.84:5223"), ("ApplePush".to_owned(), Confidence::Address));
}

#[test]
fn the_lower_port_is_the_servers() {
    let dissector = Dissector::default();
    let mut endpoints = endpoints(6, "192.0.2.2:2604");
    endpoints.client.set_port(80);
    let label = dissector.finish(Flow::default(), &endpoints).label;
    assert_eq!(dissector.name(label), "HTTP");
}
