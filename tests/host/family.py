"""A family of models as a test runs it: a small model with random weights, with an edit and without."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch

from lab.random_models import sd15
from lab.random_transformers import CROSS, JOINT, cross, joint

from .graph import SIZES, Latent, Pair, control, empty, prompt, rows, sample

SOURCE, SWAPPED, ADDED = "a cat on a mat", "a hippopotamus on a mat", "a big cat on a red mat"
STEPS = 3
ROUNDING = 1e-5


class Family(NamedTuple):
    """A model of a family, a text encoder that fits it, and a latent of one picture or video."""

    name: str
    model: Any
    clip: Any
    latent: Latent


def family_of(name: str) -> Family:
    """With its own text encoder; "sd15" is the UNet among them."""
    if name == "sd15":
        return Family(name, *sd15(), empty(SIZES[name]))
    model, clip = cross(name) if name in CROSS else joint(name)
    return Family(name, model, clip, empty((CROSS | JOINT)[name].latent))


def plain(family: Family, pair: Pair, count: int = 2) -> torch.Tensor:
    """The run without an edit. Of Anima the host can make no batch of unlike prompts, so it is one without acts."""
    if family.name == "anima":
        return edited(family, pair, pair.edit, 0.0)
    return sample(family.model, pair.positive, prompt(family.clip), rows(family.latent, count), steps=STEPS)


def edited(family: Family, pair: Pair, edit, self_end: float) -> torch.Tensor:
    """The run with an edit. Returns [rows, C, ..., H, W]."""
    controlled = control(family.model, edit, family.latent, self_end=self_end)
    return sample(controlled.model, pair.positive, prompt(family.clip), controlled.latent, steps=STEPS)


def lora_weights(model: Any) -> dict[str, torch.Tensor]:
    """A LoRA's weights of rank 2 for every matrix of a model that is no embedding, as the host loads them."""
    generator, weights = torch.Generator().manual_seed(3), {}
    for key, value in model.model.diffusion_model.state_dict().items():
        if value.ndim == 2 and key.endswith(".weight") and "embed" not in key:
            at = f"diffusion_model.{key.removesuffix('.weight')}"
            weights[f"{at}.lora_A.weight"] = torch.randn(2, value.shape[1], generator=generator)
            weights[f"{at}.lora_B.weight"] = torch.randn(value.shape[0], 2, generator=generator) * 0.02
    return weights


def close(one: torch.Tensor, other: torch.Tensor) -> bool:
    """Equal up to fp32's rounding."""
    return float((one - other).norm() / other.norm()) <= ROUNDING
