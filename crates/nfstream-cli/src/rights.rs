//! Privileges of the process: capabilities and root.

/// Privileges that a process still needs once its input is open.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kept {
    /// Creating files wherever root may.
    pub(crate) files: bool,
    /// Listing the sockets of other users' processes.
    pub(crate) processes: bool,
}

impl Kept {
    /// Nothing, as in a sandbox.
    #[cfg(target_os = "linux")]
    pub(crate) const NONE: Self = Self { files: false, processes: false };
}

/// Drops the privileges that only opening an input needs, for this thread and the threads it
/// starts: all capabilities that are not kept, privileges gained by programs it executes, and root
/// itself if nothing is kept.
///
/// Root becomes the user who called `sudo`, or `nobody`. A process that may not drop a privilege
/// continues with it.
#[cfg(target_os = "linux")]
pub(crate) fn give_up(kept: Kept) {
    use caps::{CapSet, Capability};

    /// The user and group `nobody`.
    const NOBODY: u32 = 65_534;

    drop(nfstream_sys::renounce_privileges());
    if nfstream_sys::is_root() && !kept.files && !kept.processes {
        let number = |name| std::env::var(name).ok()?.parse().ok().filter(|number| *number != 0);
        let user = number("SUDO_UID").unwrap_or(NOBODY);
        let group = number("SUDO_GID").unwrap_or(NOBODY);
        drop(nfstream_sys::become_user(user, group));
    }
    let mut rights = Vec::new();
    if kept.files {
        rights.push(Capability::CAP_DAC_OVERRIDE);
    }
    if kept.processes {
        let others = [Capability::CAP_DAC_READ_SEARCH, Capability::CAP_SYS_PTRACE];
        rights.extend(others);
    }
    for set in [CapSet::Ambient, CapSet::Inheritable] {
        drop(caps::clear(None, set));
    }
    let had = caps::read(None, CapSet::Permitted).unwrap_or_default();
    let rights = rights.into_iter().filter(|right| had.contains(right)).collect();
    for set in [CapSet::Effective, CapSet::Permitted] {
        drop(caps::set(None, set, &rights));
    }
}

/// Other systems have no such privileges.
#[cfg(not(target_os = "linux"))]
pub(crate) fn give_up(_kept: Kept) {}
