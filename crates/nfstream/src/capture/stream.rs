//! Captures read as a stream: compressed, from a pipe, or on a file system that cannot map.

use std::fmt;
use std::io::{self, BufRead, BufReader, Cursor, ErrorKind, Read};
use std::mem;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bzip2::bufread::MultiBzDecoder;
use lz4_flex::frame::FrameDecoder;
use lzma_rust2::XzReader;

use super::Corruption;
use super::compression::Compression;
use super::format::Parser;
use super::gzip::Gunzip;
use super::outcome::{End, Failure};
use super::parsed::Stop;
use crate::packet::{Chunk, ChunkBytes};

/// Usual size of a buffer in bytes; a single longer record enlarges it.
pub(super) const BUFFER: usize = 1 << 20;
/// Bytes given to a decoder at once.
const COMPRESSED: usize = 128 << 10;
/// Most bytes that the gzip decoder returns at once. Bytes that are pending when it finds damage
/// are lost.
const DECOMPRESSED: usize = 4 << 10;
/// Memory in KiB that xz needs in addition to its window.
const XZ_EXTRA_KIB: u32 = 1024;
/// Start of zstd's message about a window that is too large.
const ZSTD_LARGE_WINDOW: &str = "Frame requires too much memory";
/// Capacity of a pipe on Linux. A shorter read means that it is empty.
const PIPE: usize = 64 << 10;
/// Most bytes that a step reads without finding a packet, before and after decompression: even a
/// small file can hold gigabytes of blocks to skip.
const BUDGET: u64 = 16 << 20;
/// Detail of an error about endless data that yields no packets.
const DECOMPRESSES_TO_NOTHING: &str = "many megabytes decompress to nothing";
/// Pauses after which the search for the start of a capture ends.
const MAX_PAUSES: u32 = 16;

/// Greatest window of a compressed file, which is memory that decompressing it takes.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) enum Window {
    /// 128 MiB, the limit of zstd itself.
    #[default]
    Usual,
    /// 2 GiB, the largest that the zstd command can produce.
    Large,
}

/// A decompressed stream and its unused bytes.
pub(super) struct Stream {
    decoder: Decoder,
    /// Bytes read from the source, before decompression.
    taken: Arc<AtomicU64>,
    /// Value of `taken` when the decoder last returned bytes.
    fruitful: Arc<AtomicU64>,
    /// Error of the source, which decoders may report as their own.
    failure: Arc<Mutex<Option<io::Error>>>,
    /// Bytes of the last read. Chunks share them, so the buffer is filled only while no chunk holds
    /// it.
    buffer: Arc<Vec<u8>>,
    /// Buffer that was returned for reuse.
    spare: Vec<u8>,
    /// Size of a buffer in bytes.
    capacity: usize,
    /// Offset of the first unused byte in the buffer.
    start: usize,
    /// Offset of the first free byte in the buffer.
    end: usize,
    /// Offset of `start` in the decompressed stream.
    position: u64,
    /// Whether packets are passed on as soon as they arrive.
    eager: bool,
    /// How reading ended, once it did.
    ended: Option<Ended>,
    /// Whether the decoder has read many bytes that decompress to nothing.
    is_idle: bool,
}

/// Input that the bytes of a stream are read from.
pub(super) type Input = Box<dyn Read + Send>;

enum Decoder {
    Bzip2(MultiBzDecoder<BufReader<Counted>>),
    Gzip(Gunzip<BufReader<Counted>>),
    Lz4(Box<FrameDecoder<BufReader<Counted>>>),
    Plain(Counted),
    Xz(Box<XzReader<BufReader<Counted>>>),
    Zstd(zstd::Decoder<'static, BufReader<Counted>>),
}

enum Ended {
    Complete,
    Corrupt(String),
    Failed(io::Error),
    /// The data needs a larger window than is allowed.
    LargeWindow(Compression),
    Truncated,
}

/// Counts the bytes read.
struct Counted {
    input: Input,
    taken: Arc<AtomicU64>,
    /// Value of `taken` when the decoder last returned bytes.
    fruitful: Arc<AtomicU64>,
    /// Error of the input.
    failure: Arc<Mutex<Option<io::Error>>>,
    /// Bytes read at the last pause; `None` for decoders that do not continue after one.
    paused_at: Option<u64>,
}

impl Window {
    /// Returns the binary logarithm of the size in bytes.
    fn log(self) -> u32 {
        match self {
            Self::Usual => 27,
            Self::Large => 31,
        }
    }

