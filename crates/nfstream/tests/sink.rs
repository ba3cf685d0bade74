//! A sink from outside the engine: a collector in memory, written with the public API alone.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::disallowed_methods, reason = "a receiver that is slow needs a deadline")]

use std::io::{BufRead, BufReader, Read, Write as _};
#[cfg(feature = "http")]
use std::net::TcpStream;
use std::net::{TcpListener, UdpSocket};
use std::num::NonZeroU64;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use nfstream::sink::{
    Background, Delivery, Destination, Full, Parts, Rotating, Rotation, Sink, SinkError,
    TableWriter, Written,
};
use nfstream::table::{BATCH_ROWS, Provenance, Table, TableSpec};
use nfstream::{Config, Run, Step};
use nfstream_testkit::{Captured, Ends, Frame, MemorySource, seconds};

/// Batches and calls that a collector has received.
#[derive(Debug, Default)]
struct Received {
    columns: Vec<String>,
    parameters: Option<String>,
    batches: Vec<RecordBatch>,
    flushes: usize,
    is_complete: bool,
    is_aborted: bool,
}

/// A sink that keeps batches in memory, and drops those beyond its capacity.
#[derive(Clone, Debug)]
struct Collector {
    received: Arc<Mutex<Received>>,
    written: Written,
    /// Rows that still fit.
    room: u64,
    /// Rows after which it fails.
    fails_at: u64,
}

impl Collector {
    fn new(room: u64) -> Self {
        let (received, written) = (Arc::default(), Written::default());
        Self { received, written, room, fails_at: u64::MAX }
    }
}

impl Sink for Collector {
    fn open(&mut self, schema: &SchemaRef, provenance: &Provenance) -> Result<(), SinkError> {
        let mut received = self.received.lock().unwrap();
        received.columns = schema.fields().iter().map(|field| field.name().clone()).collect();
        let mut entries = provenance.entries();
        let parameters = entries.find(|(name, _)| *name == "nfstream.parameters");
        received.parameters = parameters.map(|(_, value)| value.to_owned());
        Ok(())
    }

    fn write(&mut self, batch: &RecordBatch) -> Result<(), SinkError> {
        let rows = u64::try_from(batch.num_rows()).unwrap();
        if self.written.rows >= self.fails_at {
            let (name, source) = ("collector".to_owned(), "connection reset".into());
            return Err(SinkError::Other { name, source });
        }
        if self.written.rows + rows > self.room {
            self.written.dropped += rows;
            return Ok(());
        }
        self.written.add_rows(batch);
        self.received.lock().unwrap().batches.push(batch.clone());
        Ok(())
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        self.received.lock().unwrap().flushes += 1;
        Ok(())
    }

    fn finish(&mut self) -> Result<Written, SinkError> {
        self.received.lock().unwrap().is_complete = true;
        Ok(self.written)
    }

    fn abort(&mut self) {
        self.received.lock().unwrap().is_aborted = true;
    }

    fn written(&self) -> Written {
        self.written
    }
}

/// Collectors as the parts of one table.
#[derive(Default)]
struct Collectors {
    parts: Arc<Mutex<Vec<Arc<Mutex<Received>>>>>,
}

impl Parts for Collectors {
    type Sink = Collector;

    fn part(&mut self, number: u64) -> Collector {
        let collector = Collector::new(u64::MAX);
        let mut parts = self.parts.lock().unwrap();
        assert_eq!(number, u64::try_from(parts.len()).unwrap());
        parts.push(Arc::clone(&collector.received));
        collector
    }

    fn remove(&mut self, _: u64) -> Result<(), SinkError> {
        Ok(())
    }
}

