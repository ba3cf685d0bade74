//! Network interfaces, and the error where one cannot be captured from.

use std::io;
use std::net::IpAddr;

use crate::capture::error::CaptureError;
use crate::packet::LinkType;

/// The interface that stands for all of them.
pub(super) const ANY: &str = "any";

/// A network interface that packets can be captured from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Interface {
    /// Its name.
    pub name: String,
    /// Whether packets can pass it.
    pub state: InterfaceState,
    /// How its frames begin.
    pub link: LinkType,
    /// Its own IP addresses.
    pub addresses: Vec<IpAddr>,
}

/// Whether packets can pass an interface.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum InterfaceState {
    /// It is switched off.
    Down,
    /// It is switched on, but no peer is connected.
    NoCarrier,
    /// They can.
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

/// Returns the error for an interface that cannot be captured from.
pub(super) fn refused(names: &[String], source: io::Error) -> CaptureError {
    let interfaces = names.join(", ");
    if source.kind() == io::ErrorKind::PermissionDenied {
        let program = std::env::current_exe().unwrap_or_else(|_| "PROGRAM".into());
        return CaptureError::NoRight { interfaces, program };
    }
    CaptureError::Interface { interfaces, source }
}
