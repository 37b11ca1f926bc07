"""Which words of the source prompt answer which words of the target prompt."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import Enum

from .prompt import Prompt, Word


class Change(Enum):
    """What became of a run of words."""

    KEPT = "kept"
    SWAPPED = "swapped"
    ADDED = "added"
    REMOVED = "removed"


@dataclass(frozen=True)
class WordRun:
    """A run of source words and the run of target words that answers it; one of them empty if added or removed."""

    change: Change
    source: tuple[Word, ...]
    target: tuple[Word, ...]


_CHANGES = {"equal": Change.KEPT, "replace": Change.SWAPPED, "insert": Change.ADDED, "delete": Change.REMOVED}


def align(source: Prompt, target: Prompt) -> tuple[WordRun, ...]:
    """Align two prompts word by word, in reading order; every word of both is in exactly one run.

    A word is kept where its tokens are the same, whatever its weight, so "dog," is the words "dog" and ",". Where
    as many words follow each other swapped as replace them, each answers the one in its place.
    """
    before, after = source.words, target.words
    head = _common_prefix(before, after)
    tail = _common_prefix(before[head:][::-1], after[head:][::-1])
    middle = SequenceMatcher(
        None,
        [w.identity for w in before[head : len(before) - tail]],
        [w.identity for w in after[head : len(after) - tail]],
        autojunk=False,
    )
    spans = [("equal", 0, head, 0, head)]
    spans += [(tag, i + head, j + head, k + head, m + head) for tag, i, j, k, m in middle.get_opcodes()]
    spans.append(("equal", len(before) - tail, len(before), len(after) - tail, len(after)))
    runs: list[WordRun] = []
    for tag, i, j, k, m in spans:
        change = _CHANGES[tag]
        if change is Change.SWAPPED and j - i == m - k:
            runs += [WordRun(change, (a,), (b,)) for a, b in zip(before[i:j], after[k:m], strict=True)]
        elif j > i or m > k:
            runs.append(WordRun(change, before[i:j], after[k:m]))
    return tuple(runs)


def _common_prefix(before: tuple[Word, ...], after: tuple[Word, ...]) -> int:
    count = 0
    for a, b in zip(before, after, strict=False):
        if a.identity != b.identity:
            break
        count += 1
    return count