/// Writes `flows` flows of one packet to `sink`.
fn write<S: Sink>(flows: usize, sink: S) -> Result<Written, SinkError> {
    let packets = (0..flows).map(|number| {
        let [.., high, low] = number.to_be_bytes();
        let frame = Frame::ethernet().ipv4([10, 0, high, low], [192, 0, 2, 2]).udp(1000, 53);
        Captured::new(seconds(0), &frame)
    });
    let source = MemorySource::new(packets.collect::<Vec<_>>()).boxed();
    let config: Config = Ends::without_dpi(30, 300).config();
    let mut run = Run::new(source, &config).unwrap();
    let provenance = Provenance::new(None).with("parameters", "{}");
    let spec = TableSpec { provenance, ..TableSpec::default() };
    let table = Table::new(run.schema(), &spec).unwrap();
    let mut writer = TableWriter::open(&table, run.record_pool(), sink)?;
    loop {
        let (records, is_last) = match run.advance().unwrap() {
            Step::Records(records) => (records, false),
            Step::Last(records) => (records, true),
        };
        writer.write(records)?;
        if is_last {
            writer.flush()?;
            return writer.finish();
        }
    }
}

#[test]
fn a_sink_from_another_crate_takes_a_table() {
    let sink = Collector::new(u64::MAX);
    let received = Arc::clone(&sink.received);
    let flows = BATCH_ROWS + 10;
    assert_eq!(write(flows, sink).unwrap(), Written { rows: 8202, bytes: 0, dropped: 0 });
    let received = received.lock().unwrap();
    assert_eq!(received.columns[..3], ["id", "first_seen", "last_seen"]);
    assert_eq!(received.parameters.as_deref(), Some("{}"));
    let rows: Vec<_> = received.batches.iter().map(RecordBatch::num_rows).collect();
    assert_eq!(rows, [BATCH_ROWS, 10]);
    assert_eq!(received.flushes, 1);
    assert!(received.is_complete && !received.is_aborted);
}

#[test]
fn dropped_rows_are_counted_and_reported_at_the_end() {
    let room = u64::try_from(BATCH_ROWS).unwrap();
    let written = write(BATCH_ROWS + 10, Background::new(Collector::new(room))).unwrap();
    assert_eq!(written, Written { rows: room, bytes: 0, dropped: 10 });
}

#[test]
fn a_table_rotates_over_any_sinks() {
    let collectors = Collectors::default();
    let parts = Arc::clone(&collectors.parts);
    let rotation = Rotation { rows: NonZeroU64::new(4), ..Rotation::default() };
    assert_eq!(write(10, Rotating::new(collectors, rotation)).unwrap().rows, 10);
    let rows: Vec<usize> = parts
        .lock()
        .unwrap()
        .iter()
        .map(|part| part.lock().unwrap().batches.iter().map(RecordBatch::num_rows).sum())
        .collect();
    assert_eq!(rows, [4, 4, 2]);
}

#[test]
fn errors_reach_the_writer_from_the_background_too() {
    let failing = || Collector { fails_at: 1, ..Collector::new(u64::MAX) };
    let direct = failing();
    let received = Arc::clone(&direct.received);
    let error = write(BATCH_ROWS + 10, direct).unwrap_err();
    assert!(matches!(&error, SinkError::Other { name, .. } if name == "collector"));
    assert!(received.lock().unwrap().is_aborted);
    let error = write(BATCH_ROWS + 10, Background::new(failing())).unwrap_err();
    assert!(matches!(&error, SinkError::Other { name, .. } if name == "collector"));
}

#[test]
fn a_sink_that_is_not_open_takes_nothing() {
    let mut sink = Background::new(Collector::new(1));
    assert!(matches!(sink.flush(), Err(SinkError::NotOpen)));
    assert!(matches!(sink.finish(), Err(SinkError::NotOpen)));
}

fn delivery(url: &str, full: Full) -> Delivery {
    Destination::parse(url, None).unwrap().sink(full, || false)
}

fn error_of(url: &str) -> String {
    Destination::parse(url, None).unwrap_err().to_string()
}

