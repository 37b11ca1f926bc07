"""How like a picture is, from afar, to things painted into its place: how much of what stands there they explain."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from scipy import ndimage

from .colours import COLOURS
from .render import SIDE, render, silhouette
from .scenes import Thing
from .templates import MAP, MIDDLE, STEP, Template, alone, backdrop_of, bank, fits, smaller, stretching, through

DRAWN = 0.3
FAR, BLUR, AROUND = 0.8, 1.0, 1.5
REACH, EDGE = 1.3, 3  # how far a stretched thing reaches in radii, and its blur beyond
LONE = 0.3  # two things have at most this radius
LEAST_FIT, LEAST_GAIN = (0.4, 0.6), 0.025  # of the first and the second thing
BARE = 0.01
COATED = 6
COATS = "plain", "striped", "spotted", "checked"
MIDDLES = (0.15, 0.85), (0.22, 0.85)  # where things' middles may be: suns, clouds and trees of the place are beyond


Spot = tuple[float, float]


@dataclass(frozen=True)
class Comparison:
    """A coat, how `unlike` the picture is where the thing would be, and the `gain`: the share that it explains of what
    differs from the bare place.
    """

    colour: str
    pattern: str
    unlike: float
    gain: float


@dataclass(frozen=True)
class Painted:
    """A thing alone in each of `COLOURS`, at the scale of a map: its blurred `paint` [C, N, N, 3], already weighed by
    its `cover` [N, N], and where to look, `weight` [N, N].
    """

    paint: np.ndarray
    cover: np.ndarray
    weight: np.ndarray


class Likeness:
    """Compares one picture [S, S, 3] of a style with its place, into which things are painted one after the other."""

    def __init__(self, picture: np.ndarray, style: str) -> None:
        self.style = style
        self._seen = ndimage.gaussian_filter(smaller(picture), (BLUR, BLUR, 0))
        self._painted = ndimage.gaussian_filter(smaller(backdrop_of(picture)), (BLUR, BLUR, 0))
        self._apart = self._gap(self._seen, self._painted)
        self._all = float(self._apart.sum())

    @property
    def bare(self) -> bool:
        """True if nothing stands in the place."""
        return self._all < BARE * self._apart.size

    def compare(self, template: Template, spot: Spot, patterns: tuple[str, ...] = ("plain",)) -> Comparison:
        """A thing with its middle at a spot, in the coat that comes nearest."""
        return min((self._compare(template, spot, pattern) for pattern in patterns), key=lambda one: one.unlike)

    def _compare(self, template: Template, spot: Spot, pattern: str) -> Comparison:
        """In the colour that comes nearest with one pattern."""
        one, here, (rows, columns) = self._where(template, spot, pattern)
        cover, weight = one.cover[rows, columns], one.weight[rows, columns]
        bare = self._painted[here] * (1 - cover[..., None])
        apart = self._gap(bare + one.paint[:, rows, columns], self._seen[here])
        unlike = (apart * weight).sum((1, 2)) / weight.sum()
        n = int(unlike.argmin())
        gain = float((self._apart[here] - apart[n]).sum()) / self._all
        return Comparison(tuple(COLOURS)[n], pattern, float(unlike[n]), gain)

    def paint(self, template: Template, spot: Spot, colour: str, pattern: str) -> None:
        """Paint a thing into the place."""
        one, here, there = self._where(template, spot, pattern)
        paint = one.paint[tuple(COLOURS).index(colour)]
        self._painted[here] = self._painted[here] * (1 - one.cover[there][..., None]) + paint[there]
        self._apart = self._gap(self._seen, self._painted)

    def _where(
        self, template: Template, spot: Spot, pattern: str
    ) -> tuple[Painted, tuple[slice, slice], tuple[slice, slice]]:
        """A painted thing, what of the map it covers, and which of its own rows and columns these are."""
        one = painted(template.kind, pattern, template.radius, template.stretch, self.style)
        (columns, across), (rows, there) = (_overlap(round(at * MAP), len(one.cover)) for at in spot)
        return one, (rows, columns), (there, across)

    @staticmethod
    def _gap(one: np.ndarray, other: np.ndarray) -> np.ndarray:
        gap: np.ndarray = np.minimum(np.abs(one - other).sum(-1), FAR)
        return gap


@lru_cache(2048)
def painted(kind: str, pattern: str, radius: float, stretch: float, style: str) -> Painted:
    """A thing in coats of one pattern, as it is drawn in a style, and as much around it as counts."""
    pictures, cover = _drawn(kind, pattern, style)
    half = min(MAP // 2, round(REACH * radius * MAP) + EDGE)
    middle = slice(SIDE // 2 - half * STEP, SIDE // 2 + half * STEP)
    rows, columns = (
        part[middle].reshape(2 * half, STEP, SIDE).mean(1) for part in stretching(stretch, radius / DRAWN, SIDE)
    )
    cover = through(rows, columns, cover)
    paint = np.moveaxis(through(rows, columns, pictures), 2, 0) * cover[..., None]
    blurred = ndimage.gaussian_filter(paint, (0, BLUR, BLUR, 0))
    near = ndimage.gaussian_filter(cover, AROUND)
    return Painted(*(part.astype(np.float32) for part in (blurred, ndimage.gaussian_filter(cover, BLUR), near)))


@lru_cache(256)
def _drawn(kind: str, pattern: str, style: str) -> tuple[np.ndarray, np.ndarray]:
    """A thing in each of `COLOURS` [S, S, C, 3], and its silhouette [S, S], the same in all."""
    scenes = [alone(Thing(kind, colour, pattern, spot=MIDDLE), DRAWN, style) for colour in COLOURS]
    return np.stack([render(scene) for scene in scenes], 2), silhouette(scenes[0])


def _overlap(middle: int, size: int) -> tuple[slice, slice]:
    """What of a map's rows so many rows cover whose middle is at one of them, and which of their own these are."""
    start = middle - size // 2
    first, last = max(0, start), min(MAP, start + size)
    return slice(first, last), slice(first - start, last - start)


