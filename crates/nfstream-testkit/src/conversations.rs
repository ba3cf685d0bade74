//! Conversations for the fuzz targets of dissection: payloads and their directions.

use std::collections::{BTreeMap, BTreeSet};
use std::iter::once;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::LazyLock;

use nfstream::capture::{self, CaptureError, Source};
use nfstream::decode::decode;
use nfstream::packet::Chunk;
use nfstream_dissect::{
    Config, Direction, Dissector, Endpoints, Fingerprints, Flow, Found, Limits, Metadata, Packet,
    Progress, Protocol,
};

/// IP protocol number of TCP.
pub(crate) const TCP: u8 = 6;
/// IP protocol number of UDP.
pub(crate) const UDP: u8 = 17;

/// First number that chooses one of the usual ports.
const DYNAMIC: u16 = 49_152;

/// Bits of options before the size of segments.
const SIZE_SHIFT: u32 = 3;
/// Bit in the length of a payload that marks it as the server's.
const FROM_SERVER: u16 = 1 << 15;
/// Maximum number of payloads that are written.
const MAX_PAYLOADS: usize = 12;
/// Maximum heap bytes of a flow: two streams with waiting segments, or a handshake in pieces.
const MAX_MEMORY: usize = 128 << 10;

/// Returns the port of the server for `number`: a dynamic port chooses one of the usual ports of all
/// protocols, and any other number is the port itself.
///
/// # Panics
///
/// Panics if no protocol has a port.
pub fn server_port(protocol: u8, number: u16) -> u16 {
    let ports = usual_ports(protocol);
    number.checked_sub(DYNAMIC).map_or(number, |place| ports[usize::from(place) % ports.len()])
}

/// Returns a number that stands for `port`, or for one that no protocol uses.
fn number_of(protocol: u8, port: u16) -> u16 {
    if port < DYNAMIC {
        return port;
    }
    let place = usual_ports(protocol).binary_search(&port).ok();
    place.and_then(|place| u16::try_from(place).ok()).map_or(DYNAMIC - 1, |place| DYNAMIC + place)
}

/// Returns the usual ports of all protocols in ascending order.
fn usual_ports(protocol: u8) -> &'static [u16] {
    static TCP_PORTS: LazyLock<Vec<u16>> = LazyLock::new(|| sorted(|one| one.tcp_ports));
    static UDP_PORTS: LazyLock<Vec<u16>> = LazyLock::new(|| sorted(|one| one.udp_ports));
    if protocol == TCP { &TCP_PORTS } else { &UDP_PORTS }
}

fn sorted(ports: fn(&Protocol) -> &'static [u16]) -> Vec<u16> {
    let ports: BTreeSet<u16> = Dissector::protocols().flat_map(ports).copied().collect();
    ports.into_iter().collect()
}

/// Dissects a conversation with a server at `port`. `data` is a byte of options, then payloads,
/// each preceded by its length in two bytes. The five highest bits of the options give the size of
/// the segments with which the result is compared, 0 for half the payload.
///
/// # Panics
///
/// Panics if text is not clean, if a flow takes too much memory, or if the result depends on the
/// sizes of segments.
pub fn dissect(protocol: u8, port: u16, data: &[u8]) {
    let Some((options, data)) = data.split_first() else { return };
    let enabled = options & 1 != 0;
    let dissector = Dissector::new(Config {
        limits: Limits { tcp_packets: u32::MAX, udp_packets: u32::MAX },
        fingerprints: Fingerprints { ja3: enabled, ja4: enabled, hassh: enabled },
        certificates: options & 2 != 0,
        personal: options & 4 != 0,
        ..Config::default()
    });
    let endpoints = Endpoints {
        protocol,
        client: SocketAddr::from((Ipv4Addr::new(192, 0, 2, 1), 50_000)),
        server: SocketAddr::from((Ipv4Addr::new(192, 0, 2, 2), port)),
    };
    let found = converse(&dissector, &endpoints, payloads(data));
    if let Some(metadata) = &found.metadata {
        assert_clean(&metadata.host);
        if let Some(tls) = &metadata.tls {
            assert_clean(&tls.alpn);
            assert_clean(&tls.selected_alpn);
            if let Some(certificate) = &tls.certificate {
                [&certificate.common_name, &certificate.subject, &certificate.issuer]
                    .into_iter()
                    .chain(&certificate.names)
                    .for_each(|text| assert_clean(text));
            }
        }
        if let Some(quic) = &metadata.quic {
            assert_clean(&quic.user_agent);
        }
    }
    if protocol == TCP {
        let segments = payloads(data).flat_map(|(direction, payload)| {
            let size = match usize::from(options >> SIZE_SHIFT) {
                0 => payload.len().div_ceil(2).max(1),
                size => size,
            };
            // An empty payload stays: its direction counts.
            let (first, rest) = payload.split_at(size.min(payload.len()));
            once(first).chain(rest.chunks(size)).map(move |segment| (direction, segment))
        });
        assert_eq!(converse(&dissector, &endpoints, segments), found, "in smaller segments");
    }
}

