//! Metrics in StatsD's text form, and the game telemetry of Gaijin that uses it.

use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Verdict};
use crate::protocol::{DatagramRules, Protocol, Start};

pub(crate) const GAIJIN: Protocol = Protocol {
    id: ProtocolId(396),
    name: "GaijinEntertainment",
    category: Category(8),
    udp_ports: &[20_011],
    datagram: Some(DatagramRules { start: NAMES, ..DatagramRules::new(gaijin) }),
    ..Protocol::NEW
};

pub(crate) const STATSD: Protocol = Protocol {
    id: ProtocolId(10_206),
    name: "StatsD",
    category: Category(18),
    udp_ports: &[8125],
    datagram: Some(DatagramRules { start: NAMES, ..DatagramRules::new(statsd) }),
    ..Protocol::NEW
};

/// First characters of a metric's name.
const NAMES: Start = Start::Range(b'0', b'z');

fn gaijin(datagram: &Datagram<'_>) -> Verdict {
    const PROJECTS: [&[u8]; 4] =
        [b"project=warthunder", b"project=enlisted", b"project=crossout", b"circuit=wt"];
    let payload = datagram.payload;
    let names_project = || {
        PROJECTS.iter().any(|project| payload.windows(project.len()).any(|text| text == *project))
    };
    Verdict::from_match(is_metric(payload) && names_project())
}

fn statsd(datagram: &Datagram<'_>) -> Verdict {
    Verdict::from_match(is_metric(datagram.payload))
}

/// Returns whether the first line is `name:value|type`, perhaps with a rate or tags after it.
fn is_metric(payload: &[u8]) -> bool {
    const TYPES: [&[u8]; 7] = [b"c", b"g", b"ms", b"s", b"h", b"d", b"m"];
    let line = payload.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let mut fields = line.split(|byte| *byte == b'|');
    let (Some(first), Some(kind)) = (fields.next(), fields.next()) else { return false };
    let Some(colon) = first.iter().rposition(|byte| *byte == b':') else { return false };
    let (name, value) = first.split_at(colon);
    let value = value.strip_prefix(b":").unwrap_or_default();
    let is_number = !value.is_empty()
        && value.iter().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(byte));
    let is_name = !name.is_empty() && name.iter().all(u8::is_ascii_graphic);
    is_name && (is_number || kind == b"s") && TYPES.contains(&kind)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::datagram;

    #[test]
    fn metrics_match() {
        assert_eq!(datagram(&STATSD, 8125, b"deploys.test:1|c"), Verdict::Match);
        assert_eq!(datagram(&STATSD, 9125, b"glork:320|ms|@0.1\nx:1|g"), Verdict::Match);
        let start = b"app.start,env=production,project=warthunder,host=c:1|c";
        assert_eq!(datagram(&GAIJIN, 20_011, start), Verdict::Match);
    }

    #[test]
    fn other_texts_do_not() {
        assert_eq!(datagram(&STATSD, 8125, b"deploys.test:one|c"), Verdict::No);
        assert_eq!(datagram(&STATSD, 8125, b"deploys.test:1"), Verdict::No);
        assert_eq!(datagram(&GAIJIN, 8125, b"deploys.test:1|c"), Verdict::No);
    }
}
