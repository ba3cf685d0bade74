use proptest::prelude::*;

use super::hello::*;
use super::*;
use crate::dissector::{Config, Dissector, Fingerprints};
use crate::flow::Flow;
use crate::label::Confidence;
use crate::packet::{Direction, Packet, Segment, TCP};
use crate::probe::Progress;
use crate::protocols::testing::{assert_streams, endpoints, streams};

/// A certificate of the names `www.example.com`, `example.com`, 192.0.2.1 and 2001:db8::1.
pub(crate) const CERTIFICATE: &str = "\
    308201ff308201a5a003020102020101300a06082a8648ce3d040302303d310b300906035504061302555331 \
    143012060355040a0c0b4578616d706c65204f72673118301606035504030c0f7777772e6578616d706c652e \
    636f6d301e170d3236313132353138313130375a170d3237313232373138313130375a303d310b3009060355 \
    04061302555331143012060355040a0c0b4578616d706c65204f72673118301606035504030c0f7777772e65 \
    78616d706c652e636f6d3059301306072a8648ce3d020106082a8648ce3d030107034200042c676738860e0a \
    37714f84a8a543012a055778ab57de0b28698716e7619231b782a8746976c590e46c88aa06ea57891df4cbbf \
    978f1686558f05b876bc1671bba38195308192301d0603551d0e04160414ee866085b3fca0508db16bc6b631 \
    1e5487c0312b301f0603551d23041830168014ee866085b3fca0508db16bc6b6311e5487c0312b300f060355 \
    1d130101ff040530030101ff303f0603551d1104383036820f7777772e6578616d706c652e636f6d820b6578 \
    616d706c652e636f6d8704c0000201871020010db8000000000000000000000001300a06082a8648ce3d0403 \
    0203480030450220630d3ee049c60c4be3a4937c98a585dab2ab2655cb643f11add670aafcda1b70022100a6 \
    e68f67b18b6861043c384deb23962b779269d029b9c69c1631c4071dd2bdda";
const CERTIFICATE_SHA1: &str = "f39125c3bcb1d1e4c421ab46baf0375ccb0e90d6";
const CERTIFICATE_SHA256: &str = "2e36a5bed0a6abb6432d86a8939f0058a3d3c113ad41436416628cb3b9573f52";

/// Cipher suites and extensions of the example in FoxIO's description of JA4.
const JA4_CIPHERS: [u16; 15] = [
    0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013, 0xc014, 0x009c,
    0x009d, 0x002f, 0x0035,
];
const JA4_EXTENSIONS: [u16; 16] = [
    0x001b, 0x0000, 0x0033, 0x0010, 0x4469, 0x0017, 0x002d, 0x000d, 0x0005, 0x0023, 0x0012, 0x002b,
    0xff01, 0x000b, 0x000a, 0x0015,
];
const JA4_ALGORITHMS: [u16; 8] = [0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601];

pub(crate) fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u32> = text.chars().filter_map(|c| c.to_digit(16)).collect();
    digits.chunks_exact(2).map(|pair| u8::try_from(pair[0] << 4 | pair[1]).unwrap()).collect()
}

pub(crate) fn vector8(bytes: &[u8]) -> Vec<u8> {
    [&[u8::try_from(bytes.len()).unwrap()], bytes].concat()
}

pub(crate) fn vector16(bytes: &[u8]) -> Vec<u8> {
    [&u16::try_from(bytes.len()).unwrap().to_be_bytes(), bytes].concat()
}

pub(crate) fn vector24(bytes: &[u8]) -> Vec<u8> {
    [&u32::try_from(bytes.len()).unwrap().to_be_bytes()[1..], bytes].concat()
}

pub(crate) fn list(numbers: &[u16]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_be_bytes()).collect()
}

fn extension(number: u16, body: &[u8]) -> Vec<u8> {
    [&number.to_be_bytes()[..], &vector16(body)].concat()
}

pub(crate) fn server_name(name: &[u8]) -> Vec<u8> {
    extension(SERVER_NAME, &vector16(&[&[0][..], &vector16(name)].concat()))
}

