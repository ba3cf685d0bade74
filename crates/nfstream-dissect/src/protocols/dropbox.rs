//! Dropbox: discovery of clients in a local network.

use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Verdict};
use crate::protocol::{DatagramRules, Protocol};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(121),
    name: "Dropbox",
    category: Category(13),
    udp_ports: &[17_500],
    datagram: Some(DatagramRules::new(datagram)),
    ..Protocol::NEW
};

fn datagram(datagram: &Datagram<'_>) -> Verdict {
    let payload = datagram.payload;
    let contains = |word: &[u8]| payload.windows(word.len()).any(|part| part == word);
    Verdict::from_match(
        datagram.has_port(17_500)
            && (payload.starts_with(b"{\"host_int\"")
                || payload.starts_with(b"{\"") && contains(b"\"namespaces\"")
                || contains(b"Bus17Cmd")),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::datagram;

    #[test]
    fn announcements_list_namespaces() {
        let announcement = b"{\"host_int\": 1, \"version\": [2, 0], \"namespaces\": [7]}";
        assert_eq!(datagram(&PROTOCOL, 17_500, announcement), Verdict::Match);
        assert_eq!(datagram(&PROTOCOL, 17_501, announcement), Verdict::No);
        assert_eq!(datagram(&PROTOCOL, 17_500, b"{}"), Verdict::No);
    }
}
