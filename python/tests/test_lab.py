"""Labels of real programs, as `tests/captures/lab.py` has recorded them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from conftest import CAPTURES
from nfstream import NFStreamer, _engine

LAB = CAPTURES / "lab"
TABLE: list[dict[str, Any]] = json.loads((LAB / "table.json").read_text())
DISSECTORS = next(one for one in _engine.parameters() if one["name"] == "dissector")["choices"]
GROUPS = ("dissection", "tls", "quic", "dns", "http", "ssh", "dhcp")


@pytest.mark.parametrize("dissector", [one for one in DISSECTORS if one != "ndpi"])
@pytest.mark.parametrize("exchange", TABLE, ids=lambda exchange: exchange["name"])
def test_real_programs_get_their_labels(exchange: dict[str, Any], dissector: str) -> None:
    capture = LAB / f"{exchange['name']}.pcap"
    flows = list(NFStreamer(capture, dissector=dissector, features=GROUPS))
    for expected in exchange["flows"]:
        ends = (expected["protocol"], expected["port"])
        found = [flow for flow in flows if (flow.protocol, flow.dst_port) == ends]
        assert found, f"no flow to port {expected['port']}"
        assert {flow.application_name for flow in found} == {expected["label"]}
        for column, value in expected["columns"].items():
            assert value in {getattr(flow, column) for flow in found}


def test_the_laboratory_has_many_programs() -> None:
    programs = {program["name"] for exchange in TABLE for program in exchange["programs"]}
    assert len(programs) >= 40
    assert all(program["version"] for exchange in TABLE for program in exchange["programs"])
    size = sum(path.stat().st_size for path in LAB.iterdir())
    assert size < 2**21