fn alpn_extension(names: &[&[u8]]) -> Vec<u8> {
    let names: Vec<u8> = names.iter().flat_map(|name| vector8(name)).collect();
    extension(ALPN, &vector16(&names))
}

pub(crate) fn versions(numbers: &[u16]) -> Vec<u8> {
    extension(43, &vector8(&list(numbers)))
}

/// Returns the body of a ClientHello.
pub(crate) fn client_body(version: u16, ciphers: &[u16], extensions: &[u8]) -> Vec<u8> {
    [
        &version.to_be_bytes()[..],
        &[7; 32],
        &vector8(&[9; 32]),
        &vector16(&list(ciphers)),
        &vector8(&[0]),
        &vector16(extensions),
    ]
    .concat()
}

/// Returns the body of a ServerHello.
pub(crate) fn server_body(
    version: u16,
    random: [u8; 32],
    cipher: u16,
    extensions: &[u8],
) -> Vec<u8> {
    [
        &version.to_be_bytes()[..],
        &random,
        &vector8(&[]),
        &cipher.to_be_bytes(),
        &[0],
        &vector16(extensions),
    ]
    .concat()
}

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    [&[kind][..], &vector24(body)].concat()
}

fn record(content: u8, fragment: &[u8]) -> Vec<u8> {
    [&[content, 3, 3][..], &vector16(fragment)].concat()
}

/// Returns a ClientHello in one record, with a key share as long as those after quantum computers.
fn client_hello() -> Vec<u8> {
    let extensions = [
        extension(0x1a1a, &[]),
        server_name(b"www.example.com"),
        alpn_extension(&[b"h2", b"http/1.1"]),
        versions(&[0x8a8a, 0x0304, 0x0303]),
        extension(0xfe0d, &[0; 100]),
        extension(51, &[1; 1300]),
    ]
    .concat();
    record(22, &message(1, &client_body(0x0303, &[0x3a3a, 0x1301, 0xc02f], &extensions)))
}

/// Returns the flight of a server of TLS 1.2, each message in a record of its own.
fn server_flight() -> Vec<u8> {
    let certificates = vector24(&vector24(&hex(CERTIFICATE)));
    let extensions = alpn_extension(&[b"http/1.1"]);
    [
        record(22, &message(2, &server_body(0x0303, [1; 32], 0xc02f, &extensions))),
        record(22, &message(11, &certificates)),
        record(22, &message(14, &[])),
    ]
    .concat()
}

fn all_wanted() -> Config {
    Config {
        fingerprints: Fingerprints { ja3: true, ja4: true, hassh: true },
        certificates: true,
        certificate_hashes: true,
        ..Config::default()
    }
}

/// Returns what is found in a connection whose segments have at most these lengths, and whether
/// all was read.
fn dissect(
    config: Config,
    port: u16,
    client: &[u8],
    server: &[u8],
    lens: &[usize],
) -> (crate::Found, Progress) {
    let limits = crate::Limits { tcp_packets: u32::MAX, udp_packets: 1 };
    let dissector = Dissector::new(Config { limits, ..config });
    let endpoints = endpoints(TCP, port);
    let mut flow = Flow::default();
    let mut progress = Progress::More;
    for (direction, stream) in [(Direction::FromClient, client), (Direction::FromServer, server)] {
        let mut lens = lens.iter().copied().cycle();
        let mut rest = stream;
        let mut sequence = 1;
        while !rest.is_empty() && progress == Progress::More {
            let (payload, after) = rest.split_at(lens.next().unwrap().min(rest.len()));
            let segment = Some(Segment { sequence, syn: false, ack: true, end: false });
            let packet = Packet { endpoints: &endpoints, direction, segment, payload };
            progress = dissector.inspect(&mut flow, &packet);
            sequence += u32::try_from(payload.len()).unwrap();
            rest = after;
        }
    }
    (dissector.finish(flow, &endpoints), progress)
}

fn found_tls(config: Config, client: &[u8], server: &[u8]) -> (Box<str>, Tls) {
    let metadata = dissect(config, 443, client, server, &[usize::MAX]).0.metadata.unwrap();
    (metadata.host, *metadata.tls.unwrap())
}