    /// Returns the size in KiB.
    fn kib(self) -> u32 {
        1 << (self.log() - 10)
    }
}

impl Stream {
    /// Creates a stream of `head`, which was already read, followed by `input`.
    ///
    /// `capacity` is the size of the buffer: a small one makes it cheap to read only the start.
    pub(super) fn new(
        head: Vec<u8>,
        input: Input,
        capacity: usize,
        window: Window,
    ) -> io::Result<Self> {
        let compression = Compression::recognize(&head);
        let taken = Arc::new(AtomicU64::new(0));
        let fruitful = Arc::new(AtomicU64::new(0));
        let failure = Arc::new(Mutex::new(None));
        let input = Box::new(Cursor::new(head).chain(input));
        let can_pause =
            matches!(compression, Compression::Gzip | Compression::Plain | Compression::Zstd);
        let paused_at = can_pause.then_some(0);
        let input = Counted {
            input,
            taken: Arc::clone(&taken),
            fruitful: Arc::clone(&fruitful),
            failure: Arc::clone(&failure),
            paused_at,
        };
        let compressed = COMPRESSED.min(capacity);
        let buffered = |input| BufReader::with_capacity(compressed, input);
        let decoder = match compression {
            Compression::Bzip2 => Decoder::Bzip2(MultiBzDecoder::new(buffered(input))),
            Compression::Gzip => Decoder::Gzip(Gunzip::new(buffered(input))),
            Compression::Lz4 => Decoder::Lz4(Box::new(FrameDecoder::new(buffered(input)))),
            Compression::Plain => Decoder::Plain(input),
            Compression::Xz => {
                let limit = window.kib() + XZ_EXTRA_KIB;
                Decoder::Xz(Box::new(XzReader::new_mem_limit(buffered(input), true, limit)))
            }
            Compression::Zstd => {
                let mut decoder = zstd::Decoder::with_buffer(buffered(input))?;
                decoder.window_log_max(window.log())?;
                Decoder::Zstd(decoder)
            }
        };
        Ok(Self {
            decoder,
            taken,
            fruitful,
            failure,
            buffer: Arc::new(vec![0; capacity]),
            spare: Vec::new(),
            capacity,
            start: 0,
            end: 0,
            position: 0,
            eager: compression == Compression::Plain,
            ended: None,
            is_idle: false,
        })
    }

    /// Returns the first bytes, at least `len` unless the stream ends earlier.
    pub(super) fn peek(&mut self, len: usize) -> Result<&[u8], Failure> {
        let mut pauses = 0;
        while self.end - self.start < len && self.ended.is_none() {
            self.fill(len);
            pauses += u32::from(mem::take(&mut self.is_idle));
            if pauses >= MAX_PAUSES {
                self.ended = Some(Ended::Corrupt(DECOMPRESSES_TO_NOTHING.to_owned()));
            }
        }
        match self.ended {
            Some(Ended::Corrupt(_) | Ended::Failed(_) | Ended::LargeWindow(_))
                if self.end == self.start =>
            {
                self.finish(0)?;
            }
            Some(Ended::Truncated) if self.end - self.start < len => {
                return Err(Failure::Corrupt { offset: 0, what: Corruption::FileHeader });
            }
            _ => {}
        }
        Ok(self.buffer.get(self.start..self.end).unwrap_or_default())
    }

    /// Consumes the next `len` bytes, which must have been peeked at.
    pub(super) fn consume(&mut self, len: usize) {
        self.start = (self.start + len).min(self.end);
        self.position += u64::try_from(len).unwrap_or(u64::MAX);
    }

