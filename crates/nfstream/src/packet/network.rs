//! Networks that packets lie in, such as VLANs and tunnels: they separate equal addresses.

use super::Tunnel;

/// Identifier in a header outside the IP packet.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Identifier {
    /// Key of GRE version 0 (RFC 2890), the same in both directions.
    GreKey(u32),
    /// Label of MPLS (RFC 3032): each direction has its own.
    MplsLabel(u32),
    /// Tunnel endpoint identifier of GTP-U: each direction has its own.
    Teid(u32),
    /// The tunnel itself.
    Tunnel(Tunnel),
    /// VLAN; 0 is a tag that only carries a priority.
    Vlan(u16),
    /// Virtual network of 24 bits, such as the VNI of VXLAN and Geneve and the VSID of NVGRE.
    VirtualNetwork(u32),
}

/// Properties that separate flows besides addresses, ports and protocol.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Separation {
    /// Nothing.
    Endpoints,
    /// VLANs and tunnels.
    #[default]
    Network,
    /// Tunnels.
    Tunnels,
    /// VLANs.
    Vlans,
}

/// Network that a packet lies in: the identifiers around it that separate flows, outermost first.
///
/// Up to 63 bits of identifiers are kept as they are, and longer paths as a hash.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct NetworkId(u64);

/// Identifiers around one packet, for columns; of single numbers, the innermost.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Identifiers {
    /// VLANs, outermost first, without 0.
    pub vlan_ids: Stack,
    /// MPLS labels, outermost first.
    pub mpls_labels: Stack,
    /// Virtual network.
    pub virtual_network: Option<u32>,
    /// GRE key.
    pub gre_key: Option<u32>,
    /// GTP-U tunnel endpoint identifier.
    pub teid: Option<u32>,
}

/// Stacked identifiers of one kind, outermost first.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Stack {
    numbers: [u32; Self::MOST],
    len: usize,
}

impl Separation {
    /// Names for users, each with its meaning.
    pub const NAMES: &[(&str, &str)] = &[
        ("network", "VLANs and tunnels"),
        ("vlans", "VLANs, but not tunnels"),
        ("tunnels", "Tunnels, but not VLANs"),
        ("endpoints", "Neither: addresses, ports and protocol alone"),
    ];

    /// Returns the separation called `name`.
    pub fn by_name(name: &str) -> Option<Self> {
        [Self::Network, Self::Vlans, Self::Tunnels, Self::Endpoints]
            .into_iter()
            .find(|separation| separation.name() == name)
    }

    /// Returns its name for users.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Endpoints => "endpoints",
            Self::Network => "network",
            Self::Tunnels => "tunnels",
            Self::Vlans => "vlans",
        }
    }

    const fn has_vlans(self) -> bool {
        matches!(self, Self::Network | Self::Vlans)
    }

    const fn has_tunnels(self) -> bool {
        matches!(self, Self::Network | Self::Tunnels)
    }
}

impl NetworkId {
    /// Marks a hash.
    const HASHED: u64 = 1 << 63;

    /// Returns the network with `identifier` inside this one, which is this one if the identifier
    /// does not separate.
    #[must_use]
    pub fn with(self, identifier: Identifier, separation: Separation) -> Self {
        // The lowest bits give the kind and thereby the width, so no two paths have the same
        // encoding.
        let (kind, number, bits) = match identifier {
            Identifier::Vlan(1..) if !separation.has_vlans() => return self,
            Identifier::Vlan(id @ 1..) => (1, id.into(), 16),
            Identifier::Tunnel(_) | Identifier::VirtualNetwork(_) | Identifier::GreKey(_)
                if !separation.has_tunnels() =>
            {
                return self;
            }
            Identifier::Tunnel(tunnel) => (2, tunnel.id(), 8),
            Identifier::VirtualNetwork(id) => (3, id, 24),
            Identifier::GreKey(key) => (4, key, 32),
            Identifier::Vlan(0) | Identifier::MplsLabel(_) | Identifier::Teid(_) => return self,
        };
        let word = u64::from(number) << 3 | kind;
        let fits = self.0.leading_zeros() > bits + 3;
        Self(if fits {
            self.0 << (bits + 3) | word
        } else {
            mix(self.0 ^ mix(word)) | Self::HASHED
        })
    }

    /// Returns the network of nfstream 6: the innermost VLAN and tunnel.
    #[cfg(feature = "nfstream6")]
    pub(crate) fn innermost(vlan_id: u16, tunnel_id: u32) -> Self {
        Self(u64::from(tunnel_id) << 16 | u64::from(vlan_id))
    }

    /// Returns the network with this [`number`](Self::number).
    pub(crate) const fn numbered(number: u64) -> Self {
        Self(number)
    }

