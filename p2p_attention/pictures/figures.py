"""How far an edited picture is from its source, in figures that need nobody to judge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from ..edits.plan import EditPlan, Target
from ..run.attention_share import edited_positions
from ..run.record import NamedMap
from .heat import stretch

MOST_DB = 60.0
THRESHOLD = 0.3  # of a map's maximum, as local blend's own default


@dataclass(frozen=True)
class Figures:
    """Of two pictures: `distance`, the root mean square of what their pixels in 0 … 1 differ by, and `kept`, the peak
    signal-to-noise ratio in dB where the edit has nothing to change, None if that is not known or nowhere.
    """

    distance: float
    kept: float | None

    def __str__(self) -> str:
        distance = f"distance {self.distance:.3f}"
        return distance if self.kept is None else f"kept {self.kept:.1f} dB, {distance}"


def compare(source: torch.Tensor, target: torch.Tensor, keep: torch.Tensor | None) -> Figures:
    """The figures of two pictures [H, W, 3] in 0 … 1; `keep` [H, W] is true where the edit has nothing to change."""
    squares = (target - source).square()
    kept = None if keep is None or not keep.any() else _decibel(float(squares[keep].mean()))
    return Figures(float(squares.mean()) ** 0.5, kept)


def kept_by_words(edit: EditPlan, maps: Sequence[NamedMap], size: tuple[int, int]) -> list[torch.Tensor | None]:
    """Where each target has nothing to change, [H, W] of bool, by the watched words' maps of a source and its targets.

    `maps` count their rows from the source, which is 0. It is where no map of a changed or reweighted word exceeds 0.3
    of its maximum, be it the source's or that of any edited target of the same prompt: a plain picture is measured
    where its edit is. None where no such word is watched.
    """
    changed: dict[str, list[NamedMap]] = {}
    for row, target in enumerate(edit.targets, start=1):
        if not target.plain:
            changed.setdefault(target.prompt.text, []).extend(_maps_of_edit(target, row, maps))
    keeps = {text: _outside(found, size) for text, found in changed.items()}
    return [keeps[target.prompt.text] for target in edit.targets]


def _maps_of_edit(target: Target, row: int, maps: Sequence[NamedMap]) -> list[NamedMap]:
    sides = {0: {*target.pair.changed.source}, row: {*edited_positions(target)}}
    return [one for one in maps if one.row in sides and sides[one.row].issuperset(one.positions)]


def _outside(maps: Sequence[NamedMap], size: tuple[int, int]) -> torch.Tensor | None:
    if not maps:
        return None
    return torch.stack([stretch(one.map, size) <= THRESHOLD for one in maps]).all(dim=0)


def _decibel(square: float) -> float:
    """The peak signal-to-noise ratio of a mean square, at most 60 dB."""
    error = torch.tensor(max(square, 1e-12), dtype=torch.float64)
    return min(MOST_DB, float(-10 * error.log10()))
