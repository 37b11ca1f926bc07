"""The two terms of the fused form of one target's edited map."""

from __future__ import annotations

from dataclasses import dataclass

import torch


@dataclass(frozen=True, eq=False)
class Terms:
    """M′ = M_source · `first` + M_target · diag(`second`): `first` [S, T] is W · diag(a), `second` [T] is b.

    A term that vanishes is None; with neither, the target's row is left as it is. `renormalise` asks to divide by the
    sum of the edited map's absolute weights, which is done where attention is computed (see renormalise.py).
    """

    first: torch.Tensor | None
    second: torch.Tensor | None
    renormalise: bool = False

    def to(self, like: torch.Tensor) -> Terms:
        """The same on the device and in the dtype of another tensor."""
        first = None if self.first is None else self.first.to(like)
        return Terms(first, None if self.second is None else self.second.to(like), self.renormalise)

    @property
    def needs_both(self) -> bool:
        """True if both terms are there, so that the target needs a row more."""
        return self.first is not None and self.second is not None
