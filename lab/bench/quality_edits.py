"""The edits of the quality bench: pairs of prompts of the demo model's world, ways of editing, words to reweight."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import astuple, dataclass, replace
from itertools import islice
from typing import Any

import numpy as np

from lab.discs.judge import Verdict, score
from lab.discs.render import render
from lab.discs.scenes import PATTERNS, RADIUS, SIZES, Scene, describe, sample_scene
from p2p_attention.edits.column_map import Kind
from p2p_attention.edits.presets import PRESETS

from .edits import SIDE, KnownEdit, known_edits
from .quality_metrics import attributes

KINDS = ("colour", "shape", "size", "pattern", "background", "object added")
REFINED = ("pattern", "object added")
SHAPE_STAYS = ("colour", "pattern", "background")
ATTRIBUTES = ("background", "count", "colour", "shape", "pattern", "size")
REWEIGHTED = ("pattern", "size", "colour")
DRAWN = 8
STRENGTHS = (-2.0, 0.0, 1.0, 2.0, 4.0)


@dataclass(frozen=True)
class Way:
    """A way of editing: ends of the cross- and the self-attention window in percent, and a local blend's threshold.

    With both ends 0 there is no Prompt-to-Prompt. The blend is by the changed words, by the `named` thing, or by
    the `difference` of the predictions.
    """

    name: str
    cross_end: float
    self_end: float
    blend: float | None = None
    named: bool = False
    difference: bool = False

    def fits(self, kind: str) -> bool:
        """False for a blend that keeps what is not the changed words' own, where the background shall change."""
        return self.blend is None or kind != "background"


PLAIN = Way("same seed, plain", 0.0, 0.0)
DEFAULT = PRESETS["keep the layout"]
WAYS = (
    PLAIN,
    *(Way(name, preset.cross_end, preset.self_end) for name, preset in PRESETS.items()),
    Way("self-attention off", DEFAULT.cross_end, 0.0),
    Way("keep the layout, local blend", DEFAULT.cross_end, DEFAULT.self_end, blend=0.3),
)
NAMED = Way("keep the layout, blend by the name", DEFAULT.cross_end, DEFAULT.self_end, blend=0.8, named=True)
DEMO_WAYS = (*WAYS, NAMED)
FADES = (
    Way("keep the layout", DEFAULT.cross_end, DEFAULT.self_end),
    Way("the whole run, self-attention off", 1.0, 0.0),
)


def kind_of(edit: KnownEdit) -> Kind:
    """The node that an edit needs: something is added, or words are swapped."""
    return Kind.REFINE if edit.kind in REFINED else Kind.SWAP


def generated_edits(kind: str, count: int) -> list[KnownEdit]:
    """The first so many edits of a kind that the judge can read. Where their scenes have things does not count here."""
    drawn = _size_edits(DRAWN * count) if kind == "size" else known_edits(kind, DRAWN * count, 1)
    return list(islice((edit for edit in drawn if all(map(is_readable, (*edit.before, *edit.after)))), count))


def is_readable(scene: Scene) -> bool:
    """True if the judge reads the renderer's own picture of a scene as it was drawn.

    It does not where a pattern's second tone is too near the background, as dark red is to black.
    """
    return all(astuple(score(render(scene, SIDE), scene)))


def _size_edits(count: int) -> Iterator[KnownEdit]:
    rng = np.random.default_rng((0, KINDS.index("size")))
    for _ in range(count):
        scene, sizes = sample_scene(rng, two=0.0), rng.permutation(SIZES)
        before, after = (_with(scene, size=str(size), radius=RADIUS[str(size)][0]) for size in sizes)
        yield KnownEdit("size", (before,), (after,))


def _with(scene: Scene, **changes: Any) -> Scene:
    """A scene of one thing with another attribute."""
    return replace(scene, things=(replace(scene.things[0], **changes),))


def succeeds(edit: KnownEdit, seen: Verdict) -> bool:
    """True if what the judge sees has what the edit was about."""
    if edit.kind == "size":
        return attributes(seen).get("size") == edit.after[0].things[0].size
    return edit.succeeds(seen)


def starts_right(edit: KnownEdit, seen: Verdict) -> bool:
    """True if the source picture shows what its prompt says of that which the edit changes."""
    scene, words = edit.before[0], attributes(seen)
    if edit.kind == "object added":
        return words["count"] == "1"
    wanted = scene.background if edit.kind == "background" else getattr(scene.things[0], edit.kind)
    return words.get(edit.kind) == wanted


def must_stay(kind: str) -> tuple[str, ...]:
    """The attributes that an edit of this kind must leave alone; a second thing makes the first one smaller."""
    left = ("count", "size") if kind == "object added" else (kind,)
    return tuple(name for name in ATTRIBUTES if name not in left)


@dataclass(frozen=True)
class Fading:
    """A word of a lone thing's prompt to be reweighted; `kind` says which of its words."""

    kind: str
    scene: Scene

    @property
    def prompt(self) -> str:
        """The prompt of source and target."""
        return describe(self.scene)

    @property
    def word(self) -> str:
        """The word itself."""
        return str(getattr(self.scene.things[0], self.kind))


def fadings(kind: str, count: int) -> list[Fading]:
    """The first so many prompts with a word of a kind to reweight, of those that the judge can read."""
    rng = np.random.default_rng((0, len(KINDS) + REWEIGHTED.index(kind)))
    drawn = (_fading(kind, rng) for _ in range(DRAWN * count))
    return list(islice((fading for fading in drawn if is_readable(fading.scene)), count))


def _fading(kind: str, rng: np.random.Generator) -> Fading:
    scene = sample_scene(rng, two=0.0)
    pattern = str(rng.choice(PATTERNS[1:])) if kind == "pattern" else "plain"
    size = str(rng.choice(SIZES)) if kind == "size" else "large"
    return Fading(kind, _with(scene, pattern=pattern, size=size, radius=RADIUS[size][0]))
