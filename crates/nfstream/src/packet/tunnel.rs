//! Tunnels that carry one packet inside another.

macro_rules! tunnels {
    ($($(#[$doc:meta])* $tunnel:ident = $id:literal, $name:literal;)*) => {
        /// A tunnel, which carries one packet inside another. Its [`id`](Self::id) is a flow's
        /// `tunnel_id`.
        #[non_exhaustive]
        #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        pub enum Tunnel {
            $($(#[$doc])* $tunnel,)*
        }

        impl Tunnel {
            /// Every tunnel, in the order of the ids, which begin with 1.
            pub const ALL: &[Self] = &[$(Self::$tunnel,)*];

            /// Returns the number of the tunnel in `tunnel_id`. It never changes.
            pub const fn id(self) -> u32 {
                match self {
                    $(Self::$tunnel => $id,)*
                }
            }

            /// Returns the tunnel's usual name.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$tunnel => $name,)*
                }
            }
        }
    };
}

tunnels! {
    /// GTP-U version 1 (3GPP TS 29.281), UDP port 2152.
    GtpU = 1, "GTP-U";
    /// Data channel of CAPWAP (RFC 5415, RFC 5416), UDP port 5247.
    Capwap = 2, "CAPWAP";
    /// TaZmen Sniffer Protocol, UDP port 37008.
    Tzsp = 3, "TZSP";
    /// VXLAN (RFC 7348) and VXLAN-GPE (draft-ietf-nvo3-vxlan-gpe), UDP ports 4789, 4790 and 8472.
    Vxlan = 4, "VXLAN";
    /// Geneve (RFC 8926), UDP port 6081.
    Geneve = 5, "Geneve";
    /// GRE (RFC 2784, RFC 2890), and the enhanced one of PPTP (RFC 2637), IP protocol 47.
    Gre = 6, "GRE";
    /// ERSPAN types I, II and III (draft-foschiano-erspan) over GRE.
    Erspan = 7, "ERSPAN";
    /// NVGRE (RFC 7637): Ethernet over GRE with a key and without a sequence number.
    Nvgre = 8, "NVGRE";
    /// L2TP version 2 (RFC 2661), UDP port 1701, and 3 (RFC 3931), there and as IP protocol 115.
    L2tp = 9, "L2TP";
    /// Teredo (RFC 4380), UDP port 3544.
    Teredo = 10, "Teredo";
}

impl Tunnel {
    /// Returns whether it carries copies of packets, which may be cut.
    pub(crate) const fn carries_copies(self) -> bool {
        matches!(self, Self::Erspan | Self::Tzsp)
    }
}
