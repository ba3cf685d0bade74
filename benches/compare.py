"""Compares the tables of ``nfstream.v6`` and nfstream 6.6.0 over captures, value by value.

nfstream 6.6.0 is installed from PyPI into a separate environment and runs in separate processes.
Both run without nDPI, because labels differ between its versions.

Usage: python benches/compare.py [--python PATH] [CAPTURE...]
"""

from __future__ import annotations

import argparse
import csv
import math
import os
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CAPTURES = ROOT.parent / "shared" / "pcaps"
ENVIRONMENT = ROOT / ".venv" / "nfstream-6.6"

# Runs with nfstream 6 and, after changing the import, with nfstream.v6.
SCRIPT = """
import sys
from {module} import NFStreamer
if __name__ == "__main__":
    for line in sys.stdin:
        capture, table = line.rstrip("\\n").split("\\t")
        NFStreamer(source=capture, n_dissections=0, statistical_analysis=True,
                   splt_analysis=10{strict}).to_csv(path=table)
        print(capture, flush=True)
"""

# Times beyond the year 2262 become the last time that fits 64 bits of nanoseconds.
EXPLAINED = {
    "dhcp_big_endian.pcapng": "times beyond the year 2262",
    "dhcp_little_endian.pcapng": "times beyond the year 2262",
}


def main() -> None:
    """Runs both and prints the differences; fails if one is not explained."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--python", help="interpreter with nfstream 6.6.0")
    parser.add_argument(
        "captures", nargs="*", type=Path, help="captures (default: ../shared/pcaps)"
    )
    arguments = parser.parse_args()
    captures = arguments.captures or sorted(CAPTURES.glob("*.pcap*"))
    if not captures:
        sys.exit(f"error: no captures in {CAPTURES}; name some as arguments")
    python = arguments.python or str(environment())
    with tempfile.TemporaryDirectory() as folder:
        theirs, ours = Path(folder, "nfstream-6.6"), Path(folder, "nfstream.v6")
        run(python, SCRIPT.format(module="nfstream", strict=""), captures, theirs)
        strict = SCRIPT.format(module="nfstream.v6", strict=", strict=True")
        run(sys.executable, strict, captures, ours)
        exact, rows, unexplained = 0, 0, 0
        for capture in captures:
            table = f"{capture.name}.csv"
            want, got = read(theirs / table), read(ours / table)
            rows += max(len(want) - 1, 0)
            found = list(differences(want, got))
            if not found:
                exact += 1
                continue
            why = EXPLAINED.get(capture.name, "")
            unexplained += not why
            print(f"{capture.name}: {len(found)} differences{why and f' ({why})'}")
            for line in found[:5]:
                print(f"    {line}")
    print(f"{exact} of {len(captures)} captures are equal, {rows} rows")
    sys.exit(1 if unexplained else 0)


def environment() -> Path:
    """Returns the interpreter with nfstream 6.6.0; installs it first if it is missing."""
    python = ENVIRONMENT / "bin" / "python"
    ready = ENVIRONMENT / "ready"
    if not ready.exists():
        print(f"Installing nfstream 6.6.0 into {ENVIRONMENT} …", flush=True)
        venv.create(ENVIRONMENT, with_pip=True, clear=True)
        command = [str(python), "-m", "pip", "install", "--quiet", "nfstream==6.6.0"]
        subprocess.run(command, check=True)
        ready.touch()
    return python


def run(python: str, script: str, captures: list[Path], folder: Path) -> None:
    """Writes a table for each capture into `folder`."""
    folder.mkdir()
    lines = "".join(f"{c.resolve()}\t{folder / (c.name + '.csv')}\n" for c in captures)
    # The script is a file, so that every start method of multiprocessing works.
    file = folder / "script.py"
    file.write_text(script)
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [python, file],
        input=lines,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
        cwd=folder,
        check=False,
    )
    finished = done.stdout.count("\n")
    if done.returncode or finished != len(captures):
        sys.exit(f"error: {python} ended after {finished} of {len(captures)} captures")


def read(table: Path) -> list[list[str]]:
    """Returns the rows of a table, header first; nothing if the file does not exist."""
    if not table.exists():
        return []
    with table.open(newline="") as file:
        return list(csv.reader(file))


def differences(want: list[list[str]], got: list[list[str]]) -> Iterator[str]:
    """Yields the differences between two tables: columns, rows, then values."""
    if want[:1] != got[:1]:
        yield f"columns: {got[:1]} instead of {want[:1]}"
        return
    if len(want) != len(got):
        yield f"{len(got) - 1} rows instead of {len(want) - 1}"
    for theirs, ours in zip(want[1:], got[1:], strict=False):
        for column, their, our in zip(want[0], theirs, ours, strict=True):
            if not same(their, our):
                yield f"id {theirs[0]}: {column} is {our} instead of {their}"


def same(their: str, our: str) -> bool:
    """Returns whether two values are equal; floats are compared to 1e-9."""
    if their == our:
        return True
    if "." not in their or their.count(".") > 1:
        return False
    try:
        return math.isclose(float(their), float(our), rel_tol=1e-9, abs_tol=1e-9)
    except ValueError:
        return False


if __name__ == "__main__":
    main()
