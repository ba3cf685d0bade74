//! Sandbox on Linux: Landlock for files, seccomp for system calls.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use landlock::{
    ABI, Access, AccessFs, BitFlags, PathBeneath, PathFd, Ruleset, RulesetAttr, RulesetCreated,
    RulesetCreatedAttr, RulesetError, RulesetStatus, make_bitflags,
};
use libc::c_long;
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, TargetArch};

use super::SandboxError;

const LANDLOCK: &str = "Landlock";
const SECCOMP: &str = "seccomp";

/// Latest supported version of Landlock; older kernels apply the part that they know.
const LATEST: ABI = ABI::V5;

/// Time zone data: nDPI checks the validity of certificates against local time.
const TIME_ZONES: [&str; 2] = ["/etc/localtime", "/usr/share/zoneinfo"];

/// Access to a capture.
const READ: BitFlags<AccessFs> = make_bitflags!(AccessFs::{ReadFile});

/// Access to a pipe or a device.
const WRITE: BitFlags<AccessFs> = make_bitflags!(AccessFs::{WriteFile | Truncate});

/// Access to the folder of a table: files are created under temporary names, renamed, counted and
/// removed by rotation; the folder is opened and synced.
const KEEP_TABLES: BitFlags<AccessFs> =
    make_bitflags!(AccessFs::{WriteFile | Truncate | MakeReg | RemoveFile | ReadDir});

/// System calls that reach outside the process.
const REFUSED: &[c_long] = &[
    // Network.
    libc::SYS_accept,
    libc::SYS_accept4,
    libc::SYS_bind,
    libc::SYS_connect,
    libc::SYS_listen,
    libc::SYS_socket,
    libc::SYS_socketpair,
    // Programs and processes.
    libc::SYS_execve,
    libc::SYS_execveat,
    libc::SYS_kill,
    libc::SYS_pidfd_getfd,
    libc::SYS_pidfd_open,
    libc::SYS_pidfd_send_signal,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_ptrace,
    libc::SYS_rt_sigqueueinfo,
    libc::SYS_rt_tgsigqueueinfo,
    // Access to files that Landlock does not cover, or not in all versions.
    libc::SYS_open_by_handle_at,
    libc::SYS_truncate,
    // The same calls through a ring in memory.
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_io_uring_setup,
    // The system itself.
    libc::SYS_add_key,
    libc::SYS_bpf,
    libc::SYS_chroot,
    libc::SYS_delete_module,
    libc::SYS_finit_module,
    libc::SYS_init_module,
    libc::SYS_kexec_load,
    libc::SYS_keyctl,
    libc::SYS_mount,
    libc::SYS_perf_event_open,
    libc::SYS_pivot_root,
    libc::SYS_request_key,
    libc::SYS_setns,
    libc::SYS_umount2,
    libc::SYS_unshare,
    libc::SYS_userfaultfd,
];

/// Returns every number of the refused calls. On x86-64 the x32 interface, which a filter sees as
/// the same architecture, has second numbers, and some calls have third ones.
#[cfg(target_arch = "x86_64")]
fn numbers(refused: &'static [c_long]) -> impl Iterator<Item = c_long> {
    const X32: c_long = 0x4000_0000;
    const X32_EXECVE: c_long = X32 + 520;
    const X32_PTRACE: c_long = X32 + 521;
    const X32_RT_SIGQUEUEINFO: c_long = X32 + 524;
    const X32_KEXEC_LOAD: c_long = X32 + 528;
    const X32_RT_TGSIGQUEUEINFO: c_long = X32 + 536;
    const X32_PROCESS_VM_READV: c_long = X32 + 539;
    const X32_PROCESS_VM_WRITEV: c_long = X32 + 540;
    const X32_EXECVEAT: c_long = X32 + 545;

    let x32 = refused.iter().map(|number| number | X32);
    refused.iter().copied().chain(x32).chain([
        X32_EXECVE,
        X32_PTRACE,
        X32_RT_SIGQUEUEINFO,
        X32_KEXEC_LOAD,
        X32_RT_TGSIGQUEUEINFO,
        X32_PROCESS_VM_READV,
        X32_PROCESS_VM_WRITEV,
        X32_EXECVEAT,
    ])
}

#[cfg(not(target_arch = "x86_64"))]
fn numbers(refused: &'static [c_long]) -> impl Iterator<Item = c_long> {
    refused.iter().copied()
}

pub(super) fn enter(inputs: &[PathBuf], output: Option<&Path>) -> Result<(), SandboxError> {
    confine_files(inputs, output)?;
    let filter = filter().map_err(|error| refused(SECCOMP, &error))?;
    // Includes the threads that are already running.
    seccompiler::apply_filter_all_threads(&filter).map_err(|error| refused(SECCOMP, &error))
}

