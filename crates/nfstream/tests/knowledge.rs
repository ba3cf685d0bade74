//! Knowledge across flows: names from DNS answers and announced ends, the same for any number of
//! meters.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use nfstream::dissect::{Dissection, DissectorChoice, Limits, Rules};
use nfstream::features::{Group, Value};
use nfstream::{Config, Run};
use nfstream_testkit::{Captured, Ends, Frame, MemorySource, records, seconds, sharded};

const CLIENT: [u8; 4] = [10, 0, 0, 1];
const RESOLVER: [u8; 4] = [10, 0, 0, 53];
const SERVER: [u8; 4] = [203, 0, 113, 7];
const OTHER: [u8; 4] = [203, 0, 113, 8];
const ACK: u8 = 0x10;
/// Size of chunks that stands for pieces of one packet each, read and metered separately.
const IN_PIECES: usize = 4095;
/// Bytes of no protocol.
const OPAQUE: [u8; 24] = *b"\xfe\x93\x5a\x1c\xe7\x88\xd2\x41\x9b\xc6\x37\xf0\x6d\xaa\x15\x8e\x59\xb3\xcc\x04\x71\xde\x2f\x96";

/// Source port, application, confidence and DNS name of a flow.
type Row = (u64, String, String, String);

fn rows(name: &str, packets: &[Captured], meters: usize, chunk_packets: usize) -> Vec<Row> {
    let dissector = DissectorChoice::by_name(name).unwrap().factory(Rules::default());
    let dissection = Dissection { dissector, limits: Limits::default() };
    let ends = Ends::without_dpi(30, 300).on(meters, chunk_packets);
    let mut config = Config { dissection: Some(dissection), ..ends.config() };
    config.measuring.groups = vec![Group::Dissection];
    let mut run = Run::new(MemorySource::new(packets).boxed(), &config).unwrap();
    let mut records = records(&mut run).unwrap();
    if chunk_packets == IN_PIECES {
        let cuts: Vec<_> = (1..packets.len()).collect();
        records = sharded(packets, &cuts, config.meters, &config).unwrap().records;
    }
    let schema = run.schema();
    let text = |record, wanted: &str| {
        let column = schema.columns().iter().find(|column| column.name == wanted).unwrap();
        match column.value(record, schema.names()) {
            Value::Text(text) => text,
            Value::Integer(number) => number.to_string(),
            other => panic!("{other:?}"),
        }
    };
    let row = |record| {
        (
            text(record, "src_port").parse().unwrap(),
            text(record, "application_name"),
            text(record, "application_confidence"),
            text(record, "dns_name"),
        )
    };
    let mut rows: Vec<Row> = records.iter().map(row).collect();
    rows.sort_unstable();
    rows
}

/// Returns the rows by the dissector in Rust, after a check that each dissector with it gives the
/// same for any number of meters and size of chunks.
fn same_rows(packets: &[Captured]) -> Vec<Row> {
    let expected = rows("native", packets, 1, 4096);
    for (name, _) in DissectorChoice::NAMES.iter().filter(|(name, _)| *name != "ndpi") {
        for meters in [1, 2, 3, 7] {
            for chunk_packets in [1, 2, 5, 4096, IN_PIECES] {
                let found = rows(name, packets, meters, chunk_packets);
                assert_eq!(found, expected, "{name}, {meters} meters, chunks of {chunk_packets}");
            }
        }
    }
    expected
}

fn of_port(rows: &[Row], port: u64) -> (&str, &str, &str) {
    let (_, application, confidence, dns_name) = rows.iter().find(|row| row.0 == port).unwrap();
    (application, confidence, dns_name)
}

/// Returns a response of the resolver with an address of `www.YouTube.com`.
fn answer(address: [u8; 4]) -> Frame {
    let mut message =
        b"\x12\x34\x81\x80\0\x01\0\x01\0\0\0\0\x03www\x07YouTube\x03com\0\0\x01\0\x01\
        \xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04"
            .to_vec();
    message.extend(address);
    Frame::ethernet().ipv4(RESOLVER, CLIENT).udp(53, 5353).payload(&message)
}

fn tcp(src: [u8; 4], from: u16, dst: [u8; 4], to: u16, payload: &[u8]) -> Frame {
    Frame::ethernet().ipv4(src, dst).tcp(from, to, ACK).payload(payload)
}

fn udp(src: [u8; 4], from: u16, dst: [u8; 4], to: u16, payload: &[u8]) -> Frame {
    Frame::ethernet().ipv4(src, dst).udp(from, to).payload(payload)
}

/// Returns the frames as a capture, a millisecond apart.
fn captured(frames: &[Frame]) -> Vec<Captured> {
    let time = |place: i64| nfstream_testkit::nanos(1000, place * 1_000_000);
    (0..).zip(frames).map(|(place, frame)| Captured::new(time(place), frame)).collect()
}

/// The hello of a client without a server name.
fn hello() -> Vec<u8> {
    let body = [&[3, 3][..], &[7; 32], &[0, 0, 2, 0xc0, 0x2f, 1, 0]].concat();
    let len = u8::try_from(body.len()).unwrap();
    [&[22, 3, 1, 0, len + 4, 1, 0, 0, len][..], &body].concat()
}

