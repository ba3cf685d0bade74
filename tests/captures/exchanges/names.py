"""Names, addresses and the time."""

from __future__ import annotations

from bench import Bench, exchange, find, tcp, udp
from namespaces import CLIENT4, SERVER4, make_certificate


@exchange(
    "dnsmasq-base",
    "bind9-dnsutils",
    expect=(udp(53, "DNS.YouTube", server_info="www.youtube.com"),),
)
def dns(bench: Bench) -> None:
    """A query over UDP."""
    bench.lab.name_server()
    bench.record("dig", f"@{SERVER4}", "www.youtube.com", "A")


UNBOUND = """server:
  interface: {server}@{port}
  access-control: 0.0.0.0/0 allow
  do-daemonize: no
  username: ""
  chroot: ""
  pidfile: ""
  directory: "{work}"
  module-config: "iterator"
  tls-service-key: "{work}/site.key"
  tls-service-pem: "{work}/site.pem"
  local-zone: "example.com." static
  local-data: "www.example.com. A 192.0.2.7"
"""


@exchange("unbound", "knot-dnsutils", expect=(tcp(853, "TLS.DoH_DoT"),))
def dns_over_tls(bench: Bench) -> None:
    """A query over TLS."""
    make_certificate(bench.work)
    text = UNBOUND.format(server=SERVER4, port=853, work=bench.work)
    bench.serve("unbound", "-d", "-c", bench.file("unbound.conf", text), port=853)
    bench.record("kdig", "+tls", f"@{SERVER4}", "www.example.com")


@exchange(
    "unbound",
    "knot-dnsutils",
    expect=(tcp(443, "TLS.DoH_DoT", requested_server_name="dns.google"),),
)
def dns_over_https(bench: Bench) -> None:
    """A query over HTTPS."""
    make_certificate(bench.work)
    text = UNBOUND.format(server=SERVER4, port=443, work=bench.work)
    bench.serve("unbound", "-d", "-c", bench.file("unbound.conf", text), port=443)
    bench.record("kdig", "+https", "+tls-sni=dns.google", f"@{SERVER4}", "www.example.com")


@exchange("dnsmasq-base", "isc-dhcp-client", expect=(udp(67, "DHCP"),), only="udp port 67")
def dhcp(bench: Bench) -> None:
    """A lease."""
    bench.serve(
        *("dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--port=0", "--user=root"),
        *("--dhcp-range=192.168.10.100,192.168.10.120,1h", "--log-facility=-"),
        *(
            f"--dhcp-leasefile={bench.work}/leases",
            "--interface=eth0",
            f"--pid-file={bench.work}/p",
        ),
        line="DHCP, IP range",
    )
    bench.record(
        "timeout",
        "20",
        find("dhclient"),
        "-1",
        "-d",
        "-sf",
        "/bin/true",
        "-lf",
        bench.work / "lease",
        "-pf",
        bench.work / "pid",
        "eth0",
        check=False,
    )


@exchange("pypi:zeroconf", expect=(udp(5353, "MDNS"),), only="udp port 5353 and not ip6")
def mdns(bench: Bench) -> None:
    """A service that is announced on the local network."""
    bench.record_python(
        "import socket, time\n"
        "from zeroconf import IPVersion, ServiceInfo, Zeroconf\n"
        f"zero = Zeroconf(interfaces=['{CLIENT4}'], ip_version=IPVersion.V4Only)\n"
        "info = ServiceInfo('_http._tcp.local.', 'Printer._http._tcp.local.',\n"
        f"    addresses=[socket.inet_aton('{CLIENT4}')], port=80)\n"
        "zero.register_service(info); time.sleep(1); zero.close()\n"
    )


@exchange("chrony", expect=(udp(123, "NTP"),))
def ntp(bench: Bench) -> None:
    """The time."""
    conf = bench.file("chrony.conf", f"local\nallow\nbindaddress {SERVER4}\ncmdport 0\n")
    bench.serve("chronyd", "-d", "-x", "-u", "root", "-f", conf, port=123)
    bench.record(
        "chronyd",
        "-Q",
        "-t",
        "6",
        "-u",
        "root",
        f"server {SERVER4} iburst",
        "cmdport 0",
        "pidfile /run/client.pid",
        check=False,
    )
