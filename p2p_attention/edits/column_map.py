"""How the columns of the source's cross-attention map become the target's."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import torch

from ..errors import Part
from ..prompts.alignment import Change, WordRun
from ..prompts.pair import Pair
from ..prompts.prompt import Prompt, Role, positions_of


class Kind(Enum):
    """The two ways of injecting the source's cross-attention (Hertz et al. 2022, section 3.2)."""

    SWAP = "swap"
    REFINE = "refine"

    @property
    def part(self) -> Part:
        """What messages call it."""
        return Part.SWAP if self is Kind.SWAP else Part.REFINE


@dataclass(frozen=True)
class ColumnMap:
    """`weights` [S, T] spreads source columns over target columns: M_target = M_source · weights.

    `has_source` [T] is 1 where a target column comes from the source (α of the fused form), even if it gets nothing
    there, and 0 where the target keeps its own column, as an added word does.
    """

    weights: torch.Tensor
    has_source: torch.Tensor


def map_columns(kind: Kind, pair: Pair) -> ColumnMap:
    """The column map of word swap or of refine (Hertz et al. 2022, section 3.2), for prompts of any shape.

    Kept words map one to one, added words keep their own columns, removed words' columns go nowhere. A run of m
    tokens swapped for n keeps its own columns under REFINE; under SWAP it maps one to one if m = n, else each of
    the n target columns is the sum of the m source columns divided by n; each encoder's columns by themselves. So
    does a kept word that is read as m tokens in one prompt and as n in the other. The
    start, end and padding of each chunk map as `_special_pairs` says. Fill answers fill in its place; where the source
    has a word there, it gets nothing, since the source attends to no such column.
    """
    weights = torch.zeros(len(pair.source.tokens), len(pair.target.tokens), dtype=torch.float64)
    for run in pair.runs:
        if _is_fed(run, kind):
            for section in pair.source.sections:
                _share(weights, run, section)
    for i, j, weight in _special_pairs(pair.source, pair.target):
        weights[i, j] = weight
    has_source = (weights != 0).any(dim=0).double()
    has_source[[i for i, token in enumerate(pair.target.tokens) if token.role is Role.FILL]] = 1
    return ColumnMap(weights, has_source)


def fed_positions(kind: Kind, pair: Pair) -> set[int]:
    """Where the words of the target stand that take something from the source, without the column map."""
    return {position for run in pair.runs if _is_fed(run, kind) for position in positions_of(run.target)}


def _is_fed(run: WordRun, kind: Kind) -> bool:
    return run.change is Change.KEPT or (run.change is Change.SWAPPED and kind is Kind.SWAP)


def _share(weights: torch.Tensor, run: WordRun, section: range) -> None:
    before, after = ([at for at in positions_of(words) if at in section] for words in (run.source, run.target))
    if len(before) == len(after):
        weights[before, after] = 1.0
        return
    for j in after:
        weights[before, j] = 1.0 / len(after)


def _special_pairs(source: Prompt, target: Prompt) -> list[tuple[int, int, float]]:
    """(source position, target position, weight) of start, end, padding and fill, chunk by chunk.

    Padding answers the source's padding at the same position, or the source's last padding where the source has a
    word there. Where the source's chunk is full, all padding together answers its end once.
    """
    pairs = []
    for chunk in range(len(source.chunks)):
        for role in (Role.START, Role.END):
            both = zip(source.positions(chunk, role), target.positions(chunk, role), strict=False)
            pairs += [(i, j, 1.0) for i, j in both]
        pairs += [(i, i, 1.0) for i in {*source.positions(chunk, Role.FILL)} & {*target.positions(chunk, Role.FILL)}]
        padding, wanted = source.positions(chunk, Role.PADDING), target.positions(chunk, Role.PADDING)
        if padding:
            pairs += [(j if j in padding else padding[-1], j, 1.0) for j in wanted]
        else:
            pairs += [(i, j, 1 / len(wanted)) for i in source.positions(chunk, Role.END) for j in wanted]
    return pairs
