//! Runs the engine with nDPI over captures, intact and randomly damaged, and checks for crashes,
//! hangs and memory leaks.
//!
//!     cargo run -p nfstream-testkit --example mutate -- VARIANTS SEED FOLDER...
//!
//! The current variant is in `target/mutate` and stays there after a crash.

#![allow(clippy::disallowed_methods, reason = "a clock detects hangs")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for the terminal")]

use std::error::Error;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use fastrand::Rng;
use nfstream::Config;
use nfstream::capture::{self, CaptureError};
use nfstream::decode;
use nfstream::features::{Group, Measuring};
use nfstream_testkit::targets;

/// Maximum time for a variant.
const PATIENCE: Duration = Duration::from_secs(20);

/// Maximum growth of memory from the first tenth of the variants to the last.
const GROWTH: u64 = 32 << 20;

/// Start time and description of the current variant.
static CURRENT: Mutex<Option<(Instant, String)>> = Mutex::new(None);

/// Damage to a capture.
#[derive(Clone, Copy, Debug)]
enum Damage {
    /// The file is intact.
    None,
    /// Bits anywhere in the file are flipped.
    Bits,
    /// Bits of packets are flipped.
    PacketBits,
    /// The file is truncated.
    Cut,
    /// A packet is truncated, and its record adjusted.
    PacketCut,
    /// Records are duplicated.
    Duplicated,
    /// Records are swapped.
    Swapped,
    /// A record claims more bytes than it has.
    Oversized,
}

const DAMAGES: [Damage; 8] = [
    Damage::None,
    Damage::Bits,
    Damage::PacketBits,
    Damage::Cut,
    Damage::PacketCut,
    Damage::Duplicated,
    Damage::Swapped,
    Damage::Oversized,
];

/// Capture and the positions of its records.
struct Capture {
    name: String,
    bytes: Vec<u8>,
    records: Vec<Record>,
}

#[derive(Clone)]
struct Record {
    whole: Range<usize>,
    packet: Range<usize>,
    /// Offset of its captured length.
    len_at: usize,
    big_endian: bool,
}

fn main() -> Result<(), Box<dyn Error>> {
    let usage = "usage: mutate VARIANTS SEED FOLDER...";
    let args: Vec<_> = std::env::args().skip(1).collect();
    let [variants, seed, folders @ ..] = args.as_slice() else { return Err(usage.into()) };
    let (variants, seed): (usize, u64) = (variants.parse()?, seed.parse()?);
    let captures = captures(folders)?;
    if captures.is_empty() {
        return Err("no captures".into());
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/mutate");
    fs::create_dir_all(&folder)?;
    let path = folder.join("variant");
    std::thread::spawn(watch);
    let config = Config {
        measuring: Measuring {
            groups: Group::ALL.to_vec(),
            splt_packets: 10,
            track_tcp: true,
            ..Measuring::default()
        },
        decode: decode::Options { tunnels: true, ..decode::Options::default() },
        ..Config::default()
    };
    let (mut refused, mut packets, mut slowest) = (0, 0, Duration::ZERO);
    let mut settled = 0;
    for number in 0..variants {
        let mut random = Rng::with_seed(seed.wrapping_add(u64::try_from(number)?));
        let capture = &captures[number % captures.len()];
        let damage = DAMAGES[number / captures.len() % DAMAGES.len()];
        fs::write(&path, capture.damaged(damage, &mut random))?;
        let start = Instant::now();
        let what = format!("variant {number} of seed {seed}: {damage:?} of {}", capture.name);
        *CURRENT.lock().expect("no thread panics with the lock") = Some((start, what));
        match capture::open(std::slice::from_ref(&path)) {
            Ok(source) => packets += targets::run(Box::new(source), &config).packets,
            Err(CaptureError::Io { source, .. }) => return Err(source.into()),
            Err(_) => refused += 1,
        }
        slowest = slowest.max(start.elapsed());
        if number == variants / 10 {
            settled = anonymous_bytes()?;
        }
    }
    fs::remove_file(&path)?;
    let grown = anonymous_bytes()?.saturating_sub(settled);
    println!(
        "{variants} variants of {} captures, seed {seed}: {packets} packets read, {refused} files \
         refused, none crashed; the slowest took {} ms, memory grew by {} KiB",
        captures.len(),
        slowest.as_millis(),
        grown >> 10,
    );
    if grown > GROWTH { Err("memory grows".into()) } else { Ok(()) }
}

/// Ends the process when a variant takes too long.
fn watch() {
    loop {
        std::thread::sleep(Duration::from_secs(1));
        let current = CURRENT.lock().expect("no thread panics with the lock");
        if let Some((start, what)) = &*current
            && start.elapsed() > PATIENCE
        {
            eprintln!("{what} takes more than {} s", PATIENCE.as_secs());
            std::process::exit(1);
        }
    }
}

fn captures(folders: &[String]) -> Result<Vec<Capture>, Box<dyn Error>> {
    let mut paths = Vec::new();
    for folder in folders {
        for entry in fs::read_dir(folder).map_err(|error| format!("{folder}: {error}"))? {
            paths.push(entry?.path());
        }
    }
    paths.sort();
    let is_capture = |path: &PathBuf| {
        let kind = path.extension().unwrap_or_default();
        ["pcap", "pcapng", "gz", "zst"].iter().any(|known| kind == *known)
    };
    let captures = paths.into_iter().filter(is_capture).map(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let bytes = fs::read(&path)?;
        let records = records(&bytes);
        Ok(Capture { name, bytes, records })
    });
    captures.collect()
}

