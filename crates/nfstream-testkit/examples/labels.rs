//! Compares the labels of the dissect crate with those that another program gave.
//!
//!     cargo run -p nfstream-testkit --example labels -- [--worst N] [--flows] LABELS CAPTURE...
//!
//! `LABELS` is a folder with a table for each capture, `NAME.csv`, of the columns `src_ip`,
//! `src_port`, `dst_ip`, `dst_port`, `protocol`, `first_seen_ms`, `application_name`,
//! `requested_server_name` and `client_fingerprint`. Flows end after 120 s of silence or 1800 s
//! in all, and 20 packets of each are inspected. Tunnels stay closed. `--flows` prints each flow
//! that differs. Means are over captures, so that one with many flows decides nothing.

#![allow(clippy::print_stdout, reason = "a tool reports")]

use std::collections::HashMap;
use std::error::Error;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use nfstream::capture::{self, Source};
use nfstream::decode;
use nfstream::packet::{Chunk, Fragment, Packet, TcpFlags};
use nfstream_dissect::{
    Config, Direction, Dissector, Endpoints, Fingerprints, Flow, Found, Limits, Segment,
};

/// Addresses, ports and IP protocol of a flow, the source first.
type Key = (SocketAddr, SocketAddr, u8);

struct Open {
    endpoints: Endpoints,
    flow: Flow,
    done: bool,
    first: i64,
    last: i64,
}

struct Labelled {
    endpoints: Endpoints,
    first: i64,
    name: String,
    found: Found,
}

#[derive(Default)]
struct Counts {
    flows: usize,
    finer: usize,
    named: usize,
    lost: usize,
    names: [usize; 2],
    ja4: [usize; 2],
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut worst = 40;
    let mut list = false;
    let mut paths: Vec<PathBuf> = Vec::new();
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--worst" => worst = arguments.next().ok_or("--worst takes a number")?.parse()?,
            "--flows" => list = true,
            _ => paths.push(argument.into()),
        }
    }
    let (labels, captures) = paths.split_first().ok_or("usage: labels LABELS CAPTURE...")?;
    let limits = Limits { tcp_packets: 20, udp_packets: 20 };
    let fingerprints = Fingerprints { ja4: true, ..Fingerprints::default() };
    let dissector = Dissector::new(Config { limits, fingerprints, ..Config::default() });
    let mut differences: HashMap<(String, String), usize> = HashMap::new();
    let (mut finer, mut unknown) = (Vec::new(), Vec::new());
    let (mut names, mut ja4) = ([0, 0], [0, 0]);
    for capture in captures {
        let name = capture.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let table = labels.join(format!("{name}.csv"));
        if !table.exists() {
            continue;
        }
        let counts = match compare(&dissector, capture, &table, &mut differences, list) {
            Ok(counts) => counts,
            Err(error) => {
                println!("{name}: {error}");
                continue;
            }
        };
        if counts.flows > 0 {
            finer.push(counts.finer as f64 / counts.flows as f64);
        }
        if counts.named > 0 {
            unknown.push(counts.lost as f64 / counts.named as f64);
        }
        names = [names[0] + counts.names[0], names[1] + counts.names[1]];
        ja4 = [ja4[0] + counts.ja4[0], ja4[1] + counts.ja4[1]];
        println!(
            "{name}: {} flows, {} equal or finer, {} left unknown, names {}/{}, JA4 {}/{}",
            counts.flows,
            counts.finer,
            counts.lost,
            counts.names[0],
            counts.names[1],
            counts.ja4[0],
            counts.ja4[1]
        );
    }
    let mut differences: Vec<_> = differences.into_iter().collect();
    differences.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    for ((theirs, ours), count) in differences.into_iter().take(worst) {
        println!("{count:6} {theirs} -> {ours}");
    }
    let mean = |shares: &[f64]| shares.iter().sum::<f64>() / shares.len().max(1) as f64;
    println!(
        "{} captures: equal or finer {:.4}, left unknown {:.4}, names {}/{}, JA4 {}/{}",
        finer.len(),
        mean(&finer),
        mean(&unknown),
        names[0],
        names[1],
        ja4[0],
        ja4[1]
    );
    Ok(())
}

