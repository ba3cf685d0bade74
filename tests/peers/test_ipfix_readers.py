"""IPFIX files, read by two other crates: templates, names of applications and lists of packets."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from peers import run

# The first test builds the crates.
pytestmark = pytest.mark.timeout(900)

Record = tuple[str, object]


def netgauze(messages: Iterator[dict]) -> Iterator[tuple[bool, list[Record]]]:
    for message in messages:
        for one in message["sets"]:
            for record in one.get("Data", {"records": []})["records"]:
                fields = [next(iter(field.items())) for field in record["fields"]]
                scope = [next(iter(field.items())) for field in record["scope_fields"]]
                yield bool(scope), [*scope, *fields]


def netflow_parser(messages: Iterator[list]) -> Iterator[tuple[bool, list[Record]]]:
    for message in messages:
        for one in message:
            for flowset in one["IPFix"]["flowsets"]:
                for kind in ("Data", "OptionsData"):
                    for record in flowset["body"].get(kind, {"fields": []})["fields"]:
                        fields = [(key.get("IANA", "other"), value) for key, value in record]
                        yield kind == "OptionsData", fields


def plain(value: object) -> object:
    """Returns a value without the names of its types."""
    while isinstance(value, dict) and len(value) == 1:
        [value] = value.values()
    return value


def read(readers: Path, crate: str, path: Path) -> list[tuple[bool, list[Record]]]:
    result = subprocess.run([readers, crate, str(path)], capture_output=True, text=True, check=True)
    records = {"netgauze": netgauze, "netflow_parser": netflow_parser}[crate]
    return list(records(map(json.loads, result.stdout.splitlines())))


def basic_list(content: list[int]) -> tuple[int, list[int]]:
    """Returns the element and the values of a list (RFC 6313)."""
    ordered, element = content[0], int.from_bytes(bytes(content[1:3]), "big")
    length = int.from_bytes(bytes(content[3:5]), "big")
    assert ordered == 4 and not (len(content) - 5) % length
    parts = range(5, len(content), length)
    return element, [int.from_bytes(bytes(content[at : at + length]), "big") for at in parts]


@pytest.mark.parametrize("crate", ["netgauze", "netflow_parser"])
@pytest.mark.parametrize("capture", ["web.pcap", "web6.pcap", "vlan.pcap", "tunnels.pcap"])
def test_a_file_has_every_flow(capture: str, crate: str, readers: Path, tmp_path: Path) -> None:
    path, source = tmp_path / "flows.ipfix", f"tests/captures/{capture}"
    options = ("--accounting-mode", "1", "--features", "splt")
    assert run("flows", source, "--features", "splt", "-o", str(path)).returncode == 0
    table = run("flows", source, *options, "--format", "jsonl")
    flows = [json.loads(line) for line in table.stdout.splitlines()]
    records = read(readers, crate, path)
    data = [fields for is_option, fields in records if not is_option]

    def values(fields: list[Record], name: str) -> list[object]:
        return [plain(value) for known, value in fields if known.lower() == name.lower()]

    def total(name: str) -> int:
        return sum(sum(values(fields, name)) for fields in data)

    directions = [side for flow in flows for side in ("src2dst", "dst2src")
                  if flow[f"{side}_packets"]]  # fmt: skip
    assert len(data) == len(directions)
    assert total("packetDeltaCount") == sum(flow["total_packets"] for flow in flows)
    assert total("octetDeltaCount") == sum(flow["total_bytes"] for flow in flows)
    options_of = [fields for is_option, fields in records if is_option]
    named = {values(fields, "applicationName")[0] for fields in options_of}
    labels = {flow["application_name"].rpartition(".")[2] for flow in flows} - {"Unknown"}
    assert labels <= named
    by_flow: dict[object, list[list[Record]]] = {}
    for fields in data:
        by_flow.setdefault(values(fields, "flowId")[0], []).append(fields)
    for flow in flows:
        first = by_flow[flow["id"]][0]
        assert values(first, "applicationName")[0] in (flow["application_name"], "")
        lists = dict(basic_list(content) for content in values(first, "basicList"))
        packets = [way for way in flow["splt_direction"] if way >= 0]
        assert lists[61] == packets
        assert len(lists[224]) == len(lists[323]) == len(packets)
        assert lists[323][0] == flow["first_seen"]
