//! HTTP/2 without TLS (RFC 9113), with gRPC inside it.

use crate::flow::Finding;
use crate::label::{Category, ProtocolId};
use crate::probe::{Streams, Verdict};
use crate::protocol::{Need, Protocol, Start, StreamRules};
use crate::protocols::hpack::{self, Field};
use crate::protocols::http::without_port;
use crate::read::{Reader, begins, text};
use crate::shape::{check, either};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(349),
    name: "HTTP2",
    category: Category(5),
    stream: Some(StreamRules {
        probe,
        client: Start::Bytes(b"P\0"),
        server: Start::Bytes(&[0]),
        parse: Some(parse),
    }),
    ..Protocol::NEW
};

/// gRPC, by its content type.
pub(crate) const GRPC: Protocol =
    Protocol { id: ProtocolId(10_300), name: "gRPC", category: Category(16), ..Protocol::NEW };

/// Metadata of an HTTP/2 connection: its first request and the first response.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Http2 {
    /// `:method` of the request.
    pub method: Box<str>,
    /// `:path` of the request.
    pub path: Box<str>,
    /// `user-agent` of the request.
    pub user_agent: Box<str>,
    /// `content-type` of the request.
    pub request_content_type: Box<str>,
    /// Status code of the response, 0 before one.
    pub status: u16,
    /// `server` of the response.
    pub server: Box<str>,
    /// `content-type` of the response.
    pub response_content_type: Box<str>,
}

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const FRAME_HEADER: usize = 9;
/// Type of DATA frames.
const DATA: u8 = 0;
/// Type of HEADERS frames.
const HEADERS: u8 = 1;
/// Type of SETTINGS frames.
const SETTINGS: u8 = 4;
/// Longest first frame of a connection that has begun before.
const MAX_FIRST: usize = 2048;
/// Bytes of a direction in which its first HEADERS frame must come.
const MAX_BYTES: usize = 16 << 10;

fn probe(streams: &Streams<'_>) -> Verdict {
    match (streams.client, streams.server) {
        ([], server) => probe_settings(server).or(probe_frames(server)),
        ([0, ..], server) => either(probe_frames(streams.client), probe_frames(server)),
        (client, _) => begins(client, PREFACE),
    }
}

/// Decides by two frames in a row, of a connection that has begun before; one suffices if it
/// acknowledges settings.
fn probe_frames(stream: &[u8]) -> Verdict {
    const ACKNOWLEDGEMENT: &[u8] = &[0, 0, 0, SETTINGS, 1, 0, 0, 0, 0];
    match begins(stream, ACKNOWLEDGEMENT) {
        Verdict::No => {}
        verdict => return verdict,
    }
    let frames = |reader: &mut Reader<'_>| {
        let Some(len) = frame(reader)? else { return Some(false) };
        if len > MAX_FIRST {
            return Some(false);
        }
        reader.take(len)?;
        Some(frame(reader)?.is_some())
    };
    check(stream, frames)
}

/// Reads the header of a frame; returns the length of its payload if length, flags and stream suit
/// its type.
fn frame(reader: &mut Reader<'_>) -> Option<Option<usize>> {
    let len = usize::try_from(reader.u24()?).ok()?;
    let (kind, flags, stream) = (reader.u8()?, reader.u8()?, reader.u32()?);
    let of_connection = stream == 0;
    let fits = match kind {
        DATA => flags & !0x09 == 0 && !of_connection && (len > 0 || flags == 1),
        HEADERS => flags & !0x2d == 0 && !of_connection && len > 0,
        // PRIORITY and RST_STREAM.
        2 => flags == 0 && !of_connection && len == 5,
        3 => flags == 0 && !of_connection && len == 4,
        SETTINGS => {
            of_connection
                && (flags == 1 && len == 0 || flags == 0 && len > 0 && len.is_multiple_of(6))
        }
        // PING, GOAWAY, WINDOW_UPDATE and CONTINUATION.
        6 => flags & !1 == 0 && of_connection && len == 8,
        7 => flags == 0 && of_connection && len >= 8,
        8 => flags == 0 && len == 4,
        9 => flags & !4 == 0 && !of_connection && len > 0,
        _ => false,
    };
    // Frames have at most 16 KiB unless the receiver allows more.
    Some((fits && stream >> 31 == 0 && len <= 1 << 14).then_some(len))
}

/// Decides by the first frame of a server: settings of stream 0.
fn probe_settings(stream: &[u8]) -> Verdict {
    let expected =
        [Some(0), Some(0), None, Some(SETTINGS), Some(0), Some(0), Some(0), Some(0), Some(0)];
    if stream.iter().zip(expected).any(|(byte, wanted)| wanted.is_some_and(|w| w != *byte)) {
        return Verdict::No;
    }
    match stream.get(2) {
        Some(len) if *len == 0 || len % 6 != 0 || *len > 60 => Verdict::No,
        _ => match stream.get(FRAME_HEADER..FRAME_HEADER + 2) {
            Some(identifier) => Verdict::from_match(identifier[0] == 0 && identifier[1] < 16),
            None => Verdict::More,
        },
    }
}

/// The first HEADERS frame of a direction.
enum Block<'a> {
    Fields(&'a [u8]),
    /// More bytes are needed, that many in all.
    After(usize),
    /// There is none in the bytes that are read.
    None,
}

