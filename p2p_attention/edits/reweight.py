"""Attention re-weighting (Hertz et al. 2022, section 3.2)."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import Enum

import torch

from ..errors import EditError, Part
from ..prompts.pair import Pair
from .edited_map import EditedMap
from .window import Window

STRONGEST = 5.0


class Scale(Enum):
    """What the strength multiplies: the map's columns (Hertz et al. 2022), or their scores before the softmax
    (ColorCtrl, arXiv 2508.09131), so that the softmax still sums to 1.
    """

    MAP = "map"
    SCORES = "scores"


@dataclass(frozen=True)
class Reweight:
    """The columns at some positions, or their scores before the softmax, times a strength.

    With `renormalise` the edited map's rows are divided by their sum of absolute weights, so that no pixel gets more
    or less from the prompt as a whole. Raises EditError for a strength out of range.
    """

    positions: tuple[int, ...]
    strength: float
    window: Window
    renormalise: bool = False
    scale: Scale = Scale.MAP

    def __post_init__(self) -> None:
        if not (math.isfinite(self.strength) and abs(self.strength) <= STRONGEST):
            raise EditError(f"strength is {self.strength}; it must lie between {-STRONGEST} and {STRONGEST}.")

    @property
    def acts(self) -> bool:
        """False for a strength of 1, which does nothing at all."""
        return self.strength != 1

    def windows(self) -> Iterator[tuple[Part, Window]]:
        """Its window."""
        yield Part.REWEIGHT, self.window

    def apply(self, edited: EditedMap, pair: Pair, open_windows: Collection[Window]) -> EditedMap:
        """Scale the columns, as the edits before it left them."""
        if self.window not in open_windows:
            return edited
        if self.scale is Scale.SCORES:
            scaled = edited.with_scores(self.positions, self.strength)
        else:
            strength = torch.ones_like(edited.own)
            strength[list(self.positions)] = self.strength
            scaled = edited.scaled(strength)
        return scaled.renormalised() if self.renormalise else scaled
