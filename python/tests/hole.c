/* A hole in a C library, for the tests of the sandbox.
 *
 * Loaded with LD_PRELOAD. It waits until the process is in its sandbox, then tries ways out: in a
 * thread that was started before, and in the first thread that the engine starts. It writes a line
 * for each to standard error: the name, and the error or "OPEN".
 *
 * Arguments, in the environment: HOLE_FOLDER, a folder with files that belong to others;
 * HOLE_OUTPUT, the folder of the table; HOLE_PID, another process; HOLE_FD, an inherited file.
 * HOLE_CONTROL tries some ways without a sandbox, to show that they are open there.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

static const char *folder, *output;
static int pid, inherited;

static void say(const char *who, const char *what, long result) {
    char line[160];
    const char *end = result == -1 ? strerrorname_np(errno) : "OPEN";
    int len = snprintf(line, sizeof line, "hole %s %s: %s\n", who, what, end);
    if (write(2, line, len) != len)
        _exit(99);
}

static const char *in(const char *where, const char *name) {
    static __thread char paths[2][512];
    static __thread int next;
    char *path = paths[next ^= 1];
    snprintf(path, sizeof paths[0], "%s/%s", where, name);
    return path;
}

#define TRY(name, ...) say(who, name, syscall(__VA_ARGS__))

static void try_all(const char *who) {
    const char *secret = in(folder, "secret"), *text = "#";
    struct timespec times[2] = {{1, 0}, {1, 0}};
    struct rlimit limit = {64, 64};
    struct iovec piece = {(void *)text, 1};
    struct sched_param zero = {0};
    cpu_set_t first;
    siginfo_t info;
    char byte, *arguments[] = {"true", NULL};
    long page;

    CPU_ZERO(&first);
    CPU_SET(0, &first);
    memset(&info, 0, sizeof info);
    info.si_code = SI_QUEUE;

    /* Files. */
    TRY("read a file", SYS_openat, AT_FDCWD, secret, O_RDONLY);
    TRY("read /etc/passwd", SYS_openat, AT_FDCWD, "/etc/passwd", O_RDONLY);
    TRY("list a folder", SYS_openat, AT_FDCWD, folder, O_RDONLY | O_DIRECTORY);
    TRY("open a path alone", SYS_openat, AT_FDCWD, secret, O_PATH);
    TRY("create .bashrc", SYS_openat, AT_FDCWD, in(output, ".bashrc"), O_WRONLY | O_CREAT, 0600);
    TRY("overwrite .profile", SYS_openat, AT_FDCWD, in(output, ".profile"), O_WRONLY | O_TRUNC);
    TRY("make .ssh", SYS_mkdirat, AT_FDCWD, in(output, ".ssh"), 0700);
    TRY("create an unnamed file", SYS_openat, AT_FDCWD, output, O_WRONLY | O_TMPFILE, 0600);
    TRY("remove a file", SYS_unlinkat, AT_FDCWD, in(output, ".profile"), 0);
    TRY("rename a file", SYS_renameat2, AT_FDCWD, secret, AT_FDCWD, in(output, "moved"), 0);
    TRY("link a file", SYS_linkat, AT_FDCWD, secret, AT_FDCWD, in(output, "linked"), 0);
    TRY("make a symbolic link", SYS_symlinkat, secret, AT_FDCWD, in(output, "symbolic"));
    TRY("make a device", SYS_mknodat, AT_FDCWD, in(output, "pipe"), S_IFIFO | 0600, 0);
    TRY("change a mode", SYS_fchmodat, AT_FDCWD, secret, 0777);
    TRY("change an owner", SYS_fchownat, AT_FDCWD, secret, getuid(), getgid(), 0);
    TRY("change times", SYS_utimensat, AT_FDCWD, secret, times, 0);
    TRY("set an attribute", SYS_setxattr, secret, "user.hole", "x", 1, 0);
    TRY("truncate a file", SYS_truncate, secret, 0);
    TRY("change the mode of a descriptor", SYS_fchmod, 2, 0777);
    TRY("change the folder", SYS_chdir, "/");
    TRY("open by handle", SYS_open_by_handle_at, AT_FDCWD, &info, O_RDONLY);
    TRY("watch files", SYS_inotify_init1, 0);
    TRY("read an inherited file", SYS_read, inherited, &byte, 1);
    TRY("write an inherited file", SYS_write, inherited, text, 1);

    /* Programs and processes. */
    TRY("fork", SYS_clone, SIGCHLD, 0, 0, 0, 0);
