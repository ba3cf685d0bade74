//! Minecraft's Java edition: the handshake of a client (as public descriptions of its protocol give
//! it).

use crate::flow::Finding;
use crate::label::{Category, ProtocolId};
use crate::probe::{Streams, Verdict};
use crate::protocol::{Need, Protocol, StreamRules};
use crate::read::{Reader, text};
use crate::shape::check;

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(10_220),
    name: "Minecraft",
    category: Category(8),
    tcp_ports: &[25_565],
    stream: Some(StreamRules { parse: Some(parse), ..StreamRules::new(probe) }),
    ..Protocol::NEW
};

fn probe(streams: &Streams<'_>) -> Verdict {
    if streams.client.is_empty() && !streams.server.is_empty() {
        return check(streams.server, is_status);
    }
    streams.client_first(|stream| handshake(stream).map(|host| host.is_some()))
}

/// Returns whether a server describes itself: a packet of number 0 that holds an object as text.
fn is_status(reader: &mut Reader<'_>) -> Option<bool> {
    let Some(len) = number(reader)? else { return Some(false) };
    let before = reader.0.len();
    if !(20..1 << 18).contains(&len) || reader.u8()? != 0 {
        return Some(false);
    }
    let Some(text) = number(reader)? else { return Some(false) };
    let fields = before - reader.0.len();
    Some(fields + text == len && reader.u16()? == u16::from_be_bytes(*b"{\""))
}

fn parse(streams: &Streams<'_>, finding: &mut Finding) -> Need {
    if let Some(Some(host)) = handshake(streams.client) {
        // Mods add fields of their own after a zero.
        let host = host.split(|byte| *byte == 0).next().unwrap_or_default();
        finding.metadata().host = text(host);
    }
    Need::Done
}

/// Returns the name of the server in a handshake, `Some(None)` if there is no handshake, `None` if
/// it has not come whole.
fn handshake(stream: &[u8]) -> Option<Option<&[u8]>> {
    let mut rest = Reader(stream);
    let Some(len) = number(&mut rest)? else { return Some(None) };
    if !(7..=300).contains(&len) || rest.u8()? != 0 {
        return Some(None);
    }
    let Some(version) = number(&mut rest)? else { return Some(None) };
    let Some(name) = number(&mut rest)? else { return Some(None) };
    // Snapshots have the highest bit but one set; unknown versions are −1.
    let is_version = version < 2000 || version & 0x4000_0000 != 0;
    if !is_version || !(1..=255).contains(&name) {
        return Some(None);
    }
    let shown = &rest.0[..rest.0.len().min(name)];
    if shown
        .iter()
        .any(|byte| byte.is_ascii_whitespace() || (byte.is_ascii_control() && *byte != 0))
    {
        return Some(None);
    }
    let host = rest.take(name)?;
    rest.u16()?;
    // Status, login or a transfer.
    let intent = rest.u8()?;
    let read = stream.len() - rest.0.len();
    let prefix = if len < 128 { 1 } else { 2 };
    Some(((1..=3).contains(&intent) && read == prefix + len).then_some(host))
}

/// Returns a number of seven bits a byte, `Some(None)` if it is longer than five bytes.
fn number(rest: &mut Reader<'_>) -> Option<Option<usize>> {
    let mut value = 0;
    for place in 0..5 {
        let byte = rest.u8()?;
        value |= usize::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            return Some(Some(value));
        }
    }
    Some(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::TCP;
    use crate::protocols::testing::{endpoints, streams};

    const HANDSHAKE: &[u8] = b"\x10\0\xf5\x05\x09localhost\x63\xdd\x02";

    #[test]
    fn a_handshake_matches_and_names_the_server() {
        assert_eq!(streams(&PROTOCOL, 25_565, HANDSHAKE, b""), Verdict::Match);
        assert_eq!(handshake(HANDSHAKE), Some(Some(&b"localhost"[..])));
        assert_eq!(handshake(&HANDSHAKE[..16]), None);
    }

    #[test]
    fn other_streams_do_not() {
        assert_eq!(streams(&PROTOCOL, 25_565, b"\x10\x01\xf5\x05", b""), Verdict::No);
        assert_eq!(streams(&PROTOCOL, 25_565, b"\xff\xff\xff\xff\xff\xff", b""), Verdict::No);
        assert_eq!(streams(&PROTOCOL, 25_565, b"GET / HTTP/1.1\r\n", b""), Verdict::No);
        let mut other = HANDSHAKE.to_vec();
        other[16] = 9;
        assert_eq!(streams(&PROTOCOL, 25_565, &other, b""), Verdict::No);
    }

    #[test]
    fn fields_of_mods_are_cut_from_the_name() {
        let client = b"\x14\0\xf5\x05\x0dlocalhost\0FML\x63\xdd\x02";
        let endpoints = endpoints(TCP, 25_565);
        let mut finding = Finding::default();
        let streams = Streams { endpoints: &endpoints, client, server: b"", swapped: false };
        assert_eq!(parse(&streams, &mut finding), Need::Done);
        assert_eq!(&*finding.metadata().host, "localhost");
    }
}
