"""Draws scenes: signed distances, anti-aliased over one pixel."""

from __future__ import annotations

import numpy as np

from .scenes import Scene, Thing

RGB = {
    "red": (0.88, 0.12, 0.12),
    "green": (0.10, 0.68, 0.20),
    "blue": (0.13, 0.27, 0.88),
    "yellow": (0.96, 0.85, 0.12),
    "white": (0.96, 0.96, 0.96),
    "black": (0.05, 0.05, 0.05),
}
STRIPE_PERIOD = 0.16
DOT_PERIOD = 0.16
DOT_RADIUS = 0.048


def tone(colour: str) -> tuple[float, float, float]:
    """The second colour of a pattern: a shade of the first, or grey for black."""
    if colour == "black":
        return (0.5, 0.5, 0.5)
    r, g, b = RGB[colour]
    return (r * 0.4, g * 0.4, b * 0.4)


def signed_distance(shape: str, x: np.ndarray, y: np.ndarray, r: float) -> np.ndarray:
    """Distance to the outline, negative inside, about the origin; all in fractions of the side, y downwards."""
    ax, ay = np.abs(x), np.abs(y)
    if shape == "circle":
        return np.hypot(x, y) - r
    if shape == "square":
        return np.maximum(ax, ay) - 0.85 * r
    if shape == "triangle":
        return np.maximum(ax * 0.866 - (y + 0.15 * r) * 0.5 - 0.5 * r, y + 0.15 * r - 0.6 * r)
    if shape == "cross":
        w = 0.36 * r
        return np.minimum(np.maximum(ax - w, ay - r), np.maximum(ax - r, ay - w))
    if shape == "heart":
        s, yy = 0.95 * r, y - 0.05 * r
        diamond = (ax + np.abs(yy) - s) / np.sqrt(2)
        lobes = np.hypot(ax - s / 2, yy + s / 2) - s / np.sqrt(2)
        return np.minimum(diamond, lobes)
    raise ValueError(f"no such shape: {shape!r}")


def coverage(thing: Thing, size: int, width: int | None = None) -> np.ndarray:
    """How much of each pixel a thing covers. Returns [size, width or size] in 0 … 1."""
    x, y = _grid(size, width)
    return np.clip(0.5 - size * signed_distance(thing.shape, x - thing.x, y - thing.y, thing.radius), 0, 1)


def _grid(size: int, width: int | None) -> tuple[np.ndarray, np.ndarray]:
    columns = (np.arange(width or size) + 0.5) / size
    rows = (np.arange(size) + 0.5) / size
    return np.meshgrid(columns, rows)


def _pattern(thing: Thing, size: int) -> np.ndarray:
    """Where the second colour shows. Returns [size, size] in 0 … 1."""
    x, y = _grid(size, None)
    x, y = x - thing.x, y - thing.y
    if thing.pattern == "striped":
        phase = np.abs((y / STRIPE_PERIOD) % 1 - 0.5) * STRIPE_PERIOD
        return np.clip(0.5 + size * (phase - STRIPE_PERIOD / 4), 0, 1)
    if thing.pattern == "dotted":
        u = (x / DOT_PERIOD + 0.5) % 1 - 0.5
        v = (y / DOT_PERIOD + 0.5) % 1 - 0.5
        return np.clip(0.5 + size * (DOT_RADIUS - np.hypot(u, v) * DOT_PERIOD), 0, 1)
    return np.zeros((size, size))


def render(scene: Scene, size: int) -> np.ndarray:
    """The picture of a scene. Returns [size, size, 3] float32 in 0 … 1."""
    picture = np.broadcast_to(np.array(RGB[scene.background]), (size, size, 3)).copy()
    for thing in scene.things:
        second = _pattern(thing, size)[..., None]
        inside = (1 - second) * np.array(RGB[thing.colour]) + second * np.array(tone(thing.colour))
        alpha = coverage(thing, size)[..., None]
        picture = (1 - alpha) * picture + alpha * inside
    return picture.astype(np.float32)