#[test]
fn invalid_destinations_are_named() {
    assert!(error_of("ipfixx://host").starts_with("ipfixx://: unknown kind of destination"));
    assert!(error_of("ipfix://").contains("needs a host; example: ipfix://"));
    assert!(error_of("ipfix://a,b").contains("only one host"));
    assert!(error_of("ipfix://host/path").contains("takes no path"));
    assert!(error_of("ipfix://host?domain=1").contains("options follow #"));
    assert!(error_of("ipfix://host#domian=1").contains("unknown option domian; known options are"));
    assert!(error_of("ipfix://host#domain=x").contains("domain=x is invalid; it must be a whole"));
    assert!(error_of("unix://run/socket").contains("third slash"));
    assert!(
        error_of("ipfix://host#credentials=/none/of/this").starts_with("/none/of/this: cannot")
    );
    let format = Some(nfstream::sink::Format::PARQUET);
    let error = Destination::parse("unix:///a", format).unwrap_err().to_string();
    assert!(error.contains("takes no --format parquet; use jsonl"), "{error}");
}

#[test]
fn a_receiver_that_is_not_there_is_an_error_at_once() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let error = write(1, delivery(&format!("ipfix+tcp://127.0.0.1:{port}"), Full::Drop));
    let error = error.unwrap_err();
    assert!(
        matches!(&error, SinkError::Unreachable { name, .. } if name.ends_with(&port.to_string()))
    );
    let error = write(1, delivery("ipfix+tcp://host.invalid", Full::Wait)).unwrap_err();
    let SinkError::Unreachable { source, .. } = error else { panic!("{error}") };
    assert_eq!(source.to_string(), "the name of the host has no address");
}

#[cfg(unix)]
#[test]
fn every_flow_reaches_a_unix_socket() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("flows.sock");
    let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
    let reader =
        thread::spawn(move || BufReader::new(listener.accept().unwrap().0).lines().count());
    let url = format!("unix://{}", path.display());
    let flows = BATCH_ROWS + 10;
    let written = write(flows, delivery(&url, Full::Wait)).unwrap();
    assert_eq!(written.rows, u64::try_from(flows).unwrap());
    assert_eq!(reader.join().unwrap(), flows);
}

#[test]
fn a_datagram_holds_whole_records_and_counts_them() {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let url = format!("ipfix://{}", socket.local_addr().unwrap());
    let written = write(20, delivery(&url, Full::Wait)).unwrap();
    assert_eq!(written.rows, 20);
    let mut bytes = [0; 2048];
    let mut records = 0;
    // Each flow has packets in one direction.
    while records < 20 {
        let len = socket.recv(&mut bytes).unwrap();
        assert!(len <= 1_400);
        assert_eq!(bytes[..2], [0, 10]);
        assert_eq!(usize::from(u16::from_be_bytes([bytes[2], bytes[3]])), len);
        assert_eq!(u32::from_be_bytes(bytes[8..12].try_into().unwrap()), records);
        let mut rest = &bytes[16..len];
        while let [a, b, c, d, ..] = *rest {
            let set = usize::from(u16::from_be_bytes([c, d]));
            if u16::from_be_bytes([a, b]) == 256 {
                // Fields of a fixed length: without labels there are no others.
                assert_eq!((set - 4) % 82, 0, "{set}");
                records += u32::try_from((set - 4) / 82).unwrap();
            }
            rest = &rest[set..];
        }
    }
}

/// Reads a request; returns the stream and the body, `None` for a connection without a request.
#[cfg(feature = "http")]
fn request(stream: TcpStream) -> Option<(BufReader<TcpStream>, Vec<u8>)> {
    let mut reader = BufReader::new(stream);
    let mut len = 0;
    let mut line = String::new();
    let mut is_empty = true;
    while reader.read_line(&mut line).ok()? > 2 {
        is_empty = false;
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            len = value.trim().parse().unwrap();
        }
        line.clear();
    }
    if is_empty {
        return None;
    }
    let mut body = vec![0; len];
    reader.read_exact(&mut body).ok()?;
    Some((reader, body))
}

