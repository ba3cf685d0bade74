//! System calls that a run still needs once everything is open.

use std::collections::BTreeMap;
use std::os::fd::RawFd;

use libc::{c_int, c_long};
use seccompiler::SeccompCmpArgLen::{Dword, Qword};
use seccompiler::SeccompCmpOp::{Eq, Gt, MaskedEq, Ne};
use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch,
};

/// Descriptors that the allowed calls may use for more than reading.
#[derive(Clone, Debug, Default)]
pub(super) struct Open {
    /// Those that may be written, in addition to standard output and standard error.
    pub(super) written: Vec<RawFd>,
    /// Whether packets come from interfaces, whose state is read through further sockets.
    pub(super) is_live: bool,
    /// Sockets that were already open: they may receive, but not send.
    pub(super) sockets: Vec<RawFd>,
}

/// Calls that are harmless with any arguments: they only use memory, threads, clocks and open
/// descriptors of this process.
const ALWAYS: &[c_long] = &[
    libc::SYS_brk,
    libc::SYS_clock_getres,
    libc::SYS_clock_gettime,
    libc::SYS_clock_nanosleep,
    // Refused by the other filter, with the error that makes the C library use `clone`.
    libc::SYS_clone3,
    libc::SYS_close,
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_fstat,
    libc::SYS_futex,
    libc::SYS_getpid,
    libc::SYS_getrandom,
    libc::SYS_gettid,
    libc::SYS_gettimeofday,
    libc::SYS_lseek,
    libc::SYS_madvise,
    libc::SYS_mremap,
    libc::SYS_munmap,
    libc::SYS_nanosleep,
    libc::SYS_ppoll,
    libc::SYS_restart_syscall,
    libc::SYS_rseq,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sched_getaffinity,
    libc::SYS_sched_yield,
    libc::SYS_set_robust_list,
    libc::SYS_sigaltstack,
    libc::SYS_sysinfo,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_poll,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_time,
];

/// Calls of a live capture.
const LIVE: &[c_long] = &[libc::SYS_getsockname, libc::SYS_getsockopt, libc::SYS_recvmsg];

/// Requests for the settings and the size of a terminal.
#[allow(clippy::unnecessary_cast, reason = "their type depends on the C library")]
const TERMINAL: [u64; 2] = [libc::TCGETS as u64, libc::TIOCGWINSZ as u64];

/// Options of `prctl`: names of threads, and of memory.
const NAMES: [c_int; 2] = [libc::PR_SET_NAME, PR_SET_VMA];
const PR_SET_VMA: c_int = 0x5356_4d41;

/// Bits of `clone` that only a new thread may have, all others being a new process's.
const THREAD: c_int = libc::CLONE_THREAD | libc::CLONE_VM | libc::CLONE_SIGHAND;
const NAMESPACES: c_int = libc::CLONE_NEWCGROUP
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWNET
    | libc::CLONE_NEWNS
    | libc::CLONE_NEWPID
    | libc::CLONE_NEWUSER
    | libc::CLONE_NEWUTS;

/// Returns the filters in the order in which they must be installed.
pub(super) fn filters(open: &Open) -> Result<Vec<BpfProgram>, BackendError> {
    let architecture = TargetArch::try_from(std::env::consts::ARCH)?;
    let errno = |number: c_int| SeccompAction::Errno(number.try_into().unwrap_or(1));
    let old_clone = [(libc::SYS_clone3, Vec::new())].into();
    let old_clone =
        SeccompFilter::new(old_clone, SeccompAction::Allow, errno(libc::ENOSYS), architecture)?;
    let allowed =
        SeccompFilter::new(rules(open)?, errno(libc::EPERM), SeccompAction::Allow, architecture)?;
    Ok(vec![old_clone.try_into()?, allowed.try_into()?])
}

fn rules(open: &Open) -> Result<BTreeMap<c_long, Vec<SeccompRule>>, BackendError> {
    let mut rules: BTreeMap<c_long, Vec<SeccompRule>> =
        ALWAYS.iter().map(|call| (*call, Vec::new())).collect();
    let mut allow = |call: c_long, conditions: Vec<SeccompCondition>| {
        rules.entry(call).or_default().push(SeccompRule::new(conditions)?);
        Ok::<_, BackendError>(())
    };
    // The terminal may only be written, although its descriptors allow more.
    for call in [libc::SYS_read, libc::SYS_readv, libc::SYS_pread64] {
        allow(call, vec![int(0, Gt, libc::STDERR_FILENO)?])?;
    }
    let standard = [libc::STDOUT_FILENO, libc::STDERR_FILENO];
    for &descriptor in standard.iter().chain(&open.written) {
        allow(libc::SYS_write, vec![int(0, Eq, descriptor)?])?;
        allow(libc::SYS_writev, vec![int(0, Eq, descriptor)?])?;
    }
    // For an open file, not for a path.
    let empty_path = |place| masked(place, libc::AT_EMPTY_PATH, libc::AT_EMPTY_PATH);
    allow(libc::SYS_statx, vec![empty_path(2)?])?;
    allow(libc::SYS_newfstatat, vec![empty_path(3)?])?;
    for command in [libc::F_GETFD, libc::F_GETFL] {
        allow(libc::SYS_fcntl, vec![int(1, Eq, command)?])?;
    }
    for request in TERMINAL {
        allow(libc::SYS_ioctl, vec![number(1, Eq, request)?])?;
    }
    for call in [libc::SYS_mmap, libc::SYS_mprotect] {
        allow(call, vec![masked(2, libc::PROT_EXEC, 0)?])?;
    }
    allow(libc::SYS_clone, vec![masked(0, THREAD | NAMESPACES, THREAD)?])?;
    for option in NAMES {
        allow(libc::SYS_prctl, vec![int(0, Eq, option)?])?;
    }
    // Limits are read, not set.
    let zero = |place| SeccompCondition::new(place, Qword, Eq, 0);
    allow(libc::SYS_prlimit64, vec![int(0, Eq, 0)?, zero(2)?])?;
    // A second signal, or an abort, ends this process.
    let this = u64::from(std::process::id());
    allow(libc::SYS_tgkill, vec![number(0, Eq, this)?])?;
    if open.is_live {
        let socket = vec![int(0, Eq, libc::AF_NETLINK)?, int(2, Eq, libc::NETLINK_ROUTE)?];
        allow(libc::SYS_socket, socket)?;
        for call in [libc::SYS_bind, libc::SYS_sendto] {
            let others = open.sockets.iter().map(|socket| int(0, Ne, *socket));
            allow(call, others.collect::<Result<_, _>>()?)?;
        }
        for call in LIVE {
            rules.insert(*call, Vec::new());
        }
    }
    Ok(rules)
}

fn int(place: u8, operator: SeccompCmpOp, value: c_int) -> Result<SeccompCondition, BackendError> {
    number(place, operator, u32::from_ne_bytes(value.to_ne_bytes()).into())
}

fn number(place: u8, operator: SeccompCmpOp, value: u64) -> Result<SeccompCondition, BackendError> {
    // The kernel takes 32 bits of these arguments.
    SeccompCondition::new(place, Dword, operator, value)
}

fn masked(place: u8, mask: c_int, value: c_int) -> Result<SeccompCondition, BackendError> {
    int(place, MaskedEq(u32::from_ne_bytes(mask.to_ne_bytes()).into()), value)
}