fn compare(
    dissector: &Dissector,
    capture: &Path,
    table: &Path,
    differences: &mut HashMap<(String, String), usize>,
    list: bool,
) -> Result<Counts, Box<dyn Error>> {
    let mut flows: HashMap<Endpoints, Vec<Labelled>> = HashMap::new();
    for flow in label(dissector, capture)? {
        flows.entry(flow.endpoints).or_default().push(flow);
    }
    let mut counts = Counts::default();
    let mut reader = csv::Reader::from_path(table)?;
    let headers = reader.headers()?.clone();
    let place = |name: &str| headers.iter().position(|header| header == name).unwrap_or(usize::MAX);
    for row in reader.records() {
        let row = row?;
        let field = |name: &str| row.get(place(name)).unwrap_or_default();
        let end = |ip: &str, port: &str| -> Result<SocketAddr, Box<dyn Error>> {
            Ok(SocketAddr::new(field(ip).parse()?, field(port).parse()?))
        };
        let endpoints = Endpoints {
            protocol: field("protocol").parse()?,
            client: end("src_ip", "src_port")?,
            server: end("dst_ip", "dst_port")?,
        };
        let flow = take(&mut flows, endpoints, field("first_seen_ms").parse()?);
        let ours = flow.as_ref().map_or("(no flow)", |flow| &flow.name);
        let theirs = field("application_name");
        counts.flows += 1;
        if accepts(ours, theirs) {
            counts.finer += 1;
        } else {
            *differences.entry((theirs.to_owned(), ours.to_owned())).or_default() += 1;
            if list {
                println!(
                    "  {} {} > {} {} {theirs} -> {ours}",
                    endpoints.protocol,
                    endpoints.client,
                    endpoints.server,
                    field("first_seen_ms"),
                );
            }
        }
        if theirs != "Unknown" {
            counts.named += 1;
            counts.lost += usize::from(matches!(ours, "Unknown" | "(no flow)"));
        }
        let metadata = flow.and_then(|flow| flow.found.metadata).unwrap_or_default();
        let wanted = field("client_fingerprint");
        if wanted.starts_with(['t', 'q', 'd']) && wanted.matches('_').count() == 2 {
            counts.ja4[1] += 1;
            let ja4 = metadata.tls.map(|tls| tls.ja4_of_ndpi(&metadata.host)).unwrap_or_default();
            counts.ja4[0] += usize::from(ja4 == wanted);
            if list && ja4 != wanted {
                println!("  JA4 {wanted} -> {ja4}");
            }
        }
        let wanted = field("requested_server_name");
        if !wanted.is_empty() {
            counts.names[1] += 1;
            let host = metadata.host;
            let same = host.eq_ignore_ascii_case(wanted);
            counts.names[0] += usize::from(same);
            if list && !same {
                println!("  name {wanted:?} -> {host:?}");
            }
        }
    }
    Ok(counts)
}

/// Takes the flow between `endpoints`, in either direction, that began at `first` or nearest to it.
fn take(
    flows: &mut HashMap<Endpoints, Vec<Labelled>>,
    endpoints: Endpoints,
    first: i64,
) -> Option<Labelled> {
    let Endpoints { protocol, client, server } = endpoints;
    let reversed = Endpoints { protocol, client: server, server: client };
    [endpoints, reversed].into_iter().find_map(|endpoints| {
        let same = flows.get_mut(&endpoints)?;
        let distance = |flow: &Labelled| flow.first.abs_diff(first);
        let (place, _) = same.iter().enumerate().min_by_key(|(_, flow)| distance(flow))?;
        Some(same.swap_remove(place))
    })
}

/// Returns whether `ours` is the label `theirs` or a finer one.
fn accepts(ours: &str, theirs: &str) -> bool {
    let (ours, theirs_parts) = (plain(ours), plain(theirs));
    theirs == "Unknown"
        || ours.starts_with(&theirs_parts)
        || (ours.len() > 1 && ours[ours.len() - 1..] == theirs_parts[..])
}

