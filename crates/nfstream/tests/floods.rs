//! Floods of packets that each start a conversation: memory stays within its limits, in flows and in
//! bytes.
//!
//! `NFSTREAM_FLOOD_PACKETS` sets their length; `make soak` makes them ten times as long.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use nfstream::capture::{CaptureError, ReadProgress, Source, Warning};
use nfstream::dissect::{Dissection, DissectorChoice, Limits, Rules};
use nfstream::features::{Group, Measuring};
use nfstream::flow::FragmentTable;
use nfstream::packet::{Chunk, ChunkBytes, LinkType, RawRecord};
use nfstream::time::Timestamp;
use nfstream::{Config, Run, Stats, Step};
use nfstream_testkit::{Captured, Ends, Frame, Ipv4, MemorySource};

/// Most active flows.
const LIMIT: usize = 20_000;

/// Memory for chunks in flight and the 16,384 records that wait for their place in the order.
const OVERHEAD: u64 = 64 << 20;

/// More than a flow and its entries in the index and the wheel take, which grow by doubling.
const BYTES_A_FLOW: u64 = 512;

/// More than a first fragment and its place in the order take, which grow by doubling.
const BYTES_A_FRAGMENT: u64 = 256;

/// Memory is measured for the whole process, so only one flood runs at a time.
static ALONE: Mutex<()> = Mutex::new(());

/// Packets from new senders, a microsecond apart.
struct Flood {
    /// Begins with an IPv4 header.
    frame: Vec<u8>,
    sent: u32,
    packets: u32,
}

impl Source for Flood {
    fn read(&mut self, chunk: &mut Chunk, limit: usize) -> Result<bool, CaptureError> {
        chunk.clear();
        let count = usize::try_from(self.packets - self.sent).unwrap().min(limit);
        let mut bytes = Vec::with_capacity(count * self.frame.len());
        let len = u32::try_from(self.frame.len()).unwrap();
        for _ in 0..count {
            let offset = u32::try_from(bytes.len()).unwrap();
            // The sender's address.
            self.frame[12..16].copy_from_slice(&(0x0a00_0000 + self.sent).to_be_bytes());
            bytes.extend_from_slice(&self.frame);
            let time = Timestamp::from_nanos(i64::from(self.sent) * 1000);
            let link = LinkType::RAW;
            chunk.records.push(RawRecord { time, offset, capture_len: len, wire_len: len, link });
            self.sent += 1;
        }
        chunk.bytes = ChunkBytes::Owned(Arc::new(bytes));
        Ok(count > 0)
    }

    fn may_wait(&self) -> bool {
        false
    }

    fn progress(&self) -> ReadProgress {
        ReadProgress::default()
    }

    fn take_warnings(&mut self) -> Vec<Warning> {
        Vec::new()
    }
}

fn packets() -> u32 {
    let packets = std::env::var("NFSTREAM_FLOOD_PACKETS");
    packets.map_or(500_000, |packets| packets.parse().expect("a number of packets"))
}

/// Runs over a flood of `frame`; returns the counts and the greatest growth of memory in bytes.
fn flood(frame: &Frame, meters: usize) -> (Stats, u64) {
    let source = Flood { frame: frame.build(), sent: 0, packets: packets() };
    let ends = Ends { max_active_flows: LIMIT, ..Ends::without_dpi(30, 300) };
    run(source, &ends.on(meters, 2048).config())
}

/// Runs over a flood; returns the counts and the greatest growth of memory in bytes.
fn run(source: Flood, config: &Config) -> (Stats, u64) {
    let mut run = Run::new(Box::new(source), config).unwrap();
    let (before, mut most) = (anonymous_bytes(), 0);
    loop {
        let step = run.advance().unwrap();
        most = most.max(anonymous_bytes());
        let stats = run.monitor().stats();
        assert!(stats.active_flows <= u64::try_from(LIMIT).unwrap());
        if let Step::Last(_) = step {
            return (stats, most.saturating_sub(before));
        }
    }
}

/// Returns the bytes of this process's memory without a file behind it, 0 if the system does not
/// say.
fn anonymous_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
    let kibibytes = line.and_then(|line| line.trim().strip_suffix(" kB"));
    kibibytes.map_or(0, |kibibytes| kibibytes.parse::<u64>().unwrap() * 1024)
}

fn check(stats: &Stats, grown: u64, most: u64) {
    let packets = u64::from(packets());
    assert_eq!((stats.packets, stats.flow_packets), (packets, packets));
    assert_eq!(stats.flows, packets, "each packet is a flow");
    let limit = u64::try_from(LIMIT).unwrap();
    assert!(stats.evicted_flows > packets - 2 * limit);
    assert!(grown < most, "memory grew by {grown} bytes, more than {most}");
}

#[test]
fn a_syn_flood_stays_within_the_limit() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let syn = Frame::raw().ipv4([0; 4], [192, 0, 2, 1]).tcp(50_000, 443, 0x02);
    for meters in [1, 2] {
        let (stats, grown) = flood(&syn, meters);
        check(&stats, grown, OVERHEAD + u64::try_from(LIMIT).unwrap() * BYTES_A_FLOW);
    }
}

