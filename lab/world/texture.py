"""How a surface repeats itself, wherever its pattern begins: a model puts its stripes between the renderer's."""

from __future__ import annotations

import numpy as np

LEAST = 0.15


def autocorrelation(values: np.ndarray, where: np.ndarray, reach: int) -> np.ndarray:
    """How values [S, S] in a mask [S, S] (bool) go together at each offset of up to `reach` pixels, about their mean.

    Returns [2 · reach + 1, 2 · reach + 1]. Offsets at which little of the mask meets itself count less.
    """
    mask = where.astype(np.float64)
    size = tuple(2 * side for side in values.shape)  # so that nothing meets itself around the edge
    about = (values - values[where].mean()) * mask
    products, pairs = (
        np.fft.irfft2(np.abs(np.fft.rfft2(one, size)) ** 2, size)[np.ix_(*2 * (np.arange(-reach, reach + 1),))]
        for one in (about, mask)
    )
    together: np.ndarray = products / np.maximum(pairs, LEAST * mask.sum())
    return together


def unlike(one: np.ndarray, other: np.ndarray) -> float:
    """How differently two surfaces repeat, by their autocorrelations: 0 for alike, 1 for nothing in common."""
    return float(1 - (one * other).sum() / np.sqrt((one**2).sum() * (other**2).sum() + 1e-12))
