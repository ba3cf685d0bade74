"""Models in the stream, compared with onnxruntime: `make test-models`."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import subprocess
import threading
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import onnx
import onnxmltools
import onnxruntime
import pandas as pd
import pyarrow.parquet as pq
import pytest
import skl2onnx
import traffic
import xgboost
from onnx import TensorProto, helper
from onnxmltools.convert.common.data_types import FloatTensorType
from skl2onnx.common.data_types import FloatTensorType as SklFloats
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    IsolationForest,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from nfstream import NFPlugin, NFStreamer

ROOT = Path(__file__).resolve().parents[2]
COMMAND = os.environ.get("NFSTREAM", "target/debug/nfstream")

COLUMNS = [
    "protocol",
    "total_packets",
    "total_bytes",
    "duration",
    "src2dst_packets",
    "src2dst_bytes",
    "dst2src_packets",
    "dst2src_bytes",
    "bidirectional_min_ps",
    "bidirectional_mean_ps",
    "bidirectional_stddev_ps",
    "bidirectional_max_ps",
    "src2dst_mean_ps",
    "dst2src_mean_ps",
    "bidirectional_mean_piat_ms",
    "bidirectional_stddev_piat_ms",
    "bidirectional_max_piat_ms",
    "bidirectional_psh_packets",
    "splt_ps_1",
    "splt_ps_4",
]

Save = Callable[..., str]


@pytest.fixture(scope="session")
def capture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("captures") / "flows.pcap"
    traffic.write(path, 2_000)
    return path


@pytest.fixture(scope="session")
def flows(capture: Path) -> pd.DataFrame:
    """The flows with the values of all columns, those of lists included, and their kind."""
    frame = NFStreamer(capture, features=["statistics", "tcp_flags", "splt"]).to_pandas()
    for place in (1, 4):
        # A list that is shorter has no such value.
        items = frame["splt_ps"].map(lambda sizes, at=place - 1: dict(enumerate(sizes)).get(at))
        frame[f"splt_ps_{place}"] = items.astype(float)
    ports = {port: kind for kind, port in traffic.PORTS.items()}
    server = frame["dst_port"].where(frame["dst_port"].isin(ports), frame["src_port"])
    frame["kind"] = server.map(ports)
    return frame


@pytest.fixture
def save(tmp_path: Path) -> Save:
    """Writes a model with the names of its columns, and returns its path."""

    def write(model: onnx.ModelProto, name: str = "model", **metadata: str) -> str:
        metadata = {"nfstream_columns": ",".join(COLUMNS)} | metadata
        helper.set_model_props(model, {key: text for key, text in metadata.items() if text})
        path = tmp_path / f"{name}.onnx"
        onnx.save(model, path)
        return str(path)

    return write


def values(flows: pd.DataFrame) -> np.ndarray:
    return flows[COLUMNS].to_numpy(np.float64)


def filled(flows: pd.DataFrame) -> np.ndarray:
    """Returns the values, with zeros where there are none: some libraries take no NaN."""
    return np.nan_to_num(values(flows))


def labels(flows: pd.DataFrame, kind: str) -> np.ndarray:
    if kind == "two":
        return (flows["kind"] == "dns").to_numpy().astype(int)
    if kind == "three":
        return flows["kind"].map(traffic.KINDS.index).to_numpy()
    return flows["kind"].to_numpy()


def of_sklearn(model: Any, x: np.ndarray, y: np.ndarray | None = None) -> onnx.ModelProto:
    model.fit(x, y)
    options = {id(model): {"zipmap": False}} if hasattr(model, "classes_") else None
    inputs = [("X", SklFloats([None, x.shape[1]]))]
    return skl2onnx.convert_sklearn(model, initial_types=inputs, options=options)


def floats(x: np.ndarray) -> list[tuple[str, Any]]:
    return [("X", FloatTensorType([None, x.shape[1]]))]


CLASSIFIERS = {
    "forest": lambda: RandomForestClassifier(100, random_state=0),
    "extra": lambda: ExtraTreesClassifier(20, max_depth=6, random_state=0),
    "tree": lambda: DecisionTreeClassifier(max_depth=5),
    "boosting": lambda: GradientBoostingClassifier(n_estimators=10),
    "logistic": lambda: make_pipeline(StandardScaler(), LogisticRegression(max_iter=200)),
    "network": lambda: make_pipeline(StandardScaler(), MLPClassifier((16,), max_iter=30)),
    "imputed": lambda: make_pipeline(
        SimpleImputer(), StandardScaler(), LogisticRegression(max_iter=200)
    ),
    "xgboost": lambda: xgboost.XGBClassifier(n_estimators=30, max_depth=5),
    "lightgbm": lambda: lightgbm.LGBMClassifier(n_estimators=30, verbose=-1),
}


def made(name: str, x: np.ndarray, y: np.ndarray) -> tuple[Any, onnx.ModelProto]:
    """Returns a trained classifier and its ONNX model."""
    model = CLASSIFIERS[name]()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if name == "xgboost":
            model.fit(x, y)
            return model, onnxmltools.convert_xgboost(model, initial_types=floats(x))
        if name == "lightgbm":
            model.fit(x, y)
            converted = onnxmltools.convert_lightgbm(model, initial_types=floats(x), zipmap=False)
            return model, converted
        return model, of_sklearn(model, x, y)


def expected(path: str, x: np.ndarray) -> list[np.ndarray]:
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: x.astype(np.float32)})


def scores(frame: pd.DataFrame) -> np.ndarray:
    columns = [name for name in frame if str(name).startswith("model_score")]
    return frame[columns].to_numpy(np.float64)


def takes_nan(name: str) -> bool:
    return name in ("forest", "tree", "imputed", "xgboost", "lightgbm")


@pytest.mark.parametrize("kind", ["two", "three", "texts"])
@pytest.mark.parametrize("name", CLASSIFIERS)
def test_classifiers_score_as_onnxruntime_does(
    name: str, kind: str, capture: Path, flows: pd.DataFrame, save: Save
) -> None:
    if name == "xgboost" and kind == "texts":
        pytest.skip("XGBoost has numbers for classes")
    y = labels(flows, kind)
    columns = COLUMNS if takes_nan(name) else COLUMNS[:-1]
    x = flows[columns].to_numpy(np.float64)
    if name == "forest":
        # scikit-learn's trees learn with NaN, but the format of trees cannot say where it goes.
        x = np.nan_to_num(x, nan=-1.0)
    elif not takes_nan(name):
        x = np.nan_to_num(x)
    _, converted = made(name, x, y)
    path = save(converted, nfstream_columns=",".join(columns))
    found = NFStreamer(capture, model=path).to_pandas()
    given = flows[columns].to_numpy(np.float64)
    label, score = expected(path, given)
    assert np.array_equal(found["model_label"].to_numpy(), label)
    assert np.abs(scores(found) - score).max() <= 1e-5
    classes = [str(one) for one in np.unique(y)]
    names = [f"model_score_{one.replace(' ', '_')}" for one in classes]
    assert [one for one in found if "score" in one] == names


@pytest.mark.parametrize("name", ["forest", "xgboost", "lightgbm", "logistic"])
def test_rows_that_differ_from_the_library_are_near_a_threshold(
    name: str, capture: Path, flows: pd.DataFrame, save: Save
) -> None:
    """Models in ONNX have single precision: a value or a threshold that is rounded may change the
    branch. Such rows are near a threshold; all others equal the library."""
    x, y = filled(flows), labels(flows, "three")
    model, converted = made(name, x, y)
    path = save(converted)
    exact = model.predict_proba(x)
    found = expected(path, x)[1]
    differs = np.abs(exact - found).max(axis=1) > 1e-5
    if name == "logistic":
        assert not differs.any()
        return
    assert differs.mean() <= 0.01
    for row in np.flatnonzero(differs):
        # Each value of the row a little smaller, then a little greater.
        near = np.repeat(x[[row]], 2 * x.shape[1], axis=0)
        for place in range(x.shape[1]):
            for number, end in enumerate((-np.inf, np.inf)):
                value = np.nextafter(np.float32(x[row, place]), np.float32(end))
                near[2 * place + number, place] = np.nextafter(value, np.float32(end))
        assert np.abs(model.predict_proba(near) - exact[row]).max() > 1e-5
    print(f"{name}: {differs.sum()} of {len(x)} rows differ from the library by more than 1e-5")


@pytest.mark.parametrize(
    "model",
    [RandomForestRegressor(20, max_depth=6), LinearRegression()],
    ids=lambda model: type(model).__name__,
)
def test_regressors_have_one_score(
    model: Any, capture: Path, flows: pd.DataFrame, save: Save
) -> None:
    x = flows[COLUMNS[:-1]].to_numpy(np.float64)
    path = save(of_sklearn(model, x, x[:, 2]), nfstream_columns=",".join(COLUMNS[:-1]))
    found = NFStreamer(capture, model=path).to_pandas()
    (score,) = expected(path, x)
    assert np.allclose(scores(found), score, rtol=1e-5, atol=1e-5)
    assert [one for one in found if one.startswith("model")] == ["model_score"]


@pytest.fixture
def forest(flows: pd.DataFrame, save: Save) -> str:
    return save(made("lightgbm", values(flows), labels(flows, "texts"))[1])


@pytest.mark.parametrize("name", ["lightgbm", "logistic", "network"])
def test_scores_do_not_depend_on_meters_and_steps(
    name: str, capture: Path, flows: pd.DataFrame, save: Save
) -> None:
    path = save(made(name, filled(flows), labels(flows, "three"))[1])
    tables = [NFStreamer(capture, model=path, n_meters=n).to_arrow() for n in (1, 2, 5)]
    assert tables[0].equals(tables[1])
    assert tables[0].equals(tables[2])
    with_plugin = NFStreamer(capture, model=path, plugins=[NFPlugin()]).to_pandas()
    for column in ("model_label", "model_score_1"):
        assert with_plugin[column].equals(tables[0].to_pandas()[column])


def test_results_are_columns_everywhere(capture: Path, flows: pd.DataFrame, forest: str) -> None:
    all_flows = NFStreamer(capture, model=forest).to_pandas()
    chosen = NFStreamer(
        capture,
        model=forest,
        where="model_label == 'chat' && model_score_chat > 0.9",
        columns=["model_label", "model_score_chat", "dst_port"],
        sort="model_score_chat:desc",
    ).to_pandas()
    wanted = all_flows[(all_flows.model_label == "chat") & (all_flows.model_score_chat > 0.9)]
    assert len(chosen) == len(wanted) > 0
    assert chosen.model_score_chat.is_monotonic_decreasing
    assert (chosen.model_label == "chat").all()
    flow = next(iter(NFStreamer(capture, model=forest)))
    assert flow.model_label in traffic.KINDS
    assert flow.model_score_dns == all_flows.model_score_dns[0]
    assert "statistics" not in all_flows.columns
    assert "bidirectional_mean_ps" not in all_flows.columns


def test_two_models_have_names(capture: Path, flows: pd.DataFrame, save: Save) -> None:
    one = save(made("logistic", filled(flows), labels(flows, "two"))[1], "one")
    two = save(made("tree", filled(flows), labels(flows, "texts"))[1], "two")
    found = NFStreamer(capture, model={"is_dns": one, "kind": Path(two)}).to_pandas()
    names = [name for name in found if name.startswith(("is_dns", "kind"))]
    assert names == [
        "is_dns_label", "is_dns_score_0", "is_dns_score_1", "kind_label", "kind_score_bulk_load",
        "kind_score_chat", "kind_score_dns",
    ]  # fmt: skip


def test_early_records_are_scored(capture: Path, flows: pd.DataFrame, forest: str) -> None:
    early = NFStreamer(capture, model=forest, early_packets=3).to_pandas()
    assert set(early.record_kind) == {"early", "final"}
    final = early[early.record_kind == "final"].drop(columns="record_kind")
    plain = NFStreamer(capture, model=forest).to_pandas()
    for column in ("model_label", "model_score_dns"):
        assert list(final.sort_values("id")[column]) == list(plain.sort_values("id")[column])
    first = early[early.record_kind == "early"]
    assert first.model_score_dns.notna().all()


def test_batch_plugins_see_the_results(capture: Path, flows: pd.DataFrame, forest: str) -> None:
    class Doubled(NFPlugin):
        def on_batch(self, batch: Any) -> Any:
            return {"doubled": batch["model_score_dns"].to_numpy() * 2}

    found = NFStreamer(capture, model=forest, plugins=[Doubled()]).to_pandas()
    assert np.array_equal(found.doubled, found.model_score_dns * 2)


def test_active_flows_are_scored(capture: Path, flows: pd.DataFrame, forest: str) -> None:
    # The pipe stays open, so that its flows stay active.
    reader, writer = os.pipe()
    streamer = NFStreamer(f"/dev/fd/{reader}", model=forest, idle_timeout=100_000)
    reading = threading.Thread(target=lambda: list(streamer))
    reading.start()
    active = None
    with os.fdopen(writer, "wb") as pipe:
        pipe.write(capture.read_bytes())
        pipe.flush()
        limit = time.monotonic() + 30
        while not active and time.monotonic() < limit:
            time.sleep(0.05)
            with contextlib.suppress(RuntimeError):
                active = streamer.active()
    reading.join()
    os.close(reader)
    assert active, "no flow is active"
    assert active["model_label"].null_count == 0


def test_inputs_may_be_one_for_each_column(capture: Path, flows: pd.DataFrame, save: Save) -> None:
    names = ["total_bytes", "bidirectional_mean_ps", "protocol"]
    x = flows[names]
    model = LogisticRegression(max_iter=500).fit(x.to_numpy(float), labels(flows, "two"))
    both = skl2onnx.to_onnx(
        make_pipeline(StandardScaler(), model).fit(x.to_numpy(float), labels(flows, "two")),
        initial_types=[(name, SklFloats([None, 1])) for name in names],
        options={"zipmap": False},
    )
    path = save(both, nfstream_columns="")
    found = NFStreamer(capture, model=path).to_pandas()
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    given = {name: x[[name]].to_numpy(np.float32) for name in names}
    label, score = session.run(None, given)
    assert np.array_equal(found["model_label"].to_numpy(), label)
    assert np.abs(scores(found) - score).max() <= 1e-5


def test_measures_and_headings_are_columns_of_models(
    capture: Path, flows: pd.DataFrame, save: Save
) -> None:
    x = flows[["total_bytes", "total_packets"]].to_numpy(float)
    path = save(of_sklearn(DecisionTreeClassifier(max_depth=3), x, labels(flows, "two")),
                nfstream_columns="")  # fmt: skip
    plain = NFStreamer(capture, model=path, model_columns=["total_bytes", "total_packets"])
    measured = NFStreamer(
        capture,
        model=path,
        measure={"sizes": "pkt.length.sum()", "packets": "pkt.length.count()"},
        model_columns=["sizes", "packets"],
    )
    assert plain.to_pandas().model_label.equals(measured.to_pandas().model_label)


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [COMMAND, *arguments], capture_output=True, text=True, timeout=120, check=False
    )


def test_the_command_scores_flows(
    capture: Path, flows: pd.DataFrame, forest: str, tmp_path: Path
) -> None:
    table = NFStreamer(capture, model=forest).to_pandas()
    columns = "id,model_label,model_score_dns"
    done = run("flows", str(capture), "--model", forest, "--columns", columns)
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert lines[0] == columns
    assert [line.split(",")[1] for line in lines[1:]] == list(table.model_label)
    named = ["--model", f"kind={forest}", "--where", "kind_label == 'dns'"]
    done = run("flows", str(capture), *named, "--columns", "kind_label")
    assert set(done.stdout.split()) == {"kind_label", "dns"}
    if os.name == "posix" and Path("/proc/self/status").exists():
        confined = run("flows", str(capture), "--model", forest, "--columns", columns, "--sandbox")
        assert confined.stdout.splitlines() == lines, confined.stderr


def test_files_record_the_hash_of_the_model(
    capture: Path, flows: pd.DataFrame, forest: str, tmp_path: Path
) -> None:
    hash_of_file = subprocess.run(
        ["b2sum", "-l", "256", forest], capture_output=True, text=True, check=True
    ).stdout.split()[0]
    written = [{"name": "model", "blake2b_256": hash_of_file}]
    NFStreamer(capture, model=forest).to_parquet(tmp_path / "python.parquet")
    run("flows", str(capture), "--model", forest, "-o", str(tmp_path / "command.parquet"))
    for name in ("python", "command"):
        metadata = pq.read_schema(tmp_path / f"{name}.parquet").metadata
        assert json.loads(metadata[b"nfstream.models"]) == written
        assert json.loads(metadata[b"nfstream.parameters"])["model"] == {"model": forest}


def small(**changes: Any) -> onnx.ModelProto:
    """Returns a model with one operator, an input X and an output Y."""
    options: dict[str, Any] = {
        "operator": "Identity", "domain": "", "type": TensorProto.FLOAT, "shape": [None, 2],
        "attributes": {},
    } | changes  # fmt: skip
    node = helper.make_node(
        options["operator"], ["X"], ["Y"], domain=options["domain"], **options["attributes"]
    )
    graph = helper.make_graph(
        [node],
        "graph",
        [helper.make_tensor_value_info("X", options["type"], options["shape"])],
        [helper.make_tensor_value_info("Y", TensorProto.FLOAT, [None, None])],
    )
    opsets = [helper.make_opsetid("", 15), helper.make_opsetid("ai.onnx.ml", 1)]
    return helper.make_model(graph, opset_imports=opsets)


TWO = "total_bytes,total_packets"

MISTAKES = {
    "column": ({}, "total_bytes,totl_packets", "did you mean 'total_packets'?"),
    "count": ({}, "total_bytes", "takes 2 values for each flow, but 1 columns are named"),
    "twice": ({}, "id,id", "column 'id' is named twice"),
    "none": ({}, "", "nothing names their columns"),
    "text": ({}, "total_bytes,application_name", "holds text; models take numbers"),
    "lists": ({}, "total_bytes,splt_ps", "a model takes their items"),
    "beyond": ({}, "total_bytes,splt_ps_11", "set splt_analysis to at least 11"),
    "type": ({"type": TensorProto.BOOL}, TWO, "takes values of type bool"),
    "width": ({"shape": [None, None]}, TWO, "no fixed number of values"),
    "axes": ({"shape": [None, 2, 3]}, TWO, "has 3 axes"),
    "operator": ({"operator": "TreeEnsemble", "domain": "ai.onnx.ml"}, TWO, "TreeEnsemble are not"),
    "null": (
        {"type": TensorProto.INT64, "operator": "Cast", "attributes": {"to": TensorProto.FLOAT}},
        "total_bytes,splt_ps_1",
        "can be null",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_one_error_before_the_first_packet(
    name: str, capture: Path, save: Save
) -> None:
    changes, columns, message = MISTAKES[name]
    path = save(small(**changes), nfstream_columns=columns)
    with pytest.raises(ValueError) as error:
        NFStreamer(capture, model=path)
    assert message in str(error.value)
    assert str(error.value).startswith(path)
    done = run("flows", str(capture), "--model", path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert message in done.stderr


def test_maps_are_refused_with_advice(capture: Path, flows: pd.DataFrame, save: Save) -> None:
    model = LogisticRegression().fit(filled(flows)[:, :2], labels(flows, "two"))
    path = save(skl2onnx.convert_sklearn(model, initial_types=[("X", SklFloats([None, 2]))]))
    with pytest.raises(ValueError, match=r'options=\{"zipmap": False\}'):
        NFStreamer(capture, model=path)


def test_operators_that_are_missing_are_named(
    capture: Path, flows: pd.DataFrame, save: Save
) -> None:
    x = filled(flows)[:300].astype(np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = IsolationForest(n_estimators=3, random_state=0).fit(x)
        opsets = {"": 15, "ai.onnx.ml": 3}
        path = save(skl2onnx.to_onnx(model, x[:1], target_opset=opsets))
    with pytest.raises(ValueError, match="the operators LabelEncoder are not supported"):
        NFStreamer(capture, model=path)


def test_other_mistakes(capture: Path, save: Save, tmp_path: Path) -> None:
    noise = tmp_path / "noise.onnx"
    noise.write_bytes(b"\x00not a model")
    with pytest.raises(ValueError, match="not an ONNX model"):
        NFStreamer(capture, model=noise)
    with pytest.raises(FileNotFoundError):
        NFStreamer(capture, model=tmp_path / "none.onnx")
    path = save(small(), nfstream_columns=TWO)
    for model, message in (
        ({"1st": path}, "no name of a model"),
        ({"application": path, "x": path}, None),
        ([path], "model must be"),
        (7, "model must be"),
    ):
        if message is None:
            NFStreamer(capture, model=model)
            continue
        with pytest.raises(ValueError, match=message):
            NFStreamer(capture, model=model)
    with pytest.raises(ValueError, match="is the column of a model"):
        plugin = NFPlugin()
        plugin.name = "model_score_0"
        NFStreamer(capture, model=path, plugins=[plugin])
    with pytest.raises(ValueError, match="there are 0"):
        NFStreamer(capture, model_columns=["id"])
    with pytest.raises(ValueError, match="name of another column"):
        NFStreamer(capture, model=path, measure={"model_score_0": "pkt.length.max()"})
    with pytest.raises(ValueError, match="time_unit='ms', but the run has 'us'"):
        unit = save(small(), "unit", nfstream_columns=TWO, nfstream_time_unit="ms")
        NFStreamer(capture, model=unit, time_unit="us")


def test_the_documentation_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tests").symlink_to(ROOT / "tests")
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(
        r"^```(py|text)\n(.*?)^```$", (ROOT / "docs/models.md").read_text(), re.M | re.S
    )
    names: dict[str, Any] = {}
    printed = io.StringIO()
    for language, block in blocks:
        if language == "text":
            assert printed.getvalue() == block
            continue
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(block, "docs/models.md", "exec"), names)


def test_the_notebook_of_a_classifier_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT / "examples")
    notebook = json.loads((ROOT / "examples/classifier.ipynb").read_text())
    names: dict[str, Any] = {}
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        for cell in notebook["cells"]:
            if cell["cell_type"] == "code":
                exec(compile("".join(cell["source"]), "classifier.ipynb", "exec"), names)
    assert "labels as in the library: True" in printed.getvalue()
    assert "only certain chats: {'chat'}" in printed.getvalue()


def test_damaged_models_are_refused(
    capture: Path, flows: pd.DataFrame, forest: str, tmp_path: Path
) -> None:
    content = Path(forest).read_bytes()
    damaged = tmp_path / "damaged.onnx"
    rng = np.random.default_rng(0)
    for _ in range(60):
        bytes_ = bytearray(content)
        for at in rng.integers(0, len(bytes_), 3):
            bytes_[at] = int(rng.integers(0, 256))
        damaged.write_bytes(bytes_[: int(rng.integers(1, len(bytes_)))] if _ % 2 else bytes_)
        try:
            NFStreamer(capture, model=damaged)
        except ValueError as error:
            assert str(error).startswith(str(damaged))
