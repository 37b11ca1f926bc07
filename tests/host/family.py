"""A family of transformers as a test runs it: a small model with random weights, with an edit and without."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch

from lab.random_transformers import CROSS, JOINT, cross, joint

from .graph import Latent, Pair, control, empty, prompt, rows, sample

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
    """With its own text encoder."""
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


def close(one: torch.Tensor, other: torch.Tensor) -> bool:
    """Equal up to fp32's rounding."""
    return float((one - other).norm() / other.norm()) <= ROUNDING