    /// Fills `chunk`, or returns why it cannot.
    pub(super) fn read(
        &mut self,
        parser: &mut Parser,
        chunk: &mut Chunk,
        limit: usize,
    ) -> Result<Option<End>, Failure> {
        self.take_back(mem::take(&mut chunk.bytes));
        // Whether another read would block, judging by the last one.
        let mut is_drained = self.eager;
        let begun = self.position;
        loop {
            let bytes = self.buffer.get(..self.end).unwrap_or_default();
            let parsed = parser.parse(bytes, self.start, &mut chunk.records, limit);
            self.consume(parsed.next - self.start);
            let needed = match parsed.stop {
                Stop::Short { needed } if self.ended.is_none() => needed,
                _ if !chunk.records.is_empty() => return Ok(self.hand_out(chunk)),
                Stop::Corrupt { what } => {
                    return Err(Failure::Corrupt { offset: self.position, what });
                }
                _ => return self.finish(parser.unfinished()),
            };
            // Records point into this buffer: no byte may move, and no record may point into
            // another one.
            if !chunk.records.is_empty() && (is_drained || !self.has_space()) {
                return Ok(self.hand_out(chunk));
            }
            is_drained = self.fill(needed) < PIPE && self.eager;
            let is_idle = mem::take(&mut self.is_idle);
            if chunk.records.is_empty() && (is_idle || self.position - begun >= BUDGET) {
                return Ok(None);
            }
        }
    }

    /// Returns the bytes read, before decompression.
    pub(super) fn progress(&self) -> u64 {
        self.taken.load(Ordering::Relaxed)
    }

    /// Returns the bytes used, after decompression.
    pub(super) fn position(&self) -> u64 {
        self.position
    }

    /// Returns whether the source is compressed.
    pub(super) fn is_compressed(&self) -> bool {
        !matches!(self.decoder, Decoder::Plain(_))
    }

    fn hand_out(&self, chunk: &mut Chunk) -> Option<End> {
        chunk.bytes = ChunkBytes::Owned(Arc::clone(&self.buffer));
        None
    }

    /// Returns whether the buffer has free space and no chunk holds it.
    fn has_space(&mut self) -> bool {
        self.end < self.buffer.len() && Arc::get_mut(&mut self.buffer).is_some()
    }

    /// Keeps a buffer for reuse if no chunk holds it.
    fn take_back(&mut self, bytes: ChunkBytes) {
        if let ChunkBytes::Owned(buffer) = bytes
            && let Some(buffer) = Arc::into_inner(buffer)
            && buffer.len() == self.capacity
        {
            self.spare = buffer;
        }
    }

    /// Appends the bytes of one read to the buffer. `needed` bytes from `start` on are required.
    ///
    /// A buffer grows with the bytes that arrived, never with what a length field claims.
    fn fill(&mut self, needed: usize) -> usize {
        if !self.has_space() {
            self.renew(needed);
        }
        let Some(space) =
            Arc::get_mut(&mut self.buffer).and_then(|buffer| buffer.get_mut(self.end..))
        else {
            return 0;
        };
        match self.decoder.read(space) {
            Ok(0) => self.ended = Some(Ended::Complete),
            Ok(count) => {
                self.fruitful.store(self.progress(), Ordering::Relaxed);
                self.end += count;
                return count;
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => self.is_idle = true,
            Err(error) => {
                let failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner).take();
                self.ended = Some(match failure {
                    Some(failure) => Ended::Failed(failure),
                    None => self.decoder.ended(error),
                });
            }
        }
        0
    }

    /// Moves the unused bytes to the start of an exclusive buffer with free space after them.
    fn renew(&mut self, needed: usize) {
        let rest = self.start..self.end;
        let len = rest.len();
        // Twice the bytes that arrived, while more are needed.
        let size = self.capacity.max(needed.min(len * 2)).max(len + 1);
        match Arc::get_mut(&mut self.buffer) {
            Some(buffer) => {
                buffer.copy_within(rest, 0);
                if buffer.len() < size {
                    buffer.resize(size, 0);
                }
            }
            None => {
                let mut buffer = mem::take(&mut self.spare);
                buffer.resize(size, 0);
                let unused = self.buffer.get(rest).unwrap_or_default();
                if let Some(space) = buffer.get_mut(..len) {
                    space.copy_from_slice(unused);
                }
                self.buffer = Arc::new(buffer);
            }
        }
        self.start = 0;
        self.end = len;
    }

