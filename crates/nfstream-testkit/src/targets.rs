//! Fuzz targets: functions that take any bytes and panic on a bug. The fuzzer and the test that
//! replays its findings share them.
//!
//! [`pcap`] and [`pcapng`] take a file. [`flow_table`] takes a byte for each choice. [`dtls`],
//! [`quic`] and [`tls`] take a conversation, see [`conversations`]; [`datagrams`] and [`streams`]
//! take two bytes for the port before it, see [`conversations::server_port`]. The others take frames
//! in the format of [`write_frames`]: a byte of options, the link type, then the frames.

use std::fs::File;
use std::io::Write as _;
use std::os::fd::AsRawFd as _;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock};

use nfstream::capture::{self, CaptureError, Source};
use nfstream::condition::Condition;
use nfstream::decode::{self, FragmentId, Options, decode};
use nfstream::features::{Group, Measuring, Record, Schema};
use nfstream::flow::{Direction, FlowKey, FragmentTable, Segment, Timeouts};
use nfstream::packet::{Chunk, Fragment, LinkType, Packet, RawRecord};
use nfstream::table::{Table, TableSpec};
use nfstream::time::{Duration, Timestamp};
use nfstream::{Config, Dialect, Run, Stats, Step};

use crate::conversations::{self, TCP, UDP};
use crate::strategies::Plan;
use crate::{Captured, Ends, MemorySource, capture_from, model, records, seconds};

/// Fuzz target.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Name of the program that fuzzes it.
    pub name: &'static str,
    /// Function that takes any bytes and panics on a bug.
    pub run: fn(&[u8]),
}

/// Every target.
pub const ALL: [Target; 12] = [
    Target { name: "condition", run: condition },
    Target { name: "datagrams", run: datagrams },
    Target { name: "dtls", run: dtls },
    Target { name: "engine", run: engine },
    Target { name: "flow_table", run: flow_table },
    Target { name: "link", run: link },
    Target { name: "pcap", run: pcap },
    Target { name: "pcapng", run: pcapng },
    Target { name: "quic", run: quic },
    Target { name: "streams", run: streams },
    Target { name: "tls", run: tls },
    Target { name: "tunnels", run: tunnels },
];

const BOTH: [Direction; 2] = [Direction::Src2Dst, Direction::Dst2Src];

/// Maximum size of a file, so that it fits into a pipe.
const PIPE: usize = 64 << 10;