#[test]
fn a_flood_of_first_fragments_stays_within_the_limits() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let header = Ipv4::new([0; 4], [192, 0, 2, 1]).fragment(7, 0, true);
    let (stats, grown) = flood(&Frame::raw().ip(header).udp(1000, 53).payload_len(16), 1);
    let flows = u64::try_from(LIMIT).unwrap() * BYTES_A_FLOW;
    let fragments = u64::try_from(FragmentTable::CAPACITY).unwrap() * BYTES_A_FRAGMENT;
    check(&stats, grown, OVERHEAD + flows + fragments);
}

/// Flows of a flood of bytes: enough for 80 MB, if each held its packet.
const HEAVY_FLOWS: u32 = 2000;

/// More than a flow of the flood may hold in addition to the packets in flight: what a dissector has
/// read, and twice that when all flows end at once.
const BYTES_A_HEAVY_FLOW: u64 = 20 << 10;

/// Packets of 40 kB that each start a conversation with `payload`, in chunks of a few.
fn heavy(payload: &[u8], dissector: DissectorChoice) -> (Flood, Config) {
    let frame = Frame::raw().ipv4([0; 4], [192, 0, 2, 1]).tcp(50_000, 80, 0x18).payload(payload);
    let source = Flood { frame: frame.build(), sent: 0, packets: HEAVY_FLOWS };
    let dissector = dissector.factory(Rules::default());
    let ends = Ends::without_dpi(30, 300).on(1, 64);
    let dissection = Some(Dissection { dissector, limits: Limits::default() });
    (source, Config { dissection, ..ends.config() })
}

/// Payloads of which a dissector may keep much: long texts, and a head of a request without an end.
fn greedy_payloads() -> Vec<(&'static str, Vec<u8>)> {
    let long = "a".repeat(40_000);
    let request = |head: String| format!("{head}\r\nHost: example.com\r\n\r\n").into_bytes();
    vec![
        ("user agent", request(format!("GET / HTTP/1.1\r\nUser-Agent: {long}"))),
        ("target", request(format!("GET /{long} HTTP/1.1"))),
        ("content type", request(format!("POST / HTTP/1.1\r\nContent-Type: {long}"))),
        ("open head", format!("GET / HTTP/1.1\r\nX: {long}").into_bytes()),
    ]
}

#[test]
fn flows_do_not_keep_the_bytes_of_their_packets() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    for (name, _) in DissectorChoice::NAMES {
        let dissector = DissectorChoice::by_name(name).unwrap();
        for (what, payload) in greedy_payloads() {
            let (source, config) = heavy(&payload, dissector);
            let (stats, grown) = run(source, &config);
            assert_eq!((stats.flows, stats.evicted_flows), (HEAVY_FLOWS.into(), 0));
            let most = (24 << 20) + u64::from(HEAVY_FLOWS) * BYTES_A_HEAVY_FLOW;
            assert!(grown < most, "{name}, {what}: memory grew by {grown} bytes");
        }
    }
}

#[test]
fn more_bytes_than_allowed_evict_flows() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    for (name, _) in DissectorChoice::NAMES {
        let (_, payload) = &greedy_payloads()[0];
        let (source, mut config) = heavy(payload, DissectorChoice::by_name(name).unwrap());
        config.max_active_bytes = NonZeroUsize::new(256 << 10);
        let (stats, grown) = run(source, &config);
        assert_eq!((stats.flow_packets, stats.flows), (HEAVY_FLOWS.into(), HEAVY_FLOWS.into()));
        assert!(stats.evicted_flows > u64::from(HEAVY_FLOWS) / 2, "{name}: {stats:?}");
        assert!(grown < 40 << 20, "{name}: memory grew by {grown} bytes");
    }
}

/// Packets of a few flows, one after the other.
#[test]
fn long_lists_of_packets_evict_flows() {
    const FLOWS: u32 = 16;
    let packet = |number: u32| {
        let host = (number % FLOWS).to_be_bytes()[3];
        let frame = Frame::ethernet().ipv4([192, 0, 2, host], [198, 51, 100, 1]).udp(1, 2);
        Captured::new(Timestamp::from_nanos(i64::from(number)), &frame)
    };
    let packets: Vec<_> = (0..FLOWS * 1000).map(packet).collect();
    let measuring =
        Measuring { groups: vec![Group::Splt], splt_packets: 1000, ..Measuring::default() };
    let ends = Ends::without_dpi(30, 300);
    for (most, evicts) in [(64 << 10, true), (1 << 20, false)] {
        let config = Config {
            measuring: measuring.clone(),
            max_active_bytes: NonZeroUsize::new(most),
            ..ends.config()
        };
        let mut run = Run::new(MemorySource::new(packets.as_slice()).boxed(), &config).unwrap();
        while !matches!(run.advance().unwrap(), Step::Last(_)) {}
        let stats = run.monitor().stats();
        assert_eq!(stats.flow_packets, u64::from(FLOWS) * 1000);
        assert_eq!(stats.evicted_flows > 0, evicts, "{stats:?}");
    }
}
