"""Web and TLS."""

from __future__ import annotations

from bench import HERE, Bench, exchange, find, tcp, udp
from namespaces import SERVER4, SITES, make_certificate


@exchange("nginx", "curl", expect=(tcp(80, "HTTP", server_info="static.example.com"),))
def http(bench: Bench) -> None:
    """A page over HTTP/1.1."""
    bench.lab.web_server()
    bench.record("curl", "-sS", "-o", "/dev/null", "http://static.example.com/")


@exchange(
    *("nginx", "wget"),
    expect=(tcp(443, "TLS.YouTube", requested_server_name="www.youtube.com"),),
)
def https(bench: Bench) -> None:
    """A page over TLS 1.3."""
    bench.lab.web_server()
    bench.record(
        *("wget", "-q", f"--ca-certificate={bench.work}/ca.pem", "-O", "/dev/null"),
        "https://www.youtube.com/",
    )


@exchange(
    *("nginx", "pypi:httpx"),
    expect=(tcp(443, "TLS.Instagram", requested_server_name="www.instagram.com"),),
)
def http2(bench: Bench) -> None:
    """A page over HTTP/2."""
    bench.lab.web_server()
    bench.record_python(
        "import httpx, sys\n"
        "print(httpx.Client(http2=True, verify=False).get('https://www.instagram.com/'))\n"
    )


@exchange("openssl", expect=(tcp(4433, "TLS.NetFlix", requested_server_name="www.netflix.com"),))
def tls12(bench: Bench) -> None:
    """A handshake of TLS 1.2."""
    make_certificate(bench.work)
    pair = ("-cert", bench.work / "site.pem", "-key", bench.work / "site.key")
    bench.serve("openssl", "s_server", "-accept", "4433", *pair, port=4433)
    far = ("-connect", f"{SERVER4}:4433", "-servername", "www.netflix.com")
    bench.record("openssl", "s_client", "-tls1_2", *far, check=False)


@exchange("openssl", expect=(udp(4433, "DTLS", requested_server_name="static.example.com"),))
def dtls(bench: Bench) -> None:
    """A handshake of DTLS 1.2."""
    make_certificate(bench.work)
    bench.serve(
        "sh",
        "-c",
        "sleep 60 | exec openssl s_server -dtls1_2 -accept 4433 "
        f"-cert {bench.work}/site.pem -key {bench.work}/site.key",
        port=4433,
    )
    bench.record(
        "openssl",
        "s_client",
        "-dtls1_2",
        "-connect",
        f"{SERVER4}:4433",
        "-servername",
        "static.example.com",
        check=False,
    )


BROWSER = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking")


@exchange(
    *("nginx", "chromium"),
    expect=(tcp(443, "TLS.YouTube", requested_server_name="www.youtube.com"),),
    only="tcp port 443",
)
def chromium(bench: Bench) -> None:
    """A current browser over TLS."""
    bench.lab.web_server()
    options = (*BROWSER, "--ignore-certificate-errors", f"--user-data-dir={bench.work}/profile")
    bench.record(
        "timeout",
        "40",
        find("chromium"),
        *options,
        "--dump-dom",
        "https://www.youtube.com/",
        check=False,
    )


@exchange(
    *("pypi:aioquic", "chromium"),
    expect=(udp(443, "QUIC.YouTube", requested_server_name="www.youtube.com"),),
    only="udp port 443",
)
def chromium_quic(bench: Bench) -> None:
    """A current browser over HTTP/3."""
    make_certificate(bench.work)
    site = SITES["www.youtube.com"][0]
    server = (HERE / "peers.py", "h3-server", site, "443")
    files = (bench.work / "site.pem", bench.work / "site.key")
    bench.lab.start(bench.lab.server, bench.venv / "bin/python", *server, *files, line="ready")
    options = (
        *BROWSER,
        *("--ignore-certificate-errors", "--origin-to-force-quic-on=www.youtube.com:443"),
        f"--user-data-dir={bench.work}/profile",
    )
    bench.record(
        "timeout",
        "20",
        find("chromium"),
        *options,
        "--dump-dom",
        "https://www.youtube.com/9",
        check=False,
    )


@exchange(
    *("nginx", "firefox-esr"),
    expect=(tcp(443, "TLS.Wikipedia", requested_server_name="www.wikipedia.org"),),
    only=f"tcp port 443 and host {SITES['www.wikipedia.org'][0]}",
)
def firefox(bench: Bench) -> None:
    """Another browser over TLS."""
    bench.lab.web_server()
    bench.record(
        "timeout",
        "30",
        find("firefox-esr"),
        "--headless",
        "--profile",
        bench.folder("profile"),
        "--screenshot",
        bench.work / "page.png",
        "https://www.wikipedia.org/",
        check=False,
    )


