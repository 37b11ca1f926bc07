"""The layers of transformers, which all have one grid."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from ...attention.site import AttentionSite


@dataclass(frozen=True)
class Blocks:
    """Layers known by their number. Word maps are read in the middle half of them, where image and text are the most
    about each other (Shin et al. 2025 and Helbling et al. 2025 choose such blocks); self-attention is injected in all.
    """

    def at(self, site: AttentionSite, share: Fraction) -> bool:
        """True for the middle half, whatever the share."""
        quarter = site.blocks // 4
        return quarter <= site.block < site.blocks - quarter

    def within(self, site: AttentionSite, share: Fraction) -> bool:
        """True for all."""
        return True
