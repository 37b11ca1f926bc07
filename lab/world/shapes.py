"""Signed distances of plain shapes, and a brush that paints them. Everything here is drawn by this code alone.

A distance is negative inside, in units of the grid it was asked for: [N, N] of the coordinates [N, N].
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

Array = np.ndarray
Colour = Sequence[float] | Array
Point = tuple[float, float]


class Brush:
    """A square of paint, [N, N, 3] in 0 … 1 with its coverage [N, N], over the coordinates −`reach` … `reach`."""

    def __init__(self, pixels: int, offset: Point, scale: float, line: float, ink: Colour) -> None:
        """`scale` pixels a unit; the unit square's centre lies `offset` (x, y) pixels from the paint's corner."""
        steps = np.arange(pixels, dtype=np.float32) + 0.5
        self.x = ((steps - offset[0]) / scale)[None, :].repeat(pixels, 0)
        self.y = ((steps - offset[1]) / scale)[:, None].repeat(pixels, 1)
        self.scale, self.line, self.ink = scale, line / scale, np.asarray(ink, np.float32)
        self.paint = np.zeros((pixels, pixels, 3), np.float32)
        self.cover = np.zeros((pixels, pixels), np.float32)

    def share(self, distance: Array) -> Array:
        """How much of each pixel lies inside, [N, N] in 0 … 1."""
        return np.clip(0.5 - distance * self.scale, 0, 1)

    def over(self, share: Array, colour: Colour) -> None:
        """Lay a colour, [3] or [N, N, 3], over what is there by a share [N, N]."""
        self.paint += share[..., None] * (np.asarray(colour, np.float32) - self.paint)
        self.cover = np.maximum(self.cover, share)

    def fill(self, distance: Array, colour: Colour, line: bool = True) -> None:
        """Paint the inside of a distance, with a line of ink around it."""
        if line:
            self.over(self.share(distance - self.line), self.ink)
        self.over(self.share(distance), colour)

    def ellipse(self, x: float, y: float, rx: float, ry: float, turn: float = 0.0) -> Array:
        """An ellipse, turned by so many degrees clockwise (the distance is exact on its border only)."""
        dx, dy = self.x - x, self.y - y
        if turn:
            c, s = np.cos(np.radians(turn)), np.sin(np.radians(turn))
            dx, dy = c * dx + s * dy, -s * dx + c * dy
        if rx == ry:
            return np.hypot(dx, dy) - rx
        k = np.hypot(dx / rx, dy / ry)
        return k * (k - 1) / np.maximum(np.hypot(dx / rx**2, dy / ry**2), 1e-6)

    def box(self, x: float, y: float, w: float, h: float, r: float = 0.0) -> Array:
        """A box of half sides w and h with rounded corners."""
        dx, dy = np.abs(self.x - x) - (w - r), np.abs(self.y - y) - (h - r)
        return np.hypot(np.maximum(dx, 0), np.maximum(dy, 0)) + np.minimum(np.maximum(dx, dy), 0) - r

    def stroke(self, points: Sequence[Point], width: float) -> Array:
        """A line through points, with round ends; `width` is half its thickness."""
        d = np.full_like(self.x, 9.0)
        for (ax, ay), (bx, by) in itertools.pairwise(points):
            ux, uy = bx - ax, by - ay
            t = np.clip(((self.x - ax) * ux + (self.y - ay) * uy) / (ux * ux + uy * uy), 0, 1)
            d = np.minimum(d, np.hypot(self.x - ax - t * ux, self.y - ay - t * uy))
        return d - width

    def polygon(self, points: Sequence[Point], r: float = 0.0) -> Array:
        """A polygon, its corners rounded outwards by r."""
        d, inside = np.full_like(self.x, 9.0), np.zeros(self.x.shape, bool)
        for (ax, ay), (bx, by) in zip(points, [*points[1:], points[0]], strict=True):
            ux, uy = bx - ax, by - ay
            t = np.clip(((self.x - ax) * ux + (self.y - ay) * uy) / (ux * ux + uy * uy), 0, 1)
            d = np.minimum(d, np.hypot(self.x - ax - t * ux, self.y - ay - t * uy))
            if ay != by:
                inside ^= ((ay > self.y) != (by > self.y)) & (self.x < ux * (self.y - ay) / uy + ax)
        return np.where(inside, -d, d) - r


def curve(a: Point, b: Point, c: Point, pieces: int = 8) -> list[Point]:
    """Points of a quadratic Bézier curve from a over b to c."""
    t = np.linspace(0, 1, pieces + 1)
    return [((1 - s) ** 2 * a[0] + 2 * s * (1 - s) * b[0] + s * s * c[0],
             (1 - s) ** 2 * a[1] + 2 * s * (1 - s) * b[1] + s * s * c[1]) for s in t]  # fmt: skip


def union(*distances: Array) -> Array:
    """Inside any of them."""
    return np.minimum.reduce(distances)


def cut(distance: Array, other: Array) -> Array:
    """Inside the first and not the other."""
    return np.maximum(distance, -other)
