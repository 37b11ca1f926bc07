"""What all calls of the model between two edges of windows have in common, prepared once."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import torch

from .fused import Folds, edited_rows
from .indices import Indices
from .rows import CallRows
from .terms import Terms

Made = TypeVar("Made")


@dataclass(frozen=True, eq=False)
class Prepared:
    """A phase's edit of one layout of rows, on one device and in one dtype.

    `terms` has those of each of the rows' targets, over `tokens` columns; `used` and `folds` are as in fused.py;
    `index` makes row numbers tensors.
    """

    rows: CallRows
    terms: Sequence[Terms]
    tokens: int
    used: tuple[int, ...]
    folds: Folds
    index: Indices
    _made: dict[Hashable, object] = field(default_factory=dict)

    @property
    def gathered(self) -> tuple[int, ...]:
        """`used`, and after them the sources that a store gives, to be read."""
        return (*self.used, *range(self.rows.total, self.rows.given))

    def place(self, row: int) -> int:
        """Where a row of the call, or of the store, is among those gathered."""
        return row if row < self.rows.total else row - self.rows.total + len(self.used)

    def once(self, key: Hashable, make: Callable[[], Made]) -> Made:
        """What `make` gives, made at the first use of the key; for probes, which are the same in all layers."""
        if key not in self._made:
            self._made[key] = make()
        return self._made[key]  # type: ignore[return-value]


class Phase:
    """What the edit does while the same windows are open: the `terms` of each target's cross-attention map, over
    `tokens` columns, and whether the source's self-attention is injected.

    `edits_cross` is true while some window of cross-attention is open.
    """

    def __init__(
        self, terms: Sequence[Terms], tokens: int, edits_cross: bool, injects_self: bool, index: Indices
    ) -> None:
        self.tokens, self.edits_cross, self.injects_self, self.index = tokens, edits_cross, injects_self, index
        self.adds_rows = any(term.needs_both for term in terms)
        self.renormalises = any(term.renormalise for term in terms)
        self._terms = tuple(terms)
        self._prepared: dict[tuple[CallRows, torch.device, torch.dtype], Prepared] = {}

    @property
    def acts(self) -> bool:
        """True if anything is edited."""
        return self.edits_cross or self.injects_self

    def prepared(self, rows: CallRows, like: torch.Tensor) -> Prepared:
        """The phase's edit for the rows of a call, on the device and in the dtype of `like`."""
        key = (rows, like.device, like.dtype)
        if key not in self._prepared:
            terms = [term.to(like) for term in self._terms] * (len(rows.targets) // max(1, len(self._terms)))
            self._prepared[key] = Prepared(rows, terms, self.tokens, *edited_rows(rows, terms), self.index)
        return self._prepared[key]
