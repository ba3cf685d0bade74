//! Flows of which the capture has only a part: one direction, or packets from the middle on, at
//! ports that their protocols rarely use.

use std::net::{Ipv4Addr, SocketAddr};

use nfstream_dissect::{Config, Direction, Dissector, Endpoints, Flow, Packet, Segment};

/// Parts of flows; the file describes its format.
const PARTS: &str = include_str!("picked_up.tsv");
const TCP: u8 = 6;
const UDP: u8 = 17;

/// A part of a flow.
struct Part {
    label: &'static str,
    endpoints: Endpoints,
    packets: Vec<(Direction, Vec<u8>)>,
}

impl Part {
    fn parse(line: &'static str) -> Self {
        let mut cells = line.split('\t');
        let mut cell = || cells.next().expect("label, transport and port come first");
        let label = cell();
        let protocol = if cell() == "tcp" { TCP } else { UDP };
        // No protocol claims this port.
        let port = cell().replace('-', "40001").parse().expect("a port");
        let endpoints = Endpoints {
            protocol,
            client: SocketAddr::from((Ipv4Addr::new(192, 0, 2, 1), 50_000)),
            server: SocketAddr::from((Ipv4Addr::new(192, 0, 2, 2), port)),
        };
        let packets = cells.map(|packet| match packet.split_at(2) {
            ("> ", text) => (Direction::FromClient, unescape(text)),
            ("< ", text) => (Direction::FromServer, unescape(text)),
            _ => panic!("a packet begins with > or <: {packet}"),
        });
        Self { label, endpoints, packets: packets.collect() }
    }

    /// Returns the label by a dissector that does not know the beginning of the flow.
    fn label(&self, dissector: &Dissector) -> String {
        let mut flow = Flow::default();
        let mut sequences = [7_u32, 9];
        for (direction, payload) in &self.packets {
            let sequence = &mut sequences[usize::from(*direction == Direction::FromServer)];
            let segment = (self.endpoints.protocol == TCP).then_some(Segment {
                sequence: *sequence,
                syn: false,
                ack: true,
                end: false,
            });
            let (endpoints, direction) = (&self.endpoints, *direction);
            dissector.inspect(&mut flow, &Packet { endpoints, direction, segment, payload });
            let len = u32::try_from(payload.len()).expect("payloads are short");
            *sequence = sequence.wrapping_add(len);
        }
        dissector.name(dissector.finish(flow, &self.endpoints).label)
    }
}

/// Returns the bytes of a text with escapes.
fn unescape(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        rest = &rest[next.len_utf8()..];
        if next != '\\' {
            bytes.push(u8::try_from(next).expect("plain ASCII"));
            continue;
        }
        let (kind, after) = rest.split_at(1);
        rest = after;
        match kind {
            "0" => bytes.push(0),
            "r" => bytes.push(b'\r'),
            "n" => bytes.push(b'\n'),
            "\\" => bytes.push(b'\\'),
            "x" => {
                bytes.push(u8::from_str_radix(&rest[..2], 16).expect("two digits"));
                rest = &rest[2..];
            }
            "*" => {
                let (count, after) = rest.split_once(';').expect("a count and a semicolon");
                let count: usize = count.parse().expect("a count");
                let byte = *bytes.last().expect("a byte before its count");
                bytes.extend(std::iter::repeat_n(byte, count - 1));
                rest = after;
            }
            _ => panic!("no such escape: {kind}"),
        }
    }
    bytes
}

#[test]
fn a_part_of_a_flow_has_its_label() {
    let dissector = Dissector::new(Config::default());
    let mut wrong = Vec::new();
    for line in PARTS.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let part = Part::parse(line);
        let label = part.label(&dissector);
        if label != part.label {
            wrong.push(format!("{label}: {line}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
