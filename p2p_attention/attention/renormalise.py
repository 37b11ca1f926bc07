"""Renormalised reweights: outputs of cross-attention divided by the sums of their edited maps' rows."""

from __future__ import annotations

from collections.abc import Hashable

import torch

from .indices import Indices
from .probe import Attend, Probe, Probes
from .watch import CrossCall


class Renormaliser:
    """Divides what each renormalised target's rows give by the sum of absolute weights, pixel by pixel and head."""

    def __init__(self, index: Indices) -> None:
        self.index = index
        self._sums: dict[Hashable, tuple[Probe, list[list[int]]]] = {}

    def apply(
        self, call: CrossCall, attend: Attend, q: torch.Tensor, k: torch.Tensor, heads: int, output: torch.Tensor
    ) -> torch.Tensor:
        """The output [R, N, H·D] to go on with, for queries and keys [R, …, H·D]."""
        if not any(term.renormalise for term in call.terms):
            return output
        key = (call.phase, call.batch, k.device, k.dtype)
        if key not in self._sums:
            self._sums[key] = Probes(call.batch, call.folds, call.terms, self.index).of_sums(k, call.tokens)
        probe, rows = self._sums[key]
        sums = probe.look(attend, q, k, heads)
        output = output.view(*output.shape[:2], heads, -1)
        for number, both in enumerate(rows):
            for row in both:
                output[row] /= sums[..., number, None]
        return output.flatten(2)
