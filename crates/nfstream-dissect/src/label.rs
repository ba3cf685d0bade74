//! Labels of flows, and their confidence.

/// Number of a protocol or application, nDPI 5.0's where it has one and above 10,000 otherwise.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ProtocolId(pub u16);

impl ProtocolId {
    /// No protocol, or an unknown one.
    pub const UNKNOWN: Self = Self(0);
}

/// Number of a category in nDPI 5.0's numbering.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct Category(pub u16);

/// The name of a flow in numbers.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Label {
    /// The protocol that carries the application, unknown if there is none.
    pub master: ProtocolId,
    /// The application, or the protocol itself.
    pub app: ProtocolId,
    /// Kind of application.
    pub category: Category,
    /// How the label was found.
    pub confidence: Confidence,
}

/// How a label was found, the weakest first.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Confidence {
    /// There is no label.
    #[default]
    None,
    /// By the usual port of a protocol.
    Port,
    /// By the owner of an address.
    Address,
    /// By a DNS answer that gave the server's address.
    Dns,
    /// By an announcement in another flow, such as that of a media port.
    Announced,
    /// By bytes that fit a protocol without being decisive.
    Weak,
    /// By the bytes of the flow.
    Dpi,
    /// By a name that the flow shows, such as a TLS server name.
    Name,
    /// By a rule of the user.
    Rule,
}

impl Label {
    /// Returns whether nothing is known.
    pub fn is_unknown(&self) -> bool {
        self.app == ProtocolId::UNKNOWN && self.master == ProtocolId::UNKNOWN
    }
}

impl Confidence {
    /// Returns the word that tables show.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Port => "port",
            Self::Address => "address",
            Self::Dns => "dns",
            Self::Announced | Self::Weak => "guess",
            Self::Dpi => "dpi",
            Self::Name => "name",
            Self::Rule => "rule",
        }
    }
}
