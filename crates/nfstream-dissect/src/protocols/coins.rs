//! Cryptocurrency networks: Bitcoin and its relatives, Ethereum and Monero.

use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Streams, Verdict};
use crate::protocol::{DatagramRules, Protocol, Start, StreamRules};
use crate::read::{Reader, begins};
use crate::shape::{by_client, check, check_all, either};

pub(crate) const BITCOIN: Protocol = Protocol {
    tcp_ports: &[8333],
    stream: Some(StreamRules::new(bitcoin)),
    ..coin(343, "BITCOIN")
};

pub(crate) const ETHEREUM: Protocol = Protocol {
    tcp_ports: &[30_303],
    udp_ports: &[30_303],
    stream: Some(StreamRules { client: Start::Bytes(&[1, 2, 4]), ..StreamRules::new(ethereum) }),
    datagram: Some(DatagramRules::new(discovery)),
    ..coin(354, "ETHEREUM")
};

pub(crate) const MONERO: Protocol = Protocol {
    stream: Some(StreamRules::either(Start::Bytes(&[0x01]), monero)),
    ..coin(369, "Monero")
};

const fn coin(id: u16, name: &'static str) -> Protocol {
    Protocol { id: ProtocolId(id), name, category: Category(106), ..Protocol::NEW }
}

/// Magic numbers of Bitcoin (main network, three tests, signet, regression), Bitcoin Cash,
/// Namecoin, Litecoin, Dogecoin, Dash, Zcash and DigiByte.
const NETWORKS: [u32; 13] = [
    0xf9be_b4d9,
    0x0b11_0907,
    0x1c16_3f28,
    0x0a03_cf40,
    0xfabf_b5da,
    0xe3e1_f3e8,
    0xf9be_b4fe,
    0xfbc0_b6db,
    0xc0c0_c0c0,
    0xbf0c_6bbd,
    0x24e9_2764,
    0xfac3_b6da,
    0xe8f3_e1e3,
];
const VERSION: &[u8] = b"version\0\0\0\0\0";

fn bitcoin(streams: &Streams<'_>) -> Verdict {
    let message = |stream| {
        check(stream, |reader| {
            let known = NETWORKS.contains(&reader.u32()?);
            if !known && begins(reader.0, VERSION) == Verdict::No {
                return Some(false);
            }
            let command = reader.take(12)?;
            let end = command.iter().position(|byte| *byte == 0).unwrap_or(12);
            let (name, padding) = command.split_at(end);
            Some(
                name.len() > 1
                    && name.iter().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
                    && padding.iter().all(|byte| *byte == 0)
                    && reader.le32()? <= 4_000_000,
            )
        })
    };
    either(message(streams.client), message(streams.server))
}

/// Checks the first message of RLPx: its length, if it states one, and the public key that the
/// encryption begins with.
fn ethereum(streams: &Streams<'_>) -> Verdict {
    const UNCOMPRESSED_KEY: u8 = 4;
    const OLD_LEN: usize = 307;
    by_client(streams, |stream| {
        check(stream, |reader| {
            if *reader.0.first()? == UNCOMPRESSED_KEY {
                return Some(streams.has_port(30_303) && !reader.take(OLD_LEN)?.is_empty());
            }
            let len = usize::from(reader.u16()?);
            Some(
                (280..800).contains(&len)
                    && reader.u8()? == UNCOMPRESSED_KEY
                    && !reader.take(len - 1)?.is_empty(),
            )
        })
    })
}

/// Checks a packet of the discovery protocol, version 4: hash, signature, kind, and a list that
/// fills the rest.
fn discovery(datagram: &Datagram<'_>) -> Verdict {
    check_all(datagram.payload, |reader| {
        reader.take(32 + 64)?;
        let recovery = reader.u8()?;
        let kind = reader.u8()?;
        if recovery > 1 || !(1..=6).contains(&kind) {
            return Some(false);
        }
        let len = list_len(reader)?;
        Some(len > 0 && len == reader.0.len())
    })
}

/// Reads the length of a list in RLP.
fn list_len(reader: &mut Reader<'_>) -> Option<usize> {
    match reader.u8()? {
        short @ 0xc0..=0xf7 => Some(usize::from(short - 0xc0)),
        0xf8 => reader.u8().map(usize::from),
        0xf9 => reader.u16().map(usize::from),
        _ => None,
    }
}

/// Checks the signature of the Levin protocol.
fn monero(streams: &Streams<'_>) -> Verdict {
    const SIGNATURE: &[u8] = &[0x01, 0x21, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01];
    either(begins(streams.client, SIGNATURE), begins(streams.server, SIGNATURE))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::{assert_streams, datagram, streams};

    #[test]
    fn bitcoin_names_its_messages() {
        let version = b"\xf9\xbe\xb4\xd9version\0\0\0\0\0\x66\0\0\0\x01\x02\x03\x04";
        assert_streams(&BITCOIN, 8334, version, version);
        let verack = b"\x0b\x11\x09\x07verack\0\0\0\0\0\0\0\0\0\0";
        assert_streams(&BITCOIN, 18_333, b"", verack);
        assert_streams(&BITCOIN, 9999, b"\x01\x02\x03\x04version\0\0\0\0\0\x66\0\0\0", b"");
        assert_eq!(streams(&BITCOIN, 9999, b"\x01\x02\x03\x04verack", b""), Verdict::No);
    }

    #[test]
    fn ethereum_has_keys_and_lists() {
        let auth = [&[0x01, 0x80, 0x04][..], &[7; 0x17f]].concat();
        assert_streams(&ETHEREUM, 30_304, &auth, b"");
        assert_eq!(streams(&ETHEREUM, 30_304, &[1, 0x80, 5], b""), Verdict::No);
        let ping = [&[9; 96][..], &[0, 1, 0xc3, 1, 2, 3]].concat();
        assert_eq!(datagram(&ETHEREUM, 4000, &ping), Verdict::Match);
        let other = [&[9; 96][..], &[0, 9, 0xc3, 1, 2, 3]].concat();
        assert_eq!(datagram(&ETHEREUM, 4000, &other), Verdict::No);
    }

    #[test]
    fn monero_has_a_magic_number() {
        assert_streams(&MONERO, 18_080, &[1, 0x21, 1, 1, 1, 1, 1, 1, 0xe2], b"");
        assert_eq!(streams(&MONERO, 18_080, &[1, 0x21, 1, 1, 2], b""), Verdict::No);
    }
}
