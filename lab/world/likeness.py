"""How like a picture is, from afar, to a thing painted at a place of it: its colours where the thing has them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy import ndimage

from .afar import Template, backdrop_of, bank, fits, smaller, stretched
from .colours import COLOURS
from .render import render, silhouette
from .templates import MAP, sized

DRAWN = 0.3
FAR, BLUR, AROUND, SURE = 0.8, 1.0, 1.5, 0.4
TRIED = 8
COATS = tuple((colour, pattern) for colour in COLOURS for pattern in ("plain", "striped", "checked"))


@dataclass(frozen=True)
class Painted:
    """A thing in the middle of a map: its blurred `paint` [M, M, 3], already weighed by its `cover` [M, M], and where
    to look, `weight` [M, M].
    """

    paint: np.ndarray
    cover: np.ndarray
    weight: np.ndarray


class Likeness:
    """Compares one picture [S, S, 3] of a style with things painted into its place."""

    def __init__(self, picture: np.ndarray, style: str) -> None:
        self.style = style
        self._seen = ndimage.gaussian_filter(smaller(picture), (BLUR, BLUR, 0))
        self._place = ndimage.gaussian_filter(smaller(backdrop_of(picture)), (BLUR, BLUR, 0))

    def unlike(self, template: Template, at: tuple[int, int]) -> tuple[float, str]:
        """The mean difference where a thing would be whose middle is at (row, column) of the map, in the coat that
        comes nearest, and that coat's colour.
        """
        rows, there = _overlap(at[0])
        columns, across = _overlap(at[1])
        seen, place = self._seen[rows, columns], self._place[rows, columns]
        best = (9.0, "")
        for colour, pattern in COATS:
            one = painted(template.kind, colour, pattern, template.radius, template.stretch, self.style)
            paint, cover, weight = (part[there, across] for part in (one.paint, one.cover, one.weight))
            apart = np.minimum(np.abs(place * (1 - cover[..., None]) + paint - seen).sum(-1), FAR)
            best = min(best, (float((apart * weight).sum() / weight.sum()), colour))
        return best


@cache
def painted(kind: str, colour: str, pattern: str, radius: float, stretch: float, style: str) -> Painted:
    """A thing in a coat, as it is drawn in a style."""
    picture, cover = _drawn(kind, colour, pattern, style)
    cover = smaller(stretched(cover, stretch, radius / DRAWN))
    paint = smaller(stretched(picture, stretch, radius / DRAWN)) * cover[..., None]
    blurred = ndimage.gaussian_filter(paint, (BLUR, BLUR, 0))
    near = ndimage.gaussian_filter(cover, AROUND)
    return Painted(blurred.astype(np.float32), ndimage.gaussian_filter(cover, BLUR), near)


@cache
def _drawn(kind: str, colour: str, pattern: str, style: str) -> tuple[np.ndarray, np.ndarray]:
    scene = sized(kind, pattern, 0.45, colour, DRAWN, style)
    return render(scene), silhouette(scene)


def _overlap(middle: int) -> tuple[slice, slice]:
    """What of a map's rows a painted map covers whose middle is at one of them, and which of its own rows these are."""
    start = middle - MAP // 2
    first, last = max(0, start), min(MAP, start + MAP)
    return slice(first, last), slice(first - start, last - start)


@dataclass(frozen=True)
class Known:
    """A thing that was known from afar, in a colour, with its middle in shares of the side."""

    template: Template
    colour: str
    spot: tuple[float, float]
    fit: float
    unlike: float


Place = tuple[float, float, float]


def known_from_afar(picture: np.ndarray, style: str, lone: float, beside: Place | None = None) -> list[Known]:
    """The thing that a picture [S, S, 3] is most like, and a second that is like one beyond doubt, unless the first is
    so large that it is alone: has at least the radius `lone`. With a thing known already, `beside` its middle and
    radius in shares of the side, only the second.
    """
    templates, scores, likeness = bank(style).templates, fits(picture, style), Likeness(picture, style)
    known = []
    if beside is None:
        known = [_most_like(templates, scores, likeness)]
        beside = (*known[0].spot, known[0].template.radius)
    if beside[2] >= lone:
        return known
    x, y = beside[0] * MAP, beside[1] * MAP
    near = np.hypot(*np.ogrid[-y : MAP - y, -x : MAP - x])
    for n, template in enumerate(templates):
        scores[n][near < MAP * 0.75 * (beside[2] + template.radius)] = -1
    second = _most_like(templates, scores, likeness)
    sure = second.fit - second.unlike > SURE and second.template.radius < lone
    return [*known, second] if sure else known


def _most_like(templates: tuple[Template, ...], scores: np.ndarray, likeness: Likeness) -> Known:
    """Of the kinds that fit best the one whose colours are there."""
    best: dict[str, int] = {}
    for n in np.argsort(-scores.max((1, 2))):
        best.setdefault(templates[n].kind, int(n))
    known = []
    for n in list(best.values())[:TRIED]:
        y, x = (int(i) for i in np.unravel_index(int(scores[n].argmax()), scores[n].shape))
        unlike, colour = likeness.unlike(templates[n], (y, x))
        known.append(Known(templates[n], colour, (x / MAP, y / MAP), float(scores[n, y, x]), unlike))
    return max(known, key=lambda one: one.fit - one.unlike)
