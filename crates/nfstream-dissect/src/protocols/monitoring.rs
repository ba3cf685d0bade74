//! Agents of monitoring systems that begin with a fixed text: Zabbix, Checkmk, Munin.

use crate::label::{Category, ProtocolId};
use crate::probe::{Streams, Verdict};
use crate::protocol::{Protocol, Start, StreamRules};
use crate::read::has_magic;

pub(crate) const ZABBIX: Protocol = Protocol {
    id: ProtocolId(248),
    name: "Zabbix",
    category: Category(14),
    tcp_ports: &[10_050, 10_051],
    stream: Some(StreamRules::either(Start::Bytes(b"Z"), zabbix)),
    ..Protocol::NEW
};

pub(crate) const CHECKMK: Protocol = Protocol {
    id: ProtocolId(138),
    name: "CHECKMK",
    category: Category(4),
    tcp_ports: &[6556],
    stream: Some(StreamRules {
        server: Start::Bytes(b"<"),
        ..StreamRules::new(|streams: &Streams<'_>| {
            streams.server_first(|stream| has_magic(stream, b"<<<check_mk>>>"))
        })
    }),
    ..Protocol::NEW
};

pub(crate) const MUNIN: Protocol = Protocol {
    id: ProtocolId(329),
    name: "Munin",
    category: Category(18),
    tcp_ports: &[4949],
    stream: Some(StreamRules {
        server: Start::Bytes(b"#"),
        ..StreamRules::new(|streams: &Streams<'_>| {
            streams.server_first(|stream| has_magic(stream, b"# munin node at "))
        })
    }),
    ..Protocol::NEW
};

fn zabbix(streams: &Streams<'_>) -> Verdict {
    streams.either(|stream| {
        let head = &stream[..stream.len().min(4)];
        if !b"ZBXD".starts_with(head) {
            return Some(false);
        }
        // Flags: the protocol, compressed data, a large packet.
        Some(matches!(stream.get(4)?, 1 | 3 | 5 | 7))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::streams;

    #[test]
    fn the_fixed_texts_match() {
        assert_eq!(streams(&ZABBIX, 10_050, b"ZBXD\x01\x0b", b""), Verdict::Match);
        assert_eq!(streams(&CHECKMK, 6556, b"", b"<<<check_mk>>>\nVersion"), Verdict::Match);
        assert_eq!(streams(&MUNIN, 4949, b"", b"# munin node at host\n"), Verdict::Match);
    }

    #[test]
    fn other_texts_do_not() {
        assert_eq!(streams(&ZABBIX, 10_050, b"ZBXD\x08", b""), Verdict::No);
        assert_eq!(streams(&CHECKMK, 6556, b"", b"<html>"), Verdict::No);
        assert_eq!(streams(&MUNIN, 4949, b"", b"# comment"), Verdict::No);
    }
}
