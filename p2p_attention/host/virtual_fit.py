"""Whether a run fits a virtual inversion, and the noise of one that draws it anew."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import comfy.samplers
import torch

from ..errors import EditError, Part


def pictures_to_noise(sampler: comfy.samplers.Sampler, pictures: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
    """A copy of the pictures [pictures, C, H, W] that a run adds `noise` [rows, C, H, W] to.

    Raises EditError if there are none, or for a run that would not keep them.
    """
    if not bool(pictures.any()):
        raise EditError("the latent is empty", "Encode a picture with VAE Encode.", Part.VIRTUAL)
    if not bool(noise.any()):
        raise EditError(
            "the sampler adds no noise, so the latent is not the picture but another run's",
            "Let one sampler make the whole run.",
            Part.VIRTUAL,
        )
    name = getattr(getattr(sampler, "sampler_function", None), "__name__", "").removeprefix("sample_")
    if "cfg_pp" in name:
        raise EditError(
            f"the sampler {name} steps with the negative prompt's prediction, which leads away from the picture",
            "Choose another, such as euler or lcm.",
            Part.VIRTUAL,
        )
    return pictures.clone()


def renoising(sampling: Any, pictures: torch.Tensor, seed: int | None) -> Callable[[float], torch.Tensor]:
    """Gives the pictures [pictures, C, H, W] at a noise level, as the host noises them, each time with other noise."""
    drawn = torch.Generator().manual_seed((seed or 0) + 1)  # the seed itself is that of the noise a run begins with

    def noised(sigma: float) -> torch.Tensor:
        noise = torch.randn(pictures.shape, generator=drawn).to(pictures)
        made: torch.Tensor = sampling.noise_scaling(pictures.new_tensor(sigma), noise, pictures)
        return made

    return noised
