"""Real pictures: the noise that a picture comes from, found by running the sampler's ODE backwards.

DDIM inversion (Song et al. 2021; Dhariwal & Nichol 2021) in the form of Karras et al. 2022: with x at noise level σ and
the model's prediction D(x, σ) of the picture, dx/dσ = (x − D(x, σ))/σ, and Euler's method, which is DDIM, goes up the
run's own noise levels. No optimisation: what guidance would add to the reconstruction's error is kept out by putting
the source back on its trajectory, or by the source's prompt as the negative one.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from enum import Enum

import torch

from ..attention.rows import Rows
from .trajectory import Anchor, Trajectory

Denoise = Callable[[torch.Tensor, float], torch.Tensor]


class Method(Enum):
    """What keeps the source picture under guidance."""

    DIRECT = "direct"
    ALIGNED = "aligned"
    NEGATIVE_PROMPT = "negative_prompt"
    DDIM = "ddim"


class Solver(Enum):
    """Where a step's slope is taken on the way up: where the step begins, or where it ends."""

    EXPLICIT = "explicit"
    IMPLICIT = "implicit"


@dataclass(frozen=True, eq=False)
class Inversion:
    """An inverted picture or batch: its `trajectory`, found from the picture up.

    `direct` puts the source back on the trajectory at every step (Ju et al. 2023), `aligned` besides has the model see
    all rows where the inversion asked it (DirectEdit 2026; see `Anchor`), `negative_prompt` takes the source's prompt
    as the negative one (Miyake et al. 2023), `ddim` only starts from the trajectory's noise. `model` and `prompt` tell
    what it was made with; `schedule` says so in words. `error` estimates the relative error of a reconstruction without
    guidance.
    """

    method: Method
    trajectory: Trajectory
    model: Hashable
    prompt: Hashable
    schedule: str
    error: float

    @property
    def is_exact(self) -> bool:
        """True if the source row of a run is the picture, whatever the guidance."""
        return self.method in (Method.DIRECT, Method.ALIGNED)

    def anchor(self, rows: Rows, device: torch.device) -> Anchor | None:
        """What holds a run's source rows, if the method does."""
        if not self.is_exact:
            return None
        return Anchor(self.trajectory.to(device), rows, self.method is Method.ALIGNED)


def invert(
    denoise: Denoise,
    clean: torch.Tensor,
    sigmas: Sequence[float],
    least: float,
    iterations: int,
    done: Callable[[int, torch.Tensor], None],
    solver: Solver = Solver.EXPLICIT,
    steps_per_call: int = 1,
) -> tuple[Trajectory, float]:
    """Go from a latent [B, C, H, W] up the noise levels `sigmas` (high to 0), one call of `denoise` a step, or one for
    so many steps, which go on in a straight line ("inversion step skipping", EEdit: Yan et al. 2025).

    The slope is taken where a step begins, at the picture itself at the model's `least` noise level, and with
    `iterations` calls more where the step ends, which is where the sampler will take it on its way down (fixed-point
    iterations: Pan et al. 2023, "Effective Real Image Editing with Accelerated Iterative Diffusion Inversion").
    `implicit` takes the step before's slope to predict where the step ends, and the slope there: one call a step and
    one to begin with (Jiao et al. 2026, "UniEdit-Flow", Uni-Inv). `done(step, x)` is called after each. Returns the
    trajectory, and an estimate of the reconstruction's relative error without guidance: the sum of what each step down
    misses.
    """
    implicit = solver is Solver.IMPLICIT
    x, slope, missed, since = clean, torch.zeros_like(clean), torch.zeros_like(clean), 0.0
    points, seen, seen_at = [clean], [clean], [least]
    place, at = clean, least
    for step, (high, low) in enumerate(zip(sigmas[-2::-1], sigmas[:0:-1], strict=True)):
        asks, by = step % steps_per_call == 0, high - low
        if asks and (step == 0 or not implicit):
            place, at = x, max(low, least)
            before, slope = slope, _slope(denoise, place, at)
            missed, since = missed + since * (slope - before), 0.0
        since += by
        following = x + by * slope
        for _ in range((iterations + implicit) * asks):
            place, at = following, high
            slope = _slope(denoise, place, at)
            following = x + by * slope
        if implicit:
            missed += by / high * (following - place) * asks
        x = following
        points.append(x)
        seen.append(place)
        seen_at.append(at)
        done(step, x)
    trajectory = Trajectory(tuple(sigmas), torch.stack(points[::-1]), torch.stack(seen[:0:-1]), tuple(seen_at[:0:-1]))
    return trajectory, float(missed.norm() / clean.norm().clamp_min(1e-12))


def _slope(denoise: Denoise, x: torch.Tensor, sigma: float) -> torch.Tensor:
    return (x - denoise(x, sigma)) / sigma
