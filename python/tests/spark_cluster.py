"""Flows on a Spark cluster of two processes equal those of one pass: `make test-spark`."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))


import nfstream
import nfstream.spark
from failing import Mark, set_trap
from frames import write_pcap
from nfstream import NFStreamer, clusters
from pieces import busy_packets, cut

EVERYTHING: dict[str, Any] = {"features": "all", "dissector": "native"}
RULES: tuple[dict[str, Any], ...] = (
    {"track_tcp": False},
    {"track_tcp": True, "idle_timeout": 0.05, "active_timeout": 0.2},
)


def session(slots: str) -> Any:
    """Starts a session whose executors are processes of their own."""
    from pyspark.sql import SparkSession

    here = str(Path(__file__).parent)
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    os.environ["PYTHONPATH"] = os.pathsep.join([here, os.environ.get("PYTHONPATH", "")])
    return (
        SparkSession.builder.master(slots)
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .config("spark.sql.shuffle.partitions", "8")
        .config("spark.sql.execution.arrow.maxRecordsPerBatch", "4")
        .config("spark.executorEnv.PYTHONPATH", os.environ["PYTHONPATH"])
        .getOrCreate()
    )


def check(spark: Any, what: str, plan: clusters.Plan, expected: NFStreamer) -> None:
    """Compares tables, and prints the time."""
    begin = time.monotonic()
    frame = nfstream.spark.flows(spark, plan, order_columns=True)
    found = clusters.in_order(frame.toArrow(), ids="dense")
    seconds = time.monotonic() - begin
    table = expected.to_arrow()
    assert found.column_names == table.column_names
    assert found.to_pylist() == table.to_pylist(), what
    print(f"{what}, {len(plan.tasks)} tasks: {found.num_rows} equal rows in {seconds:.1f} s")


def main() -> None:
    """Runs all comparisons."""
    spark = session("local-cluster[2,1,1024]")
    packets = busy_packets()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        one = write_pcap(folder / "one.pcap", packets)
        files: dict[int, list[Path]] = {}
        for pieces in (8, 64, 1008):
            (folder / str(pieces)).mkdir()
            files[pieces] = cut(folder / str(pieces), packets, pieces)
            # A task starts slowly in Spark.
            task_bytes = 4096 if pieces == 1008 else 0
            for rules in RULES:
                parameters = {**EVERYTHING, **rules}
                plan = nfstream.plan(files[pieces], shards=4, task_bytes=task_bytes, **parameters)
                check(spark, f"{pieces} files, {rules}", plan, NFStreamer(one, **parameters))

        expected = NFStreamer(one, plugins=[Mark(user_data="none")], **EVERYTHING)
        for half in ("map", "reduce"):
            marker = folder / half
            plan = nfstream.plan(
                files[8],
                shards=4,
                task_bytes=0,
                plugins=[Mark(user_data=str(marker) if half == "reduce" else "none")],
                plugin_types={"Mark": "int64"},
                **EVERYTHING,
            )
            if half == "map":
                set_trap(plan.tasks[5], marker)
            marker.touch()
            check(spark, f"8 files, a worker killed in {half}", plan, expected)
            assert not marker.exists()

        dense = nfstream.spark.flows(spark, plan, ids="dense").toArrow()
        numbers = dense["id"].to_pylist()
        assert sorted(numbers) == sorted(expected.to_arrow()["id"].to_pylist())
    spark.stop()


if __name__ == "__main__":
    main()
