"""The steps of a run: how many fall into a window, and what to say if none does."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from ..edits.window import SigmaWindow, Window
from ..errors import EditError
from .schedule import Named


class Steps:
    """A run's noise levels: `sigmas` of its steps and the `last` one, where it ends.

    `continues` is true for a run that takes up another's latent (no noise is added), whose windows may rightly lie
    before it.
    """

    def __init__(self, sigmas: Sequence[float], percent_to_sigma: Callable[[float], float], continues: bool) -> None:
        self.sigmas = list(sigmas[:-1])
        self.last = sigmas[-1] if len(sigmas) else 0.0
        self.percent_to_sigma = percent_to_sigma
        self.continues = continues

    @property
    def are_all(self) -> bool:
        """False for a part of a split schedule."""
        return not self.continues and self.last <= 0

    def check(self, edits: Sequence[Named], others: Iterable[Named]) -> Iterator[str]:
        """Raise EditError for a window that no step falls in; each comes with who asked, as asked and in sigmas.

        If some edit acts in this run, a window that lies before its first step is only worth a remark.
        """
        acts = any(self.count(window) for _, _, window in edits)
        for who, asked, window in (*edits, *others):
            flaw = self.flaw(who, asked, window)
            if flaw and not (acts and self.begins_after(window)):
                raise flaw
            if flaw:
                yield str(flaw)

    def count(self, window: SigmaWindow) -> int:
        """How many steps fall into a window."""
        return sum(sigma in window for sigma in self.sigmas)

    def begins_after(self, window: SigmaWindow) -> bool:
        """True if the whole of a window lies before the run, as at a denoise below 1."""
        return bool(self.sigmas) and window.low >= self.sigmas[0]

    def flaw(self, who: str, asked: Window, window: SigmaWindow) -> EditError | None:
        """What is wrong with a window that no step falls in, unless it lies in another run's part of a split schedule.

        A part without steps, which the host passes through, has no flaw.
        """
        before = self.continues and self.begins_after(window)
        after = self.last > 0 and (window.high <= self.last or self.last in window)
        if not self.sigmas or asked.is_empty or self.count(window) or before or after:
            return None
        percents = ", ".join(f"{self._percent(sigma):.3f}" for sigma in self.sigmas)
        return EditError(
            f"{who}: no step of this run falls into the window {asked.start:g} … {asked.end:g}, so it cannot act. The "
            f"steps begin at {percents}",
            "Widen the window, sample more steps or at a higher denoise, or switch it off by making its start equal to "
            "its end.",
        )

    def _percent(self, sigma: float) -> float:
        low, high = 0.0, 1.0
        for _ in range(24):
            middle = (low + high) / 2
            low, high = (middle, high) if self.percent_to_sigma(middle) > sigma else (low, middle)
        return high
