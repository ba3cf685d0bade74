"""Runs the examples of the documentation and compares their output."""

from __future__ import annotations

import contextlib
import copy
import io
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbclient
import nbformat
import pytest

from conftest import ROOT

DOCUMENTS = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
NOTEBOOK = ROOT / "examples" / "demo.ipynb"
CLASSIFIER = ROOT / "examples" / "classifier.ipynb"
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
OURS = re.compile(r"^\$ .*\bnfstream (flows|summary|columns)\b|^\$ (head|ls) ")


@dataclass
class Example:
    """A code block that can run, and its expected output, if there is one."""

    line: int
    language: str
    code: str
    printed: str | None


def examples(document: Path) -> Iterator[Example]:
    """Yields Python blocks with the text blocks that follow them, and console commands."""
    text = document.read_text()
    blocks = list(FENCE.finditer(text))
    for index, block in enumerate(blocks):
        line = text.count("\n", 0, block.start()) + 2
        language, content = block.groups()
        if language == "python":
            after = blocks[index + 1] if index + 1 < len(blocks) else None
            follows = after and after[1] == "text" and not text[block.end() : after.start()].strip()
            yield Example(line, "python", content, after[2] if after and follows else None)
        if language == "console":
            for command in re.finditer(r"^\$ .*\n((?!\$ ).*\n)*", content, re.MULTILINE):
                first, _, printed = command[0].partition("\n")
                if OURS.match(first):
                    yield Example(line, "console", first.removeprefix("$ "), printed)


def run_python(example: Example, names: dict[str, Any]) -> str:
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(example.code, f"line {example.line}", "exec"), names)
    return printed.getvalue()


def run_command(example: Example) -> str:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    child = subprocess.run(
        ["bash", "-c", example.code],
        env={**os.environ, "PATH": path, "COLUMNS": "100", "NO_COLOR": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert child.stderr == ""
    return child.stdout


def test_the_site_has_every_page() -> None:
    site = (ROOT / "packages/site/mkdocs.yml").read_text()
    for page in (ROOT / "docs").glob("*.md"):
        assert re.search(rf"(- |: ){page.name}$", site, re.MULTILINE), page.name


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_examples_print_what_the_document_says(
    document: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needed = {"clusters.md": "distributed", "remote.md": "fsspec"}.get(document.name)
    if needed is not None:
        pytest.importorskip(needed)
    # Examples read the captures of the repository and write to a temporary folder.
    (tmp_path / "tests").symlink_to(ROOT / "tests")
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"__name__": "document"}
    for example in examples(document):
        is_python = example.language == "python"
        printed = run_python(example, names) if is_python else run_command(example)
        if example.printed is not None:
            place = f"{document.name}, line {example.line}"
            assert tidy(printed) == tidy(example.printed), place


def tidy(text: str) -> list[str]:
    return [line.rstrip() for line in text.strip().splitlines()]


def test_links_of_documents_exist() -> None:
    for document in [*DOCUMENTS, *ROOT.glob("*.md"), ROOT / "tests" / "captures" / "README.md"]:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", document.read_text()):
            assert (document.parent / target).exists(), f"{document.name} links to {target}"


def test_notebook_outputs_match_the_stored_ones() -> None:
    stored = nbformat.read(NOTEBOOK, as_version=4)  # type: ignore[no-untyped-call]
    notebook = copy.deepcopy(stored)
    nbclient.NotebookClient(
        notebook,
        timeout=100,
        kernel_name="python3",
        record_timing=False,
        resources={"metadata": {"path": NOTEBOOK.parent}},
    ).execute()
    if os.environ.get("NFSTREAM_BLESS") == "1":
        notebook.metadata = stored.metadata
        nbformat.write(notebook, NOTEBOOK)  # type: ignore[no-untyped-call]
        return
    assert [texts(cell) for cell in notebook.cells] == [texts(cell) for cell in stored.cells]


def test_the_notebook_of_a_classifier_runs() -> None:
    """Cells with the tag `onnx` need a build with models: `make test-models` runs them."""
    notebook = nbformat.read(CLASSIFIER, as_version=4)  # type: ignore[no-untyped-call]
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    names: dict[str, Any] = {}
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        for cell in cells:
            if "onnx" not in cell.metadata.get("tags", []):
                exec(compile(cell.source, CLASSIFIER.name, "exec"), names)
    shutil.rmtree(names["folder"])
    assert "3000 of 3000 flows have a label" in printed.getvalue()
    assert "accuracy above 0.9: True" in printed.getvalue()


def texts(cell: Any) -> list[str]:
    """Returns the outputs of a cell as text."""
    outputs = cell.get("outputs", [])
    return [output.get("text") or output["data"]["text/plain"] for output in outputs]


@pytest.mark.parametrize(
    "script", sorted((ROOT / "examples").glob("*.py")), ids=lambda path: path.name
)
def test_script_of_examples_runs(script: Path, web: Path) -> None:
    child = subprocess.run(
        [sys.executable, str(script), str(web)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert child.returncode == 0, child.stderr
    assert child.stdout