fn first_block(stream: &[u8], offset: usize) -> Block<'_> {
    let mut offset = offset;
    while offset < MAX_BYTES {
        let Some(frame) = stream.get(offset..offset + FRAME_HEADER) else {
            return Block::After(offset + FRAME_HEADER);
        };
        let mut reader = Reader(frame);
        let (Some(len), Some(kind), Some(flags)) = (reader.u24(), reader.u8(), reader.u8()) else {
            return Block::None;
        };
        let end = offset + FRAME_HEADER + usize::try_from(len).unwrap_or(usize::MAX >> 1);
        if kind == HEADERS {
            return match stream.get(offset + FRAME_HEADER..end) {
                Some(payload) => fields(payload, flags).map_or(Block::None, Block::Fields),
                None if end <= MAX_BYTES => Block::After(end),
                None => Block::None,
            };
        }
        offset = end;
    }
    Block::None
}

/// Returns the field block of a HEADERS frame without padding and priority.
fn fields(payload: &[u8], flags: u8) -> Option<&[u8]> {
    let mut reader = Reader(payload);
    let padding = if flags & 8 != 0 { reader.u8()? } else { 0 };
    if flags & 0x20 != 0 {
        reader.take(5)?;
    }
    let len = reader.0.len().checked_sub(padding.into())?;
    reader.take(len)
}

fn parse(streams: &Streams<'_>, finding: &mut Finding) -> Need {
    let start = if streams.client.starts_with(b"P") { PREFACE.len() } else { 0 };
    let request = first_block(streams.client, start);
    let response = first_block(streams.server, 0);
    if let Block::Fields(block) = request {
        for (field, value) in hpack::fields(block) {
            set_request(finding, field, &value);
        }
    }
    if let Block::Fields(block) = response {
        for (field, value) in hpack::fields(block) {
            set_response(finding, field, &value);
        }
    }
    let grpc = finding.found_metadata().and_then(|metadata| metadata.http2.as_ref());
    if grpc.is_some_and(|http2| {
        http2.request_content_type.starts_with("application/grpc")
            || http2.response_content_type.starts_with("application/grpc")
    }) {
        finding.set_application(GRPC.id);
    }
    match (request, response) {
        (Block::After(client), Block::After(server)) => Need::Bytes { client, server },
        (Block::After(client), _) => Need::client(client),
        (_, Block::After(server)) => Need::server(server),
        _ => Need::Done,
    }
}

fn set_request(finding: &mut Finding, field: Field, value: &[u8]) {
    let metadata = finding.metadata();
    let http2 = metadata.http2.get_or_insert_default();
    match field {
        Field::Authority => metadata.host = text(without_port(value)),
        Field::Method => http2.method = text(value),
        Field::Path => http2.path = text(value),
        Field::UserAgent => http2.user_agent = text(value),
        Field::ContentType => http2.request_content_type = text(value),
        Field::Status | Field::Server | Field::Other => {}
    }
}

fn set_response(finding: &mut Finding, field: Field, value: &[u8]) {
    let http2 = finding.metadata().http2.get_or_insert_default();
    match field {
        Field::Status => {
            http2.status =
                std::str::from_utf8(value).ok().and_then(|s| s.parse().ok()).unwrap_or(0);
        }
        Field::Server => http2.server = text(value),
        Field::ContentType => http2.response_content_type = text(value),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing;

    const SERVER_SETTINGS: &[u8] = b"\0\0\x06\x04\0\0\0\0\0\0\x03\0\0\0\x64";

    #[test]
    fn preface_and_settings_match() {
        testing::assert_streams(&PROTOCOL, 80, PREFACE, SERVER_SETTINGS);
        testing::assert_streams(&PROTOCOL, 80, b"", SERVER_SETTINGS);
        assert_eq!(testing::streams(&PROTOCOL, 80, b"PRI * HTTP/1", b""), Verdict::No);
        assert_eq!(testing::streams(&PROTOCOL, 80, b"", &[0; 20]), Verdict::No);
    }

    #[test]
    fn first_headers_are_read() {
        // Field block of RFC 7541, section C.4.1, with a content type after it.
        let block = b"\x82\x86\x84\x41\x8c\xf1\xe3\xc2\xe5\xf2\x3a\x6b\xa0\xab\x90\xf4\xff\
            \x0f\x10\x10application/grpc";
        let mut client = [PREFACE, b"\0\0\0\x04\0\0\0\0\0"].concat();
        client.extend_from_slice(&[0, 0, u8::try_from(block.len()).unwrap(), 1, 4, 0, 0, 0, 1]);
        client.extend_from_slice(block);
        let server = [SERVER_SETTINGS, b"\0\0\x01\x01\x04\0\0\0\x01\x88"].concat();
        let found = testing::parse_streams(&PROTOCOL, 80, &client, &server, Finding::default());
        let metadata = found.found_metadata().unwrap();
        assert_eq!(&*metadata.host, "www.example.com");
        let http2 = metadata.http2.clone().unwrap();
        assert_eq!((&*http2.method, &*http2.path, http2.status), ("GET", "/", 200));
        assert_eq!(found.application(), Some(GRPC.id));
    }
}
