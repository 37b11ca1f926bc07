"""What the quality bench tries: ways of editing, and words to reweight."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import islice

import numpy as np

from lab.world.scenes import Scene, sample_scene
from lab.world.words import prompt
from p2p_attention.edits.column_map import Kind
from p2p_attention.edits.local_blend import Keep
from p2p_attention.edits.presets import PRESETS, Presets

from .edits import KINDS, KnownEdit, is_readable

REFINED = ("pattern", "style", "added", "removed")
ATTRIBUTES = ("place", "style", "count", "colour", "thing", "pattern")
FADERS = {"snowy": "grass", "starry": "night", "striped": "plain"}
DRAWN = 8
STRENGTHS = (-2.0, 0.0, 1.0, 2.0, 4.0)
PAPER = (-2.0, 2.0)
"""The strengths of Hertz et al. 2022, section 3.2, "Attention re-weighting": c from -2 to 2."""


@dataclass(frozen=True)
class Way:
    """A way of editing: ends of the cross- and the self-attention window in percent, and a local blend's threshold.

    With both ends 0 there is no Prompt-to-Prompt. The blend is by the changed words, by the `named` thing, or by the
    `difference` of the predictions, and `keep` says what is the source's outside it. With `switch` the source's prompt
    is sampled until there, then the target's, in one row. A reweight scales the map's columns, or with `scores` what
    their softmax is made of.
    """

    name: str
    cross_end: float
    self_end: float
    blend: float | None = None
    named: bool = False
    difference: bool = False
    switch: float | None = None
    scores: bool = False
    keep: Keep = field(default=Keep.LATENT, repr=False)  # results are known by the repr of what they had

    def fits(self, kind: str) -> bool:
        """False for a blend that keeps what is not the changed words' own, where all of the picture shall change."""
        return self.blend is None or kind not in ("place", "style")


PLAIN = Way("same seed, plain", 0.0, 0.0)
SWITCHED = tuple(Way(f"prompt switched at {at:g}", 0.0, 0.0, switch=at) for at in (0.1, 0.2, 0.4))
LAYOUT = "keep the layout"


def ways_of(presets: Presets) -> tuple[Way, ...]:
    """What is tried on any model, by its windows with names."""
    layout = presets[LAYOUT]
    return (
        PLAIN,
        *(Way(name, preset.cross_end, preset.self_end) for name, preset in presets.items()),
        Way("self-attention off", layout.cross_end, 0.0),
        Way(f"{LAYOUT}, local blend", layout.cross_end, layout.self_end, blend=0.3),
    )


def demo_ways_of(presets: Presets) -> tuple[Way, ...]:
    """What is tried on a demo model: besides, blends by the thing's name, and prompts switched."""
    layout = presets[LAYOUT]
    named = Way(f"{LAYOUT}, blend by the name", layout.cross_end, layout.self_end, blend=0.3, named=True)
    return (*ways_of(presets), named, *SWITCHED)


def fades_of(presets: Presets, scores: bool = False) -> tuple[Way, ...]:
    """Ways to fade a word, those by `scores` too where the model has them."""
    layout = presets[LAYOUT]
    ways = (Way(LAYOUT, layout.cross_end, layout.self_end), Way("the whole run, self-attention off", 1.0, 0.0))
    by_scores = (replace(way, name=f"{way.name}, scores", scores=True) for way in ways)
    return (*ways, *by_scores) if scores else ways


DEFAULT, WAYS, DEMO_WAYS, FADES = PRESETS[LAYOUT], ways_of(PRESETS), demo_ways_of(PRESETS), fades_of(PRESETS)


def kind_of(edit: KnownEdit) -> Kind:
    """The node that an edit needs: something is added or taken away, or words are swapped."""
    return Kind.REFINE if edit.kind in REFINED else Kind.SWAP


def must_stay(kind: str) -> tuple[str, ...]:
    """The attributes that an edit of this kind must leave alone."""
    left = ("count",) if kind in ("added", "removed") else (kind,)
    return tuple(name for name in ATTRIBUTES if name not in left)


@dataclass(frozen=True)
class Fading:
    """A word of degree in a lone thing's prompt, to be reweighted."""

    word: str
    scene: Scene

    @property
    def prompt(self) -> str:
        """The prompt of source and target."""
        return prompt(self.scene)


def fadings(word: str, count: int) -> list[Fading]:
    """The first so many prompts with a word of degree that the judge can read."""
    rng = np.random.default_rng((0, len(KINDS) + list(FADERS).index(word)))
    drawn = (_fading(word, rng) for _ in range(DRAWN * count))
    return list(islice((fading for fading in drawn if is_readable(fading.scene)), count))


def _fading(word: str, rng: np.random.Generator) -> Fading:
    scene = sample_scene(rng, two=0.0, held_out=None)
    thing = replace(scene.things[0], pattern="striped" if word == "striped" else "plain", size="", amount=0.45)
    degree = "" if word == "striped" else word
    scene = replace(scene, things=(thing,), place=FADERS[word], degree=degree, level="", style="drawing")
    return Fading(word, replace(scene, amount=0.5 if degree else 0.0))
