//! Identifiers of the networks and tunnels around a flow's packets.

use super::boxed::Boxed;
use super::{Declaration, Declared, Kind, Measurement, Plan, Presence, Read, Record, Role, Sample};
use crate::decode;
use crate::flow::Direction::{self, Dst2Src, Src2Dst};
use crate::packet::{Identifiers, Stack};

pub(super) type State = Boxed<Networks>;

pub(super) const GROUP: Declaration = Declaration {
    presence: Presence::Feature,
    shorthand: None,
    about: "Identifiers around the first packet in each direction: all VLANs and labels, at most \
            the outermost eight, and the innermost of the other numbers. VLANs, virtual networks \
            and GRE keys separate flows unless `key` says otherwise; the other numbers differ by \
            direction and do not separate flows.",
    columns: &[&[
        Declared::list(
            "vlan_ids",
            Kind::Code,
            "VLAN identifiers, outermost first, including those around a tunnel; empty without \
             tags",
            |r, list| write(&of(r, |networks| networks.first.vlan_ids), list),
        )
        .with_role(Role::Environment),
        Declared::code(
            "vni",
            Role::Environment,
            "identifier of the virtual network: the VNI of VXLAN and Geneve, the VSID of NVGRE; -1 \
             if there is none",
            Read::I32(|r| {
                let vni = of(r, |networks| networks.first.virtual_network);
                vni.and_then(|vni| vni.try_into().ok()).unwrap_or(-1)
            }),
        ),
        Declared::code(
            "gre_key",
            Role::Environment,
            "key of GRE version 0; -1 if there is none",
            Read::I64(|r| optional(of(r, |networks| networks.first.gre_key))),
        ),
        Declared::code(
            "src2dst_teid",
            Role::Environment,
            "tunnel endpoint identifier of GTP-U from source to destination; -1 if there is none",
            Read::I64(|r| optional(of(r, |networks| networks.direction(Src2Dst).teid))),
        ),
        Declared::code(
            "dst2src_teid",
            Role::Environment,
            "tunnel endpoint identifier of GTP-U from destination to source; -1 if there is none",
            Read::I64(|r| optional(of(r, |networks| networks.direction(Dst2Src).teid))),
        ),
        Declared::list(
            "src2dst_mpls_labels",
            Kind::Code,
            "MPLS labels from source to destination, outermost first; empty without labels",
            |r, list| write(&of(r, |networks| networks.direction(Src2Dst).mpls_labels), list),
        )
        .with_role(Role::Environment),
        Declared::list(
            "dst2src_mpls_labels",
            Kind::Code,
            "MPLS labels from destination to source, outermost first; empty without labels",
            |r, list| write(&of(r, |networks| networks.direction(Dst2Src).mpls_labels), list),
        )
        .with_role(Role::Environment),
    ]],
};

fn of<T: Default>(record: &Record, read: impl FnOnce(&Networks) -> T) -> T {
    record.measured(|m| match m.network.get() {
        Some(networks) => read(networks),
        None => read(&Networks::default()),
    })
}

fn write(stack: &Stack, list: &mut Vec<i64>) {
    list.extend(stack.iter().map(i64::from));
}

/// Returns a number, -1 for none.
fn optional(number: Option<u32>) -> i64 {
    number.map_or(-1, i64::from)
}

/// Identifiers around the first packets of a flow.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Networks {
    /// Around its first packet.
    first: Identifiers,
    directions: [OfDirection; 2],
}

/// Identifiers that differ by direction, around the first packet of each direction.
#[derive(Clone, Copy, Debug, Default)]
struct OfDirection {
    is_read: bool,
    teid: Option<u32>,
    mpls_labels: Stack,
}

impl Networks {
    fn direction(&self, direction: Direction) -> &OfDirection {
        &self.directions[direction.index()]
    }
}

impl Measurement for Networks {
    fn begin(&mut self, _: &Plan, sample: &Sample<'_>) {
        self.first = decode::identifiers(sample.packet, sample.frame());
    }

    #[inline]
    fn add(&mut self, _: &Plan, sample: &Sample<'_>) {
        let of = &mut self.directions[sample.direction.index()];
        if !of.is_read {
            let Identifiers { teid, mpls_labels, .. } =
                decode::identifiers(sample.packet, sample.frame());
            *of = OfDirection { is_read: true, teid, mpls_labels };
        }
    }
}
