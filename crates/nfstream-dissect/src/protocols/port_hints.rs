//! Protocols that are known by their usual ports only.

use crate::label::{Category, ProtocolId};
use crate::protocol::Protocol;

const fn protocol(id: u16, name: &'static str, category: u16) -> Protocol {
    Protocol { id: ProtocolId(id), name, category: Category(category), ..Protocol::NEW }
}

/// The management of a routing daemon.
pub(crate) const OSPF: Protocol = Protocol { tcp_ports: &[2604], ..protocol(184, "OSPF", 14) };
/// Measurements of throughput.
pub(crate) const TARGUS_DATASPEED: Protocol = Protocol {
    tcp_ports: &[5001, 5201],
    udp_ports: &[5001, 5201],
    ..protocol(243, "TargusDataspeed", 14)
};
/// Discovery of Samsung's devices.
pub(crate) const SAMSUNG_SDP: Protocol =
    Protocol { udp_ports: &[15_600], ..protocol(456, "SamsungSDP", 14) };
/// Sonos' loudspeakers.
pub(crate) const SONOS: Protocol = Protocol { udp_ports: &[7080], ..protocol(430, "Sonos", 25) };
