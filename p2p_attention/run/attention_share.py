"""How much attention the words hold that an edit is about."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from ..attention.site import Layers
from ..attention.word_maps import WordMap, WordMaps
from ..edits.plan import EditPlan, Target
from ..prompts.prompt import positions_of

LEAST_STEPS = 10
RESOLUTIONS = (Fraction(1, 8), Fraction(1, 4), Fraction(1, 2))


class AttentionShare:
    """The share of the attention to words that an edit's own words get, read in one step in the middle of the edit.

    One step of a run of ten or more, and not in the largest layers, so that a run takes no longer for it. `edited` are
    the noise levels of the steps in which cross-attention is edited, of `steps` in all.
    """

    def __init__(self, plan: EditPlan, edited: Sequence[float], steps: int, layers: Layers) -> None:
        self.sigma = edited[len(edited) // 2] if edited and steps >= LEAST_STEPS else None
        self._wanted: dict[int, list[tuple[WordMap, WordMap]]] = {}
        for row, target in enumerate(plan.edited, start=1):
            if positions := edited_positions(target):
                every = tuple(positions_of(target.prompt.words))
                self._wanted[row] = [(WordMap(row, positions, s), WordMap(row, every, s)) for s in RESOLUTIONS]
        self.maps = WordMaps([one for row in self._wanted.values() for both in row for one in both], layers)

    def due(self, sigma: float) -> bool:
        """True in the one step."""
        return sigma == self.sigma and not self.maps.sums

    def of(self, row: int) -> float | None:
        """The share of the edited words of a row's prompt; None if it was not read."""
        sums, wanted = self.maps.sums, self._wanted.get(row, [])
        read = [(float(sums[part].mean()), float(sums[whole].mean())) for part, whole in wanted if whole in sums]
        total = sum(whole for _, whole in read)
        return sum(part for part, _ in read) / total if total else None


def edited_positions(target: Target) -> tuple[int, ...]:
    """Where in a target's prompt the words stand that an edit is about: changed, or reweighted."""
    positions = {*target.pair.changed.target}
    positions.update(position for reweight in target.reweights for position in reweight.positions)
    return tuple(sorted(positions))