    /// Returns its number, 0 outside VLANs and tunnels.
    #[inline]
    pub(crate) const fn number(self) -> u64 {
        self.0
    }
}

/// Returns a number that depends on all bits of `x`; different inputs give different results.
const fn mix(x: u64) -> u64 {
    let x = (x ^ x >> 32).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let x = (x ^ x >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x ^ x >> 32
}

impl Identifiers {
    /// Adds an identifier inside the known ones.
    pub fn add(&mut self, identifier: Identifier) {
        match identifier {
            Identifier::Vlan(0) | Identifier::Tunnel(_) => {}
            Identifier::Vlan(id) => self.vlan_ids.push(id.into()),
            Identifier::MplsLabel(label) => self.mpls_labels.push(label),
            Identifier::VirtualNetwork(id) => self.virtual_network = Some(id),
            Identifier::GreKey(key) => self.gre_key = Some(key),
            Identifier::Teid(id) => self.teid = Some(id),
        }
    }
}

impl Stack {
    /// Most identifiers kept; deeper ones are left out.
    pub const MOST: usize = 8;

    fn push(&mut self, number: u32) {
        if let Some(place) = self.numbers.get_mut(self.len) {
            *place = number;
            self.len += 1;
        }
    }

    /// Returns the identifiers.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        self.numbers.iter().take(self.len).copied()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    fn path(identifiers: &[Identifier], separation: Separation) -> NetworkId {
        let with = |network: NetworkId, one: &Identifier| network.with(*one, separation);
        identifiers.iter().fold(NetworkId::default(), with)
    }

    fn identifier() -> impl Strategy<Value = Identifier> {
        prop_oneof![
            (1_u16..4096).prop_map(Identifier::Vlan),
            prop::sample::select(Tunnel::ALL.to_vec()).prop_map(Identifier::Tunnel),
            (0_u32..1 << 24).prop_map(Identifier::VirtualNetwork),
            any::<u32>().prop_map(Identifier::GreKey),
        ]
    }

    proptest! {
        #[test]
        fn different_paths_are_different_networks(
            paths in prop::collection::vec(prop::collection::vec(identifier(), 0..6), 2..40),
        ) {
            let mut known = HashMap::new();
            for identifiers in paths {
                let network = path(&identifiers, Separation::Network);
                let known = known.entry(network).or_insert_with(|| identifiers.clone());
                prop_assert_eq!(&*known, &identifiers);
            }
        }
    }

    #[test]
    fn near_paths_are_different_networks() {
        use Identifier::{GreKey, VirtualNetwork, Vlan};
        let vxlan = Identifier::Tunnel(Tunnel::Vxlan);
        let deep = [GreKey(7), vxlan, VirtualNetwork(1), Vlan(2), Vlan(3)];
        let mut turned = deep;
        turned.swap(3, 4);
        let paths: [&[Identifier]; 8] = [
            &[],
            &[Vlan(1)],
            &[Vlan(1), Vlan(1)],
            &[VirtualNetwork(0)],
            &[VirtualNetwork(1)],
            &[GreKey(0)],
            &deep,
            &turned,
        ];
        let mut networks: Vec<_> =
            paths.iter().map(|one| path(one, Separation::Network).number()).collect();
        networks.sort_unstable();
        networks.dedup();
        assert_eq!(networks.len(), paths.len());
    }

    #[test]
    fn the_separation_chooses_what_counts() {
        use Identifier::{MplsLabel, Teid, VirtualNetwork, Vlan};
        let all = [Vlan(5), VirtualNetwork(9)];
        let path = |identifiers: &[Identifier], name| {
            path(identifiers, Separation::by_name(name).unwrap())
        };
        assert_eq!(path(&all, "endpoints"), NetworkId::default());
        assert_eq!(path(&all, "vlans"), path(&all[..1], "network"));
        assert_eq!(path(&all, "tunnels"), path(&all[1..], "network"));
        let of_direction = [Vlan(0), MplsLabel(16), Teid(1)];
        assert_eq!(path(&of_direction, "network"), NetworkId::default());
    }

    #[test]
    fn every_separation_has_a_name() {
        for (name, _) in Separation::NAMES {
            assert_eq!(Separation::by_name(name).map(Separation::name), Some(*name));
        }
        assert_eq!(Separation::by_name("key"), None);
    }

    #[test]
    fn stacks_are_bounded() {
        let mut identifiers = Identifiers::default();
        for id in 1..=20 {
            identifiers.add(Identifier::Vlan(id));
        }
        let expected: Vec<u32> = (1..=8).collect();
        assert_eq!(identifiers.vlan_ids.iter().collect::<Vec<_>>(), expected);
    }
}
