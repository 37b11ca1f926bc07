"""Edits of single words, a line each, as people type them into one box: "striped: strength 2"."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ..errors import EditError
from ..quote import quote
from .word_windows import check_form

_STRENGTH = re.compile(r"(?P<words>.+):\s*strength\s*(?P<strength>[-+]?(?:\d+\.?\d*|\.\d+))", re.IGNORECASE)
_BLEND = re.compile(r"blend\s*(?::\s*(?P<words>.*))?", re.IGNORECASE)


@dataclass(frozen=True)
class Lines:
    """What the lines say: word windows as they stand, (words, strength) pairs, and the words of blends."""

    windows: str
    strengths: tuple[tuple[str, float], ...]
    blends: tuple[str, ...]


def read_lines(text: str) -> Lines:
    """Read lines such as "striped: strength 2", "car: 0.0 - 0.4" and "blend: car"; "blend" alone is of the words
    that changed. Raises EditError, quoting the line, for one of another form.
    """
    windows: list[str] = []
    strengths: list[tuple[str, float]] = []
    blends: list[str] = []
    for line in _lines(text):
        if found := _STRENGTH.fullmatch(line):
            strengths.append((found["words"].strip(), float(found["strength"])))
        elif found := _BLEND.fullmatch(line):
            blends.append((found["words"] or "").strip())
        else:
            _check_window(line)
            windows.append(line)
    return Lines("\n".join(windows), tuple(strengths), tuple(blends))


def _lines(text: str) -> Iterator[str]:
    return (line.strip() for line in re.split(r"[\n;]", text) if line.strip())


def _check_window(line: str) -> None:
    if not re.search(r":\s*\d", line):
        raise EditError(
            f"the line {quote(line)} cannot be read",
            "Write 'striped: strength 2', 'car: 0.0 - 0.4' or 'blend: car'.",
        )
    check_form(line)
