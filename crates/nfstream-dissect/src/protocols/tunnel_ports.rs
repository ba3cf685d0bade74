//! Tunnels whose bytes show nothing outside TLS or encryption: known by ports and names.

use crate::label::{Category, ProtocolId};
use crate::protocol::Protocol;

/// LogMeIn Hamachi.
pub(crate) const HAMACHI: Protocol = Protocol {
    id: ProtocolId(451),
    name: "Hamachi",
    category: Category(2),
    tcp_ports: &[12_975, 32_976],
    udp_ports: &[17_771],
    ..Protocol::NEW
};

/// FortiClient, and the port of its management server.
pub(crate) const FORTICLIENT: Protocol = Protocol {
    id: ProtocolId(259),
    name: "FortiClient",
    category: Category(2),
    tcp_ports: &[8013, 8014],
    ..Protocol::NEW
};
