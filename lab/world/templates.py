"""The judge's templates: every thing at several sizes, stretched a little and seen from afar, in each style.

What a model draws is seldom where and as the renderer draws it: a mushroom has a taller cap, a car is longer. A person
knows it all the same. So edges are blurred as wide as such deviations, and silhouettes are compared beside them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache, lru_cache

import numpy as np
from scipy import fft, ndimage

from .render import SIDE, render, silhouette
from .scenes import KINDS, Scene, Thing
from .styles import edges

MAP = 64
STEP = SIDE // MAP
RIM = SIDE // 9
MIDDLE = (0.5, 0.5)
RADII = (0.145, 0.17, 0.2, 0.235, 0.27, 0.315, 0.365)
STRETCHES = (0.85, 1.0, 1.18)
PATTERNS = ("plain", "checked")
COLOURS = ("blue", "orange")
WIDE, NARROW = 1.8, 1.2
FLAT = (4e-3 / 3, 1e-2)  # maps that vary less have nothing in them


@dataclass(frozen=True)
class Template:
    """One thing at one size: its radius as a share of the side, how much wider than high it is drawn, and the pattern
    of its coat.
    """

    kind: str
    radius: float
    stretch: float
    pattern: str


@dataclass(frozen=True)
class Bank:
    """Templates of one style. `spectra` are the conjugate spectra [N, M, M/2+1] of zero-mean maps centred at 0, of
    edges and of silhouettes, with their `norms` [N]; `windows` those of where they look, with their `areas`, one for
    all `PATTERNS` of a template, which follow each other.
    """

    templates: tuple[Template, ...]
    spectra: tuple[np.ndarray, ...]
    norms: tuple[np.ndarray, ...]
    windows: np.ndarray
    areas: np.ndarray


def smaller(picture: np.ndarray) -> np.ndarray:
    """[S, S, …] at the side of a map, [M, M, …]."""
    side = picture.shape[0] // STEP
    made: np.ndarray = picture.reshape(side, STEP, side, STEP, *picture.shape[2:]).mean((1, 3))
    return made


def backdrop_of(picture: np.ndarray) -> np.ndarray:
    """What the place looks like behind things, [S, S, 3]: each row from the colours at its both ends."""
    ends = [np.median(picture[:, part], 1) for part in (slice(RIM), slice(-RIM, None))]
    left, right = (ndimage.median_filter(end, (5, 1))[:, None] for end in ends)
    share = np.linspace(0, 1, picture.shape[1], dtype=np.float32)[None, :, None]
    made: np.ndarray = left * (1 - share) + right * share
    return made


def unlike_backdrop(picture: np.ndarray) -> np.ndarray:
    """Where a picture [S, S, 3] is not its place, [M, M] in 0 … 1."""
    apart = np.minimum(np.abs(picture - backdrop_of(picture)).sum(-1), 0.6) / 0.6
    return ndimage.gaussian_filter(smaller(apart), NARROW)


@lru_cache(64)
def stretching(by: float, zoom: float, side: int) -> tuple[np.ndarray, np.ndarray]:
    """What a map's rows and its columns become, [S, S] each, where it is drawn `by` wider than high and `zoom` as large
    about its middle: between its pixels it is linear, beyond its rim it goes on.
    """
    middle, steps = (side - 1) / 2, np.arange(side)
    made = []
    for scale in (np.sqrt(by) / zoom, 1 / np.sqrt(by) / zoom):
        at = np.clip(middle + scale * (steps - middle), 0, side - 1)
        first = np.minimum(at.astype(int), side - 2)
        matrix = np.zeros((side, side), np.float32)
        matrix[steps, first], matrix[steps, first + 1] = first + 1 - at, at - first
        made.append(matrix)
    return made[0], made[1]


def through(rows: np.ndarray, columns: np.ndarray, map_: np.ndarray) -> np.ndarray:
    """A map [S, S, …] with its rows [N, S] and its columns [N, S] taken anew, [N, N, …]."""
    made = np.tensordot(columns, np.tensordot(rows, map_, 1), (1, 1))
    return np.moveaxis(made, 0, 1)


def stretched(map_: np.ndarray, by: float) -> np.ndarray:
    """A map [S, S], `by` wider than high."""
    return through(*stretching(by, 1.0, len(map_)), map_)


def edge_map(picture: np.ndarray, style: str) -> np.ndarray:
    """Where a picture [S, S, 3] changes, [M, M], blurred a little and compressed."""
    if style == "pixel art":
        step = picture.shape[0] // 32
        cells = picture.reshape(32, step, 32, step, 3).mean((1, 3))
        picture = ndimage.zoom(cells, (MAP / 32, MAP / 32, 1), order=1, grid_mode=True, mode="nearest")
        return np.sqrt(np.minimum(edges(picture), 1.0))
    if style == "pencil drawing":
        picture = ndimage.gaussian_filter(picture, (1.2, 1.2, 0))
    strong = np.sqrt(np.minimum(edges(picture), 1.0))
    return ndimage.gaussian_filter(smaller(strong), 0.7)


def alone(thing: Thing, radius: float, style: str, ground: str = "") -> Scene:
    """A scene of one thing, whatever its radius, on a plain ground: if none is given, on one unlike the thing."""

    class Sized(Scene):
        def radius(self, thing: Thing) -> float:
            return radius

    other = "green" if style == "neon sign" or thing.colour != "blue" else "pink"
    return Sized((thing,), "plain", ground or other, style=style)


@cache
def bank(style: str) -> Bank:
    """All templates of a style, drawn at the first call."""
    templates, windows, outlines, covers = [], [], [], []
    for kind in KINDS:
        for radius in RADII:
            cover = silhouette(alone(Thing(kind, "blue", spot=MIDDLE), radius, style))
            seen = {pattern: _edges(Thing(kind, "", pattern, spot=MIDDLE), radius, style) for pattern in PATTERNS}
            for stretch in STRETCHES:
                wide = stretched(cover, stretch)
                window = smaller(ndimage.binary_dilation(wide > 0.5, iterations=6).astype(float)) > 0.5
                covered = ndimage.gaussian_filter(smaller(wide), NARROW)
                windows.append(window)
                for pattern, edge in seen.items():
                    outline = ndimage.gaussian_filter(stretched(edge, stretch), WIDE)
                    templates.append(Template(kind, radius, stretch, pattern))
                    outlines.append(np.where(window, outline - outline[window].mean(), 0))
                    covers.append(np.where(window, covered - covered[window].mean(), 0))
    maps = [np.array(each, np.float32) for each in (outlines, covers)]
    return Bank(
        tuple(templates),
        tuple(_spectrum(each) for each in maps),
        tuple(np.sqrt((each**2).sum((1, 2))) for each in maps),
        _spectrum(np.array(windows, np.float32)),
        np.array(windows).sum((1, 2), dtype=np.float32),
    )


def _edges(thing: Thing, radius: float, style: str) -> np.ndarray:
    """The edges of a thing, as two colours of it have them on grounds of other colours, [S, S] at a map's side."""
    coats = (replace(thing, colour=colour) for colour in COLOURS)
    made: np.ndarray = np.mean([edge_map(render(alone(coat, radius, style)), style) for coat in coats], 0)
    return made


