"""Pairs of prompts made by chance, with changes that are known, of the kinds that people write (see written.txt)."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from .pairs import Example
from .vocabulary import DEEDS, EMOJI, LANGUAGES, LOOKS, PLACES, SUBJECTS, TAGS


def generated(count: int, seed: int = 0) -> list[Example]:
    """So many pairs, of every kind in turn."""
    chance = random.Random(seed)
    kinds = list(KINDS)
    return [Example(kind, KINDS[kind](chance)) for kind in (kinds[number % len(kinds)] for number in range(count))]


def _mark(before: str, after: str) -> str:
    return f"{{{before}|{after}}}"


def _other(chance: random.Random, pool: Sequence[str], *known: str) -> str:
    return chance.choice([one for one in pool if one not in known])


def _tags(chance: random.Random, most: int = 20) -> list[str]:
    return chance.sample(TAGS, chance.randint(4, most))


def _swapped_tags(chance: random.Random) -> str:
    tags = _tags(chance)
    place = chance.randrange(len(tags))
    tags[place] = _mark(tags[place], _other(chance, TAGS, *tags))
    return chance.choice([", ", ", ", ","]).join(tags)


def _slots(chance: random.Random) -> list[tuple[str, Sequence[str]]]:
    """A sentence as texts that stay, and words with what else could stand there."""
    look, other = chance.sample(LOOKS, 2)
    parts = [("A ", ()), (look, LOOKS), (" ", ()), (chance.choice(SUBJECTS), SUBJECTS), (" ", ())]
    parts += [(chance.choice(DEEDS), DEEDS), (chance.choice([" in a ", " beside the ", " above the "]), ())]
    return [*parts, (other, LOOKS), (" ", ()), (chance.choice(PLACES), PLACES), (chance.choice([".", ".", "!"]), ())]


def _with_swaps(chance: random.Random, parts: Sequence[tuple[str, Sequence[str]]], swaps: int) -> str:
    slots = [place for place, (_, pool) in enumerate(parts) if pool]
    known = [text for text, _ in parts]
    chosen = chance.sample(slots, min(swaps, len(slots)))
    return "".join(
        _mark(text, _other(chance, pool, *known)) if place in chosen else text
        for place, (text, pool) in enumerate(parts)
    )


def _sentence(chance: random.Random) -> str:
    return _with_swaps(chance, _slots(chance), 1)


def _weights(chance: random.Random) -> str:
    tags = _tags(chance, 12)
    place = chance.randrange(len(tags))
    weight = chance.choice(["0.5", "0.8", "1.1", "1.2", "1.35", "1.5"])
    known, new = tags[place], _other(chance, TAGS, *tags)
    changed = [
        f"({_mark(known, new)}:{weight})",
        _mark(known, f"({known}:{weight})"),
        _mark(f"({known}:{weight})", known),
        f"(({_mark(known, new)}))",
        _mark(f"({known}:1.{chance.randint(1, 4)})", f"({known}:0.{chance.randint(5, 9)})"),
    ]
    weighted = [f"({tag}:1.{chance.randint(1, 5)})" if chance.random() < 0.3 else tag for tag in tags]
    weighted[place] = chance.choice(changed)
    return ", ".join(weighted)


def _long(chance: random.Random) -> str:
    """About two hundred words."""
    sentences = [_slots(chance) for _ in range(22)]
    changed = chance.sample(range(len(sentences)), chance.randint(1, 3))
    return " ".join(_with_swaps(chance, parts, number in changed) for number, parts in enumerate(sentences))


def _language(chance: random.Random) -> str:
    form, *pools = chance.choice(LANGUAGES)
    filled = []
    swapped = chance.choice([(0,), (1,), (0, 1)])
    for slot, pool in enumerate(pools):
        one, other = chance.sample(pool.split(", "), 2)
        filled.append(_mark(one, other) if slot in swapped else one)
    return form.format(*filled)


def _emoji(chance: random.Random) -> str:
    one, other, third = chance.sample(EMOJI, 3)
    subject, place = chance.choice(SUBJECTS), chance.choice(PLACES)
    return chance.choice(
        [
            f"a {_mark(one, other)} in a {place}",
            f"{third} {subject} {_mark(one, other)}, {place}",
            f"{subject} {third}, {_mark(place, _other(chance, PLACES, place))} {one}",
            f"{one}{one} {_mark(subject, _other(chance, SUBJECTS, subject))} {other}{third}",
            f"a {subject} with {one}{_mark(' ' + other, '')}",
            f"a {subject} with {one}{_mark('', ' ' + other)}, {third}",
        ]
    )


def _one_sided(chance: random.Random, mark: Callable[[str], str]) -> str:
    """A word, a tag or the end of a sentence that stands on one side only."""
    parts = [text for text, _ in _slots(chance)]
    tags = _tags(chance)
    place = chance.randrange(1, len(tags))
    return chance.choice(
        [
            f"{mark(parts[1] + ' ')}{parts[3]} in a {parts[9]}",
            "".join([parts[0], mark(parts[1] + " "), *parts[3:]]),
            "".join([*parts[:6], mark("".join(parts[6:10])), parts[10]]),
            "".join([", ".join(tags[:place]), mark(", " + tags[place]), *(f", {tag}" for tag in tags[place + 1 :])]),
            mark(tags[0] + ", ") + ", ".join(tags[1:]),
            f'a {parts[3]} with a "{mark(parts[1] + " ")}{parts[7]}" sign',
        ]
    )


def _deletion(chance: random.Random) -> str:
    return _one_sided(chance, lambda text: _mark(text, ""))


def _addition(chance: random.Random) -> str:
    return _one_sided(chance, lambda text: _mark("", text))


def _reordering(chance: random.Random) -> str:
    """A tag moved to another place, or two things that change places."""
    if chance.random() < 0.3:
        one, other = chance.sample(SUBJECTS, 2)
        return f"a {_mark(one, other)} and a {_mark(other, one)} in a {chance.choice(PLACES)}"
    tags = _tags(chance)
    moved, *rest = tags
    first, second = sorted(chance.sample(range(len(rest)), 2))
    sides = [_mark(moved + ", ", ""), _mark("", moved + ", ")]
    chance.shuffle(sides)
    rest[second] = sides[1] + rest[second]
    rest[first] = sides[0] + rest[first]
    return ", ".join(rest)


def _several(chance: random.Random) -> str:
    if chance.random() < 0.5:
        return _with_swaps(chance, _slots(chance), chance.randint(2, 5))
    tags = _tags(chance)
    new = [tag for tag in TAGS if tag not in tags]
    chance.shuffle(new)
    for place in range(chance.randrange(2), len(tags), chance.randint(2, 4)):
        own = tags[place]
        tags[place] = chance.choice([_mark(own, new.pop()), _mark("", new.pop() + ", ") + own])
    return ", ".join(tags)


KINDS: dict[str, Callable[[random.Random], str]] = {
    "tags": _swapped_tags,
    "sentences": _sentence,
    "weights": _weights,
    "long": _long,
    "languages": _language,
    "emoji": _emoji,
    "deletions": _deletion,
    "additions": _addition,
    "reorderings": _reordering,
    "several": _several,
}
