//! Remote control of screens, keyboards and phones: SPICE, Guacamole, Synergy and its heirs, and the
//! Android Debug Bridge.

use crate::label::{Category, ProtocolId};
use crate::probe::{Streams, Verdict};
use crate::protocol::{Protocol, Start, StreamRules};
use crate::shape::{begins_any, by_client, by_server, check, either};

pub(crate) const SPICE: Protocol = Protocol {
    stream: Some(StreamRules::either(Start::Bytes(b"R"), spice)),
    ..remote(10_140, "SPICE")
};

pub(crate) const GUACAMOLE: Protocol = Protocol {
    tcp_ports: &[4822],
    stream: Some(StreamRules { client: Start::Bytes(b"6"), ..StreamRules::new(guacamole) }),
    ..remote(10_141, "Guacamole")
};

pub(crate) const SYNERGY: Protocol = Protocol {
    tcp_ports: &[24_800],
    stream: Some(StreamRules { server: Start::Bytes(&[0]), ..StreamRules::new(synergy) }),
    ..remote(10_142, "Synergy")
};

pub(crate) const ADB: Protocol = Protocol {
    tcp_ports: &[5555],
    stream: Some(StreamRules {
        client: Start::Bytes(b"C"),
        server: Start::Bytes(b"CAS"),
        ..StreamRules::new(adb)
    }),
    ..remote(10_143, "ADB")
};

const fn remote(id: u16, name: &'static str) -> Protocol {
    Protocol { id: ProtocolId(id), name, category: Category(12), ..Protocol::NEW }
}

/// Checks magic number, version and length of the link message.
fn spice(streams: &Streams<'_>) -> Verdict {
    let link = |stream| {
        check(stream, |reader| {
            Some(
                reader.u32()? == u32::from_be_bytes(*b"REDQ")
                    && (1..=2).contains(&reader.le32()?)
                    && reader.le32()? < 64
                    && reader.le32()? < 4096,
            )
        })
    };
    either(link(streams.client), link(streams.server))
}

fn guacamole(streams: &Streams<'_>) -> Verdict {
    by_client(streams, |stream| begins_any(stream, &[b"6.select,"]))
}

/// Checks the name of the program after its length.
fn synergy(streams: &Streams<'_>) -> Verdict {
    by_server(streams, |stream| {
        check(stream, |reader| {
            if !(11..64).contains(&reader.u32()?) {
                return Some(false);
            }
            match begins_any(reader.0, &[b"Synergy\0", b"Barrier\0"]) {
                Verdict::More => None,
                verdict => Some(verdict == Verdict::Match),
            }
        })
    })
}

/// Checks the command, and its complement after arguments, length and sum.
fn adb(streams: &Streams<'_>) -> Verdict {
    let message = |stream, commands: &[&[u8; 4]]| {
        check(stream, |reader| {
            let command = reader.u32()?;
            if !commands.iter().any(|known| u32::from_be_bytes(**known) == command) {
                return Some(false);
            }
            reader.take(16)?;
            Some(reader.u32()? == !command)
        })
    };
    let client = message(streams.client, &[b"CNXN"]);
    either(client, message(streams.server, &[b"CNXN", b"AUTH", b"STLS"]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::{assert_streams, streams};

    #[test]
    fn magic_words_are_decisive() {
        assert_streams(&SPICE, 5930, b"REDQ\x02\0\0\0\x02\0\0\0\x1a\0\0\0", b"");
        assert_streams(&GUACAMOLE, 4822, b"6.select,3.vnc;", b"");
        assert_streams(&SYNERGY, 24_800, b"", b"\0\0\0\x0bBarrier\0\x01\0\x06");
        let connect = b"CNXN\x01\0\0\x01\0\0\x10\0\x07\0\0\0\x32\x02\0\0\xbc\xb1\xa7\xb1host::";
        assert_streams(&ADB, 5555, connect, b"");
        assert_eq!(
            streams(&ADB, 5555, b"CNXN\x01\0\0\x01\0\0\x10\0\x07\0\0\0\x32\x02\0\0C", b""),
            Verdict::More
        );
        assert_eq!(streams(&SPICE, 5930, b"REDQ\x07\0\0\0", b""), Verdict::No);
        assert_eq!(streams(&SYNERGY, 24_800, b"", b"\0\0\0\x0bSynonym"), Verdict::No);
    }
}
