//! Handmade captures for tests.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use super::Corruption;
use super::format::Parser;
use super::outcome::{End, Failure};
use super::parsed::Stop;
use super::stream::{Stream, Window};
use crate::packet::{Chunk, ChunkBytes, RawRecord};

/// A number in the byte order of a capture.
#[derive(Clone, Copy, Debug)]
pub(super) enum Order {
    Big,
    Little,
}

impl Order {
    pub(super) fn u16(self, number: u16) -> [u8; 2] {
        match self {
            Self::Big => number.to_be_bytes(),
            Self::Little => number.to_le_bytes(),
        }
    }

    pub(super) fn u32(self, number: u32) -> [u8; 4] {
        match self {
            Self::Big => number.to_be_bytes(),
            Self::Little => number.to_le_bytes(),
        }
    }
}

pub(super) const MICROSECONDS: u32 = 0xa1b2_c3d4;
pub(super) const NANOSECONDS: u32 = 0xa1b2_3c4d;
pub(super) const MODIFIED: u32 = 0xa1b2_cd34;

pub(super) fn pcap_header(order: Order, magic: u32, snaplen: u32, network: u32) -> Vec<u8> {
    [
        &order.u32(magic)[..],
        &order.u16(2),
        &order.u16(4),
        &[0; 8],
        &order.u32(snaplen),
        &order.u32(network),
    ]
    .concat()
}

pub(super) fn pcap_record(order: Order, time: (u32, u32), wire_len: u32, frame: &[u8]) -> Vec<u8> {
    let len = u32::try_from(frame.len()).unwrap();
    let header = [time.0, time.1, len, wire_len].map(|field| order.u32(field)).concat();
    [&header, frame].concat()
}

/// A little-endian Ethernet capture of `frames`, one each second from 1 on.
pub(super) fn pcap(frames: &[&[u8]]) -> Vec<u8> {
    let mut bytes = pcap_header(Order::Little, MICROSECONDS, 65535, 1);
    for (second, frame) in (1..).zip(frames) {
        bytes.extend(pcap_record(Order::Little, (second, 0), 0, frame));
    }
    bytes
}

pub(super) fn block(order: Order, kind: u32, body: &[u8]) -> Vec<u8> {
    let padded = [body, &vec![0; body.len().next_multiple_of(4) - body.len()]].concat();
    let length = order.u32(u32::try_from(padded.len() + 12).unwrap());
    [&order.u32(kind)[..], &length, &padded, &length].concat()
}

pub(super) fn section(order: Order) -> Vec<u8> {
    let magic = order.u32(0x1a2b_3c4d);
    // An invalid section length, which must not be trusted.
    let body = [&magic[..], &order.u16(1), &order.u16(0), &[0x77; 8]].concat();
    block(order, 0x0a0d_0d0a, &body)
}

pub(super) fn option(order: Order, code: u16, value: &[u8]) -> Vec<u8> {
    let padding = vec![0; value.len().next_multiple_of(4) - value.len()];
    let len = u16::try_from(value.len()).unwrap();
    [&order.u16(code)[..], &order.u16(len), value, &padding].concat()
}

pub(super) fn interface(order: Order, link: u16, snaplen: u32, options: &[u8]) -> Vec<u8> {
    let body = [&order.u16(link)[..], &[0; 2], &order.u32(snaplen), options].concat();
    block(order, 1, &body)
}

pub(super) fn enhanced(
    order: Order,
    interface: u32,
    ticks: u64,
    wire_len: u32,
    frame: &[u8],
) -> Vec<u8> {
    let len = u32::try_from(frame.len()).unwrap();
    let high = u32::try_from(ticks >> 32).unwrap();
    let low = u32::try_from(ticks & 0xffff_ffff).unwrap();
    let header = [interface, high, low, len, wire_len].map(|field| order.u32(field)).concat();
    block(order, 6, &[&header, frame].concat())
}

/// A little-endian section with one Ethernet interface.
pub(super) fn pcapng_start() -> Vec<u8> {
    [section(Order::Little), interface(Order::Little, 1, 0, &[])].concat()
}

/// A packet as a test sees it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Seen {
    pub(super) nanos: i64,
    pub(super) wire_len: u32,
    pub(super) link: u16,
    pub(super) frame: Vec<u8>,
}