fn ja4_of(extensions: &[u8], ciphers: &[u16], carrier: Carrier) -> String {
    let body = client_body(0x0303, ciphers, extensions);
    let hello = ClientHello::read(&body, Cookie::Absent).unwrap();
    fingerprint::ja4(&hello, carrier).into()
}

#[test]
fn ja4_is_that_of_the_description() {
    let extensions: Vec<u8> = JA4_EXTENSIONS
        .iter()
        .flat_map(|number| match number {
            0x0000 => server_name(b"example.com"),
            0x0010 => alpn_extension(&[b"h2"]),
            0x000d => extension(13, &vector16(&list(&JA4_ALGORITHMS))),
            0x002b => versions(&[0x2a2a, 0x0304, 0x0303]),
            number => extension(*number, &[]),
        })
        .collect();
    let ciphers = [&[0x4a4a][..], &JA4_CIPHERS].concat();
    let decoys = [extension(0x5a5a, &[]), extensions].concat();
    assert_eq!(ja4_of(&decoys, &ciphers, Carrier::Tls), "t13d1516h2_8daaf6152771_e5627efa2ab1");
    assert!(ja4_of(&decoys, &ciphers, Carrier::Quic).starts_with("q13d1516h2_"));
}

#[test]
fn ja4_shows_the_first_application_protocol_by_its_ends() {
    let cases: [(&[u8], &str); 9] = [
        (b"h2", "h2"),
        (b"http/1.1", "h1"),
        (b"h", "hh"),
        (b"", "00"),
        (b"\xab", "ab"),
        (b"\xab\xcd", "ad"),
        (b"\x30\xab", "3b"),
        (b"\x30\x31\xab\xcd", "3d"),
        (b"\x30\xab\xcd\x31", "01"),
    ];
    for (name, expected) in cases {
        let ja4 = ja4_of(&alpn_extension(&[name, b"x9"]), &[0x1301], Carrier::Tls);
        assert_eq!(&ja4[8..10], expected, "{name:x?}");
    }
    assert_eq!(&ja4_of(&[], &[0x1301], Carrier::Tls)[8..10], "00");
}

#[test]
fn ja4_of_empty_lists_has_zeros() {
    let ja4 = ja4_of(&server_name(b"a.example"), &[], Carrier::Tls);
    assert_eq!(ja4, "t12d000100_000000000000_000000000000");
    let tls = Tls { ja4: ja4.into(), ..Tls::default() };
    assert_eq!(tls.ja4_of_ndpi("a.example"), "t12d000100_e3b0c44298fc_e3b0c44298fc");
    assert_eq!(tls.ja4_of_ndpi("192.0.2.1"), "t12i000100_e3b0c44298fc_e3b0c44298fc");
}

#[test]
fn ja4_counts_up_to_99() {
    let ciphers: Vec<u16> = (1..=120).collect();
    let extensions: Vec<u8> = (100..=210).flat_map(|number| extension(number, &[])).collect();
    assert!(ja4_of(&extensions, &ciphers, Carrier::Tls).starts_with("t12i999900_"));
}

#[test]
fn ja4_shows_the_highest_version() {
    let cases: [(&[u16], &str); 8] = [
        (&[0x0303, 0x0a0a, 0x0304], "13"),
        (&[0x0303, 0x0302], "12"),
        (&[0x0302], "11"),
        (&[0x0301, 0x0300], "10"),
        (&[0x0300], "s3"),
        (&[0x0002], "s2"),
        (&[0xfeff, 0xfefc, 0xfefd], "d3"),
        (&[0x7f1c], "00"),
    ];
    for (numbers, expected) in cases {
        let ja4 = ja4_of(&versions(numbers), &[0x1301], Carrier::Tls);
        assert_eq!(&ja4[1..3], expected, "{numbers:x?}");
    }
}

