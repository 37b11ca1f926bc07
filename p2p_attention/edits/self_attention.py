"""Self-attention injection (Hertz et al. 2022, section 3.2 and figure 3)."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from .window import Window


@dataclass(frozen=True)
class SelfAttention:
    """Inside the window, layers whose grid is at most `resolution` of the latent's sides take the source's maps.

    The reference code's limit is 16×16 of a 64×64 latent, a quarter.
    """

    window: Window
    resolution: Fraction = Fraction(1, 4)
