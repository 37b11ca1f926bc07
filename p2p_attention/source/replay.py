"""Which calls of an inversion a run repeats for its source, so that they can be recorded on the way up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .inversion import Method, Solver


@dataclass(frozen=True)
class Replay:
    """What a run asks of an inversion's calls: without alignment what the model gives at the trajectory's points, with
    it what the inversion itself asked for the step.
    """

    method: Method
    solver: Solver
    iterations: int

    @property
    def why_not(self) -> str:
        """Why no call is repeated, in words; nothing if some are."""
        if self.method is Method.ALIGNED:
            return "fixed-point iterations move where an aligned run asks the model" if self.iterations else ""
        implicit = self.solver is Solver.IMPLICIT
        return "an implicit inversion asks the model elsewhere than its run does" if implicit else ""

    def call(self, step: int, levels: Sequence[float], least: float) -> tuple[float, float] | None:
        """The noise level of a step's first call, and where the step begins in which the run asks the same; None for a
        call that the run does not repeat.

        Steps go up from 0 through the noise levels `levels`, which go from high to 0; the one after the last is a call
        at the topmost point.
        """
        low = levels[-1 - step]
        if self.method is not Method.ALIGNED:
            return (low, low) if step else None
        implicit, topmost = self.solver is Solver.IMPLICIT, step == len(levels) - 1
        if topmost or (implicit and step == 0):
            return None
        high = levels[-2 - step]
        return (high if implicit else max(low, least)), high