/// Answers a request with `status` and returns the lines of its body.
#[cfg(feature = "http")]
fn answer(stream: TcpStream, status: &str) -> Option<usize> {
    let (mut reader, body) = request(stream)?;
    let text = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    reader.get_mut().write_all(text.as_bytes()).unwrap();
    Some(body.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).count())
}

#[cfg(feature = "http")]
#[test]
fn a_request_is_sent_again_until_the_server_takes_it() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/flows#gzip=no,rows=1000", listener.local_addr().unwrap());
    let server = thread::spawn(move || {
        let mut taken = 0;
        let mut is_busy = true;
        for stream in listener.incoming() {
            let status = if is_busy { "503 Service Unavailable" } else { "200 OK" };
            // A connection without a request only tests whether the server is there.
            let Some(lines) = answer(stream.unwrap(), status) else { continue };
            taken += if is_busy { 0 } else { lines };
            is_busy = !is_busy;
            if taken >= 2_500 {
                return taken;
            }
        }
        taken
    });
    let delivery = delivery(&url, Full::Wait);
    let status = delivery.status();
    assert_eq!(write(2_500, delivery).unwrap().rows, 2_500);
    assert_eq!(server.join().unwrap(), 2_500);
    assert_eq!(status.counts().failures, 3);
    assert!(status.take_notices()[0].contains("503 Service Unavailable; trying again"));
}

/// Answers bulk requests: refuses the first row permanently, is too busy for every other row of the
/// first request, and fails once in between. Returns the ids of the rows taken.
#[cfg(feature = "http")]
fn take_bulk(listener: &TcpListener, rows: usize) -> Vec<i64> {
    let mut taken = Vec::new();
    let requests = listener.incoming().filter_map(|stream| request(stream.unwrap()));
    for (number, (mut reader, body)) in requests.enumerate() {
        let lines = body.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        let lines = lines.filter(|line| !line.starts_with(b"{\"create\""));
        let mut items = Vec::new();
        for (place, line) in lines.enumerate() {
            let row: serde_json::Value = serde_json::from_slice(line).unwrap();
            let id = row["id"].as_i64().unwrap();
            let status = match (number, place) {
                _ if id == 0 => 400,
                (0, place) if place % 2 == 1 => 429,
                _ => 201,
            };
            if status == 201 && number != 1 {
                taken.push(id);
            }
            items.push(format!("{{\"create\":{{\"status\":{status}}}}}"));
        }
        let (status, body) = match number {
            1 => ("503 Service Unavailable", String::new()),
            _ => ("200 OK", format!("{{\"errors\":true,\"items\":[{}]}}", items.join(","))),
        };
        let len = body.len();
        let head = format!("HTTP/1.1 {status}\r\ncontent-length: {len}\r\nconnection: close\r\n");
        reader.get_mut().write_all(format!("{head}\r\n{body}").as_bytes()).unwrap();
        if taken.len() + 1 == rows {
            break;
        }
    }
    taken
}

#[cfg(feature = "http")]
#[test]
fn each_row_of_a_bulk_request_is_taken_or_counted_once() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/_bulk#bulk=yes,gzip=no", listener.local_addr().unwrap());
    let server = thread::spawn(move || take_bulk(&listener, 100));
    let delivery = delivery(&url, Full::Drop);
    let status = delivery.status();
    assert_eq!(write(100, delivery).unwrap().dropped, 1);
    let mut taken = server.join().unwrap();
    taken.sort_unstable();
    assert!(taken.into_iter().eq(1..100));
    let counts = status.counts();
    assert_eq!((counts.sent_rows, counts.rejected_rows), (99, 1));
}

#[cfg(feature = "http")]
#[test]
fn a_refusal_ends_a_run_over_files_and_is_counted_by_a_live_one() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/flows#gzip=no", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            answer(stream.unwrap(), "401 Unauthorized");
        }
    });
    let error = write(10, delivery(&url, Full::Wait)).unwrap_err();
    let SinkError::Undelivered { sent: 0, unsent: 10, source, .. } = error else {
        panic!("{error:?}")
    };
    assert_eq!(source.to_string(), "HTTP status 401 Unauthorized");
    let written = write(10, delivery(&url, Full::Drop)).unwrap();
    assert_eq!(written, Written { rows: 0, bytes: 0, dropped: 10 });
}

