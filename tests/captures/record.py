#!/usr/bin/env python3
"""Records the sample captures of this folder.

    sudo python3 tests/captures/record.py                 all captures
    sudo python3 tests/captures/record.py web dns         the named ones
    sudo python3 tests/captures/record.py --uml           all captures, in user-mode Linux
    python3 tests/captures/record.py --list               list the names

Every capture is traffic between real programs.  The script makes two network namespaces, joins
them with a veth pair, starts the servers in one and the clients in the other, records on the
client's side and removes everything again.  Nothing leaves the namespaces: the names are real, so
that a classifier recognises them, but the name server is a private dnsmasq and the addresses are
from the documentation and private ranges.

Needs root and these Debian packages:

    apt-get install --no-install-recommends \\
        iproute2 ethtool util-linux tcpdump wireshark-common iputils-ping curl openssl \\
        bind9-dnsutils dnsmasq-base nginx-light openssh-server openssh-client \\
        redis-server redis-tools zstd python3-venv

`quic` also installs aioquic from PyPI into a temporary virtual environment.

Some recordings need device types that not every kernel has (`vlan`, `tunnels`, `sctp`).  With
`--uml` the script boots a user-mode Linux kernel on the machine's own file system and records in
it; this needs the packages `user-mode-linux` and `kmod`, and no change to the machine's kernel.
User-mode Linux also has netem, which gives the link a delay of a few milliseconds; without netem
there is no delay.

Keys and certificates are made for each run and deleted, so two runs never give equal files.
"""

from __future__ import annotations

import argparse
import gzip
import os
import shlex
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from namespaces import (
    AGENT,
    BASE,
    CLIENT4,
    CLIENT6,
    CLIENTS4,
    CLIENTS6,
    PATH,
    PEERS,
    SERVER4,
    SERVER6,
    SITES,
    WEB,
    Lab,
    Unavailable,
    call,
    find,
    keep,
    make_certificate,
    python,
    stop,
)

HERE = Path(__file__).resolve().parent
ME = Path(__file__).resolve()
UML_MODULES = Path("/usr/lib/uml/modules")


def web(work: Path, out: Path) -> None:
    """DNS, TLS 1.2 and 1.3, HTTP, ping and a closed port over IPv4, from three clients."""
    with Lab(work) as lab:
        lab.name_server()
        lab.web_server()
        first, second, third = CLIENTS4
        with lab.capture(out / "web.pcap"):

            def tls(client: str, name: str, version: str, *more: str, path: str = "/") -> None:
                pin = f"{name}:443:{SITES[name][0]}"
                limit = ("--tlsv1.3",) if version == "1.3" else ("--tls-max", "1.2")
                url = f"https://{name}{path}"
                lab.fetch("--interface", client, "--resolve", pin, *limit, *more, url)

            def http(client: str, name: str, path: str, *more: str) -> None:
                pin = f"{name}:80:{SITES[name][0]}"
                url = f"http://{name}{path}"
                lab.fetch("-A", AGENT, "--interface", client, "--resolve", pin, *more, url)

            lab.near("ping", "-c", "4", "-i", "0.3", "-I", first, SERVER4)
            for name in SITES:
                lab.ask("-b", first, f"@{SERVER4}", name, "A")
            for name in ("www.instagram.com", "www.wikipedia.org"):
                lab.ask("-b", second, f"@{SERVER4}", name, "AAAA")
                lab.ask("-b", third, f"@{SERVER4}", name, "A")
            lab.ask("-b", second, f"@{SERVER4}", "nowhere.example.com", "A")
            # These two look the name up themselves, through the system's resolver.
            lab.fetch("-4", "--tlsv1.3", "https://www.instagram.com/")
            lab.fetch("-4", "-A", AGENT, "http://static.example.com/")
            tls(second, "www.instagram.com", "1.2")
            again = "https://www.wikipedia.org/page.html"
            rest = [word for _ in range(4) for word in ("-o", "/dev/null", again)]
            tls(first, "www.wikipedia.org", "1.3", "--rate", "150/m", *rest)
            tls(second, "www.wikipedia.org", "1.2", path="/page.html")
            tls(third, "static.example.com", "1.3", path="/image.bin")
            tls(third, "www.netflix.com", "1.2")
            http(first, "static.example.com", "/download.bin")
            http(third, "www.wikipedia.org", "/old")
            http(third, "static.example.com", "/form", "-d", "colour=blue&size=9")
            http(second, "static.example.com", "/missing", "--http1.0")
            # A client that does not trust the server, and one that connects to a closed port.
            lab.near(
                *("curl", "-sS", "--interface", second, "--cacert", "/dev/null"),
                *("--resolve", f"www.netflix.com:443:{SITES['www.netflix.com'][0]}"),
                "https://www.netflix.com/",
                check=False,
            )
            lab.fetch(
                "--interface", third, f"http://{SITES['static.example.com'][0]}:8080/", check=False
            )
            lab.near("ping", "-c", "3", "-i", "0.3", "-I", second, SITES["www.instagram.com"][0])
            lab.near(
                *("dig", "-b", third, "-p", "5300", "+tries=1", "+time=1", f"@{SERVER4}"),
                "static.example.com",
                check=False,
            )