fn plain(label: &str) -> Vec<String> {
    let parts = label.split('.').map(|part| {
        let part: String = part.chars().filter(|c| !"_- /()".contains(*c)).collect();
        match part.to_lowercase().as_str() {
            "esp" | "ah" => "ipsec".to_owned(),
            "smbv23" => "smbv2".to_owned(),
            "microsoft365" => "office365".to_owned(),
            part => part.to_owned(),
        }
    });
    parts.collect()
}

fn label(dissector: &Dissector, capture: &Path) -> Result<Vec<Labelled>, Box<dyn Error>> {
    const IDLE: i64 = 120_000;
    const ACTIVE: i64 = 1_800_000;
    let mut source = capture::open(&[capture.to_owned()])?;
    let mut chunk = Chunk::default();
    let mut fragments = Vec::new();
    let mut open: HashMap<Key, Open> = HashMap::new();
    let mut labelled = Vec::new();
    let mut now = i64::MIN;
    loop {
        // Packets before damage count.
        let more = source.read(&mut chunk, 8192).unwrap_or(false);
        for record in &chunk.records {
            let Ok(packet) =
                decode::decode(record, chunk.frame(record), Default::default(), &mut fragments)
            else {
                continue;
            };
            if packet.fragment == Fragment::Later {
                continue;
            }
            let end = |ip: IpAddr, port| SocketAddr::new(ip, port);
            let src = end(packet.src.ip(packet.version), packet.src.port);
            let dst = end(packet.dst.ip(packet.version), packet.dst.port);
            // Time does not run backwards.
            now = now.max(packet.time.millis());
            let millis = now;
            let key = [(src, dst, packet.protocol), (dst, src, packet.protocol)];
            let known = key.into_iter().find(|key| open.contains_key(key));
            let key = known.unwrap_or((src, dst, packet.protocol));
            if let Some(flow) = open.get(&key)
                && (millis - flow.last >= IDLE || millis - flow.first >= ACTIVE)
                && let Some(flow) = open.remove(&key)
            {
                labelled.push(finish(dissector, flow));
            }
            let key = if open.contains_key(&key) { key } else { (src, dst, packet.protocol) };
            let flow = open.entry(key).or_insert_with(|| Open {
                endpoints: Endpoints { protocol: packet.protocol, client: src, server: dst },
                flow: Flow::default(),
                done: false,
                first: millis,
                last: millis,
            });
            flow.last = millis;
            if !flow.done {
                inspect(dissector, flow, &packet, src, chunk.bytes.as_slice());
            }
        }
        if !more {
            break;
        }
    }
    labelled.extend(open.into_values().map(|flow| finish(dissector, flow)));
    Ok(labelled)
}

fn inspect(dissector: &Dissector, flow: &mut Open, packet: &Packet, src: SocketAddr, bytes: &[u8]) {
    let frame = packet.frame(bytes);
    let offset = usize::try_from(packet.transport_offset).unwrap_or(usize::MAX);
    let segment = (packet.protocol == 6).then(|| {
        let sequence = frame.get(offset..).and_then(|tcp| tcp.get(4..8)?.first_chunk().copied());
        let flag = |flag| packet.tcp_flags.contains(flag);
        Segment {
            sequence: sequence.map_or(0, u32::from_be_bytes),
            syn: flag(TcpFlags::SYN),
            ack: flag(TcpFlags::ACK),
            end: flag(TcpFlags::FIN) || flag(TcpFlags::RST),
        }
    });
    let direction =
        if src == flow.endpoints.client { Direction::FromClient } else { Direction::FromServer };
    let packet = nfstream_dissect::Packet {
        endpoints: &flow.endpoints,
        direction,
        segment,
        payload: packet.payload(bytes),
    };
    flow.done = dissector.inspect(&mut flow.flow, &packet) == nfstream_dissect::Progress::Done;
}

fn finish(dissector: &Dissector, open: Open) -> Labelled {
    let found = dissector.finish(open.flow, &open.endpoints);
    let name = dissector.name(found.label);
    Labelled { endpoints: open.endpoints, first: open.first, name, found }
}
