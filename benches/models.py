"""Measures flows scored per second by a model of 100 trees on 20 columns: `make bench-models`.

Compares the engine with onnxruntime and scikit-learn over the whole table, and with scikit-learn
for each flow in a plugin.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "models"))

import numpy as np
import onnx
import onnxruntime
import skl2onnx
import traffic
from skl2onnx.common.data_types import FloatTensorType
from sklearn.ensemble import RandomForestClassifier

from nfstream import NFPlugin, NFStreamer

COLUMNS = [
    "protocol", "total_packets", "total_bytes", "duration", "src2dst_packets", "src2dst_bytes",
    "dst2src_packets", "dst2src_bytes", "bidirectional_min_ps", "bidirectional_mean_ps",
    "bidirectional_stddev_ps", "bidirectional_max_ps", "src2dst_min_ps", "src2dst_mean_ps",
    "src2dst_max_ps", "dst2src_mean_ps", "bidirectional_mean_piat_ms",
    "bidirectional_stddev_piat_ms", "bidirectional_max_piat_ms", "bidirectional_psh_packets",
]  # fmt: skip
FEATURES = ("statistics", "tcp_flags")


def seconds(work: Callable[[], Any], rounds: int) -> float:
    """Returns the time of the fastest round."""
    best = float("inf")
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
    return best


def main() -> None:
    """Prints a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--flows", type=int, default=50_000)
    parser.add_argument("--depth", type=int, default=10, help="maximum depth of the trees")
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        capture = Path(folder) / "flows.pcap"
        traffic.write(capture, chosen.flows)
        options: dict[str, Any] = {"features": FEATURES, "n_meters": 1, "dissect": False}
        frame = NFStreamer(capture, **options).to_pandas()
        x = frame[COLUMNS].to_numpy(np.float64)
        y = np.array([port % 7 for port in frame["dst_port"]])
        # A share of wrong labels keeps the trees from being trivial.
        noise = np.random.default_rng(0)
        wrong = noise.random(len(y)) < 0.2
        y[wrong] = noise.integers(0, 3, wrong.sum())
        forest = RandomForestClassifier(100, max_depth=chosen.depth, random_state=0).fit(x, y)
        model = skl2onnx.convert_sklearn(
            forest,
            initial_types=[("X", FloatTensorType([None, len(COLUMNS)]))],
            options={"zipmap": False},
        )
        onnx.helper.set_model_props(model, {"nfstream_columns": ",".join(COLUMNS)})
        path = Path(folder) / "forest.onnx"
        onnx.save(model, path)

        class PerFlow(NFPlugin):
            def on_init(self, packet: Any) -> int:
                return 0

            def on_expire(self, flow: Any) -> None:
                row = [[getattr(flow, name) for name in COLUMNS]]
                flow.per_flow = int(forest.predict(row)[0])

        single = x.astype(np.float32)
        session_options = onnxruntime.SessionOptions()
        session_options.intra_op_num_threads = 1
        session = onnxruntime.InferenceSession(
            str(path), session_options, providers=["CPUExecutionProvider"]
        )
        rounds = chosen.rounds
        base = seconds(lambda: NFStreamer(capture, **options).to_arrow(), rounds)
        scored = seconds(lambda: NFStreamer(capture, model=path, **options).to_arrow(), rounds)
        runtime = seconds(lambda: session.run(None, {"X": single}), rounds)
        library = seconds(lambda: forest.predict_proba(x), 1)
        few = min(len(x), 500)
        start = time.perf_counter()
        loop = NFStreamer(capture, plugins=[PerFlow()], max_nflows=few, **options)
        rows = sum(1 for _ in loop)
        plugin = time.perf_counter() - start
        flows = len(x)
        leaves = sum(tree.get_n_leaves() for tree in forest.estimators_) / 100
        print(f"{flows:,} flows, 100 trees of depth {chosen.depth}, {leaves:.0f} leaves each\n")
        print("| | flows/s |\n|---|---|")
        print(f"| nfstream, run without a model | {flows / base:,.0f} |")
        print(f"| nfstream, run with the model | {flows / scored:,.0f} |")
        print(f"| the model in the run alone (difference) | {flows / (scored - base):,.0f} |")
        print(f"| onnxruntime, whole table, one thread | {flows / runtime:,.0f} |")
        print(f"| scikit-learn, whole table | {flows / library:,.0f} |")
        print(f"| scikit-learn, for each flow in a plugin | {rows / plugin:,.0f} |")


if __name__ == "__main__":
    main()
