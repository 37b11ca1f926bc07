"""The world's colours and patterns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

COLOURS: dict[str, tuple[int, int, int]] = {
    "red": (222, 50, 48),
    "orange": (245, 140, 35),
    "yellow": (250, 214, 50),
    "green": (60, 170, 75),
    "blue": (55, 115, 225),
    "purple": (140, 75, 195),
    "pink": (247, 140, 185),
    "brown": (140, 88, 52),
}
PATTERNS = ("plain", "striped", "spotted", "checked")
INK = np.array((44, 34, 52), np.float32) / 255
CREAM = np.array((252, 247, 236), np.float32) / 255


@dataclass(frozen=True)
class Coat:
    """What a thing is painted with: the named colour, [3] or [N, N, 3] with its pattern, and two shades of it."""

    main: np.ndarray
    plain: np.ndarray
    dark: np.ndarray
    light: np.ndarray


def rgb(*values: int) -> np.ndarray:
    """A colour of 0 … 255 as [3] in 0 … 1."""
    return np.array(values, np.float32) / 255


def coat(colour: str, pattern: str, amount: float, x: np.ndarray, y: np.ndarray, soft: float) -> Coat:
    """The paint of a colour and pattern over the coordinates [N, N]; `amount` is the share that the pattern covers."""
    plain = rgb(*COLOURS[colour])
    main = plain
    if pattern != "plain":
        main = plain + cover(pattern, amount, x, y, soft)[..., None] * (CREAM - plain)
    return Coat(main, plain, plain * 0.68, plain + 0.55 * (1 - plain))


def cover(pattern: str, amount: float, x: np.ndarray, y: np.ndarray, soft: float) -> np.ndarray:
    """The share [N, N] that a pattern covers of each pixel; `soft` pixels a unit, for clean edges."""
    if pattern == "striped":
        period = 0.36
        d = np.abs((x + 0.6 * y) / period % 1 - 0.5) - amount / 2
        return np.clip(0.5 - d * period * soft * 0.86, 0, 1)
    if pattern == "spotted":
        period = 0.42
        row = np.floor(y / period)
        dx = (x / period + 0.5 * (row % 2)) % 1 - 0.5
        return np.clip(0.5 - (np.hypot(dx, y / period - row - 0.5) - 0.56 * amount**0.5) * period * soft, 0, 1)
    period = 0.5
    dx, dy = (np.abs(v / period % 1 - 0.5) - 0.25 for v in (x, y))
    return np.clip(0.5 + dx * period * soft, 0, 1) * np.clip(0.5 + dy * period * soft, 0, 1) + np.clip(
        0.5 - dx * period * soft, 0, 1
    ) * np.clip(0.5 - dy * period * soft, 0, 1)