def web6(work: Path, out: Path) -> None:
    """Similar traffic over IPv6, with neighbour discovery and ICMPv6 ping."""
    with Lab(work, ipv4=False, ipv6=True) as lab:
        lab.name_server()
        lab.web_server()
        first, second = CLIENTS6
        with lab.capture(out / "web6.pcap"):
            lab.near("ping", "-c", "4", "-i", "0.3", "-I", first, SERVER6)
            for name in ("www.instagram.com", "www.wikipedia.org"):
                for client in CLIENTS6:
                    lab.ask("-b", client, f"@{SERVER6}", name, "AAAA")
            lab.fetch("-6", "--tlsv1.3", "https://www.instagram.com/")
            lab.fetch("-6", "--tls-max", "1.2", "https://www.wikipedia.org/page.html")
            lab.fetch("-6", "-A", AGENT, "http://static.example.com/image.bin")
            pin = f"www.netflix.com:443:[{SITES['www.netflix.com'][1]}]"
            lab.fetch("--interface", second, "--resolve", pin, "https://www.netflix.com/")
            closed = f"http://[{SITES['static.example.com'][1]}]:8080/"
            lab.fetch("--interface", second, closed, check=False)
            far = SITES["static.example.com"][1]
            lab.near("ping", "-c", "3", "-i", "0.3", "-s", "200", "-I", second, far)


def vlan(work: Path, out: Path) -> None:
    """Traffic in VLAN 10 (802.1Q) and in VLAN 200 inside service VLAN 100 (802.1ad)."""
    with Lab(work) as lab:
        outer = ("type", "vlan", "proto", "802.1ad", "id", "100")
        for name, host in ((lab.client, "2"), (lab.server, "1")):

            def link(*words: str, name: str = name) -> None:
                call("ip", "-n", name, "link", *words)

            link("add", "link", "eth0", "name", "vlan10", "type", "vlan", "id", "10")
            link("add", "link", "eth0", "name", "outer", *outer)
            link("add", "link", "outer", "name", "inner", "type", "vlan", "id", "200")
            for device in ("vlan10", "outer", "inner"):
                link("set", device, "mtu", "1450", "up")
            lab.address(name, f"10.10.0.{host}/24", "vlan10")
            lab.address(name, f"10.20.0.{host}/24", "inner")
        lab.name_server()
        lab.web_server()
        with lab.capture(out / "vlan.pcap"):
            for far, site in (
                ("10.10.0.1", "www.wikipedia.org"),
                ("10.20.0.1", "www.instagram.com"),
                (SERVER4, "www.netflix.com"),
            ):
                lab.near("ping", "-c", "2", "-i", "0.3", far)
                lab.ask(f"@{far}", site, "A")
                lab.fetch("--resolve", f"{site}:443:{far}", f"https://{site}/")
                lab.fetch("-A", AGENT, "--resolve", f"{site}:80:{far}", f"http://{site}/")


