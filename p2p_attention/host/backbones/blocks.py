"""What transformers have in common: blocks whose layers all have one grid, reached by the override of each call."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import comfy.model_patcher

from ...attention.site import AttentionSite
from ...run.run import Run


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


class BlocksBackbone:
    """What is the same in every backbone of transformers."""

    def needs_override(self, run: Run) -> bool:
        """True if anything is edited or read in the running call."""
        return run.phase.acts or run.needs_attention

    def end_call(self, run: Run) -> None:
        """Nothing was announced."""

    def layers(self, model: comfy.model_patcher.ModelPatcher) -> Blocks:
        """All have one grid."""
        return Blocks()

    def least_sides(self, model: comfy.model_patcher.ModelPatcher) -> int:
        """The host fills an incomplete patch up."""
        return 1

    def replaced(self, options: dict[str, Any]) -> bool:
        """Another override is called inside ours."""
        return False


def size_and_grid(run: Run, patch: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """The running call's latent, (height, width), and how many patches of so many pixels a side cover it."""
    height, width = size = run.log.size or (1, 1)
    return size, (-(-height // patch), -(-width // patch))
