//! Storage over the network: Ceph, iSCSI (RFC 7143), NBD, Lustre and Bacula.

use crate::label::{Category, ProtocolId};
use crate::probe::{Streams, Verdict};
use crate::protocol::{Protocol, Start, StreamRules};
use crate::read::begins;
use crate::shape::{begins_any, by_client, by_server, check, either};

pub(crate) const CEPH: Protocol = Protocol {
    tcp_ports: &[3300, 6789],
    stream: Some(StreamRules::either(Start::Bytes(b"c"), ceph)),
    ..storage(381, "Ceph")
};

pub(crate) const ISCSI: Protocol = Protocol {
    tcp_ports: &[3260],
    stream: Some(StreamRules {
        // A login is always marked as immediate; without the mark, RTMP begins alike.
        client: Start::Bytes(&[0x43]),
        server: Start::Bytes(&[0x23]),
        ..StreamRules::new(iscsi)
    }),
    ..storage(10_113, "iSCSI")
};

pub(crate) const NBD: Protocol = Protocol {
    tcp_ports: &[10_809],
    stream: Some(StreamRules { server: Start::Bytes(b"N"), ..StreamRules::new(nbd) }),
    ..storage(10_114, "NBD")
};

pub(crate) const LUSTRE: Protocol = Protocol {
    stream: Some(StreamRules::either(Start::Bytes(&[0x00, 0xac, 0xed, 0xee]), lustre)),
    ..storage(425, "Lustre")
};

pub(crate) const BACULA: Protocol = Protocol {
    tcp_ports: &[9101, 9102, 9103],
    stream: Some(StreamRules { client: Start::Bytes(&[0]), ..StreamRules::new(bacula) }),
    ..storage(10_115, "Bacula")
};

const fn storage(id: u16, name: &'static str) -> Protocol {
    Protocol { id: ProtocolId(id), name, category: Category(4), ..Protocol::NEW }
}

fn ceph(streams: &Streams<'_>) -> Verdict {
    let banner = |stream| begins_any(stream, &[b"ceph v0", b"ceph v2\n"]);
    either(banner(streams.client), banner(streams.server))
}

/// Checks the login, the header of which has 48 bytes before the text of its keys.
fn iscsi(streams: &Streams<'_>) -> Verdict {
    let client = check(streams.client, |reader| {
        reader.u8()?;
        let flags = reader.u8()?;
        Some(
            flags & 0x30 == 0
                && reader.u16()? == 0
                && reader.u8()? == 0
                && reader.u24()? < 1 << 16
                && !reader.take(40)?.is_empty()
                && reader.u8()?.is_ascii_uppercase()
                && reader.u8()?.is_ascii_alphabetic(),
        )
    });
    let server = check(streams.server, |reader| {
        reader.u8()?;
        let flags = reader.u8()?;
        Some(
            flags & 0x30 == 0
                && reader.u16()? == 0
                && reader.u8()? == 0
                && reader.u24()? < 1 << 16
                && !reader.take(40)?.is_empty(),
        )
    });
    either(client, server)
}

fn nbd(streams: &Streams<'_>) -> Verdict {
    by_server(streams, |stream| begins(stream, b"NBDMAGIC"))
}

/// Checks the numbers with which LNet connects, in either byte order.
fn lustre(streams: &Streams<'_>) -> Verdict {
    let numbers: &[&[u8]] = &[
        b"\x00\x71\xce\xac\x01\0\0\0",
        b"\xac\xce\x71\x00\0\0\0\x01",
        b"\xed\x0d\xbc\xee",
        b"\xee\xbc\x0d\xed",
    ];
    either(begins_any(streams.client, numbers), begins_any(streams.server, numbers))
}

fn bacula(streams: &Streams<'_>) -> Verdict {
    by_client(streams, |stream| {
        check(stream, |reader| {
            let len = reader.u32()?;
            let hello = begins(reader.0, b"Hello ");
            if !(12..512).contains(&len) || hello == Verdict::No {
                return Some(false);
            }
            (hello == Verdict::Match).then_some(true)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::{assert_streams, streams};

    #[test]
    fn banners_and_magic_numbers_are_decisive() {
        assert_streams(&CEPH, 6789, b"ceph v027\0", b"ceph v2\n\0\0");
        assert_streams(&NBD, 10_809, b"", b"NBDMAGICIHAVEOPT");
        assert_streams(&LUSTRE, 988, b"\x00\x71\xce\xac\x01\0\0\0\0\0\0\0", b"");
        assert_streams(&LUSTRE, 988, b"", b"\xed\x0d\xbc\xee\x03\0\0\0");
        assert_streams(&BACULA, 9102, b"\0\0\0\x1fHello Director bareos calling", b"");
        assert_eq!(streams(&BACULA, 9102, b"\0\0\0\x1fGoodbye", b""), Verdict::No);
    }

    #[test]
    fn iscsi_logs_in() {
        let mut login = vec![0x43, 0x87, 0, 0, 0, 0, 1, 0x30];
        login.extend([0x80; 40]);
        login.extend(b"InitiatorName=iqn.2026-01.org.example");
        assert_streams(&ISCSI, 3260, &login, b"");
        let mut response = vec![0x23, 0x87, 0, 0, 0, 0, 0, 0x30];
        response.extend([0; 40]);
        assert_streams(&ISCSI, 3260, b"", &response);
        login[3] = 1;
        assert_eq!(streams(&ISCSI, 3260, &login, b""), Verdict::No);
    }
}
