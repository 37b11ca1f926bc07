"""Judges how an encoder's words of a pair of prompts were aligned, by the changes that are known.

Words are found in the prompts by their spelling, since every encoder cuts them in its own way; a word that has a part
in a change may be reported as changed, and no other.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from .pairs import Example, Span

UNKNOWN = "\ufffd"
_SKIPPED = re.compile(r"[!-/:-@\[-`{-~]*(:[-+]?[\d.]+)?[!-/:-@\[-`{-~]*")


class Verdict(Enum):
    """What became of a pair's changes."""

    AS_NAMED = "as named"
    ALIKE = "read alike"
    """But for changes whose two sides are the same tokens to this encoder."""
    CUT = "cut otherwise"
    """With neighbours of a change that no space parts from it, and that the encoder cuts otherwise for that."""
    OTHERWISE = "otherwise"
    """By other words, and no more of them."""
    LONGER = "longer"
    """By more words than are changed."""
    MISSPELT = "misspelt"
    """The words do not spell the prompt."""


@dataclass
class Judged:
    """A verdict; how many words should have answered each other singly, and did; and what else is to be said."""

    verdict: Verdict
    due: int = 0
    met: int = 0
    said: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Side:
    """The words of one prompt: the change that each has a part in, the changes whose words go on outside, the words
    that a change only touches, and those that no space parts from one.
    """

    words: Sequence[Any]
    named: dict[int, int]
    straddled: frozenset[int]
    touched: frozenset[int]
    beside: frozenset[int]


def judge(example: Example, pair: Any) -> Judged:
    """Judge a Pair of the pack's."""
    try:
        sides = tuple(_side(example, number, prompt.words) for number, prompt in enumerate((pair.source, pair.target)))
    except ValueError as error:
        return Judged(Verdict.MISSPELT, said=[str(error)])
    before, after = sides
    judged, reported, crossed, cut, at = Judged(Verdict.AS_NAMED), 0, False, False, [0, 0]
    kept: Counter[int] = Counter()
    weighed: Counter[int] = Counter()
    for run in pair.runs:
        firsts = range(at[0], at[0] + len(run.source))
        seconds = range(at[1], at[1] + len(run.target))
        at = [firsts.stop, seconds.stop]
        if run.change.value == "kept":
            for i, j in zip(firsts, seconds, strict=True):
                if {*before.words[i].weights} != {*after.words[j].weights}:
                    crossed |= not (i in before.named and j in after.named)
                    weighed[before.named.get(i, -1)] += 1
                elif before.named.get(i) != after.named.get(j) and not (i in before.touched or j in after.touched):
                    crossed = True
                    judged.said.append(f"kept: {before.words[i].text!r}")
                elif i in before.named:
                    kept[before.named[i]] += 1
            continue
        reported += len(firsts) + len(seconds)
        for side, places in ((before, firsts), (after, seconds)):
            for place in places:
                if place not in side.named and place not in side.touched:
                    crossed |= place not in side.beside
                    cut = True
                    judged.said.append(f"{run.change.value}: {side.words[place].text!r}")
    counts = [Counter(side.named.values()) for side in sides]
    if crossed:
        least = sum(sum(count.values()) for count in counts) - 2 * (kept + weighed).total()
        judged.verdict = Verdict.OTHERWISE if reported <= least else Verdict.LONGER
        return judged
    for change, named in enumerate(example.changes):
        if counts[0][change] and counts[0][change] == counts[1][change] == kept[change]:
            judged.verdict = Verdict.ALIKE
            judged.said.append(f"alike: {named}")
    if cut:
        judged.verdict = Verdict.CUT
        return judged
    single = _single(example, counts, before.straddled | after.straddled)
    single = {change for change in single if not kept[change]}
    judged.due = sum(counts[0][change] - weighed[change] for change in single)
    judged.met = _singly(pair, before, after, single)
    return judged


def _single(example: Example, counts: Sequence[Counter], straddled: frozenset[int]) -> set[int]:
    """The changes of as many words before as after, but for those beside others that are not."""
    single: set[int] = set()
    for beside in example.neighbours:
        if not straddled & {*beside} and all(counts[0][change] == counts[1][change] for change in beside):
            single.update(beside)
    return single


