"""Which edits of cross-attention act when, and what they make together."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch

from .column_map import map_columns
from .edits import EditPlan, Kind
from .fused import CrossTerms
from .window import SigmaWindow, Window

REWEIGHT_NODE = "P2P Reweight"

Phase = tuple[bool, ...]


class CrossSchedule:
    """The phases of a plan, and the terms of the fused form in each.

    A phase says for the injection and for each reweight whether it is active. Without a swap or a refine, a
    reweight injects the kept words' maps inside its own window, as the paper's attention re-weighting does.
    """

    def __init__(self, plan: EditPlan, percent_to_sigma: Callable[[float], float]) -> None:
        self.plan = plan
        self._reweights = [reweight.window.to_sigmas(percent_to_sigma) for reweight in plan.reweights]
        injection = plan.injection
        self._injection = injection.window.to_sigmas(percent_to_sigma) if injection else None
        kind = injection.kind if injection else Kind.REFINE
        self._columns = [map_columns(kind, plan.source, target) for target in plan.targets]

    def windows(self) -> Iterator[tuple[str, Window, SigmaWindow]]:
        """(node, window as asked, window in sigmas) of every edit."""
        if self.plan.injection and self._injection:
            yield self.plan.injection.kind.value, self.plan.injection.window, self._injection
        for reweight, window in zip(self.plan.reweights, self._reweights, strict=True):
            yield REWEIGHT_NODE, reweight.window, window

    def phase(self, sigma: float) -> Phase:
        """What is active at a noise level."""
        reweights = tuple(sigma in window for window in self._reweights)
        return (any(reweights) if self._injection is None else sigma in self._injection, *reweights)

    def terms(self, phase: Phase, like: torch.Tensor) -> list[CrossTerms]:
        """The terms of every target in a phase, where `like` is: a = w·α·c and b = (w·(1−α) + (1−w))·c."""
        injects, *active = phase
        made = []
        for number, columns in enumerate(self._columns):
            strength = torch.ones_like(columns.has_source)
            for reweight, on in zip(self.plan.reweights, active, strict=True):
                if on:
                    strength[list(reweight.positions[number])] *= reweight.strength
            first = columns.weights * strength if injects else None
            second = (1 - columns.has_source) * strength if injects else strength
            vanishes = not second.any() if injects else bool((second == 1).all())
            made.append(
                CrossTerms(None if first is None else first.to(like), None if vanishes else second.to(like))
            )
        return made
