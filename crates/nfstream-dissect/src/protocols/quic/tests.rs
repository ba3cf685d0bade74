use aes::Aes128;
use aes::cipher::{BlockCipherEncrypt, KeyInit};
use aes_gcm::Aes128Gcm;
use aes_gcm::aead::AeadInOut;
use aes_gcm::aead::inout::InOutBuf;
use proptest::prelude::*;

use super::*;
use crate::dissector::Fingerprints;
use crate::protocols::testing::{datagram, parse_datagrams};
use crate::protocols::tls::tests::hex;

/// Destination of the client's first packet (RFC 9001, appendix A).
const DESTINATION: &str = "8394c8f03e515708";
/// The ClientHello of RFC 9001, appendix A.2.
const CLIENT_HELLO: &str = "\
    010000ed0303ebf8fa56f12939b9584a3896472ec40bb863cfd3e86804fe3a47f06a2b69484c\
    00000413011302010000c000000010000e00000b6578616d706c652e636f6dff01000100000a\
    00080006001d0017001800100007000504616c706e0005000501000000000033002600240\
    01d00209370b2c9caa47fbabaf4559fedba753de171fa71f50f1ce15d43e994ec74d748002b\
    0003020304000d0010000e0403050306030203080408050806002d00020101001c00024001\
    003900320408ffffffffffffffff05048000ffff07048000ffff0801100104800075300901\
    100f088394c8f03e51570806048000ffff";
/// The server's packet of RFC 9001, appendix A.3.
const SERVER_V1: &str = "\
    cf000000010008f067a5502a4262b5004075c0d95a482cd0991cd25b0aac406a5816b6394100\
    f37a1c69797554780bb38cc5a99f5ede4cf73c3ec2493a1839b3dbcba3f6ea46c5b7684df354\
    8e7ddeb9c3bf9c73cc3f3bded74b562bfb19fb84022f8ef4cdd93795d77d06edbb7aaf2f5889\
    1850abbdca3d20398c276456cbc42158407dd074ee";
/// The server's packet of RFC 9369, appendix A.3.
const SERVER_V2: &str = "\
    dc6b3343cf0008f067a5502a4262b5004075d92faaf16f05d8a4398c47089698baeea26b91eb\
    761d9b89237bbf87263017915358230035f7fd3945d88965cf17f9af6e16886c61bfc703106f\
    baf3cb4cfa52382dd16a393e42757507698075b2c984c707f0a0812d8cd5a6881eaf21ceda98\
    f4bd23f6fe1a3e2c43edd9ce7ca84bed8521e2e140";
const V1: u32 = 1;
const V2: u32 = 0x6b33_43cf;

fn vector(bytes: &[u8]) -> Vec<u8> {
    let len = u16::try_from(bytes.len()).unwrap() | 0x4000;
    [&len.to_be_bytes()[..], bytes].concat()
}

fn crypto(offset: usize, bytes: &[u8]) -> Vec<u8> {
    let offset = u16::try_from(offset).unwrap() | 0x4000;
    [&[6][..], &offset.to_be_bytes(), &vector(bytes)].concat()
}

fn keys(version: Version, destination: &[u8], role: Role) -> Keys {
    Secret::derive(version, destination).unwrap().keys(role).unwrap()
}

/// Returns frames as an Initial packet with a number of four bytes, protected.
fn seal(version: u32, destination: &[u8], token: &[u8], number: u32, frames: &[u8]) -> Vec<u8> {
    let keys = keys(Version::new(version), &hex(DESTINATION), Role::Client);
    seal_with(&keys, version, destination, token, number, frames)
}