#ifdef SYS_vfork
    TRY("vfork", SYS_vfork);
#endif
    TRY("fork with clone3", SYS_clone3, &info, 64);
    TRY("run a program", SYS_execve, "/bin/true", arguments, NULL);
    TRY("run a program by descriptor", SYS_execveat, AT_FDCWD, "/bin/true", arguments, NULL, 0);
    TRY("send a signal", SYS_kill, pid, SIGUSR1);
    TRY("send a signal to the group", SYS_kill, 0, SIGUSR1);
    TRY("send a signal with tgkill", SYS_tgkill, pid, pid, SIGUSR1);
    TRY("send a signal with tkill", SYS_tkill, pid, SIGUSR1);
    TRY("queue a signal", SYS_rt_sigqueueinfo, pid, SIGUSR1, &info);
    TRY("own a descriptor", SYS_fcntl, 2, F_SETOWN, pid);
    TRY("choose its signal", SYS_fcntl, 2, F_SETSIG, SIGUSR1);
    TRY("have it send signals", SYS_fcntl, 2, F_SETFL, O_ASYNC | O_WRONLY);
    TRY("own it by request", SYS_ioctl, 2, FIOSETOWN, &pid);
    TRY("open a process", SYS_pidfd_open, pid, 0);
    TRY("limit a process", SYS_prlimit64, pid, RLIMIT_NOFILE, &limit, NULL);
    TRY("limit itself", SYS_prlimit64, 0, RLIMIT_CORE, &limit, NULL);
    TRY("set a priority", SYS_setpriority, PRIO_PROCESS, pid, 19);
    TRY("set a processor", SYS_sched_setaffinity, pid, sizeof first, &first);
    TRY("set a scheduler", SYS_sched_setscheduler, pid, SCHED_IDLE, &zero);
    TRY("set priority of disks", SYS_ioprio_set, 1, pid, 3 << 13);
    TRY("trace a process", SYS_ptrace, 16, pid, 0, 0);
    TRY("read another's memory", SYS_process_vm_readv, pid, &piece, 1, &piece, 1, 0);
    TRY("write another's memory", SYS_process_vm_writev, pid, &piece, 1, &piece, 1, 0);
    TRY("move to a group", SYS_setpgid, pid, 0);
    TRY("start a session", SYS_setsid);

    /* Terminal. */
    TRY("type into the terminal", SYS_ioctl, 2, TIOCSTI, text);
    TRY("type, with high bits", SYS_ioctl, 2, (1UL << 32) | TIOCSTI, text);
    TRY("type at standard input", SYS_ioctl, 0, TIOCSTI, text);
    TRY("paste a selection", SYS_ioctl, 1, TIOCLINUX, text);
    TRY("change the terminal", SYS_ioctl, 2, TCSETS, &info);
    TRY("leave the terminal", SYS_ioctl, 2, TIOCNOTTY, 0);
    TRY("read standard error", SYS_read, 2, &byte, 1);
    TRY("read standard output", SYS_readv, 1, &piece, 1);
    TRY("duplicate a descriptor", SYS_dup, 2);
    TRY("duplicate it with fcntl", SYS_fcntl, 2, F_DUPFD_CLOEXEC, 0);
    TRY("open the terminal", SYS_openat, AT_FDCWD, "/dev/tty", O_RDWR);

    /* Network. */
    TRY("a TCP socket", SYS_socket, AF_INET, SOCK_STREAM, 0);
    TRY("a UDP socket", SYS_socket, AF_INET6, SOCK_DGRAM, 0);
    TRY("a local socket", SYS_socket, AF_UNIX, SOCK_STREAM, 0);
    TRY("a packet socket", SYS_socket, AF_PACKET, SOCK_RAW, 0);
    TRY("a netlink socket", SYS_socket, AF_NETLINK, SOCK_RAW, 9);
    TRY("a pair of sockets", SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, &info);
    TRY("pass a descriptor", SYS_sendmsg, 2, &info, 0);