def ssh(work: Path, out: Path) -> None:
    """Two OpenSSH sessions that run a command, with temporary keys."""
    for key in ("host", "user"):
        kind = ("-q", "-t", "ed25519", "-N", "", "-C", "sample")
        call("ssh-keygen", *kind, "-f", work / f"{key}_key")
    shutil.copyfile(work / "user_key.pub", work / "authorized")
    (work / "sshd_config").write_text(
        f"ListenAddress {SERVER4}\nHostKey {work}/host_key\nPidFile none\nUsePAM no\n"
        f"AuthorizedKeysFile {work}/authorized\nStrictModes no\nUseDNS no\n"
        "PermitRootLogin prohibit-password\nPasswordAuthentication no\nPrintLastLog no\n"
    )
    with Lab(work) as lab:
        lab.start(lab.server, find("sshd"), "-D", "-e", "-f", work / "sshd_config", port=22)
        with lab.capture(out / "ssh.pcap"):
            for task in (
                "echo hello; sleep 0.5; seq 300",
                "for i in 1 2 3 4 5; do echo $i; sleep 0.4; done",
            ):
                lab.near(
                    *("ssh", "-F", "/dev/null", "-i", work / "user_key"),
                    *("-o", "UserKnownHostsFile=/dev/null", "-o", "StrictHostKeyChecking=no"),
                    *("-o", "BatchMode=yes", f"root@{SERVER4}", task),
                )


def redis(work: Path, out: Path) -> None:
    """redis-cli and redis-server."""
    with Lab(work) as lab:
        lab.start(
            lab.server,
            *("redis-server", "--bind", SERVER4, "--port", "6379", "--save", ""),
            *("--protected-mode", "no", "--dir", work),
            port=6379,
        )
        client = ("redis-cli", "-h", SERVER4)
        with lab.capture(out / "redis.pcap"):
            lab.near(*client, "PING")
            lab.near(*client, "SET", "greeting", "hello")
            lab.near(*client, "GET", "greeting")
            lab.near(*client, "RPUSH", "colours", "red", "green", "blue")
            lab.near(*client, "LRANGE", "colours", "0", "-1")
            lab.near(*client, "-r", "8", "-i", "0.2", "INCR", "counter")


def dns(work: Path, out: Path) -> None:
    """Queries of several types over UDP and TCP; one UDP answer arrives in IP fragments."""
    long = [f"--txt-record=large.example.com,{n:02d} " + "x" * 240 for n in range(12)]
    with Lab(work) as lab:
        lab.name_server("--edns-packet-max=4096", *long)
        at = f"@{SERVER4}"
        with lab.capture(out / "dns.pcap"):
            lab.ask(at, "www.wikipedia.org", "A")
            lab.ask(at, "www.wikipedia.org", "AAAA")
            lab.ask(at, "+noedns", "www.instagram.com", "A")
            lab.ask(at, "example.com", "TXT")
            lab.ask(at, "example.com", "MX")
            lab.ask(at, "nowhere.example.com", "A")
            lab.ask(at, "www.example.org", "A")  # refused: no such zone here
            lab.ask(at, "+tcp", "static.example.com", "A")
            lab.ask(at, "+bufsize=4096", "large.example.com", "TXT")
            # This answer is cut at 512 bytes; dig repeats the query over TCP.
            lab.ask(at, "+noedns", "large.example.com", "TXT")
        with (out / "dns.pcap").open("rb") as plain, (out / "dns.pcap.gz").open("wb") as file:
            with gzip.GzipFile("", "wb", 9, file, mtime=0) as sink:
                shutil.copyfileobj(plain, sink)
        print("  dns.pcap.gz")