/// Text of a condition on flows: parsing and evaluation must not panic.
pub fn condition(data: &[u8]) {
    static FLOWS: LazyLock<(Vec<Record>, Arc<Schema>)> = LazyLock::new(flows_with_all_columns);
    let (records, schema) = &*FLOWS;
    let columns = schema.columns().iter().copied();
    match Condition::parse(&String::from_utf8_lossy(data), columns) {
        Ok(condition) => {
            for record in records {
                if let Err(error) = condition.matches(record, schema.names()) {
                    assert!(!error.to_string().is_empty());
                }
            }
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

fn flows_with_all_columns() -> (Vec<Record>, Arc<Schema>) {
    let capture = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/captures/redis.pcap");
    let source = capture::open(&[capture.into()]).expect("the capture is in the repository");
    let measuring =
        Measuring { groups: Group::ALL.to_vec(), splt_packets: 10, ..Measuring::default() };
    let config = Config { measuring, ..Config::default() };
    let mut run = Run::new(Box::new(source), &config).expect("the run starts");
    let schema = Arc::clone(run.schema());
    (records(&mut run).expect("the capture is whole"), schema)
}

/// File in the pcap format, possibly compressed.
pub fn pcap(data: &[u8]) {
    if !data.starts_with(SECTION_HEADER) {
        read_both_ways(data);
    }
}

/// File in the pcapng format.
pub fn pcapng(data: &[u8]) {
    if data.starts_with(SECTION_HEADER) {
        read_both_ways(data);
    }
}

const SECTION_HEADER: &[u8] = b"\x0a\x0d\x0d\x0a";

/// Checks that a mapped file and a stream of the same bytes give the same packets and result.
fn read_both_ways(data: &[u8]) {
    let Some(data) = data.get(..data.len().min(PIPE)) else { return };
    let mut file = scratch();
    file.file.set_len(0).expect("a scratch file can be emptied");
    std::io::Seek::rewind(&mut file.file).expect("a scratch file can be rewound");
    file.file.write_all(data).expect("a scratch file can be written");
    let mapped = read(&file.path);
    let (reader, mut writer) = std::io::pipe().expect("there is a pipe");
    writer.write_all(data).expect("a pipe holds this much");
    drop(writer);
    let streamed = read(&PathBuf::from(format!("/proc/self/fd/{}", reader.as_raw_fd())));
    // A compressed file is a stream in both cases. The amount of data before a defect depends on
    // the sizes of the reads.
    if !is_compressed(data) {
        assert_eq!(mapped, streamed, "mapped and streamed");
    }
}

/// Returns whether `data` starts like a gzip or zstd file.
fn is_compressed(data: &[u8]) -> bool {
    matches!(data, [0x1f, 0x8b, ..] | [0x28, 0xb5, 0x2f, 0xfd, ..])
        || matches!(data, [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..])
}

/// Temporary file.
struct Scratch {
    file: File,
    path: PathBuf,
}

fn scratch() -> Scratch {
    // The file disappears with the last process that has it open, even after a crash.
    let folder = if std::path::Path::new("/dev/shm").is_dir() { "/dev/shm" } else { "/tmp" };
    let named = PathBuf::from(format!("{folder}/nfstream-fuzz-{:?}", std::thread::current().id()))
        .with_extension(std::process::id().to_string());
    let file = File::options().read(true).write(true).create(true).truncate(true).open(&named);
    let file = file.expect("a scratch file can be made");
    std::fs::remove_file(&named).expect("a scratch file can be removed");
    let path = PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()));
    Scratch { file, path }
}

/// Result of reading a file: frames, warnings without a path, and the error.
#[derive(Debug, PartialEq)]
struct Contents {
    frames: Vec<(Timestamp, LinkType, u32, Vec<u8>)>,
    warnings: usize,
    failure: Option<std::mem::Discriminant<CaptureError>>,
}

fn read(path: &PathBuf) -> Contents {
    let mut contents = Contents { frames: Vec::new(), warnings: 0, failure: None };
    let fail = |error: CaptureError| {
        assert!(!error.to_string().is_empty());
        Some(std::mem::discriminant(&error))
    };
    let mut source = match capture::open(std::slice::from_ref(path)) {
        Ok(source) => source,
        Err(error) => {
            contents.failure = fail(error);
            return contents;
        }
    };
    let mut chunk = Chunk::default();
    loop {
        match source.read(&mut chunk, 100) {
            Ok(true) => {}
            Ok(false) => break,
            Err(error) => {
                contents.failure = fail(error);
                assert!(
                    matches!(source.read(&mut chunk, 100), Ok(false)),
                    "reading continues after the end"
                );
                break;
            }
        }
        assert!(
            !chunk.records.is_empty() && chunk.records.len() <= 100,
            "an empty or too large chunk"
        );
        for record in &chunk.records {
            let frame = chunk.frame(record);
            assert_eq!(
                u32::try_from(frame.len()),
                Ok(record.capture_len),
                "a frame outside of its chunk"
            );
            contents.frames.push((record.time, record.link, record.wire_len, frame.to_vec()));
        }
    }
    contents.warnings = source.take_warnings().len();
    contents
}

/// Conversation over DTLS.
pub fn dtls(data: &[u8]) {
    conversations::dissect(UDP, 4433, data);
}

/// Conversation over QUIC.
pub fn quic(data: &[u8]) {
    conversations::dissect(UDP, 443, data);
}

/// Conversation over UDP with a server at any port.
pub fn datagrams(data: &[u8]) {
    at_any_port(UDP, data);
}

/// Conversation over TCP with a server at any port.
pub fn streams(data: &[u8]) {
    at_any_port(TCP, data);
}

fn at_any_port(protocol: u8, data: &[u8]) {
    let Some((number, data)) = data.split_first_chunk() else { return };
    let port = conversations::server_port(protocol, u16::from_be_bytes(*number));
    conversations::dissect(protocol, port, data);
}

/// Conversation over TLS.
pub fn tls(data: &[u8]) {
    conversations::dissect(TCP, 443, data);
}

/// One frame with its link type and options of decoding.
pub fn link(data: &[u8]) {
    let Some(frames) = Frames::parse(data) else { return };
    let bytes = frames.rest;
    let packet = frames.decode(bytes, Timestamp::default(), &mut Vec::new());
    let Some(packet) = packet else { return };
    let key = FlowKey::of(&packet).0;
    let back = Packet { src: packet.dst, dst: packet.src, ..packet };
    assert_eq!(key, FlowKey::of(&back).0, "both directions have one key");
}

/// Sequence of frames with tunnels and fragments.
pub fn tunnels(data: &[u8]) {
    let Some(frames) = Frames::parse(data) else { return };
    let mut fragments = FragmentTable::default();
    for (time, frame) in frames.iter() {
        let mut ids = Vec::new();
        let Some(before) = frames.decode(frame, time, &mut ids) else { continue };
        let mut packets = [before];
        fragments.resolve(&mut packets, &ids);
        let [packet] = packets;
        if packet.fragment != Fragment::Later {
            assert_eq!(packet, before, "only later fragments may get another key");
        }
    }
}

/// Whole engine, with the default dissector and all columns.
pub fn engine(data: &[u8]) {
    let Some(frames) = Frames::parse(data) else { return };
    let packets: Vec<_> = frames.captured().collect();
    let config = Config {
        timeouts: Timeouts {
            idle: Duration::from_nanos(30_000_000_000),
            active: Duration::from_nanos(60_000_000_000),
        },
        measuring: Measuring {
            groups: Group::ALL.to_vec(),
            splt_packets: 12,
            track_tcp: frames.options & 4 != 0,
            ..Measuring::default()
        },
        decode: frames.options(),
        dialect: frames.dialect(),
        ..Config::default()
    };
    run(MemorySource::new(packets).boxed(), &config);
}

/// Runs to the end, builds a table of all rows, checks that every packet is accounted for, and
/// returns the counts.
///
/// # Panics
///
/// Panics if the run fails or a packet is missing.
pub fn run(source: Box<dyn Source>, config: &Config) -> Stats {
    let mut run = Run::new(source, config).expect("the run starts");
    let schema = Arc::clone(run.schema());
    let table = Table::new(&schema, &TableSpec::default()).expect("the run's own columns");
    let mut builder = table.builder(run.record_pool());
    let mut in_flows = 0;
    loop {
        let (records, last) = match run.advance() {
            Ok(Step::Records(records)) => (records, false),
            Ok(Step::Last(records)) => (records, true),
            // A damaged file ends with an error after all flows.
            Err(nfstream::RunError::Capture(_)) => break,
            Err(error) => panic!("{error}"),
        };
        in_flows += records
            .iter()
            .map(|record| BOTH.map(|way| record.volume.packets(way)).iter().sum::<u64>())
            .sum::<u64>();
        let rows = records.len();
        let batches = builder.append(records).expect("columns have their types");
        let rest = builder.rest().expect("columns have their types");
        let made: usize = batches.iter().chain(&rest).map(|batch| batch.num_rows()).sum();
        assert_eq!(made, rows);
        if last {
            break;
        }
    }
    let stats = run.monitor().stats();
    assert_eq!(stats.flow_packets, in_flows, "packets in flows");
    assert_eq!(stats.flow_packets + stats.ignored.total(), stats.packets, "all accounted for");
    stats
}

/// Stream of packets among few ends, compared with the model.
pub fn flow_table(data: &[u8]) {
    let Some((&[limit, idle, chunk], steps)) = data.split_first_chunk() else { return };
    // See `model::rows`: silence and eviction exclude each other.
    let millis = |millis: u64| Duration::from_nanos(millis * 1_000_000);
    let idle_time = if limit == 0 { millis(u64::from(idle)) } else { Duration::MAX };
    let timeouts = Timeouts { idle: idle_time, active: millis(u64::from(idle) * 5) };
    let ends = Ends { timeouts, max_active_flows: limit.into(), ..Ends::without_dpi(0, 0) };
    let ends = ends.on(1, usize::from(chunk) + 1);
    let mut time = seconds(1_700_000_000);
    // Few enough that the clock of the stream does not tick, so that it does not limit how late a
    // packet may be.
    let (steps, _) = steps.as_chunks::<4>();
    let stream: Vec<_> = steps
        .iter()
        .take(500)
        .map(|&[step, a, b, c]| {
            // In units of half a millisecond: short steps, and some that are long or negative.
            let units = match step {
                0..200 => i64::from(step % 50),
                200..240 => i64::from(step - 200) * 20,
                240.. => -i64::from(step - 240) * 16,
            };
            time = Timestamp::from_nanos(time.nanos() + units * 500_000);
            (time, Plan::numbered(u32::from_le_bytes([a, b, c, 0]) % Plan::NUMBERS))
        })
        .collect();
    let packets: Vec<_> = stream.iter().map(|(time, plan)| plan.captured(*time)).collect();
    let total = capture_from(MemorySource::new(packets).boxed(), &ends);
    assert_eq!(total.rows, model::rows(&stream, &ends));
    assert_eq!(total.stats.flow_packets, total.stats.packets);
}

/// Frames in the input of a target.
struct Frames<'a> {
    options: u8,
    link: LinkType,
    rest: &'a [u8],
}

