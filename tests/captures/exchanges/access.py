"""Remote access and files."""

from __future__ import annotations

import shutil
from pathlib import Path

from bench import Bench, exchange, find, tcp, udp
from namespaces import SERVER4, call, make_certificate


def _ssh(bench: Bench) -> tuple[str | Path, ...]:
    """Starts an SSH server, and returns the options of its clients."""
    for key in ("host", "user"):
        call("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", bench.work / f"{key}_key")
    shutil.copyfile(bench.work / "user_key.pub", bench.work / "authorized")
    conf = bench.file(
        "sshd_config",
        f"ListenAddress {SERVER4}\nHostKey {bench.work}/host_key\nPidFile none\nUsePAM no\n"
        f"AuthorizedKeysFile {bench.work}/authorized\nStrictModes no\nUseDNS no\n",
    )
    bench.serve("sshd", "-D", "-e", "-f", conf, port=22)
    quiet = ("-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null")
    return ("-i", bench.work / "user_key", *quiet)


@exchange("openssh-server", "openssh-client", expect=(tcp(22, "SSH"),))
def ssh(bench: Bench) -> None:
    """A command over SSH."""
    bench.record("ssh", *_ssh(bench), f"root@{SERVER4}", "true")


@exchange("openssh-server", "pypi:paramiko", expect=(tcp(22, "SSH"),))
def paramiko(bench: Bench) -> None:
    """Another client of SSH."""
    _ssh(bench)
    bench.record_python(
        "import paramiko, sys\n"
        "client = paramiko.SSHClient()\n"
        "client.set_missing_host_key_policy(paramiko.AutoAddPolicy())\n"
        "client.connect('server.example.com', username='root', key_filename=sys.argv[1])\n"
        "client.exec_command('true')[1].read(); client.close()\n",
        str(bench.work / "user_key"),
    )


@exchange("openssh-server", "curl", "nginx", expect=(tcp(1080, "SOCKS"),), only="tcp port 1080")
def socks(bench: Bench) -> None:
    """A page through SOCKS 5."""
    bench.lab.web_server()
    keys = _ssh(bench)
    bench.lab.start(
        bench.lab.server,
        "/usr/bin/ssh",
        "-N",
        "-D",
        f"{SERVER4}:1080",
        *keys,
        f"root@{SERVER4}",
        port=1080,
    )
    bench.record(
        "curl",
        "-sS",
        "--socks5-hostname",
        f"{SERVER4}:1080",
        "-o",
        "/dev/null",
        "http://static.example.com/",
    )


@exchange("inetutils-telnetd", "telnet", expect=(tcp(23, "Telnet"),))
def telnet(bench: Bench) -> None:
    """A login prompt."""
    bench.serve_python(
        "import socket, subprocess\n"
        f"server = socket.create_server(('{SERVER4}', 23))\n"
        "while True:\n"
        "    s, _ = server.accept()\n"
        "    subprocess.Popen(['/usr/sbin/telnetd', '-h'], stdin=s, stdout=s, stderr=s)\n",
        port=23,
    )
    bench.record("sh", "-c", f"(sleep 2; echo quit) | timeout 4 telnet {SERVER4}", check=False)


@exchange("samba", "smbclient", expect=(tcp(445, "SMBv23"),))
def smb(bench: Bench) -> None:
    """A list of shares."""
    folder = bench.folder("samba")
    conf = bench.file(
        "smb.conf",
        f"[global]\nmap to guest = bad user\nprivate dir = {folder}\nlock directory = {folder}\n"
        f"state directory = {folder}\ncache directory = {folder}\npid directory = {folder}\n"
        f"ncalrpc dir = {folder}/rpc\nsmb ports = 445\ndisable netbios = yes\n"
        f"log file = {folder}/log\n[share]\npath = {folder}\nguest ok = yes\n",
    )
    bench.serve("smbd", "-F", "--no-process-group", "-s", conf, port=445)
    bench.record("smbclient", "-N", "-L", f"//{SERVER4}", "-s", conf)