@exchange(
    "pypi:aioquic", expect=(udp(443, "QUIC.Instagram", requested_server_name="www.instagram.com"),)
)
def http3(bench: Bench) -> None:
    """HTTP/3 between Python programs."""
    make_certificate(bench.work)
    python, peers = bench.venv / "bin/python", HERE / "peers.py"
    files = (bench.work / "site.pem", bench.work / "site.key")
    bench.lab.start(
        bench.lab.server, python, peers, "h3-server", SERVER4, "443", *files, line="ready"
    )
    bench.record(
        python,
        peers,
        "h3-client",
        SERVER4,
        "443",
        "www.instagram.com",
        "900",
        bench.work / "ca.pem",
        "laboratory",
    )


@exchange(
    "crates:quinn",
    expect=(
        udp(
            443,
            "QUIC.YouTube",
            requested_server_name="www.youtube.com",
            tls_alpn="hq-interop",
            ja4="q13d0311hp_55b375c5d22e_387675cfb458",
        ),
    ),
)
def quinn(bench: Bench) -> None:
    """A stream over QUIC between programs in Rust."""
    make_certificate(bench.work)
    peer, ends = bench.crate("quinn-peer"), f"{SITES['www.youtube.com'][0]}:443"
    files = (bench.work / "site.pem", bench.work / "site.key")
    bench.lab.start(bench.lab.server, peer, "server", ends, *files, line="ready")
    bench.record(peer, "client", ends, "www.youtube.com", bench.work / "ca.pem")


@exchange("pypi:websockets", expect=(tcp(8765, "HTTP.WebSocket"),))
def websocket(bench: Bench) -> None:
    """Messages over a WebSocket."""
    bench.serve_python(
        "import asyncio\n"
        "from websockets.asyncio.server import serve\n"
        "async def echo(ws):\n"
        "    async for message in ws: await ws.send(message)\n"
        "async def main():\n"
        f"    async with serve(echo, '{SERVER4}', 8765) as server: await server.serve_forever()\n"
        "asyncio.run(main())\n",
        port=8765,
    )
    bench.record_python(
        "from websockets.sync.client import connect\n"
        "with connect('ws://server.example.com:8765') as ws:\n"
        "    for n in range(3): ws.send('message'); ws.recv()\n"
    )


@exchange("pypi:grpcio", expect=(tcp(50051, "HTTP2.gRPC"),))
def grpc(bench: Bench) -> None:
    """A call over gRPC."""
    bench.serve_python(
        "import grpc\n"
        "from concurrent import futures\n"
        "class Echo(grpc.GenericRpcHandler):\n"
        "    def service(self, call):\n"
        "        return grpc.unary_unary_rpc_method_handler(lambda request, context: request)\n"
        "server = grpc.server(futures.ThreadPoolExecutor(2))\n"
        "server.add_generic_rpc_handlers((Echo(),))\n"
        f"server.add_insecure_port('{SERVER4}:50051')\n"
        "server.start(); server.wait_for_termination()\n",
        port=50051,
    )
    bench.record_python(
        "import grpc\n"
        "with grpc.insecure_channel('server.example.com:50051') as channel:\n"
        "    print(channel.unary_unary('/example.Echo/Say')(b'hello', timeout=10))\n"
    )


@exchange("etcd-server", "etcd-client", expect=(tcp(2379, "HTTP2.gRPC"),))
def etcd(bench: Bench) -> None:
    """Keys of etcd."""
    url = f"http://{SERVER4}:2379"
    bench.serve(
        "etcd",
        "--data-dir",
        bench.folder("etcd"),
        "--listen-client-urls",
        url,
        "--advertise-client-urls",
        url,
        "--listen-peer-urls",
        "http://127.0.0.1:2380",
        port=2379,
    )
    bench.record("env", "ETCDCTL_API=3", find("etcdctl"), "--endpoints", url, "put", "key", "value")


@exchange(
    *("tinyproxy", "curl", "nginx"),
    expect=(tcp(8888, "HTTP_Connect", requested_server_name="static.example.com"),),
    only="port 8888",
)
def proxy(bench: Bench) -> None:
    """TLS through an HTTP proxy."""
    bench.lab.web_server()
    conf = bench.file("tinyproxy.conf", f"Port 8888\nListen {SERVER4}\nAllow 192.168.10.0/24\n")
    bench.serve("tinyproxy", "-d", "-c", conf, port=8888)
    bench.record(
        "curl",
        "-sS",
        "-k",
        "-x",
        f"http://{SERVER4}:8888",
        "-o",
        "/dev/null",
        "https://static.example.com/",
    )
