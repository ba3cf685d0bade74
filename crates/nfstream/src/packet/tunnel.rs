//! Tunnels that carry one packet inside another.

/// Calls a macro with every supported tunnel: variant, id, name, and where it is announced, each
/// with the function in `decode::tunnel` that reads its header.
///
/// `udp` is a port of either end, `udp_to` a port of the receiver only, `ip` an IP protocol number.
/// A new tunnel takes a line here and a file in `decode/tunnel/`.
macro_rules! tunnels {
    ($callback:ident) => {
        $callback! {
            /// GTP-U version 1 (3GPP TS 29.281), UDP port 2152.
            GtpU = 1, "GTP-U", udp 2152 => gtp::enter;
            /// Data channel of CAPWAP (RFC 5415, RFC 5416), UDP port 5247.
            Capwap = 2, "CAPWAP", udp 5247 => capwap::enter;
            /// TaZmen Sniffer Protocol, UDP port 37008.
            Tzsp = 3, "TZSP", udp 37008 => tzsp::enter;
            /// VXLAN (RFC 7348) and VXLAN-GPE (draft-ietf-nvo3-vxlan-gpe), UDP ports 4789, 4790 and
            /// 8472.
            Vxlan = 4, "VXLAN", udp_to 4789 | 8472 => vxlan::enter, udp_to 4790 => vxlan::enter_gpe;
            /// Geneve (RFC 8926), UDP port 6081.
            Geneve = 5, "Geneve", udp_to 6081 => geneve::enter;
            /// GRE (RFC 2784, RFC 2890), and the enhanced one of PPTP (RFC 2637), IP protocol 47; over
            /// UDP (RFC 8086), port 4754.
            Gre = 6, "GRE", udp_to 4754 => gre::enter, ip protocol::GRE => gre::enter;
            /// ERSPAN types I, II and III (draft-foschiano-erspan) over GRE.
            Erspan = 7, "ERSPAN";
            /// NVGRE (RFC 7637): Ethernet over GRE with a key and without a sequence number.
            Nvgre = 8, "NVGRE";
            /// L2TP version 2 (RFC 2661), UDP port 1701, and 3 (RFC 3931), there and as IP protocol
            /// 115.
            L2tp = 9, "L2TP",
                udp 1701 => l2tp::enter_over_udp,
                ip protocol::L2TP => l2tp::enter_over_ip;
            /// Teredo (RFC 4380), UDP port 3544.
            Teredo = 10, "Teredo", udp 3544 => teredo::enter;
            /// MPLS over UDP (RFC 7510), port 6635, and over IP (RFC 4023), protocol 137.
            Mpls = 11, "MPLS", udp_to 6635 => mpls::enter, ip protocol::MPLS => mpls::enter;
            /// EtherIP (RFC 3378), IP protocol 97, and Ethernet in IP (RFC 8986), protocol 143.
            EtherIp = 12, "EtherIP",
                ip protocol::ETHERIP => etherip::enter,
                ip protocol::ETHERNET => etherip::enter_bare;
            /// Generic UDP Encapsulation (draft-ietf-intarea-gue), UDP port 6080.
            Gue = 13, "GUE", udp_to 6080 => gue::enter;
            /// Locator/ID Separation Protocol (RFC 9300, RFC 9305), UDP port 4341.
            Lisp = 14, "LISP", udp_to 4341 => lisp::enter;
        }
    };
}
pub(crate) use tunnels;

macro_rules! variants {
    ($(
        $(#[$doc:meta])*
        $tunnel:ident = $id:literal, $name:literal
        $(, $field:ident $number:pat => $module:ident::$reader:ident)*;
    )*) => {
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
tunnels!(variants);

impl Tunnel {
    /// Returns whether it carries copies of packets, which may be cut.
    pub(crate) const fn carries_copies(self) -> bool {
        matches!(self, Self::Erspan | Self::Tzsp)
    }
}
