"""Looks at a picture and says what it shows, by colour and silhouette against the renderer; no network is asked."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy import ndimage

from .render import RGB, coverage, tone
from .scenes import COLOURS, SHAPES, Scene, Thing

LEAST_AREA = 0.012
PATTERN_SHARE = {"plain": (0.0, 0.08), "dotted": (0.08, 0.34), "striped": (0.34, 1.0)}


@dataclass(frozen=True)
class Seen:
    """One thing found in a picture: its words, its silhouette [S, S] (bool) and how well the best template fits."""

    colour: str
    shape: str
    pattern: str
    fit: float
    mask: np.ndarray


@dataclass(frozen=True)
class Verdict:
    """What the judge sees: the background's colour, and the things from largest to smallest."""

    background: str
    things: tuple[Seen, ...]


@dataclass(frozen=True)
class Score:
    """Whether a picture shows what a scene's prompt says."""

    background: bool
    count: bool
    colour: bool
    shape: bool
    pattern: bool


def judge(picture: np.ndarray) -> Verdict:
    """Describe a picture [S, S, 3] in 0 … 1."""
    names, seconds = _nearest_colours(picture)
    border = np.concatenate([names[0], names[-1], names[:, 0], names[:, -1]])
    background = COLOURS[int(np.bincount(border, minlength=len(COLOURS)).argmax())]
    distance = np.abs(picture - np.array(RGB[background])).sum(axis=-1)
    labels, count = ndimage.label(distance > 0.45)
    masks = [labels == i + 1 for i in range(count)]
    masks = sorted((m for m in masks if m.mean() >= LEAST_AREA), key=lambda m: -m.sum())
    return Verdict(background, tuple(_describe(m, names, seconds) for m in masks[:3]))


def score(picture: np.ndarray, scene: Scene) -> Score:
    """Compare a picture with the words of a scene: colours, shapes and patterns in any order of things."""
    seen = judge(picture)
    right = seen.background == scene.background
    wanted, found = scene.things, seen.things[: len(scene.things)]
    if len(found) < len(wanted):
        return Score(right, False, False, False, False)
    orders = [found] if len(wanted) == 1 else [found, found[::-1]]
    best = max(orders, key=lambda order: sum(_agreement(s, t) for s, t in zip(order, wanted, strict=True)))
    pairs = list(zip(best, wanted, strict=True))
    return Score(
        right,
        len(seen.things) == len(wanted),
        all(s.colour == t.colour for s, t in pairs),
        all(s.shape == t.shape for s, t in pairs),
        all(s.pattern == t.pattern for s, t in pairs),
    )


def _agreement(seen: Seen, thing: Thing) -> int:
    return (seen.colour == thing.colour) + (seen.shape == thing.shape) + (seen.pattern == thing.pattern)


def _nearest_colours(picture: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each pixel the nearest colour's number, and whether it is nearer to a pattern's second tone."""
    palette = np.array([RGB[c] for c in COLOURS] + [tone(c) for c in COLOURS])
    nearest = ((picture[..., None, :] - palette) ** 2).sum(-1).argmin(-1)
    return nearest % len(COLOURS), nearest >= len(COLOURS)


def _describe(mask: np.ndarray, names: np.ndarray, seconds: np.ndarray) -> Seen:
    inner = ndimage.binary_erosion(mask)
    inner = inner if inner.sum() >= 6 else mask
    plain = inner & ~seconds
    votes = np.bincount(names[plain] if plain.any() else names[inner], minlength=len(COLOURS))
    colour = COLOURS[int(votes.argmax())]
    share = float(seconds[inner].mean())
    pattern = next(p for p, (low, high) in PATTERN_SHARE.items() if low <= share < high or share == high == 1.0)
    shape, fit = _best_shape(ndimage.binary_fill_holes(mask))
    return Seen(colour, shape, pattern, fit, mask)


def _best_shape(mask: np.ndarray) -> tuple[str, float]:
    """The shape whose template, moved and scaled a little, overlaps the silhouette best (intersection over union)."""
    size = mask.shape[0]
    y, x = (np.mean(axis) + 0.5 for axis in np.nonzero(mask))
    fits = {}
    for shape in SHAPES:
        unit, dx, dy = _unit_shape(shape)
        radius = np.sqrt(mask.mean() / unit)
        best = 0.0
        for scale in (0.92, 1.0, 1.08):
            for shift_x in (-0.5, 0.0, 0.5):
                for shift_y in (-0.5, 0.0, 0.5):
                    r = radius * scale
                    cx, cy = (x + shift_x) / size - dx * r, (y + shift_y) / size - dy * r
                    template = coverage(Thing("red", shape, x=cx, y=cy, radius=r), size)
                    best = max(best, np.minimum(template, mask).sum() / np.maximum(template, mask).sum())
        fits[shape] = best
    shape = max(fits, key=lambda s: fits[s])
    return shape, fits[shape]


@cache
def _unit_shape(shape: str) -> tuple[float, float, float]:
    """Area, and the centroid's offset from the centre, of a shape of radius 1 on a side of 1."""
    size, radius = 256, 0.3
    drawn = coverage(Thing("red", shape, radius=radius), size)
    rows, columns = np.indices(drawn.shape)
    dx = ((columns + 0.5) * drawn).sum() / drawn.sum() / size - 0.5
    dy = ((rows + 0.5) * drawn).sum() / drawn.sum() / size - 0.5
    return float(drawn.mean() / radius**2), float(dx / radius), float(dy / radius)
