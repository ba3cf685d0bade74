//! Soulseek: the login at its server, and the start of connections between peers.

use crate::label::{Category, ProtocolId};
use crate::probe::{Streams, Verdict};
use crate::protocol::{Protocol, StreamRules};
use crate::shape::{by_client, check, is_printable};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(10_111),
    name: "Soulseek",
    category: Category(7),
    tcp_ports: &[2242],
    stream: Some(StreamRules::new(probe)),
    ..Protocol::NEW
};

const MAX_NAME: usize = 64;

fn probe(streams: &Streams<'_>) -> Verdict {
    by_client(streams, |stream| {
        check(stream, |reader| {
            let len = reader.le32()?;
            if !(14..=512).contains(&len) || *reader.0.first()? != 1 {
                return Some(false);
            }
            // The login has a code of four bytes, peers have one of one byte.
            let is_login = reader.0.get(1..4)? == [0; 3];
            reader.take(if is_login { 4 } else { 1 })?;
            let name_len = usize::try_from(reader.le32()?).ok()?;
            if !(1..=MAX_NAME).contains(&name_len) || !is_printable(reader.take(name_len)?) {
                return Some(false);
            }
            if is_login {
                return Some((1..=128).contains(&reader.le32()?));
            }
            Some(reader.le32()? == 1 && matches!(reader.u8()?, b'P' | b'F' | b'D'))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::{assert_streams, streams};

    #[test]
    fn logins_and_peers_give_a_name() {
        let login = b"\x48\0\0\0\x01\0\0\0\x05\0\0\0alice\x08\0\0\0password";
        assert_streams(&PROTOCOL, 2242, login, b"");
        let peer = b"\x13\0\0\0\x01\x05\0\0\0alice\x01\0\0\0P\0\0\0\0";
        assert_streams(&PROTOCOL, 2234, peer, b"");
        assert_eq!(streams(&PROTOCOL, 2242, b"\x48\0\0\0\x02\0\0\0", b""), Verdict::No);
    }
}
