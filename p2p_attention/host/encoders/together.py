"""One prompt read by two encoders, which cut it into words each in its own way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from itertools import product

from ...prompts.prompt import Word
from .spelling import UNKNOWN, bare

Span = tuple[int, int, int, int]  # [i, j) of one reading and [k, m) of the other


def merged(words: Sequence[Word], others: Sequence[Word], keeps_positions: bool = True) -> tuple[Word, ...]:
    """The words that both readings have, each with the tokens of both.

    Where they cut differently ("don't", an emoji that one of them does not know), all between two common words is one
    word. Without `keeps_positions` the others' tokens tell words apart, and have no columns.
    """
    return tuple(
        _merge(words[i:j], others[k:m], keeps_positions) for i, j, k, m in _common(_texts(words), _texts(others))
    )


def _texts(words: Sequence[Word]) -> list[str]:
    """The words as both readings spell them: CLIP writes in small letters."""
    return [word.text.casefold() for word in words]


def _common(words: list[str], others: list[str]) -> Iterator[Span]:
    """Spans of both readings that belong together, in order; none of them empty unless a whole reading is."""
    spans: list[Span] = []
    for tag, i, j, k, m in SequenceMatcher(None, words, others, autojunk=False).get_opcodes():
        if tag == "equal":
            spans += [(i + n, i + n + 1, k + n, k + n + 1) for n in range(j - i)]
        else:
            spans += _in_step(words, others, i, j, k, m)
    whole: list[Span] = []
    for i, j, k, m in spans:
        if whole and (i == j or k == m or _is_half(whole[-1])):
            first, _, start, _ = whole.pop()
            whole.append((first, j, start, m))
        else:
            whole.append((i, j, k, m))
    yield from whole


def _in_step(
    words: list[str], others: list[str], i: int, j: int, k: int, m: int
) -> Iterator[tuple[int, int, int, int]]:
    """Parts of two spans without a common word that yet spell the same, and in the end what does not."""
    if j - i == m - k and all(map(_may_spell_the_same, words[i:j], others[k:m])):
        yield from ((i + n, i + n + 1, k + n, k + n + 1) for n in range(j - i))
        return
    first, second = i, k
    for end, to in product(range(i + 1, j + 1), range(k + 1, m + 1)):
        if end > first and to > second and _spell_the_same(words[first:end], others[second:to]):
            yield first, end, second, to
            first, second = end, to
    if first < j or second < m:
        yield first, j, second, m


def _spell_the_same(words: list[str], others: list[str]) -> bool:
    if len(words) == len(others) == 1 and UNKNOWN not in (words[0], others[0]):
        return _may_spell_the_same(words[0], others[0])
    return "".join(words) == "".join(others)


def _may_spell_the_same(word: str, other: str) -> bool:
    return word == other or _may_be(word, other) or _may_be(other, word)


def _may_be(marked: str, word: str) -> bool:
    """True if a word has the letters that another reading knows of it, in order, and some where it knows none."""
    first, *middle = marked.split(UNKNOWN)
    if not middle or not word.startswith(first):
        return False
    at, last = len(first), middle.pop()
    for part in middle:
        found = word.find(part, at + 1)
        if found < 0:
            return False
        at = found + len(part)
    return word.endswith(last) and len(word) - len(last) > at


def _is_half(span: Span) -> bool:
    return span[0] == span[1] or span[2] == span[3]


def _merge(words: Sequence[Word], others: Sequence[Word], keeps_positions: bool) -> Word:
    both = (*words, *others)
    first, second = ("".join(word.text for word in part) for part in (words, others))
    known = [part for part in (first, second) if part and UNKNOWN not in part] or [first or second]
    if second == bare(first):  # it has the sign beside the word in one piece with the next one
        known = [second]
    placed = both if keeps_positions else tuple(words)
    return Word(
        text=known[0],
        positions=tuple(at for word in placed for at in word.positions),
        identity=tuple(
            (number, one) for number, part in enumerate((words, others)) for w in part for one in w.identity
        ),
        weights=tuple(weight for word in placed for weight in word.weights),
    )
