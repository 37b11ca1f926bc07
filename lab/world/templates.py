"""The judge's templates: every thing in every pattern, at several sizes, as maps of edges in each style."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy import fft, ndimage

from .render import SIDE, render, silhouette
from .scenes import KINDS, Scene, Thing
from .styles import edges

MAP = 64
FLAT = 4e-3  # an edge map that varies less has nothing in it
RADII = (0.145, 0.17, 0.2, 0.235, 0.27, 0.315, 0.365)
PATTERNS = (("plain", 0.45), ("striped", 0.3), ("striped", 0.55), ("spotted", 0.45), ("checked", 0.45))
COLOURS = ("blue", "orange")


@dataclass(frozen=True)
class Bank:
    """Templates of one style. `maps` [N, M, M/2+1] are the conjugate spectra of zero-mean edge maps centred at 0,
    `windows` those of where each looks, `norms` [N] and `areas` [N] their sizes."""

    kinds: np.ndarray
    patterns: np.ndarray
    radii: np.ndarray
    maps: np.ndarray
    windows: np.ndarray
    norms: np.ndarray
    areas: np.ndarray


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
    step = picture.shape[0] // MAP
    return ndimage.gaussian_filter(strong.reshape(MAP, step, MAP, step).mean((1, 3)), 0.7)


def sized(kind: str, pattern: str, amount: float, colour: str, radius: float, style: str) -> Scene:
    """A scene of one thing in the middle, whatever its radius, on a plain ground."""

    class Sized(Scene):
        def radius(self, thing: Thing) -> float:
            return radius

    ground = "green" if style == "neon sign" else ("pink" if colour == "blue" else "green")
    return Sized((Thing(kind, colour, pattern, "", amount, (0.5, 0.5)),), "plain", ground, style=style)


@cache
def bank(style: str) -> Bank:
    """All templates of a style, drawn at the first call."""
    kinds, patterns, radii, maps, windows = [], [], [], [], []
    for kind in KINDS:
        for radius in RADII:
            cover = silhouette(sized(kind, "plain", 0.45, "blue", radius, style))
            window = (
                ndimage.binary_dilation(cover > 0.5, iterations=5).reshape(MAP, SIDE // MAP, MAP, -1).mean((1, 3)) > 0.5
            )
            for pattern, amount in PATTERNS:
                seen = [edge_map(render(sized(kind, pattern, amount, c, radius, style)), style) for c in COLOURS]
                mean = np.mean(seen, 0)
                kinds.append(kind)
                patterns.append(pattern)
                radii.append(radius)
                windows.append(window)
                maps.append(np.where(window, mean - mean[window].mean(), 0))
    stack, look = (np.roll(np.array(m, np.float32), (-MAP // 2, -MAP // 2), (1, 2)) for m in (maps, windows))
    return Bank(
        np.array(kinds), np.array(patterns), np.array(radii), np.conj(fft.rfft2(stack)), np.conj(fft.rfft2(look)),
        np.sqrt((stack**2).sum((1, 2))), look.sum((1, 2)),
    )  # fmt: skip


def fits(seen: np.ndarray, style: str) -> np.ndarray:
    """How well each template fits at each place of an edge map [M, M]: correlations [N, M, M] in −1 … 1."""
    templates = bank(style)
    return correlations(seen, templates.maps, templates.norms, templates.windows, templates.areas, FLAT)


def correlations(
    seen: np.ndarray, maps: np.ndarray, norms: np.ndarray, windows: np.ndarray, areas: np.ndarray, flat: float
) -> np.ndarray:
    """A map [M, M] against templates as a bank has them: [N, M, M] in −1 … 1; nothing is in what varies less than
    `flat`.
    """
    spectrum, area = fft.rfft2(seen), areas[:, None, None]
    near = fft.irfft2(maps * spectrum, (MAP, MAP))
    mean = fft.irfft2(windows * spectrum, (MAP, MAP)) / area
    square = fft.irfft2(windows * fft.rfft2(seen**2), (MAP, MAP)) / area
    spread = np.sqrt(np.maximum(square - mean**2, flat) * area)
    made: np.ndarray = near / (spread * norms[:, None, None])
    return made
