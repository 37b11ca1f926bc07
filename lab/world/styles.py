"""What a style does to the finished picture [S, S, 3], whose things cover [S, S]."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Array = np.ndarray
CELLS = 32
PENCIL_TINT, NEON_DIM = 0.35, 0.27
PAPER = np.array((0.965, 0.955, 0.925), np.float32)
GRAPHITE = np.array((0.28, 0.28, 0.31), np.float32)


def drawing(picture: Array, cover: Array, seed: int) -> Array:
    """As it is."""
    return picture


def pixel_art(picture: Array, cover: Array, seed: int) -> Array:
    """Square cells of one colour."""
    side = picture.shape[0]
    step = side // CELLS
    small = picture[: CELLS * step, : CELLS * step].reshape(CELLS, step, CELLS, step, 3).mean((1, 3))
    return small.repeat(step, 0).repeat(step, 1)


def edges(picture: Array) -> Array:
    """How much the picture changes at each pixel, [S, S]."""
    dx, dy = np.zeros_like(picture), np.zeros_like(picture)
    dx[:, 1:-1] = picture[:, 2:] - picture[:, :-2]
    dy[1:-1] = picture[2:] - picture[:-2]
    return np.sqrt((dx**2 + dy**2).sum(-1))


def pencil_drawing(picture: Array, cover: Array, seed: int) -> Array:
    """Pencil lines along the edges and crayon hatching on paper; the place is only lightly tinted."""
    side = picture.shape[0]
    steps = np.arange(side, dtype=np.float32) / side
    hatch = 0.5 + 0.5 * np.sin(2 * np.pi * 13 * (steps[None, :] + 0.8 * steps[:, None]))
    strength = cover * (0.7 + 0.25 * hatch) + (1 - cover) * (PENCIL_TINT - 0.05 + 0.1 * hatch)
    line = np.clip((edges(picture) - 0.12) * 1.1, 0, 0.85)
    tinted = PAPER + strength[..., None] * (picture - PAPER)
    return tinted + line[..., None] * (GRAPHITE - tinted)


def neon_sign(picture: Array, cover: Array, seed: int) -> Array:
    """Glowing lines in the dark, in the colours of what they surround."""
    bright = picture / np.maximum(picture.max(-1, keepdims=True), 0.25)
    line = np.clip((edges(picture) - 0.1) * 1.4, 0, 1) * (0.35 + 0.65 * cover)
    glow = line
    for axis in (0, 1, 0, 1):
        padded = np.pad(glow, [(2, 2) if a == axis else (0, 0) for a in (0, 1)], mode="edge")
        n = glow.shape[axis]
        glow = np.stack([np.take(padded, range(k, k + n), axis) for k in range(5)]).sum(axis=0) / 5
    dim = picture**1.5 * (NEON_DIM + 0.18 * cover)[..., None]
    saturated = np.clip(bright * 1.5 - 0.45, 0, 1)
    lit = dim + (0.75 * glow)[..., None] * saturated
    return lit + line[..., None] * (np.clip(saturated + 0.15, 0, 1) - lit)


STYLE_PAINTERS: dict[str, Callable[[Array, Array, int], Array]] = {
    "drawing": drawing,
    "pixel art": pixel_art,
    "pencil drawing": pencil_drawing,
    "neon sign": neon_sign,
}
