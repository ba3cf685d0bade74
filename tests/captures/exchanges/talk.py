"""Mail, chat and voice."""

from __future__ import annotations

import shutil

from bench import Bench, exchange, find, tcp, udp
from namespaces import CLIENT4, SERVER4


@exchange("postfix", "swaks", expect=(tcp(25, "SMTP"),))
def smtp(bench: Bench) -> None:
    """A message for a mail server that refuses it."""
    conf = bench.folder("postfix")
    shutil.copytree("/etc/postfix", conf, dirs_exist_ok=True)
    queue, data = bench.folder("queue"), bench.folder("data", "postfix")
    bench.work.chmod(0o755)
    (conf / "main.cf").write_text(
        f"compatibility_level = 3.6\nqueue_directory = {queue}\ndata_directory = {data}\n"
        "mail_owner = postfix\nsetgid_group = postdrop\nmyhostname = server.example.com\n"
        "inet_protocols = ipv4\nmaillog_file = /dev/stdout\nsmtpd_relay_restrictions = reject\n"
        f"mydestination = example.com\ninet_interfaces = {SERVER4}\n"
    )
    master = (conf / "master.cf").read_text().replace("  y  ", "  n  ")
    (conf / "master.cf").write_text(master + "\npostlog unix-dgram n - n - 1 postlogd\n")
    bench.serve("postfix", "-c", conf, "start-fg", port=25)
    bench.record(
        "swaks",
        "--server",
        SERVER4,
        "--to",
        "user@example.com",
        "--from",
        "sender@example.com",
        "--helo",
        "client.example.com",
        check=False,
    )


DOVECOT = """protocols = imap pop3
base_dir = {work}/dovecot
log_path = /dev/stderr
listen = {server}
ssl = no
disable_plaintext_auth = no
mail_location = maildir:{work}/mail
default_internal_user = root
default_login_user = root
service anvil {{
  chroot =
}}
service imap-login {{
  chroot =
}}
service pop3-login {{
  chroot =
}}
passdb {{
  driver = static
  args = password=secret
}}
userdb {{
  driver = static
  args = uid=mail gid=mail home={work}/mail
}}
"""


def read_mail(bench: Bench, scheme: str, port: int) -> None:
    """Serves an empty mailbox and reads it."""
    bench.folder("mail", "mail")
    bench.work.chmod(0o755)
    conf = bench.file("dovecot.conf", DOVECOT.format(work=bench.work, server=SERVER4))
    bench.serve("dovecot", "-F", "-c", conf, port=port)
    bench.record("curl", "-sS", "-u", "user:secret", f"{scheme}://{SERVER4}/", check=False)


@exchange("dovecot-imapd", "curl", expect=(tcp(143, "IMAP"),))
def imap(bench: Bench) -> None:
    """Folders of a mailbox."""
    read_mail(bench, "imap", 143)


@exchange("dovecot-pop3d", "curl", expect=(tcp(110, "POP3"),))
def pop3(bench: Bench) -> None:
    """Messages of a mailbox."""
    read_mail(bench, "pop3", 110)


@exchange("prosody", "pypi:slixmpp", expect=(tcp(5222, "Jabber"),))
def xmpp(bench: Bench) -> None:
    """A login to a chat server."""
    data = bench.folder("prosody", "prosody")
    bench.work.chmod(0o755)
    conf = bench.file(
        "prosody.cfg.lua",
        f'interfaces = {{ "{SERVER4}" }}\ndata_path = "{data}"\npidfile = "{data}/pid"\n'
        'modules_enabled = { "saslauth", "roster", "disco" }\n'
        'modules_disabled = { "s2s" }\nallow_unencrypted_plain_auth = true\n'
        'c2s_require_encryption = false\nrun_as_root = true\nlog = { info = "*console" }\n'
        'VirtualHost "server.example.com"\n',
    )
    bench.serve("prosody", "--config", conf, "-F", port=5222)
    bench.record_python(
        "import asyncio, slixmpp\n"
        "client = slixmpp.ClientXMPP('user@server.example.com', 'secret')\n"
        "client.enable_starttls = client.enable_direct_tls = False\n"
        "client.enable_plaintext = True\n"
        f"client.connect('{SERVER4}', 5222)\n"
        "asyncio.get_event_loop().run_until_complete(asyncio.sleep(3))\n",
        check=False,
    )


@exchange("ngircd", "ii", expect=(tcp(6667, "IRC"),))
def irc(bench: Bench) -> None:
    """A channel."""
    conf = bench.file(
        "ngircd.conf",
        f"[Global]\nName = irc.example.com\nInfo = Server\nListen = {SERVER4}\nPorts = 6667\n"
        "ServerUID = irc\nServerGID = irc\n[Options]\nIdent = no\nDNS = no\nPAM = no\n",
    )
    bench.serve("ngircd", "-n", "-f", conf, port=6667)
    bench.record(
        "timeout",
        "4",
        find("ii"),
        "-s",
        SERVER4,
        "-n",
        "user",
        "-i",
        bench.work / "ii",
        check=False,
    )


@exchange("sip-tester", expect=(udp(5060, "SIP"),))
def sip(bench: Bench) -> None:
    """A call."""
    bench.serve("sipp", "-sn", "uas", "-i", SERVER4, "-p", "5060", "-nostdin", port=5060)
    bench.record(
        "sipp",
        "-sn",
        "uac",
        "-i",
        CLIENT4,
        "-p",
        "5062",
        "-m",
        "1",
        "-d",
        "500",
        "-nostdin",
        f"{SERVER4}:5060",
    )


@exchange("coturn", expect=(udp(3478, "STUN"),), only="udp port 3478")
def turn(bench: Bench) -> None:
    """Relayed datagrams."""
    bench.serve(
        "turnserver",
        "-n",
        "-L",
        SERVER4,
        "-a",
        "-u",
        "user:secret",
        "-r",
        "example.com",
        "--no-tls",
        "--no-dtls",
        "--no-cli",
        "--db",
        bench.work / "turn.db",
        port=3478,
    )
    bench.record(
        "turnutils_uclient",
        "-n",
        "3",
        "-m",
        "1",
        "-u",
        "user",
        "-w",
        "secret",
        "-y",
        SERVER4,
        check=False,
    )