fn seal_with(
    keys: &Keys,
    version: u32,
    destination: &[u8],
    token: &[u8],
    number: u32,
    frames: &[u8],
) -> Vec<u8> {
    let mut header = vec![if version == V2 { 0xd3 } else { 0xc3 }];
    header.extend(version.to_be_bytes());
    header.push(u8::try_from(destination.len()).unwrap());
    header.extend(destination);
    header.push(0);
    header.push(u8::try_from(token.len()).unwrap());
    header.extend(token);
    let len = u16::try_from(frames.len() + 4 + 16).unwrap() | 0x4000;
    header.extend(len.to_be_bytes());
    let number_place = header.len();
    header.extend(number.to_be_bytes());
    let [key, iv, protection] = keys.parts();
    let mut nonce: [u8; 12] = iv.try_into().unwrap();
    for (byte, number) in nonce[8..].iter_mut().zip(number.to_be_bytes()) {
        *byte ^= number;
    }
    let mut payload = frames.to_vec();
    let tag = Aes128Gcm::new_from_slice(key)
        .unwrap()
        .encrypt_inout_detached(&nonce.into(), &header, InOutBuf::from(payload.as_mut_slice()))
        .unwrap();
    payload.extend(tag);
    let mut mask = <[u8; 16]>::try_from(&payload[..16]).unwrap().into();
    Aes128::new_from_slice(protection).unwrap().encrypt_block(&mut mask);
    header[0] ^= mask[0] & 0x0f;
    for (place, byte) in header[number_place..].iter_mut().enumerate() {
        *byte ^= mask[place + 1];
    }
    [header, payload].concat()
}

fn padded(mut frames: Vec<u8>, len: usize) -> Vec<u8> {
    frames.resize(len, 0);
    frames
}

fn first_packet(version: u32) -> Vec<u8> {
    let hello = hex(CLIENT_HELLO);
    let frame = [&[6, 0][..], &vector(&hello)].concat();
    seal(version, &hex(DESTINATION), &[], 2, &padded(frame, 1162))
}

/// Returns what a connection shows.
fn found(payloads: &[(Direction, &[u8])]) -> crate::Metadata {
    let mut finding = Finding::default();
    finding.fingerprints = Fingerprints { ja3: true, ja4: true, hassh: false };
    parse_datagrams(&PROTOCOL, 443, payloads, finding).metadata().clone()
}

const CLIENT: Direction = Direction::FromClient;
const SERVER: Direction = Direction::FromServer;

#[test]
fn keys_are_those_of_the_rfcs() {
    // RFC 9001, appendix A.1; RFC 9369, appendix A.1.
    let cases = [
        (
            V1,
            Role::Client,
            "1f369613dd76d5467730efcbe3b1a22d fa044b2f42a3fd3b46fb255c 9f50449e04a0e810283a1e9933adedd2",
        ),
        (
            V1,
            Role::Server,
            "cf3a5331653c364c88f0f379b6067e37 0ac1493ca1905853b0bba03e c206b8d9b9f0f37644430b490eeaa314",
        ),
        (
            V2,
            Role::Client,
            "8b1a0bc121284290a29e0971b5cd045d 91f73e2351d8fa91660e909f 45b95e15235d6f45a6b19cbcb0294ba9",
        ),
        (
            V2,
            Role::Server,
            "82db637861d55e1d011f19ea71d5d2a7 dd13c276499c0249d3310652 edf6d05c83121201b436e16877593c3a",
        ),
    ];
    for (version, role, expected) in cases {
        let keys = keys(Version::new(version), &hex(DESTINATION), role);
        assert_eq!(keys.parts().concat(), hex(expected), "{version:x} {role:?}");
    }
}

#[test]
fn first_packets_are_those_of_the_rfcs() {
    let cases = [
        (
            V1,
            "c000000001088394c8f03e5157080000449e7b9aec34d1b1c98dd7689fb8ec11",
            "e221af44860018ab0856972e194cd934",
        ),
        (V2, "d76b3343cf088394c8f03e5157080000449ea0c95e82ffe67b6abcdb4298b485", ""),
    ];
    for (version, start, end) in cases {
        let packet = first_packet(version);
        assert_eq!(packet.len(), 1200);
        assert!(packet.starts_with(&hex(start)), "{version:x}");
        assert!(packet.ends_with(&hex(end)), "{version:x}");
    }
}

