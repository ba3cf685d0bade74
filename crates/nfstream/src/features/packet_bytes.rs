//! Bytes of the first packets of a flow, without host identifiers.

use super::first_bytes::FirstBytes;
use super::{Declaration, Declared, Presence, Role, Shorthand};

pub(super) type State = FirstBytes<true>;

pub(super) const GROUP: Declaration = Declaration {
    presence: Presence::NamedFeature,
    shorthand: Some(Shorthand { python: "packet_bytes=(n, m)", command: "--packet-bytes NxM" }),
    about: "The first `m` bytes of the first `n` packets of a flow, from the IP header on, as one \
            value of `n` * `m` bytes; `n` is 8 and `m` is 128 if only the feature is named. Zeros \
            stand for packets that did not arrive, for bytes beyond the end of a packet or of what \
            was captured, and for what identifies hosts: addresses, ports and checksums of IPv4, \
            IPv6, TCP, UDP, SCTP and DCCP, IP options and extension headers, quoted packets and \
            addresses in ICMP, IGMP and SCTP, and all of other IP protocols. Payloads and TCP \
            options are unchanged, and may hold names and addresses, those of tunnels over UDP \
            that are not decoded included. The packet is the innermost one; link headers and \
            headers of tunnels are left out. A flow holds at most 64 KiB, \
            which count for `max_active_bytes`.",
    columns: &[&[Declared::raw(
        "packet_bytes",
        Role::Behaviour,
        "bytes of the first packets, with addresses, ports and checksums as zeros",
        |r, bytes| {
            if let Some(measures) = r.measures.as_deref() {
                measures.packet_bytes.write(bytes);
            }
        },
    )]],
};
