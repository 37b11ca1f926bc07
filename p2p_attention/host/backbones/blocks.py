"""What transformers have in common: blocks whose layers all have one grid, reached by the override of each call."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import comfy.model_patcher

from ...attention.site import AttentionSite, Size
from ...run.forward import Forward
from ...run.run import Run


@dataclass(frozen=True)
class Blocks:
    """Layers known by their number. Word maps are read in the middle half of them, where image and text are the most
    about each other (Shin et al. 2025 and Helbling et al. 2025 choose such blocks); self-attention is injected in all.
    `joint` says that text and image are keys of one map.
    """

    joint: bool = False

    def at(self, site: AttentionSite, share: Fraction) -> bool:
        """True for the middle half, whatever the share."""
        quarter = site.blocks // 4
        return quarter <= site.block < site.blocks - quarter

    def within(self, site: AttentionSite, share: Fraction) -> bool:
        """True for all."""
        return True

    def reach(self, share: Fraction) -> Fraction:
        """All layers are within any share."""
        return Fraction(1)


class BlocksBackbone:
    """What is the same in every backbone of transformers."""

    def needs_override(self, run: Run) -> bool:
        """True if anything is edited or read in the running call."""
        return run.acts or run.needs_attention

    def end(self, forward: Forward) -> None:
        """Nothing was announced."""

    def least_sides(self, model: comfy.model_patcher.ModelPatcher) -> int:
        """The host fills an incomplete patch up."""
        return 1

    def replaced(self, options: dict[str, Any]) -> bool:
        """Another override is called inside ours."""
        return False


def patches(latent: Size, patch: int) -> Size:
    """How many patches of so many pixels a side cover a latent, (height, width)."""
    height, width = latent
    return -(-height // patch), -(-width // patch)