#ifdef __x86_64__
    TRY("a socket by its x32 number", 0x40000000 + SYS_socket, AF_INET, SOCK_STREAM, 0);
#endif

    /* The system. */
    TRY("a ring of calls", SYS_io_uring_setup, 1, &info);
    TRY("faults", SYS_userfaultfd, 0);
    TRY("a program in the kernel", SYS_bpf, 0, &info, sizeof info);
    TRY("counters", SYS_perf_event_open, &info, 0, -1, -1, 0);
    TRY("a namespace", SYS_unshare, CLONE_NEWUSER);
    TRY("another namespace", SYS_setns, 2, 0);
    TRY("a mount", SYS_mount, "none", folder, "tmpfs", 0, NULL);
    TRY("another root", SYS_chroot, folder);
    TRY("another user", SYS_setresuid, -1, 1, -1);
    TRY("keys", SYS_add_key, "user", "hole", "x", 1, -3);
    TRY("shared memory", SYS_shmget, 0, 4096, 01600);
    TRY("a file in memory", SYS_memfd_create, "hole", 0);
    TRY("the name of the machine", SYS_sethostname, "hole", 4);
    TRY("a dump", SYS_prctl, PR_SET_DUMPABLE, 1, 0, 0, 0);
    TRY("new code", SYS_mmap, 0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    page = syscall(SYS_mmap, 0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    TRY("changed code", SYS_mprotect, page, 4096, PROT_READ | PROT_EXEC);

    if (write(2, "hole done\n", 10) != 10)
        _exit(99);
}

/* The sandbox refuses this question, too. */
static int is_inside(void) { return syscall(SYS_prctl, PR_GET_SECCOMP, 0, 0, 0, 0) != 0; }

static void *wait_outside(void *unused) {
    struct timespec pause = {0, 1000000};
    while (!is_inside())
        nanosleep(&pause, NULL);
    /* The filters are installed in two steps. */
    pause.tv_nsec = 200000000;
    nanosleep(&pause, NULL);
    try_all("early");
    return unused;
}

/* The engine's threads give themselves a name when they begin. */
int pthread_setname_np(pthread_t thread, const char *name) {
    static int tried;
    (void)thread;
    if (folder != NULL && is_inside() && !__atomic_exchange_n(&tried, 1, __ATOMIC_SEQ_CST))
        try_all("engine");
    return syscall(SYS_prctl, PR_SET_NAME, name) == 0 ? 0 : errno;
}

static void try_some(const char *who) {
    const char *secret = in(folder, "secret");
    TRY("read a file", SYS_openat, AT_FDCWD, secret, O_RDONLY);
    TRY("create .bashrc", SYS_openat, AT_FDCWD, in(output, ".bashrc"), O_WRONLY | O_CREAT, 0600);
    TRY("make .ssh", SYS_mkdirat, AT_FDCWD, in(output, ".ssh"), 0700);
    TRY("change a mode", SYS_fchmodat, AT_FDCWD, secret, 0600);
    TRY("a TCP socket", SYS_socket, AF_INET, SOCK_STREAM, 0);
    TRY("send a signal", SYS_kill, pid, 0);
    TRY("limit itself", SYS_prlimit64, 0, RLIMIT_CORE, NULL, NULL);
    TRY("own a descriptor", SYS_fcntl, 2, F_SETOWN, pid);
    TRY("duplicate a descriptor", SYS_dup, 2);
    TRY("a file in memory", SYS_memfd_create, "hole", 0);
}

__attribute__((constructor)) static void begin(void) {
    pthread_t thread;
    folder = getenv("HOLE_FOLDER");
    output = getenv("HOLE_OUTPUT");
    if (folder == NULL || output == NULL)
        return;
    pid = atoi(getenv("HOLE_PID"));
    inherited = atoi(getenv("HOLE_FD"));
    if (getenv("HOLE_CONTROL") != NULL) {
        try_some("control");
        return;
    }
    pthread_create(&thread, NULL, wait_outside, NULL);
}
