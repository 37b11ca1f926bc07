"""Which edits of cross-attention act when, and what they make together."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch

from ..attention.fused import CrossTerms
from ..edits.column_map import ColumnMap, map_columns
from ..edits.plan import EditPlan, Kind, Target
from ..edits.window import SigmaWindow, Window
from ..node_names import REWEIGHT_NODE

Phase = frozenset[Window]


class CrossSchedule:
    """The phases of a plan, each the set of windows that are open in it, and the terms of the fused form in each.

    Without a swap or a refine, a reweight injects the kept words' maps inside its own window, as the paper's
    attention re-weighting does; one of strength 1 does nothing.
    """

    def __init__(self, plan: EditPlan, percent_to_sigma: Callable[[float], float]) -> None:
        self._targets = [(target, columns_of(plan, target)) for target in plan.targets]
        self._adds_rows: dict[Phase, bool] = {}
        asked = dict.fromkeys(pair for target in plan.targets for pair in _windows(target))
        self._windows = [(node, window, window.to_sigmas(percent_to_sigma)) for node, window in asked]

    def windows(self) -> Iterator[tuple[str, Window, SigmaWindow]]:
        """(node, window as asked, window in sigmas) of every edit."""
        yield from self._windows

    def adds_rows(self, phase: Phase) -> bool:
        """True if a target needs both terms of the fused form in a phase."""
        if phase not in self._adds_rows:
            terms = self.terms(phase, torch.zeros(()))
            self._adds_rows[phase] = any(term.first is not None and term.second is not None for term in terms)
        return self._adds_rows[phase]

    def phase(self, sigma: float) -> Phase:
        """The windows that are open at a noise level."""
        return frozenset(window for _, window, sigmas in self._windows if sigma in sigmas)

    def terms(self, phase: Phase, like: torch.Tensor) -> list[CrossTerms]:
        """The terms of every target in a phase, on the device and in the dtype of `like`."""
        return [_terms(target, columns, phase, like) for target, columns in self._targets]


def _windows(target: Target) -> Iterator[tuple[str, Window]]:
    if injection := target.injection:
        for window in (injection.window, *(word.window for word in injection.word_windows if word.positions)):
            yield injection.kind.value, window
    for reweight in target.reweights:
        if reweight.acts:
            yield REWEIGHT_NODE, reweight.window


def columns_of(plan: EditPlan, target: Target) -> ColumnMap:
    """What feeds a target's columns where its edit injects; a reweight alone injects as a refine does."""
    kind = target.injection.kind if target.injection else Kind.REFINE
    return map_columns(kind, plan.source, target.prompt)


def _terms(target: Target, columns: ColumnMap, phase: Phase, like: torch.Tensor) -> CrossTerms:
    """a = w·α·c and b = (w·(1−α) + (1−w))·c, of the fused form; the weights' columns hold α already."""
    reweights = [reweight for reweight in target.reweights if reweight.acts and reweight.window in phase]
    injects = target.injection.window in phase if target.injection else bool(reweights)
    window = torch.full_like(columns.has_source, float(injects))
    for word in target.injection.word_windows if target.injection else ():
        window[list(word.positions)] = float(word.window in phase)
    strength = torch.ones_like(window)
    for reweight in reweights:
        strength[list(reweight.positions)] *= reweight.strength
    renormalise = any(reweight.renormalise for reweight in reweights)
    first = columns.weights * (window * strength)
    second = (1 - window * columns.has_source) * strength
    if not bool(first.any()):
        return CrossTerms(None, None if bool((second == 1).all()) else second.to(like), renormalise)
    return CrossTerms(first.to(like), second.to(like) if bool(second.any()) else None, renormalise)
