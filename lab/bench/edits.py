"""Edits whose right answer is known: scenes of the demo model's world, and the same scenes with one thing changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lab.discs.judge import Verdict
from lab.discs.render import render
from lab.discs.scenes import COLOURS, PATTERNS, SHAPES, Scene, Thing, describe, sample_scene

SIDE = 32
KINDS = ("colour", "shape", "pattern", "background", "object added")
CLEAR = 2 / 255


@dataclass(frozen=True)
class KnownEdit:
    """One edit: what kind, the scenes before and after (one pair for each layout), and the two prompts."""

    kind: str
    before: tuple[Scene, ...]
    after: tuple[Scene, ...]

    @property
    def prompts(self) -> tuple[str, str]:
        """Source and target prompt."""
        return describe(self.before[0]), describe(self.after[0])

    @property
    def about(self) -> str:
        """The words that a user would name for a local blend: the changed or added thing, or the background."""
        if self.kind == "background":
            return "background"
        if self.kind == "object added":
            return self.after[0].things[1].shape
        return ", ".join(dict.fromkeys(scenes[0].things[0].shape for scenes in (self.before, self.after)))

    def alone(self) -> list[KnownEdit]:
        """The same edit of each layout by itself."""
        pairs = zip(self.before, self.after, strict=True)
        return [replace(self, before=(before,), after=(after,)) for before, after in pairs]

    def pictures(self, scenes: tuple[Scene, ...]) -> np.ndarray:
        """The renderer's pictures [layouts, S, S, 3] of the scenes before or after."""
        return np.stack([render(scene, SIDE) for scene in scenes])

    def kept(self) -> np.ndarray:
        """Where the right edit changes nothing: [layouts, S, S] of bool."""
        return np.abs(self.pictures(self.before) - self.pictures(self.after)).max(axis=-1) < CLEAR

    def succeeds(self, seen: Verdict) -> bool:
        """True if what the judge sees has what the edit was about."""
        wanted = self.after[0]
        if self.kind == "background":
            return seen.background == wanted.background
        if self.kind == "object added":
            added = wanted.things[1]
            return len(seen.things) == 2 and any(
                (t.colour, t.shape) == (added.colour, added.shape) for t in seen.things
            )
        name = self.kind
        return bool(seen.things) and getattr(seen.things[0], name) == getattr(wanted.things[0], name)


def known_edits(kind: str, count: int, layouts: int, seed: int = 0) -> list[KnownEdit]:
    """So many edits of a kind, each in so many layouts; always the same for a seed."""
    rng = np.random.default_rng((seed, KINDS.index(kind)))
    return [_draw(kind, rng, layouts) for _ in range(count)]


def _draw(kind: str, rng: np.random.Generator, layouts: int) -> KnownEdit:
    plain = "plain" if kind == "pattern" else str(rng.choice(PATTERNS))
    first = sample_scene(rng, two=0.0)
    thing = replace(first.things[0], pattern=plain, size="large", radius=0.28)
    others = [colour for colour in COLOURS if colour not in (thing.colour, first.background)]
    changes: dict[str, Callable[[Thing], Thing]] = {
        "colour": lambda t: replace(t, colour=str(rng.choice(others))),
        "shape": lambda t: replace(t, shape=str(rng.choice([shape for shape in SHAPES if shape != t.shape]))),
        "pattern": lambda t: replace(t, pattern=str(rng.choice(PATTERNS[1:]))),
    }
    changed = changes[kind](thing) if kind in changes else thing
    background = str(rng.choice(others)) if kind == "background" else first.background
    small = Thing(str(rng.choice(others)), str(rng.choice([s for s in SHAPES if s != thing.shape])), size="small")
    before, after = [], []
    for _ in range(layouts):
        x, y = rng.uniform(0.32, 0.68, 2)
        here: dict[str, Any] = {"x": float(x), "y": float(y)}
        things: tuple[Thing, ...] = (replace(changed, **here),)
        if kind == "object added":
            here = {"x": 0.34, "y": float(y), "radius": 0.20}
            things = (replace(changed, **here), replace(small, x=0.82, y=1 - float(y), radius=0.14))
        before.append(Scene((replace(thing, **here),), first.background))
        after.append(Scene(things, background))
    return KnownEdit(kind, tuple(before), tuple(after))