#[test]
fn connections_of_the_rfcs_are_read() {
    for (version, answer) in [(V1, SERVER_V1), (V2, SERVER_V2)] {
        let packet = first_packet(version);
        assert_eq!(datagram(&PROTOCOL, 443, &packet), Verdict::Match);
        let metadata = found(&[(CLIENT, &packet), (SERVER, &hex(answer))]);
        assert_eq!(&*metadata.host, "example.com");
        assert_eq!(metadata.quic.unwrap().version, version);
        let tls = metadata.tls.unwrap();
        assert_eq!(&*tls.alpn, "alpn");
        assert_eq!((tls.version, tls.cipher), (Some(tls::Version(0x0304)), Some(0x1301)));
        assert_eq!(&tls.ja4[..11], "q13d0211an_");
        assert_eq!(tls.ja3s.len(), 32);
    }
}

#[test]
fn a_server_may_choose_another_version() {
    let metadata = found(&[(CLIENT, &first_packet(V1)), (SERVER, &hex(SERVER_V2))]);
    assert_eq!(metadata.quic.unwrap().version, V2);
    assert_eq!(metadata.tls.unwrap().cipher, Some(0x1301));
}

#[test]
fn a_server_alone_is_known_by_its_version() {
    let metadata = found(&[(CLIENT, &hex(SERVER_V1))]);
    assert_eq!(metadata.quic.unwrap().version, 1);
    assert_eq!(metadata.tls, None);
}

#[test]
fn a_hello_over_packets_in_any_order_is_read() {
    let hello = hex(CLIENT_HELLO);
    let packet =
        |number, frames: Vec<u8>| seal(V1, &hex(DESTINATION), &[], number, &padded(frames, 1162));
    let first =
        packet(1, [crypto(180, &hello[180..]), vec![1], crypto(20, &hello[20..100])].concat());
    let second =
        packet(0, [crypto(100, &hello[100..180]), vec![0; 7], crypto(0, &hello[..40])].concat());
    for payloads in
        [[(CLIENT, &first[..]), (CLIENT, &second)], [(CLIENT, &second), (CLIENT, &first)]]
    {
        let metadata = found(&payloads);
        assert_eq!(metadata, found(&[(CLIENT, &first_packet(V1))]));
    }
    let coalesced = [first, second].concat();
    assert_eq!(&*found(&[(CLIENT, &coalesced)]).host, "example.com");
}

#[test]
fn a_retry_changes_the_keys() {
    let retry = hex("ff000000010008f067a5502a4262b5746f6b656e04a265ba2eff4d829058fb3f0f2496ba");
    let destination = hex("f067a5502a4262b5");
    let keys = keys(Version::V1, &destination, Role::Client);
    let hello = hex(CLIENT_HELLO);
    let half = seal(V1, &hex(DESTINATION), &[], 0, &padded(crypto(0, &hello[..60]), 1162));
    let whole = padded(crypto(0, &hello), 1162);
    let again = seal_with(&keys, V1, &destination, b"token", 1, &whole);
    let metadata = found(&[(CLIENT, &half), (SERVER, &retry), (CLIENT, &again)]);
    assert_eq!(&*metadata.host, "example.com");
    assert!(metadata.quic.unwrap().retry);
    assert!(metadata.tls.unwrap().client_read);
}

#[test]
fn a_negotiation_of_versions_is_known() {
    let negotiation = hex("80000000000008f067a5502a4262b5ff00001d00000001");
    assert_eq!(datagram(&PROTOCOL, 443, &negotiation), Verdict::Match);
    let metadata = found(&[(CLIENT, &first_packet(V1)), (SERVER, &negotiation)]);
    assert!(metadata.quic.unwrap().version_negotiation);
    // An unknown version.
    let unknown = hex("80000000000008f067a5502a4262b512345678");
    assert_eq!(datagram(&PROTOCOL, 443, &unknown), Verdict::No);
    let reserved = hex("80000000000008f067a5502a4262b50a1a2a3a");
    assert_eq!(datagram(&PROTOCOL, 443, &reserved), Verdict::No);
}

