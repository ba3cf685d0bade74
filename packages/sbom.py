"""Prints the bill of materials of a crate's release build, as CycloneDX 1.5.

    python packages/sbom.py crates/nfstream-python

Lists the crates that are compiled in: not those that only tests, build scripts or other platforms
need.
"""

import json
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import tomllib

ROOT = Path(__file__).resolve().parent.parent
PLATFORM = "x86_64-unknown-linux-gnu"
FEATURES = ["--no-default-features", "--features", "http,ndpi-loaded,stores,top"]


def main() -> None:
    """Writes the document to standard output."""
    manifest = ROOT / sys.argv[1] / "Cargo.toml"
    command = ["cargo", "metadata", "--format-version=1", "--locked", *FEATURES]
    command += ["--filter-platform", PLATFORM, "--manifest-path", str(manifest)]
    metadata = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    packages = {package["id"]: package for package in metadata["packages"]}
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    root = next(id for id, package in packages.items() if package["manifest_path"] == str(manifest))

    built = compiled(manifest)
    edges: dict[str, list[str]] = {}
    waiting = [root]
    while waiting:
        id = waiting.pop()
        if id not in edges:
            linked = (dependency["pkg"] for dependency in nodes[id]["deps"])
            edges[id] = sorted(id for id in linked if key(packages[id]) in built)
            waiting += edges[id]

    hashes = checksums()
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": "",
        "version": 1,
        "metadata": {
            "timestamp": commit_time(),
            "component": component(packages[root], hashes) | {"type": "application"},
        },
        "components": [component(packages[id], hashes) for id in sorted(edges) if id != root],
        "dependencies": [
            {
                "ref": reference(packages[id]),
                "dependsOn": [reference(packages[d]) for d in edges[id]],
            }
            for id in sorted(edges)
        ],
    }
    # The same content has the same serial number.
    content = uuid.uuid5(uuid.NAMESPACE_OID, json.dumps(document, sort_keys=True))
    document["serialNumber"] = f"urn:uuid:{content}"
    print(json.dumps(document, indent=2))


def compiled(manifest: Path) -> set[tuple[str, str]]:
    """Returns name and version of the crates that the build compiles in."""
    command = ["cargo", "tree", "--locked", "--edges", "normal", "--prefix", "none", *FEATURES]
    command += ["--target", PLATFORM, "--manifest-path", str(manifest)]
    tree = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    lines = (line.split() for line in tree.splitlines() if line)
    return {(words[0], words[1].removeprefix("v")) for words in lines}


def key(package: dict[str, Any]) -> tuple[str, str]:
    """Returns name and version of a crate."""
    return package["name"], package["version"]


def component(package: dict[str, Any], hashes: dict[tuple[str, str], str]) -> dict[str, Any]:
    """Returns the entry of one crate."""
    name, version = key(package)
    entry = {
        "type": "library",
        "bom-ref": reference(package),
        "name": name,
        "version": version,
        "purl": reference(package),
        "description": (package["description"] or "").strip(),
        "licenses": [{"expression": package["license"].replace("/", " OR ")}],
    }
    checksum = hashes.get((name, version))
    if checksum:
        entry["hashes"] = [{"alg": "SHA-256", "content": checksum}]
    if package["repository"]:
        entry["externalReferences"] = [{"type": "vcs", "url": package["repository"]}]
    return entry


def reference(package: dict[str, Any]) -> str:
    """Returns the package URL of a crate."""
    return f"pkg:cargo/{package['name']}@{package['version']}"


def checksums() -> dict[tuple[str, str], str]:
    """Returns the checksums of `Cargo.lock`, by name and version."""
    lock = tomllib.loads((ROOT / "Cargo.lock").read_text())
    return {
        (package["name"], package["version"]): package["checksum"]
        for package in lock["package"]
        if "checksum" in package
    }


def commit_time() -> str:
    """Returns the time of the commit that is checked out."""
    command = ["git", "-C", str(ROOT), "log", "-1", "--format=%cI"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


if __name__ == "__main__":
    main()
