"""The grids of a UNet's layers: each level has half the sides of the one before."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from ...attention.site import AUTO, AttentionSite, Size

SIDE = 16
Halving = Callable[[Fraction], int]


def grid(latent: Size, share: Fraction, halving: Halving) -> Size:
    """(height, width) of the layers at a share of a latent's (height, width).

    `halving` is math.ceil for models whose levels halve by a convolution, math.floor for those that pool.
    """
    height, width = latent
    return halving(height * share), halving(width * share)


@dataclass(frozen=True)
class Pyramid:
    """Layers chosen by their share of the latent's sides, in a model whose levels halve in a way (see `grid`).

    `levels` are those with attention, for AUTO.
    """

    halving: Halving
    levels: tuple[Fraction, ...] = tuple(Fraction(1, 2**level) for level in range(4))

    joint = False

    def at(self, site: AttentionSite, share: Fraction) -> bool:
        """True for the level of this share; AUTO is the one nearest 16×16."""
        return site.grid == grid(site.latent, self._nearest(site.latent) if share == AUTO else share, self.halving)

    def within(self, site: AttentionSite, share: Fraction) -> bool:
        """True for this level and those below it."""
        return all(side <= most for side, most in zip(site.grid, grid(site.latent, share, self.halving), strict=True))

    def reach(self, share: Fraction) -> Fraction:
        """Each share has its own."""
        return share

    def _nearest(self, latent: Size) -> Fraction:
        area = math.prod(latent)
        return min(self.levels, key=lambda share: abs(math.log(area * float(share) ** 2 / SIDE**2)))
