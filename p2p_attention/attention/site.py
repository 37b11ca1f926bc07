"""Where in a model an attention is computed, and what one call of it is told."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from typing import Protocol

from .phase import Phase
from .rows import CallRows

Size = tuple[int, int]
AUTO = Fraction(0)
"""In place of a share of the latent's sides: what suits a latent of any size, layers of about 16×16."""


class Attends(Enum):
    """What the picture's queries attend to."""

    SELF = "self"
    CROSS = "cross"
    JOINT = "joint"


@dataclass(frozen=True)
class AttentionSite:
    """An attention of a layer: its kind, the layer's `grid` of queries and the model's `latent`, both (height,
    width). Where all layers have one grid, it is known by its number, `block` of `blocks`.
    """

    attends: Attends
    grid: Size
    latent: Size
    block: int = 0
    blocks: int = 1


class Layers(Protocol):
    """How a backbone reads "which layers": a share of the latent's sides, by the grids that its layers have."""

    @property
    def joint(self) -> bool:
        """True if text and image are the keys of one map in every layer."""

    def at(self, site: AttentionSite, share: Fraction) -> bool:
        """True for a layer of this share of the latent's sides."""

    def within(self, site: AttentionSite, share: Fraction) -> bool:
        """True for a layer of at most this share of the latent's sides."""

    def reach(self, share: Fraction) -> Fraction:
        """The largest share within which the same layers are."""


@dataclass(frozen=True, eq=False)
class AttentionCall:
    """One call of an attention: where, of which rows, and what the edit does at this noise level."""

    site: AttentionSite
    rows: CallRows
    phase: Phase