pub(super) fn seen(chunk: &Chunk) -> impl Iterator<Item = Seen> {
    chunk.records.iter().map(|record: &RawRecord| {
        let frame = chunk.frame(record).to_vec();
        assert_eq!(frame.len(), usize::try_from(record.capture_len).unwrap());
        Seen { nanos: record.time.nanos(), wire_len: record.wire_len, link: record.link.0, frame }
    })
}

/// How a capture ended.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Outcome {
    Complete,
    Corrupt(u64, Corruption),
    Truncated(u64),
}

/// Parses a capture that is completely in memory.
pub(super) fn parse(bytes: &[u8]) -> (Vec<Seen>, Outcome) {
    let (mut parser, mut at) = Parser::recognize(bytes).expect("the samples are captures");
    let mut packets = Vec::new();
    let shared = Arc::new(bytes.to_vec());
    loop {
        let mut chunk = Chunk { bytes: ChunkBytes::Owned(Arc::clone(&shared)), ..Chunk::default() };
        let parsed = parser.parse(bytes, at, &mut chunk.records, 3);
        assert!(parsed.next >= at);
        at = parsed.next;
        packets.extend(seen(&chunk));
        if !chunk.records.is_empty() {
            continue;
        }
        let offset = u64::try_from(at).unwrap();
        return match parsed.stop {
            Stop::Corrupt { what } => (packets, Outcome::Corrupt(offset, what)),
            _ if at == bytes.len() && parser.unfinished() == 0 => (packets, Outcome::Complete),
            _ => (packets, Outcome::Truncated(offset - parser.unfinished())),
        };
    }
}

/// Reads a capture as a stream that returns at most `step` bytes at a time.
pub(super) fn stream(bytes: &[u8], step: usize, limit: usize) -> (Vec<Seen>, Outcome) {
    let head = bytes.get(..24).unwrap_or(bytes).to_vec();
    let input = Trickle { bytes: bytes.to_vec(), at: head.len(), step };
    let mut stream = Stream::new(head, Box::new(input), 64, Window::Usual).unwrap();
    let (mut parser, start) = Parser::recognize(stream.peek(24).unwrap()).unwrap();
    stream.consume(start);
    let mut packets = Vec::new();
    let mut chunk = Chunk::default();
    // Kept, so that a buffer reused too early would be noticed.
    let mut held: Vec<(Chunk, Vec<Seen>)> = Vec::new();
    let outcome = loop {
        chunk.records.clear();
        match stream.read(&mut parser, &mut chunk, limit) {
            Ok(None) => {
                assert!((1..=limit).contains(&chunk.records.len()));
                packets.extend(seen(&chunk));
                if packets.len() % 3 == 0 {
                    held.push((chunk.clone(), seen(&chunk).collect()));
                }
            }
            Ok(Some(End::Complete)) => break Outcome::Complete,
            Ok(Some(End::Truncated { offset })) => break Outcome::Truncated(offset),
            Err(Failure::Corrupt { offset, what }) => break Outcome::Corrupt(offset, what),
            Err(other) => panic!("{other:?}"),
        }
    };
    for (chunk, before) in held {
        assert_eq!(seen(&chunk).collect::<Vec<_>>(), before);
    }
    (packets, outcome)
}

struct Trickle {
    bytes: Vec<u8>,
    at: usize,
    step: usize,
}

impl std::io::Read for Trickle {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let rest = &self.bytes[self.at..];
        let count = rest.len().min(self.step).min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        self.at += count;
        Ok(count)
    }
}

pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub(super) fn zstd(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
    encoder.include_checksum(true).unwrap();
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub(super) fn bzip2(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub(super) fn lz4(bytes: &[u8]) -> Vec<u8> {
    let info = lz4_flex::frame::FrameInfo::new()
        .content_checksum(true)
        .block_size(lz4_flex::frame::BlockSize::Max64KB);
    let mut encoder = lz4_flex::frame::FrameEncoder::with_frame_info(info, Vec::new());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub(super) fn xz(bytes: &[u8]) -> Vec<u8> {
    let options = lzma_rust2::XzOptions::with_preset(1);
    let mut encoder = lzma_rust2::XzWriter::new(Vec::new(), options).unwrap();
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Folder of capture files that is removed after the test.
pub(super) struct Folder(tempfile::TempDir);

impl Folder {
    pub(super) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(super) fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, bytes).unwrap();
        path
    }
}
