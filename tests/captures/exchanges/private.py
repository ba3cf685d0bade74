"""Private networks."""

from __future__ import annotations

import subprocess

from bench import Bench, exchange, find, udp
from namespaces import SERVER4, call, make_certificate


@exchange("openvpn", expect=(udp(1194, "OpenVPN"),), only="udp port 1194")
def openvpn(bench: Bench) -> None:
    """A tunnel between two ends."""
    make_certificate(bench.work)
    pair = (
        "--ca",
        bench.work / "ca.pem",
        "--cert",
        bench.work / "site.pem",
        "--key",
        bench.work / "site.key",
        "--dev",
        "null",
        "--proto",
        "udp4",
        "--nobind",
    )
    serve = [word for word in pair if word != "--nobind"]
    bench.serve("openvpn", *serve, "--tls-server", "--dh", "none", "--local", SERVER4, port=1194)
    bench.record(
        "timeout",
        "5",
        find("openvpn"),
        *pair,
        "--tls-client",
        "--remote",
        SERVER4,
        "1194",
        check=False,
    )


@exchange(
    "wireguard-go",
    "wireguard-tools",
    "iputils-ping",
    expect=(udp(51820, "WireGuard"),),
    only="udp port 51820",
)
def wireguard(bench: Bench) -> None:
    """A tunnel in user space."""
    ping_through(bench, f"{find('wireguard-go')} -f wg0")


@exchange(
    "crates:boringtun-cli",
    "wireguard-tools",
    "iputils-ping",
    expect=(udp(51820, "WireGuard"),),
    only="udp port 51820",
)
def wireguard_userspace(bench: Bench) -> None:
    """A tunnel between two ends of another implementation."""
    tunnel = bench.crate("boringtun-cli")
    ping_through(bench, f"{tunnel} --foreground --disable-drop-privileges wg0")


def ping_through(bench: Bench, tunnel: str) -> None:
    """Records a ping through WireGuard, with `tunnel` as the command of both ends."""
    keys = {}
    for name in ("near", "far"):
        private = call("wg", "genkey").strip()
        bench.file(f"{name}.key", private, 0o600)
        keys[name] = subprocess.run(
            ["wg", "pubkey"], input=private, capture_output=True, text=True, check=True
        ).stdout.strip()
    ends = (
        (bench.lab.server, "far", "near", "10.9.0.1", ("listen-port", "51820")),
        (bench.lab.client, "near", "far", "10.9.0.2", ()),
    )
    for namespace, here, there, address, listen in ends:
        peer = ["peer", keys[there], "allowed-ips", "10.9.0.0/24"]
        if here == "near":
            peer += ["endpoint", f"{SERVER4}:51820"]
        words = " ".join((f"wg set wg0 private-key {bench.work}/{here}.key", *listen, *peer))
        script = bench.file(
            f"{here}.sh",
            f"{tunnel} & sleep 1\n{words}\n"
            f"ip address add {address}/24 dev wg0\nip link set wg0 up\necho ready\nwait\n",
        )
        bench.lab.start(namespace, "sh", script, line="ready")
    bench.record("ping", "-c", "3", "-i", "0.3", "10.9.0.1")


@exchange("strongswan-charon", "ike-scan", expect=(udp(500, "IPSec"),))
def ike(bench: Bench) -> None:
    """A proposal of IKE."""
    conf = bench.file("strongswan.conf", "charon { load_modular = no\n port = 500\n }\n")
    bench.serve("env", f"STRONGSWAN_CONF={conf}", "/usr/lib/ipsec/charon", port=500)
    bench.record("ike-scan", "--sport=0", SERVER4, check=False)