def _spectrum(maps: np.ndarray) -> np.ndarray:
    made: np.ndarray = np.conj(fft.rfft2(np.roll(maps, (-MAP // 2, -MAP // 2), (1, 2))))
    return made


def fits(picture: np.ndarray, style: str) -> np.ndarray:
    """How well each template fits at each place of a picture [S, S, 3]: [N, M, M] in −1 … 1, the mean of two
    correlations.
    """
    made = bank(style)
    seen = (ndimage.gaussian_filter(edge_map(picture, style), WIDE), unlike_backdrop(picture))
    both = [
        correlations(one, spectra, norms, made.windows, made.areas, flat)
        for one, spectra, norms, flat in zip(seen, made.spectra, made.norms, FLAT, strict=True)
    ]
    total: np.ndarray = (both[0] + both[1]) / 2
    return total


def correlations(
    seen: np.ndarray, maps: np.ndarray, norms: np.ndarray, windows: np.ndarray, areas: np.ndarray, flat: float
) -> np.ndarray:
    """A map [M, M] against templates as a bank has them: [N, M, M] in −1 … 1; nothing is in what varies less than
    `flat`.
    """
    seen = seen.astype(np.float32)
    spectrum, area = fft.rfft2(seen), areas[:, None, None]
    near = fft.irfft2(maps * spectrum, (MAP, MAP))
    mean = fft.irfft2(windows * spectrum, (MAP, MAP)) / area
    square = fft.irfft2(windows * fft.rfft2(seen**2), (MAP, MAP)) / area
    spread = np.sqrt(np.maximum(square - mean**2, flat) * area)
    made: np.ndarray = near / (spread.repeat(len(PATTERNS), 0) * norms[:, None, None])
    return made
