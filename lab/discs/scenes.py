"""What the small model's pictures show: scenes, their words, and which scenes are kept from training."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

COLOURS = ("red", "green", "blue", "yellow", "white", "black")
SHAPES = ("circle", "square", "triangle", "cross", "heart")
PATTERNS = ("plain", "striped", "dotted")
SIZES = ("small", "large")

RADIUS = {"small": (0.17, 0.20), "large": (0.27, 0.31), None: (0.17, 0.31)}
RADIUS_OF_TWO = {"small": (0.13, 0.15), "large": (0.19, 0.21), None: (0.13, 0.21)}
MARGIN = 0.02
DRIFT = 0.10
SPREAD = 0.12


@dataclass(frozen=True)
class Thing:
    """One shape: its attributes, and its centre and radius in fractions of the picture's side."""

    colour: str
    shape: str
    pattern: str = "plain"
    size: str | None = None
    x: float = 0.5
    y: float = 0.5
    radius: float = 0.25


@dataclass(frozen=True)
class Scene:
    """One picture: one or two things on a plain background."""

    things: tuple[Thing, ...]
    background: str


def is_held_out(thing: Thing, background: str) -> bool:
    """True for the seventh of all (colour, shape, background) combinations that training never sees."""
    code = COLOURS.index(thing.colour) * 10 + SHAPES.index(thing.shape) * 3 + COLOURS.index(background)
    return code % 7 == 0


def describe(scene: Scene, *, say_colour: bool = True, say_plain: bool = False) -> str:
    """The prompt of a scene, e.g. "a large red striped circle on a blue background"."""
    phrases = []
    for thing in scene.things:
        words = [thing.size or "", thing.colour if say_colour else ""]
        words += [thing.pattern if thing.pattern != "plain" or say_plain else "", thing.shape]
        phrases.append("a " + " ".join(word for word in words if word))
    return f"{' and '.join(phrases)} on a {scene.background} background"


def _drift(thing: Thing) -> tuple[float, float]:
    """Where the words pull a lone thing, so that another word, by itself, means another layout."""
    angles = (
        2 * math.pi * SHAPES.index(thing.shape) / len(SHAPES),
        2 * math.pi * (COLOURS.index(thing.colour) + 0.5) / len(COLOURS),
    )
    return DRIFT * sum(math.cos(a) for a in angles), DRIFT * sum(math.sin(a) for a in angles)


def _place_one(rng: np.random.Generator, thing: Thing) -> Thing:
    radius = rng.uniform(*RADIUS[thing.size])
    low, high = radius + MARGIN, 1 - radius - MARGIN
    dx, dy = _drift(thing)
    x, y = np.clip(0.5 + np.array((dx, dy)) + rng.normal(0, SPREAD, 2), low, high)
    return Thing(thing.colour, thing.shape, thing.pattern, thing.size, float(x), float(y), float(radius))


def _place_two(rng: np.random.Generator, things: tuple[Thing, Thing]) -> tuple[Thing, ...]:
    radii = [rng.uniform(*RADIUS_OF_TWO[t.size]) for t in things]
    while True:
        centres = [rng.uniform(r + MARGIN, 1 - r - MARGIN, 2) for r in radii]
        if np.linalg.norm(centres[0] - centres[1]) > sum(radii) * 1.15 + 2 * MARGIN:
            break
    return tuple(
        Thing(t.colour, t.shape, t.pattern, t.size, float(c[0]), float(c[1]), float(r))
        for t, c, r in zip(things, centres, radii, strict=True)
    )


def sample_scene(rng: np.random.Generator, *, held_out: bool = False, two: float = 0.25, ease: float = 0.0) -> Scene:
    """A random scene; `two` is the share with two things, `held_out` asks for combinations never trained.

    With a chance of `ease` it is one large plain thing.
    """
    easy = ease > 0 and rng.random() < ease
    while True:
        background = str(rng.choice(COLOURS))
        others = [c for c in COLOURS if c != background]
        count = 2 if rng.random() < two and not easy else 1
        colours = rng.choice(others, count, replace=False)
        shapes = rng.choice(SHAPES, count, replace=False)
        things = tuple(
            Thing(
                str(c),
                str(s),
                "plain" if easy else str(rng.choice(PATTERNS, p=(0.6, 0.2, 0.2))),
                "large" if easy else None if rng.random() < 0.4 else str(rng.choice(SIZES)),
            )
            for c, s in zip(colours, shapes, strict=True)
        )
        kept = [is_held_out(t, background) for t in things]
        if any(kept) != held_out:
            continue
        placed = _place_two(rng, things) if len(things) == 2 else (_place_one(rng, things[0]),)  # type: ignore[arg-type]
        return Scene(placed, background)


def sample_prompt(rng: np.random.Generator, scene: Scene) -> str:
    """A prompt for training: now and then "plain" is said, or the colours are left open."""
    return describe(scene, say_colour=rng.random() > 0.05, say_plain=rng.random() < 0.2)
