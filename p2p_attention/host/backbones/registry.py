"""Which families of models the pack knows."""

from __future__ import annotations

import comfy.model_patcher

from .base import Backbone
from .cross import CrossBackbone
from .joint import JointBackbone
from .unet import UNetBackbone


def backbone_of(model: comfy.model_patcher.ModelPatcher) -> Backbone | None:
    """How a model attends; None if the pack does not know it."""
    return UNetBackbone.of(model) or JointBackbone.of(model) or CrossBackbone.of(model)
