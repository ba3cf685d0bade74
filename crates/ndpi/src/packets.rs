//! Packets for tests, from the IPv4 header on. Checksums are 0, as nDPI does not verify them.

const CLIENT: [u8; 4] = [192, 168, 1, 2];
const SERVER: [u8; 4] = [203, 0, 113, 9];
const CLIENT_PORT: u16 = 50_000;

/// JA3 of [`client_hello`]: the MD5 of `771,49195,0,,`.
pub(crate) const CLIENT_HELLO_JA3: &str = "7a042f1b1744c7c7fd732a57e57807ba";

/// A DNS query of type A.
pub(crate) fn dns_query(name: &str) -> Vec<u8> {
    let mut payload = vec![0x12, 0x34, 0x01, 0x00, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in name.split('.') {
        payload.push(label.len().try_into().unwrap());
        payload.extend(label.bytes());
    }
    payload.extend([0, 0, 1, 0, 1]);
    let mut datagram = CLIENT_PORT.to_be_bytes().to_vec();
    datagram.extend(53_u16.to_be_bytes());
    datagram.extend(u16::try_from(payload.len() + 8).unwrap().to_be_bytes());
    datagram.extend([0, 0]);
    datagram.extend(payload);
    ipv4(17, CLIENT, SERVER, &datagram)
}

/// A TLS 1.2 ClientHello with one cipher suite and the server name extension (RFC 6066).
pub(crate) fn client_hello(name: &str) -> Vec<u8> {
    let entry = prefixed_16(&[&[0], &*prefixed_16(name.as_bytes())].concat());
    let extensions = [&[0, 0], &*prefixed_16(&entry)].concat();
    let mut hello = vec![3, 3];
    hello.extend([7; 32]); // random
    hello.push(0); // no session id
    hello.extend([0, 2, 0xc0, 0x2b]); // one cipher suite
    hello.extend([1, 0]); // no compression
    hello.extend(prefixed_16(&extensions));
    let handshake = [&[1, 0], &*prefixed_16(&hello)].concat();
    tcp(443, &[&[22, 3, 1], &*prefixed_16(&handshake)].concat())
}

/// A TCP segment from the client.
pub(crate) fn tcp(server_port: u16, payload: &[u8]) -> Vec<u8> {
    ipv4(6, CLIENT, SERVER, &segment(CLIENT_PORT, server_port, payload))
}

/// A TCP segment from the server.
pub(crate) fn tcp_answer(server_port: u16, payload: &[u8]) -> Vec<u8> {
    ipv4(6, SERVER, CLIENT, &segment(server_port, CLIENT_PORT, payload))
}

fn segment(src_port: u16, dst_port: u16, payload: &[u8]) -> Vec<u8> {
    let mut segment = src_port.to_be_bytes().to_vec();
    segment.extend(dst_port.to_be_bytes());
    segment.extend([0, 0, 0, 1, 0, 0, 0, 1]); // sequence and acknowledgement numbers
    segment.extend([0x50, 0x18, 0xff, 0xff, 0, 0, 0, 0]); // PSH, ACK
    segment.extend(payload);
    segment
}

fn ipv4(protocol: u8, src: [u8; 4], dst: [u8; 4], payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x45, 0];
    packet.extend(u16::try_from(payload.len() + 20).unwrap().to_be_bytes());
    packet.extend([0, 1, 0x40, 0, 64, protocol, 0, 0]);
    packet.extend(src);
    packet.extend(dst);
    packet.extend(payload);
    packet
}

fn prefixed_16(bytes: &[u8]) -> Vec<u8> {
    let len = u16::try_from(bytes.len()).unwrap().to_be_bytes();
    [&len, bytes].concat()
}