    /// Returns how the stream ended, after all its bytes are used. `unfinished` bytes of a block
    /// were already consumed.
    fn finish(&mut self, unfinished: u64) -> Result<Option<End>, Failure> {
        let offset = self.position.saturating_sub(unfinished);
        match self.ended.take() {
            Some(Ended::Failed(error)) => Err(error.into()),
            Some(Ended::LargeWindow(compression)) => Err(Failure::LargeWindow(compression)),
            Some(Ended::Corrupt(detail)) => {
                let offset = self.position + u64::try_from(self.end - self.start).unwrap_or(0);
                Err(Failure::Corrupt { offset, what: Corruption::Compression { detail } })
            }
            Some(Ended::Complete) if self.start == self.end && unfinished == 0 => {
                Ok(Some(End::Complete))
            }
            _ => Ok(Some(End::Truncated { offset })),
        }
    }
}

impl Decoder {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Gzip(decoder) => {
                let len = buffer.len().min(DECOMPRESSED);
                decoder.read(&mut buffer[..len])
            }
            Self::Bzip2(decoder) => decoder.read(buffer),
            Self::Lz4(decoder) => read_frames(decoder, buffer),
            Self::Plain(input) => input.read(buffer),
            Self::Xz(decoder) => decoder.read(buffer),
            Self::Zstd(decoder) => decoder.read(buffer),
        }
    }

    /// Distinguishes a system error from an error in the compressed data.
    fn ended(&self, error: io::Error) -> Ended {
        if matches!(self, Self::Plain(_)) || error.raw_os_error().is_some() {
            return Ended::Failed(error);
        }
        match (self, error.kind()) {
            (_, ErrorKind::UnexpectedEof) => Ended::Truncated,
            (Self::Xz(_), ErrorKind::OutOfMemory) => Ended::LargeWindow(Compression::Xz),
            (Self::Zstd(_), _) if error.to_string().contains(ZSTD_LARGE_WINDOW) => {
                Ended::LargeWindow(Compression::Zstd)
            }
            _ => Ended::Corrupt(error.to_string()),
        }
    }
}

