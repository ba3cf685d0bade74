"""Adds the licences of the libraries that `auditwheel repair` put into a wheel.

    python add_notices.py WHEEL FOLDER

Writes the wheel with these licences to the folder. For each library it takes the copyright file of
the Debian package that the library comes from, and the common licences to which that file refers.
"""

import base64
import csv
import hashlib
import io
import re
import subprocess
import sys
import zipfile
from pathlib import Path

COMMON = Path("/usr/share/common-licenses")
NOTICES = "bundled.md"


def add_notices(wheel: Path, folder: Path) -> Path:
    """Returns the path of the new wheel."""
    with zipfile.ZipFile(wheel) as archive:
        # The record lists files alone.
        infos = (info for info in archive.infolist() if not info.is_dir())
        files = {info: archive.read(info) for info in infos}
    names = {info.filename for info in files}
    record = next(name for name in names if name.endswith(".dist-info/RECORD"))
    licences = record.removesuffix("RECORD") + "licenses/licences/"
    times = {info.date_time for info in files}

    bundled = sorted(name for name in names if ".libs/" in name and ".so" in name)
    present = set(files.values())
    for name, content in notices(bundled).items():
        if content.encode() in present:
            continue
        info = zipfile.ZipInfo(licences + name, max(times))
        info.external_attr = 0o100644 << 16
        info.compress_type = zipfile.ZIP_DEFLATED
        files[info] = content.encode()

    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\n")
    for info, data in files.items():
        if info.filename != record:
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=")
            writer.writerow([info.filename, f"sha256={digest.decode()}", len(data)])
    writer.writerow([record, "", ""])

    result = folder / wheel.name
    with zipfile.ZipFile(result, "w", zipfile.ZIP_DEFLATED) as archive:
        for info, data in files.items():
            archive.writestr(info, lines.getvalue() if info.filename == record else data)
    return result


def notices(bundled: list[str]) -> dict[str, str]:
    """Returns the texts for the libraries of a wheel, by file name."""
    found = installed()
    texts: dict[str, str] = {}
    table = ["# Libraries in this wheel", ""]
    table += ["| file | Debian package | source package, with the whole source | licence |"]
    table += ["|---|---|---|---|"]
    for name in bundled:
        file = Path(name).name
        # `libndpi-0123abcd.so.4.2.0` comes from `libndpi.so.4.2.0`.
        stem = re.sub(r"-[0-9a-f]{8}(?=\.so)", "", file).partition(".so")[0]
        path = next((path for path in found if path.name.partition(".so")[0] == stem), None)
        if path is None:
            raise SystemExit(f"error: the loader does not find {stem}, so its licence is unknown")
        package, source = origin(path)
        text = Path(f"/usr/share/doc/{package}/copyright").read_text()
        texts[f"{package}.txt"] = text
        table.append(f"| {file} | {package} | {source} | {package}.txt |")
        for common in set(re.findall(rf"{COMMON}/([A-Za-z]+-[0-9.]*[0-9])", text)):
            texts[f"{common}.txt"] = (COMMON / common).read_text()
    table += ["", "You may replace each of these libraries with another build of it.", ""]
    texts[NOTICES] = "\n".join(table)
    return texts


def installed() -> list[Path]:
    """Returns the libraries that the loader finds."""
    listed = subprocess.run(["/sbin/ldconfig", "-p"], check=True, capture_output=True, text=True)
    return [Path(path) for path in re.findall(r"=> (\S+)", listed.stdout)]


def origin(library: Path) -> tuple[str, str]:
    """Returns the Debian package of a library, and its source package with the version."""
    # The folder may be a link: packages list the files of both.
    for path in (library, library.resolve(), Path(str(library.resolve()).removeprefix("/usr"))):
        found = subprocess.run(["dpkg-query", "-S", path], capture_output=True, text=True)
        if found.returncode == 0:
            package = found.stdout.partition(":")[0]
            break
    else:
        raise SystemExit(f"error: {library} belongs to no package, so its licence is unknown")
    form = "${source:Package} ${source:Version}"
    shown = subprocess.run(
        ["dpkg-query", "-W", "-f", form, package], check=True, capture_output=True, text=True
    )
    return package, shown.stdout


if __name__ == "__main__":
    print(add_notices(Path(sys.argv[1]), Path(sys.argv[2])))
