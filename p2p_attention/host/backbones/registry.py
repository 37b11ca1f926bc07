"""Which families of models the pack knows."""

from __future__ import annotations

import comfy.model_patcher

from .base import Backbone
from .unet import UNetBackbone

BACKBONES: tuple[Backbone, ...] = (UNetBackbone(),)


def backbone_of(model: comfy.model_patcher.ModelPatcher) -> Backbone | None:
    """The family that a model is of; None if it is of none that the pack knows."""
    return next((backbone for backbone in BACKBONES if backbone.matches(model)), None)
