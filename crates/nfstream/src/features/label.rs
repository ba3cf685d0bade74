//! The application of a flow, as a dissector names it.
//!
//! Only types; [`dissect`](crate::dissect) determines the application.

use std::fmt::Debug;
use std::sync::Arc;

use super::Metadata;

/// Protocol and category numbers, in the numbering of the dissector that assigned them.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct Label {
    /// The protocol that carries the application, 0 if there is none.
    pub master_protocol: u16,
    /// The application's protocol, 0 if it is unknown.
    pub app_protocol: u16,
    /// Category of the application.
    pub category: u16,
    /// Whether the label comes only from ports, addresses and other flows.
    pub guessed: bool,
    /// Method that found the label.
    pub confidence: Confidence,
}

/// Method that found a label.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Confidence {
    /// There is no label.
    #[default]
    None,
    /// The owner of an address.
    Address,
    /// A DNS answer with the server's address.
    Dns,
    /// The bytes of the flow.
    Dpi,
    /// Bytes that match without being decisive, or another flow of the same hosts.
    Guess,
    /// A name in the flow, such as a TLS server name.
    Name,
    /// The usual port of a protocol.
    Port,
    /// A rule of the user.
    Rule,
}

/// The application of one flow.
#[derive(Clone, Debug, Default)]
pub struct Application {
    /// Its numbers.
    pub label: Label,
    /// Metadata, `None` if there is none.
    pub metadata: Option<Arc<Metadata>>,
    /// Name that a DNS answer gave the server's address before the flow began.
    pub dns_name: Option<Arc<str>>,
}

/// Names of a dissector's numbers.
pub trait Names: Debug + Send + Sync {
    /// Appends the application's name: `MASTER.APP`, or `APP` alone.
    fn application(&self, master_protocol: u16, app_protocol: u16, name: &mut String);

    /// Appends the category's name.
    fn category(&self, category: u16, name: &mut String);
}

/// Names of a run without a dissector: none.
#[derive(Clone, Copy, Debug, Default)]
pub struct Nameless;

impl Confidence {
    const ALL: [Self; 8] = [
        Self::None,
        Self::Address,
        Self::Dns,
        Self::Dpi,
        Self::Guess,
        Self::Name,
        Self::Port,
        Self::Rule,
    ];

    /// Returns the name in tables, empty for no label.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Address => "address",
            Self::Dns => "dns",
            Self::Dpi => "dpi",
            Self::Guess => "guess",
            Self::Name => "name",
            Self::Port => "port",
            Self::Rule => "rule",
        }
    }

    /// Returns the number that stands for the method in a column.
    pub(super) fn code(self) -> u32 {
        let place = Self::ALL.iter().position(|one| *one == self);
        place.and_then(|place| u32::try_from(place).ok()).unwrap_or(0)
    }

    /// Returns the method with this [`code`](Self::code).
    pub(super) fn of_code(code: u32) -> Self {
        let place = usize::try_from(code).ok();
        place.and_then(|place| Self::ALL.get(place).copied()).unwrap_or_default()
    }

    /// Returns the number of nDPI 5.0's nearest confidence.
    pub const fn ndpi_number(self) -> u8 {
        match self {
            Self::None => 0,
            Self::Port => 1,
            Self::Guess => 3,
            Self::Dns => 5,
            Self::Dpi | Self::Name => 6,
            Self::Address => 7,
            Self::Rule => 9,
        }
    }
}

impl Application {
    /// Returns the heap bytes that the metadata takes.
    pub(crate) fn memory(&self) -> usize {
        self.metadata.as_ref().map_or(0, |metadata| size_of::<Metadata>() + metadata.memory())
    }
}

impl Label {
    /// Returns whether the application is known from more than ports and addresses.
    pub const fn is_known(&self) -> bool {
        let is_guess =
            self.guessed || matches!(self.confidence, Confidence::Port | Confidence::Address);
        self.app_protocol != 0 && !is_guess
    }
}

impl Names for Nameless {
    fn application(&self, _: u16, _: u16, _: &mut String) {}

    fn category(&self, _: u16, _: &mut String) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_stand_for_their_methods() {
        for confidence in Confidence::ALL {
            assert_eq!(Confidence::of_code(confidence.code()), confidence);
        }
        assert_eq!(Confidence::of_code(u32::MAX), Confidence::None);
    }
}
