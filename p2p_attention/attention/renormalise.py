"""Renormalised reweights: outputs of cross-attention divided by the sums of their edited maps' rows."""

from __future__ import annotations

import torch

from .phase import Prepared
from .probe import Attend, Cell, Probe, edited_columns


def renormalised(
    prepared: Prepared, attend: Attend, q: torch.Tensor, k: torch.Tensor, heads: int, output: torch.Tensor
) -> torch.Tensor:
    """The output [R', N, H·D] of a call with queries and keys [R', …, H·D], divided, where a target's terms ask for it,
    by the sum of its edited map's absolute weights, pixel by pixel and head.
    """
    if not any(terms.renormalise for terms in prepared.terms):
        return output
    probe, rows = prepared.once("sums", lambda: _sums_probe(prepared, k))
    sums = probe.read(attend, q, k, heads)
    output = output.view(*output.shape[:2], heads, -1)
    for number, both in enumerate(rows):
        for row in both:
            output[row] /= sums[..., number, None]
    return output.flatten(2)


def _sums_probe(prepared: Prepared, like: torch.Tensor) -> tuple[Probe, list[list[int]]]:
    """A probe of the sum over each row of every map to renormalise, and the call's rows to divide by it."""
    cells: list[Cell] = []
    rows: list[list[int]] = []
    for place, terms in enumerate(prepared.terms):
        if terms.renormalise:
            edited = list(edited_columns(prepared, place, like.new_ones(prepared.tokens)))
            cells += [(row, len(rows), column) for row, column in edited]
            rows.append([row for row, _ in edited])
    return Probe.of(cells, len(rows), prepared), rows
