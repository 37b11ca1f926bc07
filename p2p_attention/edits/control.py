"""What the Attention Controller applies to a run: the edit plan and the self-attention window."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from ..attention.grid import Halving, Size, grid
from ..source.inversion import Inversion
from .plan import EditPlan
from .window import Window


@dataclass(frozen=True)
class SelfAttention:
    """Self-attention injection (Hertz et al. 2022, section 3.2 and figure 3).

    Inside the window, layers whose grid is at most `resolution` of the latent's sides take the source's maps.
    The reference code's limit is 16×16 of a 64×64 latent, a quarter.
    """

    window: Window
    resolution: Fraction = Fraction(1, 4)

    def reaches(self, layer: Size, latent: Size, halving: Halving) -> bool:
        """True if a layer of this (height, width) is within the limit (see `grid.grid`)."""
        return all(side <= most for side, most in zip(layer, grid(latent, self.resolution, halving), strict=True))


@dataclass(frozen=True)
class Control:
    """An edit plan with its self-attention window, and the inversion of the picture if that is a real one."""

    plan: EditPlan
    self_attention: SelfAttention
    inversion: Inversion | None = None
