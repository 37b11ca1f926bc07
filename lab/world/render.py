"""Draws a scene, and knows what is where in it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from . import animals, objects
from .colours import INK, Coat, coat
from .places import backdrop, flakes
from .scenes import KINDS, Scene, Thing
from .shapes import Brush
from .styles import STYLE_PAINTERS

SIDE = 128
MARGIN = 1.16
LINE = 0.011
PAINTERS: dict[str, Callable[[Brush, Coat], None]] = {
    kind: getattr(animals if hasattr(animals, kind) else objects, kind) for kind in KINDS
}


def paint(thing: Thing, radius: float, side: int) -> tuple[np.ndarray, np.ndarray, int, int]:
    """A thing alone. Returns its paint [N, N, 3], coverage [N, N], and the left and upper pixel it begins at."""
    scale = radius * side
    pixels = int(np.ceil(2 * MARGIN * scale)) + 1
    left, top = (int(np.floor(at * side - MARGIN * scale)) for at in thing.spot)
    offset = (thing.spot[0] * side - left, thing.spot[1] * side - top)
    brush = Brush(pixels, offset, scale, LINE * side, INK)
    PAINTERS[thing.kind](brush, coat(thing.colour, thing.pattern, thing.amount, brush.x, brush.y, scale))
    return brush.paint, brush.cover, left, top


def silhouette(scene: Scene, index: int = 0, side: int = SIDE) -> np.ndarray:
    """The coverage [S, S] in 0 … 1 of one of the scene's things."""
    thing = scene.things[index]
    _, cover, left, top = paint(thing, scene.radius(thing), side)
    whole = np.zeros((side, side), np.float32)
    (y, x), (ty, tx) = _overlap(cover.shape[0], left, top, side)
    whole[y, x] = cover[ty, tx]
    return whole


def render(scene: Scene, side: int = SIDE) -> np.ndarray:
    """The picture [S, S, 3] in 0 … 1."""
    sheet = backdrop(scene, side)
    silhouettes = np.zeros((side, side), np.float32)
    for thing in scene.things:
        colours, cover, left, top = paint(thing, scene.radius(thing), side)
        (y, x), (ty, tx) = _overlap(cover.shape[0], left, top, side)
        part = sheet.picture[y, x]
        part += cover[ty, tx, None] * (colours[ty, tx] - part)
        silhouettes[y, x] = np.maximum(silhouettes[y, x], cover[ty, tx])
    if scene.degree == "snowy":
        flakes(sheet, scene)
    return np.clip(STYLE_PAINTERS[scene.style](sheet.picture, silhouettes, scene.seed), 0, 1)


def _overlap(pixels: int, left: int, top: int, side: int) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """Rows and columns of the picture that a thing's square meets, and those of the square."""
    whole, own = [], []
    for start in (top, left):
        a, b = max(0, start), min(side, start + pixels)
        whole.append(slice(a, b))
        own.append(slice(a - start, b - start))
    return (whole[0], whole[1]), (own[0], own[1])
