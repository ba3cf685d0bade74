//! Capabilities of the process.

/// Drops the capabilities that only opening a capture needs, for this thread and those that it
/// starts from now on.
#[cfg(target_os = "linux")]
pub(crate) fn give_up() {
    use caps::{CapSet, Capability};

    for set in [CapSet::Ambient, CapSet::Effective, CapSet::Inheritable, CapSet::Permitted] {
        for right in [Capability::CAP_NET_RAW, Capability::CAP_NET_ADMIN] {
            // A process that lacks the capability, or may not change it, can still capture.
            drop(caps::drop(None, set, right));
        }
    }
}

/// Other systems have no such capabilities.
#[cfg(not(target_os = "linux"))]
pub(crate) fn give_up() {}
