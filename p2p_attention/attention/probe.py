"""Sums of attention without the maps: what the host's own attention gives for columns of ones in place of values.

softmax(QKᵀ/√d) · e, with e one at some tokens and zero elsewhere, is the share of each pixel's attention that these
tokens get: [pixels] instead of [pixels × tokens].
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import torch

from .phase import Prepared

Attend = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]
Cell = tuple[int, int, torch.Tensor]


@dataclass(frozen=True)
class Probe:
    """Which rows [R] of a call to read (and their `numbers`), the columns [R, T, P] to read of each, and which of these
    are `empty` [R, P].

    What an attention gives for a column of zeros is not read: one that quantises values may give NaN for it.
    """

    rows: torch.Tensor
    columns: torch.Tensor
    empty: torch.Tensor
    numbers: tuple[int, ...]

    @classmethod
    def of(cls, cells: Sequence[Cell], width: int, prepared: Prepared) -> Probe:
        """A probe of P = `width` sums from (row, number of the sum, its column [T]); other columns are empty."""
        rows = sorted({row for row, _, _ in cells})
        example = cells[0][2]
        columns = example.new_zeros(len(rows), len(example), width)
        for row, number, column in cells:
            columns[rows.index(row), :, number] = column
        return cls(prepared.index(rows, example.device), columns, ~columns.any(dim=1), tuple(rows))

    def among(self, start: int, keys: int) -> Probe:
        """The same probe where the columns are only some of the keys, from `start` on."""
        columns = self.columns.new_zeros(self.columns.shape[0], keys, self.columns.shape[2])
        columns[:, start : start + self.columns.shape[1]] = self.columns
        return replace(self, columns=columns)

    def read(self, attend: Attend, q: torch.Tensor, k: torch.Tensor, heads: int) -> torch.Tensor:
        """What each pixel and head gives to the columns, summed over rows. q [B, N, H·D], k [B, k·T, H·D] → [N, H, P].

        `attend(q, k, v)` is the host's attention with H heads.
        """
        q, k = q[self.rows], k[self.rows]
        width = q.shape[-1] // heads
        columns = self.columns.to(q).repeat(1, k.shape[1] // self.columns.shape[1], 1)
        read = []
        for part, empty in zip(torch.split(columns, width, -1), torch.split(self.empty, width, -1), strict=True):
            value = q.new_zeros(*k.shape[:2], heads, width)
            value[..., : part.shape[-1]] = part[:, :, None]
            output = attend(q, k, value.flatten(2)).view(*q.shape[:2], heads, width)
            read.append(output[..., : part.shape[-1]].masked_fill(empty[:, None, None], 0).sum(dim=0))
        return torch.cat(read, dim=-1)


def edited_columns(prepared: Prepared, place: int, column: torch.Tensor) -> Iterator[tuple[int, torch.Tensor]]:
    """(row, column [T]) to read, in order to read a column of the edited map of the target at a place of the rows.

    Strengths count absolutely.
    """
    row, terms = prepared.rows.targets[place], prepared.terms[place]
    if terms.first is None:
        yield row, column if terms.second is None else column * terms.second.abs()
        return
    yield row, terms.first.abs() @ column
    if terms.second is not None:
        yield dict(prepared.folds)[row], column * terms.second.abs()
