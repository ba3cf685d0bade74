"""Packets in plugins, compared with scapy on the same captures."""

from __future__ import annotations

import gzip
import ipaddress
import subprocess
import sys
import textwrap
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from conftest import each_capture
from frames import udp_frame, write_pcap
from nfstream import NFlow, NFPacket, NFPlugin, NFStreamer, TcpFlags

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from scapy.config import conf
    from scapy.contrib import geneve as _geneve  # noqa: F401 - registers port 6081 with scapy
    from scapy.layers import vxlan as _vxlan  # noqa: F401 - the same for port 4789
    from scapy.layers.inet import IP, TCP, UDP
    from scapy.layers.inet6 import IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment, ipv6nhcls
    from scapy.layers.l2 import Dot1AD, Dot1Q
    from scapy.layers.sctp import SCTP
    from scapy.utils import PcapReader

conf.verb = 0
# Tunnels over IPv6 have options between the two headers.
ipv6nhcls.update({4: IP, 41: IPv6})  # type: ignore[dict-item]

ATTRIBUTES = [
    "time_ns",
    "length",
    "capture_length",
    "src_ip",
    "dst_ip",
    "src_port",
    "dst_port",
    "protocol",
    "vlan_id",
    "version",
    "raw",
    "payload",
    "ip_length",
    "payload_length",
]
FLAGS = ["fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr"]


class Collector(NFPlugin):
    """Keeps the result of `read` for each packet."""

    def __init__(self, read: Any) -> None:
        super().__init__("collector", volatile=True)
        self.read = read
        self.found: list[Any] = []

    def on_init(self, pkt: NFPacket) -> None:
        self.found.append(self.read(pkt))

    def on_update(self, pkt: NFPacket, flow: NFlow) -> None:
        self.found.append(self.read(pkt))


def collected(path: Path, read: Any) -> list[Any]:
    collector = Collector(read)
    for _ in NFStreamer(path, plugins=[collector], dissect=False):
        pass
    return collector.found


def attributes(pkt: NFPacket) -> dict[str, Any]:
    found = {name: getattr(pkt, name) for name in ATTRIBUTES}
    found["flags"] = [name for name in FLAGS if getattr(pkt.tcpflags, name)]
    return found


def layers_of(packet: Any) -> Iterator[Any]:
    """Yields the layers, from the outermost inwards."""
    while packet:
        yield packet
        packet = packet.payload


def scapy_packets(path: Path) -> Iterator[dict[str, Any]]:
    """Yields the attributes of IP packets, as scapy reads them."""
    # scapy does not read zstd; use the uncompressed capture.
    readable = path.with_suffix("") if path.suffix == ".zst" else path
    opener: Any = gzip.open if path.suffix == ".gz" else open
    ports: dict[tuple[str, str, int, int], tuple[int, int]] = {}
    with warnings.catch_warnings(), opener(readable, "rb") as file:
        warnings.simplefilter("ignore")
        for packet in PcapReader(file):
            layers = list(layers_of(packet))
            networks = [layer for layer in layers if type(layer) in (IP, IPv6)]
            if not networks:
                continue
            network = networks[-1]
            inner = layers[layers.index(network) + 1 :]
            is_v4 = type(network) is IP
            ip_length = network.len if is_v4 else 40 + network.plen
            raw = network.original[:ip_length]
            header_length = network.ihl * 4 if is_v4 else 40
            protocol = network.proto if is_v4 else network.nh
            for layer in inner:
                if isinstance(layer, IPv6ExtHdrDestOpt | IPv6ExtHdrFragment):
                    header_length += 8 * (1 + getattr(layer, "len", 0))
                    protocol = layer.nh
            transport = next((layer for layer in inner if type(layer) in (TCP, UDP, SCTP)), None)
            flags = []
            src_port = dst_port = 0
            if transport is not None:
                src_port, dst_port = transport.sport, transport.dport
                header_length += {TCP: 20, UDP: 8, SCTP: 12}[type(transport)]
                if type(transport) is TCP:
                    header_length += transport.dataofs * 4 - 20
                    flags = [
                        name for bit, name in enumerate(FLAGS) if int(transport.flags) >> bit & 1
                    ]
            if is_v4:
                fragment = (network.src, network.dst, network.proto, network.id)
                if network.frag:
                    src_port, dst_port = ports[fragment]
                elif network.flags.MF:
                    ports[fragment] = (src_port, dst_port)
            tags = [layer for layer in layers if isinstance(layer, Dot1Q | Dot1AD)]
            yield {
                "time_ns": int(packet.time * 1_000_000_000),
                "length": packet.wirelen,
                "capture_length": len(packet.original),
                "src_ip": str(ipaddress.ip_address(network.src)),
                "dst_ip": str(ipaddress.ip_address(network.dst)),
                "src_port": src_port,
                "dst_port": dst_port,
                "protocol": protocol,
                "vlan_id": tags[-1].vlan if tags else 0,
                "version": network.version,
                "raw": raw,
                "payload": raw[header_length:],
                "ip_length": ip_length,
                "payload_length": ip_length - header_length,
                "flags": flags,
            }


@each_capture
def test_packets_are_as_scapy_reads_them(capture: Path) -> None:
    found = collected(capture, attributes)
    expected = list(scapy_packets(capture))
    assert len(found) == len(expected)
    for number, (ours, theirs) in enumerate(zip(found, expected, strict=True), start=1):
        assert ours == theirs, f"packet {number} of those with IP"


