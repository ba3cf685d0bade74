//! ONC RPC (RFC 5531) over UDP and TCP, with NFS and the programs around it.

use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Streams, Verdict};
use crate::protocol::{DatagramRules, Protocol, Start, StreamRules};
use crate::read::Reader;
use crate::shape::{check, check_all, either};

pub(crate) const NFS: Protocol = Protocol {
    id: ProtocolId(11),
    name: "NFS",
    category: Category(4),
    tcp_ports: &[NFS_PORT],
    udp_ports: &[NFS_PORT],
    stream: Some(StreamRules {
        client: LAST_FRAGMENT,
        server: LAST_FRAGMENT,
        ..StreamRules::new(nfs_stream)
    }),
    datagram: Some(DatagramRules::new(nfs_datagram)),
    ..Protocol::NEW
};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(10_100),
    name: "SunRPC",
    category: Category(16),
    tcp_ports: &[PORTMAPPER_PORT],
    udp_ports: &[PORTMAPPER_PORT],
    stream: Some(StreamRules {
        client: LAST_FRAGMENT,
        server: LAST_FRAGMENT,
        ..StreamRules::new(stream)
    }),
    datagram: Some(DatagramRules::new(datagram)),
    ..Protocol::NEW
};

const NFS_PORT: u16 = 2049;
const PORTMAPPER_PORT: u16 = 111;
/// First bytes of a record that is one fragment shorter than 16 MiB.
const LAST_FRAGMENT: Start = Start::Bytes(&[0x80]);
const CALL: u32 = 0;
const REPLY: u32 = 1;

/// Programs that belong to NFS: portmapper, NFS, mount, locks, status and access lists.
const NFS_PROGRAMS: [u32; 6] = [100_000, 100_003, 100_005, 100_021, 100_024, 100_227];

fn nfs_stream(streams: &Streams<'_>) -> Verdict {
    rpc_stream(streams, true)
}

fn stream(streams: &Streams<'_>) -> Verdict {
    rpc_stream(streams, false)
}

fn nfs_datagram(datagram: &Datagram<'_>) -> Verdict {
    rpc_datagram(datagram, true)
}

fn datagram(datagram: &Datagram<'_>) -> Verdict {
    rpc_datagram(datagram, false)
}

fn rpc_stream(streams: &Streams<'_>, nfs: bool) -> Verdict {
    let usual_port = streams.has_port(NFS_PORT) || streams.has_port(PORTMAPPER_PORT);
    let message = |stream, is_client| {
        check(stream, |reader| {
            let len = reader.u32()? & 0x7fff_ffff;
            Some((24..1 << 24).contains(&len) && message(reader, nfs, usual_port, is_client)?)
        })
    };
    either(message(streams.client, true), message(streams.server, false))
}

fn rpc_datagram(datagram: &Datagram<'_>, nfs: bool) -> Verdict {
    let usual_port = datagram.has_port(NFS_PORT) || datagram.has_port(PORTMAPPER_PORT);
    let call = check_all(datagram.payload, |reader| message(reader, nfs, usual_port, true));
    if call == Verdict::Match {
        return call;
    }
    check_all(datagram.payload, |reader| message(reader, nfs, usual_port, false))
}

/// Checks a call, or a reply: it names no program, so it is one of NFS at the usual ports.
fn message(reader: &mut Reader<'_>, nfs: bool, usual_port: bool, is_call: bool) -> Option<bool> {
    reader.u32()?;
    if is_call {
        if reader.u32()? != CALL || reader.u32()? != 2 {
            return Some(false);
        }
        let program = reader.u32()?;
        let version = reader.u32()?;
        let procedure = reader.u32()?;
        return Some(
            NFS_PROGRAMS.contains(&program) == nfs
                && (100_000..0x6000_0000).contains(&program)
                && version < 128
                && procedure < 1024
                && is_authentication(reader)?,
        );
    }
    Some(
        nfs && usual_port
            && reader.u32()? == REPLY
            && match reader.u32()? {
                0 => is_authentication(reader)?,
                1 => reader.u32()? <= 1,
                _ => false,
            },
    )
}

/// Checks flavour and length of a credential or verifier.
fn is_authentication(reader: &mut Reader<'_>) -> Option<bool> {
    let flavour = reader.u32()?;
    let len = reader.u32()?;
    Some((flavour <= 8 || (390_000..400_000).contains(&flavour)) && len <= 400)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::{assert_streams, datagram, streams};

    fn call(program: u32) -> Vec<u8> {
        let words = [0x3843_4f69, 0, 2, program, 3, 0, 0, 0, 0, 0];
        words.iter().flat_map(|word: &u32| word.to_be_bytes()).collect()
    }

    #[test]
    fn programs_decide_between_nfs_and_others() {
        assert_eq!(datagram(&NFS, 1048, &call(100_005)), Verdict::Match);
        assert_eq!(datagram(&PROTOCOL, 1048, &call(100_005)), Verdict::No);
        assert_eq!(datagram(&PROTOCOL, 1048, &call(100_004)), Verdict::Match);
        assert_eq!(datagram(&NFS, 1048, &call(7)), Verdict::No);
    }

    #[test]
    fn streams_have_record_marks() {
        let call = [&[0x80, 0, 0, 40][..], &call(100_003)].concat();
        assert_streams(&NFS, 4000, &call, b"");
        let reply = [&[0x80, 0, 0, 24][..], &[1, 2, 3, 4, 0, 0, 0, 1], &[0; 16]].concat();
        assert_streams(&NFS, 2049, b"", &reply);
        assert_eq!(streams(&NFS, 4000, b"", &reply), Verdict::No);
    }
}
