"""Windows of their own for words, as people type them: "car: 0.0 - 0.4"."""

from __future__ import annotations

import re
from collections.abc import Sequence

from .column_map import map_columns
from .edits import Kind, WordWindow
from .prompt import Prompt
from .window import Window
from .word_search import find_words

_LINE = re.compile(r"(?P<words>.+):\s*(?P<start>[\d.]+)\s*(?:-|–|—|…|\.{2,3}|to)\s*(?P<end>[\d.]+)\s*")


def read_word_windows(text: str, targets: Sequence[Prompt]) -> tuple[WordWindow, ...]:
    """Read one window a line (or between semicolons), e.g. "car: 0.0 - 0.4" or "red, large circle: 0.2 – 1".

    Raises ValueError for a line of another form, a number or a word that does not fit, quoting the line.
    """
    return tuple(_read(line.strip(), targets) for line in re.split(r"[\n;]", text) if line.strip())


def check_sources(windows: Sequence[WordWindow], kind: Kind, source: Prompt, targets: Sequence[Prompt]) -> None:
    """Raise ValueError for a window none of whose words takes anything from the source, so that it cannot act."""
    columns = [map_columns(kind, source, target) for target in targets] if windows else []
    for window in windows:
        taken = [bool(c.has_source[list(at)].any()) for c, at in zip(columns, window.positions, strict=True)]
        if not any(taken):
            raise ValueError(
                f"the words of the word window {window.window.start:g} - {window.window.end:g} take nothing from the "
                "source prompt (they were added), so a window cannot act on them. Name words that both prompts share."
            )


def _read(line: str, targets: Sequence[Prompt]) -> WordWindow:
    match = _LINE.fullmatch(line)
    if match is None:
        raise ValueError(f"the word window {line!r} cannot be read; write it as 'car: 0.0 - 0.4'.")
    try:
        window = Window(float(match["start"]), float(match["end"]))
        return WordWindow(find_words(match["words"], targets), window)
    except ValueError as error:
        raise ValueError(f"the word window {line!r}: {error}") from error
