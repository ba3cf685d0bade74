//! Calls of KakaoTalk: RTCP first, to the company's own addresses.

use std::net::IpAddr;

use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Verdict};
use crate::protocol::{DatagramRules, Protocol, Start};
use crate::read::be16;

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(194),
    name: "KakaoTalk_Voice",
    category: Category(10),
    datagram: Some(DatagramRules { start: Start::Range(0x80, 0x9f), ..DatagramRules::new(probe) }),
    ..Protocol::NEW
};

fn probe(datagram: &Datagram<'_>) -> Verdict {
    let endpoints = datagram.endpoints;
    let is_kakao = |address: IpAddr| match address {
        IpAddr::V4(address) => matches!(address.octets(), [1, 201, ..]),
        IpAddr::V6(_) => false,
    };
    let of_kakao = is_kakao(endpoints.client.ip()) || is_kakao(endpoints.server.ip());
    // Encrypted RTCP: reports whose length in words leaves room for an authentication tag.
    let payload = datagram.payload;
    let is_report = matches!(payload.get(1), Some(200 | 201))
        && be16(payload, 2).is_some_and(|words| 4 * usize::from(words) + 4 <= payload.len());
    Verdict::from_match(of_kakao && is_report)
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, SocketAddr};

    use super::*;
    use crate::packet::{Direction, Endpoints, UDP};
    use crate::probe::History;

    #[test]
    fn reports_match_at_the_company_s_addresses() {
        let verdict = |address: [u8; 4]| {
            let endpoints = Endpoints {
                protocol: UDP,
                client: SocketAddr::from((Ipv4Addr::new(192, 0, 2, 1), 10_000)),
                server: SocketAddr::from((Ipv4Addr::from(address), 23_045)),
            };
            probe(&Datagram {
                endpoints: &endpoints,
                direction: Direction::FromClient,
                payload: b"\x81\xc9\0\x01\x0b\x86\x55\x19tag",
                history: &History::default(),
            })
        };
        assert_eq!(verdict([1, 201, 1, 174]), Verdict::Match);
        assert_eq!(verdict([192, 0, 2, 2]), Verdict::No);
    }
}
