"""The prompt of a scene, as people write them."""

from __future__ import annotations

import numpy as np

from .scenes import Scene, Thing

OPENINGS = {
    "drawing": ("", "", "a drawing of "),
    "pixel art": ("pixel art of ",),
    "pencil drawing": ("a pencil drawing of ",),
    "neon sign": ("a neon sign of ",),
}
PLACE_WORDS = {"grass": "on the{} grass", "beach": "on the{} beach", "snow": "in the snow"}


def name(thing: Thing) -> str:
    """A thing with its adjectives: "a small striped red cat"."""
    words = [thing.size, "" if thing.pattern == "plain" else thing.pattern, thing.colour, thing.kind]
    phrase = " ".join(word for word in words if word)
    return f"{'an' if phrase[0] in 'aeiou' else 'a'} {phrase}"


def where(scene: Scene) -> str:
    """The place with its degree: "on the very snowy grass"."""
    degree = " ".join(word for word in (scene.level, scene.degree) if word)
    if scene.place == "plain":
        return f"on {'an' if scene.ground[0] in 'aeiou' else 'a'} {scene.ground} background"
    if scene.place == "night":
        return f"on a {degree} night" if degree else "at night"
    return PLACE_WORDS[scene.place].format(f" {degree}" if degree else "")


def prompt(scene: Scene, rng: np.random.Generator | None = None) -> str:
    """The scene in words; with an rng, one of several ways of saying it."""
    things = [name(thing) for thing in scene.things]
    openings = OPENINGS[scene.style]
    opening = openings[0] if rng is None else str(rng.choice(openings))
    return f"{opening}{(' above ' if scene.above else ' and ').join(things)} {where(scene)}"
