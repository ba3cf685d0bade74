"""Runs one work in Python, in a separate process for run.py, with either package.

usage: worker.py ours|peer WORK CAPTURE [--meters N] [--dissect] [--output FILE] [--check]

Prints a line of JSON with the duration of the work, without the imports. --check adds the numbers
of packets found, which takes additional time.
"""

# The two packages share class names, so the types of neither fit.
# ruff: noqa: ANN001, ANN202
# mypy: ignore-errors
from __future__ import annotations

import argparse
import json
import statistics
import time
import timeit
from collections.abc import Callable
from typing import Any


def streamer(arguments: argparse.Namespace, plugins: Any = None) -> Any:
    """Return a streamer of either package, configured for the same work."""
    from nfstream import NFStreamer

    if arguments.package == "ours":
        return NFStreamer(
            source=arguments.capture,
            idle_timeout=30,
            active_timeout=300,
            dissect=arguments.dissect,
            n_meters=arguments.meters,
            plugins=plugins or (),
            statistical_analysis=arguments.features,
            splt_analysis=10 if arguments.features else 0,
        )
    return NFStreamer(
        source=arguments.capture,
        idle_timeout=30,
        active_timeout=300,
        n_dissections=20 if arguments.dissect else 0,
        statistical_analysis=False,
        splt_analysis=0,
        n_meters=arguments.meters,
        udps=plugins,
    )


def ack_count(package: str) -> Any:
    """Return a plugin that counts the packets of a flow with the ACK flag."""
    from nfstream import NFPlugin

    if package == "ours":

        class ack_count(NFPlugin):
            def on_init(self, pkt):
                return pkt.tcpflags.ack

            def on_update(self, pkt, flow):
                flow.ack_count += pkt.tcpflags.ack

        return ack_count()

    class AckCount(NFPlugin):
        def on_init(self, packet, flow):
            flow.udps.ack_count = packet.ack

        def on_update(self, packet, flow):
            flow.udps.ack_count += packet.ack

    return AckCount()


def iterate(arguments: argparse.Namespace, plugins: Any = None) -> dict[str, Any]:
    """Iterate over all flows."""
    start = time.perf_counter()
    flows = 0
    for _flow in streamer(arguments, plugins):
        flows += 1
    seconds = time.perf_counter() - start
    found: dict[str, Any] = {"seconds": seconds, "flows": flows}
    if arguments.check:
        ours = arguments.package == "ours"
        packets = "total_packets" if ours else "bidirectional_packets"
        rows = list(streamer(arguments, plugins))
        found["packets"] = sum(getattr(row, packets) for row in rows)
        if plugins is not None:
            found["acks"] = sum(row.ack_count if ours else row.udps.ack_count for row in rows)
    return found


def plugin(arguments: argparse.Namespace) -> dict[str, Any]:
    """Iterate over all flows, with the plugin."""
    return iterate(arguments, ack_count(arguments.package))


def to_pandas(arguments: argparse.Namespace) -> dict[str, Any]:
    """Make a data frame of all flows."""
    import pandas  # noqa: F401

    import nfstream  # noqa: F401

    if arguments.package == "ours":
        import pyarrow  # noqa: F401
    start = time.perf_counter()
    frame = streamer(arguments).to_pandas()
    seconds = time.perf_counter() - start
    packets = "total_packets" if arguments.package == "ours" else "bidirectional_packets"
    return {"seconds": seconds, "flows": len(frame), "packets": int(frame[packets].sum())}


def to_parquet(arguments: argparse.Namespace) -> dict[str, Any]:
    """Write a Parquet file of all flows."""
    return _write(arguments, lambda flows: flows.to_parquet(arguments.output))


def to_csv(arguments: argparse.Namespace) -> dict[str, Any]:
    """Write a CSV file of all flows."""
    return _write(arguments, lambda flows: flows.to_csv(arguments.output))


