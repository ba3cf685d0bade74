"""Formats of other programs, read by other readers and compared with published schemas."""

from __future__ import annotations

import ipaddress
import json
import re
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from peers import needs, run

CAPTURES = sorted(
    path
    for folder in ("tests/captures", "tests/captures/lab")
    for path in Path(folder).iterdir()
    if ".pcap" in path.suffixes
)

# Fields of etc/schema.json of Suricata 7 and 8, those of the events that nfstream writes.
EVE = {
    "": "app_proto:string community_id:string dest_ip:string dest_port:integer event_type:string "
    "flow_id:integer proto:string src_ip:string src_port:integer timestamp:string vlan:array",
    "flow": "age:integer alerted:boolean bytes_toclient:integer bytes_toserver:integer end:string "
    "pkts_toclient:integer pkts_toserver:integer reason:string start:string state:string",
    "tcp": "ack:boolean cwr:boolean ecn:boolean fin:boolean psh:boolean rst:boolean syn:boolean "
    "tcp_flags:string tcp_flags_tc:string tcp_flags_ts:string urg:boolean",
    "tls": "fingerprint:string issuerdn:string ja4:string notafter:string notbefore:string "
    "sni:string subject:string version:string",
    "tls.ja3": "hash:string",
    "tls.ja3s": "hash:string",
    "dns": "rcode:string rrname:string rrtype:string type:string",
    "http": "hostname:string http_content_type:string http_method:string http_user_agent:string "
    "status:integer url:string",
}
EVE_TYPES = {"string": str, "integer": int, "boolean": bool, "array": list}
EVE_TIME = re.compile(r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d+[+\-]\d+$")


def rows(format: str) -> Iterator[dict]:
    for capture in CAPTURES:
        result = run("flows", str(capture), "--format", format)
        assert result.returncode == 0, result.stderr
        yield from map(json.loads, result.stdout.splitlines())


def leaves(value: dict, prefix: str = "") -> Iterator[tuple[str, object]]:
    for name, part in value.items():
        if isinstance(part, dict):
            yield from leaves(part, f"{prefix}{name}.")
        else:
            yield prefix + name, part


def test_events_have_the_fields_of_suricata() -> None:
    types = {
        f"{name}.{field}".lstrip("."): EVE_TYPES[kind]
        for name, fields in EVE.items()
        for field, kind in (entry.split(":") for entry in fields.split())
    }
    seen = set()
    for event in rows("eve"):
        for name, value in leaves(event):
            assert type(value) is types[name], (name, value)
            seen.add(name)
        assert EVE_TIME.match(event["timestamp"])
        own = {"flow", "tcp"} if event["event_type"] == "flow" else {event["event_type"]}
        assert {name for name, value in event.items() if isinstance(value, dict)} <= own
    assert {"tcp.psh", "tls.ja4", "dns.rcode", "http.status"} <= seen
    # Fields that no sample has.
    page = Path("docs/destinations.md").read_text().split("### eve")[1].split("### ")[0]
    documented = re.findall(r"^\| `(\S+)` \| (\w+) \|", page, re.M)
    kinds = {"time": str, "string": str, "integer": int, "boolean": bool, "array": list}
    assert {name: kinds[kind] for name, kind in documented} == types


def test_documents_have_the_fields_of_the_elastic_common_schema(tmp_path: Path) -> None:
    """The npm package @elastic/ecs has the schema with types, patterns and allowed values."""
    node = needs("node")
    packed = subprocess.run(
        [needs("npm"), "pack", "--silent", "@elastic/ecs"], cwd=tmp_path, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    if packed.returncode:
        pytest.skip("no package @elastic/ecs")
    with tarfile.open(tmp_path / packed.stdout.strip()) as package:
        package.extractall(tmp_path, filter="data")
    script = "console.log(JSON.stringify(require('./package').EcsFlat))"
    printed = subprocess.run([node, "-e", script], cwd=tmp_path, capture_output=True, check=True)
    schema = json.loads(printed.stdout)
    seen = set()
    for document in rows("ecs"):
        for name, value in leaves(document):
            field = schema[name]
            seen.add(name)
            assert ("array" in field["normalize"]) == isinstance(value, list), (name, value)
            for one in value if isinstance(value, list) else [value]:
                is_number = field["type"] in ("long", "integer")
                assert type(one) is (int if is_number else str), (name, value)
                if field["type"] == "ip":
                    ipaddress.ip_address(one)
                if "pattern" in field:
                    assert re.fullmatch(field["pattern"], one), (name, value)
                allowed = [known["name"] for known in field.get("allowed_values", [])]
                assert one in (allowed or [one]), (name, value)
                assert one in (field.get("expected_values") or [one]), (name, value)
    assert len(seen) > 45


def test_readers_of_zeek_logs_agree(tmp_path: Path) -> None:
    readers = pytest.importorskip("parsezeeklogs")
    zat = pytest.importorskip("zat.zeek_log_reader")
    for capture in CAPTURES:
        table = run("flows", str(capture), "--format", "jsonl", "--features", "history",
                    "--accounting-mode", "1")  # fmt: skip
        flows = [json.loads(line) for line in table.stdout.splitlines()]
        logs = []
        for format in ("zeek", "zeek-json"):
            path = tmp_path / "conn.log"
            path.write_text(run("flows", str(capture), "--format", format).stdout)
            with readers.ZeekLog(str(path)) as log:
                logs.append(list(log))
                assert log.skipped == 0
            if format == "zeek":
                others = list(zat.ZeekLogReader(str(path)).readrows())
        text, lines = logs
        assert len(text) == len(lines) == len(others) == len(flows)
        for flow, one, other, third in zip(flows, text, lines, others, strict=True):
            assert {name: value for name, value in one.items() if value is not None} == other
            assert (one["id.orig_h"], one["id.resp_h"]) == (flow["src_ip"], flow["dst_ip"])
            assert one["orig_ip_bytes"] == flow["src2dst_bytes"] == third["orig_ip_bytes"]
            assert one["resp_pkts"] == flow["dst2src_packets"] == third["resp_pkts"]
            assert one["proto"] in {"tcp", "udp", "icmp", "unknown_transport"}
            states = "S0 S1 SF REJ S2 S3 RSTO RSTR RSTOS0 RSTRH SH SHR OTH"
            assert one["conn_state"] in states.split()
            assert re.fullmatch(r"C[0-9A-Za-z]{17}", one["uid"])
