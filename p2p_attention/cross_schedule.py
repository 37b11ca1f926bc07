"""Which edits of cross-attention act when, and what they make together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import torch

from .column_map import ColumnMap, map_columns
from .edits import EditPlan, Kind
from .fused import CrossTerms
from .window import SigmaWindow, Window

REWEIGHT_NODE = "P2P Reweight"

Phase = tuple[bool, ...]


class CrossSchedule:
    """The phases of a plan, and the terms of the fused form in each.

    A phase says what is active: the injection, each of its word windows, each reweight. Without a swap or a refine,
    a reweight injects the kept words' maps inside its own window, as the paper's attention re-weighting does; one of
    strength 1 does nothing.
    """

    def __init__(self, plan: EditPlan, percent_to_sigma: Callable[[float], float]) -> None:
        injection = plan.injection
        self.word_windows = injection.word_windows if injection else ()
        self.reweights = [reweight for reweight in plan.reweights if reweight.strength != 1]
        self._asked: list[tuple[str, Window]] = []
        if injection:
            windows = (injection.window, *(word.window for word in self.word_windows))
            self._asked += [(injection.kind.value, window) for window in windows]
        self._asked += [(REWEIGHT_NODE, reweight.window) for reweight in self.reweights]
        self._sigmas = [window.to_sigmas(percent_to_sigma) for _, window in self._asked]
        self._injects_by_itself = injection is None and bool(self.reweights)
        kind = injection.kind if injection else Kind.REFINE
        self._columns = [map_columns(kind, plan.source, target) for target in plan.targets]

    def windows(self) -> Iterator[tuple[str, Window, SigmaWindow]]:
        """(node, window as asked, window in sigmas) of every edit."""
        for (node, asked), window in zip(self._asked, self._sigmas, strict=True):
            yield node, asked, window

    def takes_extra_rows(self, sigmas: Sequence[float]) -> bool:
        """True if in some of these steps both terms of the fused form are needed for a target."""
        phases = {self.phase(sigma) for sigma in sigmas}
        terms = [term for phase in phases if any(phase) for term in self.terms(phase, torch.zeros(()))]
        return any(term.first is not None and term.second is not None for term in terms)

    def phase(self, sigma: float) -> Phase:
        """What is active at a noise level."""
        active = tuple(sigma in window for window in self._sigmas)
        return (any(active), *active) if self._injects_by_itself else active

    def terms(self, phase: Phase, like: torch.Tensor) -> list[CrossTerms]:
        """The terms of every target in a phase, on the device and in the dtype of `like`."""
        injects, *others = phase
        words, reweights = others[: len(self.word_windows)], others[len(self.word_windows) :]
        made = []
        for number, columns in enumerate(self._columns):
            window = torch.full_like(columns.has_source, float(injects))
            for word, active in zip(self.word_windows, words, strict=True):
                window[list(word.positions[number])] = float(active)
            strength = torch.ones_like(window)
            for reweight, active in zip(self.reweights, reweights, strict=True):
                if active:
                    strength[list(reweight.positions[number])] *= reweight.strength
            made.append(_terms(columns, window, strength, like))
        return made


def _terms(columns: ColumnMap, window: torch.Tensor, strength: torch.Tensor, like: torch.Tensor) -> CrossTerms:
    """a = w·α·c and b = (w·(1−α) + (1−w))·c, of the fused form; the weights' columns hold α already."""
    first = columns.weights * (window * strength)
    second = (1 - window * columns.has_source) * strength
    if not bool(first.any()):
        return CrossTerms(None, None if bool((second == 1).all()) else second.to(like))
    return CrossTerms(first.to(like), second.to(like) if bool(second.any()) else None)