impl<'a> Frames<'a> {
    fn parse(data: &'a [u8]) -> Option<Self> {
        let (&[options, low, high], rest) = data.split_first_chunk()?;
        Some(Self { options, link: LinkType(u16::from_le_bytes([low, high])), rest })
    }

    fn options(&self) -> Options {
        Options { tunnels: self.options & 1 != 0, ..Options::default() }
    }

    fn dialect(&self) -> Dialect {
        #[cfg(feature = "nfstream6")]
        if self.options & 2 != 0 {
            return Dialect::Nfstream6;
        }
        Dialect::Standard
    }

    /// Returns the frames and their times: one byte of time, two of length, then the frame.
    fn iter(&self) -> impl Iterator<Item = (Timestamp, &'a [u8])> {
        let mut rest = self.rest;
        let mut time = seconds(1_700_000_000);
        std::iter::from_fn(move || {
            let (&[step, low, high], after) = rest.split_first_chunk()?;
            let len = usize::from(u16::from_le_bytes([low, high]));
            let (frame, after) = after.split_at(len.min(after.len()));
            rest = after;
            time = time.plus(Duration::from_nanos(u64::from(step) * 100_000_000));
            Some((time, frame))
        })
    }

    fn captured(&self) -> impl Iterator<Item = Captured> {
        self.iter().map(|(time, frame)| Captured {
            time,
            link: self.link,
            bytes: frame.to_vec(),
            wire_len: u32::try_from(frame.len()).expect("65535 at most"),
        })
    }

