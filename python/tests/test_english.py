"""The phrases that the section "English" of STYLE.md forbids stand nowhere else."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

SOURCES = ("*.rs", "*.py", "*.pyi", "*.md", "*.toml", "*.sh", "*.c", "*.h", "*.yml", "Makefile")

EXEMPT = {"STYLE.md", "python/tests/test_english.py"}

COMMENT_START = r'^\s*(?://[/!]?|#|"""|\*)\s*'
"""Where a comment or docstring begins on its line."""

FORBIDDEN = {
    COMMENT_START + r"(?:Who|Whose|Whom|How often|By what|By whom)\b": "begin with a noun or an active verb",
    COMMENT_START + r"What\b(?![^.]*\?)": "begin with a noun or an active verb",
    r"\b(?:is|are|was|were|be|been|being) looked (?:for|at|up|after|into)\b": "name the subject: 'the meter looks up …'",
    r"\b(?:is|are|was|were|being) (?:asked|told|heard|handed) (?:for|of|by|the|a|to|what|whether|anew)\b": "name the subject",
    r"\bof strangers\b|\bthat strangers (?:have )?sen[dt]\b": "untrusted",
    r"\bis nothing for\b": "refuse, and say what to do",
    r"\b(?:serves?|served|have served|has served) again\b|\b(?:has|have) served\b": "reuse, return to the pool",
    r"\bmend(?:s|ed|ing)?\b": "fix",
    r"\bfor itself\b": "separately",
    r"\bpacked (?:with|as|in)\b (?:gzip|zstd|xz|bz2|lz4)": "compressed",
    r"\bgo(?:es)? on (?:to|with|at|until|while|as)\b|\bgo(?:es)? on[.;,]|\bwent on\b": "continue",
    r"\bnobody (?:looks|asks|wants|knows|sees|waits)\b": "name the subject",
    r"\bwho(?:ever)? (?:looks|asks|wants|reads|writes|calls|gives)\b": "name the caller",
    r"\banew\b": "again",
    r"\bbeside (?:it|them|that|nfstream|the other)\b": "compared with, next to",
    r"\bwhat is wanted\b|\bthat (?:is|are) wanted\b": "requested",
}


def tracked(patterns: tuple[str, ...]) -> list[str]:
    """Return the files of the repository that match, or those of the folder where git is missing."""
    try:
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", *patterns],
            cwd=ROOT,
            capture_output=True,
            check=True,
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("git is missing: the list of files is not known")
    return sorted(name for name in listed.decode().split("\0") if name and (ROOT / name).is_file())


@pytest.mark.parametrize("phrase", FORBIDDEN, ids=range(len(FORBIDDEN)))
def test_a_forbidden_phrase_stands_nowhere(phrase: str) -> None:
    """Every hit is named with its file and line, and with what to write."""
    pattern = re.compile(phrase)
    hits = [
        f"{name}:{number}: {line.strip()[:100]}"
        for name in tracked(SOURCES)
        if name not in EXEMPT
        for number, line in enumerate((ROOT / name).read_text("utf-8").splitlines(), 1)
        if pattern.search(line)
    ]
    assert not hits, f"write: {FORBIDDEN[phrase]}\n" + "\n".join(hits)
