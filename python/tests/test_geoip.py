"""Countries and autonomous systems from databases in MaxMind's format."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from mmdb import database
from nfstream import NFlow, NFPacket, NFPlugin, NFStreamer

COMMAND = Path(sys.executable).parent / "nfstream"
COLUMNS = ("src_country", "dst_country", "src_asn", "dst_asn", "src_as_name", "dst_as_name")


@pytest.fixture
def countries(tmp_path: Path) -> Path:
    path = tmp_path / "countries.mmdb"
    networks = {"192.168.10.0/24": "NL", "198.51.100.0/24": "DE"}
    records = {net: {"country": {"iso_code": code}} for net, code in networks.items()}
    path.write_bytes(database("Test-Country", records))
    return path


@pytest.fixture
def systems(tmp_path: Path) -> Path:
    path = tmp_path / "systems.mmdb"
    record = {
        "autonomous_system_number": 64496,
        "autonomous_system_organization": "Example, Inc.",
    }
    path.write_bytes(database("Test-ASN", {"198.51.100.0/25": record}))
    return path


def places(flow: NFlow) -> tuple[object, ...]:
    return tuple(getattr(flow, column) for column in COLUMNS)


def test_databases_add_columns(web: Path, countries: Path, systems: Path) -> None:
    flows = list(NFStreamer(web, geoip=[countries, str(systems)]))
    found = {flow.dst_ip: places(flow) for flow in flows}
    assert found["198.51.100.10"] == ("NL", "DE", 0, 64496, "", "Example, Inc.")
    assert found["203.0.113.40"] == ("NL", "", 0, 0, "", "")
    one = NFStreamer(web, geoip=countries).to_pandas()
    assert set(COLUMNS) <= set(one.columns)
    assert set(one["dst_country"]) == {"NL", "DE", ""}


def test_places_are_the_same_for_any_number_of_meters(web: Path, systems: Path) -> None:
    rows = [
        sorted((flow.id, *places(flow)) for flow in NFStreamer(web, geoip=systems, n_meters=meters))
        for meters in (1, 3)
    ]
    assert rows[0] == rows[1]


def test_columns_need_a_database(web: Path) -> None:
    assert not hasattr(next(iter(NFStreamer(web))), "src_country")
    assert "src_country" not in NFStreamer(web, features="all").to_pandas().columns


def test_plugins_see_places_when_flows_end(web: Path, countries: Path) -> None:
    class Ends(NFPlugin):
        """Collects the countries of ended flows."""

        def on_update(self, pkt: NFPacket, flow: NFlow) -> None:
            assert flow.src_country == ""

        def on_expire(self, flow: NFlow) -> None:
            seen.add(flow.src_country)

    seen: set[str] = set()
    assert list(NFStreamer(web, geoip=countries, plugins=Ends()))
    assert seen == {"NL"}


def test_mistakes_name_the_file(web: Path, tmp_path: Path, countries: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no\.mmdb"):
        NFStreamer(web, geoip=[countries, tmp_path / "no.mmdb"])
    with pytest.raises(ValueError, match=r"web\.pcap: not a database in MaxMind's format"):
        NFStreamer(web, geoip=web)
    with pytest.raises(ValueError, match="geoip must be paths of files"):
        NFStreamer(web, geoip=3)  # type: ignore[arg-type]


def flows(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    call = [COMMAND, "flows", *arguments, "--format", "csv"]
    return subprocess.run(call, capture_output=True, text=True)


def test_the_command_has_the_option(web: Path, countries: Path, systems: Path) -> None:
    columns = ("--columns", "dst_ip,dst_country,dst_asn")
    both = ("--geoip", countries, "--geoip", systems)
    done = flows(web, *both, *columns)
    assert "198.51.100.10,DE,64496" in done.stdout.splitlines()
    assert flows(web, *both, *columns, "--sandbox").stdout == done.stdout
    chosen = flows(web, *both, *columns, "--where", 'dst_country == "DE"')
    assert {line.split(",")[1] for line in chosen.stdout.splitlines()[1:]} == {"DE"}


def test_the_command_explains_what_is_missing(web: Path) -> None:
    done = flows(web, "--columns", "dst_country")
    assert (done.returncode, done.stdout) == (2, "")
    assert "the columns of geoip need --geoip FILE" in done.stderr
    done = flows(web, "--geoip", web)
    assert (done.returncode, done.stdout) == (2, "")
    assert "web.pcap: not a database in MaxMind's format" in done.stderr
