//! The groups of columns.

/// Columns that come and go together.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Group {
    /// Always there.
    Base,
    /// With deep packet inspection.
    Application,
    /// First and last packet of each direction.
    Directions,
    /// MAC addresses.
    Mac,
    /// Tunnels.
    Tunnel,
    /// Statistics of packet sizes and of the gaps between packets.
    Statistics,
    /// Packets with each TCP flag.
    TcpFlags,
    /// The first packets, one by one.
    Splt,
    /// What else nDPI reads; needs deep packet inspection.
    Ndpi,
    /// Why flows end.
    EndReason,
    /// Community ID.
    CommunityId,
    /// Bytes of payload.
    Payload,
    /// Windows, lost and reordered segments, the round trip of the handshake.
    TcpQuality,
    /// TLS handshakes and risks; needs deep packet inspection.
    Tls,
    /// The process of this machine that a flow belongs to; needs a source that looks for them.
    SystemProcess,
}

impl Group {
    /// Every group, in the order of its columns.
    pub const ALL: [Self; 15] = [
        Self::Base,
        Self::Application,
        Self::Directions,
        Self::Mac,
        Self::Tunnel,
        Self::Statistics,
        Self::TcpFlags,
        Self::Splt,
        Self::Ndpi,
        Self::EndReason,
        Self::CommunityId,
        Self::Payload,
        Self::TcpQuality,
        Self::Tls,
        Self::SystemProcess,
    ];

    /// Returns the name under which users ask for the group.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Base => "base",
            Self::Application => "application",
            Self::Directions => "directions",
            Self::Mac => "mac",
            Self::Tunnel => "tunnel",
            Self::Statistics => "statistics",
            Self::TcpFlags => "tcp_flags",
            Self::Splt => "splt",
            Self::Ndpi => "ndpi",
            Self::EndReason => "end_reason",
            Self::CommunityId => "community_id",
            Self::Payload => "payload",
            Self::TcpQuality => "tcp_quality",
            Self::Tls => "tls",
            Self::SystemProcess => "system_process",
        }
    }

    /// Returns whether there is nothing to tell without deep packet inspection.
    pub const fn needs_inspection(self) -> bool {
        matches!(self, Self::Application | Self::Ndpi | Self::Tls)
    }

    /// Returns whether users ask for the group by its name: the others are always there, or come
    /// with parameters of their own.
    pub const fn is_feature(self) -> bool {
        !matches!(self, Self::Base | Self::Application | Self::SystemProcess)
    }

    /// Returns the group called `name`.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|group| group.name() == name)
    }
}
