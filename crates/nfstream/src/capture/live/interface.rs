//! Network interfaces, and the error for those that capturing fails on.

use std::io;
use std::net::IpAddr;

use crate::capture::error::CaptureError;
use crate::packet::LinkType;

/// Name that stands for all interfaces.
pub(super) const ANY: &str = "any";

/// A network interface that packets can be captured from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Interface {
    /// Its name.
    pub name: String,
    /// Whether packets can pass.
    pub state: InterfaceState,
    /// Link type of its frames.
    pub link: LinkType,
    /// Its own IP addresses.
    pub addresses: Vec<IpAddr>,
}

/// State of an interface.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum InterfaceState {
    /// Switched off.
    Down,
    /// Switched on, but without a connected peer.
    NoCarrier,
    /// Switched on and connected.
    Up,
}

impl InterfaceState {
    /// Returns its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Down => "down",
            Self::NoCarrier => "no carrier",
            Self::Up => "up",
        }
    }
}

/// Returns the error for interfaces that cannot be captured from.
pub(super) fn refused(names: &[String], source: io::Error) -> CaptureError {
    let interfaces = names.join(", ");
    if source.kind() == io::ErrorKind::PermissionDenied {
        let program = std::env::current_exe().unwrap_or_else(|_| "PROGRAM".into());
        return CaptureError::NoRight { interfaces, program };
    }
    CaptureError::Interface { interfaces, source }
}