def compressed(work: Path, out: Path) -> None:
    """redis.pcap compressed with zstd (`dns` also makes dns.pcap.gz)."""
    source = out / "redis.pcap"
    if not source.exists():
        raise Unavailable("redis.pcap is missing: record redis first")
    call("zstd", "-q", "-f", "-19", source, "-o", work / "redis.pcap.zst")
    keep(work / "redis.pcap.zst", out / "redis.pcap.zst")


def quic(work: Path, out: Path) -> None:
    """HTTP/3 with aioquic: two connections, two server names."""
    interpreter = Path(os.environ.get("RECORD_QUIC_PYTHON", ""))
    if not interpreter.name:
        interpreter = quic_python(work)
    make_certificate(work)
    with Lab(work) as lab:
        # One server for each address: a socket for all addresses would answer from another one.
        names = {"www.youtube.com": "6000", "www.instagram.com": "500"}
        pair = (work / "site.pem", work / "site.key")
        for name in names:
            server = ("h3-server", SITES[name][0], "443", *pair)
            lab.start(lab.server, interpreter, PEERS, *server, line="ready")
        with lab.capture(out / "quic.pcap"):
            for name, size in names.items():
                lab.near(
                    *(interpreter, PEERS, "h3-client", SITES[name][0], "443", name, size),
                    str(work / "ca.pem"),
                    AGENT,
                )


