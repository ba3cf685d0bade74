"""Directories and the operation of networks."""

from __future__ import annotations

from bench import Bench, exchange, find, tcp, udp
from namespaces import CLIENT4, SERVER4, call


@exchange("slapd", "ldap-utils", expect=(tcp(389, "LDAP"),))
def ldap(bench: Bench) -> None:
    """The root of a directory."""
    data = bench.folder("ldap")
    conf = bench.file(
        "slapd.conf",
        "include /etc/ldap/schema/core.schema\nmodulepath /usr/lib/ldap\nmoduleload back_ldif\n"
        f'pidfile {data}/pid\ndatabase ldif\nsuffix "dc=example,dc=com"\ndirectory {data}\n',
    )
    bench.serve("slapd", "-d", "0", "-f", conf, "-h", f"ldap://{SERVER4}", port=389)
    bench.record(
        "ldapsearch", "-x", "-H", f"ldap://{SERVER4}", "-s", "base", "-b", "", "namingContexts"
    )


@exchange("krb5-kdc", "krb5-user", expect=(udp(88, "Kerberos"),))
def kerberos(bench: Bench) -> None:
    """A ticket."""
    data = bench.folder("krb5")
    conf = bench.file(
        "krb5.conf",
        "[libdefaults]\ndefault_realm = EXAMPLE.COM\ndns_lookup_kdc = false\n"
        f"[realms]\nEXAMPLE.COM = {{\n kdc = {SERVER4}\n database_name = {data}/db\n"
        f" key_stash_file = {data}/stash\n}}\n",
    )
    settings = ("env", f"KRB5_CONFIG={conf}", f"KRB5_KDC_PROFILE={conf}")
    call(*settings, find("kdb5_util"), "create", "-s", "-P", "master", "-r", "EXAMPLE.COM")
    add = ("-r", "EXAMPLE.COM", "-q", "addprinc -pw secret user")
    call(*settings, find("kadmin.local"), *add)
    bench.serve(*settings, find("krb5kdc"), "-n", port=88)
    bench.record(*settings, "sh", "-c", f"echo secret | kinit -c {data}/cache user", check=False)


@exchange("freeradius", "freeradius-utils", expect=(udp(1812, "Radius"),))
def radius(bench: Bench) -> None:
    """A login."""
    raddb = bench.folder("raddb")
    conf = f"""prefix = /usr
libdir = /usr/lib/freeradius
logdir = {raddb}
raddbdir = {raddb}
run_dir = {raddb}
client lab {{
  ipaddr = 192.168.10.0/24
  secret = testing123
}}
modules {{
  pap {{ }}
}}
server default {{
  listen {{
    type = auth
    ipaddr = {SERVER4}
    port = 1812
  }}
  authorize {{
    update control {{
      &Cleartext-Password := "secret"
    }}
    pap
  }}
  authenticate {{
    pap
  }}
}}
"""
    (raddb / "radiusd.conf").write_text(conf)
    (raddb / "dictionary").write_text("")
    bench.serve("freeradius", "-f", "-l", "stdout", "-d", raddb, port=1812)
    bench.record(
        "sh",
        "-c",
        "echo 'User-Name=user,User-Password=secret' | "
        f"radclient -d {raddb} {SERVER4}:1812 auth testing123",
    )


@exchange("snmpd", "snmp", expect=(udp(161, "SNMP"),))
def snmp(bench: Bench) -> None:
    """The description of a system."""
    conf = bench.file("snmpd.conf", "rocommunity public\nsysDescr laboratory\n")
    bench.serve("snmpd", "-f", "-Lo", "-C", "-c", conf, f"udp:{SERVER4}:161", port=161)
    bench.record("snmpget", "-v2c", "-c", "public", SERVER4, "1.3.6.1.2.1.1.1.0")


@exchange("rsyslog", "bsdutils", expect=(udp(514, "Syslog"),))
def syslog(bench: Bench) -> None:
    """A line of a log."""
    conf = bench.file(
        "rsyslog.conf",
        f'module(load="imudp")\ninput(type="imudp" address="{SERVER4}" port="514")\n'
        f"*.* {bench.work}/messages\n",
    )
    bench.serve("rsyslogd", "-n", "-f", conf, "-i", bench.work / "pid", port=514)
    bench.record("logger", "-n", SERVER4, "-P", "514", "--udp", "-t", "lab", "something happened")