/// Writes a conversation in the format of [`dissect`].
pub fn write_conversation<'a>(
    options: u8,
    payloads: impl IntoIterator<Item = (Direction, &'a [u8])>,
) -> Vec<u8> {
    let mut data = vec![options];
    for (direction, payload) in payloads {
        let len = u16::try_from(payload.len()).unwrap_or(u16::MAX).min(FROM_SERVER - 1);
        let flag = if direction == Direction::FromServer { FROM_SERVER } else { 0 };
        data.extend((len | flag).to_be_bytes());
        data.extend_from_slice(&payload[..payload.len().min(len.into())]);
    }
    data
}

/// Returns the conversations of a capture, each with the name of its target: one for TLS and one
/// for QUIC servers at their usual port, others for all other ports.
///
/// # Errors
///
/// If the capture cannot be read.
pub fn seeds(path: &PathBuf) -> Result<Vec<(&'static str, Vec<u8>)>, CaptureError> {
    let mut source = capture::open(std::slice::from_ref(path))?;
    let mut chunk = Chunk::default();
    let mut fragments = Vec::new();
    let mut conversations: BTreeMap<_, Vec<(Direction, Vec<u8>)>> = BTreeMap::new();
    loop {
        let more = source.read(&mut chunk, 8192)?;
        for record in &chunk.records {
            let Ok(packet) =
                decode(record, chunk.frame(record), Default::default(), &mut fragments)
            else {
                continue;
            };
            let end = |ip: IpAddr, port| SocketAddr::new(ip, port);
            let src = end(packet.src.ip(packet.version), packet.src.port);
            let dst = end(packet.dst.ip(packet.version), packet.dst.port);
            // The server usually has the lower port.
            let (direction, client, server) = match (src.port(), dst.port()) {
                (_, 443) => (Direction::FromClient, src, dst),
                (443, _) => (Direction::FromServer, dst, src),
                (source, destination) if destination <= source => (Direction::FromClient, src, dst),
                _ => (Direction::FromServer, dst, src),
            };
            let payload = packet.payload(chunk.bytes.as_slice());
            let target = match (packet.protocol, server.port()) {
                (TCP, 443) => "tls",
                (UDP, 443) => "quic",
                (TCP, _) => "streams",
                (UDP, _) => "datagrams",
                _ => continue,
            };
            let payloads = conversations.entry((target, client, server)).or_default();
            if !payload.is_empty() && payloads.len() < MAX_PAYLOADS {
                payloads.push((direction, payload.to_vec()));
            }
        }
        if !more {
            break;
        }
    }
    let seeds = conversations.into_iter().map(|((target, _, server), payloads)| {
        let payloads = payloads.iter().map(|(direction, payload)| (*direction, &payload[..]));
        let mut data = match target {
            "streams" => number_of(TCP, server.port()).to_be_bytes().to_vec(),
            "datagrams" => number_of(UDP, server.port()).to_be_bytes().to_vec(),
            _ => Vec::new(),
        };
        data.extend(write_conversation(0b111, payloads));
        (target, data)
    });
    Ok(seeds.collect())
}

