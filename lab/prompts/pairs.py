"""Pairs of prompts in one line, "a {red|blue} cat", and those of written.txt."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

WRITTEN = Path(__file__).with_name("written.txt")
_CHANGE = re.compile(r"\{([^{}|]*)\|([^{}|]*)\}")

Span = tuple[int, int]


@dataclass(frozen=True)
class Example:
    """A pair of prompts of some `kind`, in which each {before|after} is a change."""

    kind: str
    marked: str

    @cached_property
    def source(self) -> str:
        """The source prompt."""
        return _CHANGE.sub(r"\1", self.marked)

    @cached_property
    def target(self) -> str:
        """The target prompt."""
        return _CHANGE.sub(r"\2", self.marked)

    @cached_property
    def changes(self) -> tuple[tuple[str, str], ...]:
        """What each change takes away, and what it puts there."""
        return tuple((found[1], found[2]) for found in _CHANGE.finditer(self.marked))

    @cached_property
    def neighbours(self) -> list[list[int]]:
        """The changes, those together between which nothing stands."""
        groups: list[list[int]] = []
        end = -1
        for number, found in enumerate(_CHANGE.finditer(self.marked)):
            if groups and not self.marked[end : found.start()].strip():
                groups[-1].append(number)
            else:
                groups.append([number])
            end = found.end()
        return groups

    def spans(self, side: int) -> tuple[Span, ...]:
        """Where each change stands in the source (side 0) or in the target (1)."""
        spans, cut = [], 0
        for found in _CHANGE.finditer(self.marked):
            own = len(found[side + 1])
            spans.append((found.start() - cut, found.start() - cut + own))
            cut += len(found[0]) - own
        return tuple(spans)


def written() -> list[Example]:
    """The pairs of written.txt, each with the kind that it stands below."""
    examples, kind = [], ""
    for line in WRITTEN.read_text("utf-8").splitlines():
        if line.startswith("## "):
            kind = line[3:]
        elif line and not line.startswith("#"):
            examples.append(Example(kind, line.replace(r"\n", "\n")))
    return examples
