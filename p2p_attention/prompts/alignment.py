"""Which words of the source prompt answer which words of the target prompt."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import Enum
from itertools import groupby

from .prompt import EMBEDDING, Prompt, Word

TORN = "\ufffd"  # what a part of a character is spelled as


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

    A word is kept where it is spelled the same, whatever its weight, so "dog," is the words "dog" and ",". Many
    vocabularies have a word twice, behind a space and without one, as at the head of a prompt: it may be kept and have
    other tokens; if not as many, it is a run by itself. Where as many words follow each other swapped as replace them,
    each answers the one in its place.
    """
    before, after = source.words, target.words
    first, second = _spelled(source), _spelled(target)
    head = _common_prefix(first, second)
    tail = _common_prefix(first[head:][::-1], second[head:][::-1])
    middle = SequenceMatcher(None, first[head : len(before) - tail], second[head : len(after) - tail], autojunk=False)
    spans = [("equal", 0, head, 0, head)]
    spans += [(tag, i + head, j + head, k + head, m + head) for tag, i, j, k, m in middle.get_opcodes()]
    spans.append(("equal", len(before) - tail, len(before), len(after) - tail, len(after)))
    runs: list[WordRun] = []
    for tag, i, j, k, m in spans:
        change = _CHANGES[tag]
        if change is Change.KEPT:
            runs += _kept(before[i:j], after[k:m])
        elif change is Change.SWAPPED and j - i == m - k:
            runs += _one_by_one(change, before[i:j], after[k:m])
        else:
            runs.append(WordRun(change, before[i:j], after[k:m]))
    return tuple(runs)


def _kept(before: Sequence[Word], after: Sequence[Word]) -> Iterator[WordRun]:
    """Runs of words that are spelled alike; one that has not as many tokens in both prompts is a run by itself."""
    both = zip(before, after, strict=True)
    for even, pairs in groupby(both, lambda pair: len(pair[0].positions) == len(pair[1].positions)):
        one, other = zip(*pairs, strict=True)
        yield from [WordRun(Change.KEPT, one, other)] if even else _one_by_one(Change.KEPT, one, other)


def _one_by_one(change: Change, before: Sequence[Word], after: Sequence[Word]) -> list[WordRun]:
    return [WordRun(change, (a,), (b,)) for a, b in zip(before, after, strict=True)]


def _spelled(prompt: Prompt) -> list[Hashable]:
    """By what a prompt's words are told apart: spelling, and what has none, an embedding or a torn character, by its
    tokens.
    """
    tokens = prompt.tokens
    spelled: list[Hashable] = []
    for word in prompt.words:
        parts = "".join(tokens[at].text for at in word.positions)
        torn = EMBEDDING in parts or TORN in parts
        spelled.append(word.identity if torn else (word.text, parts))
    return spelled


def _common_prefix(before: Sequence[Hashable], after: Sequence[Hashable]) -> int:
    count = 0
    for a, b in zip(before, after, strict=False):
        if a != b:
            break
        count += 1
    return count