@each_capture
def test_attributes_of_a_packet_agree_with_each_other(capture: Path) -> None:
    def check(pkt: NFPacket) -> None:
        assert pkt.time == pkt.time_ns // 1_000_000
        assert pkt.ip_src == int(ipaddress.ip_address(pkt.src_ip))
        assert pkt.ip_dst == int(ipaddress.ip_address(pkt.dst_ip))
        assert len(pkt.payload) <= pkt.payload_length <= pkt.ip_length <= pkt.length
        assert len(pkt.raw) <= pkt.capture_length <= pkt.length
        assert pkt.raw.endswith(pkt.payload)
        assert int(pkt.tcpflags) == 0 or pkt.protocol == 6

    assert collected(capture, check)


@each_capture
def test_direction_is_that_of_the_sender(capture: Path) -> None:
    counts: dict[int, list[int]] = {}

    class Directions(NFPlugin):
        def on_init(self, pkt: NFPacket) -> list[int]:
            assert pkt.direction == 0
            return [1, 0]

        def on_update(self, pkt: NFPacket, flow: NFlow) -> None:
            sender = (pkt.src_ip, pkt.src_port)
            assert pkt.direction == int(sender != (flow.src_ip, flow.src_port))
            flow.directions[pkt.direction] += 1

    for flow in NFStreamer(capture, plugins=[Directions("directions")]):
        counts[flow.id] = flow.directions
        assert flow.directions == [flow.src2dst_packets, flow.dst2src_packets]
    assert counts


def test_padding_of_short_frames_is_no_payload(tmp_path: Path) -> None:
    frame = udp_frame(payload=b"hi").ljust(60, b"\0")
    [pkt] = collected(write_pcap(tmp_path / "padded.pcap", [(0, frame)]), lambda pkt: pkt)
    assert (pkt.length, pkt.ip_length, pkt.payload_length) == (60, 30, 2)
    assert pkt.payload == b"hi"


def test_packet_cut_by_the_snaplen_keeps_its_lengths(web: Path) -> None:
    found = collected(web.parent / "snaplen.pcap", attributes)
    cut = [pkt for pkt in found if pkt["capture_length"] < pkt["length"]]
    assert cut
    for pkt in cut:
        assert pkt["capture_length"] == 96
        assert len(pkt["payload"]) < pkt["payload_length"]


@pytest.mark.parametrize("name", [*ATTRIBUTES, "tcpflags", "brand_new"])
def test_attributes_cannot_be_set(redis: Path, name: str) -> None:
    def try_to_set(pkt: NFPacket) -> str:
        with pytest.raises(AttributeError):
            setattr(pkt, name, 1)
        return "refused"

    assert set(collected(redis, try_to_set)) == {"refused"}


def test_repr_shows_both_ends(tmp_path: Path) -> None:
    path = write_pcap(tmp_path / "one.pcap", [(1_500_000, udp_frame(src_port=1000, dst_port=53))])
    assert collected(path, repr) == [
        "NFPacket(time=1500, src_ip='10.0.0.1', src_port=1000, dst_ip='10.0.0.2', dst_port=53, "
        "protocol=17, length=49)"
    ]


def test_flags_compare_by_value(redis: Path) -> None:
    flags: list[TcpFlags] = collected(redis, lambda pkt: pkt.tcpflags)
    assert int(flags[0]) == 0x02
    assert flags[0] == flags[0] != flags[1]
    assert len({hash(one) for one in flags}) == len({int(one) for one in flags})
    with pytest.raises(AttributeError):
        flags[0].syn = 0  # type: ignore[misc]


@each_capture
def test_kept_packets_do_not_change(capture: Path) -> None:
    kept = collected(capture, lambda pkt: (pkt, attributes(pkt)))
    assert all(attributes(pkt) == before for pkt, before in kept)


@pytest.mark.parametrize("module", ["nfstream", "nfstream.v6"])
def test_a_kept_packet_keeps_only_its_own_bytes(tmp_path: Path, module: str) -> None:
    code = """
        import importlib, sys
        nfstream = importlib.import_module(sys.argv[2])

        def private() -> int:
            for line in open("/proc/self/status"):
                if line.startswith("RssAnon:"):
                    return int(line.split()[1])
            return 0

        class Keep(nfstream.NFPlugin):
            def on_init(self, packet, *flow):
                if packet.src_port == 1:
                    kept.append(packet)

            def on_update(self, packet, flow):
                if packet.src_port == 1:
                    kept.append(packet)

        kept, before = [], private()
        if module_is_v6 := sys.argv[2].endswith("v6"):
            streamer = nfstream.NFStreamer(sys.argv[1], udps=[Keep()], n_dissections=0)
        else:
            streamer = nfstream.NFStreamer(sys.argv[1], plugins=[Keep()], dissect=False)
        for flow in streamer:
            pass
        payloads = {(p.ip_packet if module_is_v6 else p.raw)[-4:] for p in kept}
        print(len(kept), len(payloads), private() - before)
    """
    filler = udp_frame(src_port=2, payload=bytes(1400))

    def packets() -> Iterator[tuple[int, bytes]]:
        for number in range(40_000):
            yield number, filler
            if number % 100 == 0:
                yield number, udp_frame(src_port=1, payload=number.to_bytes(4, "big"))

    path = write_pcap(tmp_path / "plain.pcap", packets())
    compressed = tmp_path / "kept.pcap.gz"
    with gzip.open(compressed, "wb", compresslevel=1) as file:
        file.write(path.read_bytes())
    output = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), str(compressed), module],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    kept, different, grown = map(int, output.split())
    assert (kept, different) == (400, 400), "each packet still has its bytes"
    # The capture has 58 MB.
    assert grown < 30_000, f"memory grew by {grown} kB"
