"""The edit plan: a source prompt, its targets, and what is done to their cross-attention."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import Enum

from .prompt import Prompt
from .window import Window

STRONGEST = 5.0


class Kind(Enum):
    """The two ways of injecting the source's cross-attention (Hertz et al. 2022, section 3.2)."""

    SWAP = "P2P Word Swap"
    REFINE = "P2P Refine"


@dataclass(frozen=True)
class WordWindow:
    """A window of their own for some target words; `positions` holds their token positions in each target."""

    positions: tuple[tuple[int, ...], ...]
    window: Window


@dataclass(frozen=True)
class Injection:
    """The target takes the source's maps inside the window: of kept words, and with SWAP of swapped words too.

    `word_windows` take the place of the window for their words, the last one that names a word.
    """

    kind: Kind
    window: Window
    word_windows: tuple[WordWindow, ...] = ()


@dataclass(frozen=True)
class Reweight:
    """Attention re-weighting (Hertz et al. 2022, section 3.2): columns of some target words, times a strength.

    `positions` holds the words' token positions in each target. Raises ValueError for a strength out of range.
    """

    positions: tuple[tuple[int, ...], ...]
    strength: float
    window: Window

    def __post_init__(self) -> None:
        if not (math.isfinite(self.strength) and abs(self.strength) <= STRONGEST):
            raise ValueError(f"strength is {self.strength}; it must lie between {-STRONGEST} and {STRONGEST}.")


@dataclass(frozen=True)
class EditPlan:
    """What passes from node to node as P2P_EDIT: immutable, each edit node returns a new one.

    `pair` names the conditioning that was encoded with this plan, so that the hooks find its rows.
    """

    pair: str
    source: Prompt
    targets: tuple[Prompt, ...]
    injection: Injection | None = None
    reweights: tuple[Reweight, ...] = ()

    def __post_init__(self) -> None:
        shapes = {(len(p.chunks), p.chunk_length) for p in (self.source, *self.targets)}
        if len(shapes) != 1:
            raise ValueError("The prompts of one plan need the same number of chunks; pad them before encoding.")

    @property
    def rows(self) -> int:
        """Pictures in the batch: the source, then every target."""
        return 1 + len(self.targets)

    @property
    def tokens(self) -> int:
        """Positions of each prompt, over all its chunks."""
        return len(self.source.chunks) * self.source.chunk_length

    def with_injection(self, injection: Injection) -> EditPlan:
        """The plan with a word swap or a refine; raises ValueError if it has one already."""
        if self.injection is not None:
            raise ValueError(
                f"this edit already has a {self.injection.kind.value} node. One of them covers every word of the "
                "prompts, and a swap keeps added words as a refine does; remove one."
            )
        return replace(self, injection=injection)

    def with_reweight(self, reweight: Reweight) -> EditPlan:
        """The plan with one more reweight; strengths for the same word multiply."""
        return replace(self, reweights=(*self.reweights, reweight))
