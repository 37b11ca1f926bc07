"""Whether an edit showed, and what to say if it hardly did."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import torch

from .alignment import changed_words
from .edits import EditPlan, Target
from .indices import Indices
from .probe import Track
from .prompt import positions_of
from .quote import list_words, quote
from .watch import Watch

LITTLE = 0.1
LEAST_STEPS = 10
RESOLUTIONS = (Fraction(1, 8), Fraction(1, 4), Fraction(1, 2))


class Gauge:
    """Sees, in one step in the middle of the edit, how much attention the words hold that an edit is about.

    One step of a run of ten or more, and not in the largest layers, so that a run takes no longer for it.
    """

    def __init__(self, plan: EditPlan, edited: Sequence[float], steps: int, index: Indices) -> None:
        self.sigma = edited[len(edited) // 2] if edited and steps >= LEAST_STEPS else None
        self._tracks: dict[int, list[tuple[Track, Track]]] = {}
        for row, target in enumerate(plan.targets, start=1):
            if changed := edited_positions(plan, target):
                every = tuple(positions_of(target.prompt.words))
                self._tracks[row] = [(Track(row, changed, size), Track(row, every, size)) for size in RESOLUTIONS]
        self.watch = Watch([track for row in self._tracks.values() for pair in row for track in pair], index)

    def share(self, row: int) -> float | None:
        """The share of the attention to all words of a row that the edited ones held; None if it was not seen."""
        maps, pairs = self.watch.maps, self._tracks.get(row, [])
        seen = [(float(maps[part].mean()), float(maps[whole].mean())) for part, whole in pairs if whole in maps]
        total = sum(whole for _, whole in seen)
        return sum(part for part, _ in seen) / total if total else None


def edited_positions(plan: EditPlan, target: Target) -> tuple[int, ...]:
    """Where in a target's prompt the words stand that an edit is about: changed, or reweighted."""
    positions = {*changed_words(plan.source, target.prompt).target}
    positions.update(position for reweight in target.reweights for position in reweight.positions)
    return tuple(sorted(positions))


def remarks(plan: EditPlan, latent: torch.Tensor, gauge: Gauge, steps: str, masks: torch.Tensor | None) -> list[str]:
    """What to say of each target that differs little from its source in a finished latent [rows, …].

    `steps` says in how many steps the edits acted, `masks` [targets, …] are the local blend's.
    """
    pictures = latent.float().reshape(-1, plan.rows, latent[0].numel())
    norm = pictures[:, 0].norm(dim=1).clamp_min(1e-12)
    free = None if masks is None else masks.reshape(-1, len(plan.targets), masks[0].numel()).mean(dim=(0, 2))
    said = []
    for row, target in enumerate(plan.targets, start=1):
        distance = float(((pictures[:, row] - pictures[:, 0]).norm(dim=1) / norm).amax())
        if distance < LITTLE:
            said.append(
                _remark(plan, target, row, distance, gauge, steps, None if free is None else float(free[row - 1]))
            )
    return said


def _remark(
    plan: EditPlan, target: Target, row: int, distance: float, gauge: Gauge, steps: str, free: float | None
) -> str:
    name = ", ".join((quote(target.prompt.text), *target.settings))
    parts = [f"{name} differs from its source by {distance:.1%} only. {steps}"]
    share = gauge.share(row)
    if share is not None:
        positions = set(edited_positions(plan, target))
        words = [word.text for word in target.prompt.words if positions & {*word.positions}]
        parts.append(f"{list_words(map(repr, words))} held {share:.1%} of the attention to words")
    if free is not None:
        parts.append(f"the local blend left {free:.1%} of the picture free")
    advice = ["let self-attention end earlier (self_end_percent)"]
    if target.injection:
        advice.append("let the swap or refine end earlier (end_percent)")
    if target.reweights:
        advice.append("let the reweight end later (end_percent), or move its strength further from 1")
    if free is not None:
        advice.append("lower the local blend's threshold")
    return "; ".join(parts) + ". To see more of the edit: " + "; ".join(advice) + "."
