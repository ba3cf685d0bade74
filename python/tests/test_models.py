"""Models in a build that may lack them; `make test-models` tests the others."""

from __future__ import annotations

from pathlib import Path

import pytest

from nfstream import NFStreamer


def test_a_file_that_is_no_model_is_one_error(redis: Path, tmp_path: Path) -> None:
    path = tmp_path / "noise.onnx"
    path.write_bytes(b"\0noise")
    reason = r"build nfstream with the cargo feature 'models'|not an ONNX model"
    with pytest.raises(ValueError, match=reason) as error:
        NFStreamer(redis, model=path)
    assert str(error.value).startswith(str(path))
    with pytest.raises(FileNotFoundError):
        NFStreamer(redis, model=tmp_path / "none.onnx")


def test_columns_of_a_model_need_a_model(redis: Path) -> None:
    with pytest.raises(ValueError, match="belongs to one model, but there are 0"):
        NFStreamer(redis, model_columns=["id"])
    with pytest.raises(ValueError, match="must be a list of names"):
        NFStreamer(redis, model_columns="id")
    with pytest.raises(ValueError, match="model must be the path of a model"):
        NFStreamer(redis, model=7)  # type: ignore[arg-type]
