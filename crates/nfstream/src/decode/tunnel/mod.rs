//! Tunnels over UDP and IP, down to the innermost packet that can be read.
//!
//! What a port or protocol number announces is believed only if the tunnel's header is in order
//! and an IP packet with readable ports lies behind it, within the packet outside. Anything else,
//! an echo request of GTP or ARP in VXLAN, stays the outer packet that it is. IP in IP is no
//! tunnel in this sense: it is always followed and has no number.

mod capwap;
mod geneve;
mod gre;
mod gtp;
mod l2tp;
mod teredo;
mod tzsp;
mod vxlan;

use super::cursor::Cursor;
use super::ip::Ip;
use super::layers::Layers;
use super::link::Network;
use super::transport::Transport;
use super::{DecodeError, Fragment, Packet};
use crate::capture::RawRecord;

/// Tunnels that are followed at most, one inside the other. What lies deeper stays closed.
const MAX_DEPTH: usize = 8;

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
    const fn carries_copies(self) -> bool {
        matches!(self, Self::Erspan | Self::Tzsp)
    }
}

/// How a tunnel begins.
#[derive(Clone, Copy, Debug)]
pub(super) enum Entrance {
    Capwap,
    Geneve,
    Gre,
    Gtp,
    L2tpIp,
    L2tpUdp,
    Teredo,
    Tzsp,
    Vxlan,
    VxlanGpe,
}

impl Entrance {
    /// Returns the tunnel that the numbers of a packet announce.
    #[inline]
    pub(super) fn announced(ip: &Ip, transport: &Transport) -> Option<Self> {
        const UDP: u8 = 17;
        const GRE: u8 = 47;
        const L2TP: u8 = 115;

        if ip.fragment == Fragment::Later {
            return None;
        }
        match ip.protocol {
            UDP => {
                let (src, dst) = (transport.src_port, transport.dst_port);
                Self::to_port(dst).or_else(|| Self::from_port(src))
            }
            GRE => Some(Self::Gre),
            L2TP => Some(Self::L2tpIp),
            _ => None,
        }
    }

    #[inline]
    const fn to_port(port: u16) -> Option<Self> {
        match port {
            4789 | 8472 => Some(Self::Vxlan),
            4790 => Some(Self::VxlanGpe),
            6081 => Some(Self::Geneve),
            _ => Self::from_port(port),
        }
    }

    /// Those that may send from the port as well.
    #[inline]
    const fn from_port(port: u16) -> Option<Self> {
        match port {
            1701 => Some(Self::L2tpUdp),
            2152 => Some(Self::Gtp),
            3544 => Some(Self::Teredo),
            5247 => Some(Self::Capwap),
            37008 => Some(Self::Tzsp),
            _ => None,
        }
    }

    /// Moves the cursor from the tunnel's header to the IP header inside.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] where the header is not the tunnel's, or something else lies behind it.
    fn enter(self, cursor: &mut Cursor<'_>) -> Result<(Tunnel, Network), DecodeError> {
        Ok(match self {
            Self::Capwap => (Tunnel::Capwap, capwap::enter(cursor)?),
            Self::Geneve => (Tunnel::Geneve, geneve::enter(cursor)?),
            Self::Gre => gre::enter(cursor)?,
            Self::Gtp => (Tunnel::GtpU, gtp::enter(cursor)?),
            Self::L2tpIp => (Tunnel::L2tp, l2tp::enter_over_ip(cursor)?),
            Self::L2tpUdp => (Tunnel::L2tp, l2tp::enter_over_udp(cursor)?),
            Self::Teredo => (Tunnel::Teredo, teredo::enter(cursor)?),
            Self::Tzsp => (Tunnel::Tzsp, tzsp::enter(cursor)?),
            Self::Vxlan => (Tunnel::Vxlan, vxlan::enter(cursor)?),
            Self::VxlanGpe => (Tunnel::Vxlan, vxlan::enter_gpe(cursor)?),
        })
    }
}

/// Decodes the innermost packet that tunnels of the frame carry, which is the outermost one if
/// there is none inside.
///
/// # Errors
///
/// As for [`decode`](super::decode).
#[cold]
#[inline(never)]
pub(super) fn decode_innermost(record: &RawRecord, frame: &[u8]) -> Result<Packet, DecodeError> {
    let mut layers = Layers::outermost(record.link, frame, record.wire_len)?;
    for _ in 0..MAX_DEPTH {
        let Some(inner) = inside(&layers) else { break };
        layers = inner;
    }
    Ok(layers.packet(record))
}

/// Returns the VLAN of the packet whose IP header begins `offset` bytes from the start of the
/// frame, `outermost` being the one outside all tunnels.
pub(super) fn vlan_id_at(outermost: Layers<'_>, offset: u32) -> u16 {
    let mut layers = outermost;
    for _ in 0..MAX_DEPTH {
        if super::narrow(layers.ip.offset) >= offset {
            break;
        }
        let Some(inner) = inside(&layers) else { break };
        layers = inner;
    }
    layers.vlan_id
}

/// Opens one tunnel.
fn inside<'a>(outer: &Layers<'a>) -> Option<Layers<'a>> {
    let mut cursor = outer.payload();
    let (tunnel, network) = Entrance::announced(&outer.ip, &outer.transport)?.enter(&mut cursor).ok()?;
    let mut inner = Layers::read(cursor, network, outer.end()).ok()?;
    if inner.end() > outer.end() && outer.is_whole() && !tunnel.carries_copies() {
        return None;
    }
    inner.tunnel = Some(tunnel);
    if inner.vlan_id == 0 {
        inner.vlan_id = outer.vlan_id;
    }
    if inner.is_whole() {
        inner.ip.fragment = outer.ip.fragment;
        inner.ip.fragment_offset = outer.ip.fragment_offset;
    }
    Some(inner)
}