    /// Decodes a frame and checks that its offsets lie within it. Adds the identity of a fragment
    /// to `fragments`.
    fn decode(
        &self,
        frame: &[u8],
        time: Timestamp,
        fragments: &mut Vec<FragmentId>,
    ) -> Option<Packet> {
        let len = u32::try_from(frame.len()).ok()?;
        let link = self.link;
        let record = RawRecord { time, offset: 0, capture_len: len, wire_len: len, link };
        let decoded = match self.dialect() {
            #[cfg(feature = "nfstream6")]
            Dialect::Nfstream6 => nfstream::nfstream6::decode(&record, frame, self.options()),
            _ => decode(&record, frame, self.options(), fragments),
        };
        let packet = match decoded {
            Ok(packet) => packet,
            Err(reason) => {
                assert!(decode::DecodeError::REASONS.contains(&reason.reason()));
                return None;
            }
        };
        assert!(matches!(packet.version, 4 | 6), "version {}", packet.version);
        assert!(packet.ip_offset < len, "an IP header outside of the frame");
        assert!(packet.ip_offset <= packet.transport_offset, "transport before IP");
        assert!(packet.transport_offset <= packet.payload_offset, "payload before transport");
        assert!(!packet.ip_bytes(frame).is_empty(), "no IP packet");
        assert!(packet.payload(frame).len() <= frame.len());
        let _ = Segment::read(&packet, frame);
        let _ = self.dialect().link_addresses()(&packet, frame);
        Some(packet)
    }
}

/// Writes frames of one link type for the targets that take frames.
pub fn write_frames<'a>(
    options: u8,
    link: LinkType,
    frames: impl Iterator<Item = (Timestamp, &'a [u8])>,
) -> Vec<u8> {
    let [low, high] = link.0.to_le_bytes();
    let mut data = vec![options, low, high];
    let mut before = None;
    for (time, frame) in frames {
        let pause = time.since(before.unwrap_or(time)).nanos() / 100_000_000;
        before = Some(time);
        let frame = frame.get(..frame.len().min(65_535)).unwrap_or_default();
        data.push(u8::try_from(pause).unwrap_or(u8::MAX));
        data.extend(u16::try_from(frame.len()).unwrap_or(u16::MAX).to_le_bytes());
        data.extend_from_slice(frame);
    }
    data
}

/// Returns the frames of a capture in groups of a few hundred, for the targets that take frames.
///
/// # Errors
///
/// Returns the error if the capture cannot be read.
pub fn seeds(path: &PathBuf) -> Result<Vec<Vec<u8>>, CaptureError> {
    let mut source = capture::open(std::slice::from_ref(path))?;
    let mut chunk = Chunk::default();
    let mut seeds = Vec::new();
    while source.read(&mut chunk, 100)? {
        let link = chunk.records.first().map(|record| record.link).unwrap_or_default();
        let records = chunk.records.iter().filter(|record| record.link == link);
        let frames = records.map(|record| (record.time, chunk.frame(record)));
        // With tunnels and connection tracking.
        seeds.push(write_frames(0b101, link, frames));
    }
    Ok(seeds)
}
