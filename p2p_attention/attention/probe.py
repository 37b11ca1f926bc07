"""Sums of attention without the maps: what the host's own attention gives for columns of ones in place of values.

softmax(QKᵀ/√d) · e, with e one at some tokens and zero elsewhere, is the share of each pixel's attention that these
tokens get: [pixels] instead of [pixels × tokens].
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

import torch

from .fused import Batch, CrossTerms
from .indices import Indices

Attend = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class Track:
    """Words to follow: `positions` in the prompt of one of the run's rows (pictures), in layers of a size."""

    row: int
    positions: tuple[int, ...]
    resolution: Fraction


@dataclass(frozen=True)
class Probe:
    """Which rows [R] of a call to look at, the columns [R, T, P] to see of each, and which of these are `empty` [R, P].

    What an attention gives for a column of zeros is not looked at: one that quantises values may give NaN for it.
    """

    rows: torch.Tensor
    columns: torch.Tensor
    empty: torch.Tensor

    def look(self, attend: Attend, q: torch.Tensor, k: torch.Tensor, heads: int) -> torch.Tensor:
        """What each pixel and head gives to the columns, summed over rows. q [B, N, H·D], k [B, k·T, H·D] → [N, H, P].

        `attend(q, k, v)` is the host's attention with so many heads.
        """
        q, k = q[self.rows], k[self.rows]
        width = q.shape[-1] // heads
        columns = self.columns.to(q).repeat(1, k.shape[1] // self.columns.shape[1], 1)
        seen = []
        for part, empty in zip(torch.split(columns, width, -1), torch.split(self.empty, width, -1), strict=True):
            value = q.new_zeros(*k.shape[:2], heads, width)
            value[..., : part.shape[-1]] = part[:, :, None]
            output = attend(q, k, value.flatten(2)).view(*q.shape[:2], heads, width)
            seen.append(output[..., : part.shape[-1]].masked_fill(empty[:, None, None], 0).sum(dim=0))
        return torch.cat(seen, dim=-1)


class Probes:
    """Makes the probes of one call: `terms` has the edit of each of the batch's targets, `folds` their extra rows."""

    def __init__(
        self,
        batch: Batch,
        folds: Sequence[tuple[int, int]],
        terms: Sequence[CrossTerms],
        index: Indices,
    ) -> None:
        self.batch, self.extra, self.terms, self.index = batch, dict(folds), terms, index

    def of_words(self, tracks: Sequence[Track], like: torch.Tensor, tokens: int) -> Probe:
        """For each track, the share that its words get in the edited maps, over all calls of the pair's rows."""
        cells: list[tuple[int, int, torch.Tensor]] = []
        places = {row: place for place, row in enumerate(self.batch.targets)}
        for number, track in enumerate(tracks):
            column = like.new_zeros(tokens)
            column[list(track.positions)] = 1
            for row in (start + track.row for start in self.batch.starts):
                seen = self._edited(places[row], column) if row in places else [(row, column)]
                cells += [(row, number, edited) for row, edited in seen]
        return self._gather(cells, len(tracks))

    def of_sums(self, like: torch.Tensor, tokens: int) -> tuple[Probe, list[list[int]]]:
        """For each target to renormalise, the sum over its edited map's row; and the call's rows to divide by it."""
        cells: list[tuple[int, int, torch.Tensor]] = []
        rows: list[list[int]] = []
        for place, term in enumerate(self.terms):
            if term.renormalise:
                edited = list(self._edited(place, like.new_ones(tokens)))
                cells += [(row, len(rows), column) for row, column in edited]
                rows.append([row for row, _ in edited])
        return self._gather(cells, len(rows)), rows

    def _edited(self, place: int, column: torch.Tensor) -> Iterator[tuple[int, torch.Tensor]]:
        """What [T] to look at, in which rows, to see a column of a target's edited map; strengths count absolutely."""
        row, term = self.batch.targets[place], self.terms[place]
        if term.first is None:
            yield row, column if term.second is None else column * term.second.abs()
            return
        yield row, term.first.abs() @ column
        if term.second is not None:
            yield self.extra[row], column * term.second.abs()

    def _gather(self, cells: list[tuple[int, int, torch.Tensor]], width: int) -> Probe:
        rows = sorted({row for row, _, _ in cells})
        example = cells[0][2]
        columns = example.new_zeros(len(rows), len(example), width)
        for row, number, column in cells:
            columns[rows.index(row), :, number] = column
        return Probe(self.index(rows, example.device), columns, ~columns.any(dim=1))
