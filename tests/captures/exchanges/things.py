"""Devices, and peers that share files."""

from __future__ import annotations

import hashlib
import re
import time

from bench import Bench, exchange, find, tcp, udp
from namespaces import CLIENT4, SERVER4


@exchange("pypi:pymodbus", expect=(tcp(502, "Modbus"),))
def modbus(bench: Bench) -> None:
    """Registers of a device."""
    bench.serve_python(
        "from pymodbus.server import StartTcpServer\n"
        "from pymodbus.datastore import *\n"
        "try:\n"
        "    unit = ModbusDeviceContext(hr=ModbusSequentialDataBlock(1, [17] * 100))\n"
        "    context = ModbusServerContext(devices=unit, single=True)\n"
        "except NameError:\n"
        "    unit = ModbusSlaveContext(hr=ModbusSequentialDataBlock(1, [17] * 100))\n"
        "    context = ModbusServerContext(slaves=unit, single=True)\n"
        f"StartTcpServer(context=context, address=('{SERVER4}', 502))\n",
        port=502,
    )
    bench.record_python(
        "from pymodbus.client import ModbusTcpClient\n"
        "client = ModbusTcpClient('server.example.com', port=502)\n"
        "client.connect(); print(client.read_holding_registers(1, count=4)); client.close()\n"
    )


@exchange("pypi:asyncua", expect=(tcp(4840, "OPC-UA"),))
def opc_ua(bench: Bench) -> None:
    """Nodes of a device."""
    bench.serve_python(
        "import asyncio\n"
        "from asyncua import Server\n"
        "async def main():\n"
        "    server = Server()\n"
        "    await server.init()\n"
        f"    server.set_endpoint('opc.tcp://{SERVER4}:4840/')\n"
        "    async with server: await asyncio.sleep(600)\n"
        "asyncio.run(main())\n",
        port=4840,
    )
    bench.record_python(
        "import asyncio\n"
        "from asyncua import Client\n"
        "async def main():\n"
        f"    async with Client('opc.tcp://{SERVER4}:4840/') as client:\n"
        "        print(await client.nodes.server_state.read_value())\n"
        "asyncio.run(main())\n"
    )


@exchange("libcoap3-bin", expect=(udp(5683, "COAP"),))
def coap(bench: Bench) -> None:
    """The resources of a device."""
    bench.serve("coap-server-notls", "-A", SERVER4, port=5683)
    bench.record("coap-client-notls", "-m", "get", f"coap://{SERVER4}/.well-known/core")


@exchange("pypi:aiocoap", "libcoap3-bin", expect=(udp(5683, "COAP"),))
def coap_python(bench: Bench) -> None:
    """The same from another client."""
    bench.serve("coap-server-notls", "-A", SERVER4, port=5683)
    client = bench.venv / "bin/aiocoap-client"
    bench.record(client, "-m", "GET", f"coap://{SERVER4}/time", check=False)


@exchange("pypi:bacpypes3", expect=(udp(47808, "BACnet"),))
def bacnet(bench: Bench) -> None:
    """A search for devices."""
    device = (
        "-m",
        "bacpypes3",
        "--name",
        "device",
        "--instance",
        "9",
        "--address",
        f"{SERVER4}/24",
    )
    script = bench.file("device.sh", f"sleep 600 | {bench.venv}/bin/python {' '.join(device)}\n")
    bench.lab.start(bench.lab.server, "sh", script, port=47808)
    bench.record(
        "sh",
        "-c",
        f"(echo whois; sleep 3) | {bench.venv}/bin/python -m bacpypes3 --address {CLIENT4}/24",
        check=False,
    )


@exchange("aria2", expect=(tcp(6881, "BitTorrent"),), only="tcp port 6881")
def bittorrent(bench: Bench) -> None:
    """A file from a peer that a small tracker names."""
    folder = bench.folder("seed")
    (folder / "file").write_bytes(bytes(20_000))
    tracker = f"http://{SERVER4}:6969/announce"
    bench.serve_python(
        "import http.server, socket, struct\n"
        "class Tracker(http.server.BaseHTTPRequestHandler):\n"
        "    def do_GET(self):\n"
        f"        peer = socket.inet_aton('{SERVER4}') + struct.pack('>H', 6881)\n"
        "        self.send_response(200); self.end_headers()\n"
        "        self.wfile.write(b'd8:intervali9e5:peers6:' + peer + b'e')\n"
        f"http.server.HTTPServer(('{SERVER4}', 6969), Tracker).serve_forever()\n",
        port=6969,
    )
    pieces = hashlib.sha1(bytes(16384)).digest() + hashlib.sha1(bytes(20_000 - 16384)).digest()
    info = b"d6:lengthi20000e4:name4:file12:piece lengthi16384e6:pieces40:" + pieces + b"e"
    torrent = b"d8:announce%d:%s4:info%se" % (len(tracker), tracker.encode(), info)
    (bench.work / "file.torrent").write_bytes(torrent)
    plain = ("--enable-dht=false", "--bt-enable-lpd=false", "--enable-peer-exchange=false")
    bench.serve(
        "aria2c",
        *plain,
        "--listen-port=6881",
        "--seed-ratio=0",
        "-d",
        folder,
        "-V",
        bench.work / "file.torrent",
        port=6881,
    )
    bench.record(
        "timeout",
        "30",
        find("aria2c"),
        *plain,
        "--listen-port=6999",
        "--seed-time=0",
        "-d",
        bench.folder("leech"),
        bench.work / "file.torrent",
        check=False,
    )


@exchange("tor", expect=(tcp(9001, "TLS.Tor"),), only="tcp port 9001")
def tor(bench: Bench) -> None:
    """The handshake with a bridge, recorded again until its random name is a long one."""
    far, near = bench.folder("relay"), bench.folder("client")
    conf = bench.file(
        "relay.conf",
        f"DataDirectory {far}\nORPort {SERVER4}:9001\nAddress {SERVER4}\nBridgeRelay 1\n"
        "SocksPort 0\nAssumeReachable 1\nPublishServerDescriptor 0\nExitRelay 0\nNickname lab\n"
        "ExtendAllowPrivateAddresses 1\n",
    )
    bench.serve("tor", "-f", conf, port=9001)
    time.sleep(2)
    fingerprint = (far / "fingerprint").read_text().split()[1]
    conf = bench.file(
        "client.conf",
        f"DataDirectory {near}\nUseBridges 1\nBridge {SERVER4}:9001 {fingerprint}\n"
        "SocksPort 9050\n",
    )
    for _ in range(20):
        bench.record("timeout", "8", find("tor"), "-f", conf, check=False)
        name = re.search(rb"www\.([a-z2-7]+)\.com", bench.out.read_bytes())
        if name and len(name[1]) >= 16 and len(re.findall(rb"\d[a-z]", name[1])) >= 2:
            break