def _singly(pair: Any, before: _Side, after: _Side, single: set[int]) -> int:
    """How many words of these changes answer one word of the same change."""
    met, at = 0, [0, 0]
    for run in pair.runs:
        first, second = before.named.get(at[0]), after.named.get(at[1])
        swapped = run.change.value == "swapped" and len(run.source) == len(run.target) == 1
        met += swapped and first in single and first == second
        at = [at[0] + len(run.source), at[1] + len(run.target)]
    return met


def _side(example: Example, number: int, words: Sequence[Any]) -> _Side:
    text = (example.source, example.target)[number]
    places = located([word.text for word in words], text)
    named: dict[int, int] = {}
    straddled, touched = set(), set()
    for change, (start, end) in enumerate(example.spans(number)):
        other = example.changes[change][1 - number]
        for place, (first, last) in enumerate(places):
            if first < end and start < last:
                named.setdefault(place, change)
                if first < start or last > end:
                    straddled.add(change)
            elif start == end and (
                first < start < last
                or (first == start and _sticks(text[first], other[-1:]))
                or (last == start and _sticks(text[last - 1], other[:1]))
            ):
                touched.add(place)
        touched.update(_slides(words, [place for place, known in named.items() if known == change], other))
    return _Side(
        words, named, frozenset(straddled), frozenset(touched), frozenset(_beside(example, number, text, places))
    )


def _slides(words: Sequence[Any], inside: Sequence[int], other: str) -> Iterator[int]:
    """Of "b, " that comes or goes in "a, b, c": both commas, since it is as well ", b"."""
    if inside and not other:
        for place, outside in ((inside[-1], inside[0] - 1), (inside[0], inside[-1] + 1)):
            if 0 <= outside < len(words) and words[place].text == words[outside].text:
                yield from (place, outside)


def _beside(example: Example, number: int, text: str, places: Sequence[Span]) -> Iterator[int]:
    """Words in one stretch of letters or signs with a change, and two more on both sides where no space is between."""
    spans = example.spans(number)
    letters, whole = (
        [found.span() for found in re.finditer(stretch, text) if any(_touch(found.span(), span) for span in spans)]
        for stretch in (r"\w+|[^\w\s]+", r"\S+")
    )
    close = {place for place, span in enumerate(places) if any(_touch(span, one) for one in (*spans, *letters))}
    for place, span in enumerate(places):
        near = close & {*range(place - 2, place + 3)}
        if place in close or (near and any(_touch(span, one) for one in whole)):
            yield place


def _touch(one: Span, other: Span) -> bool:
    return one[0] <= other[1] and other[0] <= one[1]


def _sticks(one: str, other: str) -> bool:
    return one.isalnum() and other.isalnum()


def located(words: Sequence[str], text: str) -> list[Span]:
    """Where words stand in a prompt; raises ValueError if they do not spell it, or leave more out than weights.

    What an encoder does not know stands where nothing else does.
    """
    letters, indices = [], []
    for index, sign in enumerate(text):
        key = _key(sign)
        letters.append(key)
        indices += [index] * len(key)
    whole, at = "".join(letters), 0
    spans: list[list[int]] = [[] for _ in words]
    unknown: list[int] = []
    for number, word in enumerate(words):
        for part in re.split(f"({UNKNOWN}+)", word.replace("<unk>", UNKNOWN)):
            if part.startswith(UNKNOWN):
                unknown.append(number)
            elif key := "".join(map(_key, part)):
                found = whole.find(key, at)
                if found < 0 or not (unknown or _SKIPPED.fullmatch(whole[at:found])):
                    raise ValueError(f"{word!r} is not at {whole[at : at + 30]!r}")
                for one in unknown:
                    spans[one] += [at, found]
                spans[number] += [found, found + len(key)]
                at, unknown = found + len(key), []
    for one in unknown:
        spans[one] += [at, len(whole)]
    if not unknown and not _SKIPPED.fullmatch(whole[at:]):
        raise ValueError(f"nothing is read of {whole[at : at + 30]!r}")
    indices.append(len(text))
    places: list[Span] = []
    for span in spans:
        after = places[-1][1] if places else 0  # where a sign by itself stands that goes with a letter
        places.append((indices[min(span)], indices[max(span) - 1] + 1) if span else (after, after + 1))
    return places


def _key(sign: str) -> str:
    """A sign as all encoders spell it: in small letters and its usual form, without accents, joiners and spaces."""
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", sign).casefold())
    return "".join(one for one in plain if unicodedata.category(one) not in ("Mn", "Me", "Cf", "Zs", "Cc"))