def quic_python(work: Path) -> Path:
    """Returns the interpreter of a temporary virtual environment with aioquic."""
    place = work / "venv"
    made = subprocess.run(
        [*python(), "-m", "venv", str(place)], capture_output=True, text=True, check=False
    )
    if made.returncode:
        raise Unavailable("cannot make a virtual environment (Debian package python3-venv)")
    pip = [str(place / "bin" / "python"), "-m", "pip", "install", "-q", "aioquic"]
    done = subprocess.run(pip, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Unavailable(f"pip cannot install aioquic: {done.stderr.strip()[-200:]}")
    return place / "bin" / "python"


def nanoseconds(work: Path, out: Path) -> None:
    """A few conversations with timestamps in nanoseconds."""
    with Lab(work) as lab:
        lab.name_server()
        lab.web_server()
        with lab.capture(out / "nanoseconds.pcap", "--time-stamp-precision=nano"):
            lab.near("ping", "-c", "3", "-i", "0.3", SERVER4)
            lab.fetch("-4", "-A", AGENT, "http://static.example.com/")
            lab.fetch("-4", "https://www.wikipedia.org/")


def mixed(work: Path, out: Path) -> None:
    """One pcapng file from three interfaces: Ethernet, raw IP (tun) and `any` (cooked, v2)."""
    with Lab(work) as lab:
        lab.name_server()
        lab.web_server()
        lab.peer(lab.client, "cable")
        call("ip", "-n", lab.client, "link", "set", "tun1", "netns", lab.server)
        for name, device, host in ((lab.client, "tun0", "2"), (lab.server, "tun1", "1")):
            lab.address(name, f"10.30.0.{host}/24", device)
            call("ip", "-n", name, "link", "set", device, "up")
        local = ("--bind", "127.0.0.1", "--port", "6379", "--save", "", "--dir", str(work))
        lab.start(lab.client, "redis-server", *local, port=6379)
        part = work / "mixed.pcapng"
        process = lab.start(
            lab.client,
            *("dumpcap", "-q", "-n", "-w", part),
            *("-i", "eth0", "-i", "tun0", "-i", "any", "-f", "host 127.0.0.1"),
            *("-y", "LINUX_SLL2"),
            line="File:",
        )
        time.sleep(1)
        lab.near("ping", "-c", "3", "-i", "0.3", "10.30.0.1")
        lab.fetch("-4", "https://www.wikipedia.org/")
        lab.near("redis-cli", "SET", "greeting", "hello")
        site = "www.instagram.com"
        lab.fetch("-4", "--resolve", f"{site}:443:10.30.0.1", f"https://{site}/")
        lab.fetch(
            "-A",
            AGENT,
            "--resolve",
            "static.example.com:80:10.30.0.1",
            "http://static.example.com/",
        )
        lab.near("redis-cli", "-r", "3", "-i", "0.2", "INCR", "counter")
        lab.fetch("-4", "-A", AGENT, "http://static.example.com/")
        lab.near("ping", "-c", "2", "-i", "0.3", "127.0.0.1")
        time.sleep(1)
        stop(process, signal.SIGINT)
        lab.running.remove(process)
        strip_section(part)
        keep(part, out / "mixed.pcapng")


def strip_section(path: Path) -> None:
    """Removes the options (hardware, system) from a pcapng file's section header block."""
    data = path.read_bytes()
    order = "<" if data[8:12] == b"\x4d\x3c\x2b\x1a" else ">"
    (length,) = struct.unpack_from(f"{order}I", data, 4)
    size = struct.pack(f"{order}I", 28)
    path.write_bytes(data[:4] + size + data[8:24] + size + data[length:])


def sll(work: Path, out: Path) -> None:
    """The same traffic from all interfaces, as Linux cooked v1 and as v2."""
    with Lab(work) as lab:
        lab.name_server()
        lab.web_server()
        one = lab.capture(out / "sll.pcap", "-y", "LINUX_SLL", device="any")
        two = lab.capture(out / "sll2.pcap", "-y", "LINUX_SLL2", device="any")
        with one, two:
            lab.near("ping", "-c", "2", "-i", "0.3", "127.0.0.1")
            lab.near("ping", "-c", "2", "-i", "0.3", SERVER4)
            lab.fetch("-4", "https://www.instagram.com/")
            lab.fetch("-4", "-A", AGENT, "http://static.example.com/")


def tunnels(work: Path, out: Path) -> None:
    """Kernel tunnels, one after the other, with ping, DNS and HTTP in each."""
    with Lab(work, ipv6=True) as lab:
        lab.name_server()
        lab.web_server()
        kinds = (
            ("gre", "gre", 4, 4),
            ("gretap", "gretap", 4, 4),
            ("vxlan", "vxlan id 42 dstport 4789 dev eth0", 4, 4),
            ("geneve", "geneve id 43", 4, 4),
            ("ipip", "ipip", 4, 4),
            ("sit", "sit", 4, 6),
            ("ip6ip6", "ip6tnl mode ip6ip6", 6, 6),
            ("ipip6", "ip6tnl mode ipip6", 6, 4),
        )
        with lab.capture(out / "tunnels.pcap"):
            for number, (name, kind, outer, inner) in enumerate(kinds, 1):
                ends = (CLIENT4, SERVER4) if outer == 4 else (CLIENT6, SERVER6)
                net = f"10.40.{number}." if inner == 4 else f"2001:db8:4{number}::"
                bits = "/24" if inner == 4 else "/64"
                sides = ((lab.client, *ends, "2"), (lab.server, *reversed(ends), "1"))
                for side, here, there, host in sides:
                    local = () if name == "geneve" else ("local", here)
                    words = (*kind.split(), *local, "remote", there)
                    call("ip", "-n", side, "link", "add", "tunnel", "type", *words)
                    # No link-local addresses, so that the kernel sends nothing of its own.
                    set_link = ("ip", "-n", side, "link", "set", "tunnel")
                    call(*set_link, "addrgenmode", "none")
                    call(*set_link, "mtu", "1400", "up")
                    lab.address(side, f"{net}{host}{bits}", "tunnel")
                far = f"{net}1"
                lab.near("ping", "-c", "2", "-i", "0.3", far)
                lab.ask(f"@{far}", "static.example.com", "A")
                pin = f"static.example.com:80:{far if inner == 4 else f'[{far}]'}"
                lab.fetch("-A", AGENT, "--resolve", pin, "http://static.example.com/")
                for side in (lab.client, lab.server):
                    call("ip", "-n", side, "link", "del", "tunnel")


def snaplen(work: Path, out: Path) -> None:
    """A TLS conversation, with only the first 96 bytes of each packet."""
    with Lab(work) as lab:
        lab.name_server()
        lab.web_server()
        with lab.capture(out / "snaplen.pcap", "-s", "96"):
            lab.fetch("-4", "--tls-max", "1.2", "https://www.wikipedia.org/download.bin")


def long(work: Path, out: Path) -> None:
    """A TCP and a UDP conversation with regular exchanges and one long pause."""
    with Lab(work) as lab:
        lab.peer(lab.server, "tcp-echo", SERVER4, "7000")
        lab.peer(lab.server, "udp-echo", SERVER4, "7001")
        with lab.capture(out / "long.pcap"):
            helper = [*python(), str(PEERS)]
            slow = lab.start(lab.client, *helper, "udp-talk", SERVER4, "7001", line="ready")
            lab.near(*helper, "tcp-talk", SERVER4, "7000")
            slow.wait(60)


def sctp(work: Path, out: Path) -> None:
    """Two short SCTP associations."""
    with Lab(work) as lab:
        lab.peer(lab.server, "sctp-echo", SERVER4, "7002")
        with lab.capture(out / "sctp.pcap"):
            for client in CLIENTS4[:2]:
                lab.near(*python(), PEERS, "sctp-talk", SERVER4, "7002", client)


@dataclass(frozen=True)
class Recording:
    """The function that makes a capture (or a pair), and its requirements."""

    make: Callable[[Path, Path], None]
    programs: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()  # arguments of `ip link add x type`, tried first
    sctp: bool = False


TUNNELS = tuple(
    f"{kind} local 192.0.2.1 remote 192.0.2.2" for kind in ("gre", "gretap", "ipip", "sit")
)
RECORDINGS = {
    "web": Recording(web, WEB),
    "web6": Recording(web6, WEB),
    "vlan": Recording(vlan, WEB, ("vlan",)),
    "ssh": Recording(ssh, ("sshd", "ssh", "ssh-keygen")),
    "redis": Recording(redis, ("redis-server", "redis-cli")),
    "dns": Recording(dns, ("dnsmasq", "dig")),
    "compressed": Recording(compressed, ("zstd",)),
    "quic": Recording(quic, ("openssl",)),
    "nanoseconds": Recording(nanoseconds, WEB),
    "mixed": Recording(mixed, (*WEB, "dumpcap", "redis-server", "redis-cli")),
    "sll": Recording(sll, WEB),
    "tunnels": Recording(
        tunnels,
        WEB,
        (
            *TUNNELS,
            "vxlan id 1 remote 192.0.2.2 dstport 4789",
            "geneve id 1 remote 192.0.2.2",
            "ip6tnl mode any local 2001:db8::1 remote 2001:db8::2",
        ),
    ),
    "snaplen": Recording(snaplen, WEB),
    "long": Recording(long),
    "sctp": Recording(sctp, sctp=True),
}


def ready(recording: Recording) -> None:
    """Raises `Unavailable` if a program or kernel feature that the recording needs is missing."""
    lacking = []
    for program in (*BASE, *recording.programs):
        try:
            find(program)
        except Unavailable as reason:
            lacking.append(str(reason))
    if lacking:
        raise Unavailable("; ".join(lacking))
    if recording.devices:
        probe = f"rec{os.getpid()}p"
        call("ip", "netns", "add", probe)
        try:
            call("ip", "-n", probe, "link", "add", "v0", "type", "veth", "peer", "name", "v1")
            for words in recording.devices:
                base = ("link", "v0") if words == "vlan" else ()
                more = ("id", "5") if words == "vlan" else ()
                try:
                    call(
                        *("ip", "-n", probe, "link", "add", *base, "name", "probe0", "type"),
                        *words.split(),
                        *more,
                    )
                    call("ip", "-n", probe, "link", "del", "probe0")
                except RuntimeError as reason:
                    kind = words.split()[0]
                    raise Unavailable(f"this kernel has no {kind} devices; use --uml") from reason
        finally:
            call("ip", "netns", "del", probe, check=False)
    if recording.sctp:
        try:
            socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_SCTP).close()
        except OSError as reason:
            raise Unavailable("this kernel has no SCTP; use --uml") from reason