#[test]
fn early_data_is_seen() {
    let early = [&hex("d00000000108")[..], &hex(DESTINATION), &[0], &vector(&[5; 40])].concat();
    let datagram = [first_packet(V1), early].concat();
    assert!(found(&[(CLIENT, &datagram)]).quic.unwrap().early_data);
}

#[test]
fn versions_of_other_companies_match() {
    for version in
        [0xff00_0017, 0xff00_0022, 0xface_b001, 0xface_b002, 0x5130_3530, 0x5430_3530, 0x5430_3531]
    {
        let mut packet = first_packet(V1);
        packet[1..5].copy_from_slice(&u32::to_be_bytes(version));
        assert_eq!(datagram(&PROTOCOL, 443, &packet), Verdict::Match, "{version:x}");
    }
}

/// Returns a hello of Google's tags.
fn google_hello() -> Vec<u8> {
    let values: [(&[u8; 4], &[u8]); 3] =
        [(b"PAD\0", &[b'-'; 40]), (b"SNI\0", b"www.example.com"), (b"UAID", b"Chrome/63")];
    let mut hello = b"CHLO\x03\0\0\0".to_vec();
    let mut end = 0_u32;
    for (tag, value) in values {
        end += u32::try_from(value.len()).unwrap();
        hello.extend([&tag[..], &end.to_le_bytes()].concat());
    }
    hello.extend(values.iter().flat_map(|(_, value)| *value));
    hello
}

#[test]
fn hellos_of_google_are_read() {
    let hello = google_hello();
    let len = u16::try_from(hello.len()).unwrap();
    let stream = |len: [u8; 2]| [&[0xa0, 1][..], &len, &hello, &[0; 900]].concat();
    let public = |version: &[u8], flags: &[u8], stream: Vec<u8>| {
        [&[0x0d][..], &[7; 8], version, &[1], &[3; 12], flags, &stream].concat()
    };
    let long = [
        &[0xc3][..],
        b"Q046",
        &[0x50],
        &[7; 8],
        &[0, 0, 0, 1],
        &[3; 12],
        &stream(len.to_be_bytes()),
    ]
    .concat();
    let cases = [
        ("Q025", public(b"Q025", &[1], stream(len.to_le_bytes()))),
        ("Q035", public(b"Q035", &[], stream(len.to_le_bytes()))),
        ("Q043", public(b"Q043", &[], stream(len.to_be_bytes()))),
        ("Q046", long),
    ];
    for (version, packet) in cases {
        assert_eq!(datagram(&PROTOCOL, 443, &packet), Verdict::Match, "{version}");
        let metadata = found(&[(CLIENT, &packet)]);
        assert_eq!(&*metadata.host, "www.example.com", "{version}");
        let quic = metadata.quic.unwrap();
        assert_eq!(&*quic.user_agent, "Chrome/63", "{version}");
        assert_eq!(quic.version.to_be_bytes(), version.as_bytes(), "{version}");
    }
    // Q050 encrypts the same hello.
    let frame = [&[8, 0][..], &vector(&hello)].concat();
    let version = 0x5130_3530;
    let packet = seal(version, &hex(DESTINATION), &[], 1, &padded(frame, 1162));
    assert_eq!(datagram(&PROTOCOL, 443, &packet), Verdict::Match);
    assert_eq!(&*found(&[(CLIENT, &packet)]).host, "www.example.com");
}

