"""Compiles the shim over nDPI to the shared library that nfstream loads.

    python compile_shim.py libnfstream_ndpi.so.1

By default `pkg-config` finds nDPI. `NDPI_DIR=<prefix>` uses `<prefix>/include/ndpi` and
`<prefix>/lib` instead; `CC` is the compiler. The variables are those of the crate `ndpi-sys`.
"""

import os
import shlex
import subprocess
import sys
from pathlib import Path

LIBRARY = "libnfstream_ndpi.so.1"
OLDEST = "4.2"
HERE = Path(__file__).resolve().parent
STRICT = ["-Werror=implicit-function-declaration", "-Werror=incompatible-pointer-types"]


def compile_shim(library: Path) -> None:
    """Writes the shared library."""
    shim = next(
        folder
        for folder in (HERE / "shim", HERE.parent.parent / "crates" / "ndpi-sys")
        if (folder / "shim.c").is_file()
    )
    compiler = [*shlex.split(os.environ.get("CC", "cc")), "-std=gnu11", "-O2", "-fPIC"]
    include, libraries = flags_of_ndpi()
    macros = [
        f"-D{probe.stem}"
        for probe in (shim / "probes").glob("*.c")
        if compiles([*compiler, *STRICT, *include, "-fsyntax-only", str(probe)])
    ]
    if os.environ.get("NDPI_LICENSE"):
        macros.append("-DNFSTREAM_NDPI_LICENSE_CHOSEN")
    soname = f"-Wl,-soname,{LIBRARY}"
    command = [*compiler, *macros, *include, "-shared", soname, "-s", str(shim / "shim.c")]
    subprocess.run([*command, "-o", str(library), *libraries], check=True)


def flags_of_ndpi() -> tuple[list[str], list[str]]:
    """Returns the compiler's and the linker's flags."""
    prefix = os.environ.get("NDPI_DIR")
    if prefix:
        folder = Path(prefix, "include", "ndpi")
        if not (folder / "ndpi_api.h").is_file():
            raise SystemExit(f"error: NDPI_DIR is set, but {folder}/ndpi_api.h is missing")
        return [f"-I{folder}"], [f"-L{prefix}/lib", "-lndpi", "-lm"]
    try:
        found = [
            subprocess.run(
                ["pkg-config", option, f"libndpi >= {OLDEST}"],
                check=True,
                capture_output=True,
                text=True,
            ).stdout
            for option in ("--cflags", "--libs")
        ]
    except (OSError, subprocess.CalledProcessError):
        raise SystemExit(
            f"error: pkg-config cannot find nDPI {OLDEST} or newer. On Debian and Ubuntu, run "
            "apt install libndpi-dev pkg-config gcc. For an nDPI in another place, set NDPI_DIR to "
            "its prefix."
        ) from None
    cflags, libs = (shlex.split(text) for text in found)
    return cflags, libs


def compiles(command: list[str]) -> bool:
    """Returns whether a compiler command succeeds."""
    return subprocess.run(command, stderr=subprocess.DEVNULL).returncode == 0


if __name__ == "__main__":
    compile_shim(Path(sys.argv[1] if len(sys.argv) > 1 else LIBRARY))
