//! Protocols of server clusters: ZooKeeper, Hadoop, Cassandra between its nodes, Erlang's port
//! mapper, NSQ and Pulsar.

use crate::label::{Category, ProtocolId};
use crate::probe::{Streams, Verdict};
use crate::protocol::{Protocol, Start, StreamRules};
use crate::read::begins;
use crate::shape::{by_client, check, check_line, is_word};

pub(crate) const ZOOKEEPER: Protocol = Protocol {
    tcp_ports: &[2181],
    stream: Some(StreamRules::new(zookeeper)),
    ..cluster(10_147, "ZooKeeper")
};

pub(crate) const HADOOP: Protocol = Protocol {
    tcp_ports: &[8020],
    stream: Some(StreamRules { client: Start::Bytes(b"h"), ..StreamRules::new(hadoop) }),
    ..cluster(10_148, "Hadoop")
};

pub(crate) const CASSANDRA_NODES: Protocol = Protocol {
    stream: Some(StreamRules { client: Start::Bytes(&[0xca]), ..StreamRules::new(cassandra) }),
    id: ProtocolId(264),
    name: "Cassandra",
    category: Category(11),
    ..Protocol::NEW
};

pub(crate) const EPMD: Protocol = Protocol {
    tcp_ports: &[4369],
    stream: Some(StreamRules { client: Start::Bytes(&[0]), ..StreamRules::new(epmd) }),
    ..cluster(10_149, "EPMD")
};

pub(crate) const NSQ: Protocol = Protocol {
    tcp_ports: &[4150],
    stream: Some(StreamRules { client: Start::Bytes(b" "), ..StreamRules::new(nsq) }),
    ..cluster(10_150, "NSQ")
};

pub(crate) const PULSAR: Protocol = Protocol {
    tcp_ports: &[6650],
    stream: Some(StreamRules { client: Start::Bytes(&[0]), ..StreamRules::new(pulsar) }),
    ..cluster(10_151, "Pulsar")
};

const fn cluster(id: u16, name: &'static str) -> Protocol {
    Protocol { id: ProtocolId(id), name, category: Category(16), ..Protocol::NEW }
}

/// Checks the request for a session (protocol 0, a time in milliseconds, a password of 16 bytes) or
/// a command of four letters at the usual port.
fn zookeeper(streams: &Streams<'_>) -> Verdict {
    by_client(streams, |stream| {
        if streams.has_port(2181) && stream.first().is_some_and(u8::is_ascii_lowercase) {
            let commands: [&[u8]; 6] = [b"ruok", b"stat", b"mntr", b"srvr", b"conf", b"cons"];
            return crate::shape::begins_any(stream, &commands);
        }
        check(stream, |reader| {
            if !(44..=45).contains(&reader.u32()?) || reader.u32()? != 0 {
                return Some(false);
            }
            reader.u64()?;
            let timeout = reader.u32()?;
            reader.u64()?;
            Some((1..10_000_000).contains(&timeout) && reader.u32()? == 16)
        })
    })
}

/// Checks the header of its remote calls: version, class of service and authentication.
fn hadoop(streams: &Streams<'_>) -> Verdict {
    by_client(streams, |stream| {
        check(stream, |reader| {
            Some(
                reader.u32()? == u32::from_be_bytes(*b"hrpc")
                    && (4..=9).contains(&reader.u8()?)
                    && reader.u8()? <= 1
                    && matches!(reader.u8()?, 0 | 0xdf),
            )
        })
    })
}

fn cassandra(streams: &Streams<'_>) -> Verdict {
    by_client(streams, |stream| begins(stream, &[0xca, 0x55, 0x2d, 0xfa]))
}

/// Checks the length of a request, and that it registers a node or looks one up.
fn epmd(streams: &Streams<'_>) -> Verdict {
    by_client(streams, |stream| {
        check(stream, |reader| {
            let len = usize::from(reader.u16()?);
            match reader.u8()? {
                // Register: port, kind (72 hidden, 77 visible), TCP, versions.
                b'x' => {
                    reader.u16()?;
                    Some(len >= 14 && matches!(reader.u8()?, 72 | 77) && reader.u8()? == 0)
                }
                // Port of a node, by its name.
                b'z' => Some((2..256).contains(&len) && is_word(reader.take(len - 1)?)),
                b'n' | b'd' | b'k' => Some(len == 1 && streams.has_port(4369)),
                _ => Some(false),
            }
        })
    })
}

fn nsq(streams: &Streams<'_>) -> Verdict {
    by_client(streams, |stream| match begins(stream, b"  V2") {
        Verdict::Match => check_line(stream.get(4..).unwrap_or_default(), 128, |line| {
            line.first().is_some_and(u8::is_ascii_uppercase)
        }),
        verdict => verdict,
    })
}

/// Checks both lengths, and a first command that connects: in Protocol Buffers, kind 2 and its
/// field.
fn pulsar(streams: &Streams<'_>) -> Verdict {
    by_client(streams, |stream| {
        check(stream, |reader| {
            let whole = reader.u32()?;
            let command = reader.u32()?;
            Some(
                (8..1 << 16).contains(&command)
                    && whole == command + 4
                    && reader.u16()? == 0x0802
                    && reader.u8()? == 0x12,
            )
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::{assert_streams, streams};

    #[test]
    fn sessions_and_calls_have_headers() {
        let session = [
            &b"\0\0\0\x2d\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x75\x30\0\0\0\0\0\0\0\0\0\0\0\x10"[..],
            &[0; 17],
        ];
        assert_streams(&ZOOKEEPER, 2182, &session.concat(), b"");
        assert_streams(&ZOOKEEPER, 2181, b"ruok", b"");
        assert_streams(&HADOOP, 9000, b"hrpc\x09\0\0\0\0\0\x1e", b"");
        assert_streams(&CASSANDRA_NODES, 7000, b"\xca\x55\x2d\xfa\0\0\0\x0c", b"");
        assert_eq!(streams(&ZOOKEEPER, 2182, b"\0\0\0\x2d\0\0\0\x01", b""), Verdict::No);
        assert_eq!(streams(&HADOOP, 9000, b"hrpc\x20", b""), Verdict::No);
    }

    #[test]
    fn queues_and_nodes_announce_themselves() {
        assert_streams(&EPMD, 4369, b"\0\x07zrabbit", b"");
        assert_streams(&EPMD, 4369, b"\0\x13x\x87\x07\x4d\0\0\x06\0\x05\0\x06rabbit\0\0", b"");
        assert_streams(&NSQ, 4150, b"  V2IDENTIFY\n\0\0\0\x40", b"");
        assert_streams(&PULSAR, 6650, b"\0\0\0\x1f\0\0\0\x1b\x08\x02\x12\x17\x0a", b"");
        assert_eq!(streams(&EPMD, 4369, b"\0\x07z\0", b""), Verdict::More);
        assert_eq!(streams(&NSQ, 4150, b"  V3", b""), Verdict::No);
        assert_eq!(streams(&PULSAR, 6650, b"\0\0\0\x1f\0\0\0\x1c\x08\x02\x12", b""), Verdict::No);
    }
}
