"""A target's cross-attention map while edits make it from the source's and its own, and what an edit of it is."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import torch

from ..attention.terms import Terms
from ..errors import Part
from ..prompts.pair import Pair
from .column_map import ColumnMap
from .window import Window


@dataclass(frozen=True, eq=False)
class EditedMap:
    """M′ = M_source · `from_source` + M_target · diag(`own`), over S source and T target columns.

    `from_source` [S, T] and `own` [T] are the fused form's W · diag(a) and b. Injecting and scaling give a map of the
    same form, so edits compose. `source_scores` [S] and `own_scores` [T] are as in Terms.
    """

    from_source: torch.Tensor
    own: torch.Tensor
    renormalise: bool = False
    source_scores: torch.Tensor | None = None
    own_scores: torch.Tensor | None = None

    @classmethod
    def unedited(cls, pair: Pair) -> EditedMap:
        """The target's own map."""
        source, target = len(pair.source.tokens), len(pair.target.tokens)
        return cls(torch.zeros(source, target, dtype=torch.float64), torch.ones(target, dtype=torch.float64))

    def injected(self, columns: ColumnMap, window: torch.Tensor) -> EditedMap:
        """The map with columns taken from the source where `window` [T] is 1 and they have a source."""
        kept = 1 - window * columns.has_source
        return replace(self, from_source=columns.weights * window + self.from_source * kept, own=self.own * kept)

    def scaled(self, strength: torch.Tensor) -> EditedMap:
        """The map with its columns times `strength` [T]."""
        return replace(self, from_source=self.from_source * strength, own=self.own * strength)

    def with_scores(self, positions: Sequence[int], strength: float) -> EditedMap:
        """The map made of scores that are times `strength` in the columns of a word, before the softmax.

        In the source's map these are all columns that give anything to the word's; where the alignment shares them
        between words, the other words that take from them change too.
        """
        at = list(positions)
        own = torch.ones_like(self.own) if self.own_scores is None else self.own_scores.clone()
        own[at] *= strength
        source = torch.ones_like(self.from_source[:, 0]) if self.source_scores is None else self.source_scores.clone()
        source[(self.from_source[:, at] != 0).any(dim=1)] *= strength
        return replace(self, source_scores=source, own_scores=own)

    def renormalised(self) -> EditedMap:
        """The map with its rows divided by the sum of their absolute weights."""
        return replace(self, renormalise=True)

    def terms(self) -> Terms:
        """The map as the fused form wants it: without a term that vanishes."""
        if not bool(self.from_source.any()):
            return Terms(
                None, None if bool((self.own == 1).all()) else self.own, self.renormalise, None, self.own_scores
            )
        own = self.own if bool(self.own.any()) else None
        return Terms(self.from_source, own, self.renormalise, self.source_scores, self.own_scores)


class MapEdit(Protocol):
    """An edit of a target's cross-attention map."""

    def windows(self) -> Iterator[tuple[Part, Window]]:
        """When it acts, each window with the part of the pack that asked for it."""

    def apply(self, edited: EditedMap, pair: Pair, open_windows: Collection[Window]) -> EditedMap:
        """The map with this edit on top, while these windows are open."""
