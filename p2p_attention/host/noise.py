"""The noise that samplers draw at every step: the same for all rows of a picture, or none at all."""

from __future__ import annotations

import contextlib
import functools
import inspect
from collections.abc import Callable, Iterator
from typing import Any

import comfy.k_diffusion.sampling
import torch

from ..attention.rows import Rows
from ..errors import EditError, Part
from .known_host import DRAW_IN_VAIN

Draw = Callable[..., torch.Tensor]


@contextlib.contextmanager
def shared_noise(
    sampler: Any, draw: Callable[..., Draw], noise: torch.Tensor, rows: Rows, sigmas: torch.Tensor, seed: int | None
) -> Iterator[None]:
    """While it lasts, the noise that a sampler draws per step is the same for all rows of a picture, as for one row."""
    function: Any = getattr(sampler, "sampler_function", None)
    draws = function is not None and "noise_sampler" in inspect.signature(function).parameters
    if not draws or sampler.extra_options.get("noise_sampler") is not None or len(sigmas) < 2:
        yield
        return
    extra_options = sampler.extra_options
    drawn = draw(function.__name__, rows.sources(noise), sigmas, seed)
    sampler.extra_options = {**extra_options, "noise_sampler": lambda *at: rows.spread(drawn(*at))}
    try:
        yield
    finally:
        sampler.extra_options = extra_options


@contextlib.contextmanager
def shared_inpainting_noise(sampler: Any, rows: Rows) -> Iterator[None]:
    """While it lasts, a sampler that draws noise for what a mask keeps (ddim) gives all rows of a picture the same."""
    original: Any = getattr(sampler, "sampler_function", None)
    if not getattr(sampler, "inpaint_options", {}).get("random"):
        yield
        return

    @functools.wraps(original)
    def alike(model: Any, *args: Any, **kwargs: Any) -> torch.Tensor:
        model.noise = rows.spread(rows.sources(model.noise))
        return original(model, *args, **kwargs)

    sampler.sampler_function = alike
    try:
        yield
    finally:
        sampler.sampler_function = original


def beginning_at(sampling: Any, sigma: torch.Tensor, start: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The noise and the latent from which the host's `noise_scaling` makes `start` [R, C, H, W] at the first noise
    level: of a flow's latent it takes the share 1 − σ, which is nothing at σ = 1.
    """
    nothing, one = torch.zeros_like(start), start.new_ones((1,) * start.ndim)
    of_noise, of_latent = (float(sampling.noise_scaling(sigma, *pair)) for pair in ((one, 0 * one), (0 * one, one)))
    return (nothing, start / of_latent) if of_latent >= 1 else (start / of_noise, nothing)


def noise_sampler(name: str, x: torch.Tensor, sigmas: torch.Tensor, seed: int | None) -> Draw:
    """The host's own noise sampler for this sampler function, for one row of each picture."""
    if name.startswith("sample_dpmpp") and "sde" in name:
        low, high = sigmas[sigmas > 0].min(), sigmas.max()
        tree = comfy.k_diffusion.sampling.BrownianTreeNoiseSampler
        return tree(x, low, high, seed=seed, cpu=not name.endswith("_gpu"))
    return comfy.k_diffusion.sampling.default_noise_sampler(x, seed=seed)


def refuse_noise(name: str, x: torch.Tensor, *_: Any) -> Draw:
    """A noise sampler that refuses to draw, except where the noise would be multiplied by nothing."""

    def refuse(*_: Any) -> torch.Tensor:
        if name in DRAW_IN_VAIN:
            return torch.zeros_like(x)
        raise EditError(
            f"the sampler {name.removeprefix('sample_')} draws noise at every step, and an inversion holds only "
            "without",
            "Choose one that does not, such as euler, ddim or dpmpp_2m.",
            Part.CONTROLLER,
        )

    return refuse