/// A peer that never reads fills the buffers of the system, then the queue.
#[test]
fn a_live_run_counts_what_a_slow_receiver_has_no_room_for_and_ends_in_time() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let peer = thread::spawn(move || listener.accept().unwrap());
    let url = format!("ipfix+tcp://{address}#queue_mib=1,drain_s=0.3,timeout_s=1");
    let delivery = delivery(&url, Full::Drop);
    let status = delivery.status();
    let flows = 7 * BATCH_ROWS;
    let start = Instant::now();
    // The system's buffers may hold everything that the queue had room for.
    let (sent, unsent) = match write(flows, delivery) {
        Ok(written) => (written.rows, 0),
        Err(SinkError::Undelivered { sent, unsent, .. }) => (sent, unsent),
        Err(error) => panic!("{error:?}"),
    };
    assert!(start.elapsed() < Duration::from_secs(60));
    let dropped = status.counts().dropped_rows;
    assert!(dropped > 0);
    assert_eq!(sent + unsent + dropped, u64::try_from(flows).unwrap());
    drop(peer.join());
}

/// A broker with the topic "flows". `produce` gets the batches of each request, those of a partition
/// after its number and their length, and returns the codes of all `partitions`; `None` closes the
/// connection instead.
fn broker(
    listener: &TcpListener,
    partitions: u8,
    mut produce: impl FnMut(&[u8]) -> Option<Vec<u8>>,
) {
    let port = i32::from(listener.local_addr().unwrap().port()).to_be_bytes();
    for stream in listener.incoming() {
        let mut stream = stream.unwrap();
        let mut len = [0; 4];
        while stream.read_exact(&mut len).is_ok() {
            let mut request = vec![0; usize::try_from(u32::from_be_bytes(len)).unwrap()];
            stream.read_exact(&mut request).unwrap();
            let mut answer = request[4..8].to_vec();
            match request[..2] {
                // Metadata: broker 1, no cluster, controller 1, topic "flows".
                [0, 3] => {
                    answer.extend(b"\0\0\0\0\0\0\0\x01\0\0\0\x01\0\x09127.0.0.1");
                    answer.extend(port);
                    answer.extend(b"\xff\xff\xff\xff\0\0\0\x01\0\0\0\x01\0\0\0\x05flows\0");
                    answer.extend([0, 0, 0, partitions]);
                    for partition in 0..partitions {
                        answer.extend([0, 0, 0, 0, 0, partition]);
                        answer.extend(b"\0\0\0\x01\0\0\0\0\0\0\0\0");
                    }
                }
                // Numbers of a producer: 7, epoch 1.
                [0, 22] => answer.extend(b"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x07\0\x01\0"),
                [0, 0] => {
                    // Header with "nfstream", no transaction, acknowledgement, timeout, "flows",
                    // number of partitions.
                    let batches = &request[18 + 2 + 2 + 4 + 4 + 7 + 4..];
                    let Some(codes) = produce(batches) else { break };
                    answer.extend(b"\0\0\0\x01\0\x05flows\0\0\0");
                    answer.push(partitions);
                    for (partition, code) in (0..partitions).zip(codes) {
                        answer.extend([0, 0, 0, partition, 0, code]);
                        answer.extend([0; 24]);
                    }
                    answer.extend([0; 4]);
                }
                _ => panic!("unexpected request"),
            }
            let len = u32::try_from(answer.len()).unwrap();
            stream.write_all(&len.to_be_bytes()).unwrap();
            stream.write_all(&answer).unwrap();
        }
    }
}

fn number(bytes: &[u8], place: usize) -> i32 {
    i32::from_be_bytes(bytes[place..place + 4].try_into().unwrap())
}

