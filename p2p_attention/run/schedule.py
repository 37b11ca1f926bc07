"""Which edits act when: the phases of a run."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ..attention.indices import Indices
from ..attention.phase import Phase
from ..edits.plan import EditPlan
from ..edits.self_attention import SelfAttention
from ..edits.window import SigmaWindow, Window
from ..errors import Part

PercentToSigma = Callable[[float], float]
Named = tuple[str, Window, SigmaWindow]


class Schedule:
    """From a noise level to the phase of the run, each made once.

    A phase is known by the windows that are open in it.
    """

    def __init__(self, plan: EditPlan, self_attention: SelfAttention, percent_to_sigma: PercentToSigma) -> None:
        self.plan = plan
        asked = dict.fromkeys(pair for target in plan.targets for edit in target.map_edits for pair in edit.windows())
        self._windows = [(part, window, window.to_sigmas(percent_to_sigma)) for part, window in asked]
        self._self_window = self_attention.window.to_sigmas(percent_to_sigma)
        self._self_asked = (f"{Part.CONTROLLER}, self_end_percent", self_attention.window, self._self_window)
        self._phases: dict[tuple[frozenset[Window], bool], Phase] = {}
        self._index = Indices()

    def windows(self) -> Iterator[Named]:
        """(who asked, window as asked, window in sigmas) of every edit."""
        for part, window, sigmas in self._windows:
            yield str(part), window, sigmas
        yield self._self_asked

    def phase(self, sigma: float) -> Phase:
        """What the edit does at a noise level."""
        open_windows = frozenset(window for _, window, sigmas in self._windows if sigma in sigmas)
        key = (open_windows, sigma in self._self_window)
        if key not in self._phases:
            terms = [target.edited_map(open_windows).terms() for target in self.plan.edited]
            self._phases[key] = Phase(terms, self.plan.tokens, bool(open_windows), key[1], self._index)
        return self._phases[key]