#[test]
fn ja3_is_that_of_the_published_examples() {
    let extensions = [
        server_name(b"example.com"),
        extension(10, &vector16(&list(&[23, 24, 25]))),
        extension(11, &vector8(&[0])),
    ]
    .concat();
    let ciphers = [47, 53, 5, 10, 49161, 49162, 49171, 49172, 50, 56, 19, 4];
    let body = client_body(0x0301, &ciphers, &extensions);
    let hello = ClientHello::read(&body, Cookie::Absent).unwrap();
    assert_eq!(&*fingerprint::ja3(&hello), "ada70206e40642a3e4461f35503241d5");

    let body = client_body(0x0301, &[4, 5, 10, 9, 100, 98, 3, 6, 19, 18, 99], &[]);
    let hello = ClientHello::read(&body, Cookie::Absent).unwrap();
    assert_eq!(&*fingerprint::ja3(&hello), "de350869b8c85de67a350c8d186f11e6");
}

#[test]
fn ja3s_is_the_hash_of_its_list() {
    let extensions: Vec<u8> =
        [65281, 0, 11, 35, 16, 23].iter().flat_map(|number| extension(*number, &[])).collect();
    let body = server_body(0x0303, [1; 32], 49200, &extensions);
    // The MD5 of "771,49200,65281-0-11-35-16-23".
    let hello = ServerHello::read(&body).unwrap();
    assert_eq!(&*fingerprint::ja3s(&hello), "d154fcfa5bb4f0748e1dd1992c681104");
}

#[test]
fn streams_of_tls_match() {
    assert_streams(&PROTOCOL, 443, &client_hello(), &[]);
    assert_streams(&PROTOCOL, 443, &[], &server_flight());
    assert_streams(&PROTOCOL, 443, &client_hello(), &server_flight());
    assert_streams(&PROTOCOL, 443, &record(23, &[1; 40]), &[]);
    assert_streams(&PROTOCOL, 443, &[], &record(20, &[1]));
    assert_streams(&PROTOCOL, 443, &record(21, &[2, 40]), &[]);
    assert_streams(&PROTOCOL, 443, &record(21, &[7; 26]), &[]);
    let hello = client_hello();
    let split = [record(22, &hello[5..9]), record(22, &hello[9..])].concat();
    assert_streams(&PROTOCOL, 443, &split, &[]);
}

#[test]
fn hellos_of_ssl_2_match() {
    let hello = hex("802e0100020015000000100100800700c0030080060040020080040080000004\
                     fea1c2c2b0a1c2c2b0a1c2c2b0a1c2c2");
    assert_streams(&PROTOCOL, 443, &hello, &[]);
    let (_, tls) = found_tls(Config::default(), &hello, &[]);
    assert_eq!(tls.offered_versions[..], [Version(2)]);
}

#[test]
fn a_server_of_ssl_2_shows_its_version() {
    let mut finding = Finding::default();
    let hello = hex("801804000100020000000300 10");
    assert_eq!(read_side(&hello[..4], Side::Server, &mut finding), Some(7));
    assert_eq!(read_side(&hello, Side::Server, &mut finding), None);
    assert_eq!(finding.metadata().tls.as_ref().unwrap().version, Some(Version(2)));
}

#[test]
fn the_first_of_two_names_counts() {
    let extensions = [server_name(b"a.example"), server_name(b"b.example"), extension(0, &[1])];
    let client = record(22, &message(1, &client_body(0x0303, &[1], &extensions.concat())));
    assert_eq!(&*found_tls(Config::default(), &client, &[]).0, "a.example");
}

#[test]
fn other_streams_do_not_match() {
    let cases: [&[u8]; 14] = [
        b"GET / HTTP/1.1\r\n",
        b"\x16\x04\x00\x00\x10\x01",
        b"\x16\x03\x05\x00\x10\x01",
        b"\x16\x03\x01\x00\x00\x01",
        b"\x16\x03\x01\xff\xff\x01",
        b"\x16\x03\x01\x00\xc0\x01\x00\x00\x05\x03\x03",
        b"\x16\x03\x01\x00\xc0\x01\x00\x00\xbc\x02\x03",
        b"\x16\x03\x01\x00\xc0\x63\x00\x00\xbc\x03\x03",
        b"\x17\x03\x03\x00\x0f0123",
        b"\x15\x03\x03\x00\x02\x03\x28",
        b"\x14\x03\x03\x00\x01\x02",
        b"\x14\x03\x03\x00\x02\x01",
        b"\x80\x2e\x01\x00\x05\x00\x15\x00\x00\x00\x10\x01",
        b"\x80\x2f\x01\x00\x02\x00\x15\x00\x00\x00\x10\x01",
    ];
    for client in cases {
        assert_eq!(streams(&PROTOCOL, 443, client, &[]), Verdict::No, "{client:x?}");
    }
}

