"""Whether an edit showed, and what to say if it hardly did or cannot."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch

from ..edits.plan import EditPlan, Target
from ..errors import Part
from ..quote import list_words, quote
from .attention_share import AttentionShare, edited_positions

LITTLE = 0.1
LEAST_FREE = 0.01
LITTLE_GUIDANCE = 1.0
MOST_MISSED = 0.7


@dataclass(frozen=True)
class Counts:
    """In how many of a run's steps cross- and self-attention are edited."""

    crossed: int
    self_injected: int
    steps: int

    def __str__(self) -> str:
        return f"cross-attention edited in {self.crossed}, self-attention in {self.self_injected} of {self.steps} steps"


def idle(plan: EditPlan) -> str | None:
    """What to say of a plan in which no edit can act, whatever the run."""
    if any(target.acts for target in plan.targets):
        return None
    return (
        f"no edit acts on the targets' cross-attention. Connect {Part.SWAP}, {Part.REFINE}, or {Part.REWEIGHT} with a "
        "strength other than 1, between the prompts and this node."
    )


def mask_remarks(plan: EditPlan, masks: torch.Tensor | None, missed: torch.Tensor | None = None) -> list[str]:
    """What to say of local blends whose words let through all of a picture, nothing, or not what changes.

    `masks` [targets, …]; `missed` [targets] is the share of the predicted change that each has left out.
    """
    said = []
    for number, mask in enumerate([] if masks is None else masks):
        target = plan.targets[number % len(plan.targets)]
        free = float(mask.mean())
        if any(blend.finds_a_mask for blend in target.blends) and not LEAST_FREE < free < 1 - LEAST_FREE:
            what, way = ("everything", "Raise") if free > 0.5 else ("nothing", "Lower")
            said.append(
                f"{Part.BLEND} lets {what} of {quote(target.prompt.text)} change (its mask is {free:.0%} of the "
                f"picture). {way} its threshold, name other words, or choose another map_resolution; {Part.MASK} shows "
                "the mask."
            )
        elif missed is not None and float(missed[number]) > MOST_MISSED and _only_words(target):
            said.append(
                f"{Part.BLEND} keeps {float(missed[number]):.0%} of what would change of {quote(target.prompt.text)} "
                f"out of the picture (its mask is {free:.0%} of it). If that is the thing itself, lower the threshold, "
                f"name the thing in words, or choose another map_resolution; {Part.MASK} shows the mask."
            )
    return list(dict.fromkeys(said))


def _only_words(target: Target) -> bool:
    return all(blend.reads_words and blend.mask is None and not blend.exclude for blend in target.blends)


def remarks(
    plan: EditPlan,
    latent: torch.Tensor,
    share: AttentionShare,
    counts: Counts,
    masks: torch.Tensor | None,
    guidance: float | None = None,
) -> list[str]:
    """What to say of each edited target that differs little from its source in a finished latent [rows, …].

    `masks` [targets, …] are the local blend's; `guidance` is the sampler's cfg, if it has one.
    """
    pictures = plan.layout().split(latent.float()).flatten(2)
    norm = pictures[:, 0].norm(dim=1).clamp_min(1e-12)
    free = None if masks is None else masks.reshape(-1, len(plan.targets), masks[0].numel()).mean(dim=(0, 2))
    said = []
    for row, target in enumerate(plan.targets, start=1):
        distance = float(((pictures[:, row] - pictures[:, 0]).norm(dim=1) / norm).amax())
        if target.acts and distance < LITTLE:
            open_share = None if free is None else float(free[row - 1])
            said.append(_remark(target, distance, share.of(row), counts, open_share, guidance))
    return said


def _remark(
    target: Target, distance: float, share: float | None, counts: Counts, free: float | None, guidance: float | None
) -> str:
    name = ", ".join((quote(target.prompt.text), *target.settings))
    parts = [f"{name} differs from its source by {distance:.1%} only. {str(counts).capitalize()}"]
    if share is not None and all(reweight.strength for reweight in target.reweights):
        positions = set(edited_positions(target))
        words = [word.text for word in target.prompt.words if positions & {*word.positions}]
        parts.append(f"{list_words(map(repr, words))} held {share:.1%} of the attention to words")
    if free is not None:
        parts.append(f"the local blend left {free:.1%} of the picture free")
    advice = "; ".join(_advice(target, counts, free, guidance))
    return "; ".join(parts) + "." + (f" To see more of the edit: {advice}." if advice else "")


def _advice(target: Target, counts: Counts, free: float | None, guidance: float | None) -> Iterator[str]:
    """What can make a target differ more; `free` is the share of the picture that the local blend lets through."""
    if guidance is not None and guidance <= LITTLE_GUIDANCE:
        yield (
            f"raise guidance (the sampler's cfg, now {guidance:g}), which draws what the prompt says more strongly, "
            "unless the model is distilled for it"
        )
    if counts.self_injected:
        yield "let self-attention end earlier (self_end_percent)"
    if target.injection:
        yield "let the swap or refine end earlier (end_percent)"
    if acting := [reweight for reweight in target.reweights if reweight.acts]:
        later = "let the reweight end later (end_percent), or " if any(r.window.end < 1 for r in acting) else ""
        yield f"{later}move the reweight's strength further from 1"
    if free is not None and free < 1:
        finds_a_mask = any(blend.finds_a_mask for blend in target.blends)
        yield "lower the local blend's threshold" if finds_a_mask else "widen the local blend's mask"
