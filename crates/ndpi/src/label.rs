//! What nDPI says of a flow, as numbers. `Names` turns them into words.

use ndpi_sys as sys;

/// A classification: protocol, application and category by nDPI's ids.
///
/// The ids differ between versions of nDPI. The default is "unknown".
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct Label {
    /// Protocol that carries the application, such as TLS; 0 if there is none.
    pub master: u16,
    /// Application, or the protocol itself; 0 if unknown.
    pub app: u16,
    /// Category of the application.
    pub category: u16,
    /// Whether ports or addresses gave the label rather than the packets' content.
    pub guessed: bool,
    /// How nDPI came to the label.
    pub confidence: u8,
}

impl Label {
    /// Returns whether nDPI found no application.
    pub fn is_unknown(self) -> bool {
        self.app == 0
    }
}

/// The state of a flow after one more packet.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Inspected {
    /// The label as it stands; later packets may change it.
    pub label: Label,
    /// Whether another packet can still change the label or add metadata.
    pub wants_more: bool,
}

impl From<sys::Label> for Label {
    fn from(label: sys::Label) -> Self {
        Self {
            master: label.master,
            app: label.app,
            category: label.category,
            guessed: label.guessed != 0,
            confidence: label.confidence,
        }
    }
}