#[test]
fn user_agents_among_transport_parameters_are_found() {
    let parameters = [&[1, 1, 5][..], &hex("7129"), &[3], b"app"].concat();
    assert_eq!(user_agent(&parameters), Some(&b"app"[..]));
    assert_eq!(user_agent(&parameters[..6]), None);
}

#[test]
fn other_datagrams_do_not_match() {
    let mut greased = first_packet(V1);
    greased[1..5].copy_from_slice(&[0x1a, 0x2a, 0x3a, 0x4a]);
    assert_eq!(datagram(&PROTOCOL, 443, &greased), Verdict::Match);
    let mut unfixed = first_packet(V1);
    unfixed[0] &= !0x40;
    let mut long_id = first_packet(V1);
    long_id[5] = 21;
    let mut unknown = first_packet(V1);
    unknown[4] = 3;
    let cases: [&[u8]; 8] = [
        &greased[..1199],
        &unfixed,
        &long_id,
        &unknown,
        &first_packet(V1)[..12],
        &[0x40; 40],
        b"\x0d12345678Q051\x01123456789012",
        b"\x0d12345678Q043\x01",
    ];
    for payload in cases {
        assert_eq!(datagram(&PROTOCOL, 443, payload), Verdict::No, "{:x?}", &payload[..8]);
    }
}

#[test]
fn a_packet_that_was_changed_shows_nothing() {
    let mut packet = first_packet(V1);
    packet[500] ^= 1;
    let metadata = found(&[(CLIENT, &packet)]);
    assert_eq!((&*metadata.host, metadata.tls), ("", None));
}

proptest! {
    #[test]
    fn pieces_and_order_do_not_matter(
        cuts in prop::collection::vec(1_usize..60, 1..12),
        seed: u64,
    ) {
        let hello = hex(CLIENT_HELLO);
        let mut frames = Vec::new();
        let mut offset = 0;
        for cut in cuts.iter().copied().cycle() {
            let end = (offset + cut).min(hello.len());
            frames.push(crypto(offset, &hello[offset..end]));
            offset = end;
            if offset == hello.len() || frames.len() == 40 {
                break;
            }
        }
        frames.push(crypto(offset, &hello[offset..]));
        let count = frames.len();
        for place in 0..count {
            let other = seed.rotate_left(u32::try_from(place).unwrap() * 7) % 64;
            frames.swap(place, usize::try_from(other).unwrap() % count);
        }
        let (first, second) = frames.split_at(count / 2);
        let packet = |number, frames: &[Vec<u8>]| {
            seal(V1, &hex(DESTINATION), &[], number, &padded(frames.concat(), 1162))
        };
        let (first, second) = (packet(0, first), packet(1, second));
        let metadata = found(&[(CLIENT, &first), (CLIENT, &second)]);
        prop_assert_eq!(metadata, found(&[(CLIENT, &first_packet(V1))]));
    }

    #[test]
    fn any_bytes_are_read(
        place in 0_usize..1200,
        bytes in prop::collection::vec(any::<u8>(), 1..60),
        frames in prop::collection::vec(any::<u8>(), 30..200),
    ) {
        let mut packet = first_packet(V1);
        let end = (place + bytes.len()).min(packet.len());
        packet[place..end].copy_from_slice(&bytes[..end - place]);
        let sealed = seal(V1, &hex(DESTINATION), &[], 0, &frames);
        let tags = seal(0x5130_3530, &hex(DESTINATION), &[], 0, &frames);
        let plain = [&[0x0d][..], &[7; 8], b"Q043", &[1], &[3; 12], &frames].concat();
        for payload in [packet, bytes, sealed, tags, plain] {
            let _ = datagram(&PROTOCOL, 443, &payload);
            let mut finding = Finding::default();
            finding.fingerprints = Fingerprints { ja3: true, ja4: true, hassh: false };
            let payloads = [(CLIENT, &payload[..]), (SERVER, &payload)];
            parse_datagrams(&PROTOCOL, 443, &payloads, finding);
        }
    }
}