impl Capture {
    fn damaged(&self, damage: Damage, random: &mut Rng) -> Vec<u8> {
        let mut bytes = self.bytes.clone();
        let len = bytes.len();
        let Some(record) = random.choice(&self.records) else {
            // Compressed: the positions of records are unknown.
            match damage {
                Damage::None => {}
                Damage::Cut | Damage::PacketCut => bytes.truncate(random.usize(..=len)),
                _ => flip(&mut bytes, 0..len, random),
            }
            return bytes;
        };
        let Record { whole, packet, len_at, big_endian } = record.clone();
        let write = |bytes: &mut Vec<u8>, value: u32| {
            let value = if big_endian { value.to_be_bytes() } else { value.to_le_bytes() };
            bytes[len_at..len_at + 4].copy_from_slice(&value);
        };
        match damage {
            Damage::None => {}
            Damage::Bits => flip(&mut bytes, 0..len, random),
            Damage::PacketBits => {
                for _ in 0..random.usize(1..=1 + self.records.len() / 8) {
                    let packet = random.choice(&self.records).map(|record| record.packet.clone());
                    flip(&mut bytes, packet.unwrap_or_default(), random);
                }
            }
            Damage::Cut => bytes.truncate(random.usize(..=len)),
            Damage::PacketCut => {
                let kept = random.usize(..=packet.len());
                write(&mut bytes, u32::try_from(kept).unwrap_or(u32::MAX));
                // Blocks of pcapng keep their length: the bytes cut off become padding.
                if whole.end == packet.end {
                    bytes.drain(packet.start + kept..packet.end);
                }
            }
            Damage::Duplicated => {
                for _ in 0..random.usize(1..20) {
                    let copy = self.bytes[whole.clone()].to_vec();
                    bytes.splice(whole.start..whole.start, copy);
                }
            }
            Damage::Swapped => {
                let other = random.choice(&self.records).unwrap_or(record).whole.clone();
                let (first, second) =
                    if whole.start <= other.start { (whole, other) } else { (other, whole) };
                if first.end <= second.start {
                    let [one, two] = [&first, &second].map(|at| self.bytes[at.clone()].to_vec());
                    bytes.splice(second, one);
                    bytes.splice(first, two);
                }
            }
            Damage::Oversized => {
                let more = match random.u8(..3) {
                    0 => u32::MAX,
                    1 => random.u32(..),
                    _ => u32::try_from(packet.len()).unwrap_or(0) + random.u32(1..2000),
                };
                write(&mut bytes, more);
            }
        }
        bytes
    }
}

/// Flips bits in a range, few of them more often than many.
fn flip(bytes: &mut [u8], range: Range<usize>, random: &mut Rng) {
    if range.is_empty() {
        return;
    }
    for _ in 0..1 << random.u8(..7) {
        bytes[random.usize(range.clone())] ^= 1 << random.u8(..8);
    }
}

/// Finds the records of a pcap or pcapng file.
fn records(bytes: &[u8]) -> Vec<Record> {
    let big = |at: usize| Some(u32::from_be_bytes(*bytes.get(at..)?.first_chunk()?));
    let read = |at: usize, big_endian: bool| {
        let value = big(at)?;
        usize::try_from(if big_endian { value } else { value.swap_bytes() }).ok()
    };
    let mut records = Vec::new();
    let is_pcapng = big(0) == Some(0x0a0d_0d0a);
    let big_endian = match (is_pcapng, big(0), big(8)) {
        (true, _, magic) => magic == Some(0x1a2b_3c4d),
        (_, Some(0xa1b2_c3d4 | 0xa1b2_3c4d), _) => true,
        (_, Some(0xd4c3_b2a1 | 0x4d3c_b2a1), _) => false,
        _ => return records,
    };
    let mut at = if is_pcapng { 0 } else { 24 };
    loop {
        let found = if is_pcapng {
            let len = read(at + 4, big_endian);
            let packet_len = read(at + 20, big_endian);
            // Enhanced Packet Block: captured length and packet.
            let is_packet = read(at, big_endian) == Some(6);
            len.zip(packet_len).map(|(len, packet)| (len, 28, packet, 20, is_packet))
        } else {
            read(at + 8, big_endian).map(|packet| (16 + packet, 16, packet, 8, true))
        };
        let Some((len, header, packet, len_at, is_packet)) = found else { return records };
        let whole = at..at.saturating_add(len);
        if len < 12 || whole.end > bytes.len() {
            return records;
        }
        let start = at + header;
        if is_packet && start + packet <= whole.end {
            let len_at = at + len_at;
            let packet = start..start + packet;
            records.push(Record { whole: whole.clone(), packet, len_at, big_endian });
        }
        at = whole.end;
    }
}

/// Returns the bytes of this process's anonymous memory.
fn anonymous_bytes() -> Result<u64, Box<dyn Error>> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
    let kibibytes = line.and_then(|line| line.trim().strip_suffix(" kB")).ok_or("no RssAnon")?;
    Ok(kibibytes.parse::<u64>()? * 1024)
}