/// The broker takes the first batch, and closes the connection without an answer; then it reports a
/// duplicate.
#[test]
fn a_broker_recognizes_a_batch_that_is_sent_again() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("kafka://{}/flows#rows=100,gzip=no", listener.local_addr().unwrap());
    let (sender, batches) = std::sync::mpsc::channel();
    let mut codes = vec![vec![0], vec![0], vec![46]];
    let produce = move |batches: &[u8]| {
        sender.send(batches[8..].to_vec()).unwrap();
        let is_first = codes.len() == 3;
        let code = codes.pop().unwrap_or_else(|| vec![0]);
        (!is_first).then_some(code)
    };
    thread::spawn(move || broker(&listener, 1, produce));
    let delivery = delivery(&url, Full::Wait);
    let status = delivery.status();
    assert_eq!(write(300, delivery).unwrap().rows, 300);
    assert_eq!(status.counts().failures, 1);
    let batches: Vec<_> = batches.try_iter().collect();
    let numbers = |batch: &Vec<u8>| {
        // Sequence, records; producer and epoch before.
        assert_eq!(batch[43..53], *b"\0\0\0\0\0\0\0\x07\0\x01");
        (number(batch, 53), number(batch, 57))
    };
    let numbers: Vec<_> = batches.iter().map(numbers).collect();
    assert_eq!(numbers, [(0, 100), (0, 100), (100, 100), (200, 100)]);
    // All but the time of sending and the checksum.
    assert_eq!(batches[0][61..], batches[1][61..]);
}

#[test]
fn only_the_flows_of_a_partition_that_refuses_are_counted_as_refused() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("kafka://{}/flows#rows=100,gzip=no", listener.local_addr().unwrap());
    let (sender, received) = std::sync::mpsc::channel();
    let produce = move |mut batches: &[u8]| {
        while !batches.is_empty() {
            let len = usize::try_from(number(batches, 4)).unwrap();
            let batch = &batches[8..8 + len];
            sender.send((number(batches, 0), number(batch, 53), number(batch, 57))).unwrap();
            batches = &batches[8 + len..];
        }
        // Partition 1 takes no message of this size.
        Some(vec![0, 10])
    };
    thread::spawn(move || broker(&listener, 2, produce));
    let live = delivery(&url, Full::Drop);
    let status = live.status();
    write(300, live).unwrap();
    let received: Vec<_> = received.try_iter().collect();
    let records = |partition| {
        let of_partition = received.iter().filter(move |(number, ..)| *number == partition);
        of_partition.map(|(.., records)| u64::try_from(*records).unwrap()).sum::<u64>()
    };
    let counts = status.counts();
    assert_eq!((counts.sent_rows, counts.rejected_rows), (records(0), records(1)));
    assert_eq!(counts.sent_rows + counts.rejected_rows, 300);
    assert!(counts.sent_rows > 0 && counts.rejected_rows > 0 && counts.failures == 0);
    // The numbers of refused records are used again.
    assert!(received.iter().all(|(partition, sequence, _)| *partition == 0 || *sequence == 0));
    let error = write(300, delivery(&url, Full::Wait)).unwrap_err();
    let SinkError::Undelivered { sent, unsent, source, .. } = error else { panic!("{error:?}") };
    assert_eq!((sent, unsent), (records(0), records(1)));
    let source = source.to_string();
    assert!(source.starts_with("the receiver refused them: "), "{source}");
}

#[test]
fn invalid_topics_are_named() {
    assert!(error_of("kafka://host").contains("needs a topic"));
    assert!(error_of("kafka:///flows").contains("needs a broker"));
    assert!(error_of("kafka://host/a/b").contains("needs a topic"));
    assert!(error_of("kafka://ada@host/flows").contains("a user needs the option sasl"));
    assert!(error_of("kafka://host/flows#sasl=md5").contains("sasl=md5 is invalid"));
    assert!(error_of("kafka://host/flows#sasl=plain").contains("needs a user"));
}
