"""Sizes of a model's layers, as shares of the latent's sides."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

Size = tuple[int, int]
Halving = Callable[[Fraction], int]


def grid(latent: Size, resolution: Fraction, halving: Halving) -> Size:
    """(height, width) of the layers at a share of a latent's (height, width).

    `halving` is math.ceil for models whose levels halve by a convolution, math.floor for those that pool.
    """
    height, width = latent
    return halving(height * resolution), halving(width * resolution)
