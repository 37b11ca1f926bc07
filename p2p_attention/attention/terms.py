"""The two terms of the fused form of one target's edited map."""

from __future__ import annotations

from dataclasses import dataclass

import torch


@dataclass(frozen=True, eq=False)
class Terms:
    """M′ = M_source · `first` + M_target · diag(`second`): `first` [S, T] is W · diag(a), `second` [T] is b.

    `source_scores` [S] and `own_scores` [T] multiply the scores of the text's columns before the softmax that makes
    M_source and M_target, in the edited row alone; None for ones.

    A term that vanishes is None; with neither, the target's row is left as it is. `renormalise` asks to divide by the
    sum of the edited map's absolute weights, which is done where attention is computed (see renormalise.py).
    """

    first: torch.Tensor | None
    second: torch.Tensor | None
    renormalise: bool = False
    source_scores: torch.Tensor | None = None
    own_scores: torch.Tensor | None = None

    def to(self, like: torch.Tensor) -> Terms:
        """The same on the device and in the dtype of another tensor."""
        parts = (self.first, self.second, self.source_scores, self.own_scores)
        first, second, source, own = (None if part is None else part.to(like) for part in parts)
        return Terms(first, second, self.renormalise, source, own)

    @property
    def scales_scores(self) -> bool:
        """True if scores are scaled before the softmax."""
        return self.own_scores is not None

    @property
    def needs_both(self) -> bool:
        """True if both terms are there, so that the target needs a row more."""
        return self.first is not None and self.second is not None
