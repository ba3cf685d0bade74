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
from frames import write_pcap
from nfstream import NFStreamer, clusters
from pieces import busy_packets, cut


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


def main() -> None:
    """Compares tables, and prints what was compared."""
    spark = session("local-cluster[2,1,1024]")
    packets = busy_packets()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        one = write_pcap(folder / "one.pcap", packets)
        for pieces in (8, 64, 1008):
            (folder / str(pieces)).mkdir()
            files = cut(folder / str(pieces), packets, pieces)
            for track_tcp in (False, True):
                parameters: dict[str, Any] = {
                    "features": "all",
                    "dissector": "native",
                    "track_tcp": track_tcp,
                }
                # A task starts slowly in Spark.
                task_bytes = 0 if pieces <= 64 else 4096
                plan = nfstream.plan(files, shards=4, task_bytes=task_bytes, **parameters)
                begin = time.monotonic()
                frame = nfstream.spark.flows(spark, plan, order_columns=True)
                found = clusters.in_order(frame.toArrow(), ids="dense")
                expected = NFStreamer(one, **parameters).to_arrow()
                assert found.column_names == expected.column_names
                assert found.to_pylist() == expected.to_pylist(), (pieces, track_tcp)
                seconds = time.monotonic() - begin
                print(
                    f"{pieces} files, {len(plan.tasks)} tasks, track_tcp={track_tcp}: "
                    f"{found.num_rows} equal rows in {seconds:.1f} s"
                )
        dense = nfstream.spark.flows(spark, plan, ids="dense").toArrow()
        assert sorted(dense["id"].to_pylist()) == sorted(expected["id"].to_pylist())
    spark.stop()


if __name__ == "__main__":
    main()
