//! Tunnels that carry one packet inside another.

/// What carries one packet inside another. Its [`id`](Self::id) is a flow's `tunnel_id`.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Tunnel {
    /// GTP-U version 1 (3GPP TS 29.281), UDP port 2152.
    GtpU,
    /// Data channel of CAPWAP (RFC 5415, RFC 5416), UDP port 5247.
    Capwap,
    /// TaZmen Sniffer Protocol, UDP port 37008.
    Tzsp,
    /// VXLAN (RFC 7348) and VXLAN-GPE (draft-ietf-nvo3-vxlan-gpe), UDP ports 4789, 4790 and 8472.
    Vxlan,
    /// Geneve (RFC 8926), UDP port 6081.
    Geneve,
    /// GRE (RFC 2784, RFC 2890), and the enhanced one of PPTP (RFC 2637), IP protocol 47.
    Gre,
    /// ERSPAN types I, II and III (draft-foschiano-erspan) over GRE.
    Erspan,
    /// NVGRE (RFC 7637): Ethernet over GRE with a key and without a sequence number.
    Nvgre,
    /// L2TP version 2 (RFC 2661), UDP port 1701, and 3 (RFC 3931), there and as IP protocol 115.
    L2tp,
    /// Teredo (RFC 4380), UDP port 3544.
    Teredo,
}

impl Tunnel {
    /// Every tunnel, in the order of the ids, which begin with 1.
    pub const ALL: [Self; 10] = [
        Self::GtpU,
        Self::Capwap,
        Self::Tzsp,
        Self::Vxlan,
        Self::Geneve,
        Self::Gre,
        Self::Erspan,
        Self::Nvgre,
        Self::L2tp,
        Self::Teredo,
    ];

    /// Returns the number that stands for the tunnel in `tunnel_id`. It never changes.
    pub const fn id(self) -> u32 {
        match self {
            Self::GtpU => 1,
            Self::Capwap => 2,
            Self::Tzsp => 3,
            Self::Vxlan => 4,
            Self::Geneve => 5,
            Self::Gre => 6,
            Self::Erspan => 7,
            Self::Nvgre => 8,
            Self::L2tp => 9,
            Self::Teredo => 10,
        }
    }

    /// Returns the tunnel's usual name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::GtpU => "GTP-U",
            Self::Capwap => "CAPWAP",
            Self::Tzsp => "TZSP",
            Self::Vxlan => "VXLAN",
            Self::Geneve => "Geneve",
            Self::Gre => "GRE",
            Self::Erspan => "ERSPAN",
            Self::Nvgre => "NVGRE",
            Self::L2tp => "L2TP",
            Self::Teredo => "Teredo",
        }
    }

    /// Returns whether copies of packets travel in it, which may lack their ends.
    pub(crate) const fn carries_copies(self) -> bool {
        matches!(self, Self::Erspan | Self::Tzsp)
    }
}