#[test]
fn hellos_and_certificate_are_read() {
    let (host, tls) = found_tls(all_wanted(), &client_hello(), &server_flight());
    assert_eq!(&*host, "www.example.com");
    assert_eq!(tls.offered_versions[..], [Version(0x0304), Version(0x0303)]);
    assert_eq!(&*tls.alpn, "h2,http/1.1");
    assert_eq!(&*tls.selected_alpn, "http/1.1");
    assert!(tls.ech);
    assert_eq!((tls.version, tls.cipher), (Some(Version(0x0303)), Some(0xc02f)));
    assert_eq!(&tls.ja4[..11], "t13d0205h2_");
    assert_eq!((tls.ja3.len(), tls.ja3s.len(), tls.ja4.len()), (32, 32, 36));
    let certificate = tls.certificate.unwrap();
    assert_eq!(&*certificate.common_name, "www.example.com");
    assert_eq!(&*certificate.subject, "C=US, O=Example Org, CN=www.example.com");
    assert_eq!(certificate.issuer, certificate.subject);
    let names: Vec<&str> = certificate.names.iter().map(|name| &**name).collect();
    assert_eq!(names, ["www.example.com", "example.com", "192.0.2.1", "2001:db8::1"]);
    assert_eq!((certificate.not_before, certificate.not_after), (1_795_630_267, 1_829_931_067));
    assert_eq!(certificate.sha1.unwrap()[..], hex(CERTIFICATE_SHA1));
    assert_eq!(certificate.sha256.unwrap()[..], hex(CERTIFICATE_SHA256));
}

#[test]
fn nothing_is_wanted_after_the_hellos_of_a_named_server() {
    let (found, progress) =
        dissect(Config::default(), 443, &client_hello(), &server_flight()[..90], &[usize::MAX]);
    assert_eq!(progress, Progress::Done);
    let tls = found.metadata.unwrap().tls.unwrap();
    assert_eq!(tls.certificate, None);
    assert_eq!((&*tls.ja3, &*tls.ja3s, &*tls.ja4), ("", "", ""));
}

#[test]
fn a_server_alone_shows_its_certificate() {
    let (found, progress) = dissect(Config::default(), 443, &[], &server_flight(), &[usize::MAX]);
    assert_eq!(progress, Progress::More);
    let tls = found.metadata.unwrap().tls.unwrap();
    assert_eq!(&*tls.certificate.unwrap().common_name, "www.example.com");
    // The same when the connection is seen from the server on.
    let (found, _) = dissect(Config::default(), 443, &server_flight(), &[], &[usize::MAX]);
    assert_eq!(found.metadata.unwrap().tls.unwrap().cipher, Some(0xc02f));
}

#[test]
fn a_certificate_is_kept_where_the_client_gives_an_address() {
    let extensions = server_name(b"192.0.2.1");
    let client = record(22, &message(1, &client_body(0x0303, &[1], &extensions)));
    let (host, tls) = found_tls(Config::default(), &client, &server_flight());
    assert_eq!(&*host, "192.0.2.1");
    assert_eq!(tls.certificate.unwrap().sha1, None);
}

#[test]
fn a_client_that_accepts_the_connection_is_a_client() {
    let (host, tls) = found_tls(Config::default(), &server_flight(), &client_hello());
    assert_eq!(&*host, "www.example.com");
    assert_eq!(tls.cipher, Some(0xc02f));
}