@dataclass(frozen=True)
class Known:
    """A thing that was known from afar, in its coat, with its middle in shares of the side."""

    template: Template
    spot: Spot
    fit: float
    coat: Comparison


def known_from_afar(picture: np.ndarray, style: str, most: int = 2) -> list[Known]:
    """The thing that a picture [S, S, 3] is most like, if it explains anything of it; and a second one if it explains
    something more beside the first, which has at most the radius `LONE` then.
    """
    templates, scores, likeness = bank(style).templates, fits(picture, style), Likeness(picture, style)
    if likeness.bare:
        return []
    inside = np.zeros((MAP, MAP), bool)
    inside[tuple(slice(*(round(share * MAP) for share in span)) for span in reversed(MIDDLES))] = True
    scores[:, ~inside] = -1
    first = _most_like(templates, scores, likeness)
    if first.fit < LEAST_FIT[0] or first.coat.gain < LEAST_GAIN:
        return []
    if most < 2 or first.template.radius > LONE:
        return [first]
    likeness.paint(first.template, first.spot, first.coat.colour, first.coat.pattern)
    x, y = (at * MAP for at in first.spot)
    near = np.hypot(*np.ogrid[-y : MAP - y, -x : MAP - x])[:MAP, :MAP]
    for n, template in enumerate(templates):
        apart = MAP * 0.75 * (first.template.radius + template.radius)
        scores[n][near < apart if template.radius <= LONE else slice(None)] = -1
    second = _most_like(templates, scores, likeness)
    return [first, second] if second.fit > LEAST_FIT[1] and second.coat.gain > LEAST_GAIN else [first]


def _most_like(templates: tuple[Template, ...], scores: np.ndarray, likeness: Likeness) -> Known:
    """Of every kind in every size where it fits best, the one that fits and explains most."""
    best: dict[tuple[str, float], int] = {}
    most = scores.max((1, 2))
    for n in np.argsort(-most):
        if most[n] > 0:
            best.setdefault((templates[n].kind, templates[n].radius), int(n))
    known = []
    for n in best.values():
        y, x = (int(i) for i in np.unravel_index(int(scores[n].argmax()), scores[n].shape))
        spot = (x / MAP, y / MAP)
        known.append(Known(templates[n], spot, float(scores[n, y, x]), likeness.compare(templates[n], spot)))
    known = sorted(known, key=_likely)[-COATED:]
    return max((replace(one, coat=likeness.compare(one.template, one.spot, COATS)) for one in known), key=_likely)


def _likely(one: Known) -> float:
    return one.fit + one.coat.gain
