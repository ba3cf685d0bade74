//! SDP (RFC 8866): the media that a session announces.

use std::net::IpAddr;

use crate::metadata::{Announced, Metadata};
use crate::packet::UDP;
use crate::read::line;

/// Lines of a description that are read.
const MAX_LINES: usize = 256;

/// Adds the media of a session description to what the flow announces.
pub(crate) fn announce(description: &[u8], metadata: &mut Metadata) {
    let mut rest = description;
    let mut session: Option<IpAddr> = None;
    // The address of a medium may follow its port, or be the session's.
    let mut port: Option<u16> = None;
    let mut add = |address: Option<IpAddr>, port: Option<u16>| {
        if let (Some(address), Some(port @ 1..)) = (address, port) {
            let application = super::rtp::PROTOCOL.id;
            metadata.announce(Announced { address, port, transport: UDP, application });
        }
    };
    let mut medium: Option<IpAddr> = None;
    for _ in 0..MAX_LINES {
        let whole = line(rest);
        let current = whole.unwrap_or(rest);
        match current {
            [b'c', b'=', value @ ..] => {
                let address = connection(value);
                if port.is_some() { medium = address } else { session = address }
            }
            [b'm', b'=', value @ ..] => {
                add(medium.or(session), port);
                (port, medium) = (media_port(value), None);
            }
            _ => {}
        }
        match rest.iter().position(|byte| *byte == b'\n') {
            Some(end) => rest = &rest[end + 1..],
            None => break,
        }
    }
    add(medium.or(session), port);
}

/// Reads the address of a connection line, `IN IP4 192.0.2.1/127`.
fn connection(value: &[u8]) -> Option<IpAddr> {
    let address = value.split(|byte| *byte == b' ').nth(2)?;
    let address = address.split(|byte| *byte == b'/').next()?;
    std::str::from_utf8(address.trim_ascii()).ok()?.parse().ok()
}

/// Reads the port of a media line of RTP, `audio 49170 RTP/AVP 0`.
fn media_port(value: &[u8]) -> Option<u16> {
    let mut words = value.split(|byte| *byte == b' ');
    let (_kind, port, transport) = (words.next()?, words.next()?, words.next()?);
    if !transport.windows(3).any(|word| word == b"RTP") {
        return None;
    }
    let port = port.split(|byte| *byte == b'/').next()?;
    std::str::from_utf8(port).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_take_their_address_or_the_sessions() {
        let mut metadata = Metadata::default();
        announce(
            b"v=0\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 49170 RTP/AVP 0\r\n\
              m=video 51372/2 RTP/AVP 31\r\nc=IN IP6 2001:db8::1\r\nm=image 5000 udptl t38",
            &mut metadata,
        );
        let media: Vec<_> = metadata.announced.iter().map(|a| (a.address, a.port)).collect();
        let expected =
            [("192.0.2.1".parse().unwrap(), 49170), ("2001:db8::1".parse().unwrap(), 51372)];
        assert_eq!(media, expected);
    }
}