fn payloads(mut data: &[u8]) -> impl Iterator<Item = (Direction, &[u8])> {
    std::iter::from_fn(move || {
        let (head, rest) = data.split_first_chunk()?;
        let head = u16::from_be_bytes(*head);
        let len = usize::from(head & !FROM_SERVER).min(rest.len());
        let (payload, rest) = rest.split_at(len);
        data = rest;
        let direction =
            if head & FROM_SERVER == 0 { Direction::FromClient } else { Direction::FromServer };
        Some((direction, payload))
    })
}

fn converse<'a>(
    dissector: &Dissector,
    endpoints: &Endpoints,
    payloads: impl Iterator<Item = (Direction, &'a [u8])>,
) -> Found {
    let mut flow = Flow::default();
    for (direction, payload) in payloads {
        let packet = Packet { endpoints, direction, segment: None, payload };
        let progress = dissector.inspect(&mut flow, &packet);
        assert!(flow.memory() <= MAX_MEMORY, "{} bytes held", flow.memory());
        if progress == Progress::Done {
            break;
        }
    }
    dissector.finish(flow, endpoints)
}

fn assert_clean(text: &str) {
    assert!(text.len() <= Metadata::MAX_TEXT, "{} bytes of text", text.len());
    assert!(!text.chars().any(char::is_control), "{text:?}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{captures, lab_captures};

    /// Maximum bytes of an open flow, averaged over the first packets with payload of all flows, and
    /// of a finished one.
    const MOST: usize = 600;

    /// Bytes and number of flows.
    #[derive(Debug, Default)]
    struct Sum {
        bytes: usize,
        flows: usize,
    }

    impl Sum {
        fn add(&mut self, bytes: usize) {
            self.bytes += bytes;
            self.flows += 1;
        }

        fn mean(&self) -> usize {
            self.bytes / self.flows
        }
    }

    #[test]
    fn flows_of_real_programs_take_little_memory() {
        let dissector = Dissector::new(Config::default());
        let (mut open, mut finished) = (Sum::default(), Sum::default());
        for capture in captures().into_iter().chain(lab_captures()) {
            for (target, data) in seeds(&capture).unwrap() {
                // The port comes first where it varies, then the options.
                let number = data.split_first_chunk().map(|(head, _)| u16::from_be_bytes(*head));
                let (protocol, port, head) = match target {
                    "streams" => (TCP, server_port(TCP, number.unwrap()), 3),
                    "datagrams" => (UDP, server_port(UDP, number.unwrap()), 3),
                    "tls" => (TCP, 443, 1),
                    _ => (UDP, 443, 1),
                };
                let endpoints = Endpoints {
                    protocol,
                    client: SocketAddr::from((Ipv4Addr::new(192, 0, 2, 1), 50_000)),
                    server: SocketAddr::from((Ipv4Addr::new(192, 0, 2, 2), port)),
                };
                let mut flow = Flow::default();
                let mut progress = Progress::More;
                for (direction, payload) in payloads(&data[head..]) {
                    let packet =
                        Packet { endpoints: &endpoints, direction, segment: None, payload };
                    if progress == Progress::More {
                        progress = dissector.inspect(&mut flow, &packet);
                    }
                    // A caller finishes a flow when its inspection ends, and keeps the findings.
                    let held = match progress {
                        Progress::More => size_of::<Flow>(),
                        Progress::Done => size_of::<Found>(),
                    };
                    open.add(held + flow.memory());
                }
                let found = dissector.finish(flow, &endpoints);
                let metadata = found.metadata.map_or(0, |_| size_of::<Metadata>());
                finished.add(size_of::<Found>() + metadata);
            }
        }
        assert!(open.flows > 100 && finished.flows > 100);
        assert!(open.mean() <= MOST, "{} bytes", open.mean());
        assert!(finished.mean() <= MOST, "{} bytes", finished.mean());
    }
}
