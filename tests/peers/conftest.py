"""The capture whose flows the tests send, and other readers of IPFIX."""

from __future__ import annotations

import struct
import subprocess
from pathlib import Path

import pytest
from peers import FLOWS, needs


@pytest.fixture(scope="session")
def capture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A capture of 100,000 flows, a packet in each direction."""
    path = tmp_path_factory.mktemp("captures") / "flows.pcap"
    client, server = bytes([10, 0]), bytes([192, 0, 2, 1])
    with path.open("wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101))
        for number in range(FLOWS):
            host = client + struct.pack(">H", number % 50_000)
            port = 1024 + number // 50_000
            for way, (source, target, ports) in enumerate(
                [(host, server, (port, 53)), (server, host, (53, port))]
            ):
                payload = b"x" * (10 + 20 * way)
                datagram = struct.pack(">HHHH", *ports, 8 + len(payload), 0) + payload
                packet = (
                    struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(datagram), 0, 0, 64, 17, 0)
                    + source + target + datagram
                )  # fmt: skip
                stamp = number * 20 + way * 7
                file.write(
                    struct.pack("<IIII", 1_700_000_000 + stamp // 1_000_000, stamp % 1_000_000,
                                len(packet), len(packet))
                )  # fmt: skip
                file.write(packet)
    return path


@pytest.fixture(scope="session")
def readers() -> Path:
    """The program that reads IPFIX with other crates."""
    source = Path(__file__).with_name("readers")
    target = Path("target/readers").resolve()
    build = [needs("cargo"), "build", "--quiet", "--target-dir", str(target)]
    subprocess.run(build, cwd=source, check=True)
    return target / "debug" / "readers"
