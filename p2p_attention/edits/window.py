"""When in the run something acts."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from ..errors import EditError

ROUNDING = 1e-5


@dataclass(frozen=True)
class Window:
    """A part [start, end) of the run, in the host's percent of the noise schedule: 0 is pure noise, 1 the picture.

    An empty window (start = end) never acts. Raises EditError for a reversed window or one outside 0 … 1.
    """

    start: float
    end: float

    def __post_init__(self) -> None:
        _check(self.start, self.end, "start_percent", "end_percent")

    @classmethod
    def of_inputs(cls, start: float, end: float, start_name: str, end_name: str) -> Window:
        """A window from inputs of other names, which the message of a wrong one has."""
        _check(start, end, start_name, end_name)
        return cls(start, end)

    def __str__(self) -> str:
        return f"{self.start:g} … {self.end:g}"

    @property
    def is_empty(self) -> bool:
        """True if nothing can ever fall into the window."""
        return self.start == self.end

    def to_sigmas(self, percent_to_sigma: Callable[[float], float]) -> SigmaWindow:
        """The same window in noise levels."""
        if self.is_empty:
            return SigmaWindow(0.0, 0.0)
        return SigmaWindow(float(percent_to_sigma(self.start)), float(percent_to_sigma(self.end)))


def _check(start: float, end: float, start_name: str, end_name: str) -> None:
    for name, value in ((start_name, start), (end_name, end)):
        if not (math.isfinite(value) and 0 <= value <= 1):
            raise EditError(f"{name} is {value}; it must lie between 0.0 and 1.0.")
    if start > end:
        raise EditError(f"{start_name} {start} comes after {end_name} {end}; lower the first or raise the second.")


@dataclass(frozen=True)
class SigmaWindow:
    """Noise levels high ≥ σ > low, a step on a bound being where exact numbers would put it, not float32's."""

    high: float
    low: float

    def __contains__(self, sigma: float) -> bool:
        return self.high * (1 + ROUNDING) >= sigma > self.low * (1 + ROUNDING)
