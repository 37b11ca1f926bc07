"""The edit plan: a source prompt, its targets, and what is done to their cross-attention."""

from __future__ import annotations

from dataclasses import dataclass, replace

from .prompt import Prompt
from .window import Window


@dataclass(frozen=True)
class WordSwap:
    """Word swap (Hertz et al. 2022, section 3.2): kept and swapped words take the source's attention maps."""

    window: Window


@dataclass(frozen=True)
class EditPlan:
    """What passes from node to node as P2P_EDIT: immutable, each edit node returns a new one.

    `pair` names the conditioning that was encoded with this plan, so that the hooks find its rows.
    """

    pair: str
    source: Prompt
    targets: tuple[Prompt, ...]
    swap: WordSwap | None = None

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

    def with_swap(self, swap: WordSwap) -> EditPlan:
        """The plan with a word swap; raises ValueError if it has one already."""
        if self.swap is not None:
            raise ValueError("this edit already has a word swap; one Word Swap node covers every word that changed.")
        return replace(self, swap=swap)