/// Reads from consecutive LZ4 frames. The decoder stops after each.
fn read_frames(
    decoder: &mut FrameDecoder<BufReader<Counted>>,
    buffer: &mut [u8],
) -> io::Result<usize> {
    loop {
        let count = decoder.read(buffer)?;
        if count > 0 || buffer.is_empty() {
            return Ok(count);
        }
        if decoder.get_mut().fill_buf()?.is_empty() {
            return Ok(0);
        }
    }
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let taken = self.taken.load(Ordering::Relaxed);
        // A pause, after which decoders continue. It costs little as long as packets are found.
        if self.paused_at.is_some_and(|before| taken - before >= BUDGET) {
            self.paused_at = Some(taken);
            return Err(ErrorKind::WouldBlock.into());
        }
        // No block of the other formats is as long as this.
        if self.paused_at.is_none() && taken - self.fruitful.load(Ordering::Relaxed) >= BUDGET {
            return Err(io::Error::new(ErrorKind::InvalidData, DECOMPRESSES_TO_NOTHING));
        }
        let count = match self.input.read(buffer) {
            Err(error)
                if !matches!(error.kind(), ErrorKind::Interrupted | ErrorKind::WouldBlock) =>
            {
                let copy = io::Error::from(error.kind());
                *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                return Err(copy);
            }
            result => result?,
        };
        self.taken.fetch_add(u64::try_from(count).unwrap_or(u64::MAX), Ordering::Relaxed);
        Ok(count)
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Stream")
            .field("position", &self.position)
            .field("taken", &self.taken)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::samples::{
        MICROSECONDS, Order, Outcome, block, bzip2, enhanced, gzip, lz4, parse, pcap, pcap_header,
        pcap_record, pcapng_start, stream, xz, zstd,
    };
    use super::*;

    /// About 3 MiB of packets, each different from its neighbours.
    fn many() -> Vec<u8> {
        let mut bytes = pcap(&[]);
        for number in 0..4000_u32 {
            let frame = vec![number.to_le_bytes()[0]; usize::from(number.to_le_bytes()[0]) * 6];
            bytes.extend(pcap_record(Order::Little, (number, 0), 0, &frame));
        }
        bytes
    }

    #[test]
    fn a_stream_returns_the_packets_of_the_file() {
        let bytes = many();
        let whole = parse(&bytes);
        for step in [7, 1000, 65_536, usize::MAX] {
            for limit in [1, 50, 4096] {
                assert!(stream(&bytes, step, limit) == whole, "step {step}, limit {limit}");
            }
        }
    }

    #[test]
    fn compressed_captures_are_read_with_all_their_parts() {
        let bytes = many();
        let (first, second) = bytes.split_at(bytes.len() / 3);
        let whole = parse(&bytes);
        let skippable = b"\x50\x2a\x4d\x18\x02\0\0\0xx".to_vec();
        for parts in [
            gzip(&bytes),
            zstd(&bytes),
            [gzip(first), gzip(second)].concat(),
            [zstd(first), zstd(second)].concat(),
            [skippable, zstd(&bytes)].concat(),
            bzip2(&bytes),
            [bzip2(first), bzip2(second)].concat(),
            lz4(&bytes),
            [lz4(first), lz4(second)].concat(),
            xz(&bytes),
            [xz(first), xz(second)].concat(),
        ] {
            for step in [11, usize::MAX] {
                assert!(stream(&parts, step, 4096) == whole);
            }
        }
    }

    #[test]
    fn a_cut_compressed_stream_gives_what_came_before() {
        let bytes = many();
        let (whole, _) = parse(&bytes);
        for mut compressed in [gzip(&bytes), zstd(&bytes), bzip2(&bytes), lz4(&bytes), xz(&bytes)] {
            compressed.truncate(compressed.len() * 9 / 10);
            let (packets, outcome) = stream(&compressed, usize::MAX, 4096);
            assert!(matches!(outcome, Outcome::Truncated(_)), "{outcome:?}");
            assert!(packets.len() > 100 && whole.starts_with(&packets));
        }
    }

    #[test]
    fn a_stream_cut_in_its_checksum_is_truncated_but_whole() {
        let bytes = many();
        for mut compressed in [gzip(&bytes), zstd(&bytes)] {
            compressed.pop();
            let (packets, outcome) = stream(&compressed, usize::MAX, 4096);
            let end = u64::try_from(bytes.len()).unwrap();
            assert_eq!((packets.len(), outcome), (4000, Outcome::Truncated(end)));
        }
    }

    #[test]
    fn damage_in_a_compressed_stream_is_corrupt() {
        let bytes = many();
        for mut compressed in [gzip(&bytes), zstd(&bytes), bzip2(&bytes), lz4(&bytes), xz(&bytes)] {
            let end = compressed.len() - 8;
            compressed[end..].fill(0x55);
            let (_, outcome) = stream(&compressed, usize::MAX, 4096);
            let Outcome::Corrupt(_, Corruption::Compression { .. }) = outcome else {
                panic!("{outcome:?}");
            };
        }
    }

    /// A frame with a window of 2 GiB, as `zstd --long=31` writes it, and blocks of nothing.
    #[test]
    fn a_large_window_is_refused_by_its_name() {
        let frame = [&[0x28, 0xb5, 0x2f, 0xfd, 0x00, 21 << 3][..], &[0x01, 0, 0]].concat();
        let open =
            |window| Stream::new(frame.clone(), Box::new(io::empty()), BUFFER, window).unwrap();
        let failure = open(Window::Usual).peek(24).unwrap_err();
        assert!(matches!(failure, Failure::LargeWindow(Compression::Zstd)), "{failure:?}");
        assert_eq!(open(Window::Large).peek(24).unwrap(), b"");
    }

    #[test]
    fn a_gzip_stream_is_read_up_to_its_damage() {
        let bytes = many();
        let (whole, _) = parse(&bytes);
        let mut compressed = gzip(&bytes);
        let half = compressed.len() / 2;
        let mut cut = Gunzip::new(&compressed[..half]);
        let mut before = Vec::new();
        assert_eq!(cut.read_to_end(&mut before).unwrap_err().kind(), ErrorKind::UnexpectedEof);
        let (readable, _) = parse(&before[..before.len() - 2 * DECOMPRESSED]);
        compressed[half..].fill(0xff);
        let (packets, outcome) = stream(&compressed, usize::MAX, 4096);
        assert!(matches!(outcome, Outcome::Corrupt(..)), "{outcome:?}");
        assert!(whole.starts_with(&packets) && packets.starts_with(&readable));
        assert!(readable.len() > 100);
    }

    #[test]
    fn packets_longer_than_the_buffer_are_read() {
        let frame = vec![7; 5 << 20];
        let header = pcap_header(Order::Little, MICROSECONDS, 6 << 20, 1);
        let record = pcap_record(Order::Little, (0, 0), 0, &frame);
        let short = pcap_record(Order::Little, (0, 0), 0, b"abc");
        let bytes = [header, short.clone(), record.clone(), short, record].concat();
        assert!(stream(&bytes, usize::MAX, 4096) == parse(&bytes));
        assert!(stream(&bytes, 4096, 4096) == parse(&bytes));
    }

    #[test]
    fn a_claimed_length_takes_no_memory_before_the_bytes_come() {
        let mut bytes = pcap_header(Order::Little, MICROSECONDS, u32::MAX, 1);
        bytes.extend([0; 8]);
        bytes.extend((7_u32 << 20).to_le_bytes());
        bytes.extend([0; 1000]);
        let mut stream = Stream::new(bytes, Box::new(io::empty()), BUFFER, Window::Usual).unwrap();
        let (mut parser, start) = Parser::recognize(stream.peek(24).unwrap()).unwrap();
        stream.consume(start);
        let end = stream.read(&mut parser, &mut Chunk::default(), 1).unwrap();
        assert_eq!(end, Some(End::Truncated { offset: 24 }));
        assert!(stream.buffer.len() <= 2 * BUFFER);
    }

    #[test]
    fn long_skipped_blocks_take_no_memory() {
        let blocks = [
            pcapng_start(),
            block(Order::Little, 77, &vec![0; 20 << 20]),
            enhanced(Order::Little, 0, 1, 0, b"abc"),
        ]
        .concat();
        let mut stream = Stream::new(blocks, Box::new(io::empty()), BUFFER, Window::Usual).unwrap();
        let (mut parser, _) = Parser::recognize(stream.peek(24).unwrap()).unwrap();
        let mut chunk = Chunk::default();
        let mut steps = 0;
        while chunk.records.is_empty() {
            assert_eq!(stream.read(&mut parser, &mut chunk, 9).unwrap(), None);
            steps += 1;
        }
        // A step has a budget of bytes.
        assert_eq!((steps, chunk.records.len()), (2, 1));
        assert_eq!(stream.buffer.len(), BUFFER);
    }

    #[test]
    fn endless_data_without_content_is_damage() {
        let expected = |failure: Failure| match failure {
            Failure::Corrupt { what: Corruption::Compression { detail }, .. } => {
                assert_eq!(detail, DECOMPRESSES_TO_NOTHING);
            }
            other => panic!("{other:?}"),
        };
        // Zeros between the members of a gzip file are skipped.
        let zeros = Box::new(io::repeat(0));
        expected(
            Stream::new(gzip(b""), zeros, BUFFER, Window::Usual).unwrap().peek(24).unwrap_err(),
        );
        let empty = lz4(b"");
        let frames = empty.repeat((20 << 20) / empty.len());
        let bytes = [lz4(&pcap(&[])), frames].concat();
        let mut stream = Stream::new(bytes, Box::new(io::empty()), BUFFER, Window::Usual).unwrap();
        let (mut parser, start) = Parser::recognize(stream.peek(24).unwrap()).unwrap();
        stream.consume(start);
        expected(stream.read(&mut parser, &mut Chunk::default(), 9).unwrap_err());
    }

    #[test]
    fn a_step_reads_few_bytes_that_decompress_to_nothing() {
        let empty = gzip(b"");
        let members = empty.repeat((40 << 20) / empty.len());
        let bytes = [gzip(&pcap(&[])), members, gzip(&pcap_record(Order::Little, (0, 0), 0, b"x"))];
        let mut stream =
            Stream::new(bytes.concat(), Box::new(io::empty()), BUFFER, Window::Usual).unwrap();
        let (mut parser, start) = Parser::recognize(stream.peek(24).unwrap()).unwrap();
        stream.consume(start);
        let mut chunk = Chunk::default();
        let mut steps = 0;
        while chunk.records.is_empty() {
            assert_eq!(stream.read(&mut parser, &mut chunk, 9).unwrap(), None);
            steps += 1;
        }
        assert_eq!((steps, chunk.records.len()), (3, 1));
    }

    #[test]
    fn a_pipe_gives_packets_as_they_come() {
        let bytes = pcap(&[b"first", b"second"]);
        struct Stuck(Cursor<Vec<u8>>);
        impl Read for Stuck {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                let count = self.0.read(buffer)?;
                assert_ne!(count, 0, "read on, though packets were there");
                Ok(count)
            }
        }
        let input = Box::new(Stuck(Cursor::new(bytes)));
        let mut stream = Stream::new(Vec::new(), input, BUFFER, Window::Usual).unwrap();
        let (mut parser, start) = Parser::recognize(stream.peek(24).unwrap()).unwrap();
        stream.consume(start);
        let mut chunk = Chunk::default();
        assert_eq!(stream.read(&mut parser, &mut chunk, 4096).unwrap(), None);
        assert_eq!(chunk.records.len(), 2);
    }

    #[test]
    fn buffers_are_used_again() {
        let mut stream = Stream::new(many(), Box::new(io::empty()), BUFFER, Window::Usual).unwrap();
        let (mut parser, start) = Parser::recognize(stream.peek(24).unwrap()).unwrap();
        stream.consume(start);
        let mut chunk = Chunk::default();
        let first = Arc::as_ptr(&stream.buffer);
        while stream.read(&mut parser, &mut chunk, 100).unwrap().is_none() {
            assert_eq!(Arc::as_ptr(&stream.buffer), first);
            chunk.records.clear();
        }
    }

    proptest! {
        #[test]
        fn damaged_streams_never_panic(
            changes in prop::collection::vec((0_usize..400, any::<u8>()), 1..6),
            step in 1_usize..200,
            kind in 0..6,
        ) {
            let bytes = pcap(&[&[1; 40], b"two", &[3; 90], &[4; 50]]);
            let mut bytes = match kind {
                0 => bytes,
                1 => gzip(&bytes),
                2 => bzip2(&bytes),
                3 => lz4(&bytes),
                4 => xz(&bytes),
                _ => zstd(&bytes),
            };
            for (at, value) in changes {
                if let Some(byte) = bytes.get_mut(at + 4) {
                    *byte = value;
                }
            }
            let mut stream = Stream::new(bytes, Box::new(io::empty()), step, Window::Usual).unwrap();
            let Ok(head) = stream.peek(24) else { return Ok(()) };
            let Ok((mut parser, start)) = Parser::recognize(head) else { return Ok(()) };
            stream.consume(start);
            let mut chunk = Chunk::default();
            while let Ok(None) = stream.read(&mut parser, &mut chunk, 2) {
                prop_assert!(!chunk.records.is_empty());
                super::super::samples::seen(&chunk).for_each(drop);
                chunk.records.clear();
            }
        }
    }
}
