//! The tunnel that carries a flow.

use super::{Declaration, Declared, Presence, Read, Role};

pub(super) type State = ();

pub(super) const GROUP: Declaration = Declaration {
    presence: Presence::Feature,
    shorthand: None,
    about: "The packets in a tunnel are metered unless `decode_tunnels=False`.",
    columns: &[&[Declared::code(
        "tunnel_id",
        Role::Environment,
        "tunnel that carried the flow: 0 none, 1 GTP-U, 2 CAPWAP, 3 TZSP, 4 VXLAN, 5 Geneve, \
         6 GRE, 7 ERSPAN, 8 NVGRE, 9 L2TP, 10 Teredo, 11 MPLS, 12 EtherIP, 13 GUE, 14 LISP",
        Read::U16(|r| r.flow.tunnel_id.try_into().unwrap_or(u16::MAX)),
    )]],
};
