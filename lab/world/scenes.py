"""What a picture shows: things and where they are, the place, the style; scenes at random; the held-out rule."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np

from .colours import COLOURS

KINDS = (
    "cat", "dog", "rabbit", "bird", "fish", "butterfly", "car", "boat", "rocket", "house",
    "tree", "flower", "mushroom", "apple", "cake", "cup", "hat", "ball", "star", "heart",
)  # fmt: skip
PLACES = ("plain", "grass", "beach", "snow", "night")
STYLES = ("drawing", "pixel art", "pencil drawing", "neon sign")
SIZES = {"small": 0.19, "": 0.27, "big": 0.36}
TOGETHER = {"small": 0.15, "": 0.2, "big": 0.235}
DEGREES = {"grass": ("snowy", "flowery"), "beach": ("snowy",), "night": ("starry",), "snow": (), "plain": ()}
LEVELS = {"slightly": (0.1, 0.35), "": (0.3, 0.8), "very": (0.75, 1.0)}
STRIPE_SHARE = (0.2, 0.65)
HELD_OUT = 8


@dataclass(frozen=True)
class Thing:
    """One thing: `amount` is the share that its pattern covers, `spot` its centre in shares of the side."""

    kind: str
    colour: str
    pattern: str = "plain"
    size: str = ""
    amount: float = 0.45
    spot: tuple[float, float] = (0.5, 0.56)


@dataclass(frozen=True)
class Scene:
    """A whole picture. `amount` says how snowy, starry or flowery; `seed` settles the place's details."""

    things: tuple[Thing, ...]
    place: str = "plain"
    ground: str = "blue"
    degree: str = ""
    level: str = ""
    amount: float = 0.0
    style: str = "drawing"
    above: bool = False
    seed: int = 0

    def radius(self, thing: Thing) -> float:
        """Half the side of the square that a thing fills, as a share of the picture's side."""
        return (SIZES if len(self.things) == 1 else TOGETHER)[thing.size]


def is_held_out(kind: str, colour: str, place: str) -> bool:
    """Whether a combination of thing, colour and place is never trained: one in eight."""
    return zlib.crc32(f"{kind} {colour} {place}".encode()) % HELD_OUT == 0


def drift(*words: str) -> np.ndarray:
    """Where words move a lone thing, [2] in shares of the side, so that another word alone makes another layout."""
    total = np.zeros(2)
    for word in words:
        code = zlib.crc32(f"where {word}".encode())
        total += ((code & 0xFF) / 255 - 0.5, (code >> 8 & 0xFF) / 255 - 0.5)
    return total * 0.16


def spots(rng: np.random.Generator, things: list[Thing], place: str, above: bool) -> list[tuple[float, float]]:
    """The centres of one or two things, in shares of the side."""
    if len(things) == 1:
        thing = things[0]
        free = max(0.0, 0.47 - SIZES[thing.size])
        at = drift(thing.kind, thing.colour, place) + rng.normal(0, 0.05, 2)
        x, y = np.clip(at, -free, free)
        return [(0.5 + float(x), 0.53 + float(np.clip(y, -free, max(0.0, free - 0.03))))]
    near = rng.normal(0, 0.015, 4)
    if above:
        x = 0.5 + float(rng.normal(0, 0.07))
        return [(x + float(near[0]), 0.26 + float(near[1])), (x + float(near[2]), 0.74 + float(near[3]))]
    y = 0.54 + float(rng.normal(0, 0.05))
    return [(0.26 + float(near[0]), y + float(near[1])), (0.74 + float(near[2]), y + float(near[3]))]


def sample_thing(rng: np.random.Generator, ease: bool) -> Thing:
    """A thing without a spot; an easy one is plain and big."""
    kind, colour = str(rng.choice(KINDS)), str(rng.choice(tuple(COLOURS)))
    if ease:
        return Thing(kind, colour, size="big" if rng.random() < 0.5 else "")
    pattern = str(rng.choice(("plain", "striped", "spotted", "checked"), p=(0.46, 0.26, 0.14, 0.14)))
    amount = float(rng.uniform(*STRIPE_SHARE)) if pattern == "striped" else 0.45
    size = str(rng.choice(("small", "", "big"), p=(0.22, 0.53, 0.25)))
    return Thing(kind, colour, pattern, size, amount)


def sample_scene(
    rng: np.random.Generator, two: float = 0.33, ease: float = 0.0, held_out: bool | None = False
) -> Scene:
    """A random scene: `two` the share with two things, `ease` the share of easy ones.

    `held_out` True draws only combinations that are never trained, False only the others, None any.
    """
    easy = bool(rng.random() < ease)
    count = 1 if easy or rng.random() >= two else 2
    while True:
        place = str(rng.choice(PLACES, p=(0.28, 0.2, 0.16, 0.16, 0.2)))
        things = [sample_thing(rng, easy) for _ in range(count)]
        never = [is_held_out(t.kind, t.colour, place) for t in things]
        alike = count == 2 and things[0].kind == things[1].kind
        if not alike and (held_out is None or (any(never) if held_out else not any(never))):
            break
    grounds = [c for c in COLOURS if all(c != t.colour for t in things)]
    degrees = DEGREES[place]
    degree = str(rng.choice(degrees)) if degrees and not easy and rng.random() < 0.5 else ""
    level = str(rng.choice(tuple(LEVELS), p=(0.25, 0.45, 0.3))) if degree else ""
    amount = float(rng.uniform(*LEVELS[level])) if degree else 0.0
    style = "drawing" if easy or rng.random() < 0.6 else str(rng.choice(STYLES[1:]))
    above = count == 2 and bool(rng.random() < 0.3)
    at = spots(rng, things, place, above)
    placed = tuple(Thing(t.kind, t.colour, t.pattern, t.size, t.amount, s) for t, s in zip(things, at, strict=True))
    ground = str(rng.choice(grounds))
    return Scene(placed, place, ground, degree, level, amount, style, above, int(rng.integers(2**31)))