def to_jsonl(arguments: argparse.Namespace) -> dict[str, Any]:
    """Write a JSON Lines file of all flows."""
    return _write(arguments, lambda flows: flows.to_jsonl(arguments.output))


def stream(arguments: argparse.Namespace) -> dict[str, Any]:
    """Iterate over all flows as Arrow batches, without keeping them."""
    import pyarrow

    def count(flows: Any) -> int:
        with pyarrow.RecordBatchReader.from_stream(flows) as batches:
            return sum(batch.num_rows for batch in batches)

    return _write(arguments, count)


def _write(arguments: argparse.Namespace, write: Callable[[Any], int]) -> dict[str, Any]:
    start = time.perf_counter()
    flows = write(streamer(arguments))
    return {"seconds": time.perf_counter() - start, "flows": flows}


def small(arguments: argparse.Namespace) -> dict[str, Any]:
    """Make a list of all flows; the benchmark times the whole process."""
    start = time.perf_counter()
    rows = list(streamer(arguments))
    return {"seconds": time.perf_counter() - start, "flows": len(rows)}


def per_flow(arguments: argparse.Namespace) -> dict[str, Any]:
    """Time the iteration over flows that the engine has ready.

    All flows end with the capture, so the first one arrives when the engine has finished.
    """
    flows = iter(streamer(arguments))
    next(flows)
    count = 0
    start = time.perf_counter()
    for _flow in flows:
        count += 1
    seconds = time.perf_counter() - start
    return {"seconds": seconds, "flows": count + 1, "nanoseconds": seconds / count * 1e9}


def attributes(arguments: argparse.Namespace) -> dict[str, Any]:
    """Time the reading of single attributes of a packet and of a flow, in nanoseconds."""
    from nfstream import NFPacket, NFPlugin

    def nanoseconds(code: str, value: Any) -> float:
        number = 20_000
        names = {"x": value}
        timed = min(timeit.repeat(code, globals=names, number=number, repeat=5))
        empty = min(timeit.repeat("x", globals=names, number=number, repeat=5))
        return (timed - empty) / number * 1e9

    packet_names = [name for name in dir(NFPacket) if not name.startswith("_")]
    packet_names.append("tcpflags.ack")
    times: dict[str, dict[str, float]] = {"pkt": {}}

    class probe(NFPlugin):
        def on_update(self, pkt, flow):
            if not times["pkt"] and pkt.payload_length > 200:
                times["pkt"] = {name: nanoseconds(f"x.{name}", pkt) for name in packet_names}
                times["flow.plugin"] = {
                    "probe": nanoseconds("x.probe", flow),
                    "probe += 1": nanoseconds("x.probe += 1", flow),
                }

    rows = list(streamer(arguments, [probe()]))
    row = next(row for row in streamer(arguments) if row.server_info)
    times["flow"] = {name: nanoseconds(f"x.{name}", row) for name in row.keys()}  # noqa: SIM118
    medians = {kind: statistics.median(values.values()) for kind, values in times.items()}
    return {"seconds": 0, "flows": len(rows), "nanoseconds": times, "medians": medians}


WORK = {
    function.__name__: function
    for function in (
        attributes,
        iterate,
        per_flow,
        plugin,
        small,
        stream,
        to_csv,
        to_jsonl,
        to_pandas,
        to_parquet,
    )
}


def main() -> None:
    """Run the work named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("package", choices=["ours", "peer"])
    parser.add_argument("work", choices=sorted(WORK))
    parser.add_argument("capture")
    parser.add_argument("--meters", type=int, default=0)
    parser.add_argument("--dissect", action="store_true")
    parser.add_argument("--features", action="store_true", help="statistics and first packets")
    parser.add_argument("--output", help="file to write")
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    if arguments.work != "small":
        import nfstream  # noqa: F401
    print(json.dumps(WORK[arguments.work](arguments)))


if __name__ == "__main__":
    main()
