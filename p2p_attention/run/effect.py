"""Whether an edit showed, and what to say if it hardly did or cannot."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

import torch

from ..attention.indices import Indices
from ..attention.probe import Track
from ..attention.watch import Watch
from ..edits.plan import EditPlan, Target
from ..node_names import BLEND_NODE, MASK_NODE, REFINE_NODE, REWEIGHT_NODE, SWAP_NODE
from ..prompts.alignment import changed_words
from ..prompts.prompt import positions_of
from ..quote import list_words, quote

LITTLE = 0.1
LEAST_STEPS = 10
LEAST_FREE = 0.01
RESOLUTIONS = (Fraction(1, 8), Fraction(1, 4), Fraction(1, 2))


@dataclass(frozen=True)
class Counts:
    """In how many of a run's steps cross- and self-attention are edited."""

    crossed: int
    self_injected: int
    steps: int

    def __str__(self) -> str:
        return f"cross-attention edited in {self.crossed}, self-attention in {self.self_injected} of {self.steps} steps"


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


def idle(plan: EditPlan) -> str | None:
    """What to say of a plan in which no edit can act, whatever the run."""
    if any(target.acts for target in plan.targets):
        return None
    return (
        f"no edit acts on the targets' cross-attention. Connect {SWAP_NODE}, {REFINE_NODE}, or {REWEIGHT_NODE} with a "
        "strength other than 1, between the prompts and this node."
    )


def mask_remarks(plan: EditPlan, masks: torch.Tensor | None) -> list[str]:
    """What to say of local blends whose words let through all of a picture, or nothing; `masks` [targets, …]."""
    said = []
    for number, mask in enumerate([] if masks is None else masks):
        target = plan.targets[number % len(plan.targets)]
        free = float(mask.mean())
        if any(blend.reads_words for blend in target.blends) and not LEAST_FREE < free < 1 - LEAST_FREE:
            what, way = ("everything", "Raise") if free > 0.5 else ("nothing", "Lower")
            said.append(
                f"{BLEND_NODE} lets {what} of {quote(target.prompt.text)} change (its mask is {free:.0%} of the "
                f"picture). {way} its threshold, name other words, or choose another map_resolution; {MASK_NODE} shows "
                "the mask."
            )
    return list(dict.fromkeys(said))


def remarks(
    plan: EditPlan, latent: torch.Tensor, gauge: Gauge, counts: Counts, masks: torch.Tensor | None
) -> list[str]:
    """What to say of each edited target that differs little from its source in a finished latent [rows, …].

    `masks` [targets, …] are the local blend's.
    """
    pictures = latent.float().reshape(-1, plan.rows, latent[0].numel())
    norm = pictures[:, 0].norm(dim=1).clamp_min(1e-12)
    free = None if masks is None else masks.reshape(-1, len(plan.targets), masks[0].numel()).mean(dim=(0, 2))
    said = []
    for row, target in enumerate(plan.targets, start=1):
        distance = float(((pictures[:, row] - pictures[:, 0]).norm(dim=1) / norm).amax())
        if target.acts and distance < LITTLE:
            said.append(
                _remark(plan, target, row, distance, gauge, counts, None if free is None else float(free[row - 1]))
            )
    return said


def _remark(
    plan: EditPlan, target: Target, row: int, distance: float, gauge: Gauge, counts: Counts, free: float | None
) -> str:
    name = ", ".join((quote(target.prompt.text), *target.settings))
    parts = [f"{name} differs from its source by {distance:.1%} only. {str(counts).capitalize()}"]
    share = gauge.share(row)
    if share is not None and all(reweight.strength for reweight in target.reweights):
        positions = set(edited_positions(plan, target))
        words = [word.text for word in target.prompt.words if positions & {*word.positions}]
        parts.append(f"{list_words(map(repr, words))} held {share:.1%} of the attention to words")
    if free is not None:
        parts.append(f"the local blend left {free:.1%} of the picture free")
    advice = "; ".join(_advice(target, counts, free))
    return "; ".join(parts) + "." + (f" To see more of the edit: {advice}." if advice else "")


def _advice(target: Target, counts: Counts, free: float | None) -> Iterator[str]:
    """What can make a target differ more; `free` is the share of the picture that the local blend lets through."""
    if counts.self_injected:
        yield "let self-attention end earlier (self_end_percent)"
    if target.injection:
        yield "let the swap or refine end earlier (end_percent)"
    if acting := [reweight for reweight in target.reweights if reweight.acts]:
        later = "let the reweight end later (end_percent), or " if any(r.window.end < 1 for r in acting) else ""
        yield f"{later}move the reweight's strength further from 1"
    if free is not None and free < 1:
        reads_words = any(blend.reads_words for blend in target.blends)
        yield "lower the local blend's threshold" if reads_words else "widen the local blend's mask"
