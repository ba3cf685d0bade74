//! Rights of the process.

/// Gives up the rights that only opening a capture needs. Threads begun from here on lack them,
/// too.
#[cfg(target_os = "linux")]
pub(crate) fn give_up() {
    use caps::{CapSet, Capability};

    for set in [CapSet::Ambient, CapSet::Effective, CapSet::Inheritable, CapSet::Permitted] {
        for right in [Capability::CAP_NET_RAW, Capability::CAP_NET_ADMIN] {
            // Who never had it, or may not change it, captures all the same.
            drop(caps::drop(None, set, right));
        }
    }
}

/// Elsewhere there are no rights of this kind.
#[cfg(not(target_os = "linux"))]
pub(crate) fn give_up() {}