#[test]
fn a_retry_and_a_version_of_an_extension_are_read() {
    let retry = RETRY_RANDOM;
    let body = server_body(0x0303, retry, 0x1301, &extension(43, &[3, 4]));
    let server = record(22, &message(2, &body));
    let (_, tls) = found_tls(Config::default(), &client_hello(), &server);
    assert!(tls.hello_retry);
    assert_eq!(tls.version, Some(Version(0x0304)));
}

#[test]
fn encrypted_records_have_a_label_and_nothing_more() {
    let (found, progress) =
        dissect(Config::default(), 8443, &record(23, &[1; 40]), &[], &[usize::MAX]);
    assert_eq!(progress, Progress::Done);
    assert_eq!((found.label.app, found.label.confidence), (PROTOCOL.id, Confidence::Dpi));
    assert_eq!(found.metadata, None);
}

#[test]
fn a_refused_client_is_read() {
    let alert = record(21, &[2, 40]);
    let (host, tls) = found_tls(Config::default(), &client_hello(), &alert);
    assert_eq!((&*host, tls.version), ("www.example.com", None));
    let mut finding = Finding::default();
    assert_eq!(parse_handshake(&[], &alert, &mut finding), Need::client(5));
    assert_eq!(parse_handshake(&client_hello(), &alert, &mut finding), Need::Done);
}

#[test]
fn a_hello_that_is_cut_shows_its_name() {
    let (found, progress) =
        dissect(Config::default(), 443, &client_hello()[..200], &[], &[usize::MAX]);
    assert_eq!(progress, Progress::More);
    assert_eq!(&*found.metadata.unwrap().host, "www.example.com");
}

#[test]
fn names_are_clean_text() {
    let extensions = server_name(b"www.\xff\x00example.com");
    let client = record(22, &message(1, &client_body(0x0303, &[1], &extensions)));
    let (host, _) = found_tls(Config::default(), &client, &[]);
    assert_eq!(&*host, "www.\u{fffd}\u{fffd}example.com");
    let extensions = server_name(&[b'a'; 60_000]);
    let body = client_body(0x0303, &[1], &extensions);
    let mut finding = Finding::default();
    read_client_hello(&body, Carrier::Tls, true, &mut finding);
    assert_eq!(finding.metadata().host.len(), crate::Metadata::MAX_TEXT);
}

#[test]
fn what_tls_carries_is_named() {
    let hello = |alpn: &[u8]| {
        let extensions = alpn_extension(&[alpn]);
        record(22, &message(1, &client_body(0x0303, &[1], &extensions)))
    };
    let cases: [(u16, &[u8], u16, u16); 9] = [
        (443, b"h2", 0, 91),
        (993, b"", 0, 51),
        (995, b"", 0, 23),
        (465, b"", 0, 29),
        (990, b"", 0, 311),
        (853, b"", 91, 196),
        (636, b"", 91, 112),
        (8443, b"imap", 0, 51),
        (8443, b"dot", 91, 196),
    ];
    for (port, alpn, master, app) in cases {
        let (found, _) = dissect(Config::default(), port, &hello(alpn), &[], &[usize::MAX]);
        let label = (found.label.master.0, found.label.app.0);
        assert_eq!(label, (master, app), "{port} {alpn:?}");
    }
}

#[test]
fn tls_after_other_bytes_is_read() {
    let client = [b"STARTTLS\r\n", &client_hello()[..]].concat();
    let server = [b"220 mail\r\n220 go\r\n", &server_flight()[..]].concat();
    let endpoints = endpoints(TCP, 25);
    let mut finding = Finding::default();
    let streams =
        |client, server| Streams { endpoints: &endpoints, client, server, swapped: false };
    let need =
        parse_after(&streams(&client[..12], b"220 mail\r\n220 go\r\n"), 10, 18, &mut finding);
    assert_eq!(need, Need::Bytes { client: 15, server: 23 });
    let need = parse_after(&streams(&client, &server), 10, 18, &mut finding);
    assert_eq!(need, Need::Done);
    assert_eq!(&*finding.metadata().host, "www.example.com");
}

