"""Live runs: everything that is sent is received. PEERS_SECONDS is the duration of each, 10 by
default."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from live import PACKETS_PER_SECOND, RECEIVERS

SECONDS = int(os.environ.get("PEERS_SECONDS", "10"))


@pytest.mark.timeout(SECONDS + 300)
@pytest.mark.parametrize("receiver", RECEIVERS)
def test_a_live_run_reaches(receiver: str, readers: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("live capture needs root")
    command = ["unshare", "--net", sys.executable, str(Path(__file__).with_name("live.py"))]
    environment = {**os.environ, "READERS": str(readers)}
    run = subprocess.run(
        [*command, receiver, str(SECONDS)],
        env=environment, capture_output=True, text=True, timeout=SECONDS + 240, check=False,
    )  # fmt: skip
    if "Skipped" in run.stderr:
        pytest.skip(run.stderr.splitlines()[-1])
    assert run.returncode == 0, run.stderr
    counts = json.loads(run.stdout)
    print(counts)
    assert counts["exit_code"] == 0, counts
    assert counts["flows"] == PACKETS_PER_SECOND // 2 * SECONDS
    assert counts["sent"] == counts["flows"], counts
    assert counts["dropped"] == counts["rejected"] == counts["dropped_packets"] == 0, counts
    # IPFIX has a record for each direction.
    records = 2 if receiver.startswith("ipfix") else 1
    assert counts["received"] == counts["sent"] * records