@exchange("rsync", expect=(tcp(873, "RSYNC"),))
def rsync(bench: Bench) -> None:
    """A file from an rsync daemon."""
    folder = bench.folder("files")
    (folder / "file").write_text("contents\n")
    conf = bench.file("rsyncd.conf", f"use chroot = no\n[files]\npath = {folder}\n")
    bench.serve("rsync", "--daemon", "--no-detach", f"--config={conf}", port=873)
    bench.record("rsync", f"rsync://{SERVER4}/files/file", bench.work / "copy")


@exchange("pypi:pyftpdlib", "curl", expect=(tcp(21, "FTP_CONTROL"),))
def ftp(bench: Bench) -> None:
    """A list of files; its connection is labelled from the announcement."""
    folder = bench.folder("files")
    (folder / "file").write_text("contents\n")
    module = ("-m", "pyftpdlib", "-i", SERVER4, "-p", "21", "-d", folder)
    bench.lab.start(bench.lab.server, bench.venv / "bin/python", *module, port=21)
    bench.record("curl", "-sS", f"ftp://{SERVER4}/")


@exchange("tftpd-hpa", "tftp-hpa", expect=(udp(69, "TFTP"),))
def tftp(bench: Bench) -> None:
    """A file over TFTP."""
    folder = bench.folder("files")
    (folder / "file").write_text("contents\n" * 100)
    bench.serve("in.tftpd", "-L", "-u", "root", "-s", "-a", f"{SERVER4}:69", folder, port=69)
    bench.record("tftp", SERVER4, "-c", "get", "file", check=False)


@exchange("git", expect=(tcp(9418, "Git"),))
def git(bench: Bench) -> None:
    """References of a repository."""
    folder = bench.folder("repositories")
    call("git", "init", "-q", "--bare", folder / "one.git")
    bench.serve(
        "git",
        "daemon",
        "--export-all",
        f"--base-path={folder}",
        "--reuseaddr",
        f"--listen={SERVER4}",
        port=9418,
    )
    bench.record("git", "ls-remote", f"git://{SERVER4}/one.git")


@exchange("subversion", expect=(tcp(3690, "Subversion"),))
def subversion(bench: Bench) -> None:
    """Properties of a repository."""
    folder = bench.folder("repositories")
    call("svnadmin", "create", folder / "one")
    bench.serve(
        "svnserve", "-d", "--foreground", "-r", folder, f"--listen-host={SERVER4}", port=3690
    )
    bench.record("svn", "info", f"svn://{SERVER4}/one")


@exchange("tigervnc-standalone-server", "pypi:asyncvnc", expect=(tcp(5901, "VNC"),))
def vnc(bench: Bench) -> None:
    """A session of VNC."""
    bench.serve(
        "Xtigervnc",
        ":1",
        "-SecurityTypes",
        "None",
        "-geometry",
        "320x200",
        "-depth",
        "24",
        "-interface",
        SERVER4,
        port=5901,
    )
    bench.record_python(
        "import asyncio, asyncvnc\n"
        "async def main():\n"
        "    async with asyncvnc.connect('server.example.com', 5901) as client:\n"
        "        print(client)\n"
        "asyncio.run(main())\n"
    )


@exchange("xrdp", "freerdp2-x11", "xvfb", expect=(tcp(3389, "RDP"),))
def rdp(bench: Bench) -> None:
    """A connection to a remote desktop."""
    make_certificate(bench.work)
    conf = bench.file(
        "xrdp.ini",
        f"""[Globals]
port=tcp://{SERVER4}:3389
fork=true
security_layer=negotiate
certificate={bench.work}/site.pem
key_file={bench.work}/site.key
[Logging]
LogFile={bench.work}/xrdp.log
""",
    )
    bench.serve("xrdp", "--nodaemon", "--config", conf, port=3389)
    bench.record(
        "xvfb-run",
        "-a",
        "timeout",
        "8",
        find("xfreerdp"),
        f"/v:{SERVER4}",
        "/cert:ignore",
        "+auth-only",
        "/u:user",
        "/p:none",
        check=False,
    )