#[test]
fn a_parser_waits_for_exactly_what_it_lacks() {
    let hello = client_hello();
    let mut finding = Finding::default();
    let wanted = |stream: &[u8], finding: &mut Finding| read_side(stream, Side::Client, finding);
    assert_eq!(wanted(&hello[..3], &mut finding), Some(5));
    assert_eq!(wanted(&hello[..100], &mut finding), Some(hello.len()));
    assert_eq!(wanted(&hello, &mut finding), None);
    let split = [record(22, &hello[5..105]), record(22, &hello[105..])].concat();
    let mut finding = Finding::default();
    assert_eq!(wanted(&split[..50], &mut finding), Some(110));
    assert_eq!(wanted(&split[..110], &mut finding), Some(split.len()));
    assert_eq!(wanted(&split, &mut finding), None);
}

#[test]
fn certificates_that_are_cut_are_ignored() {
    let der = hex(CERTIFICATE);
    for len in 0..der.len() {
        assert_eq!(Certificate::read(&der[..len], Hashes::Wanted), None, "{len}");
    }
}

proptest! {
    #[test]
    fn segments_and_records_do_not_matter(
        lens in prop::collection::vec(1_usize..1500, 1..8),
        records in prop::collection::vec(1_usize..900, 1..8),
        lost in 0_usize..1500,
    ) {
        let cut = |flight: &[u8]| {
            let mut bytes = Vec::new();
            let mut rest = flight;
            let mut messages = Vec::new();
            while let Some((header, after)) = rest.split_at_checked(5) {
                let len = usize::from(u16::from_be_bytes([header[3], header[4]]));
                messages.extend_from_slice(&after[..len]);
                rest = &after[len..];
            }
            let mut lens = records.iter().copied().cycle();
            let mut rest = &messages[..];
            while !rest.is_empty() {
                let (fragment, after) = rest.split_at(lens.next().unwrap().min(rest.len()));
                bytes.extend(record(22, fragment));
                rest = after;
            }
            bytes
        };
        let (client, server) = (client_hello(), server_flight());
        let whole = dissect(all_wanted(), 443, &client, &server, &[usize::MAX]);
        prop_assert_eq!(&dissect(all_wanted(), 443, &client, &server, &lens), &whole);
        let (client, server) = (cut(&client), cut(&server));
        prop_assert_eq!(&dissect(all_wanted(), 443, &client, &server, &lens), &whole);
        // Nor where the end of a stream is missing.
        let (client, server) = (&client[..client.len() - lost], &server[..server.len().saturating_sub(lost)]);
        let whole = dissect(all_wanted(), 443, client, server, &[usize::MAX]);
        prop_assert_eq!(&dissect(all_wanted(), 443, client, server, &lens), &whole);
    }

    #[test]
    fn any_bytes_are_read(
        place in 0_usize..2000,
        bytes in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        let mut client = client_hello();
        let mut server = server_flight();
        for stream in [&mut client, &mut server] {
            let place = place % stream.len();
            let end = (place + bytes.len()).min(stream.len());
            stream[place..end].copy_from_slice(&bytes[..end - place]);
        }
        let _ = dissect(all_wanted(), 443, &client, &server, &[usize::MAX]);
        let _ = dissect(all_wanted(), 443, &bytes, &bytes, &[7]);
        let mut finding = Finding::default();
        finding.certificates = true;
        finding.certificate_hashes = true;
        let _ = parse_handshake(&bytes, &bytes, &mut finding);
        let _ = Certificate::read(&bytes, Hashes::Unwanted);
        read_client_hello(&bytes, Carrier::Dtls, true, &mut finding);
        read_server_hello(&bytes, &mut finding);
    }

    #[test]
    fn a_verdict_stays(bytes in prop::collection::vec(any::<u8>(), 1..40)) {
        let mut bytes = bytes;
        bytes[0] = bytes[0] % 4 + 0x14;
        let whole = begins_tls(&bytes);
        for len in 1..bytes.len() {
            let verdict = begins_tls(&bytes[..len]);
            prop_assert!(verdict == Verdict::More || verdict == whole);
        }
    }
}
