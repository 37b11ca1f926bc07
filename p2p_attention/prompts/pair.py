"""A source prompt and one of its target prompts, aligned."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from .alignment import Change, WordRun, align
from .prompt import Prompt, positions_of


@dataclass(frozen=True)
class PairPositions:
    """Token positions of some words in the source prompt and in one target prompt."""

    source: tuple[int, ...] = ()
    target: tuple[int, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.source or self.target)


@dataclass(frozen=True)
class Pair:
    """A source and a target prompt, whose alignment is made once."""

    source: Prompt
    target: Prompt

    @cached_property
    def runs(self) -> tuple[WordRun, ...]:
        """Which words of the source answer which of the target, in reading order (see `align`)."""
        return align(self.source, self.target)

    @property
    def differs(self) -> bool:
        """True if any word's tokens or weight are not the same in both prompts."""
        before, after = self.source.words, self.target.words
        return [(w.identity, w.weights) for w in before] != [(w.identity, w.weights) for w in after]

    @cached_property
    def changed(self) -> PairPositions:
        """Where the words stand that were swapped, added or removed, or whose weight changed."""
        before: list[int] = []
        after: list[int] = []
        for run in self.runs:
            if run.change is not Change.KEPT or _is_reweighted(run):
                before += positions_of(run.source)
                after += positions_of(run.target)
        return PairPositions(tuple(before), tuple(after))


def _is_reweighted(run: WordRun) -> bool:
    """True if a kept word's weight changed, which may have other tokens and not as many."""
    return any(
        a.weights != b.weights if len(a.weights) == len(b.weights) else {*a.weights} != {*b.weights}
        for a, b in zip(run.source, run.target, strict=True)
    )