#[test]
fn a_flow_without_a_name_takes_the_one_of_an_earlier_answer() {
    let packets = captured(&[
        tcp(CLIENT, 40_001, SERVER, 443, &hello()),
        answer(SERVER),
        tcp(CLIENT, 40_002, SERVER, 443, &hello()),
        // Other addresses are in other meters.
        tcp([10, 0, 0, 2], 40_003, SERVER, 443, &hello()),
        tcp([10, 0, 0, 3], 40_004, SERVER, 443, &hello()),
        udp([10, 0, 0, 4], 40_005, SERVER, 40_500, &OPAQUE),
        tcp(CLIENT, 40_006, OTHER, 443, &hello()),
        tcp(CLIENT, 40_007, SERVER, 22, b"SSH-2.0-OpenSSH_9.9\r\n"),
        answer(OTHER),
        tcp(CLIENT, 40_008, OTHER, 443, &hello()),
    ]);
    let rows = same_rows(&packets);
    let name = "www.youtube.com";
    assert_eq!(of_port(&rows, 40_001), ("TLS", "dpi", ""));
    for port in [40_002, 40_003, 40_004, 40_008] {
        assert_eq!(of_port(&rows, port), ("TLS.YouTube", "dns", name), "{port}");
    }
    assert_eq!(of_port(&rows, 40_005), ("YouTube", "dns", name));
    assert_eq!(of_port(&rows, 40_006), ("TLS", "dpi", ""));
    assert_eq!(of_port(&rows, 40_007), ("SSH", "dpi", name));
}

#[test]
fn a_name_that_a_flow_shows_counts_more_than_that_of_an_answer() {
    let request = b"GET / HTTP/1.1\r\nHost: example.com\r\n\r\n";
    let packets = captured(&[answer(SERVER), tcp(CLIENT, 40_001, SERVER, 80, request)]);
    assert_eq!(of_port(&same_rows(&packets), 40_001), ("HTTP", "dpi", "www.youtube.com"));
}

#[test]
fn announced_flows_get_their_label() {
    let proxy = [10, 0, 0, 60];
    let invite = b"INVITE sip:bob@example.com SIP/2.0\r\nContent-Type: application/sdp\r\n\
        Content-Length: 51\r\n\r\nv=0\r\nc=IN IP4 203.0.113.7\r\nm=audio 49170 RTP/AVP 0\r\n";
    let packets = captured(&[
        udp(CLIENT, 40_001, SERVER, 49_170, &OPAQUE),
        udp(CLIENT, 5060, proxy, 5060, invite),
        udp([10, 0, 0, 2], 40_002, SERVER, 49_170, &OPAQUE),
        udp([10, 0, 0, 3], 40_003, SERVER, 49_171, &OPAQUE),
        tcp(proxy, 21, CLIENT, 40_004, b"227 Entering Passive Mode (203,0,113,8,200,0).\r\n"),
        tcp([10, 0, 0, 9], 40_005, OTHER, 51_200, &OPAQUE),
        tcp([10, 0, 0, 9], 40_006, OTHER, 51_200, b"SSH-2.0-OpenSSH_9.9\r\n"),
        udp(CLIENT, 40_007, RESOLVER, 69, b"\0\x01rfc1350.txt\0octet\0"),
        udp(RESOLVER, 40_008, CLIENT, 40_007, &OPAQUE),
    ]);
    let rows = same_rows(&packets);
    assert_eq!(of_port(&rows, 40_001), ("Unknown", "", ""));
    assert_eq!(of_port(&rows, 40_002), ("RTP", "guess", ""));
    assert_eq!(of_port(&rows, 40_003), ("Unknown", "", ""));
    assert_eq!(of_port(&rows, 40_005), ("FTP_DATA", "guess", ""));
    // Decisive bytes count more.
    assert_eq!(of_port(&rows, 40_006), ("SSH", "dpi", ""));
    assert_eq!(of_port(&rows, 40_008), ("TFTP", "guess", ""));
}

#[test]
fn a_call_is_named_after_its_first_datagrams() {
    // A TURN server of Signal requests credentials for its realm.
    let binding = b"\0\x01\0\0\x21\x12\xa4\x42abcdefghijkl";
    let challenge = b"\x01\x13\0\x1c\x21\x12\xa4\x42abcdefghijkl\0\x09\0\x04\0\0\x04\x01\
        \0\x14\0\x0fturn.signal.org\0";
    let (stun, turn) = ([203, 0, 113, 1], [203, 0, 113, 2]);
    let packets = captured(&[
        udp(CLIENT, 40_001, stun, 19_302, binding),
        udp(turn, 3478, CLIENT, 40_001, challenge),
        udp(CLIENT, 40_001, stun, 19_302, binding),
    ]);
    let rows = same_rows(&packets);
    assert_eq!(of_port(&rows, 40_001).0, "STUN.SignalVoip");
}

#[test]
fn an_announcement_ages() {
    let reply = tcp(SERVER, 21, CLIENT, 40_001, b"229 Extended Passive Mode (|||51200|)\r\n");
    let data = |port| tcp(CLIENT, port, SERVER, 51_200, &OPAQUE);
    let packets = [
        Captured::new(seconds(1000), &reply),
        Captured::new(seconds(1600), &data(40_002)),
        Captured::new(seconds(1601), &data(40_003)),
    ];
    let rows = same_rows(&packets);
    assert_eq!(of_port(&rows, 40_002).0, "FTP_DATA");
    assert_eq!(of_port(&rows, 40_003).0, "Unknown");
}
