"""Measures one kind of edit, or of reweighted words, on the demo model's generated pictures."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lab.world.degrees import DEGREES, striped
from lab.world.judge import Verdict, judge

from .edits import SHAPE_STAYS, KnownEdit
from .quality_edits import DEMO_WAYS, FADES, PAPER, PLAIN, STRENGTHS, Fading, Way, kind_of, must_stay
from .quality_metrics import (
    attributes,
    background_psnr,
    coat,
    is_in_place,
    is_monotone,
    outline,
    rank_correlation,
    silhouette_iou,
)
from .quality_report import figure_interval
from .sampler import Sampler

SHOWN = 4
QUANTITIES = {
    "snowy": "share of white",
    "starry": "share of starlight in the sky",
    "striped": "share of pale stripes in the coat",
}
Row = tuple[str, list[np.ndarray]]
Figures = dict[str, list[list[float]]]


@dataclass(frozen=True)
class Measured:
    """What goes into the JSON file, and the rows of the contact sheet: the first seed of the first pairs."""

    results: dict[str, Any]
    rows: list[Row]


def measure_edits(
    sampler: Sampler, edits: Sequence[KnownEdit], seeds: int, ways: Sequence[Way] = DEMO_WAYS, quiet: bool = False
) -> Measured:
    """Each edit, all of one kind, in each way on so many pictures; pair number n has the host's seed n."""
    kind, right = edits[0].kind, 0
    ways = [way for way in ways if way.fits(kind)]
    figures: dict[str, Figures] = {way.name: defaultdict(list) for way in ways}
    rows: list[Row] = []
    for number, edit in enumerate(edits):
        sources, targets = _pictures(sampler, edit, ways, seeds, number)
        befores = [judge(picture) for picture in sources]
        right += sum(edit.starts_right(before) for before in befores)
        for way in ways:
            _append(
                figures[way.name],
                [
                    figures_of(edit, source, target, before)
                    for source, target, before in zip(sources, targets[way.name], befores, strict=True)
                ],
            )
        if number < SHOWN:
            caption = "   to   ".join(edit.prompts)
            rows.append((caption, [sources[0], *(targets[way.name][0] for way in ways)]))
        if not quiet:
            print(f"{kind}: {number + 1} of {len(edits)} pairs", flush=True)
    results = {
        "prompts": [list(edit.prompts) for edit in edits],
        "pictures": len(edits) * seeds,
        "sources right": right,
        "ways": {name: _intervals(there) for name, there in figures.items()},
    }
    return Measured(results, rows)


def _pictures(
    sampler: Sampler, edit: KnownEdit, ways: Sequence[Way], count: int, seed: int
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """The source pictures, which are the same whatever the way, and each way's targets."""
    targets, sources = {}, None
    for way in ways:
        if way.switch is not None:
            targets[way.name] = sampler.switched(edit.prompts, way.switch, count, seed)
        elif way == PLAIN:
            targets[way.name] = sampler.plain(edit.prompts[1], count, seed)
        else:
            made = sampler.edit(edit.prompts, kind_of(edit), way, count, seed, about=edit.about)
            targets[way.name], sources = made.targets, made.sources
    return sampler.plain(edit.prompts[0], count, seed) if sources is None else sources, targets


def figures_of(edit: KnownEdit, source: np.ndarray, target: np.ndarray, before: Verdict) -> dict[str, float]:
    """The figures of one picture; what must stay is compared with the source picture, not with its prompt."""
    after = judge(target)
    left = edit.left(before)
    near = None if left is None else outline(left)
    there, now = attributes(before, near), attributes(after, near)
    stays = {f"{name} stays": float(there.get(name) == now.get(name)) for name in must_stay(edit.kind)}
    figures = {"success": float(edit.succeeds(after)), "stays": float(np.mean(list(stays.values()))), **stays}
    if edit.kind not in ("place", "style"):
        figures["background PSNR"] = background_psnr(source, target, before, after)
    if edit.kind in SHAPE_STAYS:
        figures["silhouette IoU"] = silhouette_iou(before, after)
    if edit.kind == "thing":
        figures["success in place"] = figures["success"] * is_in_place(before, after)
    return figures


def measure_fadings(
    sampler: Sampler, fadings: Sequence[Fading], seeds: int, ways: Sequence[Way] = FADES, quiet: bool = False
) -> Measured:
    """Each reweighted word, all of one kind, at every strength on so many pictures, in each of the ways to fade."""
    kind = fadings[0].word
    figures: dict[str, Figures] = {way.name: defaultdict(list) for way in ways}
    rows: list[Row] = []
    for number, fading in enumerate(fadings):
        for way in ways:
            made = sampler.fade(fading.prompt, fading.word, STRENGTHS, seeds, number, way)
            _append(figures[way.name], [_responses(fading, pictures) for pictures in made])
            if number < SHOWN:
                rows.append((f"{fading.prompt}:   {fading.word}, {way.name}", list(made[0])))
        if not quiet:
            print(f"reweight of {kind}: {number + 1} of {len(fadings)} prompts", flush=True)
    results = {
        "prompts": [[fading.prompt, fading.word] for fading in fadings],
        "pictures": len(fadings) * seeds,
        "strengths": list(STRENGTHS),
        "quantity": QUANTITIES[kind],
        "ways": {way: _intervals(there) for way, there in figures.items()},
    }
    return Measured(results, rows)


def _responses(fading: Fading, pictures: np.ndarray) -> dict[str, float]:
    """The figures of one picture [1 + strengths, S, S, 3], the source first."""
    source, targets = pictures[0], pictures[1:]
    before, afters = judge(source), [judge(target) for target in targets]
    responses = [_quantity(fading, target, before) for target in targets]
    changed = [i for i, strength in enumerate(STRENGTHS) if strength != 1]
    figures = {f"at {strength:g}": value for strength, value in zip(STRENGTHS, responses, strict=True)}
    figures["rank correlation"] = rank_correlation(STRENGTHS, responses)
    figures["monotone"] = float(is_monotone(responses))
    inside = [value for value, at in zip(responses, STRENGTHS, strict=True) if PAPER[0] <= at <= PAPER[1]]
    figures["monotone in the paper's range"] = float(is_monotone(inside))
    figures["silhouette IoU"] = float(np.mean([silhouette_iou(before, afters[i]) for i in changed]))
    if fading.word == "striped":
        psnrs = [background_psnr(source, targets[i], before, afters[i]) for i in changed]
        figures["background PSNR"] = float(np.mean(psnrs))
    return figures


def _quantity(fading: Fading, picture: np.ndarray, before: Verdict) -> float:
    """What shall grow with the strength; of stripes, in the source's coat."""
    if fading.word == "striped":
        return striped(picture, coat(before.things[0]) if before.things else None)
    return DEGREES[fading.word](picture)


def _append(figures: Figures, pictures: Sequence[dict[str, float]]) -> None:
    """Put the figures of one pair's pictures with those of the pairs before."""
    for name in pictures[0]:
        figures[name].append([picture[name] for picture in pictures])


def _intervals(figures: Figures) -> dict[str, Any]:
    return {
        name: figure_interval(name, np.mean(values, axis=1).tolist(), np.size(values))
        for name, values in figures.items()
    }
