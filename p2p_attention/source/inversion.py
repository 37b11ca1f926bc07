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

from .trajectory import Trajectory

Denoise = Callable[[torch.Tensor, float], torch.Tensor]


class Method(Enum):
    """What keeps the source picture under guidance."""

    DIRECT = "direct"
    NEGATIVE_PROMPT = "negative_prompt"
    DDIM = "ddim"


@dataclass(frozen=True, eq=False)
class Inversion:
    """An inverted picture or batch: its `trajectory`, found from the picture up.

    `direct` puts the source back on the trajectory at every step (Ju et al. 2023), `negative_prompt` takes the source's
    prompt as the negative one (Miyake et al. 2023), `ddim` only starts from the trajectory's noise. `model` and
    `prompt` tell what it was made with; `schedule` says so in words. `error` estimates the relative error of a
    reconstruction without guidance.
    """

    method: Method
    trajectory: Trajectory
    model: Hashable
    prompt: Hashable
    schedule: str
    error: float


def invert(
    denoise: Denoise,
    clean: torch.Tensor,
    sigmas: Sequence[float],
    least: float,
    iterations: int,
    done: Callable[[int, torch.Tensor], None],
) -> tuple[torch.Tensor, float]:
    """Go from a latent [B, C, H, W] up the noise levels `sigmas` (high to 0), one call of `denoise` a step.

    The slope is taken where a step begins, at the picture itself at the model's `least` noise level, and with
    `iterations` calls more where the step ends, which is where the sampler will take it on its way down (fixed-point
    iterations: Pan et al. 2023, "Effective Real Image Editing with Accelerated Iterative Diffusion Inversion").
    `done(step, x)` is called after each. Returns the trajectory [steps + 1, B, C, H, W], high to 0, and an estimate of
    the reconstruction's relative error without guidance: the sum of what each step down misses, known from the slopes
    that were taken anyway.
    """
    points, missed = [clean], torch.zeros_like(clean)
    before: torch.Tensor | None = None
    for step, (high, low) in enumerate(zip(sigmas[-2::-1], sigmas[:0:-1], strict=True)):
        x = points[-1]
        slope = _slope(denoise, x, max(low, least))
        if before is not None:
            missed += (sigmas[-step] - sigmas[-step - 1]) * (slope - before)
        following = x + (high - low) * slope
        for _ in range(iterations):
            slope = _slope(denoise, following, high)
            following = x + (high - low) * slope
        points.append(following)
        before = slope
        done(step, following)
    return torch.stack(points[::-1]), float(missed.norm() / clean.norm().clamp_min(1e-12))


def _slope(denoise: Denoise, x: torch.Tensor, sigma: float) -> torch.Tensor:
    return (x - denoise(x, sigma)) / sigma
