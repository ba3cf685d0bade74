//! Labels of flows as numbers. `Names` translates them.

use ndpi_sys as sys;

/// Label of a flow: protocol, application and category as nDPI's ids.
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
    /// Whether the label was guessed from ports or addresses, not found in payloads.
    pub guessed: bool,
    /// Confidence id: the way in which nDPI found the label.
    pub confidence: u8,
}

impl Label {
    /// Returns whether nDPI found no application.
    pub fn is_unknown(self) -> bool {
        self.app == 0
    }
}

/// Result of inspecting a packet.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Inspected {
    /// Current label; later packets may change it.
    pub label: Label,
    /// Whether another packet can still change the label or add metadata.
    pub wants_more: bool,
    /// Bytes that the packet added to the memory of the flow, negative if it freed some; in
    /// addition to [`flow_size`](crate::flow_size).
    pub allocated: i64,
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
