"""Windows of their own for words, as people type them: "car: 0.0 - 0.4"."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from ..errors import EditError
from ..prompts.pair import Pair
from ..prompts.search import find_words
from ..quote import quote
from .column_map import Kind, fed_positions
from .injection import WordWindow
from .window import Window

_NUMBER, _DASH = r"\d+\.?\d*|\.\d+", r"-|–|—|…|\.{2,3}|to"
_LINE = re.compile(rf"(?P<words>.+):\s*(?P<start>{_NUMBER})\s*(?:{_DASH})\s*(?P<end>{_NUMBER})\s*")
_WINDOW = re.compile(rf":\s*(?:{_NUMBER})\s*(?:{_DASH})\s*(?:{_NUMBER})")


def read_word_windows(text: str, kind: Kind, pairs: Sequence[Pair]) -> list[tuple[WordWindow, ...]]:
    """Read one window a line (or between semicolons), e.g. "car: 0.0 - 0.4" or "red, large circle: 0.2 – 1".

    Returns the windows of the target of each pair. Raises EditError, quoting the line, for one of another form, a
    number or a word that does not fit, or words that take nothing from the source, so that the window cannot act.
    """
    read = [_read(line, kind, pairs) for line in _lines(text)]
    return [tuple(windows[place] for windows in read) for place in range(len(pairs))]


def check_form(text: str) -> None:
    """Raise EditError, quoting the line, for what cannot be a word window, whatever the prompts."""
    for line in _lines(text):
        match = _match(line)
        with _of_line(line):
            Window(float(match["start"]), float(match["end"]))


def _lines(text: str) -> list[str]:
    return [line.strip() for line in re.split(r"[\n;]", text) if line.strip()]


def _read(line: str, kind: Kind, pairs: Sequence[Pair]) -> list[WordWindow]:
    match = _match(line)
    with _of_line(line):
        window = Window(float(match["start"]), float(match["end"]))
        found = find_words(match["words"], [pair.target for pair in pairs])
    if not any(fed_positions(kind, pair) & {*at} for pair, at in zip(pairs, found, strict=True)):
        raise EditError(
            f"the words of the word window {quote(line)} take nothing from the source prompt (they were added), so a "
            "window cannot act on them",
            f"Name words that {'were swapped or ' * (kind is Kind.SWAP)}both prompts share.",
        )
    return [WordWindow(positions, window) for positions in found]


def _match(line: str) -> re.Match[str]:
    match = _LINE.fullmatch(line)
    first = _WINDOW.search(line)
    if first and ":" in line[first.end() :]:
        raise EditError(f"the word window {quote(line)} holds several; write one a line, or put a semicolon between.")
    if match is None:
        raise EditError(f"the word window {quote(line)} cannot be read; write it as 'car: 0.0 - 0.4'.")
    return match


@contextmanager
def _of_line(line: str) -> Iterator[None]:
    try:
        yield
    except EditError as error:
        raise EditError(f"the word window {quote(line)}: {error}") from error
