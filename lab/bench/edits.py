"""Edits whose right answer is known: scenes of the demo world, and the same scenes with one thing changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import astuple, dataclass, replace
from itertools import islice

import numpy as np

from lab.world.colours import COLOURS, PATTERNS
from lab.world.judge import Seen, Verdict, compare, judge
from lab.world.render import render
from lab.world.scenes import KINDS as THINGS
from lab.world.scenes import PLACES, STYLES, Scene, Thing, sample_scene
from lab.world.words import prompt

from .quality_metrics import is_in_place

KINDS = ("colour", "pattern", "place", "style", "thing", "added", "removed")
SHAPE_STAYS = ("colour", "pattern", "place", "style")
CLEAR = 2 / 255


@dataclass(frozen=True)
class KnownEdit:
    """One edit: what kind, and the scenes before and after."""

    kind: str
    before: Scene
    after: Scene

    @property
    def prompts(self) -> tuple[str, str]:
        """Source and target prompt."""
        return prompt(self.before), prompt(self.after)

    @property
    def about(self) -> str:
        """The words that a user would name for a local blend: the changed, added or removed thing, or none."""
        if self.kind in ("place", "style"):
            return ""
        if self.kind == "added":
            return self.after.things[1].kind
        if self.kind == "removed":
            return self.before.things[1].kind
        return ", ".join(dict.fromkeys(scene.things[0].kind for scene in (self.before, self.after)))

    def pictures(self) -> tuple[np.ndarray, np.ndarray]:
        """The renderer's pictures [S, S, 3] before and after."""
        return render(self.before), render(self.after)

    def kept(self) -> np.ndarray:
        """Where the right edit changes nothing: [S, S] of bool."""
        before, after = self.pictures()
        return np.abs(before - after).max(axis=-1) < CLEAR

    def succeeds(self, seen: Verdict) -> bool:
        """True if what the judge sees has what the edit was about."""
        return bool(CHECKS[self.kind](self, seen))

    def left(self, seen: Verdict) -> Seen | None:
        """The thing in a source picture that the edit is about or leaves: the prompt's first, as far as it is there."""
        return shows(seen, self.before.things[0]) or next(iter(seen.things), None)

    def starts_right(self, seen: Verdict) -> bool:
        """True if a source picture shows what its prompt says of that which the edit changes."""
        return bool(CHECKS[self.kind](replace(self, after=self.before), seen))


def shows(seen: Verdict, thing: Thing) -> Seen | None:
    """The found thing that is of a thing's kind, in its colour if one is."""
    alike = [one for one in seen.things if one.kind == thing.kind]
    return max(alike, key=lambda one: one.colour == thing.colour, default=None)


def _has(edit: KnownEdit, seen: Verdict, name: str) -> bool:
    return bool(seen.things) and getattr(seen.things[0], name) == getattr(edit.after.things[0], name)


def _has_place(edit: KnownEdit, seen: Verdict) -> bool:
    wanted = edit.after
    return seen.place == wanted.place and (wanted.place != "plain" or seen.ground == wanted.ground)


def _has_all_things(edit: KnownEdit, seen: Verdict) -> bool:
    found = [shows(seen, thing) for thing in edit.after.things]
    return len(seen.things) == len(found) and all(
        one is not None and one.colour == thing.colour for one, thing in zip(found, edit.after.things, strict=True)
    )


CHECKS: dict[str, Callable[[KnownEdit, Verdict], bool]] = {
    "colour": lambda edit, seen: _has(edit, seen, "colour"),
    "pattern": lambda edit, seen: _has(edit, seen, "pattern"),
    "thing": lambda edit, seen: _has(edit, seen, "kind"),
    "place": _has_place,
    "style": lambda edit, seen: seen.style == edit.after.style,
    "added": _has_all_things,
    "removed": _has_all_things,
}


def known_edits(kind: str, count: int, seed: int = 0) -> list[KnownEdit]:
    """The first so many edits of a kind that the judge can read; always the same for a seed."""
    return list(islice(edits_of(kind, seed), count))


def edits_of(kind: str, seed: int = 0) -> Iterator[KnownEdit]:
    """Edits of a kind that the judge can read, without end; always the same for a seed."""
    rng = np.random.default_rng((seed, KINDS.index(kind)))
    while True:
        edit = _draw(kind, rng)
        if _can_be_judged(edit):
            yield edit


def _can_be_judged(edit: KnownEdit) -> bool:
    """True if the judge reads both scenes, and a swapped thing's right answer is in the place of what was there: a hat
    is too flat to stand for a butterfly.
    """
    if (before := _read(edit.before)) is None or (after := _read(edit.after)) is None:
        return False
    return edit.kind != "thing" or is_in_place(before, after)


def is_readable(scene: Scene) -> bool:
    """True if the judge reads the renderer's own picture of a scene as it was drawn."""
    return _read(scene) is not None


def _read(scene: Scene) -> Verdict | None:
    """What the judge sees in the renderer's own picture of a scene; None if that is not what was drawn."""
    verdict = judge(render(scene))
    return verdict if all(astuple(compare(verdict, scene))) else None


def _draw(kind: str, rng: np.random.Generator) -> KnownEdit:
    two = kind in ("added", "removed")
    scene = sample_scene(rng, two=float(two), held_out=None)
    while two and scene.above:
        scene = sample_scene(rng, two=1.0, held_out=None)
    scene = replace(scene, style="drawing", degree="", level="", amount=0.0)
    things = tuple(replace(thing, size="" if two else "big") for thing in scene.things)
    if kind == "pattern":
        things = tuple(replace(thing, pattern="plain") for thing in things)
    scene = replace(scene, things=things)
    if two:
        alone = replace(scene, things=(replace(things[0], size="small"),))
        return KnownEdit(kind, alone, scene) if kind == "added" else KnownEdit(kind, scene, alone)
    return KnownEdit(kind, scene, _changed(kind, scene, rng))


def _changed(kind: str, scene: Scene, rng: np.random.Generator) -> Scene:
    thing = scene.things[0]

    def other(values: tuple[str, ...], *but: str) -> str:
        return str(rng.choice([value for value in values if value not in but]))

    if kind == "place":
        return replace(scene, place=other(PLACES, scene.place))
    if kind == "style":
        return replace(scene, style=other(STYLES, "drawing"))
    changes = {
        "colour": lambda: replace(thing, colour=other(tuple(COLOURS), thing.colour, scene.ground)),
        "pattern": lambda: replace(thing, pattern=other(PATTERNS, "plain")),
        "thing": lambda: replace(thing, kind=other(THINGS, thing.kind)),
    }
    return replace(scene, things=(changes[kind](),))