@exchange("zabbix-agent", expect=(tcp(10050, "Zabbix"),))
def zabbix(bench: Bench) -> None:
    """A value that an agent measures."""
    conf = bench.file(
        "zabbix.conf",
        f"Server={CLIENT4},{SERVER4}\nListenIP={SERVER4}\nLogType=console\nHostname=lab\nAllowRoot=1\n",
    )
    bench.serve("zabbix_agentd", "-f", "-c", conf, port=10050)
    bench.record_python(
        "import json, socket, struct\n"
        f"s = socket.create_connection(('{SERVER4}', 10050))\n"
        "s.sendall(b'ZBXD\\x01' + struct.pack('<Q', 10) + b'agent.ping'); s.recv(99)\n"
    )


@exchange("bird2", expect=(tcp(179, "BGP"),), only="tcp port 179")
def bgp(bench: Bench) -> None:
    """Routes between two autonomous systems."""
    for name, here, there, number in (
        ("far", SERVER4, CLIENT4, 64496),
        ("near", CLIENT4, SERVER4, 64497),
    ):
        other = 64496 + 64497 - number
        bench.file(
            f"{name}.conf",
            f"router id {here};\nprotocol device {{}}\n"
            "protocol static { ipv4; route 203.0.113.0/24 blackhole; }\n"
            f"protocol bgp {{ local {here} as {number}; neighbor {there} as {other};\n"
            " connect delay time 1; ipv4 { import all; export all; }; }\n",
        )
    bench.serve("bird", "-f", "-c", bench.work / "far.conf", "-s", bench.work / "far", port=179)
    bench.record(
        "timeout",
        "8",
        find("bird"),
        "-f",
        "-c",
        bench.work / "near.conf",
        "-s",
        bench.work / "near",
        check=False,
    )


@exchange("iperf3", expect=(tcp(5201, "iperf3"),), only="tcp port 5201 and less 400")
def iperf(bench: Bench) -> None:
    """A measurement of throughput; full segments are left out of the capture."""
    bench.serve("iperf3", "-s", "-B", SERVER4, port=5201)
    bench.record("iperf3", "-c", SERVER4, "-n", "20K")


@exchange("distcc", expect=(tcp(3632, "distcc"),))
def distcc(bench: Bench) -> None:
    """A compilation."""
    bench.serve(
        "distccd",
        "--no-detach",
        "--daemon",
        "--listen",
        SERVER4,
        "--allow",
        "192.168.10.0/24",
        "--user",
        "nobody",
        "--enable-tcp-insecure",
        "--log-stderr",
        port=3632,
    )
    source = bench.file("one.c", "int main(void) { return 0; }\n")
    bench.record(
        "env",
        f"DISTCC_HOSTS={SERVER4}",
        "DISTCC_SKIP_LOCAL_RETRY=1",
        find("distcc"),
        "gcc",
        "-c",
        source,
        "-o",
        bench.work / "one.o",
        check=False,
    )


@exchange("icecast2", "curl", expect=(tcp(8000, "HTTP.IceCast"),))
def icecast(bench: Bench) -> None:
    """The page of a streaming server."""
    log = bench.folder("icecast", "icecast2")
    bench.work.chmod(0o755)
    conf = bench.file(
        "icecast.xml",
        "<icecast><limits><sources>1</sources></limits><authentication><source-password>x"
        "</source-password><admin-user>a</admin-user><admin-password>x</admin-password>"
        f"</authentication><hostname>lab</hostname><listen-socket><port>8000</port>"
        f"<bind-address>{SERVER4}</bind-address></listen-socket><paths><basedir>/usr/share/icecast2"
        f"</basedir><logdir>{log}</logdir><webroot>/usr/share/icecast2/web</webroot><adminroot>"
        "/usr/share/icecast2/admin</adminroot></paths><security><changeowner><user>icecast2</user>"
        "<group>icecast</group></changeowner></security></icecast>",
    )
    bench.serve("icecast2", "-c", conf, port=8000)
    bench.record("curl", "-sS", "-o", "/dev/null", f"http://{SERVER4}:8000/status-json.xsl")
