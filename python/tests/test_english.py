"""The section "English" of STYLE.md, checked by a search for the phrases that it forbids."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

SOURCES = ("*.rs", "*.py", "*.pyi", "*.md", "*.toml", "*.sh", "*.c", "*.h", "*.yml", "Makefile")

EXEMPT = {"STYLE.md", "python/tests/test_english.py"}

START = r'^\s*(?://[/!]?|#|"""|\*)\s*'
"""Start of a comment or docstring."""

QUESTION = r"(?:how|what|which|whether|where|when|why|who|whose)"

FORBIDDEN = {
    "begin with a noun or an active verb": (
        START + r"(?:Who|Whose|Whom|By what|By whom)\b",
        START + r"(?:What\b|How (?:often|long|many|much|far)\b)(?![^.]*\?)",
    ),
    "name the subject: 'the meter looks up …'": (
        r"\b(?:is|are|was|were|be|been|being) looked (?:for|at|after|into)\b",
        r"\bis looked\b(?! up)",
        r"\b(?:is|are|was|were|being) (?:asked|told|heard) (?:for|of|by|the|a|to|what|whether)\b",
        r"\bcan be asked\b",
        r"\bunless told otherwise\b",
    ),
    "say, print, return or determine": (
        rf"\btells (?:{QUESTION}|apart|more|nothing)\b",
        rf"\basks (?:{QUESTION}|nobody|nothing)\b",
        r"\bhears (?:of|from|about|that)\b",
    ),
    "name the caller, the user or the program": (
        r"\bwho(?:m|so)?ever\b",
        r"\b(?:to|by|from|for) whom? (?:looks|asks|wants|reads|writes|calls|gives|takes|holds)\b",
        r"\bnobody (?:asks|fills|gives|has|holds|knows|listens|looks|needs|reads|sees)\b",
        r"\bnobody (?:takes|tells|uses|waits|wants|would)\b",
    ),
    "untrusted": (r"\bstrangers\b",),
    "refuse, and say what to do instead": (r"\bis nothing for\b",),
    "reuse, return to the pool": (
        r"\b(?:has|have|had) served\b",
        r"\bserv(?:e|es|ed) (?:again|once more|the next|further|other)\b",
    ),
    "fix": (r"\bmend(?:s|ed|ing)?\b",),
    "separately": (r"(?<!speak )(?<!speaks )\bfor itself\b", r"\bfor themselves\b"),
    "compressed": (
        r"\b(?:un)?packed (?:with|as|in|by) (?:gzip|zstd|xz|bz2|lz4)\b",
        r"\b(?:un)?packed (?:captures?|files?|inputs?|streams?)\b",
    ),
    "extension, suffix": (
        r"\b(?:column|file|name|path)(?:'s|s')? endings?\b",
        r"\bendings? (?:of|in) (?:a |the |its |their )?(?:column|file|name|path)s?\b",
        r"\bby (?:its|the|their) endings?\b",
    ),
    "continue": (r"\b(?:go|goes|gone|went) on\b(?! (?:a|an|the)\b)",),
    "again, or replace": (r"\banew\b",),
    "compared with, in addition to": (
        r"\bbeside (?:libpcap|ndpiReader|nfstream|scapy|softflowd|tcpdump|what)\b",
        r"\bbeside (?:its|the|their) (?:base|bytes|frame|help|label|others?|rest|times|volume)\b",
        r"\b(?:compared|measured) beside\b",
    ),
    "after": (
        r"\bbehind (?:(?:a|an|each|its|that|the|their|these|this|those) )?(?:\w+ )?"
        r"(?:bytes?|fields?|headers?|labels?|lengths?|options?|ports?|tags?)\b",
    ),
    "requested, needed": (r"\b(?:what|that) (?:is|are) wanted\b",),
}
"""Patterns by the advice on what to write instead."""

ALLOWED = (
    "The key is looked up in the table.",
    "The code speaks for itself.",
    "This flag tells the parser to stop at the first error.",
    "The client asks for an address.",
    "Frames that go on the wire",
    "We recommend amending the commit.",
    "Flags are packed in one byte.",
    "The run has a happy ending.",
    "`mod tests` stands beside the code.",
    "The process serves requests.",
    "The user nobody owns the file.",
    "# What if the file is empty?",
    "The application behind a flow",
)
"""Plain English that no pattern may match."""


def tracked(patterns: tuple[str, ...]) -> list[str]:
    """Returns the files of the repository that match."""
    try:
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", *patterns],
            cwd=ROOT,
            capture_output=True,
            check=True,
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("git cannot list the files")
    return sorted(name for name in listed.decode().split("\0") if name and (ROOT / name).is_file())


@pytest.mark.parametrize("advice", FORBIDDEN)
def test_sources_and_documents_have_no_forbidden_phrase(advice: str) -> None:
    pattern = re.compile("|".join(FORBIDDEN[advice]))
    hits = [
        f"{name}:{number}: {line.strip()[:100]}"
        for name in tracked(SOURCES)
        if name not in EXEMPT
        for number, line in enumerate((ROOT / name).read_text("utf-8").splitlines(), 1)
        if pattern.search(line)
    ]
    assert not hits, f"write: {advice}\n" + "\n".join(hits)


@pytest.mark.parametrize("sentence", ALLOWED)
def test_plain_english_is_allowed(sentence: str) -> None:
    matching = [p for patterns in FORBIDDEN.values() for p in patterns if re.search(p, sentence)]
    assert not matching