def record(names: Sequence[str], out: Path) -> int:
    """Makes the named recordings here, and returns the number that failed."""
    missed = 0
    for name in names:
        print(name, flush=True)
        with tempfile.TemporaryDirectory(prefix="record-") as work:
            os.chmod(work, 0o755)
            try:
                ready(RECORDINGS[name])
                RECORDINGS[name].make(Path(work), out)
            except Unavailable as reason:
                missed += 1
                print(f"  not recorded: {reason}", flush=True)
    return missed


def record_in_uml(names: Sequence[str], out: Path) -> int:
    """Boots user-mode Linux on this file system and makes the recordings in it."""
    kernel, modprobe = find("linux.uml"), find("modprobe")
    with tempfile.TemporaryDirectory(prefix="uml-") as place:
        work = Path(place)
        (work / "lib").mkdir()
        (work / "lib" / "modules").symlink_to(UML_MODULES)
        quic_environment = ""
        if "quic" in names:  # the guest has no network
            quic_environment = f"RECORD_QUIC_PYTHON={quic_python(work)}"
        words = shlex.join([*python(), str(ME), "--out", str(out), *names])
        # The guest kernel loads its modules itself, from its own folder.
        (work / "modprobe").write_text(f'#!/bin/sh\nexec {modprobe} -d {work} "$@"\n')
        (work / "modprobe").chmod(0o755)
        init = work / "init"
        init.write_text(
            f"""#!/bin/sh
export PATH={PATH} HOME={work} PYTHONDONTWRITEBYTECODE=1 {quic_environment}
mount -t proc proc /proc; mount -t sysfs sysfs /sys; mount -t tmpfs tmpfs /run
mkdir -p /dev/shm; mount -t tmpfs tmpfs /dev/shm
echo {work}/modprobe > /proc/sys/kernel/modprobe
modprobe -q -d {work} -a ipv6 tun
{words}
echo $? > {work}/code
sync
echo o > /proc/sysrq-trigger
sleep 60
"""
        )
        init.chmod(0o755)
        command = [
            *(kernel, "root=/dev/root", "rootfstype=hostfs", "rootflags=/", "rw", "mem=512M"),
            *("con=null", "con0=fd:0,fd:1", "ssl=null", "quiet", f"uml_dir={work}"),
            f"init={init}",
        ]
        subprocess.run(
            command,
            env={"PATH": PATH, "HOME": place},
            stdin=subprocess.DEVNULL,
            timeout=900,
            check=False,
        )
        code = work / "code"
        if not code.exists():
            raise RuntimeError("user-mode Linux ended without a result")
        return int(code.read_text())


def main() -> int:
    """Reads the command line and records."""
    reader = argparse.ArgumentParser(description="Record the sample captures.")
    reader.add_argument(
        "names", nargs="*", metavar="NAME", help="recordings to make (default: all)"
    )
    reader.add_argument("--list", action="store_true", help="list the names and exit")
    reader.add_argument("--uml", action="store_true", help="record in user-mode Linux")
    reader.add_argument(
        "--out", type=Path, default=HERE, help="output folder (default: this folder)"
    )
    arguments = reader.parse_args()
    if arguments.list:
        for name, recording in RECORDINGS.items():
            print(f"{name:12} {(recording.make.__doc__ or '').strip()}")
        return 0
    for name in arguments.names:
        if name not in RECORDINGS:
            reader.error(f"unknown recording {name!r}; --list shows the names")
    if os.geteuid() != 0:
        reader.error("recording needs root; run it with sudo")
    # SIGTERM also removes the namespaces and ends the programs.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    names = arguments.names or list(RECORDINGS)
    out = arguments.out.resolve()
    try:
        missed = record_in_uml(names, out) if arguments.uml else record(names, out)
    except (Unavailable, RuntimeError) as reason:
        print(f"error: {reason}", file=sys.stderr)
        return 2
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
