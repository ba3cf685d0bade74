"""The two network namespaces in which the sample captures are recorded, and their servers."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

PEERS = Path(__file__).resolve().with_name("peers.py")

# Program -> Debian package that contains it.
PACKAGES = {
    "ip": "iproute2",
    "ss": "iproute2",
    "tc": "iproute2",
    "ethtool": "ethtool",
    "unshare": "util-linux",
    "mount": "mount",
    "hostname": "hostname",
    "tcpdump": "tcpdump",
    "dumpcap": "wireshark-common",
    "ping": "iputils-ping",
    "curl": "curl",
    "openssl": "openssl",
    "dig": "bind9-dnsutils",
    "dnsmasq": "dnsmasq-base",
    "nginx": "nginx-light",
    "sshd": "openssh-server",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
    "redis-server": "redis-server",
    "redis-cli": "redis-tools",
    "zstd": "zstd",
    "linux.uml": "user-mode-linux",
    "modprobe": "kmod",
}
BASE = ("ip", "ss", "tc", "ethtool", "unshare", "mount", "hostname", "tcpdump")
WEB = ("nginx", "openssl", "dnsmasq", "dig", "curl", "ping")

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

# The two ends of the link, and the clients that share the near end.
SERVER4, SERVER6 = "192.168.10.1", "2001:db8:10::1"
CLIENTS4 = ("192.168.10.2", "192.168.10.3", "192.168.10.4")
CLIENTS6 = ("2001:db8:10::2", "2001:db8:10::3")
CLIENT4, CLIENT6 = CLIENTS4[0], CLIENTS6[0]
SITES = {
    "www.instagram.com": ("198.51.100.10", "2001:db8:20::10"),
    "www.wikipedia.org": ("198.51.100.20", "2001:db8:20::20"),
    "static.example.com": ("198.51.100.30", "2001:db8:20::30"),
    "www.netflix.com": ("203.0.113.40", "2001:db8:20::40"),
    "www.youtube.com": ("203.0.113.50", "2001:db8:20::50"),
}
AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"


class Unavailable(Exception):
    """A requirement of a recording that this machine lacks; the message names it."""


def find(program: str) -> str:
    """Returns the path of a program; raises `Unavailable` with the package to install."""
    path = shutil.which(program, path=PATH)
    if path is None:
        raise Unavailable(f"{program} is missing (Debian package {PACKAGES[program]})")
    return path


def call(*command: str | Path, check: bool = True, timeout: float = 60.0) -> str:
    """Runs a command outside the namespaces and returns its output."""
    done = subprocess.run(
        [str(word) for word in command],
        env={"PATH": PATH, "LANG": "C"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=timeout,
    )
    if check and done.returncode:
        words = " ".join(str(word) for word in command)
        raise RuntimeError(f"{words}\n  ended with {done.returncode}: {done.stdout.strip()}")
    return done.stdout


@dataclass
class Lab:
    """Two namespaces, the link between them, and the programs that run there.

    A context manager: its exit ends the programs that it started and removes the two namespaces.
    """

    work: Path
    ipv4: bool = True
    ipv6: bool = False
    mtu: int = 1500
    client: str = field(default_factory=lambda: f"rec{os.getpid()}c")
    server: str = field(default_factory=lambda: f"rec{os.getpid()}s")
    running: list[subprocess.Popen[str]] = field(default_factory=list)
    logs: dict[int, Path] = field(default_factory=dict)

    def __enter__(self) -> Lab:
        """Creates the namespaces."""
        try:
            self._build()
        except BaseException:
            self._remove()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Removes everything."""
        self._remove()

    def _build(self) -> None:
        for name in (self.client, self.server):
            call("ip", "netns", "add", name)
            switch = "0" if self.ipv6 else "1"
            for scope in ("all", "default"):
                knob = f"/proc/sys/net/ipv6/conf/{scope}/disable_ipv6"
                call("ip", "netns", "exec", name, "sh", "-c", f"echo {switch} > {knob}")
            call("ip", "-n", name, "link", "set", "lo", "up")
        call(
            *("ip", "link", "add", "eth0", "netns", self.client, "type", "veth"),
            *("peer", "name", "eth0", "netns", self.server),
        )
        for number, name in ((2, self.client), (1, self.server)):
            mac = f"02:00:5e:00:53:{number:02x}"
            call("ip", "-n", name, "link", "set", "eth0", "address", mac, "mtu", str(self.mtu))
            # Checksums and segments as they would be on a wire.
            call(
                *("ip", "netns", "exec", name, "ethtool", "-K", "eth0", "tx", "off", "rx", "off"),
                *("tso", "off", "gso", "off", "gro", "off"),
            )
            call("ip", "-n", name, "link", "set", "eth0", "up")
            delay = ("root", "netem", "delay", "4ms")
            call("tc", "-n", name, "qdisc", "add", "dev", "eth0", *delay, check=False)
        if self.ipv4:
            for address in CLIENTS4:
                self.address(self.client, f"{address}/24", "eth0")
            self.address(self.server, f"{SERVER4}/24", "eth0")
            for four, _ in SITES.values():
                self.address(self.server, f"{four}/32", "lo")
            call("ip", "-n", self.client, "route", "add", "default", "via", SERVER4)
        if self.ipv6:
            for address in reversed(CLIENTS6):  # the last one is the preferred source
                self.address(self.client, f"{address}/64", "eth0")
            self.address(self.server, f"{SERVER6}/64", "eth0")
            for _, six in SITES.values():
                self.address(self.server, f"{six}/128", "lo")
            call("ip", "-n", self.client, "-6", "route", "add", "default", "via", SERVER6)
            time.sleep(2.5)  # let the link-local addresses settle
        resolver = SERVER4 if self.ipv4 else SERVER6
        (self.work / "resolv.conf").write_text(f"nameserver {resolver}\n")
        (self.work / "hosts").write_text("127.0.0.1 localhost\n::1 localhost\n")

    def _remove(self) -> None:
        for process in reversed(self.running):
            stop(process)
        self.running.clear()
        for name in (self.client, self.server):
            call("ip", "netns", "del", name, check=False)

    def address(self, name: str, address: str, device: str) -> None:
        """Adds an address to a device (IPv6 without duplicate address detection)."""
        more = ("nodad",) if ":" in address else ()
        call("ip", "-n", name, "address", "add", address, "dev", device, *more)

    def _inside(self, name: str, command: Sequence[str | Path]) -> list[str]:
        """Returns the command line that runs `command` in a namespace.

        The namespace has its own host name, resolver and /run, so that no capture contains the
        name or settings of this machine.  Every step is an exec, so the started process and the
        command have the same process id.
        """
        host = "client" if name == self.client else "server"
        steps = (
            f"hostname {host} && mount --bind {self.work}/resolv.conf /etc/resolv.conf && "
            f"mount --bind {self.work}/hosts /etc/hosts && mount -t tmpfs tmpfs /run && "
            'mkdir -p /run/sshd && exec "$@"'
        )
        return [
            *("ip", "netns", "exec", name, "unshare", "--uts", "sh", "-c", steps, "sh"),
            *(str(word) for word in command),
        ]

    def _environment(self) -> dict[str, str]:
        return {"PATH": PATH, "LANG": "C", "HOME": str(self.work), "USER": "user"}

    def run(self, name: str, *command: str | Path, check: bool = True) -> str:
        """Runs a command in a namespace until it ends, and returns its output."""
        done = subprocess.run(
            self._inside(name, command),
            env=self._environment(),
            cwd=self.work,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=120,
        )
        if check and done.returncode:
            words = " ".join(str(word) for word in command)
            raise RuntimeError(f"{words}\n  ended with {done.returncode}: {done.stdout.strip()}")
        return done.stdout

    def near(self, *command: str | Path, check: bool = True) -> str:
        """Runs a command on the client's side."""
        return self.run(self.client, *command, check=check)

    def start(
        self, name: str, *command: str | Path, port: int = 0, line: str = ""
    ) -> subprocess.Popen[str]:
        """Starts a program in a namespace; waits until it listens on `port` or prints `line`."""
        log = self.work / f"{Path(str(command[0])).name}.{len(self.logs)}.log"
        with log.open("w") as sink:
            process = subprocess.Popen(
                self._inside(name, command),
                env=self._environment(),
                cwd=self.work,
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=sink,
                text=True,
                start_new_session=True,
            )
        self.running.append(process)
        self.logs[process.pid] = log
        end = time.monotonic() + 30
        while time.monotonic() < end:
            if process.poll() is not None:
                break
            if line and line in log.read_text(errors="replace"):
                return process
            if port:
                sockets = call("ip", "netns", "exec", name, "ss", "-Hlntu")
                if any(word.endswith(f":{port}") for word in sockets.split()):
                    return process
            time.sleep(0.05)
        text = log.read_text(errors="replace").strip()
        raise RuntimeError(f"{command[0]} did not become ready: {text}")

    def peer(self, name: str, *arguments: str) -> None:
        """Starts one of the small programs of peers.py as a server."""
        self.start(name, *python(), PEERS, *arguments, line="ready")

    @contextlib.contextmanager
    def capture(self, out: Path, *options: str, device: str = "eth0") -> Iterator[None]:
        """Records with tcpdump on the client's side while the body runs."""
        part = self.work / out.name
        tcpdump = ("tcpdump", "-i", device, "-n", "-U", "-Z", "root", "--immediate-mode")
        process = self.start(self.client, *tcpdump, "-w", part, *options, line="listening on")
        time.sleep(0.2)
        yield
        time.sleep(0.7)  # the last answers and closing segments
        stop(process, signal.SIGINT)
        self.running.remove(process)
        report = self.logs[process.pid].read_text(errors="replace")
        if "\n0 packets dropped by kernel" not in report:
            raise RuntimeError(f"tcpdump lost packets or did not end well: {report.strip()}")
        keep(part, out)

    def name_server(self, *options: str) -> None:
        """Starts a dnsmasq that resolves only the sample names."""
        known = [f"--address=/{name}/{a}" for name, pair in SITES.items() for a in pair]
        self.start(
            self.server,
            *(find("dnsmasq"), "--keep-in-foreground", "--conf-file=/dev/null"),
            *("--no-resolv", "--no-hosts", "--user=root", f"--pid-file={self.work}/dns.pid"),
            *("--log-facility=-", "--local=/example.com/", "--local=/example.net/"),
            *("--txt-record=example.com,v=spf1 -all", "--mx-host=example.com,mail.example.com"),
            *known,
            *options,
            port=53,
        )

    def web_server(self) -> None:
        """Starts an nginx with TLS 1.2 and 1.3 for all sample names."""
        make_certificate(self.work)
        www = self.work / "www"
        www.mkdir(exist_ok=True)
        text = "It is a sample page that a sample server sends to a sample client.\n"
        for page, lines in (("index.html", 6), ("page.html", 10)):
            (www / page).write_text(f"<title>{page}</title>\n" + text * lines)
        (www / "image.bin").write_bytes(random.Random(1).randbytes(1500))
        (www / "download.bin").write_bytes(random.Random(2).randbytes(15_000))
        work = self.work
        temporary = "".join(
            f"{kind}_temp_path {work}/{kind};"
            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        (work / "nginx.conf").write_text(
            f"""daemon off; user root; worker_processes 1; pid {work}/nginx.pid;
            events {{ worker_connections 64; }}
            http {{
              access_log off; server_tokens off; {temporary}
              server {{
                listen 80; listen [::]:80;
                listen 443 ssl http2; listen [::]:443 ssl http2;
                ssl_certificate {work}/site.pem; ssl_certificate_key {work}/site.key;
                ssl_protocols TLSv1.2 TLSv1.3; ssl_session_tickets off;
                root {www};
                location = /download.bin {{ limit_rate 8k; limit_rate_after 1; }}
                location = /old {{ return 301 https://$host/; }}
                location = /form {{ return 204; }}
              }}
            }}
            """
        )
        conf = work / "nginx.conf"
        log = work / "error.log"
        self.start(self.server, find("nginx"), "-p", work, "-c", conf, "-e", log, port=443)

    def fetch(self, *arguments: str, check: bool = True) -> str:
        """Fetches with curl, with the temporary authority trusted."""
        ca = self.work / "ca.pem"
        return self.near("curl", "-sS", "--cacert", ca, "-o", "/dev/null", *arguments, check=check)

    def ask(self, *arguments: str) -> str:
        """Queries the sample name server with dig."""
        return self.near("dig", "+noall", "+answer", "+comments", *arguments)


def python() -> list[str]:
    """Returns the command of this interpreter."""
    return [sys.executable or "python3"]


def stop(process: subprocess.Popen[str], how: int = signal.SIGTERM) -> None:
    """Ends a process that this script started, and its children."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, how)
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def keep(part: Path, out: Path) -> None:
    """Copies a finished file to its final path."""
    shutil.copyfile(part, out)
    out.chmod(0o644)
    print(f"  {out.name}: {out.stat().st_size} bytes")


def make_certificate(work: Path) -> None:
    """Creates a temporary authority (ca.pem) and a certificate for all names (site.*)."""
    if (work / "site.pem").exists():
        return
    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    call(
        *("openssl", "req", "-x509", *curve, "-days", "30", "-subj", "/O=Example/CN=Example CA"),
        *("-keyout", work / "ca.key", "-out", work / "ca.pem"),
    )
    call(
        *("openssl", "req", *curve, "-subj", "/O=Example/CN=static.example.com"),
        *("-keyout", work / "site.key", "-out", work / "site.csr"),
    )
    names = ",".join(f"DNS:{name}" for name in SITES)
    (work / "site.ext").write_text(f"subjectAltName={names}\nbasicConstraints=CA:FALSE\n")
    call(
        *("openssl", "x509", "-req", "-in", work / "site.csr", "-days", "30"),
        *("-CA", work / "ca.pem", "-CAkey", work / "ca.key", "-CAcreateserial"),
        *("-extfile", work / "site.ext", "-out", work / "site.pem"),
    )