fn confine_files(inputs: &[PathBuf], output: Option<&Path>) -> Result<(), SandboxError> {
    let restrict = || {
        let mut rules = Ruleset::default().handle_access(AccessFs::from_all(LATEST))?.create()?;
        for path in inputs.iter().map(PathBuf::as_path).chain(TIME_ZONES.map(Path::new)) {
            rules = allow(rules, path, READ)?;
        }
        if let Some(output) = output {
            // Resolves symbolic links.
            let target = fs::canonicalize(output);
            let target = target.as_deref().unwrap_or(output);
            rules = match fs::metadata(target) {
                Ok(metadata) if !metadata.is_file() => allow(rules, target, WRITE)?,
                _ => allow(rules, folder(target), KEEP_TABLES)?,
            };
        }
        rules.restrict_self()
    };
    match restrict() {
        Ok(status) if status.ruleset == RulesetStatus::NotEnforced => Err(SandboxError::Missing {
            what: LANDLOCK,
            needs: "Linux 5.13 or later, with landlock among its security modules",
        }),
        Ok(_) => Ok(()),
        Err(error) => Err(refused(LANDLOCK, &error)),
    }
}

/// Allows `access` to a path. A path without a file, such as that of an anonymous pipe, needs no
/// rule.
fn allow(
    rules: RulesetCreated,
    path: &Path,
    access: BitFlags<AccessFs>,
) -> Result<RulesetCreated, RulesetError> {
    let Ok(path) = fs::canonicalize(path) else { return Ok(rules) };
    match PathFd::new(path) {
        Ok(path) => rules.add_rule(PathBeneath::new(path, access)),
        Err(_) => Ok(rules),
    }
}

fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    }
}

fn filter() -> Result<BpfProgram, seccompiler::BackendError> {
    let refuse = u32::try_from(libc::EPERM).unwrap_or(1);
    let rules: BTreeMap<_, _> = numbers(REFUSED).map(|number| (number, Vec::new())).collect();
    SeccompFilter::new(
        rules,
        SeccompAction::Allow,
        SeccompAction::Errno(refuse),
        TargetArch::try_from(std::env::consts::ARCH)?,
    )?
    .try_into()
}

fn refused(what: &'static str, error: &impl std::error::Error) -> SandboxError {
    SandboxError::Refused { what, message: error.to_string() }
}

#[cfg(test)]
mod tests {
    use std::env;
    use std::io::ErrorKind::PermissionDenied;
    use std::net::{TcpListener, TcpStream, UdpSocket};
    use std::os::unix::net::UnixDatagram;
    use std::process::Command;
    use std::thread;

    use super::*;

    const FOLDER: &str = "NFSTREAM_TEST_SANDBOX";

    /// Checks allowed and refused operations; runs in a process of its own.
    fn check_from_inside(folder: &Path) {
        let (input, output) = (folder.join("in.pcap"), folder.join("out/table.csv"));
        enter(std::slice::from_ref(&input), Some(&output)).unwrap();
        assert_eq!(fs::read(&input).unwrap(), b"capture");
        let part = output.with_extension("part");
        fs::write(&part, "table").unwrap();
        fs::rename(&part, &output).unwrap();
        fs::File::open(output.parent().unwrap()).unwrap().sync_all().unwrap();
        fs::remove_file(&output).unwrap();

        let is_refused = |result: std::io::Result<()>, what: &str| match result {
            Err(error) => assert_eq!(error.kind(), PermissionDenied, "{what}"),
            Ok(()) => panic!("{what} is allowed"),
        };
        let files = || {
            is_refused(fs::read("/etc/passwd").map(drop), "reading another file");
            is_refused(
                fs::read(folder.join("secret")).map(drop),
                "reading a file in the same folder",
            );
            is_refused(fs::read_dir("/").map(drop), "listing a folder");
            is_refused(fs::write(&input, "other"), "writing the input");
            is_refused(fs::write(folder.join("new"), "new"), "writing elsewhere");
            is_refused(fs::remove_file(folder.join("secret")), "removing a file elsewhere");
            is_refused(fs::create_dir(folder.join("out/folder")), "making a folder");
        };
        files();
        thread::scope(|scope| scope.spawn(files).join()).unwrap();
        is_refused(TcpListener::bind("127.0.0.1:0").map(drop), "listening");
        is_refused(TcpStream::connect("127.0.0.1:1").map(drop), "connecting");
        is_refused(UdpSocket::bind("127.0.0.1:0").map(drop), "a datagram");
        is_refused(UnixDatagram::unbound().map(drop), "a local socket");
        is_refused(Command::new("/bin/true").status().map(drop), "another program");
    }

    #[test]
    #[allow(clippy::print_stderr, reason = "a test says why it is skipped")]
    fn only_the_work_is_allowed() {
        if let Some(folder) = env::var_os(FOLDER) {
            return check_from_inside(Path::new(&folder));
        }
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("in.pcap"), "capture").unwrap();
        fs::write(folder.path().join("secret"), "secret").unwrap();
        fs::create_dir(folder.path().join("out")).unwrap();
        let name = "sandbox::linux::tests::only_the_work_is_allowed";
        let output = Command::new(env::current_exe().unwrap())
            .args(["--exact", name, "--nocapture"])
            .env(FOLDER, folder.path())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        if said.contains("Missing") {
            eprintln!("skipped: this system has no Landlock");
            return;
        }
        assert!(output.status.success(), "{said}");
        assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"));
    }
}
